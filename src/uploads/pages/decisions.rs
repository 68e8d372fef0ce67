//! `POST /uploads/{id}/decisions`: decides about values of a channel that were not applied by themselves.

use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};

use super::show::{DECISIONS, show_page};
use super::upload_path;
use crate::audit::MemberActor;
use crate::districts::DistrictCache;
use crate::id::ConflictId;
use crate::storage::Storage;
use crate::uploads::Uploads;
use crate::uploads::decisions::{ChosenConflicts, ChosenValue, DecisionOutcome, decide_conflicts};
use crate::web::paging::PageQuery;
use crate::web::{
    Error, Flash, FormPairs, Layout, PageResult, Query, Tone, parse_id, personal_page_with_status, redirect_with_flash,
};

/// Parses `channel=ID` or `own=ID` of a row; `act=channel|own` with `tick=ID` …; or `all=channel|own`.
fn parse_form(pairs: &[(String, String)]) -> Result<(ChosenValue, ChosenConflicts), Error> {
    let single = pairs.iter().find_map(|(name, value)| Some((parse_value(name)?, parse_conflict(value)?)));
    let named = |field: &str| pairs.iter().find(|(name, _)| name == field).and_then(|(_, value)| parse_value(value));
    if let Some((value, id)) = single {
        return Ok((value, ChosenConflicts::Some(vec![id])));
    }
    if let Some(value) = named("all") {
        return Ok((value, ChosenConflicts::All));
    }
    let Some(value) = named("act") else {
        return Err(Error::BadRequest("어떤 작업인지 알 수 없어요. 새로고침한 뒤 다시 시도해 주세요.".to_owned()));
    };
    let ticked = pairs.iter().filter(|(name, _)| name == "tick").filter_map(|(_, id)| parse_conflict(id));
    Ok((value, ChosenConflicts::Some(ticked.collect())))
}

fn parse_conflict(number: &str) -> Option<ConflictId> {
    number.parse().ok().map(ConflictId::from_raw)
}

fn parse_value(code: &str) -> Option<ChosenValue> {
    match code {
        "channel" => Some(ChosenValue::Channel),
        "own" => Some(ChosenValue::Own),
        _ => None,
    }
}

#[expect(clippy::too_many_arguments, reason = "extractors")]
pub(super) async fn decide(
    State(storage): State<Storage>,
    State(uploads): State<Uploads>,
    State(districts): State<DistrictCache>,
    layout: Layout,
    actor: MemberActor,
    Path(id): Path<String>,
    Query(paging): Query<PageQuery>,
    uri: Uri,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let id = parse_id(&id)?;
    let (chosen, conflicts) = parse_form(&pairs)?;
    let path = format!("{}?{}", upload_path(id), uri.query().unwrap_or_default());
    let is_empty = conflicts == ChosenConflicts::Some(Vec::new());
    let (failed, flash, message) = storage
        .write(move |tx| {
            if is_empty {
                return Ok((Vec::new(), None, "선택한 값이 없어요. 행을 먼저 선택해 주세요.".to_owned()));
            }
            let districts = districts.current(tx)?;
            let by = (id, actor.into());
            let DecisionOutcome { recorded, failed, .. } = decide_conflicts(tx, by, chosen, &conflicts, &districts)?;
            let flash = Flash::from(&recorded);
            let saved = failed.is_empty().then(|| flash.save(tx, actor.id)).transpose()?;
            Ok::<_, Error>((failed, saved, flash.message))
        })
        .await?;
    if let Some(flash) = flash {
        return Ok(redirect_with_flash(&path, flash));
    }
    let uri: Uri = path.parse().map_err(|_| Error::NotFound)?;
    let mut page = show_page(&storage, &uploads, layout, id, DECISIONS, paging, &uri).await?;
    for decision in &mut page.decisions {
        let failure = failed.iter().find(|(failed, _)| decision.id == Some(*failed));
        decision.problem = failure.map(|(_, reason)| reason.clone());
    }
    page.layout.flash = Some(Flash::new(Tone::Warning, &message));
    Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page))
}

//! `POST /uploads/{id}/conflicts`: resolves conflicting tracking numbers.

use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};

use super::show::{CONFLICTS, show_page};
use super::upload_path;
use crate::audit::{ConflictDecision, MemberActor};
use crate::id::UploadId;
use crate::storage::Storage;
use crate::uploads::Uploads;
use crate::uploads::conflicts::{Conflict, ConflictOutcome, resolve_conflicts};
use crate::web::paging::PageQuery;
use crate::web::{
    Error, Flash, FormPairs, Layout, PageResult, Query, Tone, parse_id, personal_page_with_status, redirect_with_flash,
};

/// The parsed form: a button of a row decides about that row, the buttons below the list about the ticked
/// rows.
struct ConflictsForm {
    decision: ConflictDecision,
    conflicts: Vec<Conflict>,
}

impl ConflictsForm {
    /// Parses `replace=ROW`, `parcel=ROW` or `keep=ROW`; or `act=replace|parcel|keep` and `tick=ROW` …; and `seen-ROW=NUMBER`
    /// for each row.
    fn parse(pairs: &[(String, String)]) -> Result<Self, Error> {
        let is_named = pairs.iter().any(|(name, _)| parse_decision(name).is_some());
        let single = pairs.iter().find_map(|(name, value)| Some((parse_decision(name)?, value.as_str())));
        let bulk = pairs.iter().find(|(name, _)| name == "act").and_then(|(_, value)| parse_decision(value));
        let (decision, rows) = match (single, bulk) {
            (Some((decision, row)), _) => (decision, vec![row]),
            (None, Some(decision)) => {
                let ticked = pairs.iter().filter(|(name, _)| name == "tick");
                (decision, ticked.map(|(_, row)| row.as_str()).collect())
            }
            (None, None) => {
                return Err(Error::BadRequest(
                    "어떤 작업인지 알 수 없어요. 새로고침한 뒤 다시 시도해 주세요.".to_owned(),
                ));
            }
        };
        let seen = |row: &str| pairs.iter().find(|(name, _)| name.strip_prefix("seen-") == Some(row));
        let conflicts = rows.into_iter().filter_map(|row| {
            let seen = seen(row).map(|(_, seen)| seen.clone()).unwrap_or_default();
            Some(Conflict { row: row.parse().ok()?, seen, is_named })
        });
        Ok(Self { decision, conflicts: conflicts.collect() })
    }
}

fn parse_decision(code: &str) -> Option<ConflictDecision> {
    match code {
        "replace" => Some(ConflictDecision::Replace),
        "parcel" => Some(ConflictDecision::AsParcel),
        "keep" => Some(ConflictDecision::Keep),
        _ => None,
    }
}

#[expect(clippy::too_many_arguments, reason = "extractors")]
pub(super) async fn resolve(
    State(storage): State<Storage>,
    State(uploads): State<Uploads>,
    layout: Layout,
    actor: MemberActor,
    Path(id): Path<String>,
    Query(paging): Query<PageQuery>,
    uri: Uri,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let id = parse_id(&id)?;
    let ConflictsForm { decision, conflicts } = ConflictsForm::parse(&pairs)?;
    let path = format!("{}?{}", upload_path(id), uri.query().unwrap_or_default());
    let ticked: Vec<u32> = conflicts.iter().map(|conflict| conflict.row).collect();
    if conflicts.is_empty() {
        let flash = Flash::new(Tone::Warning, "선택한 행이 없어요. 행을 먼저 선택해 주세요.");
        return render_with_errors(&storage, &uploads, layout, (id, &path, paging), &ticked, &[], flash).await;
    }
    let (message, failed, flash) = storage
        .write(move |tx| {
            let ConflictOutcome { recorded, failed } = resolve_conflicts(tx, id, actor, decision, &conflicts)?;
            let flash = Flash::from(&recorded);
            let saved = failed.is_empty().then(|| flash.save(tx, actor.id)).transpose()?;
            Ok::<_, Error>((flash.message, failed, saved))
        })
        .await?;
    if let Some(flash) = flash {
        return Ok(redirect_with_flash(&path, flash));
    }
    let flash = Flash::new(Tone::Warning, &message);
    render_with_errors(&storage, &uploads, layout, (id, &path, paging), &ticked, &failed, flash).await
}

/// The conflicts with the ticks of the form and an error at each row that failed.
async fn render_with_errors(
    storage: &Storage,
    uploads: &Uploads,
    layout: Layout,
    (id, path, paging): (UploadId, &str, PageQuery),
    ticked: &[u32],
    failed: &[(u32, String)],
    flash: Flash,
) -> PageResult {
    let uri: Uri = path.parse().map_err(|_| Error::NotFound)?;
    let mut page = show_page(storage, uploads, layout, id, CONFLICTS, paging, &uri).await?;
    for row in &mut page.rows {
        row.problem = failed.iter().find(|(number, _)| *number == row.number()).map(|(_, reason)| reason.clone());
        row.is_ticked = ticked.contains(&row.number()) && (failed.is_empty() || row.problem.is_some());
    }
    page.layout.flash = Some(flash);
    Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page))
}

#[cfg(test)]
mod tests;

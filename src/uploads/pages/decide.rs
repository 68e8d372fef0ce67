//! What is decided about the rejected rows of a report: another number or the present one, and that
//! the report is dealt with.

use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use serde_json::json;

use super::number;
use super::show::{CONFLICTS, show_page};
use crate::audit;
use crate::id::crockford;
use crate::uploads::conflicts::{Chosen, Decided, Decision, decide};
use crate::uploads::store;
use crate::web::paging::PageQuery;
use crate::web::{
    AppState, Error, Flash, FormPairs, Layout, Member, PageResult, Query, Tone, page_with_status, redirect_with_flash,
};

/// What the form of the conflicts asks for.
struct Asked {
    decision: Decision,
    chosen: Vec<Chosen>,
}

impl Asked {
    /// A button of a row decides about that row, those below the list about the ticked ones.
    fn read(pairs: &[(String, String)]) -> Result<Self, Error> {
        let one = pairs.iter().find_map(|(name, value)| Some((decision(name)?, value.as_str())));
        let act = pairs.iter().find(|(name, _)| name == "act").and_then(|(_, value)| decision(value));
        let (decision, rows) = match (one, act) {
            (Some((decision, row)), _) => (decision, vec![row]),
            (None, Some(decision)) => {
                let ticked = pairs.iter().filter(|(name, _)| name == "tick");
                (decision, ticked.map(|(_, row)| row.as_str()).collect())
            }
            (None, None) => {
                return Err(Error::BadRequest("무엇을 할지 알 수 없어요. 행의 단추를 눌러 주세요.".to_owned()));
            }
        };
        let seen = |row: &str| pairs.iter().find(|(name, _)| name.strip_prefix("seen-") == Some(row));
        let chosen = rows.into_iter().filter_map(|row| {
            Some(Chosen { row: row.parse().ok()?, seen: seen(row).map(|(_, seen)| seen.clone()).unwrap_or_default() })
        });
        Ok(Self { decision, chosen: chosen.collect() })
    }
}

fn decision(word: &str) -> Option<Decision> {
    match word {
        "replace" => Some(Decision::Replace),
        "keep" => Some(Decision::Keep),
        _ => None,
    }
}

pub(super) async fn conflicts(
    State(state): State<AppState>,
    layout: Layout,
    member: Member,
    Path(id): Path<String>,
    Query(paging): Query<PageQuery>,
    uri: Uri,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let id = number(&id)?;
    let Asked { decision, chosen } = Asked::read(&pairs)?;
    let here = format!("/uploads/{}?{}", crockford(id), uri.query().unwrap_or_default());
    let ticked: Vec<u32> = chosen.iter().map(|chosen| chosen.row).collect();
    if chosen.is_empty() {
        let notice = Flash::new(Tone::Warning, "선택한 행이 없어요. 행을 먼저 선택해 주세요.");
        return again(&state, layout, (id, &here, paging), &ticked, &[], notice).await;
    }
    let (activity, message, refused) = state
        .storage
        .write(move |tx| {
            let Decided { rows, refused } = decide(tx, id, member.id, decision, &chosen)?;
            let message = answer(decision, rows, refused.len());
            let tone = if refused.is_empty() { "success" } else { "warning" };
            let summary = json!({ "message": message, "tone": tone, "upload": crockford(id) });
            let activity = audit::record(tx, Some(member.id), "uploads.decided", &summary)?;
            Ok::<_, Error>((activity, message, refused))
        })
        .await?;
    if refused.is_empty() {
        return Ok(redirect_with_flash(&here, activity));
    }
    again(&state, layout, (id, &here, paging), &ticked, &refused, Flash::new(Tone::Warning, &message)).await
}

fn answer(decision: Decision, rows: usize, refused: usize) -> String {
    let mut told = Vec::new();
    if rows > 0 || refused == 0 {
        told.push(match decision {
            Decision::Replace => format!("{rows}행을 새 번호로 바꿨어요."),
            Decision::Keep => format!("{rows}행은 지금 번호를 그대로 두었어요."),
        });
    }
    if refused > 0 {
        told.push(format!("{refused}행은 처리하지 못했어요. 표시된 곳을 확인해 주세요."));
    }
    told.join(" ")
}

/// The conflicts again, with what was ticked and why it was not done.
async fn again(
    state: &AppState,
    layout: Layout,
    (id, here, paging): (i64, &str, PageQuery),
    ticked: &[u32],
    refused: &[(u32, String)],
    notice: Flash,
) -> PageResult {
    let uri: Uri = here.parse().map_err(|_| Error::NotFound)?;
    let mut page = show_page(state, layout, id, CONFLICTS, paging, &uri).await?;
    for row in &mut page.rows {
        row.problem = refused.iter().find(|(number, _)| *number == row.number()).map(|(_, reason)| reason.clone());
        row.ticked = ticked.contains(&row.number()) && (refused.is_empty() || row.problem.is_some());
    }
    page.layout.flash = Some(notice);
    Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page))
}

pub(super) async fn handled(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<String>,
    FormPairs(_): FormPairs,
) -> PageResult {
    let id = number(&id)?;
    let activity = state
        .storage
        .write(move |tx| {
            store::find(tx, id)?.ok_or(Error::NotFound)?;
            let rows = store::mark_handled(tx, id, member.id)?;
            let (message, tone) = match rows {
                0 => ("처리할 행이 남아 있지 않아요.".to_owned(), "warning"),
                rows => (format!("거절된 {rows}행을 처리함으로 표시했어요."), "success"),
            };
            let summary = json!({ "message": message, "tone": tone, "upload": crockford(id) });
            Ok::<_, Error>(audit::record(tx, Some(member.id), "uploads.handled", &summary)?)
        })
        .await?;
    Ok(redirect_with_flash(&format!("/uploads/{}", crockford(id)), activity))
}

#[cfg(test)]
mod tests;

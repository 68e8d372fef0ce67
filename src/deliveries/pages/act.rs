//! What is done with deliveries: ticked ones of the list delivered or printed, and a slip of the
//! finger taken back.

use axum::extract::State;
use axum::http::{StatusCode, Uri};

use super::list::list_page;
use super::slips::slips_of;
use crate::deliveries::complete;
use crate::deliveries::filter::DeliveryWords;
use crate::storage::{Result as StorageResult, Tx, parse_crockford};
use crate::web::paging::Paging;
use crate::web::{
    AppState, Error, FormPairs, Layout, Member, Notice, PageResult, Query, Tone, done, local_path, page_with, redirect,
};

/// Deliveries that one act may be about.
const MOST: usize = 200;

/// The identifiers under that name, in the sequence of the page, each once.
pub(super) fn ids(pairs: &[(String, String)], name: &str) -> Vec<i64> {
    let mut ids = Vec::new();
    for id in pairs.iter().filter(|(other, _)| other == name).filter_map(|(_, id)| parse_crockford(id)) {
        if !ids.contains(&id) && ids.len() < MOST {
            ids.push(id);
        }
    }
    ids
}

fn word<'p>(pairs: &'p [(String, String)], name: &str) -> &'p str {
    pairs.iter().find(|(other, _)| other == name).map_or("", |(_, word)| word)
}

/// What the buttons of the list do.
pub(super) async fn ticked(
    State(state): State<AppState>,
    layout: Layout,
    member: Member,
    Query(words): Query<DeliveryWords>,
    Query(paging): Query<Paging>,
    uri: Uri,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let ticked = ids(&pairs, "tick");
    if ticked.is_empty() {
        let mut page = list_page(&state, layout, &member, words, paging, &uri).await?;
        page.layout.notice = Some(Notice::said(Tone::Warning, "선택한 배송이 없어요. 배송을 먼저 선택해 주세요."));
        return Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, page));
    }
    match word(&pairs, "act") {
        "slips" => Ok(redirect(&slips_of(&ticked))),
        "complete" => {
            let activity = state.storage.write(move |tx| complete::complete(tx, member.id, &ticked)).await?;
            Ok(done(uri.path_and_query().map_or("/deliveries", |here| here.as_str()), activity))
        }
        _ => Err(Error::BadRequest("무엇을 할지 알 수 없어요. 목록의 단추를 눌러 주세요.".to_owned())),
    }
}

/// 되돌리기, of one delivery or of all that one act completed.
pub(super) async fn undo(State(state): State<AppState>, member: Member, FormPairs(pairs): FormPairs) -> PageResult {
    let (deliveries, activities) = (ids(&pairs, "delivery"), ids(&pairs, "activity"));
    let undo = move |tx: &mut dyn Tx| -> StorageResult<i64> {
        let mut deliveries = deliveries.clone();
        for activity in &activities {
            deliveries.extend(complete::undoable_of(tx, *activity)?);
        }
        complete::undo(tx, member.id, &deliveries)
    };
    let activity = state.storage.write(undo).await?;
    Ok(done(local_path(word(&pairs, "back")).unwrap_or("/deliveries"), activity))
}

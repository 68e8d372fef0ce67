//! The page of one delivery.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::view::View;
use crate::audit;
use crate::deliveries::complete;
use crate::deliveries::list::carried;
use crate::deliveries::log::{self, Action, Event};
use crate::deliveries::store;
use crate::orders::edit::read_memo;
use crate::orders::model::OrderState;
use crate::storage::{Result as StorageResult, StorageError, Tx, crockford, parse_crockford};
use crate::web::{
    AppState, Error, Flash, Form, Layout, Member, PageResult, Tone, page, page_with_status, redirect_with_flash,
};

#[derive(Template)]
#[template(path = "deliveries/show.html")]
struct ShowPage {
    layout: Layout,
    view: View,
    events: Vec<Event>,
    /// today's completion can be taken back
    undoable: bool,
    memo: Memo,
}

/// The memo of the team, as it stands or as typed.
struct Memo {
    typed: String,
    /// what the form began with
    was: String,
    problem: Option<String>,
}

impl ShowPage {
    /// Whether 배송 완료 would change anything.
    fn completable(&self) -> bool {
        self.view.carried.orders.iter().any(|part| part.listed.order.state < OrderState::Shipped)
    }

    /// Orders that did not leave the factory yet, as far as anybody wrote down.
    fn early(&self) -> usize {
        self.view.carried.orders.iter().filter(|part| part.listed.order.state < OrderState::Dispatched).count()
    }
}

pub(super) async fn show(State(state): State<AppState>, layout: Layout, Path(id): Path<String>) -> PageResult {
    let id = parse_crockford(&id).ok_or(Error::NotFound)?;
    Ok(page(show_page(&state, layout, id).await?))
}

async fn show_page(state: &AppState, layout: Layout, id: i64) -> PageResult<ShowPage> {
    let (found, events, undoable) = state
        .storage
        .read(move |tx| {
            let found = carried(tx, &[id])?.pop();
            Ok::<_, StorageError>((found, log::of_delivery(tx, id)?, complete::undoable(tx, id)?.is_some()))
        })
        .await?;
    let view = View::new(found.ok_or(Error::NotFound)?, &state.uploads.districts.cached());
    let memo = view.carried.delivery.memo.clone();
    let memo = Memo { typed: memo.clone(), was: memo, problem: None };
    Ok(ShowPage { layout, view, events, undoable, memo })
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    act: String,
    memo: String,
    was: String,
}

pub(super) async fn update(
    State(state): State<AppState>,
    layout: Layout,
    member: Member,
    Path(id): Path<String>,
    Form(asked): Form<Asked>,
) -> PageResult {
    let id = parse_crockford(&id).ok_or(Error::NotFound)?;
    match asked.act.as_str() {
        "complete" => {
            let activity = state.storage.write(move |tx| complete::complete(tx, member.id, &[id])).await?;
            Ok(redirect_with_flash(&format!("/deliveries/{}", crockford(id)), activity))
        }
        "memo" => write_memo(&state, layout, member.id, id, asked).await,
        _ => Err(Error::BadRequest("무엇을 할지 알 수 없어요. 화면의 단추를 눌러 주세요.".to_owned())),
    }
}

async fn write_memo(state: &AppState, layout: Layout, member_id: i64, id: i64, asked: Asked) -> PageResult {
    let lines = |text: &str| text.replace("\r\n", "\n");
    let (typed, was) = (lines(&asked.memo), lines(&asked.was));
    let read = read_memo(&typed);
    if let Ok(is) = read.clone() {
        let before = was.clone();
        let noted = state.storage.write(move |tx| note(tx, member_id, id, &before, &is)).await?;
        if let Some(activity) = noted {
            return Ok(redirect_with_flash(&format!("/deliveries/{}", crockford(id)), activity));
        }
    }
    let mut page = show_page(state, layout, id).await?;
    page.layout.flash = Some(Flash::new(Tone::Warning, "메모를 저장하지 못했어요. 표시된 곳을 확인해 주세요."));
    page.memo = if let Err(problem) = read {
        Memo { typed, was, problem: Some(problem.to_owned()) }
    } else {
        let now = page.memo.was;
        let shown = if now.is_empty() { "비어 있음".to_owned() } else { format!("‘{now}’") };
        let problem = format!("그 사이 다른 사람이 메모를 바꿨어요. 지금 {shown}. 확인하고 다시 저장해 주세요.");
        Memo { typed, was: now, problem: Some(problem) }
    };
    Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page))
}

/// Writes the memo down; none when somebody else wrote another since.
fn note(tx: &mut dyn Tx, member_id: i64, id: i64, was: &str, is: &str) -> StorageResult<Option<i64>> {
    if !store::set_memo(tx, id, was, is)? {
        return Ok(None);
    }
    let summary = json!({ "message": "메모를 저장했어요.", "delivery": crockford(id) });
    let activity = audit::record(tx, Some(member_id), "deliveries.noted", &summary)?;
    if was != is {
        log::record(tx, (activity, member_id), id, Action::Noted, &json!({ "was": was, "is": is }))?;
    }
    Ok(Some(activity))
}

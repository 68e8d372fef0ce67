//! Bringing a newer official list: choosing files, the report of what changes, and putting it in
//! force.

use std::fs::File;
use std::io::{Seek, Write};

use askama::Template;
use axum::extract::multipart::{Field, MultipartRejection};
use axum::extract::{Multipart, Path, State};
use axum::http::StatusCode;
use chrono::NaiveDate;
use serde_json::json;

use crate::audit;
use crate::districts::change::Change;
use crate::districts::official::{Listing, Reader, Refusal};
use crate::districts::store::{self, Brought, Stage};
use crate::districts::{Shared, classify};
use crate::storage::{StorageError, Tx, crockford, parse_crockford};
use crate::time::{date_with_weekday, parse_date};
use crate::web::{
    AppState, Error, Form, Layout, Member, Notice, PageResult, Tone, Visitor, csrf, done, page, page_with, redirect,
};

/// Files taken at once: the country has 17 시/도, and 우편번호 DB comes with some instructions.
const FILES: usize = 40;

/// Bytes taken at once; the whole country has 1.5 GB as text.
const BYTES: u64 = 4 << 30;

/// Rows of each table of a report that a page shows.
const SHOWN: usize = 300;

#[derive(Template)]
#[template(path = "districts/import.html")]
struct ListPage {
    layout: Layout,
    waiting: Vec<Brought>,
    applied: Vec<Brought>,
    /// since when the table in the program holds
    shipped: NaiveDate,
}

pub(super) async fn list(State(state): State<AppState>, layout: Layout) -> PageResult {
    list_page(&state, layout).await.map(page)
}

async fn list_page(state: &AppState, layout: Layout) -> PageResult<ListPage> {
    let editions = |tx: &mut dyn Tx| Ok((store::editions(tx, Stage::Previewed)?, store::editions(tx, Stage::Applied)?));
    let (waiting, applied) = state.storage.read(editions).await.map_err(|error: StorageError| error)?;
    Ok(ListPage { layout, waiting, applied, shipped: crate::districts::Districts::embedded().valid_from() })
}

fn unreadable() -> Error {
    Error::BadRequest("보낸 파일을 끝까지 받지 못했어요. 다시 올려 주세요.".to_owned())
}

/// Puts each file on the disk as it comes, reads them all, and keeps what they say for a look.
pub(super) async fn receive(
    State(state): State<AppState>,
    mut layout: Layout,
    visitor: Visitor,
    member: Member,
    parts: Result<Multipart, MultipartRejection>,
) -> PageResult {
    let mut parts = parts.map_err(|_| unreadable())?;
    let (mut checked, mut left, mut files) = (false, BYTES, Vec::new());
    while let Some(field) = parts.next_field().await.map_err(|_| unreadable())? {
        match field.name() {
            Some(csrf::FIELD) => {
                csrf::verify(&visitor, &field.text().await.map_err(|_| unreadable())?)?;
                checked = true;
            }
            _ if !checked => return Err(Error::FormExpired),
            Some("files") if field.file_name().is_some_and(|name| !name.is_empty()) => {
                if files.len() == FILES {
                    return Err(Error::TooLarge);
                }
                let name = field.file_name().unwrap_or_default().to_owned();
                files.push((name, on_the_disk(&state, field, &mut left).await?));
            }
            _ => {}
        }
    }
    if !checked {
        return Err(Error::FormExpired);
    }
    let refused = if files.is_empty() {
        "고른 파일이 없어요. 파일을 먼저 골라 주세요.".to_owned()
    } else {
        match read(state.uploads.districts.clone(), files).await? {
            Ok(listing) => {
                let id = state.storage.write(move |tx| store::keep(tx, &listing, Some(member.id))).await?;
                return Ok(redirect(&format!("/districts/import/{}", crockford(id))));
            }
            Err(refused) => refused,
        }
    };
    layout.notice = Some(Notice::said(Tone::Danger, &refused));
    Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, list_page(&state, layout).await?))
}

async fn on_the_disk(state: &AppState, mut field: Field<'_>, left: &mut u64) -> PageResult<File> {
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::StorageFull => Error::Full(error.to_string()),
        _ => Error::Internal(error.to_string()),
    };
    let mut file = tempfile::tempfile_in(&state.config.data).map_err(failed)?;
    while let Some(chunk) = field.chunk().await.map_err(|_| unreadable())? {
        *left = left.checked_sub(chunk.len() as u64).ok_or(Error::TooLarge)?;
        file = tokio::task::spawn_blocking(move || file.write_all(&chunk).map(|()| file))
            .await
            .map_err(|error| Error::Internal(error.to_string()))?
            .map_err(failed)?;
    }
    file.rewind().map_err(failed)?;
    Ok(file)
}

/// What the files say together, or why one of them cannot be taken.
async fn read(shared: Shared, files: Vec<(String, File)>) -> PageResult<Result<Listing, String>> {
    let work = tokio::task::spawn_blocking(move || {
        let known = shared.latest();
        let mut reader = Reader::new(&known);
        for (name, file) in files {
            reader.read(&name, file).map_err(|refusal: Refusal| format!("{name}: {refusal}"))?;
        }
        reader.finish().map_err(|refusal| refusal.to_string())
    });
    work.await.map_err(|error| Error::Internal(error.to_string()))
}

#[derive(Template)]
#[template(path = "districts/import_show.html")]
struct ShowPage {
    layout: Layout,
    brought: Brought,
    /// what it would change; none once it is in force
    change: Option<Change>,
    /// orders under way that go elsewhere
    affected: u64,
    /// the day that is typed, and what is wrong with it
    valid_from: String,
    problem: Option<String>,
    /// whether it is the newest in force
    can_be_withdrawn: bool,
}

impl ShowPage {
    fn id(&self) -> String {
        crockford(self.brought.id)
    }

    fn since(&self) -> String {
        self.brought.valid_from.map(date_with_weekday).unwrap_or_default()
    }
}

fn number(id: &str) -> PageResult<i64> {
    parse_crockford(id).ok_or(Error::NotFound)
}

pub(super) async fn show(State(state): State<AppState>, layout: Layout, Path(id): Path<String>) -> PageResult {
    show_page(&state, layout, number(&id)?).await.map(page)
}

async fn show_page(state: &AppState, layout: Layout, id: i64) -> PageResult<ShowPage> {
    let shared = state.uploads.districts.clone();
    let found = state.storage.read(move |tx| {
        let Some(brought) = store::edition(tx, id)? else { return Ok(None) };
        let districts = shared.of(tx)?;
        let (_, from) = districts.days_of_a_newer(tx.now().date());
        if brought.stage == Stage::Applied {
            let newest = store::editions(tx, Stage::Applied)?.first().is_some_and(|newest| newest.id == id);
            return Ok(Some((brought, None, 0, from, newest)));
        }
        let after = store::laid_over(tx, (*districts).clone(), id, from)?;
        let affected = classify::affected(tx, &after)?;
        Ok::<_, StorageError>(Some((brought, Some(Change::between(&districts, &after)), affected, from, false)))
    });
    let (brought, change, affected, from, can_be_withdrawn) = found.await?.ok_or(Error::NotFound)?;
    let valid_from = from.to_string();
    Ok(ShowPage { layout, brought, change, affected, valid_from, problem: None, can_be_withdrawn })
}

#[derive(serde::Deserialize)]
pub(super) struct Apply {
    #[serde(default)]
    valid_from: String,
}

pub(super) async fn apply(
    State(state): State<AppState>,
    layout: Layout,
    member: Member,
    Path(id): Path<String>,
    Form(typed): Form<Apply>,
) -> PageResult {
    let id = number(&id)?;
    let (first, last) = state.uploads.districts.latest().days_of_a_newer(state.now().date());
    let Some(day) = parse_date(&typed.valid_from).filter(|day| (first..=last).contains(day)) else {
        let mut answer = show_page(&state, layout, id).await?;
        answer.valid_from = typed.valid_from;
        answer.problem = Some(format!("{first}부터 {last} 사이의 날짜를 적어 주세요."));
        return Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, answer));
    };
    let member_id = member.id;
    let activity = state
        .storage
        .write(move |tx| {
            if !store::apply(tx, id, day)? {
                return Ok(None);
            }
            let message =
                format!("{}부터의 지역으로 바꿨어요. 아직 배송하지 않은 주문은 새로 분류돼요.", date_with_weekday(day));
            let summary = json!({ "message": message, "tone": "success", "edition": crockford(id) });
            audit::record(tx, Some(member_id), "districts.applied", &summary).map(Some)
        })
        .await?;
    classify::begin(&state.storage, &state.uploads.districts).await;
    Ok(done(&format!("/districts/import/{}", crockford(id)), activity.ok_or(Error::NotFound)?))
}

pub(super) async fn discard(State(state): State<AppState>, member: Member, Path(id): Path<String>) -> PageResult {
    forget(&state, member, number(&id)?, Stage::Previewed, "올린 목록을 적용하지 않고 지웠어요.").await
}

pub(super) async fn withdraw(State(state): State<AppState>, member: Member, Path(id): Path<String>) -> PageResult {
    let message = "목록을 거두었어요. 아직 배송하지 않은 주문은 앞의 목록으로 다시 분류돼요.";
    forget(&state, member, number(&id)?, Stage::Applied, message).await
}

async fn forget(state: &AppState, member: Member, id: i64, stage: Stage, message: &'static str) -> PageResult {
    let activity = state
        .storage
        .write(move |tx| {
            if !store::forget(tx, id, stage)? {
                return Ok(None);
            }
            let summary = json!({ "message": message, "tone": "success" });
            audit::record(tx, Some(member.id), "districts.list_removed", &summary).map(Some)
        })
        .await?;
    classify::begin(&state.storage, &state.uploads.districts).await;
    Ok(done("/districts/import", activity.ok_or(Error::NotFound)?))
}

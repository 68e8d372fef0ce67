//! What is done with one upload: open, apply, discard, download what was rejected.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::json;

use super::number;
use super::show::{ShowPage, show_page};
use crate::audit;
use crate::audit::downloads::{self, DownloadRecord};
use crate::id::crockford;
use crate::storage::Tx;
use crate::uploads::read::courier;
use crate::uploads::{Outcome, Request, Stage, UploadError, store};
use crate::web::paging::PageQuery;
use crate::web::{AppState, Error, Form, Layout, Member, PageResult, page_with_status, redirect, redirect_with_flash};

#[derive(Deserialize)]
pub(super) struct OpenForm {
    password: String,
    #[serde(default)]
    keep: Option<String>,
}

pub(super) async fn open(
    State(state): State<AppState>,
    layout: Layout,
    member: Member,
    Path(id): Path<String>,
    Form(form): Form<OpenForm>,
) -> PageResult {
    let id = number(&id)?;
    let kept = state.storage.read(move |tx| store::find(tx, id)).await?.ok_or(Error::NotFound)?;
    let request = Request { courier: (!kept.courier.is_empty()).then_some(kept.courier), ..Request::default() };
    match state.uploads.preview(id, Some(&form.password), &request).await {
        Ok(_) => {
            if form.keep.is_some() {
                keep_password(&state, id, &form.password).await?;
            }
            Ok(redirect(&format!("/uploads/{}", crockford(id))))
        }
        Err(UploadError::Refused(refusal)) if refusal.needs_password() => {
            let mut answer = again(&state, layout, id).await?;
            answer.password_problem = Some(refusal.to_string());
            Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, answer))
        }
        Err(UploadError::Refused(_)) => Ok(redirect(&format!("/uploads/{}", crockford(id)))),
        Err(error @ (UploadError::Gone | UploadError::FileGone)) => {
            too_late(&state, member.id, &format!("/uploads/{}", crockford(id)), error).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn keep_password(state: &AppState, id: i64, password: &str) -> PageResult<()> {
    let upload = state.storage.read(move |tx| store::find(tx, id)).await?.ok_or(Error::NotFound)?;
    let profile = state.uploads.profiles.all().iter().find(|profile| profile.code == upload.channel_code);
    if let Some(profile) = profile {
        state.uploads.keep_channel_password(&profile.code, &profile.name, password).await?;
    }
    Ok(())
}

#[derive(Deserialize)]
pub(super) struct Nothing {}

#[derive(Deserialize)]
pub(super) struct ApplyForm {
    #[serde(default)]
    courier: String,
}

pub(super) async fn apply(
    State(state): State<AppState>,
    layout: Layout,
    member: Member,
    Path(id): Path<String>,
    Form(form): Form<ApplyForm>,
) -> PageResult {
    let id = number(&id)?;
    let here = format!("/uploads/{}", crockford(id));
    let kept = state.storage.read(move |tx| store::find(tx, id)).await?.ok_or(Error::NotFound)?;
    let wanted = kept.findings.courier_missing && kept.stage.is_open();
    let courier = match courier(&form.courier) {
        Ok(None) if wanted && kept.courier.is_empty() => {
            Err("파일에 택배사가 없어요. 택배사를 골라 주세요.".to_owned())
        }
        Ok(None) => Ok(Some(kept.courier).filter(|courier| !courier.is_empty())),
        typed => typed,
    };
    let courier = match courier {
        Ok(courier) => courier,
        Err(problem) => {
            let mut answer = again(&state, layout, id).await?;
            answer.courier_problem = Some(problem);
            return Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, answer));
        }
    };
    let request = Request { courier, ..Request::default() };
    match state.uploads.apply(id, Some(member.id), None, &request).await {
        // The page itself tells what was done, or that the file needs its password again.
        Ok(_) | Err(UploadError::Refused(_)) => Ok(redirect(&here)),
        Err(error @ (UploadError::Gone | UploadError::FileGone)) => too_late(&state, member.id, &here, error).await,
        Err(error) => Err(error.into()),
    }
}

/// The upload's own page, for an answer that is given at once: its links lead there.
async fn again(state: &AppState, layout: Layout, id: i64) -> PageResult<ShowPage> {
    let here = format!("/uploads/{}", crockford(id)).parse().map_err(|_| Error::NotFound)?;
    show_page(state, layout, id, "", PageQuery::default(), &here).await
}

/// Back to the upload, which shows how it stands, with the reason why nothing was done.
async fn too_late(state: &AppState, member_id: i64, here: &str, error: UploadError) -> PageResult {
    let summary = json!({ "message": error.to_string(), "tone": "warning" });
    let activity =
        state.storage.write(move |tx| audit::record(tx, Some(member_id), "uploads.not_applied", &summary)).await?;
    Ok(redirect_with_flash(here, activity))
}

pub(super) async fn discard(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<String>,
    Form(Nothing {}): Form<Nothing>,
) -> PageResult {
    let id = number(&id)?;
    let activity = state
        .storage
        .write(move |tx| {
            let (message, tone) = match store::open(tx, id)? {
                Some(upload) => {
                    store::set_stage(tx, &upload, Stage::Discarded, "")?;
                    store::forget_file(tx, id)?;
                    ("올린 파일을 취소했어요. 바뀐 것은 없어요.", "success")
                }
                None => ("이미 처리된 업로드예요.", "warning"),
            };
            audit::record(tx, Some(member.id), "uploads.discarded", &json!({ "message": message, "tone": tone }))
        })
        .await?;
    Ok(redirect_with_flash("/uploads", activity))
}

pub(super) async fn rejected(State(state): State<AppState>, member: Member, Path(id): Path<String>) -> PageResult {
    let id = number(&id)?;
    let upload = state.storage.read(move |tx| store::find(tx, id)).await?.ok_or(Error::NotFound)?;
    let bytes = state.uploads.rejected(id).await?;
    let rows = u64::try_from(upload.count(Outcome::Rejected)).unwrap_or_default();
    let record = move |tx: &mut dyn Tx| {
        let source = format!("/uploads/{}?rows=rejected", crockford(id));
        let taken = DownloadRecord { content: "rejected-rows", source: &source, rows, purpose: None, note: "" };
        downloads::record(tx, Some(member.id), &taken)
    };
    state.storage.write(record).await?;
    let stem = upload.file_name.rsplit_once('.').map_or(upload.file_name.as_str(), |(stem, _)| stem);
    let headers = [
        (header::CONTENT_TYPE, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet".to_owned()),
        (header::CONTENT_DISPOSITION, crate::web::content_disposition(&format!("{stem} 거절된 행.xlsx"))),
    ];
    Ok((headers, bytes).into_response())
}

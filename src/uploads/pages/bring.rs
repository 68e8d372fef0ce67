//! Choosing or dropping files, and the list of those that were brought.

use askama::Template;
use axum::extract::multipart::{Field, MultipartRejection};
use axum::extract::{Multipart, State};
use axum::http::{StatusCode, Uri};
use serde::Deserialize;
use serde_json::json;

use crate::audit;
use crate::demo::Demo;
use crate::id::crockford;
use crate::sheets::SheetError;
use crate::storage::{StorageError, Tx};
use crate::uploads::read::courier;
use crate::uploads::store::Which;
use crate::uploads::{Outcome, Request, Stage, Upload, UploadError, store};
use crate::web::paging::{PageBar, PageQuery};
use crate::web::{
    AppState, AuthContext, Error, Flash, Layout, Member, PageResult, Query, Tone, csrf, page, page_with_status,
    redirect, redirect_with_flash,
};

/// Files taken at once.
const FILES: usize = 20;

/// Files that a training shop keeps that is open to everybody, until it is made anew.
const PUBLIC_FILES: i64 = 20;

/// Parts that a form of files may have.
const PARTS: usize = 500;

#[derive(Template)]
#[template(path = "uploads/list.html")]
struct ListPage {
    layout: Layout,
    uploads: Vec<Upload>,
    pages: PageBar,
    which: Which,
    waiting: usize,
    open: usize,
    max_mb: u64,
    keep_days: u32,
}

#[derive(Default, Deserialize)]
pub(super) struct ListQuery {
    #[serde(default)]
    stage: String,
    #[serde(default)]
    rows: String,
}

impl ListQuery {
    fn which(&self) -> Which {
        if self.rows == "rejected" { Which::Open } else { Stage::parse(&self.stage).map_or(Which::All, Which::Stage) }
    }
}

pub(super) async fn list(
    State(state): State<AppState>,
    layout: Layout,
    Query(query): Query<ListQuery>,
    Query(paging): Query<PageQuery>,
    uri: Uri,
) -> PageResult {
    list_page(&state, layout, query.which(), paging, &uri).await.map(page)
}

async fn list_page(
    state: &AppState,
    layout: Layout,
    which: Which,
    paging: PageQuery,
    uri: &Uri,
) -> PageResult<ListPage> {
    let uri = uri.clone();
    let (uploads, pages, waiting, open) = state
        .storage
        .read(move |tx| {
            let (_, total) = store::page(tx, which, 0, 0)?;
            let pages = PageBar::new(&uri, paging, u64::try_from(total).unwrap_or_default());
            let offset = i64::try_from(pages.offset()).unwrap_or_default();
            let (uploads, _) = store::page(tx, which, offset, pages.size.into())?;
            let mut count = |which| Ok::<_, StorageError>(store::page(tx, which, 0, 0)?.1);
            let waiting = count(Which::Stage(Stage::Previewed))? + count(Which::Stage(Stage::Locked))?;
            Ok::<_, StorageError>((uploads, pages, waiting, count(Which::Open)?))
        })
        .await?;
    Ok(ListPage {
        layout,
        uploads,
        pages,
        which,
        waiting: usize::try_from(waiting).unwrap_or_default(),
        open: usize::try_from(open).unwrap_or_default(),
        max_mb: state.config.upload_max_bytes >> 20,
        keep_days: state.config.upload_keep_days,
    })
}

/// Takes the files one after another: each is kept as it came, then read for its preview.
pub(super) async fn receive(
    State(state): State<AppState>,
    layout: Layout,
    visitor: AuthContext,
    member: Member,
    uri: Uri,
    files: Result<Multipart, MultipartRejection>,
) -> PageResult {
    let mut files = files.map_err(|_| unreadable())?;
    if state.demo.as_ref().is_some_and(Demo::is_public)
        && state.storage.read(|tx| store::page(tx, Which::All, 0, 0)).await?.1 >= PUBLIC_FILES
    {
        let words = "이 연습 가게가 받을 수 있는 파일은 여기까지예요. 가게가 처음으로 돌아간 다음 다시 올려 주세요.";
        return Err(Error::BadRequest(words.to_owned()));
    }
    let mut checked = false;
    let (mut ids, mut refused) = (Vec::new(), Vec::new());
    let (mut parts, mut left_out) = (0, 0);
    let (mut request, mut without_courier) = (Request::default(), Vec::new());
    while let Some(field) = files.next_field().await.map_err(|_| unreadable())? {
        parts += 1;
        if parts > PARTS {
            return Err(Error::TooLarge);
        }
        match field.name() {
            Some(csrf::FIELD) => {
                csrf::verify(&visitor, &short_text(field).await?)?;
                checked = true;
            }
            _ if !checked => return Err(Error::FormExpired),
            Some("courier") => {
                request.courier = match courier(&short_text(field).await?) {
                    Ok(courier) => courier,
                    Err(problem) => return again(&state, layout, &uri, &problem).await,
                };
            }
            Some("files") => {
                let name = field.file_name().unwrap_or_default().to_owned();
                if name.is_empty() {
                    continue;
                }
                if ids.len() + refused.len() >= FILES {
                    left_out += 1;
                    continue;
                }
                match whole(field, state.uploads.limits.bytes).await? {
                    Err(refusal) => refused.push((name, refusal.to_string())),
                    Ok(bytes) => {
                        let id = state.uploads.receive(Some(member.id), &name, bytes, &request).await?;
                        preview(&state, id, &request).await?;
                        ids.push(id);
                        without_courier.extend(request.courier.is_none().then_some(id));
                    }
                }
            }
            _ => {}
        }
    }
    if !checked {
        return Err(Error::FormExpired);
    }
    // A form sends its fields in their sequence on the page, where the files come first.
    if let Some(courier) = request.courier.clone() {
        for id in without_courier {
            let courier = courier.clone();
            let set = move |tx: &mut dyn Tx| match store::open(tx, id)? {
                Some(upload) => store::set_courier(tx, &upload, &courier),
                None => Ok(()),
            };
            state.storage.write(set).await?;
            preview(&state, id, &request).await?;
        }
    }
    match (ids.as_slice(), refused.as_slice()) {
        ([id], []) if left_out == 0 => Ok(redirect(&format!("/uploads/{}", crockford(*id)))),
        ([], []) => again(&state, layout, &uri, "고른 파일이 없어요. 파일을 먼저 골라 주세요.").await,
        _ => {
            let mut message = format!("파일 {}개를 읽었어요. 하나씩 확인하고 적용해 주세요.", ids.len());
            for (name, reason) in &refused {
                message = format!("{message} {}: {reason}", store::plain_name(name));
            }
            if left_out > 0 {
                message = format!("{message} {left_out}개는 받지 않았어요. 한 번에 {FILES}개까지 나누어 올려 주세요.");
            }
            let tone = if refused.is_empty() && left_out == 0 { "success" } else { "warning" };
            let summary = json!({ "message": message, "tone": tone });
            let member_id = Some(member.id);
            let activity =
                state.storage.write(move |tx| audit::record(tx, member_id, "uploads.received", &summary)).await?;
            Ok(redirect_with_flash("/uploads", activity))
        }
    }
}

/// The page again, with what is wrong. Files that came before it stand in its list.
async fn again(state: &AppState, layout: Layout, uri: &Uri, why: &str) -> PageResult {
    let mut answer = list_page(state, layout, Which::All, PageQuery::default(), uri).await?;
    answer.layout.flash = Some(Flash::new(Tone::Warning, why));
    Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, answer))
}

fn unreadable() -> Error {
    Error::BadRequest("보낸 파일을 끝까지 받지 못했어요. 다시 올려 주세요.".to_owned())
}

async fn short_text(mut field: Field<'_>) -> PageResult<String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(|_| unreadable())? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > 1024 {
            return Err(Error::TooLarge);
        }
    }
    String::from_utf8(bytes).map_err(|_| unreadable())
}

/// The bytes of a file; one that is too large is passed over without keeping it.
async fn whole(mut field: Field<'_>, most: usize) -> PageResult<Result<Vec<u8>, SheetError>> {
    let (mut bytes, mut length) = (Vec::new(), 0_usize);
    while let Some(chunk) = field.chunk().await.map_err(|_| unreadable())? {
        length += chunk.len();
        if length <= most {
            bytes.extend_from_slice(&chunk);
        } else {
            bytes = Vec::new();
            if length > most.saturating_mul(4) {
                return Err(Error::TooLarge);
            }
        }
    }
    Ok(if length > most { Err(SheetError::TooLarge { limit_mib: (most >> 20) as u64 }) } else { Ok(bytes) })
}

/// What a kept file would do. The refusal, or the wish for a password, is kept with the upload and shown
/// on its page.
async fn preview(state: &AppState, id: i64, request: &Request) -> Result<(), UploadError> {
    match state.uploads.preview(id, None, request).await {
        // A refused file is not there any more to be read again.
        Ok(_) | Err(UploadError::Refused(_) | UploadError::FileGone | UploadError::Gone) => Ok(()),
        Err(error) => Err(error),
    }
}

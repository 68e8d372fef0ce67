//! Bringing files: choose or drop them, look at what they would do, apply, read the report.

#[cfg(test)]
pub(crate) mod tests;

use askama::Template;
use axum::extract::multipart::{Field, MultipartRejection};
use axum::extract::{Multipart, Path, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::json;

use super::check::Reason;
use super::store::{self, RowFilter};
use super::{Outcome, Request, RowReport, Stage, Upload, UploadError};
use crate::audit;
use crate::sheets::{Kind, Refusal};
use crate::storage::{StorageError, crockford, parse_crockford};
use crate::web::paging::{PageBar, Paging};
use crate::web::{
    Access, AppState, Error, Form, Layout, Member, Notice, PageResult, Query, Routes, Tone, Visitor, csrf, done, page,
    page_with, redirect,
};

/// Files taken at once.
const FILES: usize = 20;

/// Parts that a form of files may have.
const PARTS: usize = 500;

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/uploads", Access::Admin, list)
        .upload("/uploads", Access::Admin, receive)
        .get("/uploads/{id}", Access::Admin, show)
        .post("/uploads/{id}/open", Access::Admin, open)
        .post("/uploads/{id}/apply", Access::Admin, apply)
        .post("/uploads/{id}/discard", Access::Admin, discard)
        .get("/uploads/{id}/rejected.xlsx", Access::Admin, rejected)
}

impl From<UploadError> for Error {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Storage(error) => error.into(),
            error @ (UploadError::Refused(_) | UploadError::Gone | UploadError::FileGone) => {
                Self::BadRequest(error.to_string())
            }
        }
    }
}

#[derive(Template)]
#[template(path = "uploads/list.html")]
struct ListPage {
    layout: Layout,
    uploads: Vec<Upload>,
    pages: PageBar,
    stage: Option<Stage>,
    waiting: usize,
    max_mb: u64,
    keep_days: u32,
}

#[derive(Default, Deserialize)]
struct ListQuery {
    #[serde(default)]
    stage: String,
}

async fn list(
    State(state): State<AppState>,
    layout: Layout,
    Query(query): Query<ListQuery>,
    Query(paging): Query<Paging>,
    uri: Uri,
) -> PageResult {
    list_page(&state, layout, Stage::parse(&query.stage), paging, &uri).await.map(page)
}

async fn list_page(
    state: &AppState,
    layout: Layout,
    stage: Option<Stage>,
    paging: Paging,
    uri: &Uri,
) -> PageResult<ListPage> {
    let uri = uri.clone();
    let (uploads, pages, waiting) = state
        .storage
        .read(move |tx| {
            let (_, total) = store::page(tx, stage, 0, 0)?;
            let pages = PageBar::new(&uri, paging, u64::try_from(total).unwrap_or_default());
            let offset = i64::try_from(pages.offset()).unwrap_or_default();
            let (uploads, _) = store::page(tx, stage, offset, pages.size.into())?;
            let waiting =
                store::page(tx, Some(Stage::Previewed), 0, 0)?.1 + store::page(tx, Some(Stage::Locked), 0, 0)?.1;
            Ok::<_, StorageError>((uploads, pages, waiting))
        })
        .await?;
    Ok(ListPage {
        layout,
        uploads,
        pages,
        stage,
        waiting: usize::try_from(waiting).unwrap_or_default(),
        max_mb: state.config.upload_max_bytes >> 20,
        keep_days: state.config.upload_keep_days,
    })
}

/// Takes the files one after another: each is kept as it came, then read for its preview.
async fn receive(
    State(state): State<AppState>,
    layout: Layout,
    visitor: Visitor,
    member: Member,
    uri: Uri,
    files: Result<Multipart, MultipartRejection>,
) -> PageResult {
    let mut files = files.map_err(|_| unreadable())?;
    let mut checked = false;
    let (mut ids, mut refused) = (Vec::new(), Vec::new());
    let (mut parts, mut left_out) = (0, 0);
    let mut request = Request::default();
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
                let courier = short_text(field).await?;
                request.courier = (!courier.trim().is_empty()).then(|| courier.trim().to_owned());
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
                    Ok(bytes) => ids.push(take(&state, member.id, &name, bytes, &request).await?),
                }
            }
            _ => {}
        }
    }
    if !checked {
        return Err(Error::FormExpired);
    }
    match (ids.as_slice(), refused.as_slice()) {
        ([id], []) if left_out == 0 => Ok(redirect(&format!("/uploads/{}", crockford(*id)))),
        ([], []) => {
            let mut answer = list_page(&state, layout, None, Paging::default(), &uri).await?;
            answer.layout.notice = Some(Notice::said(Tone::Warning, "고른 파일이 없어요. 파일을 먼저 골라 주세요."));
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, answer))
        }
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
            Ok(done("/uploads", activity))
        }
    }
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
async fn whole(mut field: Field<'_>, most: usize) -> PageResult<Result<Vec<u8>, Refusal>> {
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
    Ok(if length > most { Err(Refusal::TooLarge { limit_mib: (most >> 20) as u64 }) } else { Ok(bytes) })
}

async fn take(
    state: &AppState,
    member_id: i64,
    name: &str,
    bytes: Vec<u8>,
    request: &Request,
) -> Result<i64, UploadError> {
    let id = state.uploads.receive(Some(member_id), name, bytes, request).await?;
    match state.uploads.preview(id, None, request).await {
        // The refusal, or the wish for a password, is kept with the upload and shown on its page.
        Ok(_) | Err(UploadError::Refused(_)) => Ok(id),
        Err(error) => Err(error),
    }
}

/// Which rows the page of an upload shows.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Tab {
    code: &'static str,
    label: &'static str,
    filter: RowFilter,
    count: i64,
}

#[derive(Template)]
#[template(path = "uploads/show.html")]
struct ShowPage {
    layout: Layout,
    upload: Upload,
    channel_name: String,
    rows: Vec<RowView>,
    tabs: Vec<Tab>,
    tab: Option<Tab>,
    pages: PageBar,
    products: Vec<ProductView>,
    password_problem: Option<String>,
}

struct RowView {
    report: RowReport,
    order_id: Option<String>,
}

/// A product that the upload makes, with its page when it is there.
struct ProductView {
    number: String,
    name: String,
    id: Option<String>,
    is_new: bool,
    variants: Vec<(String, String)>,
}

impl ShowPage {
    fn id(&self) -> String {
        crockford(self.upload.id)
    }

    fn is_preview(&self) -> bool {
        self.upload.stage == Stage::Previewed
    }

    fn taken(&self) -> i64 {
        self.upload.count(Outcome::Created) + self.upload.count(Outcome::Updated)
    }

    /// 등록, 반영, 그대로, 거절: those a file of this kind can have.
    fn counts(&self) -> Vec<(Outcome, i64)> {
        let makes_orders = self.upload.kind == Some(Kind::Orders);
        Outcome::ALL
            .into_iter()
            .filter(|outcome| match outcome {
                Outcome::Created => makes_orders,
                Outcome::Updated => !makes_orders,
                Outcome::Skipped | Outcome::Rejected => true,
            })
            .map(|outcome| (outcome, self.upload.count(outcome)))
            .collect()
    }
}

#[derive(Default, Deserialize)]
struct ShowQuery {
    #[serde(default)]
    rows: String,
}

async fn show(
    State(state): State<AppState>,
    layout: Layout,
    Path(id): Path<String>,
    Query(query): Query<ShowQuery>,
    Query(paging): Query<Paging>,
    uri: Uri,
) -> PageResult {
    show_page(&state, layout, number(&id)?, &query.rows, paging, &uri).await.map(page)
}

fn number(id: &str) -> PageResult<i64> {
    parse_crockford(id).ok_or(Error::NotFound)
}

async fn show_page(
    state: &AppState,
    layout: Layout,
    id: i64,
    rows: &str,
    paging: Paging,
    uri: &Uri,
) -> PageResult<ShowPage> {
    let upload = state.storage.read(move |tx| store::find(tx, id)).await?.ok_or(Error::NotFound)?;
    let tabs = tabs(&upload);
    let tab = tabs.iter().find(|tab| tab.code == rows).or(tabs.first()).copied();
    let pages = PageBar::new(uri, paging, u64::try_from(tab.map_or(0, |tab| tab.count)).unwrap_or_default());
    let (filter, offset, size) =
        (tab.map(|tab| tab.filter), i64::try_from(pages.offset()).unwrap_or_default(), i64::from(pages.size));
    let findings = upload.findings.clone();
    let (rows, products) = state
        .storage
        .read(move |tx| {
            let reports = filter.map_or(Ok(Vec::new()), |filter| store::rows(tx, id, filter, offset, size))?;
            let mut rows = Vec::with_capacity(reports.len());
            for report in reports {
                let ids = crate::orders::store::find_by_number(tx, &report.order_number)?;
                rows.push(RowView { order_id: ids.first().copied().map(crockford), report });
            }
            Ok::<_, StorageError>((rows, product_views(tx, &findings)?))
        })
        .await?;
    let channel_name = state
        .uploads
        .profiles
        .all()
        .iter()
        .find(|profile| profile.code == upload.channel_code)
        .map_or_else(String::new, |profile| profile.name.clone());
    Ok(ShowPage { layout, upload, channel_name, rows, tabs, tab, pages, products, password_problem: None })
}

fn tabs(upload: &Upload) -> Vec<Tab> {
    let of = |outcome: Outcome, label| Tab {
        code: outcome.code(),
        label,
        filter: RowFilter::Outcome(outcome),
        count: upload.count(outcome),
    };
    let all = Tab { code: "all", label: "모두", filter: RowFilter::All, count: upload.counts.iter().sum() };
    let warned = Tab { code: "warned", label: "주의", filter: RowFilter::Warned, count: upload.warned };
    [
        of(Outcome::Rejected, "거절"),
        warned,
        of(Outcome::Skipped, "그대로"),
        of(Outcome::Created, "등록"),
        of(Outcome::Updated, "반영"),
        all,
    ]
    .into_iter()
    .filter(|tab| tab.count > 0)
    .collect()
}

fn product_views(
    tx: &mut dyn crate::storage::Tx,
    findings: &super::Findings,
) -> crate::storage::Result<Vec<ProductView>> {
    let mut views: Vec<ProductView> = findings
        .products_created
        .iter()
        .map(|found| ProductView {
            number: found.product_number.clone(),
            name: found.product_name.clone(),
            id: None,
            is_new: true,
            variants: Vec::new(),
        })
        .collect();
    for found in &findings.variants_created {
        let place = views.iter().position(|view| view.number == found.product_number).unwrap_or_else(|| {
            views.push(ProductView {
                number: found.product_number.clone(),
                name: String::new(),
                id: None,
                is_new: false,
                variants: Vec::new(),
            });
            views.len() - 1
        });
        views[place].variants.push((found.key.clone(), found.value.clone()));
    }
    let known = crate::products::store::by_number(tx, views.iter().map(|view| view.number.as_str()))?;
    for view in &mut views {
        if let Some(product) = known.get(&view.number) {
            view.id = Some(crockford(product.id));
            view.name.clone_from(&product.name);
        }
    }
    Ok(views)
}

#[derive(Deserialize)]
struct OpenForm {
    password: String,
    #[serde(default)]
    keep: Option<String>,
}

async fn open(
    State(state): State<AppState>,
    layout: Layout,
    member: Member,
    Path(id): Path<String>,
    uri: Uri,
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
        Err(UploadError::Refused(refusal @ (Refusal::WrongPassword | Refusal::PasswordRequired))) => {
            let mut answer = show_page(&state, layout, id, "", Paging::default(), &uri).await?;
            answer.password_problem = Some(refusal.to_string());
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, answer))
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
struct Nothing {}

async fn apply(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<String>,
    Form(Nothing {}): Form<Nothing>,
) -> PageResult {
    let id = number(&id)?;
    let here = format!("/uploads/{}", crockford(id));
    let kept = state.storage.read(move |tx| store::find(tx, id)).await?.ok_or(Error::NotFound)?;
    let request = Request { courier: (!kept.courier.is_empty()).then_some(kept.courier), ..Request::default() };
    match state.uploads.apply(id, Some(member.id), None, &request).await {
        // The page itself tells what was done, or that the file needs its password again.
        Ok(_) | Err(UploadError::Refused(_)) => Ok(redirect(&here)),
        Err(error @ (UploadError::Gone | UploadError::FileGone)) => too_late(&state, member.id, &here, error).await,
        Err(error) => Err(error.into()),
    }
}

/// Back to the upload, which shows how it stands, with the reason why nothing was done.
async fn too_late(state: &AppState, member_id: i64, here: &str, error: UploadError) -> PageResult {
    let summary = json!({ "message": error.to_string(), "tone": "warning" });
    let activity =
        state.storage.write(move |tx| audit::record(tx, Some(member_id), "uploads.not_applied", &summary)).await?;
    Ok(done(here, activity))
}

async fn discard(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<String>,
    Form(Nothing {}): Form<Nothing>,
) -> PageResult {
    let id = number(&id)?;
    let activity = state
        .storage
        .write(move |tx| {
            let open = store::find(tx, id)?.is_some_and(|upload| super::is_open(upload.stage));
            let message = if open {
                "올린 파일을 취소했어요. 바뀐 것은 없어요."
            } else {
                "이미 처리된 업로드예요."
            };
            if open {
                store::set_stage(tx, id, Stage::Discarded, "")?;
                store::forget_file(tx, id)?;
            }
            let tone = if open { "success" } else { "warning" };
            audit::record(tx, Some(member.id), "uploads.discarded", &json!({ "message": message, "tone": tone }))
        })
        .await?;
    Ok(done("/uploads", activity))
}

async fn rejected(State(state): State<AppState>, Path(id): Path<String>) -> PageResult {
    let id = number(&id)?;
    let upload = state.storage.read(move |tx| store::find(tx, id)).await?.ok_or(Error::NotFound)?;
    let bytes = state.uploads.rejected(id).await?;
    let stem = upload.file_name.rsplit_once('.').map_or(upload.file_name.as_str(), |(stem, _)| stem);
    let headers = [
        (header::CONTENT_TYPE, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet".to_owned()),
        (header::CONTENT_DISPOSITION, crate::web::attachment(&format!("{stem} 거절된 행.xlsx"))),
    ];
    Ok((headers, bytes).into_response())
}

/// The reasons of a row, for its cell of the table.
fn shown(reason: &Reason) -> String {
    if reason.value.is_empty() { String::new() } else { format!("‘{}’", reason.value) }
}

impl RowView {
    fn reasons(&self) -> Vec<(&str, String, &str)> {
        self.report
            .reasons
            .iter()
            .map(|reason| (reason.column.as_str(), shown(reason), reason.message.as_str()))
            .collect()
    }
}

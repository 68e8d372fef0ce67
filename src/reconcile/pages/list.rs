//! `/reconcile`: the kept reports, and the form for a new one.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};

use crate::audit::MemberActor;
use crate::config::Config;
use crate::demo::Demo;
use crate::reconcile::model::ListFinding;
use crate::reconcile::store::{self, ReconcileReport};
use crate::reconcile::{ListFile, ReconcileOptions, reconcile};
use crate::storage::Storage;
use crate::time::parse_date;
use crate::uploads::model::display_name;
use crate::uploads::{UploadError, Uploads};
use crate::web::paging::{PageBar, PageQuery};
use crate::web::{
    AuthContext, Error, Flash, Layout, PageResult, Query, Tone, UploadForm, page, page_with_status, redirect,
    redirect_with_flash,
};

#[derive(Template)]
#[template(path = "reconcile/list.html")]
struct ListPage {
    layout: Layout,
    reports: Vec<ReconcileReport>,
    pages: PageBar,
    form: ReconcileForm,
    problem: Option<String>,
}

/// Files of one form.
const MAX_FILES: usize = 20;

/// The fields of the form, as typed.
#[derive(Default)]
struct ReconcileForm {
    from: String,
    to: String,
}

impl ListPage {
    pub(super) fn differences(report: &ReconcileReport) -> i64 {
        ListFinding::DIFFERENCES.into_iter().map(|finding| report.tally(finding).orders).sum()
    }
}

pub(super) async fn list(
    State(storage): State<Storage>,
    layout: Layout,
    Query(paging): Query<PageQuery>,
    uri: Uri,
) -> PageResult {
    Ok(page(list_page(&storage, layout, paging, &uri).await?))
}

async fn list_page(storage: &Storage, layout: Layout, paging: PageQuery, uri: &Uri) -> PageResult<ListPage> {
    let (offset, size) = (paging.page().saturating_sub(1) * u64::from(paging.size()), i64::from(paging.size()));
    let offset = i64::try_from(offset).unwrap_or(i64::MAX);
    let (reports, total) = storage.read(move |tx| store::page(tx, offset, size)).await?;
    let pages = PageBar::new(uri, paging, u64::try_from(total).unwrap_or_default());
    Ok(ListPage { layout, reports, pages, form: ReconcileForm::default(), problem: None })
}

/// Compares the files of the form, and redirects to the report, or to the list if there are several.
#[expect(clippy::too_many_arguments, reason = "extractors")]
pub(super) async fn create(
    State(storage): State<Storage>,
    State(uploads): State<Uploads>,
    State(config): State<Arc<Config>>,
    State(demo): State<Option<Demo>>,
    layout: Layout,
    auth: AuthContext,
    actor: MemberActor,
    request: Request,
) -> PageResult {
    const NO_FILE: &str = "선택한 파일이 없어요. 파일을 먼저 선택해 주세요.";
    if let Some(demo) = &demo
        && let Some(message) = demo.file_refusal(&storage).await?
    {
        return Err(Error::BadRequest(message.to_owned()));
    }
    let uri = request.uri().clone();
    let mut upload = UploadForm::open(&auth, request, 2 * config.upload_max_bytes).await?;
    let (mut form, mut received, mut password) = (ReconcileForm::default(), Vec::new(), String::new());
    let mut room = uploads.limits.bytes;
    while let Some(field) = upload.next_field().await? {
        match field.name() {
            "from" => form.from = field.text().await?,
            "to" => form.to = field.text().await?,
            "password" => password = field.text().await?,
            "file" => {
                let name = field.file_name().unwrap_or_default().to_owned();
                // All files together are bounded as one is: they are in memory at the same time.
                let file = field.spool(&config.data, room).await?.ok_or(Error::TooLarge)?;
                room = room.saturating_sub(file.len());
                if !file.is_empty() {
                    received.push((name, file));
                }
            }
            _ => {}
        }
    }
    let problem = match period(&form) {
        _ if received.is_empty() => NO_FILE.to_owned(),
        _ if received.len() > MAX_FILES => format!("파일은 한 번에 {MAX_FILES}개까지 대조할 수 있어요."),
        Err(problem) => problem.to_owned(),
        Ok(options) => {
            let _turn = uploads.turns.wait().await;
            let mut files = Vec::with_capacity(received.len());
            for (name, file) in received {
                files.push(ListFile { name, bytes: Arc::new(file.read().await?) });
            }
            let password = Some(password.as_str()).filter(|password| !password.is_empty());
            let result = reconcile(&uploads, Some(actor.id), &files, password, &options).await?;
            match (&result.reports[..], &result.rejected[..]) {
                ([report], []) => return Ok(redirect(&format!("/reconcile/{}", report.id))),
                ([], rejected) => problems(&files, rejected),
                (reports, rejected) => {
                    let flash = several(reports.len(), &files, rejected);
                    let flash = storage.write(move |tx| flash.save(tx, actor.id)).await?;
                    return Ok(redirect_with_flash("/reconcile", flash));
                }
            }
        }
    };
    let mut shown = list_page(&storage, layout, PageQuery::default(), &uri).await?;
    shown.layout.flash = Some(Flash::new(Tone::Warning, "대조하지 못했어요. 표시된 곳을 확인해 주세요."));
    (shown.problem, shown.form) = (Some(problem), form);
    Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, shown))
}

/// Why files are rejected; with their names if there are several.
fn problems(files: &[ListFile], rejected: &[(usize, UploadError)]) -> String {
    let problem = |(index, error): &(usize, UploadError)| match files {
        [_] => error.to_string(),
        _ => format!("{}: {error}", display_name(&files[*index].name)),
    };
    rejected.iter().map(problem).collect::<Vec<_>>().join(" ")
}

/// What is said of several reports.
fn several(reports: usize, files: &[ListFile], rejected: &[(usize, UploadError)]) -> Flash {
    if rejected.is_empty() {
        return Flash::success(format!("판매채널과 목록마다 따로 대조했어요: {reports}건. 아래에서 확인해 주세요."));
    }
    Flash::warning(format!("{reports}건을 대조했지만 읽지 못한 파일이 있어요. {}", problems(files, rejected)))
}

/// The period of the form: none, or both days.
fn period(form: &ReconcileForm) -> Result<ReconcileOptions, &'static str> {
    let day = |text: &str| match (text.trim(), parse_date(text)) {
        ("", _) => Ok(None),
        (_, None) => Err("날짜를 2026-11-29처럼 입력해 주세요."),
        (_, day) => Ok(day),
    };
    match (day(&form.from)?, day(&form.to)?) {
        (Some(from), Some(to)) if to < from => Err("끝나는 날이 시작하는 날보다 빨라요."),
        (Some(_), None) | (None, Some(_)) => Err("시작하는 날과 끝나는 날을 함께 입력해 주세요."),
        (from, to) => Ok(ReconcileOptions { channel: None, from, to }),
    }
}

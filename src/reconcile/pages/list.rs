//! `/reconcile`: the kept reports, and the form for a new one.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};

use crate::audit::MemberActor;
use crate::config::Config;
use crate::demo::Demo;
use crate::id::crockford;
use crate::reconcile::store::{self, ReconcileReport};
use crate::reconcile::{ReconcileOptions, reconcile};
use crate::storage::Storage;
use crate::time::parse_date;
use crate::uploads::{UploadError, Uploads};
use crate::web::paging::{PageBar, PageQuery};
use crate::web::{
    AuthContext, Error, Flash, Layout, PageResult, Query, Tone, UploadForm, page, page_with_status, redirect,
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

/// The fields of the form, as typed.
#[derive(Default)]
struct ReconcileForm {
    from: String,
    to: String,
}

impl ListPage {
    pub(super) fn differences(report: &ReconcileReport) -> i64 {
        report.findings.iter().map(|(_, tally)| tally.orders).sum()
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

/// Compares the file of the form and redirects to the report.
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
    if let Some(demo) = &demo
        && let Some(message) = demo.file_refusal(&storage).await?
    {
        return Err(Error::BadRequest(message.to_owned()));
    }
    let uri = request.uri().clone();
    let mut upload = UploadForm::open(&auth, request, 2 * config.upload_max_bytes).await?;
    let (mut form, mut file, mut password) = (ReconcileForm::default(), None, String::new());
    while let Some(field) = upload.next_field().await? {
        match field.name() {
            "from" => form.from = field.text().await?,
            "to" => form.to = field.text().await?,
            "password" => password = field.text().await?,
            "file" => {
                let name = field.file_name().unwrap_or_default().to_owned();
                let spooled = field.spool(&config.data, uploads.limits.bytes).await?.ok_or(Error::TooLarge)?;
                file = Some((name, spooled));
            }
            _ => {}
        }
    }
    let problem = match (file, period(&form)) {
        (None, _) => "선택한 파일이 없어요. 파일을 먼저 선택해 주세요.".to_owned(),
        (Some((_, file)), _) if file.is_empty() => "선택한 파일이 없어요. 파일을 먼저 선택해 주세요.".to_owned(),
        (_, Err(problem)) => problem.to_owned(),
        (Some((name, file)), Ok(options)) => {
            let _turn = uploads.turns.wait().await;
            let bytes = file.read().await?;
            let password = Some(password.as_str()).filter(|password| !password.is_empty());
            match reconcile(&uploads, Some(actor.id), &name, bytes, password, &options).await {
                Ok(outcome) => return Ok(redirect(&format!("/reconcile/{}", crockford(outcome.id)))),
                Err(UploadError::Storage(error)) => return Err(error.into()),
                Err(error) => error.to_string(),
            }
        }
    };
    let mut shown = list_page(&storage, layout, PageQuery::default(), &uri).await?;
    shown.layout.flash = Some(Flash::new(Tone::Warning, "대조하지 못했어요. 표시된 곳을 확인해 주세요."));
    (shown.problem, shown.form) = (Some(problem), form);
    Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, shown))
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

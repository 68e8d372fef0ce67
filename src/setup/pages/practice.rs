//! Opens a demo shop to practise in, instead of creating an administrator.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use super::{Setup, SetupPage, throttle};
use crate::setup::practice::PracticeShop;
use crate::web::{ClientInfo, Error, Form, Layout, PageResult, page, page_with_status, redirect};

/// Errors of the form.
#[derive(Default)]
pub(super) struct PracticeErrors {
    pub(super) code_error: Option<String>,
    pub(super) start_error: Option<&'static str>,
}

impl PracticeErrors {
    pub(super) fn has_errors(&self) -> bool {
        self.code_error.is_some() || self.start_error.is_some()
    }
}

#[derive(Deserialize)]
pub(super) struct PracticeForm {
    #[serde(default)]
    code: String,
}

#[derive(Template)]
#[template(path = "setup/practice.html")]
struct PracticePage {
    layout: Layout,
    code: String,
    url: String,
}

pub(super) async fn start(
    State(setup): State<Setup>,
    State(practice): State<PracticeShop>,
    client: ClientInfo,
    layout: Layout,
    Form(form): Form<PracticeForm>,
) -> PageResult {
    if setup.is_done().await? {
        return Ok(redirect("/login"));
    }
    if setup.is_demo {
        return Err(Error::NotFound);
    }
    let mut errors =
        PracticeErrors { code_error: setup.code_error(&throttle(&client), &form.code).await?, start_error: None };
    if errors.code_error.is_none() {
        let data = setup.config.data.clone();
        match tokio::task::spawn_blocking(move || practice.start(&data)).await.map_err(Error::internal)? {
            Ok(url) => return Ok(page(PracticePage { layout, code: form.code, url })),
            Err(error) => {
                tracing::error!(%error, "연습 가게를 켜지 못했어요");
                errors.start_error = Some("연습 가게를 켜지 못했어요. 명령 창에서 mukkeum demo를 실행해 주세요.");
            }
        }
    }
    let shown = SetupPage { practice: errors, ..SetupPage::new(&setup, form.code, layout) };
    Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, shown))
}

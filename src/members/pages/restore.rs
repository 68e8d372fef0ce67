//! An empty shop that begins with a backup instead of a first administrator.
//!
//! The backup is restored beside the empty database. Then the program ends in good order, puts it in
//! place and begins again: `cli::serve`.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::setup::{self, SetupPage};
use crate::backup::{self, Key, PlanError, RestoreError};
use crate::members::limits::Subjects;
use crate::members::store;
use crate::time::{Moment, parse_moment};
use crate::web::client::Client;
use crate::web::paging::grouped;
use crate::web::{AppState, Error, Form, Layout, PageResult, page, page_with, redirect};

/// How long the page of a restored shop waits for the program to begin again.
const REFRESH: HeaderValue = HeaderValue::from_static("5; url=/login");

/// Two would write to one file.
static RESTORES: Mutex<()> = Mutex::const_new(());

/// The form as it comes back.
#[derive(Default)]
pub(super) struct Restoring {
    pub(super) from: String,
    pub(super) at: String,
    pub(super) code_problem: Option<String>,
    pub(super) from_problem: Option<String>,
    pub(super) at_problem: Option<String>,
    pub(super) key_problem: Option<String>,
}

impl Restoring {
    /// Whether the form has come back to be mended.
    pub(super) fn is_open(&self) -> bool {
        [&self.code_problem, &self.from_problem, &self.at_problem, &self.key_problem].into_iter().any(Option::is_some)
    }
}

#[derive(Deserialize)]
pub(super) struct RestoreForm {
    #[serde(default)]
    code: String,
    from: String,
    #[serde(default)]
    at: String,
    #[serde(default)]
    key: String,
}

#[derive(Template)]
#[template(path = "members/restored.html")]
struct RestoredPage {
    layout: Layout,
    at: String,
    orders: String,
}

pub(super) async fn restore(
    State(state): State<AppState>,
    client: Client,
    layout: Layout,
    Form(form): Form<RestoreForm>,
) -> PageResult {
    if state.storage.read(store::any).await? {
        return Ok(redirect("/login"));
    }
    let shown = SetupPage::new(&state, &client, layout.clone());
    let (Some(mut restoring), Some(out)) = (shown.restoring, state.config.restored()) else {
        return Err(Error::NotFound);
    };
    let subjects = Subjects::new("(setup)", client.address);
    restoring.code_problem = setup::wrong_code(&state, &client, &subjects, &form.code).await?;
    let target = backup::open(form.from.trim()).map_err(|error| restoring.from_problem = Some(error.to_string())).ok();
    let at = at(&form.at).map_err(|problem| restoring.at_problem = Some(problem)).ok();
    let key = key(&form.key).map_err(|problem| restoring.key_problem = Some(problem)).ok();
    restoring.from = form.from;
    restoring.at = form.at;
    let again = |restoring| {
        let page = SetupPage { restoring: Some(restoring), ..SetupPage::new(&state, &client, layout.clone()) };
        Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, page))
    };
    let (Some(target), Some(at), Some(key), None) = (target, at, key, &restoring.code_problem) else {
        return again(restoring);
    };
    let _one_at_a_time = RESTORES.lock().await;
    let restored = match backup::restore(&target, key.as_ref(), at, &out, true, &mut |_, _| ()).await {
        Ok(restored) => restored,
        Err(error @ RestoreError::Plan(PlanError::TooEarly { .. } | PlanError::Between { .. })) => {
            return again(Restoring { at_problem: Some(error.to_string()), ..restoring });
        }
        Err(error) => return again(Restoring { from_problem: Some(error.to_string()), ..restoring }),
    };
    if state.storage.read(store::any).await? {
        // Somebody was quicker and has begun without it.
        std::fs::remove_file(out).map_err(|error| Error::Internal(error.to_string()))?;
        return Ok(redirect("/login"));
    }
    if let Some(key) = key
        && !state.config.data.join(backup::KEY_FILE).exists()
    {
        // The restored shop goes on sealing its copies.
        key.keep(&state.config.data).map_err(|error| Error::Internal(error.to_string()))?;
    }
    let (at, orders) = (restored.at.precise(), grouped(restored.figures.orders));
    let mut response = page(RestoredPage { layout, at, orders });
    response.headers_mut().insert(header::REFRESH, REFRESH);
    state.again.notify_one();
    Ok(response)
}

fn at(text: &str) -> Result<Option<Moment>, String> {
    match text.trim() {
        "" => Ok(None),
        text => parse_moment(text).map(Some).ok_or_else(|| "2026-11-22 10:00 모양으로 적어 주세요.".to_owned()),
    }
}

fn key(text: &str) -> Result<Option<Key>, String> {
    match text.trim() {
        "" => Ok(None),
        text => Key::parse(text).map(Some).map_err(|error| error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::members::model::Role;
    use crate::web::testing::TestApp;

    #[tokio::test]
    async fn what_is_wrong_with_a_backup_is_said_at_its_field_and_a_shop_that_has_begun_restores_nothing() {
        let app = TestApp::start().await;
        let post = async |fields: [(&str, &str); 3]| app.post_form_from("/setup", "/setup/restore", &fields).await;
        let wrong = post([("from", "usb"), ("at", "어제"), ("key", "ABCD")]).await;
        let Some(restored) = app.state.config.restored() else {
            assert_eq!(wrong.status, StatusCode::NOT_FOUND, "MariaDB is restored by its own tools");
            return;
        };
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        for field in ["from-problem", "at-problem", "key-problem"] {
            assert!(wrong.text.contains(&format!("id=\"{field}\"")), "{field}: {}", wrong.text);
        }
        assert!(wrong.text.contains("value=\"어제\"") && !wrong.text.contains("ABCD"), "the key does not come back");
        let nowhere = post([("from", "file:///nowhere/at/all"), ("at", ""), ("key", "")]).await;
        assert!(nowhere.text.contains("닿지 않아요"), "{}", nowhere.text);

        let token = app.token("/setup").await;
        app.add_member("sajang", Role::Admin).await;
        let late = app.post_bare("/setup/restore", &[("from", "file:///nowhere"), ("csrf", token.as_str())]).await;
        assert_eq!((late.location(), restored.exists()), ("/login", false));
    }
}

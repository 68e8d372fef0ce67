//! Restore of a backup instead of the creation of an administrator.
//!
//! The backup is restored to a file beside the empty database. Then the program shuts down gracefully, installs the file
//! as its database and starts again (`cli::serve`).

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::{Setup, SetupPage, throttle};
use crate::backup::{self, Key, PlanError, RestoreError};
use crate::proofs::files::ProofFiles;
use crate::time::{Moment, parse_moment};
use crate::web::paging::grouped;
use crate::web::{ClientInfo, Error, Form, Layout, PageResult, Restart, page, page_with_status, redirect};

/// Reload of the page after a restore, in seconds, and its target: the program restarts in this time.
const REFRESH: HeaderValue = HeaderValue::from_static("5; url=/login");

/// Serialises restores, which write to one file.
static RESTORE_LOCK: Mutex<()> = Mutex::const_new(());

/// The fields of the form with their errors. The key is never sent back to the browser.
#[derive(Default)]
pub(super) struct RestoreFields {
    pub(super) from: String,
    pub(super) at: String,
    pub(super) code_error: Option<String>,
    pub(super) from_error: Option<String>,
    pub(super) at_error: Option<String>,
    pub(super) key_error: Option<String>,
}

impl RestoreFields {
    /// Whether any field has an error.
    pub(super) fn has_errors(&self) -> bool {
        [&self.code_error, &self.from_error, &self.at_error, &self.key_error].into_iter().any(Option::is_some)
    }
}

#[derive(Deserialize)]
pub(super) struct RestoreForm {
    #[serde(default)]
    code: String,
    /// URL of the backup target
    from: String,
    /// moment to restore; the newest when empty
    #[serde(default)]
    at: String,
    /// key of an encrypted backup
    #[serde(default)]
    key: String,
    /// restore a backup that is not encrypted
    #[serde(default)]
    unsealed: Option<String>,
}

#[derive(Template)]
#[template(path = "setup/restore.html")]
struct RestoredPage {
    layout: Layout,
    at: String,
    orders: String,
}

pub(super) async fn restore(
    State(setup): State<Setup>,
    State(restart): State<Restart>,
    State(proofs): State<ProofFiles>,
    client: ClientInfo,
    layout: Layout,
    Form(form): Form<RestoreForm>,
) -> PageResult {
    if setup.is_done().await? {
        return Ok(redirect("/login"));
    }
    let shown = SetupPage::new(&setup, form.code.clone(), layout.clone());
    let (Some(mut fields), Some(out)) = (shown.restore, setup.config.restored()) else {
        return Err(Error::NotFound);
    };
    fields.code_error = setup.code_error(&throttle(&client), &form.code).await?;
    let target =
        backup::open_target(form.from.trim()).map_err(|error| fields.from_error = Some(error.to_string())).ok();
    let at = parse_at(&form.at).map_err(|error| fields.at_error = Some(error)).ok();
    let key = parse_key(&form.key, form.unsealed.is_some()).map_err(|error| fields.key_error = Some(error)).ok();
    fields.from = form.from;
    fields.at = form.at;
    let render_with_errors = |fields| {
        let page = SetupPage { restore: Some(fields), ..SetupPage::new(&setup, form.code.clone(), layout.clone()) };
        Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page))
    };
    let (Some(target), Some(at), Some(key), None) = (target, at, key, &fields.code_error) else {
        return render_with_errors(fields);
    };
    let _lock = RESTORE_LOCK.lock().await;
    let restored = match backup::restore(&target, key.as_ref(), at, &out, true, &mut |_, _| ()).await {
        Ok(restored) => restored,
        Err(error @ RestoreError::Plan(PlanError::TooEarly { .. } | PlanError::Between { .. })) => {
            return render_with_errors(RestoreFields { at_error: Some(error.to_string()), ..fields });
        }
        Err(error) => return render_with_errors(RestoreFields { from_error: Some(error.to_string()), ..fields }),
    };
    if let Err(error) = backup::restore_proofs((&target, key.as_ref()), &out, &proofs).await {
        std::fs::remove_file(out).map_err(Error::internal)?;
        return render_with_errors(RestoreFields { from_error: Some(error.to_string()), ..fields });
    }
    if setup.is_done().await? {
        // An administrator was created while the restore was running.
        std::fs::remove_file(out).map_err(Error::internal)?;
        return Ok(redirect("/login"));
    }
    let data = &setup.config.data;
    if let Some(key) = key
        && !data.join(backup::KEY_FILE).exists()
    {
        // Keep the key, so that the restored shop encrypts its backups with it.
        key.save(data).map_err(Error::internal)?;
    }
    let (at, orders) = (restored.at.precise(), grouped(restored.summary.orders));
    let mut response = page(RestoredPage { layout, at, orders });
    response.headers_mut().insert(header::REFRESH, REFRESH);
    restart.request();
    Ok(response)
}

fn parse_at(text: &str) -> Result<Option<Moment>, String> {
    match text.trim() {
        "" => Ok(None),
        text => parse_moment(text).map(Some).ok_or_else(|| "2026-11-22 10:00 모양으로 입력해 주세요.".to_owned()),
    }
}

fn parse_key(text: &str, is_unsealed: bool) -> Result<Option<Key>, String> {
    match text.trim() {
        "" if is_unsealed => Ok(None),
        "" => Err("백업 열쇠를 입력해 주세요. 암호화하지 않은 백업이면 아래를 선택해 주세요.".to_owned()),
        text => Key::parse(text).map(Some).map_err(|error| error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::members::model::Role;
    use crate::web::testing::TestApp;

    #[tokio::test]
    async fn errors_are_shown_at_their_fields_and_a_shop_with_members_is_not_restored() {
        let app = TestApp::start().await;
        let code = app.state.setup_code.to_string();
        let post = async |fields: [(&str, &str); 3]| {
            let fields: Vec<_> = fields.into_iter().chain([("code", code.as_str())]).collect();
            app.post_form_from("/setup", "/setup/restore", &fields).await
        };
        let wrong = post([("from", "usb"), ("at", "어제"), ("key", "ABCD")]).await;
        let Some(restored) = app.state.config.restored() else {
            assert_eq!(wrong.status, StatusCode::NOT_FOUND, "MariaDB is restored by its own tools");
            return;
        };
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        for field in ["from-problem", "at-problem", "key-problem"] {
            assert!(wrong.text.contains(&format!("id=\"{field}\"")), "{field}: {}", wrong.text);
        }
        assert!(wrong.text.contains("value=\"어제\"") && !wrong.text.contains("ABCD"), "the key is not sent back");
        let nowhere = post([("from", "file:///nowhere/at/all"), ("at", ""), ("unsealed", "1")]).await;
        let keyless = post([("from", "file:///nowhere/at/all"), ("at", ""), ("key", "")]).await;
        assert!(keyless.text.contains("id=\"key-problem\""), "an unsealed backup is restored only when asked for");
        assert!(nowhere.text.contains("닿지 않아요"), "{}", nowhere.text);

        let token = app.token("/setup").await;
        app.add_member("sajang", Role::Admin).await;
        let late = app.post_bare("/setup/restore", &[("from", "file:///nowhere"), ("csrf", token.as_str())]).await;
        assert_eq!((late.location(), restored.exists()), ("/login", false));
    }
}

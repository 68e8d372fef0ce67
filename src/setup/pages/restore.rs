//! `/setup/restore`: a backup instead of a first administrator. Its folder is chosen from a list, or a bucket of a cloud is
//! named; the restore itself is a [job](crate::setup::restore_job).

pub(super) mod progress;

use std::path::Path;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use url::Url;

use super::{Setup, SetupPage, throttle};
use crate::backup::{self, Key};
use crate::objects::folders::FolderList;
use crate::objects::{StoreForm, Target};
use crate::proofs::files::ProofFiles;
use crate::setup::restore_job::{RestoreJob, RestoreRequest};
use crate::time::{Moment, parse_moment};
use crate::web::{
    ClientInfo, Error, Form, Layout, PageResult, Query, Restart, page, page_with_status, percent_encode, redirect,
};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RestoreQuery {
    code: String,
    /// the open folder; empty: the list of drives
    path: String,
}

#[derive(Deserialize)]
pub(super) struct RestoreForm {
    #[serde(default)]
    code: String,
    /// the folder of the backup; empty: a store
    #[serde(default)]
    path: String,
    #[serde(flatten)]
    store: StoreForm,
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

/// The errors of the form, and what it keeps. The key and the secret of a store are never sent back to the browser.
#[derive(Default)]
struct RestoreFields {
    at: String,
    /// at the folder or the store
    from_error: Option<String>,
    at_error: Option<String>,
    key_error: Option<String>,
}

#[derive(Template)]
#[template(path = "setup/restore.html")]
struct RestorePage {
    layout: Layout,
    code: String,
    list: FolderList,
    /// the folder of the list that has a backup: the open one, or one in it
    found: Option<String>,
    store: StoreForm,
    /// whether the form of the store was sent
    is_store: bool,
    fields: RestoreFields,
}

impl RestorePage {
    fn new(layout: Layout, code: String, path: &str) -> Self {
        let list = FolderList::open(path);
        let found = backup::backup_in(Path::new(&list.path)).map(|folder| folder.display().to_string());
        let (store, fields) = (StoreForm::default(), RestoreFields::default());
        Self { layout, code, list, found, store, is_store: false, fields }
    }

    /// URL of a folder of the list, before its path.
    fn base(&self) -> String {
        format!("/setup/restore?code={}&", percent_encode(&self.code))
    }
}

/// `GET /setup/restore`: the folders of the computer are shown to those who have the setup code.
pub(super) async fn show(
    State(setup): State<Setup>,
    client: ClientInfo,
    layout: Layout,
    Query(query): Query<RestoreQuery>,
) -> PageResult {
    match check(&setup, &client, &layout, &query.code).await? {
        Some(response) => Ok(response),
        None => Ok(page(RestorePage::new(layout, query.code, &query.path))),
    }
}

/// `POST /setup/restore`: starts the job.
pub(super) async fn create(
    State(setup): State<Setup>,
    State(job): State<RestoreJob>,
    State(restart): State<Restart>,
    State(proofs): State<ProofFiles>,
    client: ClientInfo,
    layout: Layout,
    Form(form): Form<RestoreForm>,
) -> PageResult {
    if let Some(response) = check(&setup, &client, &layout, &form.code).await? {
        return Ok(response);
    }
    let out = setup.restored().ok_or(Error::NotFound)?;
    let mut fields = RestoreFields::default();
    let target = target(&form).map_err(|error| fields.from_error = Some(error)).ok();
    let at = parse_at(&form.at).map_err(|error| fields.at_error = Some(error)).ok();
    let key = parse_key(&form.key, form.unsealed.is_some()).map_err(|error| fields.key_error = Some(error)).ok();
    let (Some(target), Some(at), Some(key)) = (target, at, key) else {
        fields.at = form.at;
        let is_store = form.path.is_empty();
        let store = form.store.without_secret();
        let page = RestorePage { store, is_store, fields, ..RestorePage::new(layout, form.code, &form.path) };
        return Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page));
    };
    let (data, requests_file) = (setup.config.data.clone(), setup.config.requests_file());
    let request = RestoreRequest { target, key, at, out, requests_file, data, folder: form.path };
    job.start(request, setup.storage, proofs, move || restart.request());
    Ok(redirect(&progress::path(&form.code)))
}

/// The answer to those who may not restore: the shop has members, the code is wrong.
async fn check(setup: &Setup, client: &ClientInfo, layout: &Layout, code: &str) -> PageResult<Option<Response>> {
    if setup.is_done().await? {
        return Ok(Some(redirect("/login")));
    }
    if setup.restored().is_none() {
        return Err(Error::NotFound);
    }
    let Some(error) = setup.code_error(&throttle(client), code).await? else { return Ok(None) };
    let shown = SetupPage::new(setup, code.to_owned(), layout.clone());
    let shown = SetupPage { restore_code_error: Some(error), ..shown };
    Ok(Some(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, shown)))
}

/// The folder or the store of the form.
fn target(form: &RestoreForm) -> Result<Target, String> {
    if form.path.is_empty() {
        let address = form.store.address()?;
        return backup::open_target_with(&address, form.store.options()).map_err(|error| error.to_string());
    }
    let folder = backup::backup_in(Path::new(&form.path));
    let url = folder.and_then(|folder| Url::from_directory_path(folder).ok());
    let url = url.ok_or_else(|| format!("여기에는 백업이 없어요: {}. 다른 폴더를 선택해 주세요.", form.path))?;
    backup::open_target(url.as_str()).map_err(|error| error.to_string())
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
    use std::time::Duration;

    use super::*;
    use crate::members::model::Role;
    use crate::web::testing::{TestApp, TestResponse};

    /// The page with the code and this query.
    fn path(app: &TestApp, query: &str) -> String {
        format!("/setup/restore?code={}{query}", app.state.setup_code)
    }

    async fn post(app: &TestApp, fields: &[(&str, &str)]) -> TestResponse {
        let code = app.state.setup_code.to_string();
        let fields: Vec<_> = fields.iter().copied().chain([("code", code.as_str())]).collect();
        app.post_form_from("/setup", "/setup/restore", &fields).await
    }

    /// A folder that looks like a backup and has none.
    fn empty_backup() -> tempfile::TempDir {
        let drive = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(drive.path().join("mukkeum-backup/claims")).expect("creates");
        drive
    }

    fn is_mariadb(app: &TestApp) -> bool {
        app.state.config.restored().is_none()
    }

    #[tokio::test]
    async fn folders_are_shown_to_those_who_have_the_code() {
        let app = TestApp::start().await;
        let refused = app.get("/setup/restore?code=AAAA-AAAA-AAAA&path=%2F").await;
        if is_mariadb(&app) {
            assert_eq!(refused.status, StatusCode::NOT_FOUND, "MariaDB is restored by its own tools");
            return;
        }
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            refused.text.contains("id=\"restore-code-problem\"") && !refused.text.contains("class=\"settings-list")
        );
        assert!(app.get(&path(&app, "")).await.ok().contains("이 컴퓨터 전체"));
        let drive = empty_backup();
        let query = format!("&path={}", percent_encode(&drive.path().display().to_string()));
        let text = app.get(&path(&app, &query)).await.ok();
        assert!(text.contains("복원해서 시작하기") && text.contains("mukkeum-backup</code>"), "{text}");
        let text = app.get(&path(&app, "&path=%2Fproc")).await.ok();
        assert!(text.contains("이 폴더에는 백업이 없어요"), "{text}");
    }

    #[tokio::test]
    async fn errors_are_shown_at_their_fields_and_a_shop_with_members_is_not_restored() {
        let app = TestApp::start().await;
        if is_mariadb(&app) {
            return;
        }
        let drive = empty_backup();
        let folder = drive.path().display().to_string();
        let wrong = post(&app, &[("path", &folder), ("at", "어제"), ("key", "ABCD")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        for field in ["at-problem", "key-problem"] {
            assert!(wrong.text.contains(&format!("id=\"{field}\"")), "{field}: {}", wrong.text);
        }
        assert!(!wrong.text.contains("ABCD"), "the key is not sent back");
        let keyless = post(&app, &[("path", &folder), ("key", "")]).await;
        assert!(keyless.text.contains("id=\"key-problem\""), "an unsealed backup is restored only when asked for");
        let nowhere = post(&app, &[("path", "/nowhere/at/all"), ("unsealed", "1")]).await;
        assert!(nowhere.text.contains("여기에는 백업이 없어요"), "{}", nowhere.text);
        let store = [("kind", "s3"), ("bucket", "a b"), ("secret", "geheim"), ("unsealed", "1")];
        let bucket = post(&app, &store).await;
        assert!(
            bucket.text.contains("버킷 이름만 입력해 주세요") && !bucket.text.contains("geheim"),
            "{}",
            bucket.text
        );

        let token = app.token("/setup").await;
        app.add_member("sajang", Role::Admin).await;
        let fields = [("path", folder.as_str()), ("csrf", token.as_str())];
        let late = app.post_bare("/setup/restore", &fields).await;
        let restored = app.state.config.restored().expect("a file");
        assert_eq!((late.location(), restored.exists()), ("/login", false));
        assert_eq!(app.get(&path(&app, "")).await.location(), "/login");
    }

    #[tokio::test]
    async fn restore_that_fails_says_why_and_leads_back_to_the_folder() {
        let app = TestApp::start().await;
        if is_mariadb(&app) {
            return;
        }
        let drive = empty_backup();
        let folder = drive.path().display().to_string();
        let started = post(&app, &[("path", &folder), ("unsealed", "1")]).await;
        assert_eq!(started.status, StatusCode::SEE_OTHER);
        for _ in 0..200 {
            let text = app.get(started.location()).await.ok();
            if !text.contains("data-poll") {
                assert!(text.contains("이곳에는 복원할 수 있는 백업이 없어요"), "{text}");
                assert!(text.contains(&format!("path={}", percent_encode(&folder))), "{text}");
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the job does not end");
    }
}

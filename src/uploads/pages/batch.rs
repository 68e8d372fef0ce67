//! `/uploads/batch`: several uploads in one list, applied with one button.

use askama::Template;
use axum::extract::State;
use serde::Deserialize;

use crate::audit::MemberActor;
use crate::id::{Id, UploadId};
use crate::storage::{Storage, StorageError};
use crate::uploads::{ApplyProgress, ImportOptions, RowOutcome, Stage, Upload, Uploads, store};
use crate::web::{Error, Form, Layout, PageResult, Query, page, redirect};

/// Uploads on one page: as many as one form receives.
pub(super) const MAX_UPLOADS: usize = 20;

/// Path of the page with these uploads.
pub(super) fn batch_path(ids: &[UploadId]) -> String {
    format!("/uploads/batch?files={}", joined(ids))
}

fn joined(ids: &[UploadId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(".")
}

#[derive(Default, Deserialize)]
pub(super) struct BatchQuery {
    /// identifiers of the uploads, separated by points
    #[serde(default)]
    files: String,
}

impl BatchQuery {
    fn ids(&self) -> Vec<UploadId> {
        self.files.split('.').filter_map(Id::parse).take(MAX_UPLOADS).collect()
    }
}

/// An upload of the page, and what keeps it from being applied.
struct FileView {
    upload: Upload,
    progress: Option<ApplyProgress>,
}

impl FileView {
    fn id(&self) -> String {
        self.upload.id.to_string()
    }

    fn is_under_way(&self) -> bool {
        self.progress.as_ref().is_some_and(ApplyProgress::is_under_way)
    }

    fn is_being_applied(&self) -> bool {
        matches!(self.progress, Some(ApplyProgress::Applying(_)))
    }

    /// Whether it waits for the courier that its file does not name.
    fn needs_courier(&self) -> bool {
        self.upload.stage == Stage::Previewed && self.upload.findings.courier_missing && self.upload.courier.is_empty()
    }

    fn is_ready(&self) -> bool {
        let is_previewed = self.upload.stage == Stage::Previewed && self.upload.file_kept;
        is_previewed && !self.needs_courier() && !self.is_under_way()
    }

    /// Whether the retention period has ended before it was applied.
    fn lost_its_original(&self) -> bool {
        self.upload.stage == Stage::Previewed && !self.upload.file_kept
    }

    /// Why the last attempt failed.
    fn failure(&self) -> Option<&str> {
        match &self.progress {
            Some(ApplyProgress::Failed(reason)) if self.upload.stage.is_open() => Some(reason),
            _ => None,
        }
    }
}

#[derive(Template)]
#[template(path = "uploads/batch.html")]
struct BatchPage {
    layout: Layout,
    files: Vec<FileView>,
}

impl BatchPage {
    fn ids(&self) -> String {
        joined(&self.files.iter().map(|file| file.upload.id).collect::<Vec<_>>())
    }

    fn ready(&self) -> usize {
        self.files.iter().filter(|file| file.is_ready()).count()
    }

    fn under_way(&self) -> usize {
        self.files.iter().filter(|file| file.is_under_way()).count()
    }

    fn applied(&self) -> usize {
        self.files.iter().filter(|file| file.upload.stage == Stage::Applied).count()
    }

    /// The files that are applied or are going to be, while some are under way.
    fn queued(&self) -> usize {
        self.applied() + self.under_way()
    }

    /// The files that need something else than the button: a password, a courier, another file.
    fn left(&self) -> usize {
        let is_left = |file: &&FileView| {
            matches!(file.upload.stage, Stage::Locked | Stage::Received | Stage::Refused)
                || file.needs_courier()
                || file.lost_its_original()
        };
        self.files.iter().filter(is_left).count()
    }

    fn total_imported(&self) -> i64 {
        self.files.iter().map(|file| file.upload.imported()).sum()
    }

    fn total_unchanged(&self) -> i64 {
        self.files.iter().map(|file| file.upload.unchanged()).sum()
    }

    fn total_rejected(&self) -> i64 {
        self.files.iter().map(|file| file.upload.count(RowOutcome::Rejected)).sum()
    }

    fn total_warned(&self) -> i64 {
        self.files.iter().map(|file| file.upload.warned).sum()
    }
}

pub(super) async fn show(
    State(storage): State<Storage>,
    State(uploads): State<Uploads>,
    layout: Layout,
    Query(query): Query<BatchQuery>,
) -> PageResult {
    let found = load(&storage, query.ids()).await?;
    if found.is_empty() {
        return Err(Error::NotFound);
    }
    let files =
        found.into_iter().map(|upload| FileView { progress: uploads.queue.progress(upload.id), upload }).collect();
    Ok(page(BatchPage { layout, files }))
}

/// Applies the uploads that are ready. What becomes of each is on the page.
pub(super) async fn apply(
    State(storage): State<Storage>,
    State(uploads): State<Uploads>,
    actor: MemberActor,
    Form(form): Form<BatchQuery>,
) -> PageResult {
    let ids = form.ids();
    let found = load(&storage, ids.clone()).await?;
    let files = found
        .into_iter()
        .map(|upload| FileView { progress: uploads.queue.progress(upload.id), upload })
        .filter(FileView::is_ready)
        .map(|FileView { upload, .. }| {
            let courier = Some(upload.courier).filter(|courier| !courier.is_empty());
            (upload.id, ImportOptions { courier, ..ImportOptions::default() })
        })
        .collect();
    // Longer work continues in the background; the page shows how far it is.
    let _ = tokio::time::timeout(uploads.foreground, uploads.start_apply_all(files, actor.into())).await;
    Ok(redirect(&batch_path(&ids)))
}

async fn load(storage: &Storage, ids: Vec<UploadId>) -> PageResult<Vec<Upload>> {
    let found = storage.read(move |tx| {
        let mut found = Vec::new();
        for id in &ids {
            found.extend(store::find(tx, *id)?);
        }
        Ok::<_, StorageError>(found)
    });
    Ok(found.await?)
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use reqwest::multipart::Part;

    use crate::id::UploadId;
    use crate::sheets::tests::sheet_package;
    use crate::uploads::pages::tests::ORDERS_FILE;
    use crate::uploads::store;
    use crate::web::testing::TestApp;

    fn fixture(name: &str) -> Vec<u8> {
        std::fs::read(format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))).expect("a fixture")
    }

    /// Uploads these fixtures with one form; returns the path of their page.
    async fn upload(app: &TestApp, names: &'static [&'static str]) -> String {
        let add = |form: reqwest::multipart::Form| {
            names.iter().fold(form, |form, name| form.part("files", Part::bytes(fixture(name)).file_name(*name)))
        };
        let answer = app.post_multipart("/uploads", add).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        answer.location().to_owned()
    }

    fn files(path: &str) -> &str {
        path.split_once("files=").and_then(|(_, rest)| rest.split('&').next()).expect("a list of files")
    }

    #[tokio::test]
    async fn files_are_applied_together_and_the_others_are_named() {
        let app = TestApp::as_admin().await;
        let names = &[
            ORDERS_FILE,
            "02_smartstore_encrypted_agile_aes256_sha512.xlsx",
            "B01_missing_key_column.xlsx",
            "B06_bad_values.xlsx",
        ];
        let here = upload(&app, names).await;
        let page = app.get(&here).await.ok();
        assert!(page.contains("파일 4개를 읽었어요") && page.contains("2개 모두 적용"), "{page}");
        assert!(page.contains("비밀번호 입력") && page.contains("상품주문번호"), "each other file says why: {page}");

        let answer = app.post_form("/uploads/batch", &[("files", files(&here))]).await;
        let page = app.get(answer.location()).await.ok();
        assert!(page.contains("파일 2개를 적용했어요") && !page.contains("모두 적용</button>"), "{page}");
        let orders = app.state.storage.read(|tx| tx.scalar("SELECT count(*) FROM orders", &[])).await;
        assert_eq!(orders.expect("reads"), 26, "23 of the first and 3 of the last");

        let again = app.post_form("/uploads/batch", &[("files", files(&here))]).await;
        assert_eq!(again.location(), answer.location(), "applying again changes nothing");
    }

    #[tokio::test]
    async fn file_that_is_refused_does_not_stop_the_others() {
        let app = TestApp::as_admin().await;
        let here = upload(&app, &["B06_bad_values.xlsx", ORDERS_FILE]).await;
        let gone = app.state.storage.write(|tx| {
            let first = UploadId::from_raw(tx.scalar("SELECT min(id) FROM uploads", &[])?);
            store::delete_file(tx, first)
        });
        gone.await.expect("writes");
        let answer = app.post_form("/uploads/batch", &[("files", files(&here))]).await;
        let page = app.get(answer.location()).await.ok();
        assert!(page.contains("파일 1개를 적용했어요") && page.contains("원본 파일이 없어요"), "{page}");
    }

    #[tokio::test]
    async fn list_without_a_courier_waits_for_it() {
        let app = TestApp::as_admin().await;
        let list = || sheet_package(&[&["주문번호", "송장번호"], &["2024031500000004", "45168300548"]]);
        let add = |form: reqwest::multipart::Form| {
            let [one, two] = ["하나.xlsx", "둘.xlsx"].map(|name| Part::bytes(list()).file_name(name));
            form.part("files", one).part("files", two)
        };
        let here = app.post_multipart("/uploads", add).await.location().to_owned();
        let page = app.get(&here).await.ok();
        assert!(page.contains("택배사 선택") && !page.contains("모두 적용</button>"), "{page}");
    }

    #[tokio::test]
    async fn unknown_files_are_not_found() {
        let app = TestApp::as_admin().await;
        for path in ["/uploads/batch", "/uploads/batch?files=", "/uploads/batch?files=x.y"] {
            assert_eq!(app.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
        }
    }
}

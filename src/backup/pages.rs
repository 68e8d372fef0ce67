//! `/backup`: state of the backup, and its actions.

use std::path::PathBuf;
use std::sync::Arc;

use askama::Template;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use tokio::io::AsyncReadExt;

use super::{Backup, KEY_FILE, Key, KeyError, MariaDbDump, TargetProblem, TargetStatus};
use crate::access;
use crate::audit::{self, Actor, AuditEvent, AuditObject, MemberActor};
use crate::config::{Config, Database};
use crate::demo::Demo;
use crate::objects::is_on_disk_of;
use crate::storage::Storage;
use crate::text::format_size;
use crate::time::Moment;
use crate::web::paging::grouped;
use crate::web::{
    Access, Error, Flash, Form, Layout, PageResult, Routes, content_disposition, page, redirect_with_flash,
};

/// Size of a chunk of a download.
const CHUNK_BYTES: usize = 256 << 10;

/// Age of the last upload up to which a target counts as up to date.
const MAX_CURRENT_AGE_MS: i64 = 120_000;

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/backup", Access::Admin, show)
        .post("/backup/snapshot", Access::Admin, snapshot)
        .post("/backup/{index}/verify", Access::Admin, verify)
        .post("/backup/{index}/take-over", Access::AdminReauthenticated, take_over)
        .post("/backup/key", Access::AdminReauthenticated, show_key)
        .post("/backup/download", Access::AdminReauthenticated, download)
}

#[derive(Template)]
#[template(path = "backup/show.html")]
struct BackupPage {
    layout: Layout,
    targets: Vec<TargetView>,
    has_key: bool,
    is_demo: bool,
    is_mariadb: bool,
    dump: Option<DumpView>,
}

/// The newest dump of MariaDB, for display.
struct DumpView {
    dump: MariaDbDump,
    now: Moment,
}

impl DumpView {
    fn created(&self) -> String {
        format!("{} ({})", Moment(self.dump.at), format_age(self.now.0 - self.dump.at))
    }

    fn size(&self) -> String {
        format_size(self.dump.bytes)
    }

    fn is_stale(&self) -> bool {
        self.dump.is_stale(self.now)
    }
}

/// One target, for display.
struct TargetView {
    index: usize,
    status: TargetStatus,
    /// whether it is a folder on the disk of the data
    is_beside_data: bool,
    now: Moment,
}

impl TargetView {
    fn when(&self, at: Option<i64>) -> String {
        at.map_or_else(|| "아직 없어요".to_owned(), |at| format!("{} ({})", Moment(at), format_age(self.now.0 - at)))
    }

    fn copied(&self) -> String {
        self.when(self.status.copied_at)
    }

    fn snapshot(&self) -> String {
        self.when(self.status.snapshot_at)
    }

    fn verified(&self) -> String {
        let Some(verification) = &self.status.verification else { return self.when(None) };
        let orders = verification.orders.map(|orders| format!(" · 주문 {}건", grouped(orders)));
        self.when(Some(verification.at)) + &orders.unwrap_or_default()
    }

    fn size(&self) -> String {
        format_size(self.status.bytes)
    }

    fn spool_size(&self) -> String {
        format_size(self.status.spool_bytes)
    }

    /// Whether the shop has photographs of deliveries.
    fn has_proofs(&self) -> bool {
        let proofs = &self.status.proofs;
        proofs.copied + proofs.waiting > 0 || proofs.problem.is_some()
    }

    /// Whether work runs that a person has asked for, so that the page is asked again.
    fn is_working(&self) -> bool {
        self.status.verifying.is_some() || self.status.is_snapshot_requested
    }

    fn has_other_owner(&self) -> bool {
        matches!(self.status.problem, Some(TargetProblem::OtherOwner(_)))
    }

    /// Whether the target is up to date. An idle uploader refreshes the status every half minute.
    fn is_current(&self) -> bool {
        self.status.problem.is_none() && self.status.copied_at.is_some_and(|at| self.now.0 - at < MAX_CURRENT_AGE_MS)
    }

    /// Whether nothing has been copied yet, and nothing is wrong: a target that was just added.
    fn is_starting(&self) -> bool {
        self.status.problem.is_none() && self.status.copied_at.is_none()
    }

    fn problems(&self) -> Vec<String> {
        let failure = self.status.verification.as_ref().and_then(|verification| verification.failure.as_ref());
        let failure = failure.map(|failure| format!("마지막 확인에서 복원하지 못했어요: {failure}"));
        let unconditional = (self.status.supports_conditional_put == Some(false)).then(|| {
            "이 저장소는 동시 쓰기를 막지 못해요. 다른 프로그램이 같은 곳에 백업하지 않게 해 주세요.".to_owned()
        });
        let problems = [&self.status.problem, &self.status.snapshot_problem].into_iter().flatten();
        let since = self.status.problem_since.map(|since| format!("{}부터 복사하지 못하고 있어요.", Moment(since)));
        let beside = self.is_beside_data.then(|| {
            "데이터와 같은 디스크예요. 디스크가 고장 나면 둘 다 잃어요. 다른 디스크나 클라우드에도 백업해 주세요."
                .to_owned()
        });
        let silent = !self.is_current() && !self.is_starting() && self.status.problem.is_none();
        let silent = silent.then(|| {
            "2분 넘게 복사하지 못했어요. 컴퓨터가 바쁘면 곧 이어서 복사해요. 계속되면 프로그램을 다시 시작해 주세요."
                .to_owned()
        });
        problems
            .map(ToString::to_string)
            .chain(since)
            .chain(silent)
            .chain(failure)
            .chain(unconditional)
            .chain(beside)
            .collect()
    }
}

fn format_age(milliseconds: i64) -> String {
    match milliseconds / 60_000 {
        ..1 => "방금".to_owned(),
        minutes @ 1..60 => format!("{minutes}분 전"),
        minutes @ 60..1_440 => format!("{}시간 전", minutes / 60),
        minutes => format!("{}일 전", minutes / 1_440),
    }
}

async fn show(
    State(storage): State<Storage>,
    State(config): State<Arc<Config>>,
    State(demo): State<Option<Demo>>,
    State(backup): State<Option<Backup>>,
    layout: Layout,
) -> PageResult {
    let now = storage.clock().now();
    let statuses = backup.as_ref().map(Backup::statuses).unwrap_or_default();
    let view = |(index, status): (usize, TargetStatus)| {
        let is_beside_data = is_on_disk_of(&status.target, &config.data);
        TargetView { index, status, is_beside_data, now }
    };
    let targets = statuses.into_iter().enumerate().map(view).collect();
    let has_key = config.data.join(KEY_FILE).exists();
    let is_mariadb = matches!(config.database, Database::MariaDb(_));
    let dump = if is_mariadb { storage.read(MariaDbDump::newest).await? } else { None };
    let dump = dump.map(|dump| DumpView { dump, now });
    Ok(page(BackupPage { layout, targets, has_key, is_demo: demo.is_some(), is_mariadb, dump }))
}

/// Body of a form without fields.
#[derive(Deserialize)]
struct EmptyForm {}

/// Writes an audit entry and redirects to the page.
async fn record_and_redirect(
    storage: &Storage,
    actor: MemberActor,
    event: AuditEvent,
    message: &'static str,
) -> PageResult {
    let record = move |tx: &mut dyn crate::storage::Tx| {
        audit::record(tx, actor, AuditObject::UNNUMBERED, &event)?;
        Flash::success(message).save(tx, actor.id)
    };
    Ok(redirect_with_flash("/backup", storage.write(record).await?))
}

async fn snapshot(
    State(storage): State<Storage>,
    State(backup): State<Option<Backup>>,
    actor: MemberActor,
    Form(EmptyForm {}): Form<EmptyForm>,
) -> PageResult {
    backup.ok_or(Error::NotFound)?.snapshot();
    let message = "전체 백업을 만들고 있어요. 끝나면 여기에 시각이 바뀌어요.";
    record_and_redirect(&storage, actor, AuditEvent::SnapshotRequested {}, message).await
}

async fn verify(
    State(storage): State<Storage>,
    State(backup): State<Option<Backup>>,
    Path(index): Path<usize>,
    actor: MemberActor,
    Form(EmptyForm {}): Form<EmptyForm>,
) -> PageResult {
    let backup = backup.ok_or(Error::NotFound)?;
    if backup.statuses().get(index).is_none() {
        return Err(Error::NotFound);
    }
    tokio::spawn(async move { backup.verify(index).await });
    let message = "임시로 복원해서 확인하고 있어요. 끝나면 여기에 결과가 나와요.";
    record_and_redirect(&storage, actor, AuditEvent::TrialRestoreRequested { target: index + 1 }, message).await
}

async fn take_over(
    State(storage): State<Storage>,
    State(backup): State<Option<Backup>>,
    Path(index): Path<usize>,
    actor: MemberActor,
    Form(EmptyForm {}): Form<EmptyForm>,
) -> PageResult {
    if !backup.ok_or(Error::NotFound)?.take_over(index) {
        return Err(Error::NotFound);
    }
    let message = "이 백업을 이어받아요. 전체 백업부터 새로 만들어요.";
    record_and_redirect(&storage, actor, AuditEvent::BackupTargetTakenOver { target: index + 1 }, message).await
}

#[derive(Template)]
#[template(path = "backup/key.html")]
struct KeyPage {
    layout: Layout,
    id: String,
    groups: Vec<String>,
    /// whether the key was created for this page
    is_new: bool,
}

/// Shows the key as a sheet for paper; creates it if there is none.
async fn show_key(
    State(storage): State<Storage>,
    State(config): State<Arc<Config>>,
    layout: Layout,
    actor: MemberActor,
    Form(EmptyForm {}): Form<EmptyForm>,
) -> PageResult {
    let data = config.data.clone();
    let loaded = tokio::task::spawn_blocking(move || Key::load_or_generate(&data)).await.map_err(Error::internal)?;
    let (key, is_new) = loaded.map_err(|error| match error {
        KeyError::File(error) => error.into(),
        error @ KeyError::Mistyped => Error::internal(error),
    })?;
    let event = if is_new {
        AuditEvent::BackupKeyCreated { key: key.id() }
    } else {
        AuditEvent::BackupKeyShown { key: key.id() }
    };
    storage.write(move |tx| audit::record(tx, actor, AuditObject::UNNUMBERED, &event)).await?;
    let groups = key.to_text().split('-').map(str::to_owned).collect();
    let mut response = page(KeyPage { layout, id: key.id(), groups, is_new });
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Downloads a consistent copy of the whole database as one file.
async fn download(
    State(storage): State<Storage>,
    State(config): State<Arc<Config>>,
    actor: MemberActor,
    Form(EmptyForm {}): Form<EmptyForm>,
) -> PageResult {
    let now = storage.clock().now();
    let record = storage.write(move |tx| {
        let orders = access::all_orders(tx)?;
        access::record_download(tx, Actor::from(actor).into(), "/backup/download", "", orders)?;
        audit::record(tx, actor, AuditObject::UNNUMBERED, &AuditEvent::DatabaseDownloaded {})
    });
    let copy: PathBuf = config.data.join(format!("{}.download.tmp", record.await?));
    let copied = storage.copy_to(copy.clone()).await;
    let opened = match &copied {
        Ok(()) => std::fs::File::open(&copy),
        Err(_) => Err(std::io::ErrorKind::NotFound.into()),
    };
    // The open file stays readable after its name is removed, and no file is left if the client disconnects.
    let removed = std::fs::remove_file(&copy);
    copied?;
    removed?;
    Ok(stream_of(tokio::fs::File::from_std(opened?), now))
}

fn stream_of(file: tokio::fs::File, now: Moment) -> Response {
    let chunks = stream::try_unfold(file, |mut file| async move {
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        let read = (&mut file).take(CHUNK_BYTES as u64).read_to_end(&mut chunk).await?;
        Ok::<_, std::io::Error>((read > 0).then(|| (Bytes::from(chunk), file)))
    });
    let name = format!("묶음 {}.db", now.kst().format("%Y-%m-%d %H%M"));
    let headers = [
        (header::CONTENT_TYPE, "application/vnd.sqlite3".to_owned()),
        (header::CONTENT_DISPOSITION, content_disposition(&name)),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (headers, Body::from_stream(chunks)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::testing::TestApp;

    #[test]
    fn ages_are_formatted() {
        assert_eq!(
            [format_age(5_000), format_age(150_000), format_age(7_300_000), format_age(200_000_000)],
            ["방금", "2분 전", "2시간 전", "2일 전"]
        );
    }

    fn is_mariadb(app: &TestApp) -> bool {
        matches!(app.state.config.database, Database::MariaDb(_))
    }

    #[tokio::test]
    async fn page_explains_how_to_enable_the_backup() {
        let app = TestApp::as_admin().await;
        let text = app.get("/backup").await.ok();
        if is_mariadb(&app) {
            assert!(text.contains("MariaDB가 지켜요"), "{text}");
        } else {
            assert!(text.contains("백업이 꺼져 있어요") && text.contains("href=\"/settings\""), "{text}");
        }
    }

    #[tokio::test]
    async fn page_of_a_mariadb_shop_shows_the_newest_dump() {
        let elsewhere = |config: &mut crate::config::Config| {
            config.backup.targets.push("file:///usb".to_owned());
            config.database = Database::MariaDb("mysql://u:p@db/shop".parse().expect("an address"));
        };
        let app = TestApp::start_with(elsewhere, Routes::new()).await;
        app.sign_in_admin().await;
        assert!(!app.state.config.is_backed_up());
        let text = app.get("/backup").await.ok();
        assert!(text.contains("아직 백업이 없어요") && !text.contains("/backup/download"), "{text}");

        let at = app.state.now().0 - 3_600_000;
        for (at, expected) in [(at, "1시간 전"), (at - 172_800_000, "새 백업이 없어요")] {
            let dump =
                MariaDbDump { name: "shop.sql.zst".to_owned(), at, bytes: 12_345_678, position: "0-1-2".to_owned() };
            app.state.storage.write(move |tx| dump.save(tx)).await.expect("remembers");
            let text = app.get("/backup").await.ok();
            assert!(text.contains("shop.sql.zst") && text.contains("12.3MB") && text.contains(expected), "{text}");
        }
    }

    #[tokio::test]
    async fn download_is_the_database_and_is_logged() {
        let app = TestApp::as_admin().await;
        let (path, form) = ("/password", [("password", crate::web::testing::PASSWORD), ("next", "/backup")]);
        app.post_form(path, &form).await;
        let token = app.token("/backup").await;
        let request = app.browser.post(app.url("/backup/download")).form(&[("csrf", token.as_str())]);
        let response = request.send().await.expect("an answer");
        if is_mariadb(&app) {
            assert_eq!(response.status(), 503, "there is no file");
            return;
        }
        assert_eq!(response.status(), 200);
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("shop.db");
        std::fs::write(&file, response.bytes().await.expect("bytes")).expect("writes");
        let members: String = rusqlite::Connection::open(&file)
            .and_then(|shop| shop.query_row("SELECT username FROM members", [], |row| row.get(0)))
            .expect("a shop");
        assert_eq!(members, "admin");
        let sql = "SELECT count(*) FROM audit_entries WHERE verb = 'database-downloaded'";
        assert_eq!(app.state.storage.read(move |tx| tx.scalar(sql, &[])).await.expect("counts"), 1);
    }
}

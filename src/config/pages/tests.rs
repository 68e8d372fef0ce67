//! The page 설정 over HTTP: what is saved, and each wrong turn.

use std::net::TcpListener;
use std::path::Path;

use reqwest::StatusCode;

use crate::config::{Config, DemoPlan, PageSettings, ResetSchedule, Settings};
use crate::web::Routes;
use crate::web::testing::TestApp;

fn saved(app: &TestApp) -> PageSettings {
    PageSettings::load(&app.state.config.data).expect("reads")
}

async fn post(app: &TestApp, path: &str, fields: &[(&str, &str)]) -> crate::web::testing::TestResponse {
    app.post_form_from("/settings", path, fields).await
}

const LIMITS: [(&str, &str); 4] =
    [("upload_max_mb", "12"), ("upload_keep_days", "30"), ("session_idle_minutes", "60"), ("order_seal_days", "120")];

#[tokio::test]
async fn limits_are_saved_recorded_and_followed_by_a_restart() {
    let app = TestApp::as_admin().await;
    let page = app.get("/settings").await.ok();
    assert!(page.contains("기본값이에요") && page.contains("value=\"480\""), "{page}");
    let answer = post(&app, "/settings/limits", &LIMITS).await;
    assert!(answer.location().starts_with("/settings?done="), "{}", answer.text);
    let expected = PageSettings {
        upload_max_mb: Some(12),
        upload_keep_days: Some(30),
        session_idle_minutes: Some(60),
        order_seal_days: Some(120),
        ..PageSettings::default()
    };
    assert_eq!(saved(&app), expected);
    tokio::time::timeout(std::time::Duration::from_secs(5), app.state.restart.requested()).await.expect("restarts");
    let sql = "SELECT count(*) FROM audit_entries WHERE verb = 'settings-saved'";
    assert_eq!(app.state.storage.read(move |tx| tx.scalar(sql, &[])).await.expect("counts"), 1);

    let again = post(&app, "/settings/limits", &LIMITS).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
    let waiting = app.get(again.location()).await;
    assert_eq!((waiting.status, waiting.location()), (StatusCode::SEE_OTHER, again.location()), "for the next server");
    let reset = post(&app, "/settings/limits", &[("reset", "1")]).await;
    assert!(reset.location().starts_with("/settings?done="), "{}", reset.text);
    assert_eq!(saved(&app), PageSettings::default());
}

#[tokio::test]
async fn wrong_numbers_are_shown_at_their_fields() {
    let app = TestApp::as_admin().await;
    let fields = [
        ("upload_max_mb", "0"),
        ("upload_keep_days", "많이"),
        ("session_idle_minutes", "60"),
        ("order_seal_days", "29"),
    ];
    let answer = post(&app, "/settings/limits", &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text.contains("id=\"upload_max_mb-problem\"") && answer.text.contains("1에서 500 사이"));
    assert!(answer.text.contains("id=\"order_seal_days-problem\"") && answer.text.contains("30에서 1825 사이"));
    assert!(answer.text.contains("value=\"많이\"") && !answer.text.contains("id=\"session_idle_minutes-problem\""));
    assert_eq!(saved(&app), PageSettings::default());
}

#[tokio::test]
async fn other_devices_are_admitted_with_a_certificate_and_a_port_that_is_free() {
    let app = TestApp::as_admin().await;
    let taken = TcpListener::bind("0.0.0.0:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let form = |port: &str| [("access".to_owned(), "others".to_owned()), ("port".to_owned(), port.to_owned())];
    let send = async |port: &str| {
        let form = form(port);
        let fields: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        post(&app, "/settings/network", &fields).await
    };
    let refused = send(&port).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("다른 프로그램이 쓰고 있어요"), "{}", refused.text);
    for port in ["", "0", "70000", "가게"] {
        assert!(send(port).await.text.contains("1에서 65535 사이"), "{port}");
    }
    assert_eq!(saved(&app), PageSettings::default());
    drop(taken);
    let restarting = send(&port).await.ok();
    assert!(
        restarting.contains(&format!("https://localhost:{port}")) && restarting.contains("인증 앱"),
        "{restarting}"
    );
    assert!(restarting.contains("/phones"), "{restarting}");
    assert_eq!((saved(&app).listen, saved(&app).tls), (Some(format!("0.0.0.0:{port}")), Some(true)));
}

#[tokio::test]
async fn value_of_a_flag_cannot_be_changed_on_the_page() {
    let flag = |config: &mut Config| {
        let given = Settings {
            data: Some(config.data.clone()),
            upload_max_mb: Some(5),
            listen: Some("127.0.0.1:8080".to_owned()),
            flags: vec!["upload_max_mb"],
            ..Settings::default()
        };
        *config = Config::load(given, |_| None).expect("is right");
    };
    let app = TestApp::start_with(flag, Routes::new()).await;
    app.sign_in_admin().await;
    let page = app.get("/settings").await.ok();
    assert!(page.contains("실행할 때의 --upload-max-mb 옵션") && page.contains("환경 변수 MUKKEUM_LISTEN"), "{page}");
    post(&app, "/settings/limits", &LIMITS).await;
    assert_eq!((saved(&app).upload_max_mb, saved(&app).upload_keep_days), (None, Some(30)));
}

fn address_of(folder: &Path) -> String {
    url::Url::from_directory_path(folder).expect("a path").to_string().trim_end_matches('/').to_owned()
}

#[tokio::test]
async fn folder_is_tried_before_it_becomes_a_backup_place() {
    let app = TestApp::as_admin().await;
    if app.state.config.restored().is_none() {
        return; // MariaDB is backed up by its own tools.
    }
    let drive = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(drive.path().join("usb")).expect("a folder");
    let listed = app.get(&format!("/settings/backup/folders?path={}", drive.path().display())).await.ok();
    assert!(listed.contains(">usb</a>") && listed.contains("여기에 백업하기"), "{listed}");
    assert!(app.get("/settings/backup/folders").await.ok().contains("이 컴퓨터 전체"));

    let choose = async |path: &Path| {
        let path = path.display().to_string();
        post(&app, "/settings/backup/folders", &[("path", &path)]).await
    };
    let away = choose(&drive.path().join("usb2")).await;
    assert!(away.status == StatusCode::UNPROCESSABLE_ENTITY && away.text.contains("연결되어 있는지"), "{}", away.text);
    let inside = choose(&app.state.config.data).await;
    assert!(inside.text.contains("데이터 폴더 안이에요"), "{}", inside.text);
    let nothing = post(&app, "/settings/backup/folders", &[("path", "")]).await;
    assert!(nothing.text.contains("선택해 주세요"), "{}", nothing.text);

    let chosen = choose(&drive.path().join("usb")).await;
    assert!(chosen.location().starts_with("/settings?done="), "{}", chosen.text);
    let folder = drive.path().join("usb/mukkeum-backup");
    assert!(folder.is_dir());
    assert_eq!(saved(&app).backup, Some(vec![address_of(&folder)]));
}

#[tokio::test]
async fn cloud_that_cannot_be_used_is_not_saved() {
    let app = TestApp::as_admin().await;
    if app.state.config.restored().is_none() {
        return;
    }
    let fields = [
        ("kind", "s3"),
        ("bucket", "no-such-bucket"),
        ("endpoint", "http://127.0.0.1:1"),
        ("region", "ap-northeast-2"),
        ("account", "key-of-the-shop"),
        ("secret", "geheim"),
    ];
    let answer = post(&app, "/settings/backup/stores", &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text.contains("id=\"store-problem\"") && answer.text.contains("닿지 않아요"), "{}", answer.text);
    assert!(answer.text.contains("key-of-the-shop") && !answer.text.contains("geheim"), "the secret is not sent back");
    let invalid = post(&app, "/settings/backup/stores", &[("bucket", "s3://bucket")]).await;
    assert!(invalid.text.contains("버킷 이름만"), "{}", invalid.text);
    assert_eq!(saved(&app), PageSettings::default());
}

#[tokio::test]
async fn backup_place_is_removed_with_its_credentials() {
    let app = TestApp::start_with(
        |config| config.backup.targets = vec!["file:///usb/one".to_owned(), "s3://bucket/two".to_owned()],
        Routes::new(),
    )
    .await;
    app.sign_in_admin().await;
    let mut page = PageSettings { backup: Some(app.state.config.backup.targets.clone()), ..PageSettings::default() };
    page.set_credentials("s3://bucket/two", b"sealed");
    page.save(&app.state.config.data).expect("writes");
    post(&app, "/settings/backup/remove", &[("target", "s3://bucket/two")]).await;
    let expected = PageSettings { backup: Some(vec!["file:///usb/one".to_owned()]), ..PageSettings::default() };
    assert_eq!(saved(&app), expected);
}

#[tokio::test]
async fn settings_of_a_demo_are_not_changed() {
    let demo = |config: &mut Config| {
        config.demo = Some(DemoPlan { orders: 1, reset_every: ResetSchedule::NEVER, is_public: false });
    };
    let app = TestApp::start_with(demo, Routes::new()).await;
    app.sign_in_admin().await;
    assert!(app.get("/settings").await.ok().contains("교육용 가게의 설정은 바꾸지 않아요"));
    assert_eq!(post(&app, "/settings/limits", &LIMITS).await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.get("/settings/backup/folders").await.status, StatusCode::NOT_FOUND);
    assert_eq!(saved(&app), PageSettings::default());
}

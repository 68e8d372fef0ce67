//! Uploads in the browser, including unexpected sequences.

use reqwest::StatusCode;
use reqwest::multipart::Part;

use super::upload_path;
use crate::config::{DemoPlan, ResetSchedule};
use crate::sheets::tests::sheet_package;
use crate::uploads::store::{self, UploadFilter};
use crate::web::Routes;
use crate::web::testing::{TestApp, TestResponse};

pub(crate) const ORDERS_FILE: &str = "01_smartstore_orders_72col.xlsx";
const LOCKED: &str = "02_smartstore_encrypted_agile_aes256_sha512.xlsx";
const BAD: &str = "B06_bad_values.xlsx";

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))).expect("a fixture")
}

async fn upload_as(app: &TestApp, name: &'static str, file_name: &'static str) -> TestResponse {
    let part = Part::bytes(fixture(name)).file_name(file_name);
    app.post_multipart("/uploads", |form| form.part("files", part)).await
}

/// Uploads a fixture; returns the path of its page.
pub(crate) async fn upload_fixture(app: &TestApp, name: &'static str) -> String {
    let answer = upload_as(app, name, name).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    answer.location().to_owned()
}

/// The page that a response redirects to.
async fn follow(app: &TestApp, answer: TestResponse) -> String {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    app.get(answer.location()).await.ok()
}

#[tokio::test]
async fn public_demo_limits_the_number_of_uploads() {
    let plan = DemoPlan { orders: 1, reset_every: ResetSchedule::DAILY, is_public: true };
    let app = TestApp::start_with(|config| config.demo = Some(plan), Routes::new()).await;
    app.sign_in_admin().await;
    upload_fixture(&app, ORDERS_FILE).await;
    let more = app.state.storage.write(|tx| {
        let sql = "INSERT INTO uploads (id, created_at, kind, channel_code, courier, file_name, file_size, file_sha256, \
                   file_kept, stage, refusal, findings) VALUES (?, 0, NULL, '', '', '', 0, '', 0, 'refused', '', '{}')";
        tx.exec_many(sql, &mut (1..20_i64).map(|id| vec![id.into()]))
    });
    more.await.expect("writes");
    let answer = upload_as(&app, ORDERS_FILE, ORDERS_FILE).await;
    assert!(answer.status == StatusCode::BAD_REQUEST && answer.text.contains("여기까지예요"), "{}", answer.text);
}

#[tokio::test]
async fn finished_upload_cannot_be_changed() {
    let app = TestApp::as_admin().await;
    let here = upload_fixture(&app, LOCKED).await;
    let (open, apply, discard) = (format!("{here}/open"), format!("{here}/apply"), format!("{here}/discard"));
    app.post_form(&open, &[("password", "1234")]).await;
    assert!(follow(&app, app.post_form(&apply, &[]).await).await.contains("적용했어요"));

    for (path, fields) in [(&open, &[("password", "4321")][..]), (&apply, &[]), (&discard, &[])] {
        let page = follow(&app, app.post_form(path, fields).await).await;
        assert!(page.contains("이미 처리된 업로드예요"), "{path}: {page}");
        let page = app.get(&here).await.ok();
        assert!(page.contains("stage-applied") && page.contains("<dt>등록</dt><dd>12</dd>"), "{path}: {page}");
    }
}

#[tokio::test]
async fn discarded_upload_is_not_applied() {
    let app = TestApp::as_admin().await;
    let here = upload_fixture(&app, ORDERS_FILE).await;
    app.post_form(&format!("{here}/discard"), &[]).await;
    for act in ["apply", "open"] {
        let page = follow(&app, app.post_form(&format!("{here}/{act}"), &[("password", "1234")]).await).await;
        assert!(page.contains("이미 처리된 업로드예요") && page.contains("stage-discarded"), "{page}");
    }
    assert!(app.get("/orders").await.ok().contains("아직 주문이 없어요"));
}

#[tokio::test]
async fn concurrent_applies_import_the_file_once() {
    let app = TestApp::as_admin().await;
    let other = app.another_browser();
    other.sign_in_admin().await;
    let here = upload_fixture(&app, ORDERS_FILE).await;
    let apply = format!("{here}/apply");
    let (one, two) = tokio::join!(app.post_form(&apply, &[]), other.post_form(&apply, &[]));
    let pages = [follow(&app, one).await, follow(&other, two).await];
    assert_eq!(pages.iter().filter(|page| page.contains("이미 처리된")).count(), 1);
    assert!(pages.iter().all(|page| page.contains("<dt>등록</dt><dd>23</dd>")));
}

#[tokio::test]
async fn file_name_is_sanitised_and_escaped() {
    let app = TestApp::as_admin().await;
    let names = [
        ("..\\..\\x.xlsx", "x.xlsx"),
        ("../../etc/\u{202E}slx.xlsx", "slx.xlsx"),
        ("<b>\"한글\u{1F64F}.xlsx", "&#60;b&#62;&#34;한글\u{1F64F}.xlsx"),
        (" ", "이름 없는 파일"),
    ];
    for (name, shown) in names {
        let answer = upload_as(&app, BAD, name).await;
        let page = app.get(answer.location()).await.ok();
        assert!(page.contains(&format!("<h1>{shown}</h1>")), "{name}: {page}");
        let download = app.browser.get(app.url(&format!("{}/rejected.xlsx", answer.location())));
        let download = download.send().await.expect("an answer");
        assert_eq!(download.status(), StatusCode::OK);
        let named = download.headers()["content-disposition"].to_str().expect("plain");
        assert!(named.starts_with("attachment; filename=\"") && !named.contains(".."), "{named}");
    }
}

#[tokio::test]
async fn number_of_files_and_parts_is_limited() {
    let app = TestApp::as_admin().await;
    let many = |count: usize, field: &'static str| {
        move |form: reqwest::multipart::Form| {
            (0..count).fold(form, |form, _| form.part(field, Part::bytes(Vec::new()).file_name("leer.xlsx")))
        }
    };
    let page = follow(&app, app.post_multipart("/uploads", many(23, "files")).await).await;
    assert!(page.contains("파일 20개를 읽었어요") && page.contains("3개는 받지 않았어요"), "{page}");
    let answer = app.post_multipart("/uploads", many(600, "other")).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

/// Uploads a tracking list that names no courier, with `courier` as the field after it.
async fn upload_without_courier(app: &TestApp, courier: &str) -> TestResponse {
    let list = sheet_package(&[&["주문번호", "송장번호"], &["2024031500000004", "45168300548"]]);
    let courier = courier.to_owned();
    app.post_multipart("/uploads", |form| {
        form.part("files", Part::bytes(list).file_name("송장.xlsx")).text("courier", courier)
    })
    .await
}

#[tokio::test]
async fn rows_of_unknown_orders_are_told_apart() {
    let app = TestApp::as_admin().await;
    let orders = upload_fixture(&app, ORDERS_FILE).await;
    app.post_form(&format!("{orders}/apply"), &[]).await;
    let answer = upload_without_courier(&app, "로젠택배").await;
    let known = follow(&app, answer).await;
    assert!(!known.contains("모르는 주문"), "{known}");
    let list = sheet_package(&[
        &["주문번호", "송장번호"],
        &["2024031500000004", "45168300548"],
        &["2099000000000001", "45168300559"],
    ]);
    let answer = app
        .post_multipart("/uploads", |form| {
            form.part("files", Part::bytes(list).file_name("송장.xlsx")).text("courier", "로젠택배")
        })
        .await;
    let here = answer.location().to_owned();
    let page = app.get(&here).await.ok();
    assert!(
        page.contains("<dt>모르는 주문</dt><dd>1</dd>") && page.contains("묶음에 없는 주문이 <strong>1건</strong>"),
        "{page}"
    );
    assert!(page.contains("1건 빼고 ") && page.contains("<span class=\"tag warn\">모르는 주문</span>"), "{page}");
    let tab = page.split("aria-label=\"결과로 거르기\"").nth(1).and_then(|rest| rest.split("aria-current").next());
    assert!(
        tab.is_some_and(|tab| tab.matches("<a ").count() == 1 && tab.contains("rows=unknown")),
        "the first tab: {page}"
    );
    assert!(app.get("/uploads").await.ok().contains(&format!("href=\"{here}?rows=unknown\">모르는 주문 1</a>")));
}

#[tokio::test]
async fn message_that_names_its_column_stands_without_it() {
    let app = TestApp::as_admin().await;
    let page = app.get(&format!("{}?rows=rejected", upload_fixture(&app, BAD).await)).await.ok();
    let reasons: Vec<&str> =
        page.split("<ul class=\"reasons\">").skip(1).filter_map(|rest| rest.split("</ul>").next()).collect();
    assert!(!reasons.is_empty(), "{page}");
    for reason in reasons.iter().flat_map(|list| list.split("<li>").skip(1)) {
        let Some((column, message)) = reason.strip_prefix("<b>").and_then(|rest| rest.split_once("</b> ")) else {
            continue;
        };
        let message = message.rsplit_once("’ ").map_or(message, |(_, message)| message);
        assert!(!message.trim_start().starts_with(column), "{reason}");
    }
}

#[tokio::test]
async fn links_of_an_error_page_are_valid() {
    let app = TestApp::as_admin().await;
    let answer = upload_without_courier(&app, "").await;
    let here = answer.location().to_owned();
    let refused = app.post_form(&format!("{here}/apply"), &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("택배사를 선택해 주세요"), "{}", refused.text);
    for link in refused.text.split("href=\"/uploads/").skip(1).filter_map(|rest| rest.split('"').next()) {
        let link = format!("/uploads/{}", link.replace("&#38;", "&").replace("&amp;", "&"));
        assert_eq!(app.get(&link).await.status, StatusCode::OK, "{link}");
    }
}

#[tokio::test]
async fn courier_after_the_files_applies_to_them() {
    let app = TestApp::as_admin().await;
    let asks = "name=\"courier\"";
    let answer = upload_without_courier(&app, "").await;
    assert!(follow(&app, answer).await.contains(asks));
    let answer = upload_without_courier(&app, "로젠택배").await;
    let page = follow(&app, answer).await;
    assert!(!page.contains(asks), "{page}");
}

#[tokio::test]
async fn courier_after_several_files_applies_to_each() {
    let app = TestApp::as_admin().await;
    let names = ["하나.xlsx", "둘.xlsx", "셋.xlsx"];
    let form = move |form: reqwest::multipart::Form| {
        let files = names.into_iter().fold(form, |form, name| {
            let list = sheet_package(&[&["주문번호", "송장번호"], &["2024031500000004", "45168300548"]]);
            form.part("files", Part::bytes(list).file_name(name))
        });
        files.text("courier", "로젠택배")
    };
    let list = follow(&app, app.post_multipart("/uploads", form).await).await;
    assert!(list.contains("파일 3개를 읽었어요"), "{list}");
    let uploads = app.state.storage.read(|tx| store::page(tx, UploadFilter::All, 0, 10)).await.expect("reads").0;
    assert_eq!(uploads.len(), names.len());
    for upload in uploads {
        assert_eq!(upload.courier, "로젠택배");
        let page = app.get(&upload_path(upload.id)).await.ok();
        assert!(!page.contains("name=\"courier\""), "{page}");
    }
}

#[tokio::test]
async fn courier_must_fit_its_column_in_every_form() {
    let app = TestApp::as_admin().await;
    let (fits, long) = ("가".repeat(64), "가".repeat(65));
    let here = upload_without_courier(&app, "").await.location().to_owned();
    let refused = app.post_form(&format!("{here}/apply"), &[("courier", &long)]).await;
    assert!(
        refused.status == StatusCode::UNPROCESSABLE_ENTITY && refused.text.contains("64자까지"),
        "{}",
        refused.text
    );
    assert_eq!(app.post_form(&format!("{here}/apply"), &[("courier", &fits)]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(upload_without_courier(&app, &fits).await.status, StatusCode::SEE_OTHER);
    let refused = upload_without_courier(&app, &long).await;
    assert!(
        refused.status == StatusCode::UNPROCESSABLE_ENTITY && refused.text.contains("64자까지"),
        "{}",
        refused.text
    );
}

#[tokio::test]
async fn preview_and_report_link_to_disabled_products() {
    let app = TestApp::as_admin().await;
    app.post_form(&format!("{}/apply", upload_fixture(&app, ORDERS_FILE).await), &[]).await;
    let off = app.state.storage.write(|tx| {
        tx.exec("UPDATE products SET enabled = 0", &[])?;
        tx.exec("UPDATE orders SET order_number = 'X' || order_number", &[])
    });
    off.await.expect("writes");
    let here = upload_fixture(&app, ORDERS_FILE).await;
    for page in [app.get(&here).await.ok(), follow(&app, app.post_form(&format!("{here}/apply"), &[]).await).await] {
        assert!(page.contains("사용하지 않는 상품의 주문") && page.contains("주문 목록에는 보이지 않아요"), "{page}");
        assert!(page.contains("<li><a href=\"/products/"), "{page}");
    }
}

#[tokio::test]
async fn file_is_closed_after_ten_wrong_passwords() {
    let app = TestApp::as_admin().await;
    let here = upload_fixture(&app, LOCKED).await;
    let nine = app.state.storage.write(|tx| tx.exec("UPDATE uploads SET wrong_passwords = 9", &[]));
    nine.await.expect("writes");
    let answer = app.post_form(&format!("{here}/open"), &[("password", "4321")]).await;
    assert!(answer.text.contains("10번 틀려서"), "{}", answer.text);
    let page = app.get(&here).await.ok();
    assert!(page.contains("10번 틀려서") && !page.contains("name=\"password\""), "{page}");
}

#[tokio::test]
async fn only_an_applied_upload_is_taken_back() {
    let app = TestApp::as_admin().await;
    let here = upload_fixture(&app, ORDERS_FILE).await;
    let undo = format!("{here}/undo");
    assert!(follow(&app, app.get(&undo).await).await.contains("이미 처리된 업로드예요"));
    assert!(follow(&app, app.post_form(&undo, &[]).await).await.contains("이미 처리된 업로드예요"));
    app.post_form(&format!("{here}/apply"), &[]).await;
    let preview = app.get(&undo).await.ok();
    assert!(preview.contains("지울 주문") && preview.contains("2024031500000001"), "{preview}");
    let page = follow(&app, app.post_form(&undo, &[]).await).await;
    assert!(page.contains("등록한 주문 23건을 지웠어요") && page.contains("되돌렸어요."), "{page}");
    let orders = app.state.storage.read(|tx| tx.scalar("SELECT count(*) FROM orders", &[])).await;
    assert_eq!(orders.expect("reads"), 0);
    assert!(follow(&app, app.post_form(&undo, &[]).await).await.contains("이미 처리된 업로드예요"));
}

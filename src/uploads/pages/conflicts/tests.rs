//! Resolution of rejected rows.

use reqwest::StatusCode;
use reqwest::multipart::Part;

use crate::id::number_code;
use crate::orders::store as orders;
use crate::orders::testing::edit;
use crate::storage::StorageError;
use crate::uploads::pages::tests::{ORDERS_FILE, upload_fixture};
use crate::web::testing::{TestApp, TestResponse};

const LOGEN: &str = "08_logen_result_header_row2.xls";
const PRESENT: &str = "45168300411";
const OTHER: &str = "45168301507";

/// A shop whose order …03 has a tracking number that conflicts with row 13 of a list; with the path of the
/// list's page.
async fn with_a_conflict() -> (TestApp, String) {
    let app = TestApp::as_admin().await;
    app.post_form(&format!("{}/apply", upload_fixture(&app, ORDERS_FILE).await), &[]).await;
    let here = upload_fixture(&app, LOGEN).await;
    app.post_form(&format!("{here}/apply"), &[]).await;
    (app, here)
}

/// Uploads a tracking list without courier; returns the path of its page.
async fn upload_list(app: &TestApp, rows: &str) -> String {
    let part = Part::bytes(format!("주문번호,송장번호\n{rows}\n").into_bytes()).file_name("송장.csv");
    let answer = app.post_multipart("/uploads", |form| form.part("files", part)).await;
    answer.location().to_owned()
}

/// State, tracking number and courier of an order.
async fn tracking(app: &TestApp, number: &'static str) -> (String, String, String) {
    let order = app.state.storage.read(move |tx| {
        let ids = orders::find_by_number(tx, number)?;
        Ok::<_, StorageError>(orders::find(tx, &ids)?.pop().expect("an order"))
    });
    let order = order.await.expect("reads");
    (order.state.label().to_owned(), order.tracking_number, order.courier)
}

async fn decide(app: &TestApp, here: &str, fields: &[(&str, &str)]) -> TestResponse {
    app.post_form(&format!("{here}/conflicts?rows=conflicts"), fields).await
}

async fn open_rows(app: &TestApp) -> String {
    let page = app.get("/uploads?rows=rejected").await.ok();
    let of_one = page.split_once("확인할 행 ").map(|(_, rest)| rest.split('<').next().unwrap_or_default().to_owned());
    of_one.unwrap_or_else(|| if page.contains("확인할 오류 행이 없어요") { "0".to_owned() } else { page })
}

#[tokio::test]
async fn replacing_sets_the_number_of_the_file() {
    let (app, here) = with_a_conflict().await;
    let page = app.get(&format!("{here}?rows=conflicts")).await.ok();
    assert!(page.contains(PRESENT) && page.contains(OTHER) && page.contains("새 번호로 바꾸기"), "{page}");
    assert_eq!(open_rows(&app).await, "3");

    let answer = decide(&app, &here, &[("seen-13", PRESENT), ("replace", "13")]).await;
    let page = app.get(answer.location()).await.ok();
    assert!(page.contains("1행을 새 번호로 바꿨어요") && page.contains("새 번호로 바꿈 · admin"), "{page}");
    assert_eq!(tracking(&app, "2024031500000003").await, ("배송됨".into(), OTHER.into(), "로젠택배".into()));
    assert_eq!(open_rows(&app).await, "2");

    let again = decide(&app, &here, &[("seen-13", OTHER), ("act", "keep"), ("tick", "13")]).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(again.text.contains("1행은 처리하지 못했어요"), "{}", again.text);
    assert_eq!(open_rows(&app).await, "2");
}

#[tokio::test]
async fn preview_resolves_no_conflict() {
    let app = TestApp::as_admin().await;
    app.post_form(&format!("{}/apply", upload_fixture(&app, ORDERS_FILE).await), &[]).await;
    let here = upload_fixture(&app, LOGEN).await;
    let answer = decide(&app, &here, &[("seen-13", ""), ("replace", "13")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(tracking(&app, "2024031500000003").await.1, "");
    app.post_form(&format!("{here}/discard"), &[]).await;
    decide(&app, &here, &[("seen-13", ""), ("replace", "13")]).await;
    assert_eq!(tracking(&app, "2024031500000003").await.1, "");
}

#[tokio::test]
async fn keeping_resolves_the_row_without_a_change() {
    let (app, here) = with_a_conflict().await;
    decide(&app, &here, &[("act", "keep"), ("tick", "13"), ("seen-13", PRESENT)]).await;
    assert_eq!(tracking(&app, "2024031500000003").await.1, PRESENT);
    assert_eq!(open_rows(&app).await, "2");
    assert!(app.get(&here).await.ok().contains("지금 번호 유지 · admin"));
}

#[tokio::test]
async fn number_changed_since_the_page_was_rendered_is_not_overwritten() {
    let (app, here) = with_a_conflict().await;
    let answer = decide(&app, &here, &[("act", "replace"), ("tick", "13"), ("seen-13", "45168309999")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text.contains("화면에서는 45168309999, 지금은 45168300411"), "{}", answer.text);
    assert!(answer.text.contains("value=\"13\" aria-label=\"13행 선택\" checked"), "{}", answer.text);
    assert_eq!(tracking(&app, "2024031500000003").await.1, PRESENT);

    let nothing = decide(&app, &here, &[("act", "replace"), ("seen-13", PRESENT)]).await;
    assert!(nothing.text.contains("선택한 행이 없어요"), "{}", nothing.text);
    let no_conflict = decide(&app, &here, &[("replace", "9"), ("seen-9", "")]).await;
    assert!(no_conflict.text.contains("1행은 처리하지 못했어요"), "{}", no_conflict.text);
}

#[tokio::test]
async fn rows_are_resolved_by_a_member_or_a_later_file() {
    let (app, here) = with_a_conflict().await;
    let list = upload_list(&app, "2024031500000007,45168300959").await;
    app.post_form(&format!("{list}/apply"), &[("courier", "한진택배")]).await;
    assert_eq!(tracking(&app, "2024031500000007").await, ("배송됨".into(), "45168300959".into(), "한진택배".into()));
    assert_eq!(open_rows(&app).await, "2", "the row without a number came again with one");
    assert!(app.get(&here).await.ok().contains("다시 올린 파일로 처리됨"));

    let answer = app.post_form(&format!("{here}/handled"), &[]).await;
    let page = app.get(answer.location()).await.ok();
    assert!(page.contains("오류 행 2개를 처리 완료로 표시했어요") && page.contains("처리 완료 · admin"), "{page}");
    assert_eq!(open_rows(&app).await, "0");
    let answer = app.post_form(&format!("{here}/handled"), &[]).await;
    assert!(app.get(answer.location()).await.ok().contains("처리할 행이 남아 있지 않아요"));
}

#[tokio::test]
async fn list_without_courier_asks_for_it_before_it_is_applied() {
    let app = TestApp::as_admin().await;
    app.post_form(&format!("{}/apply", upload_fixture(&app, ORDERS_FILE).await), &[]).await;
    let list = upload_list(&app, "2024031500000001,45168300137").await;
    assert!(app.get(&list).await.ok().contains("파일에 택배사가 없어요. 택배사를 선택하고 적용해 주세요."));
    let answer = app.post_form(&format!("{list}/apply"), &[("courier", "  ")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text.contains("택배사를 선택해 주세요"), "{}", answer.text);
    assert_eq!(tracking(&app, "2024031500000001").await.0, "주문");

    app.post_form(&format!("{list}/apply"), &[("courier", " 롯데택배 ")]).await;
    assert_eq!(tracking(&app, "2024031500000001").await.2, "롯데택배");
    let named = upload_fixture(&app, LOGEN).await;
    assert!(!app.get(&named).await.ok().contains("파일에 택배사가 없어요"));
}

#[tokio::test]
async fn preview_opens_no_rows() {
    let app = TestApp::as_admin().await;
    let here = upload_fixture(&app, "B06_bad_values.xlsx").await;
    assert_eq!(open_rows(&app).await, "0");
    app.post_form(&format!("{here}/apply"), &[]).await;
    assert_eq!(open_rows(&app).await, "13");
    let unknown = app.post_form(&format!("/uploads/{}/handled", number_code(1)), &[]).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

/// Gives an order the claim 취소요청.
async fn request_cancellation(app: &TestApp, number: &'static str) {
    let claim = app.state.storage.write(move |tx| {
        let ids = orders::find_by_number(tx, number)?;
        let order = orders::find(tx, &ids)?.pop().expect("an order");
        edit(tx, &order, |order| "취소요청".clone_into(&mut order.claim))
    });
    assert!(claim.await.expect("writes"));
}

#[tokio::test]
async fn held_order_gets_a_tracking_number_only_by_the_button_of_its_row() {
    let app = TestApp::as_admin().await;
    app.post_form(&format!("{}/apply", upload_fixture(&app, ORDERS_FILE).await), &[]).await;
    request_cancellation(&app, "2024031500000004").await;
    let here = upload_list(&app, "2024031500000004,45168300999").await;
    app.post_form(&format!("{here}/apply"), &[("courier", "로젠택배")]).await;
    let report = app.get(&here).await.ok();
    assert!(report.contains("취소 요청이 들어온 주문이라 송장번호를 등록하지 않았어요"), "{report}");
    assert_eq!(tracking(&app, "2024031500000004").await, ("주문".into(), String::new(), String::new()));

    let bulk = decide(&app, &here, &[("act", "replace"), ("tick", "2"), ("seen-2", "")]).await;
    assert!(bulk.status == StatusCode::UNPROCESSABLE_ENTITY && bulk.text.contains("하나씩 정해 주세요"));
    decide(&app, &here, &[("replace", "2"), ("seen-2", "")]).await;
    let shipped = ("배송됨".to_owned(), "45168300999".to_owned(), "로젠택배".to_owned());
    assert_eq!(tracking(&app, "2024031500000004").await, shipped);
    let action = app.state.storage.read(|tx| {
        let ids = orders::find_by_number(tx, "2024031500000004")?;
        Ok::<_, StorageError>(orders::events(tx, ids[0])?[0].action)
    });
    assert_eq!(action.await.expect("reads"), orders::Action::DespiteClaim);
}

/// The URL of the undo button on a page.
fn undo_url(page: &str) -> String {
    let rest = page.split("action=\"/actions/").nth(1).expect("an undo button");
    format!("/actions/{}", rest.split('"').next().expect("a URL"))
}

#[tokio::test]
async fn order_of_the_own_team_becomes_a_parcel_or_stays_and_both_ways_back_work() {
    let app = TestApp::as_admin().await;
    app.post_form(&format!("{}/apply", upload_fixture(&app, ORDERS_FILE).await), &[]).await;
    let here = upload_list(&app, "2024031500000009,45168300959").await;
    let preview = app.get(&here).await.ok();
    assert!(preview.contains("택배로 보내는 주문이 아니라") && preview.contains("송장번호가 왔어요: 1행"), "{preview}");
    app.post_form(&format!("{here}/apply"), &[("courier", "로젠택배")]).await;
    let unchanged = ("주문".to_owned(), String::new(), String::new());
    assert_eq!(tracking(&app, "2024031500000009").await, unchanged);
    let page = app.get(&format!("{here}?rows=conflicts")).await.ok();
    assert!(page.contains("택배로 바꾸고 등록") && page.contains("등록하지 않기"), "{page}");

    let replace = decide(&app, &here, &[("seen-2", ""), ("replace", "2")]).await;
    assert!(replace.status == StatusCode::UNPROCESSABLE_ENTITY && replace.text.contains("직접전달 주문이에요"));
    let answer = decide(&app, &here, &[("seen-2", ""), ("parcel", "2")]).await;
    let page = app.get(answer.location()).await.ok();
    assert!(page.contains("1행을 택배로 바꾸고 송장번호를 등록했어요"), "{page}");
    let shipped = ("배송됨".to_owned(), "45168300959".to_owned(), "로젠택배".to_owned());
    assert_eq!(tracking(&app, "2024031500000009").await, shipped);

    assert!(app.get("/actions").await.ok().contains(&undo_url(&page)), "it is a recent action");
    app.post_form(&undo_url(&page), &[]).await;
    assert_eq!(tracking(&app, "2024031500000009").await, unchanged);
    assert_eq!(open_rows(&app).await, "1", "the row waits again");

    decide(&app, &here, &[("seen-2", ""), ("act", "parcel"), ("tick", "2")]).await;
    assert_eq!(tracking(&app, "2024031500000009").await, shipped);
    app.post_form(&format!("{here}/undo"), &[]).await;
    assert_eq!(tracking(&app, "2024031500000009").await, unchanged, "it goes with its file");
}

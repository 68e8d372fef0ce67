//! The monthly inspection in the browser.

use reqwest::StatusCode;

use crate::web::testing::TestApp;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

#[tokio::test]
async fn law_page_shows_measured_lines_and_classes() {
    let app = TestApp::as_admin().await;
    let page = app.get("/access/law").await.ok();
    assert!(
        page.contains("아직 확인하지 않았어요") && page.contains("관리자 1명 중 1명이 연결하지 않았어요"),
        "{page}"
    );
    assert!(page.contains("분류 없는 표와 열이 없어요") && page.contains("계약과 공급의 기록"), "{page}");
    let verified = app.state.storage.write(|tx| {
        let report = crate::access::verify(tx, &[])?;
        crate::access::law::save_verification(tx, &report)
    });
    verified.await.expect("writes");
    assert!(app.get("/access/law").await.ok().contains("바뀌거나 빠진 것이 없어요"));
}

#[tokio::test]
async fn month_is_due_when_it_is_over_and_signed_once() {
    let app = TestApp::as_admin().await;
    assert!(app.get("/access/inspections").await.ok().contains("점검할 달이 없어요"));
    let early = app.post_form("/access/inspections/2024-03", &[("note", "이상 없음")]).await;
    assert!(app.get(early.location()).await.ok().contains("아직 끝나지 않은 달"));

    app.clock.advance_ms(17 * DAY_MS);
    app.sign_in_admin().await;
    assert!(app.get("/").await.ok().contains("href=\"/access/inspections\""));
    let draft = app.get("/access/inspections/2024-03").await.ok();
    assert!(draft.contains("점검했어요") && draft.contains("처음 보는 주소") && draft.contains("127.0.0.1"), "{draft}");
    let empty = app.post_form("/access/inspections/2024-03", &[("note", " ")]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    let signed = app.post_form("/access/inspections/2024-03", &[("note", "모두 우리 직원")]).await;
    let list = app.get(signed.location()).await.ok();
    assert!(list.contains("2024-03의 접속기록을 점검했어요") && list.contains("모두 우리 직원"), "{list}");
    assert!(list.contains("점검할 달이 없어요"));
    let again = app.post_form("/access/inspections/2024-03", &[("note", "다른 말")]).await;
    assert!(app.get(again.location()).await.ok().contains("이미 확인했거나"));
    let shown = app.get("/access/inspections/2024-03").await.ok();
    assert!(shown.contains("모두 우리 직원") && !shown.contains("다른 말"), "{shown}");
    assert_eq!(app.get("/access/inspections/2024-13").await.status, StatusCode::NOT_FOUND);
    for sql in ["UPDATE access_inspections SET note = ''", "DELETE FROM access_inspections"] {
        assert!(app.state.storage.write(move |tx| tx.exec(sql, &[])).await.is_err(), "{sql}");
    }
}

#[tokio::test]
async fn period_of_a_quarter_is_due_after_the_quarter() {
    let app = TestApp::as_admin().await;
    let refused = app.post_form("/access/inspections", &[("months", "5")]).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let saved = app.post_form("/access/inspections", &[("months", "3")]).await;
    assert!(app.get(saved.location()).await.ok().contains("점검 주기 = 3개월"));
    app.clock.advance_ms(10 * DAY_MS);
    app.sign_in_admin().await;
    assert!(app.get("/access/inspections").await.ok().contains("점검할 달이 없어요"), "the quarter is not over");
    app.clock.advance_ms(7 * DAY_MS);
    app.sign_in_admin().await;
    let page = app.get("/access/inspections").await.ok();
    assert!(page.contains("href=\"/access/inspections/2024-03\">2024-03</a>"), "the shop began in March: {page}");
    app.post_form("/access/inspections/2024-03", &[("note", "이상 없음")]).await;
    app.clock.advance_ms(92 * DAY_MS);
    app.sign_in_admin().await;
    let page = app.get("/access/inspections").await.ok();
    assert!(page.contains("href=\"/access/inspections/2024-04\">2024-04 ~ 2024-06</a>"), "{page}");
    let signed = app.post_form("/access/inspections/2024-04", &[("note", "이상 없음")]).await;
    assert!(app.get(signed.location()).await.ok().contains("2024-04 ~ 2024-06의 접속기록을 점검했어요"));
}

//! Bulk actions over HTTP: their questions, their answers and their undo.

use reqwest::StatusCode;

use crate::uploads::pages::tests::{ORDERS_FILE, upload_fixture};
use crate::web::Routes;
use crate::web::testing::TestApp;

/// The first values of `name="tick"`.
fn ticks(page: &str, count: usize) -> Vec<String> {
    let found = page.split("name=\"tick\" value=\"").skip(1);
    found.take(count).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
}

/// The URL of the undo button on a page.
fn undo_url(page: &str) -> String {
    let rest = page.split("action=\"/actions/").nth(1).expect("an undo button");
    format!("/actions/{}", rest.split('"').next().expect("a URL"))
}

#[tokio::test]
async fn bulk_action_offers_its_orders_the_next_file_and_its_undo() {
    let app = TestApp::as_admin().await;
    app.post_form(&format!("{}/apply", upload_fixture(&app, ORDERS_FILE).await), &[]).await;
    let ids = ticks(&app.get("/orders?state=PLACED").await.ok(), 3);
    let form: Vec<(&str, &str)> =
        [("act", "purchase")].into_iter().chain(ids.iter().map(|id| ("tick", id.as_str()))).collect();
    let done = app.post_form("/orders?state=PLACED", &form).await;
    let answer = app.get(done.location()).await.ok();
    assert!(answer.contains("바꾼 3건 보기") && answer.contains("발주서 받기"), "{answer}");
    let undo = undo_url(&answer);
    let action = undo.trim_start_matches("/actions/").trim_end_matches("/undo").to_owned();
    let changed = app.get(&format!("/orders?action={action}")).await.ok();
    assert!(changed.contains("총 <strong>3</strong>건"));
    assert!(app.get("/actions").await.ok().contains(&undo));

    let undone = app.post_form(&undo, &[("back", "/orders?state=PLACED")]).await;
    assert!(undone.location().starts_with("/orders?state=PLACED&done="));
    assert!(app.get(undone.location()).await.ok().contains("주문 3건을 되돌렸어요"));
    assert!(!app.get(done.location()).await.ok().contains(&undo), "it is offered once");
    assert_eq!(ticks(&app.get("/orders?state=PLACED").await.ok(), 3), ids);
    assert!(app.get("/actions").await.ok().contains("되돌렸어요"));
}

#[tokio::test]
async fn undo_of_many_orders_runs_in_the_background() {
    let app = TestApp::start_with_state(|_| (), Routes::new(), |state| state.bulk_jobs.max_foreground_orders = 2).await;
    app.sign_in_admin().await;
    app.post_form(&format!("{}/apply", upload_fixture(&app, ORDERS_FILE).await), &[]).await;
    let ids = ticks(&app.get("/orders?state=PLACED").await.ok(), 3);
    let form: Vec<(&str, &str)> =
        [("act", "purchase")].into_iter().chain(ids.iter().map(|id| ("tick", id.as_str()))).collect();
    let done = app.post_form("/orders?state=PLACED", &form).await;
    let undo = undo_url(&app.get(done.location()).await.ok());
    let started = app.post_form(&undo, &[("back", "/orders?state=PLACED")]).await;
    assert_eq!(started.location(), "/orders/job");
    let mut answer = app.get("/orders/job").await;
    for _ in 0..500 {
        if answer.status != StatusCode::OK {
            break;
        }
        assert!(answer.text.contains("data-poll") && answer.text.contains("작업 되돌리기"), "{}", answer.text);
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        answer = app.get("/orders/job").await;
    }
    assert!(answer.location().starts_with("/orders?state=PLACED&done="), "{}", answer.location());
    assert!(app.get(answer.location()).await.ok().contains("주문 3건을 되돌렸어요"));
    assert_eq!(ticks(&app.get("/orders?state=PLACED").await.ok(), 3), ids);
}

#[tokio::test]
async fn skipped_step_is_asked_about_and_nothing_is_changed_before() {
    let app = TestApp::as_admin().await;
    app.post_form(&format!("{}/apply", upload_fixture(&app, ORDERS_FILE).await), &[]).await;
    let ids = ticks(&app.get("/orders?state=PLACED").await.ok(), 2);
    app.post_form("/orders", &[("act", "purchase"), ("tick", &ids[0])]).await;
    let ship = [("act", "dispatch"), ("tick", ids[0].as_str()), ("tick", ids[1].as_str())];
    let asked = app.post_form("/orders", &ship).await;
    assert_eq!(asked.status, StatusCode::OK);
    assert!(asked.text.contains("발주 단계를 건너뛰는 주문이 1건 있어요"), "{}", asked.text);
    assert!(app.get("/orders?state=DISPATCHED").await.ok().contains("조건에 맞는 주문이 없어요"));
    app.post_form("/orders", &[&ship[..], &[("answer", "rest")]].concat()).await;
    assert_eq!(ticks(&app.get("/orders?state=DISPATCHED").await.ok(), 9), [ids[0].clone()]);
    app.post_form("/orders", &[&ship[..], &[("answer", "all")]].concat()).await;
    assert_eq!(ticks(&app.get("/orders?state=DISPATCHED").await.ok(), 9).len(), 2);
}

#[tokio::test]
async fn delivery_team_undoes_only_completions() {
    let app = TestApp::as_admin().await;
    app.post_form(&format!("{}/apply", upload_fixture(&app, ORDERS_FILE).await), &[]).await;
    let id = ticks(&app.get("/orders?state=PLACED").await.ok(), 1).remove(0);
    let done = app.post_form("/orders", &[("act", "purchase"), ("tick", &id)]).await;
    let of_orders = undo_url(&app.get(done.location()).await.ok());
    let team = app.another_browser();
    team.sign_in_logistics().await;
    let delivery = ticks(&team.get("/deliveries?state=PREPARING").await.ok(), 1).remove(0);
    let complete = [("act", "complete"), ("tick", delivery.as_str())];
    assert!(team.post_form("/deliveries", &complete).await.text.contains("아직 출고되지 않은 주문이 있는 배송이 1건"));
    team.post_form("/deliveries", &[&complete[..], &[("answer", "all")]].concat()).await;
    let actions = team.get("/actions").await.ok();
    let of_deliveries = undo_url(&actions);
    assert!(!actions.contains(&of_orders));
    assert_eq!(team.post_form(&of_orders, &[]).await.status, StatusCode::NOT_FOUND);
    let undone = team.post_form(&of_deliveries, &[]).await;
    assert!(team.get(undone.location()).await.ok().contains("배송 1건의 완료를 되돌렸어요"));
}

#[tokio::test]
async fn everything_found_is_changed_after_its_number_was_confirmed() {
    let app = TestApp::as_admin().await;
    app.post_form(&format!("{}/apply", upload_fixture(&app, ORDERS_FILE).await), &[]).await;
    let list = app.get("/orders?state=PLACED&size=5").await.ok();
    let total =
        list.split("data-count=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a number").to_owned();
    let form = [("act", "set-shipping_memo"), ("all", "1"), ("set_shipping_memo", "문 앞에 놓아 주세요")];
    let asked = app.post_form("/orders?state=PLACED&size=5", &form).await;
    assert!(asked.text.contains(&format!("검색한 주문 {total}건을 모두 바꿔요")), "{}", asked.text);
    let done = app
        .post_form("/orders?state=PLACED&size=5", &[&form[..], &[("expected", &total), ("answer", "all")]].concat())
        .await;
    let answer = app.get(done.location()).await.ok();
    assert!(answer.contains(&format!("주문 {total}건을 배송메모 ‘문 앞에 놓아 주세요’(으)로 바꿨어요")), "{answer}");
    app.post_form(&undo_url(&answer), &[]).await;
    let memos =
        app.state.storage.read(|tx| tx.scalar("SELECT count(*) FROM orders WHERE shipping_memo LIKE '문 앞%'", &[]));
    assert_eq!(memos.await.expect("counts"), 0);
}

#[tokio::test]
async fn delivery_team_sets_dates_and_takes_them_back() {
    let app = TestApp::as_admin().await;
    app.post_form(&format!("{}/apply", upload_fixture(&app, ORDERS_FILE).await), &[]).await;
    let team = app.another_browser();
    team.sign_in_logistics().await;
    let ids = ticks(&team.get("/deliveries?state=PREPARING").await.ok(), 2);
    let date = [("act", "date"), ("tick", ids[0].as_str()), ("tick", ids[1].as_str()), ("set_date", "2024-03-20")];
    let done = team.post_form("/deliveries?state=PREPARING", &date).await;
    let answer = team.get(done.location()).await.ok();
    assert!(answer.contains("희망배송일 ‘2024-03-20’"), "{answer}");
    let dated = "/deliveries?date_from=2024-03-20&date_to=2024-03-20";
    assert!(ids.iter().all(|id| answer.contains(id)));
    let found = ticks(&team.get(dated).await.ok(), 9);
    assert!(ids.iter().all(|id| found.contains(id)), "{found:?}");
    let action = undo_url(&answer).trim_start_matches("/actions/").trim_end_matches("/undo").to_owned();
    assert!(answer.contains("바꾼 2건 보기"), "{answer}");
    let changed = format!("/deliveries?action={action}");
    assert_eq!(ticks(&team.get(&changed).await.ok(), 9).len(), 2, "exactly those");
    assert!(team.get("/actions").await.ok().contains(&changed));
    let undone = team.post_form(&undo_url(&answer), &[("back", "/deliveries")]).await;
    assert!(team.get(undone.location()).await.ok().contains("되돌렸어요"));
    let wrong = team.post_form("/deliveries", &[("act", "date"), ("tick", &ids[0]), ("set_date", "내일")]).await;
    assert!(team.get(wrong.location()).await.ok().contains("희망배송일을 날짜로 입력해 주세요"));
}

#[tokio::test]
async fn delivery_team_writes_one_memo_for_many_deliveries_and_takes_it_back() {
    let app = TestApp::as_admin().await;
    app.post_form(&format!("{}/apply", upload_fixture(&app, ORDERS_FILE).await), &[]).await;
    let team = app.another_browser();
    team.sign_in_logistics().await;
    let ids = ticks(&team.get("/deliveries?state=PREPARING").await.ok(), 2);
    let memo =
        [("act", "memo"), ("tick", ids[0].as_str()), ("tick", ids[1].as_str()), ("set_memo", "사다리차\r\n예약")];
    let done = team.post_form("/deliveries?state=PREPARING", &memo).await;
    let answer = team.get(done.location()).await.ok();
    assert!(answer.contains("바꾼 2건 보기"), "{answer}");
    let count = async || {
        let sql = "SELECT count(DISTINCT delivery_id) FROM orders WHERE shipping_memo = ?";
        let count = app.state.storage.read(move |tx| tx.scalar(sql, &["사다리차\n예약".into()]));
        count.await.expect("counts")
    };
    assert_eq!(count().await, 2);
    team.post_form(&undo_url(&answer), &[]).await;
    assert_eq!(count().await, 0);
}

//! The pages of deliveries, used by the delivery team.

use reqwest::StatusCode;

use crate::id::number_code;
use crate::members::model::Role;
use crate::storage::StorageError;
use crate::uploads::pages::tests::{ORDERS_FILE, upload_fixture};
use crate::web::testing::TestApp;

/// A shop with the orders of a file, and a signed-in member of the delivery team.
async fn delivery_team() -> TestApp {
    let app = TestApp::as_admin().await;
    app.post_form(&format!("{}/apply", upload_fixture(&app, ORDERS_FILE).await), &[]).await;
    let team = app.another_browser();
    team.sign_in_logistics().await;
    team
}

/// The first delivery with at least so many orders: identifier and bundle number.
async fn delivery(app: &TestApp, orders: i64) -> (String, String) {
    let found = app.state.storage.read(move |tx| {
        let sql = "SELECT id, bundle_number FROM deliveries WHERE order_count >= ? AND state = 0 ORDER BY id LIMIT 1";
        let mut row = tx.query_one(sql, &[orders.into()])?.expect("a delivery");
        Ok::<_, StorageError>((number_code(row.int(0)?), row.text(1)?))
    });
    found.await.expect("reads")
}

#[tokio::test]
async fn query_string_filters_the_list() {
    let app = delivery_team().await;
    let all = app.get("/deliveries").await.ok();
    assert!(all.contains("직접전달 먼저") && all.contains("data-ticked"));
    for query in [
        "state=COMPLETED",
        "sido=99",
        "date_from=2030-01-01",
        "q=없는사람",
        "method=QUICK&method=PICKUP&state=RETURNED",
    ] {
        assert!(app.get(&format!("/deliveries?{query}")).await.ok().contains("조건에 맞는 배송이 없어요"), "{query}");
    }
    let some = app.get("/deliveries?state=PREPARING&state=READY_TO_SHIP&sido=11&size=50").await.ok();
    assert!(some.contains("name=\"tick\"") && some.contains("value=\"11000\" selected"));
}

#[tokio::test]
async fn ticked_deliveries_are_completed_and_undone() {
    let app = delivery_team().await;
    let none = app.post_form("/deliveries", &[("act", "complete")]).await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(none.text.contains("선택한 배송이 없어요"));

    let (id, _) = delivery(&app, 1).await;
    let complete = [("act", "complete"), ("tick", id.as_str())];
    let asked = app.post_form("/deliveries?state=PREPARING&size=50", &complete).await;
    assert!(asked.text.contains("아직 출고되지 않은 주문이 있는 배송이 1건 있어요"), "{}", asked.text);
    let confirmed = [&complete[..], &[("answer", "all")]].concat();
    let done = app.post_form("/deliveries?state=PREPARING&size=50", &confirmed).await;
    assert!(done.location().starts_with("/deliveries?state=PREPARING&size=50&done="), "{}", done.location());
    let answer = app.get(done.location()).await.ok();
    assert!(answer.contains("배송 1건을 완료했어요") && answer.contains("/undo\""));
    assert!(app.get("/deliveries?state=COMPLETED").await.ok().contains(&id));

    let undo = answer.split("action=\"/actions/").nth(1).and_then(|rest| rest.split('"').next());
    let undo = format!("/actions/{}", undo.expect("an undo button"));
    let undone = app.post_form(&undo, &[("back", "/deliveries?size=50")]).await;
    assert!(undone.location().starts_with("/deliveries?size=50&done="));
    assert!(app.get(undone.location()).await.ok().contains("배송 1건의 완료를 되돌렸어요"));
    assert!(app.get("/deliveries?state=COMPLETED").await.ok().contains("조건에 맞는 배송이 없어요"));
    assert!(!app.get(done.location()).await.ok().contains("/undo\""), "nothing is left to undo");

    for (url, fields) in
        [(undo.as_str(), &[][..]), ("/deliveries/undo", &[("delivery", id.as_str())]), ("/deliveries/undo", &[])]
    {
        let again = app.post_form(url, fields).await;
        let answer = app.get(again.location()).await.ok();
        assert!(
            answer.contains("되돌린 배송이 없어요") || answer.contains("되돌릴 배송이 없어요"),
            "{fields:?}: {answer}"
        );
    }
}

#[tokio::test]
async fn every_delivery_of_a_city_without_gu_has_unknown_gu() {
    let app = delivery_team().await;
    let total = async |sigungu: &str| {
        let page = app.get(&format!("/deliveries?state=PREPARING&sigungu={sigungu}")).await.ok();
        page.split("총 ").nth(1).and_then(|rest| rest.split('건').next()).expect("a total").to_owned()
    };
    assert_ne!(total("11140").await, "0");
    assert_eq!(total("11140-none").await, total("11140").await);
}

/// Gives every delivery the date of today, so that the team sees its recipient.
async fn deliver_today(app: &TestApp) {
    let write = app.state.storage.write(|tx| {
        let today = tx.now().date();
        tx.exec("UPDATE deliveries SET preferred_shipping_date = ?", &[today.into()])
    });
    write.await.expect("writes");
}

#[tokio::test]
async fn office_reaches_the_order_that_has_the_address() {
    let team = delivery_team().await;
    let (id, _) = delivery(&team, 2).await;
    deliver_today(&team).await;
    let here = format!("/deliveries/{id}");
    assert!(!team.get(&here).await.ok().contains("배송지 바꾸기"));
    let office = team.another_browser();
    office.sign_in_admin().await;
    let page = office.get(&here).await.ok();
    let link = page.split("href=\"").find_map(|rest| rest.split_once("#recipient_name\"")).expect("a link").0;
    let order = office.get(link).await.ok();
    assert!(order.contains("id=\"recipient_name\"") && order.contains("함께 가는 주문"), "{order}");
}

#[tokio::test]
async fn team_begins_with_what_is_due_today() {
    let app = delivery_team().await;
    let home = Role::Logistics.home();
    assert_eq!(app.get(home).await.location(), "/deliveries", "nothing is due, so that every delivery is shown");
    let write = app.state.storage.write(|tx| {
        for table in ["deliveries", "delivery_tallies"] {
            tx.exec(&format!("UPDATE {table} SET state = 1 WHERE state = 0 AND shipping_method = 'DIRECT'"), &[])?;
        }
        Ok::<_, StorageError>(())
    });
    write.await.expect("writes");
    let next = app.get(home).await.location().to_owned();
    assert!(next.starts_with("/deliveries?") && next.contains("state=READY_TO_SHIP&method=DIRECT"), "{next}");
    deliver_today(&app).await;
    let today = app.get(home).await.location().to_owned();
    assert!(today.starts_with("/deliveries?state=PREPARING"), "{today}");
    let page = app.get(&today).await.ok();
    let current = page.split("aria-current=\"page\">").find(|rest| rest.starts_with("오늘<"));
    assert!(current.is_some() && page.contains("name=\"tick\""), "{page}");
}

#[tokio::test]
async fn memo_changed_by_another_member_is_not_overwritten() {
    let app = delivery_team().await;
    let (id, _) = delivery(&app, 1).await;
    deliver_today(&app).await;
    let here = format!("/deliveries/{id}");
    let memo = |was, memo| [("act", "memo"), ("was", was), ("memo", memo)];
    let saved = app.post_form(&here, &memo("", "사다리차 필요\r\n2인")).await;
    assert!(app.get(saved.location()).await.ok().contains("사다리차 필요\n2인</textarea>"));
    let late = app.post_form(&here, &memo("", "혼자 가능")).await;
    assert_eq!(late.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(late.text.contains("지금 ‘사다리차 필요\n2인’") && late.text.contains("혼자 가능</textarea>"));
    let again = app.post_form(&here, &memo("사다리차 필요\r\n2인", "혼자 가능")).await;
    let page = app.get(again.location()).await.ok();
    assert!(
        page.contains("혼자 가능</textarea>") && page.contains("팀 메모") && page.contains("<strong>driver</strong>")
    );
    let long = app.post_form(&here, &memo("혼자 가능", &"가".repeat(2_001))).await;
    assert_eq!(long.status, StatusCode::UNPROCESSABLE_ENTITY);
    let sql = "SELECT count(*) FROM access_records WHERE action = 'edit' AND page = ? AND order_count > 0";
    let edits = app.state.storage.read(move |tx| tx.scalar(sql, &[here.as_str().into()])).await;
    assert_eq!(edits.expect("reads"), 2, "each saved change");
}

#[tokio::test]
async fn only_printing_records_who_printed_a_slip() {
    let app = delivery_team().await;
    let (id, number) = delivery(&app, 2).await;
    let slip = app.get(&format!("/deliveries/{id}/slip")).await.ok();
    assert!(slip.contains("배송 전표") && slip.contains(&number) && slip.contains("수취인 서명"));
    assert!(!slip.contains("교육용"), "not a training shop");
    assert!(!app.get("/deliveries").await.ok().contains("driver</span> 인쇄"));

    let ticked = app.post_form("/deliveries", &[("act", "slips"), ("tick", &id)]).await;
    assert_eq!(ticked.location(), format!("/deliveries/slips?id={id}"));
    let printed = app.post_form("/deliveries/slips", &[("id", &id)]).await;
    let page = app.get(printed.location()).await.ok();
    assert!(page.contains("배송 1건의 전표를 인쇄한 것으로 표시했어요") && page.contains("data-print-now"));
    assert!(app.get("/deliveries").await.ok().contains("2024-03-15 10:00 driver</span> 인쇄"));
    assert!(app.get(&format!("/deliveries/{id}")).await.ok().contains("전표 인쇄"));
    assert_eq!(app.get("/deliveries/0000000000000/slip").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn slips_of_a_search_have_the_order_of_the_list() {
    let app = delivery_team().await;
    let query = "state=PREPARING&sort=preferred_shipping_date.asc&size=50";
    let numbers = |page: &str, before: &str| -> Vec<String> {
        page.split(before).skip(1).filter_map(|rest| rest.split(['"', ' ']).next().map(str::to_owned)).collect()
    };
    let list = numbers(&app.get(&format!("/deliveries?{query}")).await.ok(), "name=\"tick\" value=\"");
    let slips = numbers(&app.get(&format!("/deliveries/slips?{query}")).await.ok(), "name=\"id\" value=\"");
    assert!(list.len() > 5);
    assert_eq!(list, slips);
}

#[tokio::test]
async fn delivery_team_sees_no_prices_and_no_internal_memos() {
    let app = delivery_team().await;
    app.state
        .storage
        .write(|tx| {
            tx.exec("UPDATE orders SET price = 7654321, admin_memo = '관리자만', purchase_memo = '공장에'", &[])
                .map(drop)
        })
        .await
        .expect("writes");
    let (id, _) = delivery(&app, 1).await;
    for page in ["/deliveries".to_owned(), format!("/deliveries/{id}"), format!("/deliveries/{id}/slip")] {
        let text = app.get(&page).await.ok();
        for secret in ["7654321", "7,654,321", "관리자만", "공장에", "href=\"/orders"] {
            assert!(!text.contains(secret), "{secret} on {page}");
        }
    }
}

#[tokio::test]
async fn other_recipients_are_marked_on_list_and_slip() {
    let app = delivery_team().await;
    let (id, number) = delivery(&app, 2).await;
    deliver_today(&app).await;
    let list = format!("/deliveries?field=delivery_number&q={number}");
    let slip = format!("/deliveries/{id}/slip");
    for page in [&list, &slip] {
        assert!(!app.get(page).await.ok().contains("배송지"), "{page}");
    }
    let moved = app.state.storage.write(move |tx| {
        let sql = "UPDATE orders SET recipient_name = '박다른', recipient_tel1 = '010-0000-9999', \
                   recipient_address1 = '부산광역시 해운대구 예시로 9' WHERE id = (SELECT max(o.id) FROM orders o \
                   JOIN deliveries d ON d.id = o.delivery_id WHERE d.bundle_number = ? AND o.id <> d.primary_order_id)";
        tx.exec(sql, &[number.as_str().into()])
    });
    assert_eq!(moved.await.expect("writes"), 1);
    let page = app.get(&list).await.ok();
    assert!(page.contains("배송지 다름</span>") && page.contains("배송지 다름: 박다른"), "{page}");
    let page = app.get(&slip).await.ok();
    let other = page.split("배송지가 다른 상품").nth(1).expect("a heading");
    assert!(other.contains("박다른 · 010-0000-9999") && other.contains("부산광역시 해운대구 예시로 9"), "{page}");
    assert_eq!(other.matches("<tr><td>").count(), 1, "its orders are below it");
    assert!(app.get(&format!("/deliveries/{id}")).await.ok().contains("배송지가 달라요: 박다른"));
}

#[tokio::test]
async fn memo_of_the_team_is_in_the_recent_actions_and_undone() {
    let app = delivery_team().await;
    let (id, bundle) = delivery(&app, 1).await;
    deliver_today(&app).await;
    let page = format!("/deliveries/{id}");
    let saved = app.post_form(&page, &[("act", "memo"), ("memo", "벨 누르지 마세요"), ("was", "")]).await;
    let answer = app.get(saved.location()).await.ok();
    let undo = answer.split("action=\"/actions/").nth(1).and_then(|rest| rest.split('"').next()).expect("an undo");
    let undo = format!("/actions/{undo}");
    assert!(app.get("/actions").await.ok().contains(&format!("{bundle}: 메모를 저장했어요")));
    app.post_form(&page, &[("act", "memo"), ("memo", "문 앞에"), ("was", "벨 누르지 마세요")]).await;
    let late = app.post_form(&undo, &[("back", &page)]).await;
    assert!(app.get(late.location()).await.ok().contains("문 앞에"), "a later memo stays");
    app.post_form(&page, &[("act", "memo"), ("memo", "벨 누르지 마세요"), ("was", "문 앞에")]).await;
    let undone = app.post_form(&undo, &[("back", &page)]).await;
    let shown = app.get(undone.location()).await.ok();
    assert!(shown.contains("메모를 되돌렸어요"), "{shown}");
    let again = app.post_form(&undo, &[("back", &page)]).await;
    assert!(!app.get(again.location()).await.ok().contains("메모를 되돌렸어요"));
}

#[tokio::test]
async fn parcel_is_entered_for_all_orders_of_its_delivery() {
    let app = TestApp::as_admin().await;
    app.post_form(&format!("{}/apply", upload_fixture(&app, ORDERS_FILE).await), &[]).await;
    let found = app.state.storage.read(|tx| {
        let sql = "SELECT d.id FROM deliveries d JOIN orders o ON o.delivery_id = d.id \
                   WHERE o.order_number = '2024031500000001'";
        let row = tx.query_one(sql, &[])?.expect("a delivery");
        Ok::<_, StorageError>(number_code(row.int(0)?))
    });
    let page = format!("/deliveries/{}", found.await.expect("reads"));
    let parcel = |courier: &'static str, was: &'static str| {
        [
            ("act", "parcel"),
            ("tracking_number", "451-6830-0137"),
            ("courier", courier),
            ("courier_other", "동네 용달"),
            ("courier_was", ""),
            ("number_was", was),
        ]
    };
    let refused = app.post_form(&page, &parcel("", "")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("택배사를 선택해 주세요") && refused.text.contains("451-6830-0137"));
    let stale = app.post_form(&page, &parcel("*", "1")).await;
    assert!(stale.text.contains("그 사이 다른 사람이 송장을 바꿨어요"), "{}", stale.text);
    let saved = app.post_form(&page, &parcel("*", "")).await;
    let shown = app.get(saved.location()).await.ok();
    assert!(shown.contains("45168300137") && shown.contains("<option selected>동네 용달</option>"), "{shown}");
    assert!(shown.contains("action=\"/actions/"), "it can be undone");
}

//! What people demand: recorded with a deadline, done, answered.

use super::*;
use crate::id::{OrderId, number_code};
use crate::privacy::store::requests;

/// Writes a demand about the first order down; answers the path of its page.
async fn demand(app: &TestApp, order: OrderId, kind: &str) -> String {
    let form = [
        ("order", order.to_string()),
        ("role", "customer".to_owned()),
        ("kind", kind.to_owned()),
        ("received", "2024-03-15".to_owned()),
        ("demand", "본인이 전화로 요구함".to_owned()),
    ];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = app.post_form("/privacy/requests", &form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    answer.location().split('?').next().expect("a path").to_owned()
}

/// Ends the first order, with memos on it and in its log, alone in its delivery.
async fn end_with_memo(app: &TestApp, id: OrderId) {
    let change = move |tx: &mut dyn Tx| {
        for memo in ["몰래 적은 메모", "다시 적은 메모"] {
            let before = crate::orders::store::find(tx, &[id])?.remove(0);
            crate::orders::testing::edit(tx, &before, |order| order.admin_memo = memo.to_owned())?;
        }
        let now = tx.now();
        tx.exec("UPDATE orders SET state = 3, claim = '', shipped_at = ? WHERE delivery_id = (SELECT d FROM (SELECT delivery_id AS d FROM orders WHERE id = ?) AS x)", &[now.into(), id.into()])
    };
    app.state.storage.write(change).await.expect("writes");
}

#[tokio::test]
async fn demand_has_ten_days_and_is_on_the_first_page_when_they_run_out() {
    let (app, ids) = shop().await;
    let path = demand(&app, ids[0], "show").await;
    assert!(app.get(&path).await.ok().contains("2024-03-25까지 답하세요"));
    assert!(!app.get("/").await.ok().contains("href=\"/privacy/requests\""), "there is time");
    app.clock.advance_ms(8 * 24 * 60 * 60 * 1000);
    app.sign_in_admin().await;
    assert!(app.get("/").await.ok().contains("href=\"/privacy/requests\""));
    app.clock.advance_ms(3 * 24 * 60 * 60 * 1000);
    app.sign_in_admin().await;
    assert!(app.get("/privacy/requests").await.ok().contains("지났어요"));
    assert!(app.get("/access/law").await.ok().contains("답하지 않은 요구가 1건"));
    app.post_form(&format!("{path}/answer"), &[("answer", "done"), ("note", "인쇄해서 드렸어요")]).await;
    assert!(app.get(&path).await.ok().contains("인쇄해서 드렸어요"));
    assert!(app.get("/access/law").await.ok().contains("답하지 않은 요구가 없어요"));
    let again = app.post_form(&format!("{path}/answer"), &[("answer", "refused"), ("note", "다른 답")]).await;
    assert!(app.get(again.location()).await.ok().contains("이미 답한 요구예요"));
}

#[tokio::test]
async fn correction_changes_the_person_and_nobody_alike() {
    let (app, ids) = shop().await;
    let path = demand(&app, ids[0], "correct").await;
    let refused = app.post_form(&path, &[("act", "correct"), ("name", ""), ("tel", "")]).await;
    assert!(refused.status == StatusCode::UNPROCESSABLE_ENTITY && refused.text.contains("수정할 이름이나"));
    app.post_form(&path, &[("act", "correct"), ("name", "홍길순"), ("tel", "010-3333-4444")]).await;
    let people = |q: &'static str| app.get(q);
    assert!(people("/privacy/people?q=홍길순").await.ok().contains("010-3333-4444"));
    let alike = people("/privacy/people?q=77771111").await.ok();
    assert!(alike.contains(">김부인<") && !alike.contains(">홍길동<"), "{alike}");
    assert!(people("/privacy/people?q=99992222").await.ok().contains("홍길동"), "the namesake");
    assert!(app.get(&path).await.ok().contains("주문 1건에서 정정했어요"));
}

#[tokio::test]
async fn stopped_order_is_hidden_from_everybody_and_from_files_until_opened() {
    let (app, ids) = shop().await;
    end_with_memo(&app, ids[0]).await;
    let order = format!("/orders/{}", ids[0]);
    assert!(app.get(&order).await.ok().contains("010-7777-1111"));
    let path = demand(&app, ids[0], "restrict").await;
    app.post_form(&path, &[("act", "restrict")]).await;
    assert!(app.get(&path).await.ok().contains("처리를 정지했어요"));
    let shown = app.get(&order).await.ok();
    assert!(!shown.contains("010-7777-1111") && shown.contains("/masking/reveal"), "{shown}");
    let form = [("purpose", "shipping"), ("format", "csv")];
    let file = app.post_form("/orders/download?content=orders", &form).await.ok();
    assert!(!file.contains("010-7777-1111") && file.contains("010-9999-2222"), "{file}");
    let delivery = app.state.storage.read({
        let id = ids[0];
        move |tx| tx.scalar("SELECT delivery_id FROM orders WHERE id = ?", &[id.into()])
    });
    let delivery = number_code(delivery.await.expect("reads"));
    let form = [("delivery", delivery.as_str()), ("reason", "claim"), ("note", ""), ("back", order.as_str())];
    assert_eq!(app.post_form("/masking/reveal", &form).await.status, StatusCode::SEE_OTHER);
    assert!(app.get(&order).await.ok().contains("010-7777-1111"), "opened with a reason");
    app.clock.advance_ms(31 * 60 * 1000);
    assert!(!app.get(&order).await.ok().contains("010-7777-1111"), "for half an hour");
    app.post_form(&path, &[("act", "lift")]).await;
    assert!(app.get(&order).await.ok().contains("010-7777-1111"), "lifted");
}

#[tokio::test]
async fn stopped_order_is_found_by_nobody_but_those_who_handle_the_demand() {
    let (app, ids) = shop().await;
    end_with_memo(&app, ids[0]).await;
    let pages = ["/search?q=010-7777-1111", "/orders?q=010-7777-1111", "/deliveries?q=010-7777-1111"];
    assert!(app.get(pages[1]).await.ok().contains(&ids[0].to_string()));
    let path = demand(&app, ids[0], "restrict").await;
    app.post_form(&path, &[("act", "restrict")]).await;
    for page in pages {
        assert!(!app.get(page).await.ok().contains(&ids[0].to_string()), "{page}");
    }
    assert!(app.get("/privacy/people?q=77771111").await.ok().contains(">홍길동<"), "who handles the demand finds it");
    assert!(app.get(&path).await.ok().contains("010-7777-1111"));
    app.post_form(&path, &[("act", "lift")]).await;
    assert!(app.get(pages[1]).await.ok().contains(&ids[0].to_string()), "lifted");
}

#[tokio::test]
async fn order_kept_apart_is_masked_for_everybody_until_opened_with_a_reason() {
    let (app, ids) = shop().await;
    for id in [ids[0], ids[1]] {
        end_with_memo(&app, id).await;
    }
    let (id, other, order) = (ids[0], ids[1], format!("/orders/{}", ids[0]));
    let seal = move |tx: &mut dyn Tx| {
        crate::orders::store::seal::seal(tx, &[id, other])?;
        tx.scalar("SELECT delivery_id FROM orders WHERE id = ?", &[id.into()])
    };
    let delivery = number_code(app.state.storage.write(seal).await.expect("seals"));
    for page in [order.as_str(), &format!("/deliveries/{delivery}"), "/orders", "/search?q=홍길동"] {
        let text = app.get(page).await.ok();
        assert!(!text.contains("010-7777-1111") && !text.contains("적은 메모"), "{page}: {text}");
    }
    let shown = app.get(&order).await.ok();
    assert!(shown.contains("홍*동") && shown.contains("/masking/reveal") && !shown.contains("name=\"recipient_name\""));
    let edit = app.post_form(&order, &[("recipient_name", "다른이"), ("version", "0")]).await;
    assert_eq!(edit.status, StatusCode::BAD_REQUEST);
    let form = [("delivery", delivery.as_str()), ("reason", "claim"), ("note", ""), ("back", order.as_str())];
    assert_eq!(app.post_form("/masking/reveal", &form).await.status, StatusCode::SEE_OTHER);
    let shown = app.get(&order).await.ok();
    assert!(
        shown.contains("010-7777-1111") && shown.contains("다시 적은 메모") && shown.contains("분리 보관에서 꺼냄")
    );
    assert!(app.get("/orders?q=010-7777-1111").await.ok().contains(&id.to_string()), "found again");
    app.state.access.flush().await.expect("writes");
    assert!(app.get("/access?action=reveal").await.ok().contains("반품·교환·수리"), "with its reason");
}

#[tokio::test]
async fn deletion_erases_memos_also_from_the_log_and_says_what_is_kept_until_when() {
    let (app, ids) = shop().await;
    end_with_memo(&app, ids[0]).await;
    let path = demand(&app, ids[0], "delete").await;
    let preview = app.get(&path).await.ok();
    assert!(preview.contains("2029-03-15까지 따로 두는 것") && preview.contains("시행령 제6조"), "{preview}");
    app.post_form(&path, &[("act", "delete")]).await;
    let answered = app.get(&path).await.ok();
    assert!(answered.contains("일부만 들어줌") && answered.contains("2029-03-15까지 따로 두고"), "{answered}");
    let id = ids[0];
    let left = app.state.storage.read(move |tx| {
        let logged = "SELECT count(*) FROM order_events WHERE order_id = ? AND changes LIKE '%적은 메모%'";
        let memos = "SELECT count(*) FROM orders WHERE id = ? AND admin_memo <> ''";
        let restricted =
            "SELECT count(*) FROM restrictions r JOIN orders o ON o.delivery_id = r.delivery_id WHERE o.id = ?";
        let counts = [logged, memos, restricted].map(|sql| tx.scalar(sql, &[id.into()]));
        let [logged, memos, restricted] = counts;
        Ok::<_, StorageError>((logged?, memos?, restricted?))
    });
    assert_eq!(left.await.expect("reads"), (0, 0, 1));
    let order = app.get(&format!("/orders/{id}")).await.ok();
    assert!(order.contains("본인 요구로 메모 삭제"), "the log says that it was done: {order}");
}

#[tokio::test]
async fn order_under_way_is_neither_stopped_nor_deleted() {
    let (app, ids) = shop().await;
    let path = demand(&app, ids[0], "delete").await;
    assert!(app.get(&path).await.ok().contains("아직 끝나지 않은 주문 1건"));
    app.post_form(&path, &[("act", "delete")]).await;
    let answered = app.get(&path).await.ok();
    assert!(answered.contains("일부만 들어줌") && answered.contains("주문 1건은 지우지 않았어요"), "{answered}");
    let order = app.get(&format!("/orders/{}", ids[0])).await.ok();
    assert!(order.contains("010-7777-1111"), "the delivery still needs it");
    let open = app.state.storage.read(|tx| {
        let far = crate::time::parse_date("2030-01-01").expect("a date");
        requests::count_due(tx, far)
    });
    assert_eq!(open.await.expect("reads"), 0);
}

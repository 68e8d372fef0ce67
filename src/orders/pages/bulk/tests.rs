//! Bulk actions with typed rows, over HTTP.

use reqwest::StatusCode;

use crate::id::OrderId;
use crate::orders::model::{Order, OrderState, ShippingMethod};
use crate::orders::store;
use crate::orders::testing::edit;
use crate::storage::{Result as StorageResult, StorageError, Tx};
use crate::uploads::pages::tests::{ORDERS_FILE, upload_fixture};
use crate::web::testing::TestApp;

/// A shop with two parcels that have left the factory, without a claim.
async fn shop() -> (TestApp, Vec<Order>) {
    let app = TestApp::as_admin().await;
    app.post_form(&format!("{}/apply", upload_fixture(&app, ORDERS_FILE).await), &[]).await;
    let prepare = |tx: &mut dyn Tx| {
        let now = tx.now();
        let ids = tx.query("SELECT id FROM orders WHERE claim = '' AND state = 0 ORDER BY id LIMIT 2", &[])?;
        let ids = ids.iter().map(|row| row.id(0)).collect::<StorageResult<Vec<_>>>()?;
        for order in store::find(tx, &ids)? {
            edit(tx, &order, |order| {
                order.set_state(OrderState::Dispatched, now);
                order.shipping_method = ShippingMethod::Parcel;
                order.tracking_number.clear();
                order.courier.clear();
            })?;
        }
        let mut orders = store::find(tx, &ids)?;
        orders.sort_by_key(|order| order.id);
        Ok::<_, StorageError>(orders)
    };
    let orders = app.state.storage.write(prepare).await.expect("writes");
    (app, orders)
}

async fn stored(app: &TestApp, id: OrderId) -> Order {
    let read = move |tx: &mut dyn Tx| Ok::<_, StorageError>(store::find(tx, &[id])?.remove(0));
    app.state.storage.read(read).await.expect("reads")
}

/// The fields of a row with a typed tracking number.
fn row(order: &Order, number: &str, courier: &str) -> Vec<(String, String)> {
    let id = order.id.to_string();
    vec![
        ("tick".to_owned(), id.clone()),
        (format!("version-{id}"), order.version.to_string()),
        (format!("tracking_number-{id}"), number.to_owned()),
        (format!("courier-{id}"), courier.to_owned()),
    ]
}

async fn send(
    app: &TestApp,
    act: &str,
    fields: &[(String, String)],
    more: &[(&str, &str)],
) -> crate::web::testing::TestResponse {
    let fields = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let form: Vec<(&str, &str)> = [("act", act)].into_iter().chain(fields).chain(more.iter().copied()).collect();
    app.post_form("/orders?state=DISPATCHED", &form).await
}

#[tokio::test]
async fn form_without_versions_is_rejected() {
    let (app, orders) = shop().await;
    let id = orders[0].id.to_string();
    let (state, memo) = (format!("state-{id}"), format!("purchase_memo-{id}"));
    let fields = [("act", "edit"), ("tick", id.as_str()), (&state, "CONFIRMED"), (&memo, "x")];
    let answer = app.post_form("/orders", &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text.contains("지금 ‘출고’, 입력 ‘확정’"), "{}", answer.text);
    assert_eq!(stored(&app, orders[0].id).await, orders[0]);
}

#[tokio::test]
async fn typed_number_is_saved_with_the_act_and_its_courier_is_offered_next() {
    let (app, orders) = shop().await;
    let done = send(&app, "ship", &row(&orders[0], "451-6830-0137", "로젠택배"), &[]).await;
    let list = app.get(done.location()).await.ok();
    assert!(list.contains("1건을 배송됨 상태로 바꿨어요") && list.contains("1건은 입력한 값도 저장했어요"), "{list}");
    let after = stored(&app, orders[0].id).await;
    assert_eq!((after.state, after.tracking_number.as_str()), (OrderState::Shipped, "45168300137"));
    let open = app.get("/orders?state=DISPATCHED&edit=1").await.ok();
    assert!(open.contains("<option selected>로젠택배</option>") && open.contains("저장하고 배송됨으로"), "{open}");

    let undo = list.split("action=\"/actions/").nth(1).and_then(|rest| rest.split('"').next()).expect("an undo");
    app.post_form(&format!("/actions/{undo}"), &[]).await;
    let back = stored(&app, orders[0].id).await;
    assert_eq!(Order { version: orders[0].version, ..back }, orders[0]);
}

#[tokio::test]
async fn wrong_value_stops_the_act_and_stays_in_its_row() {
    let (app, orders) = shop().await;
    let fields = [row(&orders[0], "45168300137", ""), row(&orders[1], "45168300138", "한진택배")].concat();
    let refused = send(&app, "ship", &fields, &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    for text in
        ["택배사를 선택해 주세요", "저장하지도 바꾸지도 않았어요", "value=\"45168300137\"", "value=\"45168300138\""]
    {
        assert!(refused.text.contains(text), "{text}");
    }
    assert_eq!(refused.text.matches(" data-typed>").count(), 2, "both rows say that they are not saved");
    assert_eq!(
        (stored(&app, orders[0].id).await, stored(&app, orders[1].id).await),
        (orders[0].clone(), orders[1].clone())
    );
}

#[tokio::test]
async fn parcel_without_a_number_is_asked_about_and_the_safe_answer_comes_first() {
    let (app, orders) = shop().await;
    let fields =
        [row(&orders[0], "45168300137", "로젠택배"), vec![("tick".to_owned(), orders[1].id.to_string())]].concat();
    let asked = send(&app, "ship", &fields, &[]).await;
    assert!(asked.text.contains("송장번호가 없는 택배 주문이 1건 있어요"), "{}", asked.text);
    let main = asked.text.split("btn-primary").nth(1).and_then(|rest| rest.split("</").next()).unwrap_or_default();
    assert!(main.ends_with("물어본 1건 빼고 1건 배송됨으로 바꾸기"), "{main}");
    assert!(asked.text.contains("value=\"45168300137\""), "the question keeps what was typed");

    let back = send(&app, "ship", &fields, &[("answer", "back")]).await;
    assert_eq!(back.status, StatusCode::OK);
    assert!(back.text.contains("value=\"45168300137\"") && back.text.contains(" data-typed>"));
    assert_eq!(stored(&app, orders[0].id).await, orders[0]);

    send(&app, "ship", &fields, &[("answer", "rest")]).await;
    assert_eq!(stored(&app, orders[0].id).await.state, OrderState::Shipped);
    assert_eq!(stored(&app, orders[1].id).await, orders[1]);
    let only = vec![("tick".to_owned(), orders[1].id.to_string())];
    let asked = send(&app, "ship", &only, &[]).await.text;
    let main = asked.split("btn-primary").nth(1).and_then(|rest| rest.split("</").next()).unwrap_or_default();
    assert!(main.ends_with("1건 그대로 두기"), "{main}");
}

#[tokio::test]
async fn typed_state_of_a_parcel_without_a_number_is_asked_about() {
    let (app, orders) = shop().await;
    let id = orders[0].id.to_string();
    let fields = vec![
        ("tick".to_owned(), id.clone()),
        (format!("version-{id}"), orders[0].version.to_string()),
        (format!("state-{id}"), "SHIPPED".to_owned()),
        (format!("admin_memo-{id}"), "확인".to_owned()),
    ];
    assert!(send(&app, "edit", &fields, &[]).await.text.contains("1건은 상태를 그대로 두고 저장"));
    send(&app, "edit", &fields, &[("answer", "rest")]).await;
    let kept = stored(&app, orders[0].id).await;
    assert_eq!((kept.state, kept.admin_memo.as_str()), (OrderState::Dispatched, "확인"));

    let page = format!("/orders/{id}");
    let html = app.get(&page).await.ok();
    let form = html.split("class=\"order-form\"").nth(1).expect("a form");
    let version = form.split("name=\"version\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("one");
    assert_eq!(version, kept.version.to_string());
}

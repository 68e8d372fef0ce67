//! The form of an order, its bundle, and the form of a manual order.

use reqwest::StatusCode;

use crate::orders::model::{Order, OrderState};
use crate::orders::store;
use crate::storage::StorageError;
use crate::trucks::model::Truck;
use crate::trucks::store as trucks;
use crate::uploads::pages::tests::{ORDERS_FILE, upload_fixture};
use crate::web::Routes;
use crate::web::testing::{TestApp, TestResponse};

/// Two orders of one bundle, to the same person.
const ONE: &str = "2024031500000001";
const COMPANION: &str = "2024031500000002";

async fn shop() -> TestApp {
    let app = TestApp::as_admin().await;
    app.post_form(&format!("{}/apply", upload_fixture(&app, ORDERS_FILE).await), &[]).await;
    app
}

async fn order(app: &TestApp, number: &'static str) -> Order {
    let find = move |tx: &mut dyn crate::storage::Tx| {
        let ids = store::find_by_number(tx, number)?;
        Ok::<_, StorageError>(store::find(tx, &ids)?.remove(0))
    };
    app.state.storage.read(find).await.expect("reads")
}

fn page(order: &Order) -> String {
    format!("/orders/{}", order.id)
}

/// The fields of the page's form, as a browser sends them.
fn fields(html: &str) -> Vec<(String, String)> {
    let form = html.split("aria-label=\"주문 수정\"").nth(1).expect("the form");
    let form = form.split("</form>").next().expect("its end");
    let value = |tag: &str, name: &str| {
        let rest = tag.split(&format!(" {name}=\"")).nth(1)?;
        Some(rest.split('"').next()?.replace("&#38;", "&"))
    };
    let mut fields = Vec::new();
    for tag in form.split('<').skip(1) {
        let head = tag.split('>').next().unwrap_or_default();
        let Some(name) = value(head, "name") else {
            if tag.starts_with("option ") && head.contains(" selected") {
                let (_, last): &mut (String, String) = fields.last_mut().expect("a select");
                *last = value(head, "value").unwrap_or_default();
            }
            continue;
        };
        let radio = head.contains("type=\"radio\"");
        if name == "csrf" || tag.starts_with("button") || radio && !head.contains(" checked") {
            continue;
        }
        let text = tag.split('>').nth(1).unwrap_or_default().to_owned();
        let content = if tag.starts_with("textarea") { text } else { value(head, "value").unwrap_or_default() };
        fields.push((name, content));
    }
    fields
}

/// Posts the page's form with some fields changed.
async fn send(app: &TestApp, at: &str, from: &str, changed: &[(&str, &str)]) -> TestResponse {
    let mut fields = fields(from);
    for (name, value) in changed {
        match fields.iter_mut().find(|(other, _)| other == name) {
            Some((_, field)) => (*value).clone_into(field),
            None => fields.push(((*name).to_owned(), (*value).to_owned())),
        }
    }
    let pairs: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    app.post_form(at, &pairs).await
}

async fn follow(app: &TestApp, answer: TestResponse) -> String {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    app.get(answer.location()).await.ok()
}

#[tokio::test]
async fn unchanged_form_changes_nothing() {
    let app = shop().await;
    let before = order(&app, ONE).await;
    let html = app.get(&page(&before)).await.ok();
    assert!(follow(&app, send(&app, &page(&before), &html, &[]).await).await.contains("바뀐 내용이 없어요"));
    assert_eq!(order(&app, ONE).await, before);
}

#[tokio::test]
async fn problems_are_shown_at_their_fields_with_the_inputs() {
    let app = shop().await;
    let before = order(&app, ONE).await;
    let html = app.get(&page(&before)).await.ok();
    let typed = [("quantity", "두 개"), ("recipient_name", ""), ("shipping_memo", "문 앞에 놓아 주세요")];
    let answer = send(&app, &page(&before), &html, &typed).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    for text in [
        "id=\"quantity-problem\"",
        "value=\"두 개\"",
        "id=\"recipient_name-problem\"",
        "문 앞에 놓아 주세요</textarea>",
    ] {
        assert!(answer.text.contains(text), "{text}");
    }
    assert_eq!(order(&app, ONE).await, before, "nothing is saved");
}

#[tokio::test]
async fn conflicting_save_asks_which_value_to_keep() {
    let app = shop().await;
    let (before, at) = (order(&app, ONE).await, page(&order(&app, ONE).await));
    let old_page = app.get(&at).await.ok();
    send(&app, &at, &old_page, &[("purchase_memo", "회색으로"), ("quantity", "3")]).await;

    let refused = send(&app, &at, &old_page, &[("purchase_memo", "흰색으로"), ("admin_memo", "단골")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.text.contains("저장된 값 <b>‘회색으로’</b>") && refused.text.contains("이 화면의 값 <b>‘흰색으로’</b>")
    );
    assert!(refused.text.contains("저장된 값 <b>‘3’</b>"), "what I did not touch is shown too");
    assert!(!refused.text.contains("name=\"take-admin_memo\""), "what only I changed is no question");

    let saved = send(&app, &at, &refused.text, &[]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
    let after = order(&app, ONE).await;
    assert_eq!((after.purchase_memo.as_str(), after.admin_memo.as_str()), ("흰색으로", "단골"), "mine is kept");
    assert_eq!((before.quantity, after.quantity), (1, 3), "theirs is proposed where I typed nothing");
}

#[tokio::test]
async fn changed_address_asks_for_order_or_whole_bundle() {
    let app = shop().await;
    let (one, at) = (order(&app, ONE).await, page(&order(&app, ONE).await));
    let html = app.get(&at).await.ok();
    let moved = ("recipient_address1", "경상북도 포항시 북구 예시로 99");
    let answer = send(&app, &at, &html, &[moved, ("recipient_zip_code", "37683")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text.contains("어느 주문을 바꿀지 선택해 주세요") && answer.text.contains("경상북도 포항시 남구"));

    let whole = follow(&app, send(&app, &at, &answer.text, &[("scope", "bundle")]).await).await;
    assert!(whole.contains("함께 가는 주문 1건도 바꿨어요"));
    let (now, companion) = (order(&app, ONE).await, order(&app, COMPANION).await);
    assert_eq!((&companion.recipient.address1, companion.sigungu_code), (&now.recipient.address1, now.sigungu_code));
    assert_eq!(now.delivery_id, one.delivery_id);

    let back = ("recipient_address1", one.recipient.address1.as_str());
    let alone = follow(&app, send(&app, &at, &whole, &[back, ("scope", "alone")]).await).await;
    assert!(alone.contains("묶음에서 뺐어요"));
    let (now, companion) = (order(&app, ONE).await, order(&app, COMPANION).await);
    assert_ne!(now.delivery_id, companion.delivery_id);
    assert_eq!(companion.recipient.address1, moved.1, "the other order keeps its address");
}

#[tokio::test]
async fn address_whose_postal_code_was_forgotten_is_told() {
    let app = shop().await;
    let at = page(&order(&app, ONE).await);
    let html = app.get(&at).await.ok();
    let moved = [("recipient_address1", "부산광역시 해운대구 시험로 12"), ("scope", "alone")];
    let told = follow(&app, send(&app, &at, &html, &moved).await).await;
    assert!(
        told.contains("주소의 지역(부산 해운대구)이 달라요") && told.contains("주소와 달라요: 부산 해운대구"),
        "{told}"
    );
    let right = follow(&app, send(&app, &at, &told, &[("recipient_zip_code", "48094")]).await).await;
    assert!(right.contains("부산 해운대구") && !right.contains("주소와 달라요"), "{right}");
}

#[tokio::test]
async fn changed_bundle_number_moves_the_order_if_allowed() {
    let app = shop().await;
    let (before, at) = (order(&app, ONE).await, page(&order(&app, ONE).await));
    let html = app.get(&at).await.ok();
    let long = "9".repeat(65);
    for (number, reason) in
        [("3100000017", "배송비 형태가 달라요"), ("없는 묶음", "빈칸을 지워 주세요"), (long.as_str(), "64자까지")]
    {
        let refused = send(&app, &at, &html, &[("bundle_number", number)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text.contains(reason), "{number}");
        assert_eq!(order(&app, ONE).await, before);
    }
    let left = follow(&app, send(&app, &at, &html, &[("bundle_number", "")]).await).await;
    assert!(left.contains("새 묶음배송번호") && left.contains("원래 묶음 3100000001"));
    let moved = follow(&app, send(&app, &at, &left, &[("bundle_number", "3100000001")]).await).await;
    assert!(moved.contains("다른 묶음으로 옮겼어요"));
    assert_eq!(order(&app, ONE).await.delivery_id, before.delivery_id);
}

/// The answer to a bulk action on everything found that is in state 주문, after the question about the number.
async fn purchase_all(app: &TestApp, expected: &str) -> TestResponse {
    let fields = [("act", "purchase"), ("all", "1"), ("expected", expected), ("answer", "all")];
    app.post_form("/orders?state=PLACED", &fields).await
}

#[tokio::test]
async fn everything_found_is_counted_again_before_it_is_changed() {
    let app = shop().await;
    let asked = app.post_form("/orders?state=PLACED", &[("act", "purchase"), ("all", "1")]).await.ok();
    let told = asked.split("name=\"expected\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("one");
    let other = purchase_all(&app, "1").await.ok();
    assert!(other.contains(&format!("검색한 주문 {told}건을 모두 바꿔요")), "{other}");
    let done = purchase_all(&app, told).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert!(follow(&app, done).await.contains("발주 상태로 바꿨어요"));
}

#[tokio::test]
async fn action_on_many_orders_runs_in_the_background() {
    let app = TestApp::start_with_state(|_| (), Routes::new(), |state| state.bulk_jobs.max_foreground_orders = 2).await;
    app.sign_in_admin().await;
    app.post_form(&format!("{}/apply", upload_fixture(&app, ORDERS_FILE).await), &[]).await;
    let asked = app.post_form("/orders?state=PLACED", &[("act", "purchase"), ("all", "1")]).await.ok();
    let told = asked.split("name=\"expected\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("one");
    let started = purchase_all(&app, told).await;
    assert_eq!((started.status, started.location()), (StatusCode::SEE_OTHER, "/orders/job"));
    let mut answer = app.get("/orders/job").await;
    for _ in 0..500 {
        if answer.status != StatusCode::OK {
            break;
        }
        assert!(answer.text.contains("data-poll") && answer.text.contains("발주 상태로 바꾸기"), "{}", answer.text);
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        answer = app.get("/orders/job").await;
    }
    assert!(follow(&app, answer).await.contains("발주"));
    assert!(app.get("/actions").await.ok().contains("발주 상태로 바꿨어요"), "it can be undone as a whole");

    let changed = purchase_all(&app, "999").await;
    assert_eq!(changed.location(), "/orders/job", "the number is that of an old page");
    let mut answer = app.get("/orders/job").await;
    for _ in 0..500 {
        if !answer.text.contains("data-poll") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        answer = app.get("/orders/job").await;
    }
    assert!(answer.text.contains("바뀌어 하지 않았어요"), "{}", answer.text);
}

#[tokio::test]
async fn unknown_bundle_number_makes_a_new_bundle() {
    let app = shop().await;
    let (before, at) = (order(&app, ONE).await, page(&order(&app, ONE).await));
    let html = app.get(&at).await.ok();
    let moved = follow(&app, send(&app, &at, &html, &[("bundle_number", "침대-0315")]).await).await;
    assert!(moved.contains("침대-0315") && moved.contains("원래 묶음 3100000001"), "{moved}");
    let after = order(&app, ONE).await;
    assert_ne!(after.delivery_id, before.delivery_id);
    let number = app.state.storage.read(move |tx| store::deliveries::bundle_number(tx, after.delivery_id)).await;
    assert_eq!(number.expect("reads"), "침대-0315");
}

#[tokio::test]
async fn order_leaves_its_bundle_is_merged_and_moved_back() {
    let app = shop().await;
    let (before, at) = (order(&app, ONE).await, page(&order(&app, ONE).await));
    let act = format!("{at}/bundle");
    let click = async |act_name: &str, which: &str| {
        let version = order(&app, ONE).await.version.to_string();
        app.post_form(&act, &[("act", act_name), ("which", which), ("version", &version)]).await
    };
    let left = follow(&app, click("leave", "").await).await;
    assert!(left.contains("묶음에서 뺐어요") && left.contains("같은 수취인의 다른 주문"));
    assert_ne!(order(&app, ONE).await.delivery_id, before.delivery_id);

    let merged = follow(&app, click("merge", &before.delivery_id.to_string()).await).await;
    assert!(merged.contains("1건을 이 묶음으로 합쳤어요"));
    let (one, companion) = (order(&app, ONE).await, order(&app, COMPANION).await);
    assert_eq!(one.delivery_id, companion.delivery_id);

    let back = follow(&app, click("back", &companion.id.to_string()).await).await;
    assert!(back.contains("원래 묶음으로 되돌렸어요"));
    assert_eq!(order(&app, COMPANION).await.delivery_id, before.delivery_id);

    let stale = app.post_form(&act, &[("act", "leave"), ("version", "0")]).await;
    assert_eq!(stale.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(stale.text.contains("그 사이 다른 사람이 주문을 바꿨어요"));
}

#[tokio::test]
async fn saved_order_is_in_the_recent_actions_and_undone() {
    let app = shop().await;
    let (before, at) = (order(&app, ONE).await, page(&order(&app, ONE).await));
    let html = app.get(&at).await.ok();
    let saved =
        follow(&app, send(&app, &at, &html, &[("purchase_memo", "회색으로"), ("bundle_number", "")]).await).await;
    assert_eq!(order(&app, ONE).await.purchase_memo, "회색으로");
    let undo = saved.split("action=\"/actions/").nth(1).and_then(|rest| rest.split('"').next()).expect("an undo");
    assert!(app.get("/actions").await.ok().contains(&format!("{ONE}: 주문을 저장하고 묶음에서 뺐어요")));
    let undone = app.post_form(&format!("/actions/{undo}"), &[("back", &at)]).await;
    assert!(undone.location().starts_with(&at), "{}", undone.location());
    let after = order(&app, ONE).await;
    assert_eq!(Order { version: before.version, ..after }, before);
}

#[tokio::test]
async fn parcel_without_a_number_is_asked_about_on_the_page_of_the_order() {
    let app = shop().await;
    let at = page(&order(&app, ONE).await);
    let html = app.get(&at).await.ok();
    let shipped = [("state", "SHIPPED"), ("admin_memo", "확인")];
    let asked = send(&app, &at, &html, &shipped).await;
    assert!(asked.text.contains("송장번호가 없는 택배 주문이 1건 있어요"), "{}", asked.text);
    assert_eq!(order(&app, ONE).await.state, OrderState::Placed);
    let back = send(&app, &at, &html, &[&shipped[..], &[("answer", "back")]].concat()).await;
    assert!(back.status == StatusCode::OK && back.text.contains("확인</textarea>"));
    send(&app, &at, &html, &[&shipped[..], &[("answer", "rest")]].concat()).await;
    let kept = order(&app, ONE).await;
    assert_eq!((kept.state, kept.admin_memo.as_str()), (OrderState::Placed, "확인"));
}

#[tokio::test]
async fn delivered_order_stays_in_its_bundle() {
    let app = shop().await;
    let at = page(&order(&app, ONE).await);
    let html = app.get(&at).await.ok();
    let shipped = follow(&app, send(&app, &at, &html, &[("state", "SHIPPED"), ("answer", "all")]).await).await;
    assert!(!shipped.contains("묶음에서 빼기"));
    let one = order(&app, ONE).await;
    assert_eq!(one.state, OrderState::Shipped);
    let fields = [("act", "leave"), ("version", &one.version.to_string())];
    let refused = app.post_form(&format!("{at}/bundle"), &fields).await;
    assert!(refused.text.contains("이미 배송된 주문이라 묶음을 바꿀 수 없어요"), "{}", refused.text);
    assert_eq!(order(&app, ONE).await, one);
}

/// The form of a manual order with two line items, from the fixtures' variants.
fn manual_order(ticket: &str) -> Vec<(&str, &str)> {
    vec![
        ("ticket", ticket),
        ("product", "PILLOW"),
        ("option_key", "색상"),
        ("option_value", "화이트"),
        ("option_other", ""),
        ("option_key", "각인 문구"),
        ("option_value", " "),
        ("option_other", "축 결혼"),
        ("option_key", "사은품"),
        ("option_value", " "),
        ("option_other", ""),
        ("quantity", "2"),
        ("price", "38,000"),
        ("purchase_memo", "포장 따로"),
        ("product", "PILLOW"),
        ("option_key", "색상"),
        ("option_value", "화이트"),
        ("option_key", "각인 문구"),
        ("option_value", " "),
        ("option_key", "사은품"),
        ("option_value", " "),
        ("quantity", "1"),
        ("price", "0"),
        ("purchase_memo", ""),
        ("customer_name", "홍길동"),
        ("customer_tel", "01000001001"),
        ("same", "yes"),
        ("recipient_zip_code", "37683"),
        ("recipient_address1", "경상북도 포항시 남구 예시로 12"),
        ("shipping_method", "DIRECT"),
        ("charge_type", "PREPAID"),
        ("dispatch_deadline", "2024-04-15"),
        ("shipping_memo", "오전에"),
        ("act", "take"),
    ]
}

#[tokio::test]
async fn items_of_a_manual_order_share_one_bundle() {
    let app = shop().await;
    let first = app.get("/orders/new").await.ok();
    assert!(first.contains("value=\"2024-04-15\""), "31 days from today");
    let ticket = first.split("name=\"ticket\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("one");

    let answer = app.post_form("/orders/new", &manual_order(ticket)).await;
    let shown = follow(&app, answer).await;
    assert!(shown.contains("상담주문 2건을 저장했어요") && shown.contains("같은 고객의 주문 하나 더"));
    assert!(shown.contains("<dd>매장</dd>") && shown.contains("축 결혼"));
    let ticket = ticket.to_owned();
    let bundle = ticket.clone();
    let orders = app
        .state
        .storage
        .read(move |tx| {
            let delivery = store::deliveries::find_by_bundle_number(tx, &bundle)?.expect("the bundle");
            store::bundles::orders_of(tx, delivery)
        })
        .await
        .expect("reads");
    assert_eq!(orders.len(), 2);
    assert_eq!((orders[0].purchase_memo.as_str(), orders[1].purchase_memo.as_str()), ("포장 따로", ""));
    assert!(orders.iter().all(|order| order.shipping_memo == "오전에" && order.recipient.tel1 == "010-0000-1001"));
    assert!(orders.iter().all(|order| order.order_number.len() == 13 && order.sigungu_code.is_some()));

    let again = app.post_form("/orders/new", &manual_order(&ticket)).await;
    assert!(follow(&app, again).await.contains("이미 저장했어요"), "the form is idempotent");

    // A second window submits the same form for another customer.
    let mut other = manual_order(&ticket);
    for (_, value) in other.iter_mut().filter(|(name, _)| *name == "customer_name") {
        *value = "이표본";
    }
    let refused = app.post_form("/orders/new", &other).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("value=\"이표본\"") && refused.text.contains("한 번 더 저장"), "{}", refused.text);
    let fresh = refused.text.split("name=\"ticket\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    other[0].1 = fresh.expect("a fresh one");
    let answer = app.post_form("/orders/new", &other).await;
    assert!(follow(&app, answer).await.contains("상담주문 2건을 저장했어요"));

    let like = app.get(&format!("/orders/new?like={}", orders[0].id)).await.ok();
    assert!(like.contains("value=\"홍길동\"") && like.contains("경상북도 포항시 남구 예시로 12"));
}

#[tokio::test]
async fn invalid_manual_order_keeps_all_inputs() {
    let app = shop().await;
    let mut fields = manual_order("");
    for (name, value) in &mut fields {
        match *name {
            "quantity" => *value = "0",
            "customer_tel" => *value = "나중에",
            "option_value" if *value == "화이트" => *value = "",
            _ => {}
        }
    }
    let answer = app.post_form("/orders/new", &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    for text in
        ["quantity-0-problem", "quantity-1-problem", "customer_tel-problem", "value=\"나중에\"", "option-0-", "오전에"]
    {
        assert!(answer.text.contains(text), "{text}");
    }
    assert!(app.get("/orders?channel=LOCAL").await.ok().contains("조건에 맞는 주문이 없어요"));
}

#[tokio::test]
async fn line_items_are_added_and_removed_without_javascript() {
    let app = shop().await;
    let ask = async |act: &'static str| {
        let mut fields = manual_order("");
        fields.pop();
        fields.push(("act", act));
        app.post_form("/orders/new", &fields).await.ok()
    };
    assert_eq!(ask("add").await.matches("name=\"product\"").count(), 3);
    let fewer = ask("remove-0").await;
    assert_eq!(fewer.matches("name=\"product\"").count(), 1);
    assert!(!fewer.contains("포장 따로") && fewer.contains("오전에"), "the rest of the form stays");
}

/// A truck that takes the three pieces of [`manual_order`] a day, and no goods that are still to come.
async fn one_small_truck(app: &TestApp) {
    let prepared = app.state.storage.write(|tx| {
        tx.exec("UPDATE deliveries SET preferred_shipping_date = NULL", &[])?;
        let mut settings = trucks::settings(tx)?;
        "37683".clone_into(&mut settings.depot_zip);
        (settings.lead_days, settings.default_handling.minutes) = (0, 5);
        trucks::save_settings(tx, &settings)?;
        trucks::insert(tx, &Truck { pieces: 3, ..Truck::suggestion("1호차".to_owned()) })?;
        Ok::<_, StorageError>(())
    });
    prepared.await.expect("writes");
}

/// Orders taken at the counter, and promises that hold.
async fn counter_orders_and_promises(app: &TestApp) -> (i64, i64) {
    let count = |tx: &mut dyn crate::storage::Tx| {
        let orders =
            "SELECT count(*) FROM orders o JOIN sales_channels c ON c.id = o.channel_id WHERE c.code = 'LOCAL'";
        let promises = "SELECT count(*) FROM promises WHERE replaced_at IS NULL";
        Ok::<_, StorageError>((tx.scalar(orders, &[])?, tx.scalar(promises, &[])?))
    };
    app.state.storage.read(count).await.expect("reads")
}

#[tokio::test]
async fn last_place_of_a_day_is_sold_to_one_of_two_clerks_at_the_counter() {
    let app = shop().await;
    one_small_truck(&app).await;
    let other = app.another_browser();
    other.sign_in_admin().await;
    let offers = app.get("/plans/dates?zip=37683&quantity=3").await.ok();
    let link = offers.split("href=\"/orders/new?promise=").nth(1).and_then(|rest| rest.split('"').next()).expect("one");
    let link = format!("/orders/new?promise={}", link.replace("&#38;", "&"));
    let day = link["/orders/new?promise=".len()..][..10].to_owned();
    let ticket_of = |form: &str| {
        let ticket = form.split("name=\"ticket\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        ticket.expect("a ticket").to_owned()
    };
    let (first, second) = (app.get(&link).await.ok(), other.get(&link).await.ok());
    assert!(first.contains("value=\"37683\"") && first.contains(&format!("name=\"promise\" value=\"{day}\" checked")));

    let ticket = ticket_of(&first);
    let promise = [("promise", day.as_str()), ("promise_channel", "counter")];
    let fields: Vec<_> = manual_order(&ticket).into_iter().chain(promise).collect();
    assert_eq!(app.post_form("/orders/new", &fields).await.status, StatusCode::SEE_OTHER);
    assert_eq!(counter_orders_and_promises(&app).await, (2, 1));

    let ticket = ticket_of(&second);
    let fields: Vec<_> = manual_order(&ticket).into_iter().chain(promise).collect();
    let refused = other.post_form("/orders/new", &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("저장하지 않았어요. 이날은 약속할 수 없어요"), "{}", refused.text);
    assert_eq!(counter_orders_and_promises(&app).await, (2, 1), "nothing of the second order is saved");

    let another = refused.text.split("name=\"promise\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    let another = another.filter(|another| *another != day).expect("another day").to_owned();
    let promise = [("promise", another.as_str()), ("promise_channel", "counter")];
    let fields: Vec<_> = manual_order(&ticket).into_iter().chain(promise).collect();
    assert_eq!(other.post_form("/orders/new", &fields).await.status, StatusCode::SEE_OTHER);
    assert_eq!(counter_orders_and_promises(&app).await, (4, 2));
}

#[tokio::test]
async fn counter_form_shows_the_days_for_its_postal_code_and_products() {
    let app = shop().await;
    one_small_truck(&app).await;
    let mut fields = manual_order("");
    fields.pop();
    fields.push(("act", "dates"));
    let shown = app.post_form("/orders/new", &fields).await.ok();
    assert_eq!(shown.matches("name=\"promise\" value=\"2024-").count(), 3, "{shown}");
    assert!(shown.contains("id=\"promise-none\" name=\"promise\" value=\"\" checked"), "none is promised by itself");
    let parcel: Vec<_> = manual_order("")
        .into_iter()
        .map(|(name, value)| if name == "shipping_method" { (name, "PARCEL") } else { (name, value) })
        .chain([("promise", "2024-03-20")])
        .collect();
    let refused = app.post_form("/orders/new", &parcel).await;
    assert!(refused.text.contains("직접전달로 보내는 주문만"), "{}", refused.text);
    let order = order(&app, ONE).await;
    let shown = app.get(&page(&order)).await.ok();
    assert_eq!(shown.contains("/plans/dates?delivery="), order.shipping_method.code() == "DIRECT");
}

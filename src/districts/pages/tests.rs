//! The pages of districts.

use chrono::NaiveDate;
use reqwest::StatusCode;

use crate::districts::official::tests::{HEADER, postal};
use crate::orders::bundle::DeliveryState;
use crate::orders::model::{NewOrder, Order, OrderState};
use crate::orders::store::create::{bundles, create, findings};
use crate::orders::testing::{all_orders, edit, new_order};
use crate::storage::{Result, Tx};
use crate::time::Moment;
use crate::web::testing::{START, TestApp};

/// The date of every test, a Friday.
fn today() -> NaiveDate {
    START.date()
}

fn day(days: i64) -> Option<NaiveDate> {
    today().checked_add_signed(chrono::Duration::days(days))
}

/// An order to a postal code, with a 희망배송일 in so many days.
fn order(number: &str, zip_code: &str, address: &str, in_days: Option<i64>) -> NewOrder {
    let mut order = new_order(number);
    zip_code.clone_into(&mut order.recipient.zip_code);
    address.clone_into(&mut order.recipient.address1);
    order.placed_at = Moment(START.0 - 1000);
    order.preferred_shipping_date = in_days.and_then(day);
    order
}

async fn insert(app: &TestApp, orders: Vec<NewOrder>) {
    let cache = app.state.districts.clone();
    let insert = move |tx: &mut dyn Tx| {
        let orders: Vec<&NewOrder> = orders.iter().collect();
        let cause = crate::orders::testing::BY_HAND;
        let (districts, findings, bundles) =
            (cache.current(tx)?, findings(tx, &orders)?, bundles(tx, "SMART_STORE", &orders)?.bundles);
        create(tx, cause, ("SMART_STORE", "스마트스토어"), &bundles, &findings, &districts, &|_| ())
    };
    app.state.storage.write(insert).await.expect("inserts");
}

async fn find(app: &TestApp, number: &'static str) -> Order {
    let orders = app.state.storage.read(all_orders).await.expect("reads");
    orders.into_iter().find(|order| order.order_number == number).expect("an order")
}

async fn ship(app: &TestApp, number: &'static str) {
    let order = find(app, number).await;
    let shipped = move |tx: &mut dyn Tx| -> Result<bool> {
        edit(tx, &order, |order| order.set_state(OrderState::Shipped, START))
    };
    assert!(app.state.storage.write(shipped).await.expect("saves"));
}

/// The links to the delivery list, as query string and number.
fn numbers(page: &str) -> Vec<(String, String)> {
    page.split("<a href=\"/deliveries?")
        .skip(1)
        .filter_map(|rest| {
            let (href, rest) = rest.split_once("\">")?;
            Some((href.replace("&amp;", "&").replace("&#38;", "&"), rest.split_once('<')?.0.to_owned()))
        })
        .collect()
}

fn has(page: &str, href: &str, number: &str) -> bool {
    numbers(page).contains(&(href.to_owned(), number.to_owned()))
}

#[tokio::test]
async fn district_of_a_postal_code_is_json() {
    let app = TestApp::start().await;
    app.sign_in_logistics().await;
    assert_eq!(app.get("/districts/of?zip=37683").await.ok(), r#"{"name":"경상북도 포항시 남구"}"#);
    assert_eq!(app.get("/districts/of?zip=4524").await.ok(), r#"{"name":"서울특별시 중구"}"#);
    for unknown in ["", "?zip=", "?zip=99999", "?zip=376"] {
        assert_eq!(app.get(&format!("/districts/of{unknown}")).await.ok(), r#"{"name":null}"#, "{unknown}");
    }
}

#[tokio::test]
async fn overview_counts_deliveries_by_region_and_date() {
    let app = TestApp::start().await;
    app.sign_in_logistics().await;
    let orders = vec![
        order("1", "37683", "경상북도 포항시 남구", Some(0)),
        order("2", "37683", "경상북도 포항시 남구", Some(-3)),
        order("3", "37500", "경상북도 포항시 북구", Some(1)),
        order("4", "38000", "경상북도 경주시", Some(2)),
        order("5", "04524", "서울특별시 중구", None),
        order("6", "", "어디엔가", Some(30)),
        order("7", "04524", "서울특별시 중구", None),
    ];
    insert(&app, orders).await;
    ship(&app, "7").await;
    let page = app.get("/districts").await.ok();
    let both = "state=PREPARING&state=READY_TO_SHIP&method=DIRECT";
    assert!(has(&page, &format!("{both}&sido=47000"), "4"), "{:?}", numbers(&page));
    assert!(has(&page, &format!("{both}&sido=47000&date_to=2024-03-14"), "1"), "overdue");
    assert!(has(&page, &format!("{both}&sido=47000&date_from=2024-03-15&date_to=2024-03-15"), "1"), "today");
    assert!(has(&page, &format!("{both}&sido=47000&date_from=2024-03-17&date_to=2024-03-17"), "1"), "this week");
    assert!(has(&page, &format!("{both}&sido=11000&date=none"), "1"), "without a date, not delivered");
    assert!(has(&page, &format!("{both}&sigungu=none&date_from=2024-03-18"), "1"), "미분류, later");
    assert!(has(&page, both, "6"), "the total");
    let (unclassified, gyeongbuk) = (page.rfind("미분류").expect("미분류"), page.rfind("경북").expect("경북"));
    assert!(unclassified < gyeongbuk, "미분류 is first");

    let inside = app.get("/districts?sido=47").await.ok();
    assert!(has(&inside, &format!("{both}&sigungu=47110"), "3"), "{:?}", numbers(&inside));
    assert!(!inside.contains("미분류"));
    let by_gu = app.get("/districts?sido=47000&gu=1").await.ok();
    assert!(has(&by_gu, &format!("{both}&sigungu=47130"), "1"));
    for (gu, number, orders) in [("47111", "2", "총 <strong>2</strong>건"), ("47113", "1", "총 <strong>1</strong>건")]
    {
        let list = format!("{both}&sigungu={gu}");
        assert!(has(&by_gu, &list, number), "{:?}", numbers(&by_gu));
        assert!(app.get(&format!("/deliveries?{list}")).await.ok().contains(orders), "{gu}");
    }
    let of_a_day = app.get("/districts?day=2024-03-15&method=all&state=PREPARING").await.ok();
    assert!(has(&of_a_day, "state=PREPARING&sido=47000&date_from=2024-03-15&date_to=2024-03-15", "1"));
    assert!(app.get("/districts?state=READY_TO_SHIP").await.ok().contains("여기로 갈 배송이 없어요"));
}

#[tokio::test]
async fn unclassified_orders_are_corrected_in_three_ways_and_undone() {
    let app = TestApp::as_admin().await;
    let orders = vec![
        order("1", "135-080", "서울 강남구 예시로 1", None),
        order("2", "135080", "서울 강남구 예시로 2", None),
        order("3", "376", "경상북도 포항시 북구 예시로 3", None),
        order("4", "99999", "어디엔가", None),
        order("5", "37683", "경상북도 포항시 남구", None),
        order("6", "", "경상북도 포항시 남구", None), // found by its address
    ];
    insert(&app, orders).await;
    assert_eq!(find(&app, "6").await.sigungu_code, Some(47_110));
    let page = app.get("/districts/unknown").await.ok();
    assert!(page.contains("총 <strong>4</strong>건"));
    assert!(page.contains(r#"value="경상북도 포항시""#), "guessed from the address");
    assert!(app.get("/districts").await.ok().contains("모르는 주문이 4건"));

    let (one, three, four) = (find(&app, "1").await, find(&app, "3").await, find(&app, "4").await);
    let [a, b, c] = [&one, &three, &four].map(|order| order.id.to_string());
    let name = |field: &str, id: &str| format!("{field}-{id}");
    let fields = |zip_of_four: &str, district_of_one: &str| -> Vec<(String, String)> {
        [
            ("tick".into(), a.clone()),
            (name("version", &a), one.version.to_string()),
            (name("zip", &a), "135-080".into()),
            (name("place", &a), district_of_one.into()),
            (name("teach", &a), "1".into()),
            ("tick".into(), b.clone()),
            (name("version", &b), three.version.to_string()),
            (name("zip", &b), "376".into()),
            (name("place", &b), "경상북도 포항시".into()),
            ("tick".into(), c.clone()),
            (name("version", &c), four.version.to_string()),
            (name("zip", &c), zip_of_four.into()),
        ]
        .into()
    };
    let send = async |fields: Vec<(String, String)>| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        app.post_form("/districts/unknown", &fields).await
    };
    let wrong = send(fields("88888", "없는 곳")).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text.contains("모르는 우편번호예요") && wrong.text.contains("목록에 있는 지역 이름"));
    assert!(
        wrong.text.contains(r#"value="없는 곳""#) && wrong.text.contains(r#"value="88888""#),
        "the inputs are kept"
    );
    assert_eq!(find(&app, "3").await.sigungu_code, None, "nothing is applied");

    let right = send(fields("04524", "서울 강남구")).await;
    assert_eq!(right.status, StatusCode::SEE_OTHER, "{}", right.text);
    assert!(app.get(right.location()).await.ok().contains("주문 3건의 지역을 정했어요"));
    assert_eq!(find(&app, "1").await.sigungu_code, Some(11680));
    assert_eq!(find(&app, "2").await.sigungu_code, Some(11680), "has the same postal code");
    assert_eq!(find(&app, "3").await.sigungu_code, Some(47110));
    let four = find(&app, "4").await;
    assert_eq!((four.sigungu_code, &*four.recipient.zip_code), (Some(11140), "04524"));

    assert_eq!(app.post_form("/districts/unknown/undo", &[("zip", "135080")]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(app.post_form("/districts/unknown/undo", &[("order", &b)]).await.status, StatusCode::SEE_OTHER);
    for number in ["1", "2", "3"] {
        assert_eq!(find(&app, number).await.sigungu_code, None, "{number}");
    }
    let stale = send(fields("04524", "서울 강남구")).await;
    assert!(stale.status == StatusCode::UNPROCESSABLE_ENTITY && stale.text.contains("그 사이 다른 사람이"));
}

async fn upload(app: &TestApp, name: &'static str, text: String) -> crate::web::testing::TestResponse {
    app.post_multipart("/districts/import", |form| {
        form.part("files", reqwest::multipart::Part::bytes(text.into_bytes()).file_name(name))
    })
    .await
}

#[tokio::test]
async fn imported_list_is_previewed_applied_and_withdrawn() {
    let app = TestApp::as_admin().await;
    insert(
        &app,
        vec![order("1", "37683", "경상북도 포항시 남구", None), order("2", "37683", "경상북도 포항시 남구", None)],
    )
    .await;
    ship(&app, "2").await;
    let refused = upload(&app, "주문.txt", "이름|전화\n홍길동|010".to_owned()).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("주문.txt: 우체국 우편번호 DB나"));

    let list = [HEADER.to_owned(), postal("37683", "경상북도", "새시", "47999")].join("\n");
    let uploaded = upload(&app, "경상북도.txt", list).await;
    let path = uploaded.location().to_owned();
    let report = app.get(&path).await.ok();
    for text in ["경상북도 새시", "경상북도 포항시", "바뀌는 우편번호</dt><dd>1<", "다시 분류할 주문</dt><dd>1<"]
    {
        assert!(report.contains(text), "{text}");
    }
    assert_eq!(find(&app, "1").await.sigungu_code, Some(47110), "a preview changes nothing");

    let early = app.post_form(&format!("{path}/apply"), &[("valid_from", "2020-01-01")]).await;
    assert_eq!(early.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(early.text.contains("사이의 날짜를 입력해 주세요") && early.text.contains(r#"value="2020-01-01""#));
    let applied = app.post_form(&format!("{path}/apply"), &[("valid_from", "2026-07-01")]).await;
    assert_eq!(applied.status, StatusCode::SEE_OTHER, "{}", applied.text);
    assert!(app.get(applied.location()).await.ok().contains("2026-07-01 (수)부터의 지역으로 바꿨어요"));
    assert_eq!(find(&app, "1").await.sigungu_code, Some(47999));
    assert_eq!(find(&app, "2").await.sigungu_code, Some(47110), "already delivered");
    assert_eq!(app.get("/districts/of?zip=37683").await.ok(), r#"{"name":"경상북도 새시"}"#);
    assert!(app.get("/districts?sido=47").await.ok().contains("새시"));
    assert_eq!(
        app.post_form(&format!("{path}/apply"), &[("valid_from", "2026-07-01")]).await.status,
        StatusCode::NOT_FOUND
    );

    let withdrawn = app.post_form(&format!("{path}/withdraw"), &[]).await;
    assert_eq!(withdrawn.location().split('?').next(), Some("/districts/import"));
    assert_eq!(find(&app, "1").await.sigungu_code, Some(47110));
    assert_eq!(app.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn overview_total_equals_the_deliveries_under_way() {
    let app = TestApp::as_admin().await;
    crate::demo::generate(&app.state.storage, 7, 2_000, START, |_| ()).await.expect("fills");
    let under_way = app.state.storage.read(|tx| {
        let states = [DeliveryState::Preparing, DeliveryState::ReadyToShip].map(|state| (state as i64).into());
        tx.scalar("SELECT count(*) FROM deliveries WHERE state IN (?, ?)", &states)
    });
    let under_way = under_way.await.expect("counts");
    let page = app.get("/districts?method=all").await.ok();
    assert!(has(&page, "state=PREPARING&state=READY_TO_SHIP", &under_way.to_string()), "{:?}", numbers(&page));
}

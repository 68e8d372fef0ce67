//! Every page as every role: who saw whose data is in the records.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use reqwest::StatusCode;
use reqwest::multipart::{Form, Part};

use crate::access::list::{self, AccessFilter};
use crate::access::{AccessAction, Accessor};
use crate::app::rooms;
use crate::drive::pages::tests::{after, handed_out, leave};
use crate::id::{Id, OrderId, number_code};
use crate::orders::model::OrderState;
use crate::orders::store;
use crate::orders::testing::edit;
use crate::privacy::store as certificates;
use crate::storage::{StorageError, Tx};
use crate::uploads::pages::tests::{ORDERS_FILE, upload_fixture};
use crate::web::testing::{TestApp, TestResponse};
use crate::web::{Role, RouteSpec, Routes};

/// The identifiers of a shop's things, for the paths of the routes.
struct Ids {
    order: String,
    delivery: String,
    upload: String,
    product: String,
    member: String,
    /// a tour that is out, and a stop of it
    tour: String,
    stop: String,
    /// paths of a comparison, a leak, a demand and a certificate
    shown: Vec<(&'static str, String)>,
}

impl Ids {
    fn path(&self, route: &str) -> String {
        if let Some((_, path)) = self.shown.iter().find(|(shown, _)| *shown == route) {
            return path.clone();
        }
        let id = match route.split('/').collect::<Vec<_>>().as_slice() {
            ["", "plans", "tours", ..] | ["", "drive", "loading", ..] => &self.tour,
            ["", "drive", ..] => &self.stop,
            ["", "orders", ..] | ["", "consumer", "orders", ..] | ["", "privacy", "people", ..] => &self.order,
            ["", "deliveries" | "plans" | "sites", ..] => &self.delivery,
            ["", "uploads", ..] => &self.upload,
            ["", "products", ..] | ["", "trucks", "handling", ..] => &self.product,
            _ => &self.member,
        };
        let part =
            |part: &str| if matches!(part, "{id}" | "{stop}") { id.clone() } else { part.replace(['{', '}'], "") };
        let path = route.split('/').map(part).collect::<Vec<_>>().join("/");
        match route {
            "/orders/download" => format!("{path}?content=orders"),
            "/orders/held" => format!("{path}?act=ship&id={}", self.order),
            "/deliveries/held" => format!("{path}?id={}", self.order),
            _ => path,
        }
    }
}

/// Gives the orders a marker in every field with personal data; the first is held by a claim.
fn mark(tx: &mut dyn Tx) -> Result<Ids, StorageError> {
    for column in ["customer_name", "recipient_name", "recipient_address1", "shipping_memo"] {
        tx.exec(&format!("UPDATE orders SET {column} = '표식' || id || '끝'"), &[])?;
    }
    let mut first = |table: &str| -> Result<String, StorageError> {
        Ok(number_code(tx.scalar(&format!("SELECT min(id) FROM {table}"), &[])?))
    };
    Ok(Ids {
        order: first("orders")?,
        delivery: first("deliveries")?,
        upload: first("uploads")?,
        product: first("products")?,
        member: first("members")?,
        tour: String::new(),
        stop: String::new(),
        shown: Vec::new(),
    })
}

/// A shop whose orders have markers.
async fn marked_shop() -> (TestApp, Ids) {
    let app = TestApp::as_admin().await;
    let upload = upload_fixture(&app, ORDERS_FILE).await;
    app.post_form(&format!("{upload}/apply"), &[]).await;
    let ids = app.state.storage.write(|tx| {
        let ids = mark(tx)?;
        tx.exec(
            "UPDATE deliveries SET shipping_method = 'DIRECT', preferred_shipping_date = '2024-03-15' WHERE state = 0",
            &[],
        )?;
        Ok::<_, StorageError>(ids)
    });
    let ids = ids.await.expect("writes");
    (app, ids)
}

/// As [`marked_shop`], while its driver `gisa` is on the road, with a comparison, a leak, a demand and a certificate.
async fn marked_day() -> (TestApp, Ids) {
    let (app, driver, tour) = handed_out().await;
    leave(&driver, &tour).await;
    let stop = after(&driver.get("/drive").await.ok(), "<a href=\"/drive/");
    let mark = app.state.storage.write(|tx| {
        let ids = mark(tx)?;
        let first = "(SELECT min(id) FROM orders)";
        tx.exec(&format!("UPDATE orders SET claim = '취소요청', state = 0 WHERE id = {first}"), &[])?;
        tx.exec(&format!("UPDATE orders SET sigungu_code = NULL WHERE id = {first}"), &[])?;
        tx.exec(&format!("UPDATE deliveries SET sigungu_code = NULL WHERE primary_order_id = {first}"), &[])?;
        let day = tx.now().date();
        let certificate = certificates::start(tx, day)?.to_string();
        Ok::<_, StorageError>((ids, certificate))
    });
    let (mut ids, certificate) = mark.await.expect("writes");
    let place = |answer: TestResponse| answer.location().split('?').next().unwrap_or_default().to_owned();
    let window = [("noticed", "2024-03-15T09:00"), ("from", "2024-03-14T00:00"), ("to", "2024-03-16T00:00")];
    let leak = place(app.post_form("/privacy/breaches", &[&window[..], &[("cause", "file")]].concat()).await);
    let demand = [
        ("order", ids.order.as_str()),
        ("role", "customer"),
        ("kind", "show"),
        ("received", "2024-03-15"),
        ("demand", "본인이 전화로 요구함"),
    ];
    let demand = place(app.post_form("/privacy/requests", &demand).await);
    let bytes = std::fs::read(format!("{}/tests/fixtures/{ORDERS_FILE}", env!("CARGO_MANIFEST_DIR"))).expect("a file");
    let list = Part::bytes(bytes).file_name("전체주문.xlsx");
    let form = |form: Form| form.part("file", list).text("from", "").text("to", "");
    let comparison = place(app.post_multipart("/reconcile", form).await);
    ids.shown = vec![
        ("/reconcile/{id}", comparison),
        ("/privacy/breaches/{id}", leak),
        ("/privacy/requests/{id}", demand),
        ("/privacy/destructions/{id}", format!("/privacy/destructions/{certificate}")),
    ];
    assert!(ids.shown.iter().all(|(route, path)| path.len() > route.len() - 4), "{:?}", ids.shown);
    (app, Ids { tour, stop, ..ids })
}

/// The orders whose markers a text has.
fn marked(text: &str) -> BTreeSet<OrderId> {
    text.split("표식").skip(1).filter_map(|rest| rest.split_once('끝')?.0.parse().ok()).map(OrderId::from_raw).collect()
}

/// Forms that answer with a page or a file.
const FORMS: &[(&str, &[(&str, &str)])] = &[
    ("/orders", &[("act", "edit")]),
    ("/orders/{id}", &[("recipient_zip_code", "x")]),
    ("/orders/{id}/bundle", &[("act", "leave"), ("version", "99")]),
    ("/orders/download", &[("purpose", "shipping"), ("format", "csv")]),
    ("/deliveries", &[("act", "complete")]),
    ("/deliveries/{id}", &[("act", "memo"), ("was", "x"), ("memo", "y")]),
    ("/sites/{id}", &[("version", "0"), ("parking_metres", "5000")]),
    ("/plans/jobs/{id}", &[("minutes", "0")]),
    ("/districts/unknown", &[]),
    ("/uploads/{id}/conflicts", &[("act", "keep")]),
];

/// The orders in the records since the `known` first ones.
async fn recorded(app: &TestApp, known: i64) -> (BTreeSet<OrderId>, i64) {
    app.state.access.flush().await.expect("writes");
    let read = app.state.storage.read(move |tx| {
        let (mut orders, mut last) = (BTreeSet::new(), known);
        list::for_each(tx, &AccessFilter::default(), &mut |record, _| {
            if record.sequence > known && matches!(record.access.accessor, Accessor::Member { .. }) {
                orders.extend(record.access.orders.listed.iter().flatten());
            }
            last = record.sequence;
            Ok(())
        })?;
        Ok::<_, StorageError>((orders, last))
    });
    read.await.expect("reads")
}

#[tokio::test]
async fn every_page_of_every_role_records_whose_data_it_shows() {
    let (admin, ids) = marked_day().await;
    let mut browsers = vec![(Role::Admin, admin.another_browser())];
    for role in [Role::Orders, Role::Logistics, Role::Support, Role::Viewer, Role::Driver] {
        browsers.push((role, admin.another_browser()));
    }
    for (role, browser) in &browsers {
        browser.sign_in_as(*role).await;
    }
    let routes: Vec<RouteSpec> = rooms().iter().flat_map(Routes::specs).cloned().collect();
    let gets = routes.iter().filter(|route| route.method == Method::GET).map(|route| (route.path, None));
    let posts = FORMS.iter().map(|(path, form)| (*path, Some(*form)));
    let (_, mut last) = recorded(&admin, 0).await;
    let mut with_data: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut unknown: Vec<&str> = Vec::new();
    for (route, form) in gets.chain(posts) {
        let path = ids.path(route);
        for (role, browser) in &browsers {
            let answer = match form {
                None => browser.get(&path).await,
                Some(form) => browser.post_form(&path, form).await,
            };
            if *role == Role::Admin && form.is_none() && answer.status == StatusCode::NOT_FOUND {
                unknown.push(route);
            }
            let shown = marked(&answer.text);
            if answer.status == StatusCode::OK && form.is_some() && route == "/orders/download" {
                assert!(!shown.is_empty(), "the file has the orders");
            }
            let (recorded, next) = recorded(&admin, last).await;
            last = next;
            let missing: Vec<_> = shown.difference(&recorded).collect();
            assert!(missing.is_empty(), "{path} as {role:?} shows {missing:?}, which are not recorded");
            if !shown.is_empty() {
                let method = if form.is_some() { "POST" } else { "GET" };
                with_data.entry(role.code()).or_default().push(format!("{method} {route}"));
            }
        }
    }
    let lacks = |expected: &[&str], role: Role| {
        let shown = with_data.get(role.code()).cloned().unwrap_or_default();
        expected.iter().filter(|page| !shown.iter().any(|one| one == *page)).map(|page| (*page).to_owned()).collect()
    };
    let none = Vec::<String>::new();
    let missing: [Vec<String>; 3] =
        [lacks(&OF_ADMIN, Role::Admin), lacks(&OF_LOGISTICS, Role::Logistics), lacks(&OF_DRIVER, Role::Driver)];
    assert_eq!(
        missing,
        [none.clone(), none.clone(), none],
        "no data to be recorded; unknown {unknown:?}: {with_data:#?}"
    );
    for role in [Role::Support, Role::Viewer] {
        assert_eq!(with_data.get(role.code()), None, "{role:?} sees masks");
    }
    let unopened: Vec<&&str> = OPENED.iter().filter(|route| unknown.contains(route)).collect();
    assert_eq!(unopened, Vec::<&&str>::new(), "the shop of the test has something for them");
    let report = admin.state.storage.read(|tx| crate::access::verify(tx, &[])).await.expect("reads");
    assert_eq!(report.faults, []);
}

/// Routes with an identifier that the shop of the test has.
const OPENED: [&str; 18] = [
    "/orders/{id}",
    "/uploads/{id}",
    "/reconcile/{id}",
    "/deliveries/{id}",
    "/deliveries/{id}/slip",
    "/deliveries/{id}/evidence",
    "/trucks/handling/{id}",
    "/sites/{id}",
    "/plans/tours/{id}",
    "/plans/tours/{id}/close",
    "/plans/tours/{id}/loading",
    "/plans/jobs/{id}",
    "/drive/{stop}",
    "/consumer/orders/{id}",
    "/privacy/breaches/{id}",
    "/privacy/destructions/{id}",
    "/privacy/requests/{id}",
    "/privacy/people/{id}",
];

/// Pages that show data at least: without it the test would show nothing.
const OF_ADMIN: [&str; 22] = [
    "GET /orders",
    "POST /orders",
    "GET /orders/{id}",
    "POST /orders/{id}",
    "POST /orders/{id}/bundle",
    "POST /orders/download",
    "GET /orders/held",
    "GET /deliveries",
    "POST /deliveries",
    "GET /deliveries/{id}",
    "POST /deliveries/{id}",
    "GET /deliveries/{id}/evidence",
    "GET /deliveries/{id}/slip",
    "GET /deliveries/slips",
    "GET /deliveries/held",
    "GET /plans",
    "GET /plans/jobs/{id}",
    "GET /plans/tours/{id}",
    "GET /sites/{id}",
    "GET /districts/unknown",
    "GET /uploads/{id}/undo",
    "GET /privacy/people/{id}",
];

const OF_LOGISTICS: [&str; 5] = [
    "GET /deliveries",
    "GET /deliveries/{id}",
    "GET /deliveries/slips",
    "GET /plans/jobs/{id}",
    "GET /plans/tours/{id}",
];

const OF_DRIVER: [&str; 2] = ["GET /drive", "GET /drive/{stop}"];

#[tokio::test]
async fn sign_ins_failures_and_sign_outs_are_recorded() {
    let app = TestApp::as_admin().await;
    app.post_form("/logout", &[]).await;
    for name in ["admin", "nobody"] {
        app.post_form_from("/login", "/login", &[("username", name), ("password", "wrong")]).await;
    }
    app.state.access.flush().await.expect("writes");
    let read = app.state.storage.read(|tx| list::page(tx, &AccessFilter::default(), 0, 10)).await;
    let found: Vec<_> =
        read.expect("reads").0.into_iter().rev().map(|row| (row.record.access.action, row.username)).collect();
    let admin = || Some("admin".to_owned());
    assert_eq!(
        found,
        [
            (AccessAction::SignedIn, admin()),
            (AccessAction::SignedOut, admin()),
            (AccessAction::SignInFailed, admin()),
            (AccessAction::SignInFailed, None),
        ]
    );
}

#[tokio::test]
async fn changes_prints_and_downloads_have_address_and_orders() {
    let (app, ids) = marked_shop().await;
    app.post_form("/deliveries/slips", &[("id", &ids.delivery)]).await;
    app.post_form("/orders", &[("act", "purchase"), ("tick", &ids.order)]).await;
    let read = app.state.storage.read(|tx| list::page(tx, &AccessFilter::default(), 0, 50)).await;
    let rows = read.expect("reads").0;
    let of = |action: AccessAction| rows.iter().find(|row| row.record.access.action == action).expect("a record");
    for action in [AccessAction::Entered, AccessAction::Printed, AccessAction::Edited] {
        let access = &of(action).record.access;
        assert_eq!((access.accessor.address(), access.orders.count > 0), ("127.0.0.1", true), "{action:?}");
    }
    assert!(of(AccessAction::Entered).record.access.page.starts_with("/uploads/"));
}

#[tokio::test]
async fn page_finds_who_saw_a_person() {
    let (app, ids) = marked_shop().await;
    app.get(&format!("/orders/{}", ids.order)).await.ok();
    let number = app.state.storage.read(|tx| {
        let row = tx.query_one("SELECT order_number FROM orders ORDER BY id LIMIT 1", &[])?;
        row.expect("an order").text(0)
    });
    let number = number.await.expect("reads");
    let page = app.get(&format!("/access?q={number}&action=view")).await.ok();
    assert!(
        page.contains(&format!(">{number}</a>")) && page.contains("/orders/") && page.contains("127.0.0.1"),
        "{page}"
    );
    assert!(app.get("/access?q=없는사람입니다").await.ok().contains("조건에 맞는 기록이 없어요"));
    assert!(app.get("/access?action=search&from=2030-01-01").await.ok().contains("조건에 맞는 기록이 없어요"));
    let logistics = app.another_browser();
    logistics.sign_in_logistics().await;
    assert_eq!(logistics.get("/access").await.status, StatusCode::FORBIDDEN);
}

/// The order list hides both, and the question is who saw the person.
#[tokio::test]
async fn page_finds_who_saw_a_person_whose_order_is_kept_apart_or_of_a_disabled_product() {
    let (app, ids) = marked_shop().await;
    let id = Id::parse(&ids.order).expect("an identifier");
    let change = move |tx: &mut dyn Tx| {
        let (before, now) = (store::find(tx, &[id])?.remove(0), tx.now());
        edit(tx, &before, |order| {
            order.customer.name = "나홀로".to_owned();
            order.recipient.tel1 = "010-7391-2846".to_owned();
            order.set_state(OrderState::Shipped, now);
        })?;
        tx.exec("UPDATE products SET enabled = 0", &[])?;
        store::numbers(tx, &[id])
    };
    let number = app.state.storage.write(change).await.expect("writes")[&id].clone();
    app.get(&format!("/orders/{}", ids.order)).await.ok();
    for is_sealed in [false, true] {
        if is_sealed {
            assert_eq!(app.state.storage.write(move |tx| store::seal::seal(tx, &[id])).await.expect("seals"), 1);
        }
        for q in ["나홀로", "010-7391-2846", "73912846", &number] {
            let page = app.get(&format!("/access?q={q}&action=view")).await.ok();
            assert!(page.contains(&format!(">{number}</a>")), "{q}, sealed {is_sealed}: {page}");
        }
    }
}

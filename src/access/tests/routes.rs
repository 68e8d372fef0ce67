//! Every page as every role: who saw whose data is in the records.

use std::collections::BTreeSet;

use axum::http::Method;
use reqwest::StatusCode;

use crate::access::list::{self, AccessFilter};
use crate::access::{AccessAction, Accessor};
use crate::app::rooms;
use crate::id::crockford;
use crate::storage::StorageError;
use crate::uploads::pages::tests::{ORDERS_FILE, upload_fixture};
use crate::web::testing::TestApp;
use crate::web::{RouteSpec, Routes};

/// The identifiers of a shop's order, delivery, upload, product and member, for the paths of the routes.
struct Ids {
    order: String,
    delivery: String,
    upload: String,
    product: String,
    member: String,
}

impl Ids {
    fn path(&self, route: &str) -> String {
        let id = match route.split('/').nth(1) {
            Some("orders") => &self.order,
            Some("privacy") if route.starts_with("/privacy/people") => &self.order,
            Some("deliveries" | "plans" | "sites") => &self.delivery,
            Some("uploads") => &self.upload,
            Some("products") => &self.product,
            _ => &self.member,
        };
        let part = |part: &str| if part == "{id}" { id.clone() } else { part.replace(['{', '}'], "") };
        let path = route.split('/').map(part).collect::<Vec<_>>().join("/");
        if route == "/orders/download" { format!("{path}?content=orders") } else { path }
    }
}

/// A shop whose orders have a marker in every field with personal data.
async fn marked_shop() -> (TestApp, Ids) {
    let app = TestApp::as_admin().await;
    let upload = upload_fixture(&app, ORDERS_FILE).await;
    app.post_form(&format!("{upload}/apply"), &[]).await;
    let ids = app.state.storage.write(|tx| {
        for column in ["customer_name", "recipient_name", "recipient_address1", "shipping_memo"] {
            tx.exec(&format!("UPDATE orders SET {column} = '표식' || id || '끝'"), &[])?;
        }
        let mut first = |table: &str| -> Result<String, StorageError> {
            Ok(crockford(tx.scalar(&format!("SELECT min(id) FROM {table}"), &[])?))
        };
        let ids = Ids {
            order: first("orders")?,
            delivery: first("deliveries")?,
            upload: first("uploads")?,
            product: first("products")?,
            member: first("members")?,
        };
        tx.exec(
            "UPDATE deliveries SET shipping_method = 'DIRECT', preferred_shipping_date = '2024-03-15' WHERE state = 0",
            &[],
        )?;
        tx.exec("UPDATE orders SET sigungu_code = NULL WHERE delivery_id = (SELECT min(id) FROM deliveries)", &[])?;
        tx.exec(
            "UPDATE deliveries SET sigungu_code = NULL WHERE primary_order_id = (SELECT min(id) FROM orders)",
            &[],
        )?;
        Ok::<_, StorageError>(ids)
    });
    let ids = ids.await.expect("writes");
    (app, ids)
}

/// The orders whose markers a text has.
fn marked(text: &str) -> BTreeSet<i64> {
    text.split("표식").skip(1).filter_map(|rest| rest.split_once('끝')?.0.parse().ok()).collect()
}

/// Forms that answer with a page or a file.
const FORMS: &[(&str, &[(&str, &str)])] = &[
    ("/orders", &[("act", "edit")]),
    ("/orders/{id}", &[("recipient_zip_code", "x")]),
    ("/orders/{id}/bundle", &[("act", "leave"), ("version", "99")]),
    ("/orders/download", &[("purpose", "shipping"), ("format", "csv")]),
    ("/deliveries", &[("act", "complete")]),
    ("/deliveries/{id}", &[("act", "memo"), ("was", "x"), ("memo", "y")]),
    ("/districts/unknown", &[]),
    ("/uploads/{id}/conflicts", &[("act", "keep")]),
];

/// The orders in the records since the `known` first ones.
async fn recorded(app: &TestApp, known: i64) -> (BTreeSet<i64>, i64) {
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
    let (admin, ids) = marked_shop().await;
    let logistics = admin.another_browser();
    logistics.sign_in_logistics().await;
    let routes: Vec<RouteSpec> = rooms().iter().flat_map(Routes::specs).cloned().collect();
    let gets = routes.iter().filter(|route| route.method == Method::GET).map(|route| (route.path, None));
    let posts = FORMS.iter().map(|(path, form)| (*path, Some(*form)));
    let (_, mut last) = recorded(&admin, 0).await;
    let mut with_data: BTreeSet<(bool, &str, bool)> = BTreeSet::new();
    for (route, form) in gets.chain(posts) {
        for (is_admin, browser) in [(true, &admin), (false, &logistics)] {
            let path = ids.path(route);
            let answer = match form {
                None => browser.get(&path).await,
                Some(form) => browser.post_form(&path, form).await,
            };
            let shown = marked(&answer.text);
            if answer.status == StatusCode::OK && form.is_some() && route == "/orders/download" {
                assert!(!shown.is_empty(), "the file has the orders");
            }
            let (recorded, next) = recorded(&admin, last).await;
            last = next;
            let missing: Vec<_> = shown.difference(&recorded).collect();
            assert!(missing.is_empty(), "{path} as admin {is_admin} shows {missing:?}, which are not recorded");
            if !shown.is_empty() {
                with_data.insert((is_admin, route, form.is_some()));
            }
        }
    }
    let expected: BTreeSet<(bool, &str, bool)> = [
        (true, "/orders", false),
        (true, "/orders", true),
        (true, "/orders/{id}", false),
        (true, "/orders/{id}", true),
        (true, "/orders/{id}/bundle", true),
        (true, "/orders/download", true),
        (true, "/deliveries", false),
        (true, "/deliveries", true),
        (true, "/deliveries/{id}", false),
        (true, "/deliveries/{id}", true),
        (true, "/deliveries/{id}/evidence", false),
        (true, "/deliveries/{id}/slip", false),
        (true, "/deliveries/slips", false),
        (true, "/plans", false),
        (true, "/plans/jobs/{id}", false),
        (true, "/sites/{id}", false),
        (true, "/districts/unknown", false),
        (true, "/districts/unknown", true),
        (true, "/uploads/{id}/undo", false),
        (true, "/privacy/people/{id}", false),
        (false, "/deliveries", false),
        (false, "/deliveries", true),
        (false, "/deliveries/{id}", false),
        (false, "/deliveries/{id}", true),
        (false, "/deliveries/{id}/evidence", false),
        (false, "/deliveries/{id}/slip", false),
        (false, "/deliveries/slips", false),
        (false, "/plans", false),
        (false, "/plans/jobs/{id}", false),
        (false, "/sites/{id}", false),
    ]
    .into();
    assert_eq!(with_data, expected, "the pages with personal data");
    let report = admin.state.storage.read(|tx| crate::access::verify(tx, &[])).await.expect("reads");
    assert_eq!(report.faults, []);
}

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

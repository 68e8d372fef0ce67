//! Every page as every role: personal data occurs where the table of rights says so, and nowhere else.

mod downloads;

use std::collections::BTreeSet;

use axum::http::Method;
use reqwest::StatusCode;

use crate::access::AccessAction;
use crate::access::list::{self, AccessFilter};
use crate::app::rooms;
use crate::audit::Actor;
use crate::id::{DeliveryId, MemberId, OrderId, ProductId, UploadId};
use crate::orders::model::{Customer, Order, Recipient};
use crate::orders::store::{self, Action, ChangeContext};
use crate::storage::{StorageError, Tx};
use crate::uploads::pages::tests::{ORDERS_FILE, upload_fixture};
use crate::web::testing::TestApp;
use crate::web::{Role, RouteSpec, Routes};

/// The order with values that must not be shown where data is masked.
fn marked(order: &Order) -> Order {
    let text = |at: usize| MARKED[at].0.to_owned();
    Order {
        customer: Customer { name: text(0), tel: text(1) },
        recipient: Recipient {
            name: text(2),
            tel1: text(3),
            tel2: text(4),
            address1: text(5),
            address2: text(6),
            ..order.recipient.clone()
        },
        shipping_memo: text(7),
        admin_memo: text(8),
        ..order.clone()
    }
}

/// Values, each with a part of it that must not occur.
const MARKED: [(&str, &str); 9] = [
    ("가나구매다라", "나구매다"),
    ("010-7391-1234", "-7391-"),
    ("마바수취사아", "바수취사"),
    ("010-8462-5678", "-8462-"),
    ("0504-8463-5678", "-8463-"),
    ("경북 경주시 태종로 95번지표", "번지표"),
    ("표식아파트 101동", "표식아파트"),
    ("현관 9462038517", "9462038517"),
    ("단골표식", "단골표식"),
];

struct Shop {
    app: TestApp,
    /// identifiers of two orders of different deliveries, with their deliveries
    orders: [(OrderId, DeliveryId); 2],
    upload: UploadId,
    product: ProductId,
    member: MemberId,
}

impl Shop {
    /// A shop whose orders have marked data, to be delivered in a far year.
    async fn open() -> Self {
        let app = TestApp::as_admin().await;
        let upload = upload_fixture(&app, ORDERS_FILE).await;
        app.post_form(&format!("{upload}/apply"), &[]).await;
        let ids = app.state.storage.write(|tx| {
            let ids: Result<Vec<OrderId>, StorageError> =
                tx.query("SELECT id FROM orders", &[])?.into_iter().map(|row| row.id(0)).collect();
            let stored = store::find(tx, &ids?)?;
            let context = ChangeContext { actor: Actor::Program, upload_id: None, action: Action::Edited };
            store::with_changes(tx, context, |changes| {
                for order in &stored {
                    changes.save_current(order, &marked(order))?;
                }
                Ok::<_, StorageError>(())
            })?;
            tx.exec("UPDATE deliveries SET preferred_shipping_date = '2099-01-05', memo = '팀 9462038517'", &[])?;
            tx.exec("UPDATE deliveries SET shipping_method = 'DIRECT' WHERE state = 0", &[])?;
            let sql =
                "SELECT min(id), delivery_id FROM orders WHERE state = 0 GROUP BY delivery_id ORDER BY min(id) LIMIT 2";
            let mut orders = Vec::new();
            for row in tx.query(sql, &[])? {
                orders.push((row.id(0)?, row.id(1)?));
            }
            let held: &(OrderId, DeliveryId) =
                orders.first().ok_or_else(|| StorageError::Inconsistent("no order".to_owned()))?;
            tx.exec("UPDATE orders SET claim = '취소요청' WHERE id = ?", &[held.0.into()])?;
            let mut first = |table: &str| tx.scalar(&format!("SELECT min(id) FROM {table}"), &[]);
            let ids = (
                UploadId::from_raw(first("uploads")?),
                ProductId::from_raw(first("products")?),
                MemberId::from_raw(first("members")?),
            );
            Ok::<_, StorageError>((orders, ids))
        });
        let (orders, (upload, product, member)) = ids.await.expect("writes");
        Self { app, orders: orders.try_into().expect("two orders"), upload, product, member }
    }

    async fn browser(&self, role: Role) -> TestApp {
        let browser = self.app.another_browser();
        browser.sign_in_as(role).await;
        browser
    }

    fn order(&self, at: usize) -> String {
        format!("/orders/{}", self.orders[at].0)
    }

    fn delivery(&self, at: usize) -> String {
        self.orders[at].1.to_string()
    }

    fn path(&self, route: &str) -> String {
        let id = match route.split('/').nth(1) {
            Some("orders") => self.orders[0].0.to_string(),
            Some("privacy") if route.starts_with("/privacy/people") => self.orders[0].0.to_string(),
            Some("deliveries" | "plans" | "sites") => self.orders[0].1.to_string(),
            Some("uploads") => self.upload.to_string(),
            Some("products") => self.product.to_string(),
            _ => self.member.to_string(),
        };
        let part = |part: &str| if part == "{id}" { id.clone() } else { part.replace(['{', '}'], "") };
        route.split('/').map(part).collect::<Vec<_>>().join("/")
    }

    /// Every GET route, and pages that only their query fills.
    fn paths(&self) -> Vec<String> {
        let routes: Vec<RouteSpec> = rooms().iter().flat_map(Routes::specs).cloned().collect();
        let gets = routes.iter().filter(|route| route.method == Method::GET).map(|route| self.path(route.path));
        let delivery = self.delivery(0);
        let more = [
            "/orders?edit=1".to_owned(),
            format!("/deliveries/held?id={}", self.orders[0].0),
            "/orders?q=010-7391-1234".to_owned(),
            "/deliveries?q=010-8462-5678".to_owned(),
            "/search?q=010-7391-1234".to_owned(),
            "/plans?day=2099-01-05".to_owned(),
            format!("/plans/dates?delivery={delivery}"),
            format!("/deliveries/slips?id={delivery}"),
            format!("/orders/new?like={}", self.orders[0].0),
        ];
        gets.chain(more).collect()
    }

    /// Gives the first delivery this 희망배송일.
    async fn deliver_on(&self, day: &'static str) {
        let id = self.orders[0].1;
        let sql = "UPDATE deliveries SET preferred_shipping_date = ? WHERE id = ?";
        self.app.state.storage.write(move |tx| tx.exec(sql, &[day.into(), id.into()])).await.expect("writes");
    }
}

/// What a page shows of the marked data, apart from the words that were searched.
fn leaks(path: &str, text: &str) -> Vec<&'static str> {
    let searched = |mark: &str| path.split_once("q=").is_some_and(|(_, q)| q.contains(mark));
    MARKED.iter().map(|(_, mark)| *mark).filter(|mark| !searched(mark) && text.contains(mark)).collect()
}

#[tokio::test]
async fn masked_roles_see_marked_data_on_no_page() {
    let shop = Shop::open().await;
    for role in [Role::Logistics, Role::Support, Role::Viewer, Role::Driver] {
        let browser = shop.browser(role).await;
        let mut pages = 0;
        for path in shop.paths() {
            let answer = browser.get(&path).await;
            assert_eq!(leaks(&path, &answer.text), Vec::<&str>::new(), "{path} as {role:?}");
            pages += usize::from(answer.text.contains("마****아"));
        }
        let least = if role == Role::Driver { 0 } else { 4 };
        assert!(pages >= least, "{role:?} has {pages} pages with masked data");
    }
}

#[tokio::test]
async fn office_sees_everything_where_its_job_needs_it() {
    let shop = Shop::open().await;
    for role in [Role::Admin, Role::Orders] {
        let browser = shop.browser(role).await;
        let mut seen = BTreeSet::new();
        for path in shop.paths() {
            let answer = browser.get(&path).await;
            if !leaks(&path, &answer.text).is_empty() {
                seen.insert(path);
            }
        }
        for path in ["/orders", "/deliveries", "/search?q=010-7391-1234", &shop.order(0)] {
            assert!(seen.contains(path), "{role:?}: {path} not in {seen:?}");
        }
    }
}

#[tokio::test]
async fn data_kept_apart_is_on_no_page_of_any_role() {
    let shop = Shop::open().await;
    let seal = |tx: &mut dyn Tx| {
        let now = tx.now();
        tx.exec("UPDATE orders SET state = 3, claim = '', shipped_at = ?", &[now.into()])?;
        tx.exec("UPDATE deliveries SET memo = ''", &[])?;
        let ids: Result<Vec<OrderId>, StorageError> =
            tx.query("SELECT id FROM orders", &[])?.iter().map(|row| row.id(0)).collect();
        store::seal::seal(tx, &ids?)
    };
    assert!(shop.app.state.storage.write(seal).await.expect("seals") > 2);
    for role in [Role::Admin, Role::Orders, Role::Logistics, Role::Support, Role::Viewer, Role::Driver] {
        let browser = shop.browser(role).await;
        // Who handles the demand of a person sees what the shop has of him.
        for path in shop.paths().iter().filter(|path| !path.starts_with("/privacy/people/")) {
            let answer = browser.get(path).await;
            assert_eq!(leaks(path, &answer.text), Vec::<&str>::new(), "{path} as {role:?}");
        }
    }
    let person = shop.app.get(&shop.path("/privacy/people/{id}")).await.ok();
    assert!(person.contains("마바수취사아") || person.contains("가나구매다라"), "{person}");
    let form = [("purpose", "shipping"), ("format", "csv")];
    let file = shop.app.post_form("/orders/download?content=orders", &form).await.ok();
    assert_eq!(leaks("", &file), Vec::<&str>::new(), "{file}");
}

#[tokio::test]
async fn setting_masks_the_lists_of_the_order_desk() {
    let shop = Shop::open().await;
    let saved = shop.app.post_form("/shop", &[("name", "보기 침대"), ("mask_lists", "1")]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    let desk = shop.browser(Role::Orders).await;
    for path in ["/orders", "/orders?edit=1", "/deliveries", "/search?q=010-7391-1234"] {
        let text = desk.get(path).await.ok();
        assert_eq!(leaks(path, &text), Vec::<&str>::new(), "{path}");
        assert!(text.contains("마****아"), "{path}");
    }
    assert!(desk.get(&shop.order(0)).await.ok().contains("마바수취사아"), "the opened order is in full");
    let tick = shop.orders[0].0.to_string();
    let memo = format!("shipping_memo-{tick}");
    let edit = desk.post_form("/orders", &[("act", "edit"), ("tick", &tick), (&memo, "현관 **********")]).await;
    assert_eq!(edit.status, StatusCode::BAD_REQUEST, "a masked row is not edited");
    assert!(shop.app.get("/orders").await.ok().contains("마바수취사아"), "administrators see all");
}

#[tokio::test]
async fn reason_opens_one_delivery_for_one_member_for_half_an_hour() {
    let shop = Shop::open().await;
    let (support, viewer) = (shop.browser(Role::Support).await, shop.browser(Role::Viewer).await);
    let (page, delivery) = (shop.order(0), shop.delivery(0));
    let form = [("delivery", delivery.as_str()), ("back", page.as_str())];

    let without = support.post_form("/masking/reveal", &form).await;
    assert_eq!(without.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(without.text.contains("보는 이유를 선택해 주세요"));
    let other = support.post_form("/masking/reveal", &[form[0], form[1], ("reason", "other")]).await;
    assert!(other.text.contains("메모에 입력해 주세요"));
    let refused = viewer.post_form("/masking/reveal", &[form[0], form[1], ("reason", "enquiry")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(
        leaks(&page, &support.get(&page).await.ok()).len() + leaks(&page, &viewer.get(&page).await.ok()).len() == 0
    );

    let opened =
        support.post_form("/masking/reveal", &[form[0], form[1], ("reason", "enquiry"), ("note", "배송 문의")]).await;
    assert_eq!((opened.status, opened.location()), (StatusCode::SEE_OTHER, page.as_str()));
    let text = support.get(&page).await.ok();
    assert!(
        text.contains("마바수취사아") && text.contains("010-8462-5678") && text.contains("name=\"recipient_name\"")
    );
    assert!(!text.contains("단골표식"), "the memo of the office stays hidden");
    assert!(support.get(&format!("/deliveries/{delivery}")).await.ok().contains("마바수취사아"));
    assert_eq!(leaks("", &support.get(&shop.order(1)).await.ok()), Vec::<&str>::new(), "the other order");
    assert_eq!(leaks("", &support.get("/orders").await.ok()), Vec::<&str>::new(), "the list");
    assert_eq!(leaks("", &viewer.get(&page).await.ok()), Vec::<&str>::new(), "the other member");

    let order_id = shop.orders[0].0;
    let read = shop.app.state.storage.read(|tx| list::page(tx, &AccessFilter::default(), 0, 200)).await;
    let rows = read.expect("reads").0;
    let record = rows.iter().find(|row| row.record.access.action == AccessAction::Revealed).expect("a record");
    let access = &record.record.access;
    assert_eq!((access.page.as_str(), access.query.as_str()), (page.as_str(), "reason=고객 문의&note=배송 문의"));
    assert!(access.orders.lists(order_id) && record.username.as_deref() == Some("sangdam"));
    assert!(shop.app.get("/access?action=reveal").await.ok().contains("배송 문의"));

    shop.app.clock.advance_ms(31 * 60 * 1000);
    let support = shop.browser(Role::Support).await;
    assert_eq!(leaks("", &support.get(&page).await.ok()), Vec::<&str>::new(), "after half an hour");
}

#[tokio::test]
async fn masked_order_is_not_edited_and_a_mask_is_not_stored() {
    let shop = Shop::open().await;
    let (support, page) = (shop.browser(Role::Support).await, shop.order(0));
    let edit = support.post_form(&page, &[("recipient_name", "마****아"), ("version", "0")]).await;
    assert_eq!(edit.status, StatusCode::BAD_REQUEST);
    let leave = support.post_form(&format!("{page}/bundle"), &[("act", "leave"), ("version", "0")]).await;
    assert_eq!(leave.status, StatusCode::UNPROCESSABLE_ENTITY);
    let memo = [("act", "memo"), ("was", "팀 9462038517"), ("memo", "팀 *****")];
    let memo = support.post_form(&format!("/deliveries/{}", shop.delivery(0)), &memo).await;
    assert_eq!(memo.status, StatusCode::BAD_REQUEST);
    // An office page that was masked once, in another window, sends its mask.
    let fields = [("recipient_name", "마****아"), ("recipient_tel1", "010-****-5678"), ("state", "PLACED")];
    let refused = shop.app.post_form(&page, &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("가린 값이에요"));
    let stored = shop.app.state.storage.read(|tx| {
        tx.scalar("SELECT count(*) FROM orders WHERE recipient_name LIKE '%*%' OR recipient_tel1 LIKE '%*%'", &[])
    });
    assert_eq!(stored.await.expect("reads"), 0);
}

#[tokio::test]
async fn delivery_team_sees_what_it_delivers_today_and_tomorrow() {
    let shop = Shop::open().await;
    let today = shop.app.state.storage.clock().now().date();
    let day = |days: u64| -> &'static str { Box::leak((today + chrono::Days::new(days)).to_string().into_boxed_str()) };
    let team = shop.browser(Role::Logistics).await;
    let delivery = format!("/deliveries/{}", shop.delivery(0));
    for (days, is_seen) in [(0, true), (1, true), (2, false)] {
        shop.deliver_on(day(days)).await;
        for path in [delivery.clone(), format!("{delivery}/slip"), "/deliveries".to_owned()] {
            let text = team.get(&path).await.ok();
            assert_eq!(text.contains("마바수취사아"), is_seen, "{path} in {days} days");
            assert!(text.contains("마****아") || path != "/deliveries", "the others stay masked");
        }
    }
}

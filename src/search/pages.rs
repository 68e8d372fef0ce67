//! `/search`: one search over orders, deliveries, products and members, as far as the member may see them.

use std::borrow::Cow;

use askama::Template;
use axum::extract::State;
use serde::Deserialize;

use crate::deliveries::filter::DeliveryFilter;
use crate::deliveries::list::{self as deliveries, DeliveryRow};
use crate::id::OrderId;
use crate::masking::{self, MaskPolicy};
use crate::members::model::rights::Surface;
use crate::members::store as members;
use crate::orders::filter::OrderQuery;
use crate::orders::list::{self as orders, OrderRow};
use crate::products::model::Product;
use crate::products::store as products;
use crate::search::Total;
use crate::storage::{Result as StorageResult, Storage, StorageError, Tx};
use crate::text::fold_word;
use crate::web::{Access, Layout, PageAction, PageKind, PageResult, PersonalData, Query, Routes, personal_page};

/// Rows shown of each kind; a link leads to all of them.
const MAX_ROWS: u32 = 8;

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new().get("/search", Access::Page(PageKind::Deliveries, PageAction::View), show)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct FindQuery {
    q: String,
}

/// What was found of one kind.
struct Hits<T> {
    rows: Vec<T>,
    total: Total,
    /// URL of the whole list
    href: String,
}

/// A member that was found: its URL and username.
type MemberHit = (String, String);

#[derive(Template)]
#[template(path = "search/show.html")]
struct FindPage {
    layout: Layout,
    q: String,
    orders: Option<Hits<OrderRow>>,
    deliveries: Option<Hits<DeliveryRow>>,
    products: Vec<Product>,
    members: Vec<MemberHit>,
}

impl FindPage {
    fn is_empty(&self) -> bool {
        self.orders.as_ref().is_none_or(|hits| hits.rows.is_empty())
            && self.deliveries.as_ref().is_none_or(|hits| hits.rows.is_empty())
            && self.products.is_empty()
            && self.members.is_empty()
    }

    /// Where an order has a searched word that its line does not show: label and value. Nothing of a masked order.
    fn found_elsewhere<'a>(row: &'a OrderRow, q: &str) -> Option<(&'static str, Cow<'a, str>)> {
        let OrderRow { order, .. } = row;
        let address = format!("{} {}", order.recipient.address1, order.recipient.address2);
        let shown = [&order.order_number, &order.recipient.name, &order.recipient.tel1, &row.product_name];
        let shown = shown.into_iter().chain(&row.labels).chain([&order.tracking_number]).map(|text| fold(text));
        let shown: Vec<String> = shown.collect();
        let mut hidden: [(&'static str, Cow<'a, str>); 6] = [
            ("구매자", Cow::Borrowed(&order.customer.name)),
            ("구매자연락처", Cow::Borrowed(&order.customer.tel)),
            ("수취인연락처2", Cow::Borrowed(&order.recipient.tel2)),
            ("주문번호", Cow::Borrowed(&order.channel_order_number)),
            ("묶음배송번호", Cow::Borrowed(&row.bundle_number)),
            ("주소", Cow::Owned(address)),
        ];
        let is_shown = |word: &String| shown.iter().any(|text| text.contains(word));
        let mut words = q.split_whitespace().map(fold).filter(|word| !word.is_empty() && !is_shown(word));
        let at = words.find_map(|word| hidden.iter().position(|(_, text)| fold(text).contains(&word)))?;
        Some((hidden[at].0, std::mem::take(&mut hidden[at].1)))
    }
}

impl PersonalData for FindPage {
    fn orders(&self) -> Vec<OrderId> {
        let listed = self.orders.iter().flat_map(|hits| hits.rows.iter().map(|row| row.order.id));
        let delivered = self.deliveries.iter().flat_map(|hits| hits.rows.iter().flat_map(DeliveryRow::order_ids));
        listed.chain(delivered).collect()
    }
}

/// A text as it is compared: telephone numbers are typed with hyphens and without.
fn fold(text: &str) -> String {
    fold_word(text).replace('-', "")
}

async fn show(State(storage): State<Storage>, layout: Layout, Query(query): Query<FindQuery>) -> PageResult {
    let q = query.q.trim().to_owned();
    let (sees_orders, sees_products) = (layout.sees_orders(), layout.sees_products());
    let (is_admin, member) = (layout.is_admin(), layout.member.clone());
    if q.is_empty() {
        let (products, members) = (Vec::new(), Vec::new());
        return Ok(personal_page(FindPage { layout, q, orders: None, deliveries: None, products, members }));
    }
    let searched = q.clone();
    let (orders, deliveries, products, members) = storage
        .read(move |tx| {
            let masking = masking::of_member(tx, member.as_ref(), Surface::Search)?;
            let deliveries = Some(find_deliveries(tx, &searched, &masking)?);
            let orders = if sees_orders { Some(find_orders(tx, &searched, &masking)?) } else { None };
            let products = if sees_products { find_products(tx, &searched)? } else { Vec::new() };
            let members = if is_admin { find_members(tx, &searched)? } else { Vec::new() };
            Ok::<_, StorageError>((orders, deliveries, products, members))
        })
        .await?;
    Ok(personal_page(FindPage { layout, q, orders, deliveries, products, members }))
}

fn find_orders(tx: &mut dyn Tx, q: &str, masking: &MaskPolicy) -> StorageResult<Hits<OrderRow>> {
    let query = OrderQuery { q: q.to_owned(), ..OrderQuery::default() };
    let found = orders::page(tx, &query.filter(), 1, MAX_ROWS)?;
    let href = format!("/orders?{}", query.to_query_string(&[]));
    let row = |row: OrderRow| {
        let is_hidden = masking.hides(row.order.delivery_id, false);
        row.masked_if(is_hidden)
    };
    Ok(Hits { rows: found.orders.into_iter().map(row).collect(), total: found.total, href })
}

fn find_deliveries(tx: &mut dyn Tx, q: &str, masking: &MaskPolicy) -> StorageResult<Hits<DeliveryRow>> {
    let filter = DeliveryFilter { search: q.to_owned(), ..DeliveryFilter::default() };
    let found = deliveries::page(tx, &filter, 0, i64::from(MAX_ROWS))?;
    let href = format!("/deliveries?{}", serde_html_form::to_string([("q", q)]).unwrap_or_default());
    let rows = deliveries::load_rows(tx, &found.ids)?;
    Ok(Hits { rows: rows.into_iter().map(|row| row.masked(masking)).collect(), total: found.total, href })
}

fn find_products(tx: &mut dyn Tx, q: &str) -> StorageResult<Vec<Product>> {
    let words = q.to_lowercase();
    let is_match = |product: &Product| {
        product.name.to_lowercase().contains(&words) || product.number.to_lowercase().contains(&words)
    };
    Ok(products::all(tx)?.into_iter().filter(is_match).take(MAX_ROWS as usize).collect())
}

fn find_members(tx: &mut dyn Tx, q: &str) -> StorageResult<Vec<MemberHit>> {
    let words = q.to_lowercase();
    let members = members::list(tx)?.into_iter().map(|account| account.member);
    let found = members.filter(|member| member.username.to_lowercase().contains(&words)).take(MAX_ROWS as usize);
    Ok(found.map(|member| (format!("/members/{}", member.id), member.username)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::model::OrderState;
    use crate::orders::model::tests::order;
    use crate::uploads::pages::tests::{ORDERS_FILE, upload_fixture};
    use crate::web::testing::TestApp;

    #[tokio::test]
    async fn search_finds_orders_products_and_members_by_right() {
        let app = TestApp::as_admin().await;
        app.post_form(&format!("{}/apply", upload_fixture(&app, ORDERS_FILE).await), &[]).await;
        let page = app.get("/search?q=00000021").await.ok();
        assert!(page.contains("2024031500000021") && !page.contains("2024031500000020"), "the tail of a number");
        let page = app.get("/search?q=PILLOW").await.ok();
        assert!(page.contains("href=\"/products/") && page.contains("예시침구 경추 베개"));
        assert!(app.get("/search?q=%EC%97%86%EB%8A%94%EB%A7%90").await.ok().contains("찾지 못했어요"));
        assert!(app.get("/search").await.ok().contains("name=\"q\""));
    }

    #[test]
    fn line_says_where_the_word_is_if_it_does_not_show_it() {
        let mut found = OrderRow {
            order: order(OrderState::Placed),
            product_number: "BED".to_owned(),
            product_name: "원목 침대".to_owned(),
            channel_code: String::new(),
            channel_name: String::new(),
            bundle_number: "3100000001".to_owned(),
            bundle_count: 1,
            labels: Vec::new(),
            is_sealed: false,
        };
        found.order.customer.name = "박구매".to_owned();
        found.order.customer.tel = "010-0000-0007".to_owned();
        found.order.recipient.name = "김수취".to_owned();
        found.order.recipient.address1 = "서울특별시 예시구 연습로 7".to_owned();
        let says = |q: &str| FindPage::found_elsewhere(&found, q).map(|(label, text)| (label, text.into_owned()));
        assert_eq!(says("김수취"), None, "the line has it");
        assert_eq!(says("박구매"), Some(("구매자", "박구매".to_owned())));
        assert_eq!(says("01000000007"), Some(("구매자연락처", "010-0000-0007".to_owned())));
        assert_eq!(says("김수취 연습로").map(|(label, _)| label), Some("주소"));
        assert_eq!(says("ㅂㄱㅁ"), None, "initials");
    }
}

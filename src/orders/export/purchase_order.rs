//! 발주서: the purchase order for the factory, one sheet per product.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::table::{OrderLine, columns, method};
use crate::id::{OrderId, ProductId};
use crate::orders::fields::Cell;
use crate::orders::list::OrderRow;
use crate::orders::model::OrderState;
use crate::orders::store as orders;
use crate::products::store as products;
use crate::storage::{Result, Tx};

columns! {
    "번호" 6 |line| Cell::Number(line.number.into());
    "상품주문번호" 21 |line| Cell::text(&line.order_row.order.order_number);
    "구매자명" 12 |line| Cell::text(&line.order_row.order.customer.name);
    "구매자연락처" 18 |line| Cell::text(&line.order_row.order.customer.tel);
    "수취인명" 12 |line| Cell::text(&line.order_row.order.recipient.name);
    "수취인연락처1" 15 |line| Cell::text(&line.order_row.order.recipient.tel1);
    "수취인연락처2" 15 |line| Cell::text(&line.order_row.order.recipient.tel2);
    "상품명" 42 |line| Cell::text(&line.order_row.product_name);
    "옵션1" 30 |line| label(line.order_row, 0);
    "옵션2" 30 |line| label(line.order_row, 1);
    "옵션3" 30 |line| remaining_labels(line.order_row);
    "합배송수" 9 |line| Cell::Number(line.order_row.bundle_count);
    "수량" 9 |line| Cell::Number(line.order_row.order.quantity);
    "지역" 9 |line| region(line);
    "주소" 60 |line| address(line.order_row);
    "발송기한" 12 |line| Cell::Date(line.order_row.order.dispatch_deadline);
    "희망배송일" 12 |line| Cell::Date(line.order_row.order.preferred_shipping_date);
    "발주일" 12 |line| day(line.order_row, OrderState::Purchased);
    "출고일" 12 |line| day(line.order_row, OrderState::Dispatched);
    "배송일" 12 |line| day(line.order_row, OrderState::Shipped);
    "배송방법" 15 |line| Cell::text(method(&line.order_row.order));
    "배송비" 9 |line| Cell::text(line.order_row.order.charge_type.label());
    "택배사" 15 |line| Cell::text(&line.order_row.order.courier);
    "송장번호" 24 |line| Cell::text(&line.order_row.order.tracking_number);
    "고객메모" 42 |line| Cell::text(&line.order_row.order.customer_message);
    "발주메모" 42 |line| Cell::text(&line.order_row.order.purchase_memo);
    "상태" 9 |line| Cell::text(line.order_row.order.state.label());
}

fn label(it: &OrderRow, place: usize) -> Cell<'_> {
    Cell::text(it.labels.get(place).map_or("", String::as_str))
}

/// The third label and all further ones in one cell.
fn remaining_labels(it: &OrderRow) -> Cell<'_> {
    match it.labels.get(2..).unwrap_or_default() {
        [] => Cell::text(""),
        [third] => Cell::text(third),
        more => Cell::Text(Cow::Owned(more.join(" / "))),
    }
}

fn region<'a>(line: &OrderLine<'a>) -> Cell<'a> {
    let order = &line.order_row.order;
    let name = order.sigungu_code.and_then(|code| line.districts.display_name_on(code, order.delivered_on()));
    Cell::Text(name.map_or(Cow::Borrowed("미분류"), Cow::Owned))
}

fn address(it: &OrderRow) -> Cell<'_> {
    let recipient = &it.order.recipient;
    match recipient.address2.as_str() {
        "" => Cell::text(&recipient.address1),
        detail => Cell::Text(Cow::Owned(format!("{} {detail}", recipient.address1))),
    }
}

/// Date of a moment, without the time.
fn day(it: &OrderRow, state: OrderState) -> Cell<'static> {
    Cell::Date(it.order.moments.of(state).map(crate::time::Moment::date))
}

/// Groups orders by product: product name and orders, by priority of the products.
pub(super) fn by_product(tx: &mut dyn Tx, ids: &[OrderId]) -> Result<Vec<(String, Vec<OrderId>)>> {
    let product_of = orders::product_ids(tx, ids)?;
    let mut groups: BTreeMap<ProductId, Vec<OrderId>> = BTreeMap::new();
    for id in ids {
        if let Some(product) = product_of.get(id) {
            groups.entry(*product).or_default().push(*id);
        }
    }
    let products = products::all(tx)?;
    Ok(products.into_iter().filter_map(|product| Some((product.name, groups.remove(&product.id)?))).collect())
}

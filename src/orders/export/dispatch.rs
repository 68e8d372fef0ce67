//! 스마트스토어 발송처리: the bulk dispatch file of the channel. The channel requires an .xlsx with a sheet of this name,
//! the header in row 1, these four columns and text cells only. Names and telephone numbers are not required,
//! so they are omitted.

use super::table::{columns, method};
use crate::channels::{courier_name, find_courier};
use crate::orders::fields::Cell;
use crate::orders::model::{Order, ShippingMethod, parcels};

/// Required name of the sheet.
pub(super) const SHEET: &str = "발송처리";

columns! {
    "상품주문번호" 21 |line| Cell::text(&line.order_row.order.order_number);
    "배송방법" 15 |line| Cell::text(method(&line.order_row.order));
    "택배사" 15 |line| of_parcel(&line.order_row.order, |order| courier_name(&order.courier));
    "송장번호" 24 |line| of_parcel(&line.order_row.order, |order| first_parcel(&order.tracking_number));
}

/// The channel takes one number of an order.
pub(super) fn first_parcel(tracking_number: &str) -> &str {
    parcels(tracking_number).next().unwrap_or_default()
}

/// Whether the channel refuses the line of an order: it knows the couriers of its own list only.
pub(super) fn has_unknown_courier(order: &Order) -> bool {
    order.shipping_method == ShippingMethod::Parcel && find_courier(&order.courier).is_none()
}

/// Courier and tracking number are for parcels; the channel requires them empty otherwise.
fn of_parcel(order: &Order, part: fn(&Order) -> &str) -> Cell<'_> {
    Cell::text(if order.shipping_method == ShippingMethod::Parcel { part(order) } else { "" })
}

//! The columns of a download that a person reads.

use std::borrow::Cow;

use chrono::NaiveDate;

use super::regions;
use crate::districts::Districts;
use crate::orders::list::Listed;
use crate::orders::model::{OrderState, ShippingMethod};
use crate::time::Moment;

/// What stands in a cell.
pub(super) enum Cell<'a> {
    Text(Cow<'a, str>),
    Number(i64),
    Date(Option<NaiveDate>),
    At(Option<Moment>),
}

/// A column: its header, its width in characters, and what an order has there.
pub(super) struct Column {
    pub(super) header: &'static str,
    pub(super) width: u8,
    pub(super) cell: for<'a> fn(&'a Listed, &'a Districts) -> Cell<'a>,
}

fn text(text: &str) -> Cell<'_> {
    Cell::Text(Cow::Borrowed(text))
}

fn at(listed: &Listed, state: OrderState) -> Cell<'static> {
    Cell::At(listed.order.moments.of(state))
}

fn method(listed: &Listed) -> Cell<'_> {
    let word = &listed.order.shipping_method_word;
    match listed.order.shipping_method {
        ShippingMethod::Other if !word.is_empty() => text(word),
        method => text(method.label()),
    }
}

macro_rules! columns {
    ($($header:literal $width:literal |$listed:pat_param, $districts:pat_param| $cell:expr;)*) => {
        /// Every column, in the sequence of the file.
        pub(super) const COLUMNS: &[Column] =
            &[$(Column { header: $header, width: $width, cell: |$listed, $districts| $cell },)*];
    };
}

columns! {
    "상태" 8 |it, _| text(it.order.state.label());
    "클레임" 12 |it, _| text(&it.order.claim);
    "상품주문번호" 21 |it, _| text(&it.order.order_number);
    "판매채널" 14 |it, _| text(&it.channel_name);
    "상품번호" 16 |it, _| text(&it.product_number);
    "상품명" 42 |it, _| text(&it.product_name);
    "옵션" 42 |it, _| Cell::Text(Cow::Owned(it.labels.join(" / ")));
    "수량" 7 |it, _| Cell::Number(it.order.quantity);
    "금액" 12 |it, _| Cell::Number(it.order.price);
    "구매자명" 12 |it, _| text(&it.order.customer.name);
    "구매자연락처" 16 |it, _| text(&it.order.customer.tel);
    "수취인명" 12 |it, _| text(&it.order.recipient.name);
    "수취인연락처1" 16 |it, _| text(&it.order.recipient.tel1);
    "수취인연락처2" 16 |it, _| text(&it.order.recipient.tel2);
    "우편번호" 10 |it, _| text(&it.order.recipient.zip_code);
    "주소" 48 |it, _| text(&it.order.recipient.address1);
    "상세주소" 30 |it, _| text(&it.order.recipient.address2);
    "시/도" 14 |it, districts| text(regions(districts, &it.order).map_or("미분류", |(sido, _)| sido));
    "시/군/구" 14 |it, districts| text(regions(districts, &it.order).map_or("미분류", |(_, sigungu)| sigungu));
    "배송방법" 15 |it, _| method(it);
    "배송비" 9 |it, _| text(it.order.charge_type.label());
    "묶음배송번호" 21 |it, _| text(&it.bundle_number);
    "합배송수" 9 |it, _| Cell::Number(it.bundle_count);
    "주문일" 17 |it, _| at(it, OrderState::Placed);
    "발송기한" 12 |it, _| Cell::Date(it.order.dispatch_deadline);
    "희망배송일" 12 |it, _| Cell::Date(it.order.preferred_shipping_date);
    "발주일" 17 |it, _| at(it, OrderState::Purchased);
    "출고일" 17 |it, _| at(it, OrderState::Dispatched);
    "배송일" 17 |it, _| at(it, OrderState::Shipped);
    "확정일" 17 |it, _| at(it, OrderState::Confirmed);
    "취소일" 17 |it, _| at(it, OrderState::Cancelled);
    "반품일" 17 |it, _| at(it, OrderState::Refunded);
    "택배사" 15 |it, _| text(&it.order.courier);
    "송장번호" 20 |it, _| text(&it.order.tracking_number);
    "고객메시지" 42 |it, _| text(&it.order.customer_message);
    "발주메모" 42 |it, _| text(&it.order.purchase_memo);
    "배송메모" 42 |it, _| text(&it.order.shipping_memo);
    "관리자메모" 42 |it, _| text(&it.order.admin_memo);
}

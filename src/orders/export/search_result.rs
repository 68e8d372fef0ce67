//! 검색 결과: all columns of the list, and those that the page does not show.

use std::borrow::Cow;

use super::table::{Cell, at, columns, method, text};
use crate::orders::model::OrderState;

columns! {
    "상태" 8 |line| text(line.order_row.order.state.label());
    "클레임" 12 |line| text(&line.order_row.order.claim);
    "상품주문번호" 21 |line| text(&line.order_row.order.order_number);
    "판매채널" 14 |line| text(&line.order_row.channel_name);
    "상품번호" 16 |line| text(&line.order_row.product_number);
    "상품명" 42 |line| text(&line.order_row.product_name);
    "옵션" 42 |line| Cell::Text(Cow::Owned(line.order_row.labels.join(" / ")));
    "수량" 7 |line| Cell::Number(line.order_row.order.quantity);
    "금액" 12 |line| Cell::Number(line.order_row.order.price);
    "구매자명" 12 |line| text(&line.order_row.order.customer.name);
    "구매자연락처" 16 |line| text(&line.order_row.order.customer.tel);
    "수취인명" 12 |line| text(&line.order_row.order.recipient.name);
    "수취인연락처1" 16 |line| text(&line.order_row.order.recipient.tel1);
    "수취인연락처2" 16 |line| text(&line.order_row.order.recipient.tel2);
    "우편번호" 10 |line| text(&line.order_row.order.recipient.zip_code);
    "주소" 48 |line| text(&line.order_row.order.recipient.address1);
    "상세주소" 30 |line| text(&line.order_row.order.recipient.address2);
    "시/도" 14 |line| text(line.region_names().0);
    "시/군/구" 14 |line| text(line.region_names().1);
    "배송방법" 15 |line| text(method(&line.order_row.order));
    "배송비" 9 |line| text(line.order_row.order.charge_type.label());
    "묶음배송번호" 21 |line| text(&line.order_row.bundle_number);
    "합배송수" 9 |line| Cell::Number(line.order_row.bundle_count);
    "주문일" 17 |line| at(&line.order_row.order, OrderState::Placed);
    "발송기한" 12 |line| Cell::Date(line.order_row.order.dispatch_deadline);
    "희망배송일" 12 |line| Cell::Date(line.order_row.order.preferred_shipping_date);
    "발주일" 17 |line| at(&line.order_row.order, OrderState::Purchased);
    "출고일" 17 |line| at(&line.order_row.order, OrderState::Dispatched);
    "배송일" 17 |line| at(&line.order_row.order, OrderState::Shipped);
    "확정일" 17 |line| at(&line.order_row.order, OrderState::Confirmed);
    "취소일" 17 |line| at(&line.order_row.order, OrderState::Cancelled);
    "반품일" 17 |line| at(&line.order_row.order, OrderState::Refunded);
    "택배사" 15 |line| text(&line.order_row.order.courier);
    "송장번호" 20 |line| text(&line.order_row.order.tracking_number);
    "고객메시지" 42 |line| text(&line.order_row.order.customer_message);
    "발주메모" 42 |line| text(&line.order_row.order.purchase_memo);
    "배송메모" 42 |line| text(&line.order_row.order.shipping_memo);
    "관리자메모" 42 |line| text(&line.order_row.order.admin_memo);
}

//! What an order says of itself, as labels and texts for documents.

use super::labels;
use super::list::OrderRow;
use super::model::OrderState;
use crate::text::grouped;

/// Label of the memo of the office, which documents for others leave out.
pub const ADMIN_MEMO: &str = "관리자메모";

/// Label and text of what the order has, without empty texts. Korean.
pub fn order_facts(row: &OrderRow) -> Vec<(&'static str, String)> {
    let order = &row.order;
    let options: Vec<String> = order.options.iter().map(|option| format!("{}: {}", option.key, option.value)).collect();
    let recipient = &order.recipient;
    let texts = [
        ("상품", format!("{} {}개", row.product_name, order.quantity)),
        ("옵션", options.join(" / ")),
        ("금액", format!("{}원", grouped(order.price))),
        ("판매채널", row.channel_name.clone()),
        ("구매자", order.customer.name.clone()),
        ("구매자연락처", order.customer.tel.clone()),
        ("수취인", recipient.name.clone()),
        ("수취인연락처1", recipient.tel1.clone()),
        ("수취인연락처2", recipient.tel2.clone()),
        ("주소", [recipient.zip_code.as_str(), &recipient.address1, &recipient.address2].join(" ").trim().to_owned()),
        ("고객메시지", order.customer_message.clone()),
        ("발주메모", order.purchase_memo.clone()),
        ("배송메모", order.shipping_memo.clone()),
        (ADMIN_MEMO, order.admin_memo.clone()),
        ("송장번호", [order.courier.as_str(), &order.tracking_number].join(" ").trim().to_owned()),
    ];
    let moments = OrderState::ALL.into_iter().filter_map(|state| {
        let at = order.moments.of(state)?;
        Some((labels::field_label(state_column(state)).unwrap_or(state.label()), at.to_string()))
    });
    texts.into_iter().filter(|(_, text)| !text.is_empty()).chain(moments).collect()
}

/// Column of the moment of a state.
const fn state_column(state: OrderState) -> &'static str {
    match state {
        OrderState::Placed => "placed_at",
        OrderState::Purchased => "purchased_at",
        OrderState::Dispatched => "dispatched_at",
        OrderState::Shipped => "shipped_at",
        OrderState::Confirmed => "confirmed_at",
        OrderState::Cancelled => "cancelled_at",
        OrderState::Refunded => "refunded_at",
    }
}

//! Rules of bundles: which orders may travel together, and how an edit affects the bundle.

mod summary;

pub use self::summary::{BundledOrder, DeliveryState, DeliverySummary};
use super::edit::Problem;
use super::model::{Order, OrderState, Recipient, ShippingMethod};
use crate::id::DeliveryId;
use crate::storage::text_limits;
use crate::text::coded;

/// Reason why an order may not join a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeConflict {
    /// the order is delivered
    Delivered,
    /// an order of the bundle is delivered
    BundleDelivered,
    /// different recipient or address
    Recipient,
    /// different 배송방법
    Method,
    /// different 배송비 형태
    Charge,
}

impl MergeConflict {
    /// Message in Korean.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Delivered => "이미 배송된 주문이라 묶음을 바꿀 수 없어요.",
            Self::BundleDelivered => "그 묶음에 이미 배송된 주문이 있어요.",
            Self::Recipient => "수취인이나 주소가 달라요.",
            Self::Method => "배송방법이 달라요.",
            Self::Charge => "배송비 형태가 달라요.",
        }
    }
}

/// Messages of several reasons.
pub fn messages(conflicts: &[MergeConflict]) -> String {
    conflicts.iter().map(|conflict| conflict.message()).collect::<Vec<_>>().join(" ")
}

/// Whether the goods were delivered, even if the order was cancelled or refunded afterwards.
pub fn was_delivered(order: &Order) -> bool {
    order.moments.of(OrderState::Shipped).is_some()
        || matches!(order.state, OrderState::Shipped | OrderState::Confirmed | OrderState::Refunded)
}

/// Whether both are the same person at the same address. Telephone numbers are ignored: channels assign a new
/// safe number to each order.
fn same_recipient(one: &Recipient, other: &Recipient) -> bool {
    let same_zip = one.zip_code == other.zip_code || one.zip_code.is_empty() || other.zip_code.is_empty();
    same_zip
        && visible_chars([&one.name, ""]).eq(visible_chars([&other.name, ""]))
        && visible_chars([&one.address1, &one.address2]).eq(visible_chars([&other.address1, &other.address2]))
}

/// Characters without white space: channels differ in spacing, and in where they split an address.
fn visible_chars(texts: [&str; 2]) -> impl Iterator<Item = char> {
    texts.into_iter().flat_map(str::chars).filter(|c| !c.is_whitespace())
}

/// Whether orders with these recipients and methods go to the same place in the same way. The one rule for
/// merging bundles and for the warning of an upload.
pub fn same_destination(
    (method, recipient): (ShippingMethod, &Recipient),
    (other_method, other_recipient): (ShippingMethod, &Recipient),
) -> bool {
    method == other_method && same_recipient(recipient, other_recipient)
}

/// Whether two orders of a delivery go to the courier as one parcel, with one tracking number.
pub fn is_one_parcel(order: &Order, other: &Order) -> bool {
    order.delivery_id == other.delivery_id && differences(order, other).next().is_none()
}

/// Differences of the destination that keep two orders apart.
fn differences(order: &Order, other: &Order) -> impl Iterator<Item = MergeConflict> {
    [
        (!same_recipient(&order.recipient, &other.recipient), MergeConflict::Recipient),
        (order.shipping_method != other.shipping_method, MergeConflict::Method),
        (order.charge_type != other.charge_type, MergeConflict::Charge),
    ]
    .into_iter()
    .filter_map(|(differs, conflict)| differs.then_some(conflict))
}

/// Orders that are not cancelled.
pub fn active(orders: &[Order]) -> impl Iterator<Item = &Order> {
    orders.iter().filter(|order| order.state != OrderState::Cancelled)
}

/// Reasons why `order` may not join the bundle of `others`. The destination of cancelled orders is ignored.
pub fn merge_conflicts(order: &Order, others: &[Order]) -> Vec<MergeConflict> {
    let mut found = Vec::new();
    if was_delivered(order) {
        found.push(MergeConflict::Delivered);
    }
    if others.iter().any(was_delivered) {
        found.push(MergeConflict::BundleDelivered);
    }
    for difference in active(others).flat_map(|other| differences(order, other)) {
        if !found.contains(&difference) {
            found.push(difference);
        }
    }
    found
}

coded! {
    /// Orders that a change of the destination applies to, if the order shares its bundle.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Scope {
        /// this order only; it leaves the bundle
        Alone = "alone",
        /// all orders of the bundle
        Bundle = "bundle",
    }
}

/// Effect of an edit on the bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BundleMove {
    /// the order stays in its bundle
    Stays,
    /// the order gets a bundle of its own
    Leaves,
    /// the order gets a bundle of its own with this number
    Founds(String),
    /// the order joins the bundle of that delivery
    Moves(DeliveryId),
    /// the order stays, and the others get its new destination
    MovesTogether,
}

/// Parses the typed number of a new bundle.
///
/// # Errors
/// A message in Korean: it is too long, or has other characters than letters, digits, `-`, `_`, `.` and `/`.
pub fn read_bundle_number(text: &str) -> Result<String, String> {
    let is_allowed = |letter: char| letter.is_alphanumeric() || "-_./".contains(letter);
    if text.chars().count() > text_limits::BUNDLE_NUMBER {
        return Err(format!("묶음배송번호는 {}자까지 입력할 수 있어요.", text_limits::BUNDLE_NUMBER));
    }
    if !text.chars().all(is_allowed) {
        return Err("묶음배송번호에는 글자와 숫자, - _ . / 만 쓸 수 있어요. 빈칸을 지워 주세요.".to_owned());
    }
    Ok(text.to_owned())
}

/// Decides the bundle of an edited order whose bundle number was not changed. `others` share its bundle.
///
/// # Errors
/// The scope is missing, or not possible.
pub fn bundle_move(
    before: &Order,
    after: &Order,
    others: &[Order],
    scope: Option<Scope>,
) -> Result<BundleMove, Problem> {
    let others: Vec<&Order> = active(others).collect();
    let unchanged = differences(before, after).next().is_none();
    let fits = others.iter().all(|other| differences(after, other).next().is_none());
    if others.is_empty() || unchanged || fits {
        return Ok(BundleMove::Stays);
    }
    match scope {
        None => Err(Problem::at(
            "scope",
            format!("함께 가는 주문이 {}건 있어요. 어느 주문을 바꿀지 선택해 주세요.", others.len()),
        )),
        Some(Scope::Alone) if was_delivered(after) => Err(Problem::at("scope", MergeConflict::Delivered.message())),
        Some(Scope::Alone) => Ok(BundleMove::Leaves),
        Some(Scope::Bundle) if others.iter().any(|other| was_delivered(other)) => {
            Err(Problem::at("scope", "이미 배송된 주문이 있어 묶음 전체를 바꿀 수 없어요."))
        }
        Some(Scope::Bundle)
            if before.shipping_method != after.shipping_method
                && after.shipping_method.is_without_courier()
                && others.iter().any(|other| !other.tracking_number.is_empty()) =>
        {
            Err(Problem::at("scope", "송장번호가 있는 주문이 있어 묶음 전체의 배송방법을 바꿀 수 없어요."))
        }
        Some(Scope::Bundle) => Ok(BundleMove::MovesTogether),
    }
}

/// Copies to `other` the fields of the destination that differ between `before` and `after`.
pub fn with_shared_fields(other: &Order, before: &Order, after: &Order) -> Order {
    fn apply_change<T: Clone + PartialEq>(was: &T, is: &T, other: &mut T) {
        if was != is {
            other.clone_from(is);
        }
    }
    let mut along = other.clone();
    let (was, is, to) = (&before.recipient, &after.recipient, &mut along.recipient);
    apply_change(&was.name, &is.name, &mut to.name);
    apply_change(&was.tel1, &is.tel1, &mut to.tel1);
    apply_change(&was.tel2, &is.tel2, &mut to.tel2);
    apply_change(&was.zip_code, &is.zip_code, &mut to.zip_code);
    apply_change(&was.address1, &is.address1, &mut to.address1);
    apply_change(&was.address2, &is.address2, &mut to.address2);
    apply_change(&before.sigungu_code, &after.sigungu_code, &mut along.sigungu_code);
    apply_change(&before.shipping_method, &after.shipping_method, &mut along.shipping_method);
    apply_change(&before.shipping_method_raw, &after.shipping_method_raw, &mut along.shipping_method_raw);
    apply_change(&before.charge_type, &after.charge_type, &mut along.charge_type);
    along
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::model::ChargeType;
    use crate::orders::model::tests::order;
    use crate::time::Moment;

    fn at(name: &str, address: &str) -> Order {
        let mut order = order(OrderState::Purchased);
        order.recipient.name = name.to_owned();
        order.recipient.address1 = address.to_owned();
        order
    }

    #[test]
    fn orders_with_the_same_destination_may_share_a_bundle() {
        let here = at("김견본", "경상북도 포항시 북구 예시로 12");
        let mut same = at("김 견본", "경상북도  포항시 북구 예시로 12 ");
        same.recipient.tel1 = "0504-0000-1010".to_owned();
        assert_eq!(merge_conflicts(&here, std::slice::from_ref(&same)), []);

        let mut other = at("이표본", "서울특별시 중구 예시대로 110");
        other.shipping_method = ShippingMethod::Parcel;
        other.charge_type = ChargeType::Cod;
        let all = [MergeConflict::Recipient, MergeConflict::Method, MergeConflict::Charge];
        assert_eq!(merge_conflicts(&here, &[same.clone(), other.clone()]), all, "all conflicts are reported at once");

        other.set_state(OrderState::Cancelled, Moment(9));
        assert_eq!(merge_conflicts(&here, &[other]), [], "the destination of a cancelled order is ignored");
        assert_eq!(merge_conflicts(&here, &[]), []);
    }

    #[test]
    fn cancelled_orders_do_not_require_a_scope() {
        let before = at("김견본", "예시로 12");
        let after = at("김견본", "예시로 34");
        let mut cancelled = before.clone();
        cancelled.set_state(OrderState::Cancelled, Moment(9));
        assert_eq!(bundle_move(&before, &after, std::slice::from_ref(&cancelled), None), Ok(BundleMove::Stays));
        assert!(bundle_move(&before, &after, &[cancelled, before.clone()], None).is_err());
    }

    #[test]
    fn delivered_orders_cannot_change_their_bundle() {
        let here = at("김견본", "예시로 12");
        for state in [OrderState::Shipped, OrderState::Confirmed, OrderState::Refunded] {
            let mut gone = here.clone();
            gone.set_state(state, Moment(9));
            assert_eq!(merge_conflicts(&gone, &[]), [MergeConflict::Delivered], "{state:?}");
            assert_eq!(merge_conflicts(&here, &[gone]), [MergeConflict::BundleDelivered], "{state:?}");
        }
        let mut cancelled_on_arrival = here.clone();
        cancelled_on_arrival.set_state(OrderState::Shipped, Moment(8));
        cancelled_on_arrival.set_state(OrderState::Cancelled, Moment(9));
        assert_eq!(merge_conflicts(&here, &[cancelled_on_arrival]), [MergeConflict::BundleDelivered]);
    }

    #[test]
    fn changed_address_in_a_bundle_requires_a_scope() {
        let before = at("김견본", "예시로 12");
        let after = at("김견본", "예시로 99");
        let others = [before.clone()];
        let asked = bundle_move(&before, &after, &others, None).expect_err("a question");
        assert_eq!(asked.field, "scope");
        assert_eq!(bundle_move(&before, &after, &others, Some(Scope::Alone)), Ok(BundleMove::Leaves));
        assert_eq!(bundle_move(&before, &after, &others, Some(Scope::Bundle)), Ok(BundleMove::MovesTogether));

        assert_eq!(bundle_move(&before, &after, &[], None), Ok(BundleMove::Stays), "the bundle has no other order");
        assert_eq!(bundle_move(&before, &before, &others, Some(Scope::Bundle)), Ok(BundleMove::Stays));
        assert_eq!(
            bundle_move(&after, &before, &others, None),
            Ok(BundleMove::Stays),
            "it has the destination of its bundle"
        );
    }

    #[test]
    fn delivered_bundle_keeps_its_address() {
        let before = at("김견본", "예시로 12");
        let after = at("김견본", "예시로 99");
        let mut gone = before.clone();
        gone.set_state(OrderState::Shipped, Moment(9));
        assert!(bundle_move(&before, &after, &[gone.clone()], Some(Scope::Bundle)).is_err());
        assert_eq!(bundle_move(&before, &after, &[gone.clone()], Some(Scope::Alone)), Ok(BundleMove::Leaves));
        let moved = Order { recipient: after.recipient.clone(), ..gone.clone() };
        assert!(bundle_move(&gone, &moved, &[before], Some(Scope::Alone)).is_err());
    }

    #[test]
    fn other_orders_get_the_changed_fields_only() {
        let before = at("김견본", "예시로 12");
        let mut after = at("김견본", "예시로 99");
        after.shipping_method = ShippingMethod::Parcel;
        let mut other = before.clone();
        other.recipient.tel1 = "0504-0000-1010".to_owned();
        other.charge_type = ChargeType::Free;
        let along = with_shared_fields(&other, &before, &after);
        assert_eq!((along.recipient.address1.as_str(), along.shipping_method), ("예시로 99", ShippingMethod::Parcel));
        assert_eq!((along.recipient.tel1.as_str(), along.charge_type), ("0504-0000-1010", ChargeType::Free));
    }
}

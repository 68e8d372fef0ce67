//! Which orders may travel together, and what becomes of a bundle when one of its orders changes.

mod summary;

pub use self::summary::{BundledOrder, DeliveryState, DeliverySummary};
use super::edit::Problem;
use super::model::{Order, OrderState, Recipient};

/// What keeps an order out of a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeConflict {
    /// the order itself was delivered
    Delivered,
    /// something of the bundle was delivered
    BundleDelivered,
    /// it goes to somebody or somewhere else
    Recipient,
    /// it travels otherwise
    Method,
    /// the transport is paid otherwise
    Charge,
}

impl MergeConflict {
    /// What is said of it.
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

/// The sentences of several obstacles.
pub fn messages(obstacles: &[MergeConflict]) -> String {
    obstacles.iter().map(|obstacle| obstacle.message()).collect::<Vec<_>>().join(" ")
}

/// Whether the goods were delivered, whatever became of them afterwards.
pub fn was_delivered(order: &Order) -> bool {
    order.moments.of(OrderState::Shipped).is_some()
        || matches!(order.state, OrderState::Shipped | OrderState::Confirmed | OrderState::Refunded)
}

/// Whether both go to the same person at the same place. Telephone numbers do not count: channels
/// give out another safe number with each order.
pub fn same_recipient(one: &Recipient, other: &Recipient) -> bool {
    let squeezed = |texts: [&str; 2]| texts.concat().split_whitespace().collect::<String>();
    let whole = |of: &Recipient| squeezed([&of.address1, &of.address2]);
    let same_zip = one.zip_code == other.zip_code || one.zip_code.is_empty() || other.zip_code.is_empty();
    squeezed([&one.name, ""]) == squeezed([&other.name, ""]) && same_zip && whole(one) == whole(other)
}

/// What an order would have to change to travel with another.
fn differences(order: &Order, other: &Order) -> impl Iterator<Item = MergeConflict> {
    [
        (!same_recipient(&order.recipient, &other.recipient), MergeConflict::Recipient),
        (order.shipping_method != other.shipping_method, MergeConflict::Method),
        (order.charge_type != other.charge_type, MergeConflict::Charge),
    ]
    .into_iter()
    .filter_map(|(differs, obstacle)| differs.then_some(obstacle))
}

/// Orders that still travel: a cancelled one goes nowhere.
pub fn active(orders: &[Order]) -> impl Iterator<Item = &Order> {
    orders.iter().filter(|order| order.state != OrderState::Cancelled)
}

/// Everything that keeps `order` out of the bundle that holds `others`. Cancelled orders go nowhere,
/// so their destination does not count.
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

/// Whose destination a change is for, where an order shares its bundle with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// this order, which leaves its bundle for it
    Alone,
    /// all orders of the bundle
    Bundle,
}

impl Scope {
    /// The scope of that word in a form.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "alone" => Some(Self::Alone),
            "bundle" => Some(Self::Bundle),
            _ => None,
        }
    }
}

/// What becomes of the bundle when an order is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BundleMove {
    /// the order stays where it is
    Stays,
    /// it leaves for a bundle of its own
    Leaves,
    /// it moves to the bundle of that delivery
    Moves(i64),
    /// it stays, and the others get its new destination too
    MovesTogether,
}

/// Where an edited order travels when its bundle number is left alone. `others` share its bundle.
///
/// # Errors
/// The question whose destination is meant, or why the answer to it cannot be.
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
            format!("함께 가는 주문이 {}건 있어요. 어느 주문을 바꿀지 골라 주세요.", others.len()),
        )),
        Some(Scope::Alone) if was_delivered(after) => Err(Problem::at("scope", MergeConflict::Delivered.message())),
        Some(Scope::Alone) => Ok(BundleMove::Leaves),
        Some(Scope::Bundle) if others.iter().any(|other| was_delivered(other)) => {
            Err(Problem::at("scope", "이미 배송된 주문이 있어 묶음 전체를 바꿀 수 없어요."))
        }
        Some(Scope::Bundle) => Ok(BundleMove::MovesTogether),
    }
}

/// `other` with what was changed of the destination between `before` and `after`.
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
    apply_change(&before.sigungu, &after.sigungu, &mut along.sigungu);
    apply_change(&before.shipping_method, &after.shipping_method, &mut along.shipping_method);
    apply_change(&before.shipping_method_word, &after.shipping_method_word, &mut along.shipping_method_word);
    apply_change(&before.charge_type, &after.charge_type, &mut along.charge_type);
    along
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::model::tests::order;
    use crate::orders::model::{ChargeType, ShippingMethod};
    use crate::time::Moment;

    fn at(name: &str, address: &str) -> Order {
        let mut order = order(OrderState::Purchased);
        order.recipient.name = name.to_owned();
        order.recipient.address1 = address.to_owned();
        order
    }

    #[test]
    fn orders_travel_together_when_they_go_the_same_way_to_the_same_place() {
        let here = at("김견본", "경상북도 포항시 북구 예시로 12");
        let mut same = at("김 견본", "경상북도  포항시 북구 예시로 12 ");
        same.recipient.tel1 = "0504-0000-1010".to_owned();
        assert_eq!(merge_conflicts(&here, std::slice::from_ref(&same)), []);

        let mut other = at("이표본", "서울특별시 중구 예시대로 110");
        other.shipping_method = ShippingMethod::Parcel;
        other.charge_type = ChargeType::Cod;
        let all = [MergeConflict::Recipient, MergeConflict::Method, MergeConflict::Charge];
        assert_eq!(merge_conflicts(&here, &[same.clone(), other.clone()]), all, "everything is told at once");

        other.set_state(OrderState::Cancelled, Moment(9));
        assert_eq!(merge_conflicts(&here, &[other]), [], "a cancelled order goes nowhere");
        assert_eq!(merge_conflicts(&here, &[]), []);
    }

    #[test]
    fn a_cancelled_companion_is_not_asked_about() {
        let before = at("김견본", "예시로 12");
        let after = at("김견본", "예시로 34");
        let mut cancelled = before.clone();
        cancelled.set_state(OrderState::Cancelled, Moment(9));
        assert_eq!(bundle_move(&before, &after, std::slice::from_ref(&cancelled), None), Ok(BundleMove::Stays));
        assert!(bundle_move(&before, &after, &[cancelled, before.clone()], None).is_err());
    }

    #[test]
    fn what_was_delivered_is_not_bundled_anew() {
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
    fn a_changed_address_asks_whose_it_is() {
        let before = at("김견본", "예시로 12");
        let after = at("김견본", "예시로 99");
        let others = [before.clone()];
        let asked = bundle_move(&before, &after, &others, None).expect_err("a question");
        assert_eq!(asked.field, "scope");
        assert_eq!(bundle_move(&before, &after, &others, Some(Scope::Alone)), Ok(BundleMove::Leaves));
        assert_eq!(bundle_move(&before, &after, &others, Some(Scope::Bundle)), Ok(BundleMove::MovesTogether));

        assert_eq!(bundle_move(&before, &after, &[], None), Ok(BundleMove::Stays), "nobody else is concerned");
        assert_eq!(bundle_move(&before, &before, &others, Some(Scope::Bundle)), Ok(BundleMove::Stays));
        assert_eq!(bundle_move(&after, &before, &others, None), Ok(BundleMove::Stays), "it comes to fit its bundle");
    }

    #[test]
    fn a_delivered_bundle_keeps_its_address() {
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
    fn the_others_get_what_changed_and_keep_the_rest() {
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

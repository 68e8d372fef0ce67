//! Tracking numbers that a list gives to orders of different people: one of them has the wrong number.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::RowPlan;
use crate::id::{ChannelId, OrderId};
use crate::orders::model::{Order, OrderState, PARCEL_SEPARATOR, parcels};
use crate::orders::store as orders;
use crate::storage::text_limits;
use crate::storage::{Result, Tx};
use crate::text::fold_word;
use crate::uploads::check::{CheckedRow, Reason, RowCheck, TrackingRow};
use crate::uploads::model::RowOutcome;

/// The tracking numbers of a list that belong to orders of different people, in the list or in the shop.
#[derive(Debug, Default)]
pub(super) struct SharedNumbers(HashMap<String, Vec<Order>>);

impl SharedNumbers {
    /// Finds them. Reads only orders whose number occurs more than once.
    pub(super) fn find(tx: &mut dyn Tx, channel: Option<ChannelId>, rows: &[CheckedRow<TrackingRow>]) -> Result<Self> {
        let mut keys: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for row in rows {
            if let RowCheck::Valid(content, _) = &row.outcome {
                for number in parcels(&content.tracking_number) {
                    keys.entry(number).or_default().insert(&content.order_number);
                }
            }
        }
        let numbers: Vec<&str> = keys.keys().copied().collect();
        let holders = orders::ids_by_tracking_number(tx, &numbers)?;
        keys.retain(|number, keys| keys.len() > 1 || holders.contains_key(*number));
        let order_numbers: Vec<&str> = keys.values().flatten().copied().collect();
        let by_key = orders::ids_by_number(tx, channel, &order_numbers)?;
        let ids_of = |number: &str, keys: &BTreeSet<&str>| -> BTreeSet<OrderId> {
            let named = keys.iter().filter_map(|key| by_key.get(*key)).flatten();
            named.chain(holders.get(number).into_iter().flatten()).copied().collect()
        };
        let ids: BTreeSet<OrderId> = keys.iter().flat_map(|(number, keys)| ids_of(number, keys)).collect();
        let found: HashMap<OrderId, Order> = orders::find(tx, &ids.into_iter().collect::<Vec<_>>())?
            .into_iter()
            .map(|order| (order.id, order))
            .collect();
        let mut shared = HashMap::new();
        for (number, keys) in &keys {
            let orders: Vec<&Order> = ids_of(number, keys).iter().filter_map(|id| found.get(id)).collect();
            if orders.iter().skip(1).any(|order| !is_same_parcel(orders[0], order)) {
                shared.insert((*number).to_owned(), orders.into_iter().cloned().collect());
            }
        }
        Ok(Self(shared))
    }

    /// The conflict of a row whose number another person's order has too; none if the row changes nothing, or if
    /// another conflict comes first.
    pub(super) fn conflict(&self, order: &Order, row: &TrackingRow) -> Option<RowPlan> {
        let others = parcels(&row.tracking_number).filter_map(|number| self.0.get(number)).flatten();
        let other = others.into_iter().find(|other| !is_same_parcel(order, other))?;
        let is_settled = matches!(order.state, OrderState::Cancelled | OrderState::Refunded);
        if is_settled || !order.tracking_number.is_empty() || order.is_held_from(OrderState::Shipped) {
            return None;
        }
        let message = format!(
            "같은 송장번호가 다른 수취인({})의 주문 {}에도 있어요. 맞는 번호인지 정해 주세요",
            other.recipient.name, other.order_number
        );
        let reason = Reason { column: "송장번호".to_owned(), value: row.tracking_number.clone(), message };
        Some(RowPlan::conflict(reason, row.change()))
    }
}

/// Adds the number of another parcel to an order whose number the row before has set; none if the order has it already,
/// or has too many.
pub(super) fn add_parcel(order: &mut Order, row: &TrackingRow) -> Option<RowPlan> {
    if has_parcels(order, row) {
        return None;
    }
    let joined = [order.tracking_number.as_str(), &row.tracking_number].join(PARCEL_SEPARATOR);
    if joined.len() > text_limits::TRACKING_NUMBER {
        return None;
    }
    order.tracking_number.clone_from(&joined);
    let message = "한 주문의 송장번호가 여럿이라 모두 등록했어요. 판매채널에는 첫 번째를 보내요".to_owned();
    let warning = Reason { column: "송장번호".to_owned(), value: joined, message };
    Some(RowPlan::new(RowOutcome::Updated, vec![warning]))
}

/// Whether the order has all tracking numbers of a row.
pub(super) fn has_parcels(order: &Order, row: &TrackingRow) -> bool {
    parcels(&row.tracking_number).all(|number| parcels(&order.tracking_number).any(|known| known == number))
}

/// Whether two orders may be in one parcel: they are bundled, or for the same person at the same place.
fn is_same_parcel(one: &Order, other: &Order) -> bool {
    let (a, b) = (&one.recipient, &other.recipient);
    let is_same = |one: &str, other: &str| fold_word(one) == fold_word(other);
    one.id == other.id
        || one.delivery_id == other.delivery_id
        || (is_same(&a.name, &b.name) && (a.tel1 == b.tel1 || is_same(&a.address1, &b.address1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::DeliveryId;
    use crate::orders::model::tests::order;

    #[test]
    fn parcel_is_one_persons() {
        let one = order(OrderState::Purchased);
        let mut other = Order { id: OrderId::from_raw(8), delivery_id: DeliveryId::from_raw(8), ..one.clone() };
        assert!(is_same_parcel(&one, &other), "the same person orders twice");
        other.recipient.name = "다른 사람".to_owned();
        assert!(!is_same_parcel(&one, &other));
        other.delivery_id = one.delivery_id;
        assert!(is_same_parcel(&one, &other), "bundled");
    }
}

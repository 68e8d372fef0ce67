//! The parcel of a delivery: courier and tracking number, entered once for all its orders.

use crate::audit::{AuditEvent, MemberActor, NumberList, RecordedEvent};
use crate::id::DeliveryId;
use crate::orders::bulk_action;
use crate::orders::edit::{Problem, RowForm, apply_row_form};
use crate::orders::model::{Order, OrderState, ShippingMethod};
use crate::orders::store::{Action, bundles};
use crate::storage::{Result, Tx};

/// Courier and tracking number that all parcels of a delivery share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parcel {
    /// 택배사
    pub courier: String,
    /// 송장번호
    pub number: String,
}

impl Parcel {
    /// The parcel of these orders of a delivery; none if none goes by courier, or each has its own.
    pub fn of<'o>(orders: impl Iterator<Item = &'o Order>) -> Option<Self> {
        let mut parcels = orders
            .filter(|order| is_sent(order))
            .map(|order| Self { courier: order.courier.clone(), number: order.tracking_number.clone() });
        let first = parcels.next()?;
        parcels.all(|other| other == first).then_some(first)
    }
}

/// Whether the order goes into the parcel.
fn is_sent(order: &Order) -> bool {
    order.shipping_method == ShippingMethod::Parcel && order.state < OrderState::Cancelled
}

/// Enters the parcel for all orders of the delivery, and records it as an action that can be undone.
///
/// # Errors
/// In the inner result: what is wrong with the form. Nothing is changed then.
pub fn set(
    tx: &mut dyn Tx,
    actor: MemberActor,
    delivery_id: DeliveryId,
    was: &Parcel,
    is: &Parcel,
) -> Result<std::result::Result<RecordedEvent, Vec<Problem>>> {
    let orders = bundles::orders_of(tx, delivery_id)?;
    if Parcel::of(orders.iter()).as_ref() != Some(was) {
        let message = "그 사이 다른 사람이 송장을 바꿨어요. 확인하고 다시 저장해 주세요.";
        return Ok(Err(vec![Problem::at("tracking_number", message)]));
    }
    let (now, mut pairs) = (tx.now(), Vec::new());
    let (mut changed, mut unchanged) = (NumberList::default(), NumberList::default());
    for order in orders.into_iter().filter(is_sent) {
        let mut form = RowForm { version: order.version, ..RowForm::default() };
        form.set("courier", is.courier.clone());
        form.set("tracking_number", is.number.clone());
        match apply_row_form(&order, &form, now) {
            Err(problems) => return Ok(Err(problems)),
            Ok(after) if after == order => unchanged.push(order.order_number),
            Ok(after) => {
                changed.push(order.order_number.as_str());
                pairs.push((order, after));
            }
        }
    }
    let event = AuditEvent::OrdersEdited { changed, unchanged, rejected: 0 };
    bulk_action::save(tx, actor, Action::Edited, pairs, event).map(Ok)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::model::tests::order;

    fn parcel(courier: &str, number: &str) -> Parcel {
        Parcel { courier: courier.to_owned(), number: number.to_owned() }
    }

    fn sent(state: OrderState, number: &str) -> Order {
        let (shipping_method, courier) = (ShippingMethod::Parcel, "로젠택배".to_owned());
        Order { shipping_method, courier, tracking_number: number.to_owned(), ..order(state) }
    }

    #[test]
    fn orders_of_a_delivery_share_a_parcel_unless_each_has_its_own() {
        let [one, two] = [sent(OrderState::Dispatched, "1"), sent(OrderState::Shipped, "2")];
        let direct = order(OrderState::Placed);
        let cancelled = sent(OrderState::Cancelled, "3");
        assert_eq!(Parcel::of([&one, &direct, &cancelled].into_iter()), Some(parcel("로젠택배", "1")));
        assert_eq!(Parcel::of([&one, &two].into_iter()), None);
        assert_eq!(Parcel::of([&direct, &cancelled].into_iter()), None);
    }
}

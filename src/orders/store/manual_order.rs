//! Creates manual orders.

use super::create::{self, bundles, findings};
use super::{Action, ChangeContext, bundles as orders_in_bundles, deliveries};
use crate::audit::MemberActor;
use crate::districts::Districts;
use crate::orders::manual_order::{CHANNEL, Catalogue, ManualOrder};
use crate::orders::model::{NewOrder, Order};
use crate::products::store as products;
use crate::storage::{Result, Tx};

/// Products with these numbers and their variants.
pub fn catalogue<'a>(tx: &mut dyn Tx, numbers: impl IntoIterator<Item = &'a str>) -> Result<Catalogue> {
    products::by_number(tx, numbers)?
        .into_iter()
        .map(|(number, product)| {
            let variants = products::variants(tx, product.id)?;
            Ok((number, (product, variants)))
        })
        .collect()
}

/// Result of creating manual orders.
#[derive(Debug)]
pub enum ManualOrderOutcome {
    /// the orders were created
    Created(Vec<Order>),
    /// the orders exist already: the form was submitted twice
    AlreadyCreated(Vec<Order>),
    /// the bundle number is used by other orders; nothing was created
    BundleInUse(Vec<Order>),
}

/// Creates the orders in a bundle with that number, unless the number is in use. Idempotent: a form that is
/// submitted again creates nothing.
pub fn create(
    tx: &mut dyn Tx,
    actor: MemberActor,
    orders_in_form: &[ManualOrder],
    bundle_number: &str,
    districts: &Districts,
) -> Result<ManualOrderOutcome> {
    if let Some(delivery_id) = deliveries::find_by_bundle_number(tx, bundle_number)? {
        let orders = orders_in_bundles::orders_of(tx, delivery_id)?;
        return Ok(if are_same_orders(tx, &orders, orders_in_form)? {
            ManualOrderOutcome::AlreadyCreated(orders)
        } else {
            ManualOrderOutcome::BundleInUse(orders)
        });
    }
    let new: Vec<NewOrder> = orders_in_form
        .iter()
        .map(|manual| NewOrder {
            order_number: tx.new_code(),
            bundle_number: bundle_number.to_owned(),
            ..manual.new.clone()
        })
        .collect();
    let new: Vec<&NewOrder> = new.iter().collect();
    let memos = |order: &mut Order| {
        let place = new.iter().position(|new| new.order_number == order.order_number);
        if let Some(manual) = place.and_then(|place| orders_in_form.get(place)) {
            order.purchase_memo.clone_from(&manual.purchase_memo);
            order.shipping_memo.clone_from(&manual.shipping_memo);
            order.admin_memo.clone_from(&manual.admin_memo);
        }
    };
    let context = ChangeContext { actor: actor.into(), upload_id: None, action: Action::Created };
    let (findings, bundles) = (findings(tx, &new)?, bundles(tx, CHANNEL.0, &new)?.bundles);
    create::create(tx, context, CHANNEL, &bundles, &findings, districts, &memos)?;
    let delivery_id = deliveries::find_by_bundle_number(tx, bundle_number)?.unwrap_or_default();
    Ok(ManualOrderOutcome::Created(orders_in_bundles::orders_of(tx, delivery_id)?))
}

/// Whether `orders` are exactly those of the form.
fn are_same_orders(tx: &mut dyn Tx, orders: &[Order], orders_in_form: &[ManualOrder]) -> Result<bool> {
    let products = products::by_number(tx, orders_in_form.iter().map(|manual| manual.new.product_number.as_str()))?;
    let is = |order: &Order, manual: &ManualOrder| {
        let new = &manual.new;
        products.get(&new.product_number).is_some_and(|product| product.id == order.product_id)
            && (&order.options, order.quantity, order.price) == (&new.options, new.quantity, new.price)
            && (&order.customer, &order.recipient) == (&new.customer, &new.recipient)
            && (order.shipping_method, order.charge_type) == (new.shipping_method, new.charge_type)
            && order.dispatch_deadline == new.dispatch_deadline
            && order.preferred_shipping_date == new.preferred_shipping_date
            && [&order.customer_message, &order.purchase_memo, &order.shipping_memo, &order.admin_memo]
                == [&new.customer_message, &manual.purchase_memo, &manual.shipping_memo, &manual.admin_memo]
    };
    Ok(orders.len() == orders_in_form.len()
        && orders_in_form.iter().all(|manual| orders.iter().any(|order| is(order, manual))))
}

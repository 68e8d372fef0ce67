//! Putting an order taken in the shop among the others.

use super::{Action, Cause, bundles as deliveries};
use crate::districts::Districts;
use crate::orders::counter::{CHANNEL, Catalogue, Taken};
use crate::orders::model::{NewOrder, Order};
use crate::products::store as products;
use crate::storage::{Result, Tx, crockford};
use crate::uploads::apply::create;
use crate::uploads::bundles::bundles;
use crate::uploads::plan::findings;

/// The products of these numbers with their variants.
pub fn catalogue<'a>(tx: &mut dyn Tx, numbers: impl IntoIterator<Item = &'a str>) -> Result<Catalogue> {
    products::by_number(tx, numbers)?
        .into_iter()
        .map(|(number, product)| {
            let variants = products::variants(tx, product.id)?;
            Ok((number, (product, variants)))
        })
        .collect()
}

/// Makes these orders, together in the bundle of that number. A number that is in use already means
/// that the form was sent twice: nothing is made then, and the answer is the orders of the first
/// time, with false.
pub fn take(
    tx: &mut dyn Tx,
    member_id: i64,
    taken: &[Taken],
    bundle_number: &str,
    districts: &Districts,
) -> Result<(Vec<Order>, bool)> {
    if let Some(delivery_id) = deliveries::by_number(tx, bundle_number)? {
        return Ok((deliveries::orders_of(tx, delivery_id)?, false));
    }
    let new: Vec<NewOrder> = taken
        .iter()
        .map(|taken| NewOrder {
            order_number: crockford(tx.new_id()),
            bundle_number: bundle_number.to_owned(),
            ..taken.new.clone()
        })
        .collect();
    let new: Vec<&NewOrder> = new.iter().collect();
    let memos = |order: &mut Order| {
        let place = new.iter().position(|new| new.order_number == order.order_number);
        if let Some(taken) = place.and_then(|place| taken.get(place)) {
            order.purchase_memo.clone_from(&taken.purchase_memo);
            order.shipping_memo.clone_from(&taken.shipping_memo);
            order.admin_memo.clone_from(&taken.admin_memo);
        }
    };
    let cause = Cause { member_id: Some(member_id), upload_id: None, action: Action::Created };
    let (findings, bundles) = (findings(tx, &new)?, bundles(tx, &new)?.bundles);
    create(tx, cause, CHANNEL, &bundles, &findings, districts, &memos)?;
    let delivery_id = deliveries::by_number(tx, bundle_number)?.unwrap_or_default();
    Ok((deliveries::orders_of(tx, delivery_id)?, true))
}

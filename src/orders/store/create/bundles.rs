//! Assigns new orders to bundles, by bundle number and channel.
//!
//! Bundle numbers are unique over all channels. If another channel uses a number already, the code of the
//! channel is appended: `3100000001-COUPANG`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::id::DeliveryId;
use crate::orders::bundle::same_destination;
use crate::orders::model::{NewOrder, Recipient, ShippingMethod};
use crate::storage::{Param, Result, Tx, text_limits};

/// New orders of one delivery.
#[derive(Debug)]
pub struct Bundle<'f> {
    /// 묶음배송번호
    pub number: String,
    /// the delivery, existing or new
    pub delivery_id: DeliveryId,
    /// whether the delivery exists
    pub exists: bool,
    /// its new orders
    pub orders: Vec<&'f NewOrder>,
    destination: Destination<'f>,
}

/// Destination of a bundle; equal by the rule of [`same_destination`].
#[derive(Clone, Debug)]
struct Destination<'f> {
    method: ShippingMethod,
    recipient: Cow<'f, Recipient>,
}

impl PartialEq for Destination<'_> {
    fn eq(&self, other: &Self) -> bool {
        same_destination((self.method, &self.recipient), (other.method, &other.recipient))
    }
}

/// New orders in bundles.
#[derive(Debug, Default)]
pub struct Bundles<'f> {
    /// existing and new bundles
    pub bundles: Vec<Bundle<'f>>,
    /// positions of orders whose destination differs from that of their bundle: the channel's number is kept,
    /// with a warning
    pub mismatched: Vec<usize>,
}

/// Assigns new orders of one channel to bundles by bundle number; an order without one gets its own.
pub fn bundles<'f>(tx: &mut dyn Tx, channel: &str, create: &[&'f NewOrder]) -> Result<Bundles<'f>> {
    let mut sorted = Bundles::default();
    let mut positions: BTreeMap<Cow<'f, str>, usize> = BTreeMap::new();
    let mut existing = existing(tx, channel, create)?;
    for (index, &new) in create.iter().enumerate() {
        let destination = Destination { method: new.shipping_method, recipient: Cow::Borrowed(&new.recipient) };
        let number = number(&existing, channel, new);
        let position = number.as_ref().and_then(|number| positions.get(number)).copied().unwrap_or_else(|| {
            let stored = number.as_ref().and_then(|number| existing.remove(&**number));
            let exists = stored.is_some();
            let (delivery_id, stored_destination) =
                stored.map_or_else(|| (tx.new_id(), None), |bundle| (bundle.delivery_id, bundle.destination));
            sorted.bundles.push(Bundle {
                number: number.as_deref().map_or_else(|| delivery_id.to_string(), str::to_owned),
                delivery_id,
                exists,
                orders: Vec::new(),
                destination: stored_destination.unwrap_or_else(|| destination.clone()),
            });
            let position = sorted.bundles.len() - 1;
            positions.extend(number.map(|number| (number, position)));
            position
        });
        let bundle = &mut sorted.bundles[position];
        if bundle.destination != destination {
            sorted.mismatched.push(index);
        }
        bundle.orders.push(new);
    }
    Ok(sorted)
}

/// Existing delivery.
struct ExistingBundle {
    delivery_id: DeliveryId,
    /// it has orders, but none of this channel
    is_of_other_channel: bool,
    /// destination of its primary order, if any
    destination: Option<Destination<'static>>,
}

/// Existing deliveries by bundle number.
type ExistingBundles = BTreeMap<String, ExistingBundle>;

/// Bundle number of the order's delivery; none if it gets its own.
fn number<'f>(existing: &ExistingBundles, channel: &str, new: &'f NewOrder) -> Option<Cow<'f, str>> {
    let is_taken = |number: &str| existing.get(number).is_some_and(|bundle| bundle.is_of_other_channel);
    let own = new.bundle_number.as_str();
    if !is_taken(own) {
        return Some(own.into()).filter(|_| !own.is_empty());
    }
    Some(qualified(own, channel)).filter(|number| !is_taken(number)).map(Cow::Owned)
}

/// The number of a bundle whose own number another channel has.
fn qualified(number: &str, channel: &str) -> String {
    let ending = format!("-{channel}");
    let room = text_limits::BUNDLE_NUMBER.saturating_sub(ending.chars().count());
    number.chars().take(room).chain(ending.chars()).collect()
}

fn existing(tx: &mut dyn Tx, channel: &str, create: &[&NewOrder]) -> Result<ExistingBundles> {
    let mut numbers: Vec<&str> =
        create.iter().map(|order| order.bundle_number.as_str()).filter(|number| !number.is_empty()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let mut existing = ExistingBundles::new();
    find(tx, channel, &numbers, &mut existing)?;
    let taken =
        numbers.into_iter().filter(|number| existing.get(*number).is_some_and(|bundle| bundle.is_of_other_channel));
    let qualified: Vec<String> = taken.map(|number| qualified(number, channel)).collect();
    find(tx, channel, &qualified.iter().map(String::as_str).collect::<Vec<_>>(), &mut existing)?;
    Ok(existing)
}

fn find(tx: &mut dyn Tx, channel: &str, numbers: &[&str], existing: &mut ExistingBundles) -> Result<()> {
    let (by_id, by_channel) = (tx.primary_key_hint("orders"), tx.primary_key_hint("sales_channels"));
    let by_delivery = tx.index_hint("orders_by_delivery");
    let sql = |numbers: &str| {
        format!(
            "SELECT d.bundle_number, d.id, o.shipping_method, o.recipient_name, o.recipient_zip_code, \
             o.recipient_address1, o.recipient_address2, (SELECT count(*) FROM orders s {by_delivery} \
             CROSS JOIN sales_channels c {by_channel} ON c.id = s.channel_id WHERE s.delivery_id = d.id AND c.code = ?) \
             FROM deliveries d LEFT JOIN orders o {by_id} ON o.id = d.primary_order_id \
             WHERE d.bundle_number IN ({numbers})"
        )
    };
    let numbers: Vec<Param<'_>> = numbers.iter().map(|number| (*number).into()).collect();
    tx.for_values(&numbers, &[channel.into()], sql, &mut |mut row| {
        let destination = match row.opt_text(2)?.and_then(|code| ShippingMethod::from_code(&code)) {
            None => None,
            Some(method) => {
                let recipient = Recipient {
                    name: row.text(3)?,
                    zip_code: row.text(4)?,
                    address1: row.text(5)?,
                    address2: row.text(6)?,
                    ..Recipient::default()
                };
                Some(Destination { method, recipient: Cow::Owned(recipient) })
            }
        };
        let bundle = ExistingBundle {
            delivery_id: row.id(1)?,
            is_of_other_channel: destination.is_some() && row.int(7)? == 0,
            destination,
        };
        existing.insert(row.text(0)?, bundle);
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::bundle::merge_conflicts;
    use crate::orders::testing::{Shop, all_orders, new_order};

    #[test]
    fn upload_warns_exactly_where_the_page_would_not_merge() {
        let mut first = new_order("1");
        first.bundle_number = "B1".to_owned();
        first.recipient.zip_code = "37683".to_owned();
        first.recipient.address1 = "경상북도 포항시 북구 예시로 12".to_owned();
        first.recipient.address2 = "101호".to_owned();
        let mut same = NewOrder { order_number: "2".to_owned(), ..first.clone() };
        same.recipient.name = format!(" {} ", first.recipient.name);
        same.recipient.zip_code = String::new();
        same.recipient.address1 = "경상북도  포항시 북구 예시로 12 101호".to_owned();
        same.recipient.address2 = String::new();
        let mut other = NewOrder { order_number: "3".to_owned(), ..first.clone() };
        other.recipient.address2 = "102호".to_owned();
        let result = Shop::open().write(move |tx, files| {
            let mismatched = bundles(tx, "SMART_STORE", &[&first, &same, &other])?.mismatched;
            files.order(tx, "SMART_STORE", vec![first.clone(), same.clone(), other.clone()])?;
            let orders = all_orders(tx)?;
            let by_number = |number: &str| orders.iter().find(|order| order.order_number == number).expect("an order");
            let conflicts =
                ["2", "3"].map(|number| merge_conflicts(by_number(number), &[by_number("1").clone()]).len());
            Ok((mismatched, conflicts))
        });
        assert_eq!(result.expect("plans"), (vec![2], [0, 1]));
    }
}

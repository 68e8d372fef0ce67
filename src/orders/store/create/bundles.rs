//! Which new orders travel together: those of one bundle number and channel.
//!
//! Deliveries are told apart by their numbers. Where another channel's orders have a number already, the
//! channel's code is put behind it: `3100000001-COUPANG`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::id::crockford;
use crate::orders::model::{NewOrder, Recipient, ShippingMethod};
use crate::storage::{Param, Result, Tx, placeholders, text_limits};

/// Orders that go into one delivery.
#[derive(Debug)]
pub struct Bundle<'f> {
    /// 묶음배송번호
    pub number: String,
    /// the delivery, existing or to be made
    pub delivery_id: i64,
    /// the delivery is there already
    pub exists: bool,
    /// its new orders
    pub orders: Vec<&'f NewOrder>,
    goes_to: Destination<'f>,
}

/// Where a bundle goes and how.
#[derive(Clone, Debug)]
struct Destination<'f> {
    method: ShippingMethod,
    name: Cow<'f, str>,
    zip_code: Cow<'f, str>,
    address: [Cow<'f, str>; 2],
}

impl<'f> Destination<'f> {
    fn of(method: ShippingMethod, recipient: &'f Recipient) -> Self {
        Self {
            method,
            name: (&recipient.name).into(),
            zip_code: (&recipient.zip_code).into(),
            address: [(&recipient.address1).into(), (&recipient.address2).into()],
        }
    }

    /// The address on one line: channels differ in where they cut it.
    fn address(&self) -> impl Iterator<Item = u8> {
        let [first, second] = &self.address;
        first.bytes().chain([b' ']).chain(second.bytes())
    }
}

impl PartialEq for Destination<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.method, &self.name, &self.zip_code) == (other.method, &other.name, &other.zip_code)
            && self.address().eq(other.address())
    }
}

/// OrderInsert orders in bundles.
#[derive(Debug, Default)]
pub struct Bundles<'f> {
    /// those that exist and new ones
    pub bundles: Vec<Bundle<'f>>,
    /// places of the orders that go elsewhere, or otherwise, than the first of their bundle: the
    /// channel's number is believed, but somebody should look
    pub mismatched: Vec<usize>,
}

/// Sorts new orders of one channel into bundles by its numbers; an order without one travels alone.
pub fn bundles<'f>(tx: &mut dyn Tx, channel: &str, create: &[&'f NewOrder]) -> Result<Bundles<'f>> {
    let mut sorted = Bundles::default();
    let mut places: BTreeMap<Cow<'f, str>, usize> = BTreeMap::new();
    let mut existing = existing(tx, channel, create)?;
    for (index, &new) in create.iter().enumerate() {
        let goes_to = Destination::of(new.shipping_method, &new.recipient);
        let number = number(&existing, channel, new);
        let place = number.as_ref().and_then(|number| places.get(number)).copied().unwrap_or_else(|| {
            let known = number.as_ref().and_then(|number| existing.remove(&**number));
            let exists = known.is_some();
            let (delivery_id, there) =
                known.map_or_else(|| (tx.new_id(), None), |there| (there.delivery_id, there.goes_to));
            sorted.bundles.push(Bundle {
                number: number.as_deref().map_or_else(|| crockford(delivery_id), str::to_owned),
                delivery_id,
                exists,
                orders: Vec::new(),
                goes_to: there.unwrap_or_else(|| goes_to.clone()),
            });
            let place = sorted.bundles.len() - 1;
            places.extend(number.map(|number| (number, place)));
            place
        });
        let bundle = &mut sorted.bundles[place];
        if bundle.goes_to != goes_to {
            sorted.mismatched.push(index);
        }
        bundle.orders.push(new);
    }
    Ok(sorted)
}

/// A delivery that is there.
struct ExistingBundle {
    delivery_id: i64,
    /// it holds orders, and none of this channel
    is_of_other_channel: bool,
    /// where it goes when it holds an order
    goes_to: Option<Destination<'static>>,
}

/// Bundle number → delivery.
type ExistingBundles = BTreeMap<String, ExistingBundle>;

/// The number of the delivery of an order; none when it gets one of its own.
fn number<'f>(existing: &ExistingBundles, channel: &str, new: &'f NewOrder) -> Option<Cow<'f, str>> {
    let is_taken = |number: &str| existing.get(number).is_some_and(|there| there.is_of_other_channel);
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
        numbers.into_iter().filter(|number| existing.get(*number).is_some_and(|there| there.is_of_other_channel));
    let qualified: Vec<String> = taken.map(|number| qualified(number, channel)).collect();
    find(tx, channel, &qualified.iter().map(String::as_str).collect::<Vec<_>>(), &mut existing)?;
    Ok(existing)
}

fn find(tx: &mut dyn Tx, channel: &str, numbers: &[&str], existing: &mut ExistingBundles) -> Result<()> {
    for some in numbers.chunks(200) {
        let sql = format!(
            "SELECT d.bundle_number, d.id, o.shipping_method, o.recipient_name, o.recipient_zip_code, \
             o.recipient_address1, o.recipient_address2, (SELECT count(*) FROM orders s \
             JOIN sales_channels c ON c.id = s.channel_id WHERE s.delivery_id = d.id AND c.code = ?) FROM deliveries d \
             LEFT JOIN orders o ON o.id = d.primary_order_id WHERE d.bundle_number IN ({})",
            placeholders(some.len())
        );
        let params: Vec<Param<'_>> = std::iter::once(channel).chain(some.iter().copied()).map(Param::from).collect();
        for mut row in tx.query(&sql, &params)? {
            let goes_to = match row.opt_text(2)?.and_then(|code| ShippingMethod::from_code(&code)) {
                None => None,
                Some(method) => Some(Destination {
                    method,
                    name: row.text(3)?.into(),
                    zip_code: row.text(4)?.into(),
                    address: [row.text(5)?.into(), row.text(6)?.into()],
                }),
            };
            let there = ExistingBundle {
                delivery_id: row.int(1)?,
                is_of_other_channel: goes_to.is_some() && row.int(7)? == 0,
                goes_to,
            };
            existing.insert(row.text(0)?, there);
        }
    }
    Ok(())
}

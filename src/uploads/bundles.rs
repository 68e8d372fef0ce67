//! Which new orders travel together: those of one bundle number.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::orders::model::{NewOrder, Recipient, ShippingMethod};
use crate::storage::{Result, Tx, crockford, placeholders};

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

/// New orders in bundles.
#[derive(Debug, Default)]
pub struct Bundles<'f> {
    /// those that exist and new ones
    pub bundles: Vec<Bundle<'f>>,
    /// places of the orders that go elsewhere, or otherwise, than the first of their bundle: the
    /// channel's number is believed, but somebody should look
    pub odd: Vec<usize>,
}

/// Sorts new orders into bundles by the channel's number; an order without one travels alone.
pub fn bundles<'f>(tx: &mut dyn Tx, create: &[&'f NewOrder]) -> Result<Bundles<'f>> {
    let mut sorted = Bundles::default();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut existing = existing(tx, create)?;
    for (index, &new) in create.iter().enumerate() {
        let goes_to = Destination::of(new.shipping_method, &new.recipient);
        let place = places.get(new.bundle_number.as_str()).copied().unwrap_or_else(|| {
            let known = existing.remove(&new.bundle_number);
            let exists = known.is_some();
            let (delivery_id, there) = known.unwrap_or_else(|| (tx.new_id(), None));
            let alone = new.bundle_number.is_empty();
            sorted.bundles.push(Bundle {
                number: if alone { crockford(delivery_id) } else { new.bundle_number.clone() },
                delivery_id,
                exists,
                orders: Vec::new(),
                goes_to: there.unwrap_or_else(|| goes_to.clone()),
            });
            let place = sorted.bundles.len() - 1;
            if !alone {
                places.insert(&new.bundle_number, place);
            }
            place
        });
        let bundle = &mut sorted.bundles[place];
        if bundle.goes_to != goes_to {
            sorted.odd.push(index);
        }
        bundle.orders.push(new);
    }
    Ok(sorted)
}

/// Bundle number → delivery, and where it goes when it holds an order.
type Existing = BTreeMap<String, (i64, Option<Destination<'static>>)>;

fn existing(tx: &mut dyn Tx, create: &[&NewOrder]) -> Result<Existing> {
    let mut numbers: Vec<&str> =
        create.iter().map(|order| order.bundle_number.as_str()).filter(|number| !number.is_empty()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let mut existing = Existing::new();
    for some in numbers.chunks(200) {
        let sql = format!(
            "SELECT d.bundle_number, d.id, o.shipping_method, o.recipient_name, o.recipient_zip_code, \
             o.recipient_address1, o.recipient_address2 FROM deliveries d \
             LEFT JOIN orders o ON o.id = d.primary_order_id WHERE d.bundle_number IN ({})",
            placeholders(some.len())
        );
        let params: Vec<_> = some.iter().map(|number| (*number).into()).collect();
        for mut row in tx.query(&sql, &params)? {
            let there = match row.opt_text(2)?.and_then(|code| ShippingMethod::from_code(&code)) {
                None => None,
                Some(method) => Some(Destination {
                    method,
                    name: row.text(3)?.into(),
                    zip_code: row.text(4)?.into(),
                    address: [row.text(5)?.into(), row.text(6)?.into()],
                }),
            };
            existing.insert(row.text(0)?, (row.int(1)?, there));
        }
    }
    Ok(existing)
}

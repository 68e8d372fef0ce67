//! Which new orders travel together: those of one bundle number.

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
    goes_to: Destination,
}

/// Where a bundle goes and how.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Destination {
    method: ShippingMethod,
    name: String,
    zip_code: String,
    address: String,
}

impl Destination {
    fn of(method: ShippingMethod, recipient: &Recipient) -> Self {
        Self {
            method,
            name: recipient.name.clone(),
            zip_code: recipient.zip_code.clone(),
            address: format!("{} {}", recipient.address1, recipient.address2),
        }
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
            let (delivery_id, there) = known.clone().unwrap_or_else(|| (tx.new_id(), None));
            let alone = new.bundle_number.is_empty();
            sorted.bundles.push(Bundle {
                number: if alone { crockford(delivery_id) } else { new.bundle_number.clone() },
                delivery_id,
                exists: known.is_some(),
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
type Existing = BTreeMap<String, (i64, Option<Destination>)>;

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
                    name: row.text(3)?,
                    zip_code: row.text(4)?,
                    address: format!("{} {}", row.text(5)?, row.text(6)?),
                }),
            };
            existing.insert(row.text(0)?, (row.int(1)?, there));
        }
    }
    Ok(existing)
}

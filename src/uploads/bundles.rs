//! Which new orders travel together.

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

/// Where a bundle goes and how. Orders of one bundle number that differ in this travel apart: a
/// truck cannot be in two places.
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
    /// places of the orders that travel apart from others of their bundle number
    pub apart: Vec<usize>,
}

/// Sorts new orders into bundles. The second destination of a bundle number gets a bundle of its
/// own: `3100000001-2`.
pub fn bundles<'f>(tx: &mut dyn Tx, create: &[&'f NewOrder]) -> Result<Bundles<'f>> {
    let mut bundles: Vec<Bundle<'f>> = Vec::new();
    let mut apart = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut existing = existing_bundles(tx, create)?;
    for (index, &new) in create.iter().enumerate() {
        let goes_to = Destination::of(new.shipping_method, &new.recipient);
        if new.bundle_number.is_empty() {
            let delivery_id = tx.new_id();
            let number = crockford(delivery_id);
            bundles.push(Bundle { number, delivery_id, exists: false, goes_to, orders: vec![new] });
            continue;
        }
        let mut turn = 1;
        loop {
            let number = if turn == 1 { new.bundle_number.clone() } else { format!("{}-{turn}", new.bundle_number) };
            turn += 1;
            if turn > 2 && !existing.contains_key(&number) && !places.contains_key(&number) {
                existing.extend(find_bundles(tx, &[&number])?);
            }
            let place = if let Some(place) = places.get(&number) {
                *place
            } else {
                let known = existing.remove(&number);
                let (delivery_id, there) = known.clone().unwrap_or_else(|| (tx.new_id(), None));
                bundles.push(Bundle {
                    number: number.clone(),
                    delivery_id,
                    exists: known.is_some(),
                    orders: Vec::new(),
                    goes_to: there.unwrap_or_else(|| goes_to.clone()),
                });
                places.insert(number, bundles.len() - 1);
                bundles.len() - 1
            };
            if bundles[place].goes_to == goes_to {
                bundles[place].orders.push(new);
                if turn > 2 {
                    apart.push(index);
                }
                break;
            }
        }
    }
    bundles.retain(|bundle| !bundle.orders.is_empty());
    Ok(Bundles { bundles, apart })
}

/// Bundle number → delivery, and where it goes when it holds an order.
type Existing = BTreeMap<String, (i64, Option<Destination>)>;

fn existing_bundles(tx: &mut dyn Tx, create: &[&NewOrder]) -> Result<Existing> {
    let mut numbers: Vec<&str> =
        create.iter().map(|order| order.bundle_number.as_str()).filter(|number| !number.is_empty()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let mut existing = Existing::new();
    for some in numbers.chunks(200) {
        existing.extend(find_bundles(tx, some)?);
    }
    Ok(existing)
}

fn find_bundles(tx: &mut dyn Tx, numbers: &[&str]) -> Result<Existing> {
    let sql = format!(
        "SELECT d.bundle_number, d.id, o.shipping_method, o.recipient_name, o.recipient_zip_code, \
         o.recipient_address1, o.recipient_address2 FROM deliveries d \
         LEFT JOIN orders o ON o.id = d.primary_order_id WHERE d.bundle_number IN ({})",
        placeholders(numbers.len())
    );
    let params: Vec<_> = numbers.iter().map(|number| (*number).into()).collect();
    tx.query(&sql, &params)?
        .into_iter()
        .map(|mut row| {
            let method = row.opt_text(2)?.and_then(|code| ShippingMethod::from_code(&code));
            let there = match method {
                None => None,
                Some(method) => {
                    let recipient = Recipient {
                        name: row.text(3)?,
                        zip_code: row.text(4)?,
                        address1: row.text(5)?,
                        address2: row.text(6)?,
                        ..Recipient::default()
                    };
                    Some(Destination::of(method, &recipient))
                }
            };
            Ok((row.text(0)?, (row.int(1)?, there)))
        })
        .collect()
}

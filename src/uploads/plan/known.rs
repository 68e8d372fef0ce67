//! The stored orders that the rows of an order file name.

use std::collections::{BTreeMap, HashMap};

use super::contents;
use crate::channels::Profile;
use crate::id::{ChannelId, OrderId};
use crate::orders::model::{NewOrder, Order};
use crate::orders::store as orders;
use crate::storage::{Result, Tx};
use crate::uploads::check::CheckedRow;

/// The orders of the channel that the rows name, by the number of the row.
pub(super) fn known_orders(
    tx: &mut dyn Tx,
    channel: Option<ChannelId>,
    profile: &Profile,
    rows: &[CheckedRow<NewOrder>],
) -> Result<HashMap<String, Order>> {
    let Some(channel) = channel else { return Ok(HashMap::new()) };
    let numbers: Vec<&str> = rows.iter().map(|row| row.key.as_str()).filter(|key| !key.is_empty()).collect();
    let ids: Vec<OrderId> = orders::ids_by_number(tx, Some(channel), &numbers)?.into_values().flatten().collect();
    let found = orders::find(tx, &ids)?;
    let mut known: HashMap<String, Order> =
        found.into_iter().map(|order| (order.order_number.clone(), order)).collect();
    if profile.key.iter().any(|part| part.starts_with('#')) {
        add_changed_options(tx, channel, profile, rows, &mut known)?;
    }
    Ok(known)
}

/// Adds orders whose option was changed at a channel with a digest of the option in its order numbers.
fn add_changed_options(
    tx: &mut dyn Tx,
    channel: ChannelId,
    profile: &Profile,
    rows: &[CheckedRow<NewOrder>],
    known: &mut HashMap<String, Order>,
) -> Result<()> {
    let unknown = contents(rows).filter(|new| !known.contains_key(&new.order_number));
    let lines: Vec<NumberedLine<'_>> = unknown
        .map(|new| NumberedLine {
            number: &new.order_number,
            purchase: &new.channel_order_number,
            options: &new.options_raw,
        })
        .collect();
    let found = orders_of_changed_options(tx, channel, profile, lines, |number| known.contains_key(number))?;
    known.extend(found);
    Ok(())
}

/// A row whose number is that of no order.
#[derive(Clone, Copy, Debug)]
pub struct NumberedLine<'a> {
    /// order number, with a digest of the option
    pub number: &'a str,
    /// number of the purchase
    pub purchase: &'a str,
    /// the option as the channel writes it
    pub options: &'a str,
}

/// The orders, by the number of the row, whose option was changed at a channel with a digest of the option in its order
/// numbers: the number is another one then. Of a line of a purchase, a row is the order that has its option; the only row
/// that is left is the only order that is left. `is_named` says which stored orders other rows name.
pub fn orders_of_changed_options(
    tx: &mut dyn Tx,
    channel: ChannelId,
    profile: &Profile,
    rows: Vec<NumberedLine<'_>>,
    is_named: impl Fn(&str) -> bool,
) -> Result<HashMap<String, Order>> {
    let parts = profile.key.iter().filter(|part| !part.starts_with('#')).count();
    let mut lines: BTreeMap<&str, Vec<NumberedLine<'_>>> = BTreeMap::new();
    for row in rows {
        if let Some(line) = line_of(row.number, parts) {
            lines.entry(line).or_default().push(row);
        }
    }
    let purchases: Vec<&str> = lines.values().flatten().map(|row| row.purchase).collect();
    let ids: Vec<OrderId> =
        orders::ids_by_field(tx, "channel_order_number", Some(channel), &purchases)?.into_values().flatten().collect();
    let mut stored: HashMap<String, Vec<Order>> = HashMap::new();
    for order in orders::find(tx, &ids)?.into_iter().filter(|order| !is_named(&order.order_number)) {
        if let Some(line) = line_of(&order.order_number, parts) {
            stored.entry(line.to_owned()).or_default().push(order);
        }
    }
    let mut found = HashMap::new();
    for (line, mut rows) in lines {
        let Some(mut orders) = stored.remove(line) else { continue };
        rows.retain(|row| {
            let same = orders.iter().position(|order| order.options_raw == row.options);
            let order = same.map(|index| orders.remove(index));
            let is_new = order.is_none();
            found.extend(order.map(|order| (row.number.to_owned(), order)));
            is_new
        });
        if let ([row], Ok([order])) = (&rows[..], <[Order; 1]>::try_from(orders)) {
            found.insert(row.number.to_owned(), order);
        }
    }
    Ok(found)
}

/// The parts of an order number before the digest; none if they are not numbers, or there is no digest.
fn line_of(number: &str, parts: usize) -> Option<&str> {
    let (end, _) = number.match_indices('-').nth(parts.checked_sub(1)?)?;
    let line = &number[..end];
    line.split('-').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::model::OrderOption;
    use crate::orders::testing::{Shop, all_orders, new_order};
    use crate::orders::tests::invariants::hold;
    use crate::uploads::RowOutcome;

    /// A row of 11번가, whose number has a digest of the option.
    fn with_option(option: &str) -> NewOrder {
        NewOrder {
            channel_order_number: "2026112700001".to_owned(),
            sales_channel: "ELEVEN_STREET".to_owned(),
            options: vec![OrderOption { key: "색상".to_owned(), value: option.to_owned() }],
            options_raw: format!("색상: {option}"),
            ..new_order(&format!("71-2026112700001-30001-{option}"))
        }
    }

    #[test]
    fn changed_option_of_a_numbered_line_is_no_second_order() {
        use RowOutcome::{Created, Skipped, Updated};
        let shop = Shop::open();
        shop.write(|tx, files| {
            let mut upload = |orders: &[&str]| {
                let orders = orders.iter().map(|option| with_option(option)).collect();
                let report = files.order(tx, "ELEVEN_STREET", orders)?;
                let outcomes: Vec<RowOutcome> = report.rows.iter().map(|row| row.outcome).collect();
                Ok::<_, crate::storage::StorageError>(outcomes)
            };
            assert_eq!(upload(&["월넛"])?, [Created]);
            assert_eq!(upload(&["오크"])?, [Updated]);
            assert_eq!(upload(&["오크"])?, [Skipped]);
            assert_eq!(upload(&["체리", "오크"])?, [Created, Skipped], "a second order of the line");
            assert_eq!(upload(&["파인", "흑단"])?, [Created, Created], "which one was changed?");
            let options: Vec<String> = all_orders(tx)?.into_iter().map(|order| order.options_raw).collect();
            assert_eq!(options, ["색상: 오크", "색상: 체리", "색상: 파인", "색상: 흑단"]);
            hold(tx)
        })
        .expect("plans");
    }

    #[test]
    fn line_of_a_number_is_what_stands_before_the_digest() {
        assert_eq!(line_of("71-2026112700001-30001-9f2c", 3), Some("71-2026112700001-30001"));
        assert_eq!(line_of("71-2026112700001-30001", 3), None, "an order without option has no digest");
        assert_eq!(line_of("71-A1-30001-9f2c", 3), None);
        assert_eq!(line_of("2026112700001", 1), None);
    }
}

//! Rows of a courier's list that name a purchase by its 주문번호, rather than an order by its 상품주문번호.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use super::order_reason;
use crate::id::{ChannelId, DeliveryId, OrderId};
use crate::orders::model::{Order, OrderState};
use crate::orders::store as orders;
use crate::storage::{Result, Tx};
use crate::uploads::check::{CheckedRow, RowCheck, TrackingRow};

/// What a number means that is the 주문번호 of a purchase.
#[derive(Debug, PartialEq, Eq)]
enum NumberMatch<'o> {
    /// one order has it as its 상품주문번호
    Order,
    /// orders of one delivery
    Purchase(Vec<&'o Order>),
    /// orders of this many deliveries: one parcel cannot be for all of them
    Several(usize),
}

/// The rows of a list with the number of one order each. A row that names a purchase counts for each of its orders if they
/// travel together; otherwise it is rejected. A number that a spreadsheet may have rounded names no purchase.
pub(super) fn by_order<'r>(
    tx: &mut dyn Tx,
    channel: Option<ChannelId>,
    rows: &'r [CheckedRow<TrackingRow>],
) -> Result<Cow<'r, [CheckedRow<TrackingRow>]>> {
    let numbers: BTreeSet<&str> = rows.iter().filter_map(number).collect();
    let numbers: Vec<&str> = numbers.into_iter().collect();
    let purchases = orders::ids_by_field(tx, "channel_order_number", channel, &numbers)?;
    if purchases.is_empty() {
        return Ok(Cow::Borrowed(rows));
    }
    let numbers: Vec<&str> = purchases.keys().map(String::as_str).collect();
    let keys = orders::ids_by_number(tx, channel, &numbers)?;
    let ids: BTreeSet<OrderId> = purchases.values().chain(keys.values()).flatten().copied().collect();
    let ids: Vec<OrderId> = ids.into_iter().collect();
    let found: HashMap<OrderId, Order> = orders::find(tx, &ids)?.into_iter().map(|order| (order.id, order)).collect();
    let of = |ids: Option<&Vec<OrderId>>| -> Vec<&Order> {
        ids.into_iter().flatten().filter_map(|id| found.get(id)).collect()
    };
    let mut expanded = Vec::with_capacity(rows.len());
    for same in rows.chunk_by(|one, other| number(one).is_some() && number(one) == number(other)) {
        let name = number(&same[0]).filter(|name| purchases.contains_key(*name));
        match name.map(|name| named(&of(keys.get(name)), of(purchases.get(name)))) {
            None | Some(NumberMatch::Order) => expanded.extend_from_slice(same),
            Some(NumberMatch::Purchase(orders)) => {
                // All rows of an order follow one another, as its parcels do.
                expanded.extend(orders.iter().flat_map(|order| same.iter().map(|row| row_of(row, order))));
            }
            Some(NumberMatch::Several(deliveries)) => {
                let message = format!(
                    "이 주문번호의 주문이 배송 {deliveries}건으로 나뉘어 있어 정할 수 없어요. 상품주문번호로 올려 주세요"
                );
                let reject = |row: &CheckedRow<TrackingRow>| {
                    let outcome = RowCheck::Rejected(vec![order_reason(&row.key, &message)]);
                    CheckedRow { outcome, ..row.clone() }
                };
                expanded.extend(same.iter().map(reject));
            }
        }
    }
    Ok(Cow::Owned(expanded))
}

/// The number of a valid row.
pub(super) fn number(row: &CheckedRow<TrackingRow>) -> Option<&str> {
    match &row.outcome {
        RowCheck::Valid(content, _) if !row.is_inexact => Some(&content.order_number),
        _ => None,
    }
}

/// What a number means that these orders have as their 상품주문번호, and those as the 주문번호 of their purchase. Cancelled
/// orders count only if there are no others.
fn named<'o>(keyed: &[&'o Order], mut purchase: Vec<&'o Order>) -> NumberMatch<'o> {
    let is_open = |order: &&Order| order.state < OrderState::Cancelled;
    if purchase.iter().any(is_open) {
        purchase.retain(is_open);
    }
    let deliveries: BTreeSet<DeliveryId> = keyed.iter().chain(&purchase).map(|order| order.delivery_id).collect();
    if deliveries.len() > 1 {
        NumberMatch::Several(deliveries.len())
    } else if keyed.is_empty() {
        purchase.sort_by_key(|order| order.id);
        NumberMatch::Purchase(purchase)
    } else {
        NumberMatch::Order
    }
}

/// The row for one order of the purchase that it names.
fn row_of(row: &CheckedRow<TrackingRow>, order: &Order) -> CheckedRow<TrackingRow> {
    let mut row = CheckedRow { key: order.order_number.clone(), ..row.clone() };
    if let RowCheck::Valid(content, warnings) = &mut row.outcome {
        let number = std::mem::replace(&mut content.order_number, order.order_number.clone());
        warnings.push(order_reason(&number, "주문번호로 찾은 주문이에요"));
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::model::{NewOrder, ShippingMethod};
    use crate::orders::testing::{Shop, all_orders, checked, edit, new_order};
    use crate::uploads::parse::ParsedRows;
    use crate::uploads::{Report, RowOutcome};

    /// A list of 로젠택배 with these order numbers and tracking numbers.
    fn list(rows: &[(&str, &str)]) -> ParsedRows {
        let row = |(number, tracking): &(&str, &str)| {
            let (order_number, tracking_number) = ((*number).to_owned(), (*tracking).to_owned());
            (order_number.clone(), TrackingRow { order_number, tracking_number, courier: Some("로젠택배".into()) })
        };
        ParsedRows::Tracking(checked(rows.iter().map(row)))
    }

    fn bought(number: &str, purchase: &str, bundle: &str) -> NewOrder {
        NewOrder {
            channel_order_number: purchase.into(),
            bundle_number: bundle.into(),
            shipping_method: ShippingMethod::Parcel,
            ..new_order(number)
        }
    }

    fn outcomes(report: &Report) -> Vec<(&str, RowOutcome)> {
        report.rows.iter().map(|row| (row.order_number.as_str(), row.outcome)).collect()
    }

    #[test]
    fn number_of_a_purchase_names_all_its_orders_of_one_delivery() {
        let shop = Shop::open();
        shop.write(|tx, files| {
            files.order(
                tx,
                "SMART_STORE",
                vec![bought("11", "900", "A"), bought("12", "900", "A"), new_order("13")],
            )?;
            let report = files.upload(tx, "LOGEN", list(&[("900", "45168300001"), ("900", "45168300012")]))?;
            let updated = RowOutcome::Updated;
            assert_eq!(outcomes(&report), [("11", updated), ("11", updated), ("12", updated), ("12", updated)]);
            assert_eq!(report.rows[0].reasons[0].message, "주문번호로 찾은 주문이에요");
            let numbers: Vec<String> = all_orders(tx)?.into_iter().map(|order| order.tracking_number).collect();
            assert_eq!(numbers, ["45168300001, 45168300012", "45168300001, 45168300012", ""]);
            Ok(())
        })
        .expect("plans");
    }

    #[test]
    fn number_of_orders_that_travel_apart_is_rejected() {
        let shop = Shop::open();
        shop.write(|tx, files| {
            files.order(tx, "SMART_STORE", vec![bought("11", "900", "A"), bought("12", "900", "B")])?;
            let report = files.upload(tx, "LOGEN", list(&[("900", "45168300001")]))?;
            assert_eq!(outcomes(&report), [("900", RowOutcome::Rejected)]);
            assert!(report.rows[0].reasons[0].message.contains("배송 2건"), "{report:?}");

            let cancelled = all_orders(tx)?.remove(0);
            assert!(edit(tx, &cancelled, |order| order.set_state(OrderState::Cancelled, crate::time::Moment(9)))?);
            let report = files.upload(tx, "LOGEN", list(&[("900", "45168300001")]))?;
            assert_eq!(outcomes(&report), [("12", RowOutcome::Updated)], "one is left");
            Ok(())
        })
        .expect("plans");
    }

    #[test]
    fn number_of_an_order_and_of_another_purchase_is_rejected() {
        let shop = Shop::open();
        shop.write(|tx, files| {
            files.order(tx, "SMART_STORE", vec![bought("900", "1", "A"), bought("12", "900", "B")])?;
            let report = files.upload(tx, "LOGEN", list(&[("900", "45168300001"), ("12", "45168300012")]))?;
            assert_eq!(outcomes(&report), [("900", RowOutcome::Rejected), ("12", RowOutcome::Updated)]);
            Ok(())
        })
        .expect("plans");
    }

    #[test]
    fn later_file_adds_the_number_of_the_purchase() {
        let shop = Shop::open();
        shop.write(|tx, files| {
            files.order(tx, "SMART_STORE", vec![new_order("11")])?;
            let report = files.order(tx, "SMART_STORE", vec![bought("11", "900", "")])?;
            assert_eq!(outcomes(&report), [("11", RowOutcome::Updated)]);
            assert_eq!(report.rows[0].changes[0].field, "channel_order_number");
            let again = files.order(tx, "SMART_STORE", vec![new_order("11")])?;
            assert_eq!(outcomes(&again), [("11", RowOutcome::Skipped)], "a file without the column changes nothing");
            assert_eq!(all_orders(tx)?[0].channel_order_number, "900");
            Ok(())
        })
        .expect("plans");
    }
}

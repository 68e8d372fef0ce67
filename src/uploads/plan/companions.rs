//! Orders that went to the courier in one row with the order that a list names: its tracking number is theirs too.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use super::order_reason;
use super::purchases::number;
use crate::audit::downloads::{self, SentTo};
use crate::id::{ChannelId, DeliveryId, DownloadId, OrderId};
use crate::orders::bundle::is_one_parcel;
use crate::orders::model::{Order, OrderState};
use crate::orders::store::{self as orders, bundles};
use crate::storage::{Result, Tx};
use crate::uploads::check::{CheckedRow, RowCheck, TrackingRow};

/// The rows of a list, each followed by rows for the orders that share its parcel and that the list does not name.
pub(super) fn with_companions<'r>(
    tx: &mut dyn Tx,
    channel: Option<ChannelId>,
    rows: Cow<'r, [CheckedRow<TrackingRow>]>,
) -> Result<Cow<'r, [CheckedRow<TrackingRow>]>> {
    let numbers: BTreeSet<&str> = rows.iter().filter_map(number).collect();
    let found = orders::ids_by_number(tx, channel, &numbers.into_iter().collect::<Vec<_>>())?;
    let named: BTreeSet<OrderId> =
        found.values().filter_map(|ids| if let [id] = ids[..] { Some(id) } else { None }).collect();
    let files = downloads::newest_files(tx, SentTo::Courier, &named.iter().copied().collect::<Vec<_>>())?;
    if files.is_empty() {
        return Ok(rows);
    }
    let mut sent = orders::find(tx, &files.keys().copied().collect::<Vec<_>>())?;
    sent.sort_by_key(|order| order.id);
    let companions = companions(tx, &sent, &named, &files)?;
    if companions.is_empty() {
        return Ok(rows);
    }
    let mut expanded = Vec::with_capacity(rows.len() + companions.len());
    for same in rows.chunk_by(|one, other| number(one).is_some() && number(one) == number(other)) {
        expanded.extend_from_slice(same);
        let others = number(&same[0]).and_then(|number| companions.get(number));
        expanded.extend(others.into_iter().flatten().flat_map(|other| same.iter().map(move |row| row_of(row, other))));
    }
    Ok(Cow::Owned(expanded))
}

/// The orders that wait for the number of a sent order, by the number of that order: they are in its newest file, and one
/// parcel with it.
fn companions(
    tx: &mut dyn Tx,
    sent: &[Order],
    named: &BTreeSet<OrderId>,
    files: &HashMap<OrderId, DownloadId>,
) -> Result<HashMap<String, Vec<Order>>> {
    let deliveries: BTreeSet<DeliveryId> = sent.iter().map(|order| order.delivery_id).collect();
    let mut others = bundles::order_ids(tx, &deliveries.into_iter().collect::<Vec<_>>())?;
    others.retain(|id| !named.contains(id));
    let other_files = downloads::newest_files(tx, SentTo::Courier, &others)?;
    let mut waiting = orders::find(tx, &other_files.keys().copied().collect::<Vec<_>>())?;
    waiting.retain(|order| order.state < OrderState::Shipped && order.tracking_number.is_empty());
    waiting.sort_by_key(|order| order.id);
    let mut companions: HashMap<String, Vec<Order>> = HashMap::new();
    for other in waiting {
        let is_together =
            |order: &&Order| is_one_parcel(order, &other) && files.get(&order.id) == other_files.get(&other.id);
        if let Some(order) = sent.iter().find(is_together) {
            companions.entry(order.order_number.clone()).or_default().push(other);
        }
    }
    Ok(companions)
}

/// The row for another order of its parcel.
fn row_of(row: &CheckedRow<TrackingRow>, order: &Order) -> CheckedRow<TrackingRow> {
    let mut row = CheckedRow { key: order.order_number.clone(), ..row.clone() };
    if let RowCheck::Valid(content, warnings) = &mut row.outcome {
        let number = std::mem::replace(&mut content.order_number, order.order_number.clone());
        warnings.push(order_reason(&number, "이 주문과 한 송장으로 접수한 주문이에요"));
    }
    row
}

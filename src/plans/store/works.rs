//! Deliveries and other jobs with what is planned of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::deliveries::store as deliveries;
use crate::id::{DeliveryId, OrderId, WorkId};
use crate::orders::claim::ClaimKind;
use crate::orders::model::{OrderState, Recipient};
use crate::plans::model::Job;
use crate::plans::work::{DeliveryWork, WorkOrder};
use crate::sites::address::{BuildingKey, building, floor_of};
use crate::sites::model::SiteEffort;
use crate::sites::store as sites;
use crate::storage::{Result, StorageError, Tx};
use crate::trucks::handling::HandlingTable;

struct OrderOfDelivery {
    delivery_id: DeliveryId,
    placed_at: i64,
    order: WorkOrder,
    recipient: Recipient,
}

/// The deliveries of these identifiers, in the given order, without the orders that other jobs deliver.
pub fn works(tx: &mut dyn Tx, ids: &[DeliveryId], handling: &HandlingTable) -> Result<Vec<DeliveryWork>> {
    let apart = divided_orders(tx, ids)?;
    let whole = whole_deliveries(tx, ids, handling)?;
    Ok(whole.into_iter().map(|work| own_part(work, &apart)).collect())
}

fn own_part(work: DeliveryWork, apart: &HashMap<DeliveryId, BTreeSet<OrderId>>) -> DeliveryWork {
    match apart.get(&work.delivery_id) {
        Some(orders) => work.without(orders),
        None => work,
    }
}

/// The deliveries themselves and these other jobs, by [`Job::key`].
pub fn works_of_jobs<'j>(
    tx: &mut dyn Tx,
    ids: &[DeliveryId],
    tasks: impl IntoIterator<Item = &'j Job> + Clone,
    handling: &HandlingTable,
) -> Result<BTreeMap<WorkId, DeliveryWork>> {
    let of_tasks = tasks.clone().into_iter().map(|job| job.delivery_id);
    let all: BTreeSet<DeliveryId> = ids.iter().copied().chain(of_tasks).collect();
    let all: Vec<DeliveryId> = all.into_iter().collect();
    let apart = divided_orders(tx, &all)?;
    let whole: HashMap<DeliveryId, DeliveryWork> =
        whole_deliveries(tx, &all, handling)?.into_iter().map(|work| (work.delivery_id, work)).collect();
    let mut works = BTreeMap::new();
    for job in tasks {
        works.extend(whole.get(&job.delivery_id).map(|work| (job.key(), work.of_job(job))));
    }
    let own: BTreeSet<DeliveryId> = ids.iter().copied().collect();
    let of_deliveries = whole.into_values().filter(|work| own.contains(&work.delivery_id));
    works.extend(of_deliveries.map(|work| (work.key, own_part(work, &apart))));
    Ok(works)
}

/// Joins the orders that a job beside its delivery (`j`) delivers (`o`). Once it is done, an order whose completion was undone
/// belongs to the delivery again.
pub(super) const DIVIDED: &str = "jobs j JOIN job_orders o ON o.job_id = j.id JOIN orders r ON r.id = o.order_id \
                                  AND j.number > 0 AND j.kind = 'deliver' \
                                  AND (j.state = 'open' OR (j.state = 'done' AND r.state >= 3))";

/// The orders of these deliveries that a job other than the delivery itself delivers, by delivery.
pub fn divided_orders(tx: &mut dyn Tx, deliveries: &[DeliveryId]) -> Result<HashMap<DeliveryId, BTreeSet<OrderId>>> {
    let sql = |ids: &str| format!("SELECT j.delivery_id, o.order_id FROM {DIVIDED} WHERE j.delivery_id IN ({ids})");
    let mut apart = HashMap::<DeliveryId, BTreeSet<OrderId>>::new();
    tx.for_ids(deliveries, &[], sql, &mut |row| {
        apart.entry(row.id(0)?).or_default().insert(row.id(1)?);
        Ok(())
    })?;
    Ok(apart)
}

/// The deliveries of these identifiers with all of their orders, in the given order.
pub fn whole_deliveries(tx: &mut dyn Tx, ids: &[DeliveryId], handling: &HandlingTable) -> Result<Vec<DeliveryWork>> {
    let (by_delivery, by_id) = (tx.index_hint("orders_by_delivery"), tx.primary_key_hint("products"));
    let sql = |ids: &str| {
        format!(
            "SELECT o.id, o.delivery_id, o.placed_at, o.state, o.claim, p.name, o.quantity, o.product_id, o.options, \
             o.recipient_name, o.recipient_tel1, o.recipient_tel2, o.recipient_zip_code, o.recipient_address1, \
             o.recipient_address2 FROM orders o {by_delivery} CROSS JOIN products p {by_id} ON p.id = o.product_id \
             WHERE o.delivery_id IN ({ids})"
        )
    };
    let mut by_delivery = HashMap::<DeliveryId, Vec<OrderOfDelivery>>::new();
    tx.for_ids(ids, &[], sql, &mut |mut row| {
        let id = row.id(0)?;
        let inconsistent = |column: &str| StorageError::Inconsistent(format!("orders.{column} of {id:?}"));
        let options: Vec<(String, String)> = row.json(8, "orders.options")?;
        let pairs = options.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let claim = row.text(4)?;
        let order = WorkOrder {
            id,
            state: OrderState::from_ordinal(row.int(3)?).ok_or_else(|| inconsistent("state"))?,
            is_held: ClaimKind::of_open(&claim).is_some_and(ClaimKind::holds_back),
            claim,
            product_name: row.text(5)?,
            quantity: row.int(6)?,
            effort: handling.effort(row.id(7)?, pairs),
        };
        let recipient = Recipient {
            name: row.text(9)?,
            tel1: row.text(10)?,
            tel2: row.text(11)?,
            zip_code: row.text(12)?,
            address1: row.text(13)?,
            address2: row.text(14)?,
        };
        let of_delivery = OrderOfDelivery { delivery_id: row.id(1)?, placed_at: row.int(2)?, order, recipient };
        by_delivery.entry(of_delivery.delivery_id).or_default().push(of_delivery);
        Ok(())
    })?;
    let mut works = Vec::with_capacity(ids.len());
    for delivery in deliveries::by_ids(tx, ids)? {
        let mut orders = by_delivery.remove(&delivery.id).unwrap_or_default();
        orders.sort_by_key(|order| (order.placed_at, order.order.id));
        let primary = orders.iter().find(|order| Some(order.order.id) == delivery.primary_order_id);
        works.push(DeliveryWork {
            key: delivery.id.into(),
            delivery_id: delivery.id,
            task: None,
            apart: Vec::new(),
            bundle_number: delivery.bundle_number,
            state: delivery.state,
            preferred_date: delivery.preferred_shipping_date,
            sigungu_code: delivery.sigungu_code,
            recipient: primary.or(orders.first()).map(|order| order.recipient.clone()).unwrap_or_default(),
            all_orders: orders.iter().map(|order| order.order.id).collect(),
            orders: orders.into_iter().map(|order| order.order).collect(),
            site: SiteEffort::default(),
        });
    }
    attach_sites(tx, &mut works)?;
    Ok(works)
}

/// Adds what the buildings take, by their site cards.
fn attach_sites(tx: &mut dyn Tx, works: &mut [DeliveryWork]) -> Result<()> {
    // The address of each delivery is normalised only where there is a card to be found.
    if !sites::has_cards(tx)? {
        return Ok(());
    }
    let keys: Vec<Option<BuildingKey>> =
        works.iter().map(|work| building(&work.recipient.address1, &work.recipient.address2)).collect();
    let cards = sites::of_buildings(tx, &keys.iter().flatten().cloned().collect::<Vec<_>>())?;
    if cards.is_empty() {
        return Ok(());
    }
    let rates = sites::rates(tx)?;
    for (work, key) in works.iter_mut().zip(keys) {
        if let Some(card) = key.and_then(|key| cards.get(&key)) {
            let floor = floor_of(&work.recipient.address2).or_else(|| floor_of(&work.recipient.address1));
            work.site = card.facts.effort(floor, &rates);
        }
    }
    Ok(())
}

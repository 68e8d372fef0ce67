//! Classifying orders under way anew, when the districts changed.
//!
//! A step takes some deliveries, in the sequence of their identifiers, and holds the writer for a few
//! milliseconds. How far it came is in the database, in the transaction of the step: a program that is
//! killed goes on from there, and two nodes share the work. Delivered orders keep the district of their
//! day.

use std::collections::BTreeMap;
use std::time::Duration;

use super::model::Districts;
use super::{DistrictCache, store};
use crate::orders::bundle::DeliveryState;
use crate::orders::model::OrderState;
use crate::orders::store::{self as orders, Action, Cause};
use crate::storage::{Param, Result, Storage, StorageError, Tx, placeholders};

/// Deliveries of one step.
pub const AT_ONCE: usize = 200;

/// The states of deliveries that are still to be made.
pub const UNDER_WAY: [DeliveryState; 2] = [DeliveryState::Preparing, DeliveryState::ReadyToShip];

/// How often a server looks whether something is left: what another process loaded, or what a kill
/// left undone.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How long a person waits for the classifying; the rest is done behind their back.
const WAITING: Duration = Duration::from_secs(2);

/// The chore of a server: does what is left, now and again.
pub async fn keep(storage: Storage, shared: DistrictCache) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        look.tick().await;
        if let Err(error) = finish(&storage, &shared).await {
            tracing::error!(%error, "orders could not be classified anew");
        }
    }
}

/// Begins to classify, and comes back when all is done or after a moment.
pub async fn begin(storage: &Storage, shared: &DistrictCache) {
    let (storage, shared) = (storage.clone(), shared.clone());
    let work = tokio::spawn(async move { finish(&storage, &shared).await });
    // A large shop takes longer; a server that ends goes on when it is started again.
    if let Ok(Ok(Err(error))) = tokio::time::timeout(WAITING, work).await {
        tracing::error!(%error, "orders could not be classified anew");
    }
}

/// Classifies until all orders under way are where they belong.
///
/// # Errors
/// The database failed. What is left is done when this is called again.
pub async fn finish(storage: &Storage, shared: &DistrictCache) -> Result<()> {
    while storage.read(|tx| Ok::<_, StorageError>(store::progress(tx)?.is_some())).await? {
        let shared = shared.clone();
        storage.write(move |tx| step(tx, &shared, AT_ONCE)).await?;
    }
    Ok(())
}

/// Classifies the next `at_once` deliveries; false when there are no more.
pub fn step(tx: &mut dyn Tx, shared: &DistrictCache, at_once: usize) -> Result<bool> {
    let Some(progress) = store::progress(tx)? else { return Ok(false) };
    let districts = shared.current(tx)?;
    let deliveries = deliveries_after(tx, progress.after, at_once)?;
    let last = deliveries.last().copied().filter(|_| deliveries.len() == at_once);
    if store::advance(tx, progress, last)? {
        let cause = Cause { member_id: None, upload_id: None, action: Action::Classified };
        classify(tx, cause, &districts, &deliveries)?;
    }
    Ok(last.is_some())
}

/// The next deliveries under way. Both states are read in one sequence of identifiers, so that none
/// is passed over that changes its state meanwhile.
fn deliveries_after(tx: &mut dyn Tx, after: i64, at_once: usize) -> Result<Vec<i64>> {
    let limit = i64::try_from(at_once).unwrap_or(i64::MAX);
    let index = tx.walking("deliveries_by_place");
    let sql = format!("SELECT id FROM deliveries {index} WHERE state = ? AND id > ? ORDER BY id LIMIT ?");
    let mut ids = Vec::new();
    for state in UNDER_WAY {
        for row in tx.query(&sql, &[(state as i64).into(), after.into(), limit.into()])? {
            ids.push(row.int(0)?);
        }
    }
    ids.sort_unstable();
    ids.truncate(at_once);
    Ok(ids)
}

/// Puts the orders under way of these deliveries where they belong; tells how many moved.
pub fn classify(tx: &mut dyn Tx, cause: Cause, districts: &Districts, deliveries: &[i64]) -> Result<usize> {
    let mut wrong: BTreeMap<i64, Option<i64>> = BTreeMap::new();
    for some in deliveries.chunks(AT_ONCE) {
        let sql = format!(
            "SELECT o.id, o.sigungu, o.recipient_zip_code, c.sigungu, c.zip_code FROM orders o \
             LEFT JOIN order_districts c ON c.order_id = o.id WHERE o.delivery_id IN ({}) AND o.state < ?",
            placeholders(some.len())
        );
        let params: Vec<Param<'_>> =
            some.iter().map(|id| (*id).into()).chain([OrderState::Shipped.rank().into()]).collect();
        tx.for_each(&sql, &params, &mut |mut row| {
            let (id, is, zip_code) = (row.int(0)?, row.opt_int(1)?, row.text(2)?);
            let by_hand = row.opt_int(3)?.filter(|_| row.opt_text(4).ok().flatten().as_deref() == Some(&*zip_code));
            let belongs = by_hand.or_else(|| districts.lookup(&zip_code).district());
            if belongs != is {
                wrong.insert(id, belongs);
            }
            Ok(())
        })?;
    }
    let ids: Vec<i64> = wrong.keys().copied().collect();
    let found = orders::find(tx, &ids)?;
    orders::changing(tx, cause, |changes| {
        for before in &found {
            let mut after = before.clone();
            after.sigungu = wrong.get(&before.id).copied().flatten();
            if !changes.save(before, &after)? {
                return Err(StorageError::Inconsistent(format!("order {} changed within a transaction", before.id)));
            }
        }
        Ok(())
    })?;
    Ok(found.len())
}

/// How many orders under way `districts` would put elsewhere than they are.
pub fn affected(tx: &mut dyn Tx, districts: &Districts) -> Result<u64> {
    let mut affected = 0;
    for state in [OrderState::Placed, OrderState::Purchased, OrderState::Dispatched] {
        let sql = "SELECT o.sigungu, o.recipient_zip_code, c.sigungu, c.zip_code FROM orders o \
                   LEFT JOIN order_districts c ON c.order_id = o.id WHERE o.state = ?";
        tx.for_each(sql, &[state.rank().into()], &mut |mut row| {
            let (is, zip_code) = (row.opt_int(0)?, row.text(1)?);
            let by_hand = row.opt_int(2)?.filter(|_| row.opt_text(3).ok().flatten().as_deref() == Some(&*zip_code));
            affected += u64::from(by_hand.or_else(|| districts.lookup(&zip_code).district()) != is);
            Ok(())
        })?;
    }
    Ok(affected)
}

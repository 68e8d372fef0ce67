//! Generates the history of a synthetic shop: orders of fourteen months in all states.

use std::sync::mpsc;

use crate::audit::Actor;
use crate::districts::Districts;
use crate::orders::model::{NewOrder, Order, OrderState, ShippingMethod};
use crate::orders::store::create::{bundles, findings, insert_deliveries, prepare};
use crate::orders::store::{Action, ChangeContext, with_changes};
use crate::search::Limits;
use crate::search::store::compact_step;
use crate::storage::{Result, Storage, Tx};
use crate::time::Moment;

use super::new_orders;
use crate::random::seeded::Random;

/// Orders planned and inserted in one batch. Their search terms form one segment, so a million orders stay
/// below the segment limit.
const BATCH_ORDERS: usize = 20_000;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Share of open orders that have a claim.
const CLAIMS_PERCENT: u64 = 5;

/// Maximum age of an order with an open claim; older claims are resolved.
const MAX_CLAIM_AGE_DAYS: i64 = 25;

/// Sales channels (code, name) and their share of the bundles in percent.
const CHANNEL_SHARES: [(&str, &str, u32); 3] =
    [("SMART_STORE", "스마트스토어", 84), ("COUPANG", "쿠팡", 11), ("LOCAL", "매장", 5)];

/// Size, time and batches of a synthetic shop.
#[derive(Clone, Copy, Debug)]
pub(super) struct GenerateOptions {
    /// the same seed generates the same shop
    seed: u64,
    /// number of orders
    count: u64,
    /// the present of the shop
    now: Moment,
    /// orders planned and inserted at once
    batch_orders: usize,
}

impl GenerateOptions {
    /// With [`BATCH_ORDERS`].
    pub(super) const fn new(seed: u64, count: u64, now: Moment) -> Self {
        Self { seed, count, now, batch_orders: BATCH_ORDERS }
    }
}

/// Inserts `count` orders of the synthetic shop of `seed` into `storage`, in their state at `now`.
/// `progress` receives the number of orders inserted so far.
///
/// # Errors
/// A [`StorageError`](crate::storage::StorageError) if a transaction fails.
pub async fn generate(storage: &Storage, seed: u64, count: u64, now: Moment, progress: impl Fn(u64)) -> Result<()> {
    generate_batches(storage, GenerateOptions::new(seed, count, now), progress).await
}

async fn generate_batches(storage: &Storage, options: GenerateOptions, progress: impl Fn(u64)) -> Result<()> {
    let mut orders = new_orders(options.seed, options.count, options.now);
    let mut done = 0;
    loop {
        let batch: Vec<NewOrder> = orders.by_ref().take(options.batch_orders).collect();
        if batch.is_empty() {
            return Ok(());
        }
        done += batch.len() as u64;
        let districts = Districts::embedded();
        storage.write(move |tx| insert_batch(tx, &batch, options, &districts)).await?;
        while storage.write(|tx| compact_step(tx, &Limits::DEFAULT)).await? {}
        progress(done);
    }
}

/// Like [`generate`], but in the caller's transaction (all or nothing). A second thread generates the next
/// batch while the current one is inserted.
pub(super) fn generate_in_tx(tx: &mut dyn Tx, options: GenerateOptions, progress: &dyn Fn(u64)) -> Result<()> {
    let districts = Districts::embedded();
    std::thread::scope(|scope| {
        let (sender, batches) = mpsc::sync_channel::<Vec<NewOrder>>(1);
        scope.spawn(move || {
            let mut orders = new_orders(options.seed, options.count, options.now);
            loop {
                let batch: Vec<NewOrder> = orders.by_ref().take(options.batch_orders).collect();
                // Sending fails when the receiving side has stopped with an error.
                if batch.is_empty() || sender.send(batch).is_err() {
                    return;
                }
            }
        });
        let mut done = 0;
        for batch in batches {
            insert_batch(tx, &batch, options, &districts)?;
            done += batch.len() as u64;
            progress(done);
        }
        Ok(())
    })
}

fn insert_batch(tx: &mut dyn Tx, batch: &[NewOrder], options: GenerateOptions, districts: &Districts) -> Result<()> {
    let mut by_channel: [Vec<&NewOrder>; CHANNEL_SHARES.len()] = Default::default();
    for order in batch {
        by_channel[channel_index(order)].push(order);
    }
    let mut planned = Vec::with_capacity(CHANNEL_SHARES.len());
    for ((code, ..), orders) in CHANNEL_SHARES.iter().zip(&by_channel) {
        planned.push(bundles(tx, code, orders)?.bundles);
    }
    let mut made = Vec::with_capacity(batch.len());
    for (((code, name, _), orders), bundles) in CHANNEL_SHARES.iter().zip(&by_channel).zip(&planned) {
        // Per channel, because a channel may create products that the next one refers to.
        let findings = findings(tx, orders)?;
        made.extend(prepare(tx, None, (code, name), bundles, &findings, districts)?);
    }
    for new in &mut made {
        simulate_history(&mut new.order, options.now);
    }
    let cause = ChangeContext { actor: Actor::Program, upload_id: None, action: Action::Created };
    with_changes(tx, cause, |changes| {
        changes.limits.documents_per_segment = options.batch_orders;
        changes.insert_all(&made, |tx| insert_deliveries(tx, &made))
    })
}

/// Index of the order's channel in [`CHANNEL_SHARES`]; the same for all orders of a bundle.
fn channel_index(order: &NewOrder) -> usize {
    let mut percentile = random_for(&order.bundle_number).below(100);
    for (index, (_, _, share)) in CHANNEL_SHARES.iter().enumerate() {
        match percentile.checked_sub(*share) {
            None => return index,
            Some(rest) => percentile = rest,
        }
    }
    0
}

/// Generator seeded by the FNV-1a hash of a text, so that the same shop is generated each time.
fn random_for(text: &str) -> Random {
    Random::new(
        text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        }),
    )
}

/// Simulates the order's history up to `now`: purchased within two days, dispatched within nine, shipped within
/// two, confirmed within eight. Some orders are cancelled or refunded, and some open orders get a claim.
fn simulate_history(order: &mut Order, now: Moment) {
    let mut random = random_for(&order.order_number);
    let Some(placed_at) = order.moments.of(OrderState::Placed) else { return };
    let (outcome, parcel) = (random.below(100), random.next_u64());
    let mut at = placed_at;
    let mut step = |order: &mut Order, state, max_days: u32| {
        let days = 1 + i64::from(random.below(max_days));
        at = at.plus_ms(days * DAY_MS + 37 * 60 * 1000);
        if at <= now {
            order.set_state(state, at);
        }
        at <= now
    };
    if outcome < 4 {
        step(order, OrderState::Cancelled, 3);
        return;
    }
    let is_shipped = step(order, OrderState::Purchased, 2)
        && step(order, OrderState::Dispatched, 9)
        && step(order, OrderState::Shipped, 2);
    if is_shipped && order.shipping_method == ShippingMethod::Parcel {
        "로젠택배".clone_into(&mut order.courier);
        order.tracking_number = format!("4{:010}", parcel % 10_000_000_000);
    }
    let is_over = if is_shipped && outcome < 6 {
        step(order, OrderState::Refunded, 7)
    } else {
        is_shipped && outcome < 97 && step(order, OrderState::Confirmed, 8)
    };
    let is_recent = placed_at.plus_ms(MAX_CLAIM_AGE_DAYS * DAY_MS) > now;
    if !is_over && is_recent && parcel % 100 < CLAIMS_PERCENT {
        if is_shipped { "반품요청" } else { "취소요청" }.clone_into(&mut order.claim);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::backup;
    use crate::orders::tests::invariants;
    use crate::storage::StorageOptions;
    use crate::storage::testing::ScratchDatabase;
    use crate::time::SystemClock;

    const NOW: Moment = Moment(1_795_316_400_000);
    /// Several batches.
    const OPTIONS: GenerateOptions = GenerateOptions { batch_orders: 700, ..GenerateOptions::new(1, 3_000, NOW) };

    fn open(folder: &ScratchDatabase) -> Storage {
        folder.open(&StorageOptions { clock: Arc::new(SystemClock), readers: 1 })
    }

    /// Asserts that the invariants of a real shop hold and that every kind of data occurs.
    async fn assert_complete(storage: &Storage, folder: &ScratchDatabase) {
        storage.read(invariants::hold).await.expect("is as its orders say");
        let sidos = i64::try_from(Districts::embedded().sidos().count()).expect("few");
        let count = |sql: &'static str| storage.read(move |tx| tx.scalar(sql, &[]));
        for (sql, min) in [
            ("SELECT count(*) FROM orders", 3_000),
            ("SELECT count(DISTINCT state) FROM orders", 7),
            ("SELECT count(DISTINCT state) FROM deliveries", 5),
            ("SELECT count(DISTINCT channel_id) FROM orders", 3),
            ("SELECT count(DISTINCT shipping_method) FROM orders", 4),
            ("SELECT count(DISTINCT product_id) FROM orders", 20),
            (
                "SELECT count(DISTINCT sigungu_code - sigungu_code % 1000) FROM orders WHERE sigungu_code IS NOT NULL",
                sidos,
            ),
            ("SELECT count(*) FROM deliveries WHERE order_count > 1", 200),
            ("SELECT count(*) FROM open_claims", 1),
        ] {
            let found = count(sql).await.expect("counts");
            assert!(found >= min, "{sql}: {found}");
        }
        assert_eq!(count("SELECT count(*) FROM orders WHERE sigungu_code IS NULL").await.expect("counts"), 0);
        if folder.address().is_none() {
            let copy = folder.path().join("copy.db");
            storage.copy_to(copy.clone()).await.expect("copies");
            assert_eq!(backup::check_integrity(&copy).expect("a whole shop").orders, 3_000);
        }
    }

    #[tokio::test]
    async fn generated_shop_satisfies_the_invariants_of_a_real_one() {
        let folder = ScratchDatabase::new();
        let storage = open(&folder);
        generate_batches(&storage, OPTIONS, |_| ()).await.expect("generates");
        assert_complete(&storage, &folder).await;
    }

    #[tokio::test]
    async fn generation_in_one_transaction_yields_a_complete_shop() {
        let folder = ScratchDatabase::new();
        let storage = open(&folder);
        storage.write(|tx| generate_in_tx(tx, OPTIONS, &|_| ())).await.expect("generates");
        assert_complete(&storage, &folder).await;
    }
}

//! Fills a shop with orders as a year and two months of work would have left them.

use std::sync::mpsc;

use crate::districts::Districts;
use crate::orders::model::{NewOrder, Order, OrderState, ShippingMethod};
use crate::orders::store::create::{bundles, findings, make, make_deliveries};
use crate::orders::store::{Action, Cause, changing, terms::tidy};
use crate::storage::{Result, Storage, Tx};
use crate::time::Moment;

use super::{Random, new_orders};

/// Orders planned and inserted at once. Their search terms are one run, and of a million orders there
/// are not so many runs that more are refused.
const AT_ONCE: usize = if cfg!(test) { 700 } else { 20_000 };

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Of a hundred orders under way, so many have a claim …
const CLAIMS_PERCENT: u64 = 5;

/// … while they are so young; older ones have been answered.
const CLAIMED_WITHIN_DAYS: i64 = 25;

/// The channels and how many of a hundred bundles come from each.
const CHANNELS: [(&str, &str, u32); 3] =
    [("SMART_STORE", "스마트스토어", 84), ("COUPANG", "쿠팡", 11), ("LOCAL", "매장", 5)];

/// Puts `count` orders of the synthetic shop of `seed` into `storage`, as they stand at `now`.
/// `progress` hears how many there are.
///
/// # Errors
/// The database failed.
pub async fn fill(storage: &Storage, seed: u64, count: u64, now: Moment, progress: impl Fn(u64)) -> Result<()> {
    let mut orders = new_orders(seed, count, now);
    let mut done = 0;
    loop {
        let part: Vec<NewOrder> = orders.by_ref().take(AT_ONCE).collect();
        if part.is_empty() {
            return Ok(());
        }
        done += part.len() as u64;
        let districts = Districts::embedded();
        storage.write(move |tx| put(tx, &part, now, &districts)).await?;
        while storage.write(tidy).await? {}
        progress(done);
    }
}

/// As [`fill`], in the caller's transaction: all of the shop or nothing. The next orders are thought
/// out while those before are written.
pub(super) fn fill_within(tx: &mut dyn Tx, seed: u64, count: u64, now: Moment, progress: &dyn Fn(u64)) -> Result<()> {
    let districts = Districts::embedded();
    std::thread::scope(|scope| {
        let (give, parts) = mpsc::sync_channel::<Vec<NewOrder>>(1);
        scope.spawn(move || {
            let mut orders = new_orders(seed, count, now);
            loop {
                let part: Vec<NewOrder> = orders.by_ref().take(AT_ONCE).collect();
                // Nobody takes it when the writing has failed.
                if part.is_empty() || give.send(part).is_err() {
                    return;
                }
            }
        });
        let mut done = 0;
        for part in parts {
            put(tx, &part, now, &districts)?;
            done += part.len() as u64;
            progress(done);
        }
        Ok(())
    })
}

fn put(tx: &mut dyn Tx, part: &[NewOrder], now: Moment, districts: &Districts) -> Result<()> {
    let mut of_channels: [Vec<&NewOrder>; CHANNELS.len()] = Default::default();
    for order in part {
        of_channels[channel(order)].push(order);
    }
    let mut planned = Vec::with_capacity(CHANNELS.len());
    for ((code, ..), orders) in CHANNELS.iter().zip(&of_channels) {
        planned.push(bundles(tx, code, orders)?.bundles);
    }
    let mut made = Vec::with_capacity(part.len());
    for (((code, name, _), orders), bundles) in CHANNELS.iter().zip(&of_channels).zip(&planned) {
        // What one channel brings the next one finds.
        let findings = findings(tx, orders)?;
        made.extend(make(tx, None, (code, name), bundles, &findings, districts)?);
    }
    for new in &mut made {
        settle(&mut new.order, now);
    }
    let cause = Cause { member_id: None, upload_id: None, action: Action::Created };
    changing(tx, cause, |changes| {
        changes.orders_of_a_run = AT_ONCE;
        changes.insert_all(&made, |tx| make_deliveries(tx, &made))
    })
}

/// Orders of one bundle come from one channel.
fn channel(order: &NewOrder) -> usize {
    let mut hundredth = random(&order.bundle_number).below(100);
    for (place, (_, _, share)) in CHANNELS.iter().enumerate() {
        match hundredth.checked_sub(*share) {
            None => return place,
            Some(rest) => hundredth = rest,
        }
    }
    0
}

/// Chance that follows from a text, so that the same shop is made each time.
fn random(text: &str) -> Random {
    Random::new(
        text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        }),
    )
}

/// An order goes to the factory within two days, leaves it within nine, arrives a day later, and is
/// confirmed a week after that; a few are cancelled or come back, and of the orders under way some
/// customers wish it.
fn settle(order: &mut Order, now: Moment) {
    let mut random = random(&order.order_number);
    let Some(placed_at) = order.moments.of(OrderState::Placed) else { return };
    let (fate, parcel) = (random.below(100), random.bits());
    let mut at = placed_at;
    let mut step = |order: &mut Order, state, most_days: u32| {
        let days = 1 + i64::from(random.below(most_days));
        at = at.plus_ms(days * DAY_MS + 37 * 60 * 1000);
        if at <= now {
            order.put(state, at);
        }
        at <= now
    };
    if fate < 4 {
        step(order, OrderState::Cancelled, 3);
        return;
    }
    let arrived = step(order, OrderState::Purchased, 2)
        && step(order, OrderState::Dispatched, 9)
        && step(order, OrderState::Shipped, 2);
    if arrived && order.shipping_method == ShippingMethod::Parcel {
        "로젠택배".clone_into(&mut order.courier);
        order.tracking_number = format!("4{:010}", parcel % 10_000_000_000);
    }
    let is_over = if arrived && fate < 6 {
        step(order, OrderState::Refunded, 7)
    } else {
        arrived && fate < 97 && step(order, OrderState::Confirmed, 8)
    };
    let is_recent = placed_at.plus_ms(CLAIMED_WITHIN_DAYS * DAY_MS) > now;
    if !is_over && is_recent && parcel % 100 < CLAIMS_PERCENT {
        if arrived { "반품요청" } else { "취소요청" }.clone_into(&mut order.claim);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::backup;
    use crate::orders::invariants;
    use crate::storage::Options;
    use crate::storage::testing::Scratch;
    use crate::time::SystemClock;

    const NOW: Moment = Moment(1_795_316_400_000);
    const ORDERS: u64 = 3_000;

    fn open(folder: &Scratch) -> Storage {
        folder.open(&Options { clock: Arc::new(SystemClock), readers: 1 })
    }

    /// It is as a real shop is kept, and has something of everything.
    async fn is_whole(storage: &Storage, folder: &Scratch) {
        storage.read(invariants::hold).await.expect("is as its orders say");
        let sidos = i64::try_from(Districts::embedded().sidos().count()).expect("few");
        let count = |what: &'static str| storage.read(move |tx| tx.number(what, &[]));
        for (what, least) in [
            ("SELECT count(*) FROM orders", 3_000),
            ("SELECT count(DISTINCT state) FROM orders", 7),
            ("SELECT count(DISTINCT state) FROM deliveries", 5),
            ("SELECT count(DISTINCT channel_id) FROM orders", 3),
            ("SELECT count(DISTINCT shipping_method) FROM orders", 4),
            ("SELECT count(DISTINCT product_id) FROM orders", 20),
            ("SELECT count(DISTINCT sigungu - sigungu % 1000) FROM orders WHERE sigungu IS NOT NULL", sidos),
            ("SELECT count(*) FROM deliveries WHERE order_count > 1", 200),
            ("SELECT count(*) FROM open_claims", 1),
        ] {
            let found = count(what).await.expect("counts");
            assert!(found >= least, "{what}: {found}");
        }
        assert_eq!(count("SELECT count(*) FROM orders WHERE sigungu IS NULL").await.expect("counts"), 0);
        if folder.address().is_none() {
            let copy = folder.path().join("copy.db");
            storage.copy_to(copy.clone()).await.expect("copies");
            assert_eq!(backup::examine(&copy).expect("a whole shop").orders, 3_000);
        }
    }

    #[tokio::test]
    async fn a_filled_shop_is_as_a_real_one() {
        let folder = Scratch::new();
        let storage = open(&folder);
        fill(&storage, 1, ORDERS, NOW, |_| ()).await.expect("fills");
        is_whole(&storage, &folder).await;
    }

    #[tokio::test]
    async fn a_shop_filled_in_one_transaction_is_the_same() {
        let folder = Scratch::new();
        let storage = open(&folder);
        storage.write(|tx| fill_within(tx, 1, ORDERS, NOW, &|_| ())).await.expect("fills");
        is_whole(&storage, &folder).await;
    }
}

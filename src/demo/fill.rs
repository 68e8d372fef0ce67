//! Fills a shop with orders as a year and two months of work would have left them.

use crate::districts::Districts;
use crate::orders::model::{NewOrder, Order, OrderState, ShippingMethod};
use crate::orders::store::{Action, Cause, terms::tidy};
use crate::storage::{Result, Storage, Tx};
use crate::time::Moment;
use crate::uploads::apply::create;
use crate::uploads::bundles::bundles;
use crate::uploads::plan::findings;

use super::{Random, new_orders};

/// Orders made in one transaction.
const AT_ONCE: usize = 20_000;

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

/// As [`fill`], in the caller's transaction: all of the shop or nothing.
pub(super) fn fill_within(tx: &mut dyn Tx, seed: u64, count: u64, now: Moment) -> Result<()> {
    let districts = Districts::embedded();
    let mut orders = new_orders(seed, count, now);
    loop {
        let part: Vec<NewOrder> = orders.by_ref().take(AT_ONCE).collect();
        if part.is_empty() {
            return Ok(());
        }
        put(tx, &part, now, &districts)?;
    }
}

fn put(tx: &mut dyn Tx, part: &[NewOrder], now: Moment, districts: &Districts) -> Result<()> {
    let cause = Cause { member_id: None, upload_id: None, action: Action::Created };
    for (place, (code, name, _)) in CHANNELS.iter().enumerate() {
        let of_channel: Vec<&NewOrder> = part.iter().filter(|order| channel(order) == place).collect();
        let findings = findings(tx, &of_channel)?;
        let bundles = bundles(tx, &of_channel)?.bundles;
        create(tx, cause, (code, name), &bundles, &findings, districts, &|order| settle(order, now))?;
    }
    Ok(())
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
    use crate::storage::testing::Scratch;
    use crate::storage::{Options, StorageError};
    use crate::time::SystemClock;

    #[tokio::test]
    async fn a_filled_shop_has_every_state_and_channel() {
        let folder = Scratch::new();
        let options = Options { clock: Arc::new(SystemClock), readers: 1 };
        let storage = folder.open(&options);
        fill(&storage, 1, 3_000, Moment(1_795_316_400_000), |_| ()).await.expect("fills");
        let (orders, states, channels, claims) = storage
            .read(|tx| {
                let count = |tx: &mut dyn Tx, what: &str| tx.number(&format!("SELECT count({what}) FROM orders"), &[]);
                let (orders, states) = (count(tx, "*")?, count(tx, "DISTINCT state")?);
                let claims = tx.number("SELECT count(*) FROM open_claims", &[])?;
                Ok::<_, StorageError>((orders, states, count(tx, "DISTINCT channel_id")?, claims))
            })
            .await
            .expect("counts");
        assert_eq!((orders, states, channels), (3_000, 7, 3));
        assert!((1..=20).contains(&claims), "{claims}");
    }
}

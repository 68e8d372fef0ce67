//! Numbers of deliveries (`delivery_tallies`), kept in the transaction of every change: the totals of the delivery list
//! without counting rows.
//!
//! A delivery is counted three times: for all regions, for its 시/도 and for its 시/군/구. The total of a list is thus the
//! sum of at most forty rows.

use std::collections::BTreeMap;

use crate::orders::bundle::{DeliveryState, DeliverySummary};
use crate::orders::model::ShippingMethod;
use crate::storage::{Result, StorageError, Tx};

/// Region of a tally: all of them.
pub const ALL_REGIONS: i64 = 0;

/// Region of a tally: deliveries without a district (미분류).
pub const UNCLASSIFIED: i64 = -1;

/// Codes of the 시/군/구 of a 시/도 begin with the thousands of its code.
const SIDO_CODES: i64 = 1_000;

/// What a tally distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TallyKind {
    /// state
    pub state: DeliveryState,
    /// shipping method
    pub shipping_method: ShippingMethod,
    /// whether it has a 희망배송일
    pub is_dated: bool,
    /// 시/군/구 code; none is 미분류
    pub sigungu_code: Option<i64>,
}

impl TallyKind {
    /// What the tallies count of this summary.
    pub fn of(summary: &DeliverySummary) -> Self {
        Self {
            state: summary.state,
            shipping_method: summary.shipping_method,
            is_dated: summary.preferred_shipping_date.is_some(),
            sigungu_code: summary.sigungu_code,
        }
    }

    /// The regions that count this delivery.
    fn regions(self) -> impl Iterator<Item = i64> {
        let own = self.sigungu_code.unwrap_or(UNCLASSIFIED);
        let sido = self.sigungu_code.map(|code| code - code % SIDO_CODES).filter(|sido| *sido != own);
        [Some(ALL_REGIONS), sido, Some(own)].into_iter().flatten()
    }
}

/// Changes of the tallies.
#[derive(Debug, Default)]
pub struct TallyChanges(BTreeMap<(i64, DeliveryState, &'static str, bool), i64>);

impl TallyChanges {
    /// Adds `number` deliveries of one kind.
    pub fn add(&mut self, counted: &TallyKind, number: i64) {
        for region in counted.regions() {
            let key = (region, counted.state, counted.shipping_method.code(), counted.is_dated);
            *self.0.entry(key).or_default() += number;
        }
    }

    /// Adds the changes to the stored tallies.
    pub fn write(self, tx: &mut dyn Tx) -> Result<()> {
        let changes = self.0.into_iter().filter(|(_, number)| *number != 0);
        let mut rows = changes.map(|((region, state, method, is_dated), number)| {
            vec![region.into(), (state as i64).into(), method.into(), is_dated.into(), number.into()]
        });
        let keys = ["region", "state", "shipping_method", "is_dated"];
        tx.increment_many("delivery_tallies", &keys, "delivery_count", &mut rows)
    }
}

/// Number of deliveries of one kind in a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryTally {
    /// state
    pub state: DeliveryState,
    /// shipping method
    pub shipping_method: ShippingMethod,
    /// whether they have a 희망배송일
    pub is_dated: bool,
    /// number
    pub delivery_count: i64,
}

/// The tallies of a region: [`ALL_REGIONS`], [`UNCLASSIFIED`], or the code of a 시/도 or 시/군/구.
pub fn of_region(tx: &mut dyn Tx, region: i64) -> Result<Vec<DeliveryTally>> {
    let sql = "SELECT state, shipping_method, is_dated, delivery_count FROM delivery_tallies WHERE region = ?";
    let inconsistent = || StorageError::Inconsistent(format!("delivery_tallies of {region}"));
    let mut tallies = Vec::new();
    tx.for_each(sql, &[region.into()], &mut |mut row| {
        tallies.push(DeliveryTally {
            state: DeliveryState::from_stored(row.int(0)?).ok_or_else(inconsistent)?,
            shipping_method: row.code(1, "delivery_tallies.shipping_method")?,
            is_dated: row.bool(2)?,
            delivery_count: row.int(3)?,
        });
        Ok(())
    })?;
    Ok(tallies)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delivery_counts_for_the_country_its_sido_and_its_sigungu() {
        let regions = |sigungu_code| {
            let (state, shipping_method) = (DeliveryState::Preparing, ShippingMethod::Direct);
            TallyKind { state, shipping_method, is_dated: false, sigungu_code }.regions().collect::<Vec<_>>()
        };
        assert_eq!(regions(Some(47_110)), [0, 47_000, 47_110]);
        assert_eq!(regions(Some(36_000)), [0, 36_000]);
        assert_eq!(regions(None), [0, -1]);
    }
}

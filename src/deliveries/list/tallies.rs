//! Numbers of deliveries of a list, from the tallies, as far as these distinguish what the filters do.

use super::listing::IndexRange;
use crate::deliveries::filter::{PreferredDate, RegionFilter};
use crate::orders::store::delivery_tallies::{ALL_REGIONS, DeliveryTally, UNCLASSIFIED, of_region};
use crate::storage::{Result, Tx};

/// The tallies of the region of a list; none if the list is not of a whole region.
#[derive(Debug, Default)]
pub(super) struct Tallies {
    region: Option<i64>,
    tallies: Vec<DeliveryTally>,
}

impl Tallies {
    pub(super) fn of(tx: &mut dyn Tx, region: RegionFilter) -> Result<Self> {
        let region = match region {
            RegionFilter::Any => Some(ALL_REGIONS),
            RegionFilter::Sido(code) | RegionFilter::Sigungu(code) => Some(code),
            RegionFilter::Unclassified => Some(UNCLASSIFIED),
            RegionFilter::Gu { .. } => None,
        };
        let tallies = region.map_or(Ok(Vec::new()), |region| of_region(tx, region))?;
        Ok(Self { region, tallies })
    }

    /// Number of rows of a part of the list; none if it has to be counted.
    pub(super) fn rows(&self, range: &IndexRange) -> Option<i64> {
        self.region?;
        let is_counted = |tally: &&DeliveryTally| {
            range.states.contains(&tally.state)
                && range.methods.contains(&tally.shipping_method)
                && match range.preferred_date {
                    PreferredDate::Any => true,
                    PreferredDate::Dated => tally.is_dated,
                    PreferredDate::Undated => !tally.is_dated,
                    PreferredDate::Between(..) => false,
                }
        };
        let is_of_days = matches!(range.preferred_date, PreferredDate::Between(..));
        (!is_of_days).then(|| self.tallies.iter().filter(is_counted).map(|tally| tally.delivery_count).sum())
    }

    /// Number of all deliveries; none if the list is of a region.
    pub(super) fn all(&self) -> Option<i64> {
        (self.region == Some(ALL_REGIONS)).then(|| self.tallies.iter().map(|tally| tally.delivery_count).sum())
    }
}

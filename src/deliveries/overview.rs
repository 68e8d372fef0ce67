//! The overview: how many deliveries under way each region has, by 희망배송일. `store::overview` counts them.

use chrono::{Datelike, Days, NaiveDate};

use crate::orders::bundle::DeliveryState;
use crate::orders::model::ShippingMethod;
use crate::text::coded;

coded! {
    /// A span of 희망배송일, relative to today. Every date is in exactly one of them.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum DateBucket {
        /// before today
        Overdue = "overdue" "지남",
        /// today
        Today = "today" "오늘",
        /// tomorrow
        Tomorrow = "tomorrow" "내일",
        /// the day after tomorrow until Sunday
        ThisWeek = "week" "이번 주",
        /// after both Sunday and tomorrow
        Later = "later" "그 뒤",
        /// no 희망배송일
        Undated = "none" "날짜 없음",
    }
}

impl DateBucket {
    /// First and last date, each none if unbounded. None for [`DateBucket::Undated`], and for
    /// [`DateBucket::ThisWeek`] if tomorrow is Sunday or later.
    pub fn days(self, today: NaiveDate) -> Option<(Option<NaiveDate>, Option<NaiveDate>)> {
        let plus = |days| today.checked_add_days(Days::new(days)).unwrap_or(NaiveDate::MAX);
        let sunday = u64::from(6 - today.weekday().num_days_from_monday());
        match self {
            Self::Overdue => Some((None, today.pred_opt())),
            Self::Today => Some((Some(today), Some(today))),
            Self::Tomorrow => Some((Some(plus(1)), Some(plus(1)))),
            Self::ThisWeek => (sunday > 1).then(|| (Some(plus(2)), Some(plus(sunday)))),
            Self::Later => Some((Some(plus(sunday.max(1) + 1)), None)),
            Self::Undated => None,
        }
    }
}

/// The deliveries to count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OverviewFilter {
    /// state; none is every state under way
    pub state: Option<DeliveryState>,
    /// shipping method; none is all
    pub method: Option<ShippingMethod>,
    /// 희망배송일; none is all
    pub day: Option<NaiveDate>,
}

impl OverviewFilter {
    /// The states to count.
    pub fn states(&self) -> Vec<DeliveryState> {
        self.state.map_or_else(|| DeliveryState::UNDER_WAY.to_vec(), |state| vec![state])
    }
}

/// Numbers of deliveries, in the order of [`DateBucket::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BucketCounts(pub(super) [i64; 6]);

impl BucketCounts {
    /// The number of deliveries in a bucket.
    pub fn of(&self, bucket: DateBucket) -> i64 {
        self.0[bucket as usize]
    }

    /// The number of deliveries in all buckets.
    pub fn total(&self) -> i64 {
        self.0.iter().sum()
    }

    /// Adds the numbers of another region.
    pub fn add(&mut self, other: &Self) {
        for (sum, number) in self.0.iter_mut().zip(other.0) {
            *sum += number;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        crate::time::parse_date(text).expect("a date")
    }

    #[test]
    fn every_date_is_in_exactly_one_bucket() {
        for today in (16..=29).map(|number| day(&format!("2026-11-{number}"))) {
            let buckets = |date: NaiveDate| {
                DateBucket::ALL
                    .into_iter()
                    .filter(|bucket| {
                        bucket.days(today).is_some_and(|(first, last)| {
                            first.is_none_or(|first| first <= date) && last.is_none_or(|last| date <= last)
                        })
                    })
                    .collect::<Vec<_>>()
            };
            for date in today.pred_opt().expect("a day").iter_days().take(20) {
                assert_eq!(buckets(date).len(), 1, "{date} seen from {today}: {:?}", buckets(date));
            }
        }
        let sunday = day("2026-11-22");
        assert_eq!(DateBucket::ThisWeek.days(sunday), None);
        assert_eq!(DateBucket::Later.days(sunday), Some((Some(day("2026-11-24")), None)));
        let monday = day("2026-11-23");
        assert_eq!(DateBucket::ThisWeek.days(monday), Some((Some(day("2026-11-25")), Some(day("2026-11-29")))));
    }
}

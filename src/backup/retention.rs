//! Retention policy of a target.
//!
//! Keeps every moment of the last hours, then one snapshot per day, then one per month. The newest
//! [`MIN_VERIFIED_SNAPSHOTS`] verified snapshots and the newest snapshot of all are kept whatever the settings
//! are, together with the segments they need.

use std::collections::HashSet;

use chrono::Datelike;

use super::object_keys::ObjectKey;
use crate::config::Retention;
use crate::time::Moment;

/// Number of verified snapshots that are kept whatever their age.
const MIN_VERIFIED_SNAPSHOTS: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct SnapshotKey<'k> {
    at: i64,
    generation: &'k str,
    first: u64,
    next: u64,
}

/// Keys of the objects that may be deleted. Claims are always kept.
pub(super) fn expired(keys: &[ObjectKey], retention: Retention, now: Moment) -> Vec<&ObjectKey> {
    let mut newest_first: Vec<SnapshotKey<'_>> = keys.iter().filter_map(snapshot_key).collect();
    newest_first.sort_unstable_by(|one, other| other.cmp(one));
    let verified: HashSet<_> = keys.iter().filter_map(verified_snapshot).collect();
    let is_verified =
        |snapshot: &&SnapshotKey<'_>| verified.contains(&(snapshot.generation, snapshot.first, snapshot.next));
    let newest_verified: Vec<SnapshotKey<'_>> =
        newest_first.iter().filter(is_verified).take(MIN_VERIFIED_SNAPSHOTS).copied().collect();

    // Restoring the oldest moment to keep starts from the last snapshot before it.
    let oldest_moment = now.plus_ms(-i64::try_from(retention.moments.as_millis()).unwrap_or(i64::MAX)).0;
    let base = newest_first.iter().find(|snapshot| snapshot.at <= oldest_moment).or(newest_first.last()).copied();
    // From this snapshot on everything is kept: any moment can be restored.
    let all_since = newest_verified.last().copied().into_iter().chain(base).min();

    let mut kept: HashSet<SnapshotKey<'_>> = newest_verified.into_iter().chain(newest_first.first().copied()).collect();
    kept.extend(newest_first.iter().filter(|snapshot| all_since.is_some_and(|since| **snapshot >= since)));
    kept.extend(newest_per_period(&newest_first, retention.days, now, |date| i64::from(date.num_days_from_ce())));
    kept.extend(newest_per_period(&newest_first, retention.months, now, |date| {
        i64::from(date.year()) * 12 + i64::from(date.month0())
    }));

    let is_kept =
        |key: &ObjectKey| match key {
            ObjectKey::Claim { .. } => true,
            ObjectKey::Snapshot { .. } => snapshot_key(key).is_some_and(|snapshot| kept.contains(&snapshot)),
            ObjectKey::Verification { generation, first, next, .. } => {
                kept.iter().any(|kept| kept.generation == generation && (kept.first, kept.next) == (*first, *next))
            }
            ObjectKey::Segment { generation, number, at } => {
                all_since.is_none_or(|since| {
                    if since.generation == generation { *number >= since.first } else { *at >= since.at }
                }) || kept.iter().any(|kept| kept.generation == generation && (kept.first..kept.next).contains(number))
            }
        };
    keys.iter().filter(|key| !is_kept(key)).collect()
}

/// The newest snapshot of each of the last `count` periods; `period` numbers the days or months.
fn newest_per_period<'k>(
    newest_first: &[SnapshotKey<'k>],
    count: u32,
    now: Moment,
    period: impl Fn(chrono::NaiveDate) -> i64,
) -> Vec<SnapshotKey<'k>> {
    let oldest = period(now.date()) - i64::from(count);
    let mut seen = HashSet::new();
    let period_of = |snapshot: &SnapshotKey<'_>| period(Moment(snapshot.at).date());
    newest_first
        .iter()
        .filter(|snapshot| period_of(snapshot) > oldest && seen.insert(period_of(snapshot)))
        .copied()
        .collect()
}

fn snapshot_key(key: &ObjectKey) -> Option<SnapshotKey<'_>> {
    match key {
        ObjectKey::Snapshot { generation, first, next, at } => {
            Some(SnapshotKey { at: *at, generation, first: *first, next: *next })
        }
        _ => None,
    }
}

/// Generation and segments of the snapshot that a verification belongs to.
fn verified_snapshot(key: &ObjectKey) -> Option<(&str, u64, u64)> {
    match key {
        ObjectKey::Verification { generation, first, next, .. } => Some((generation, *first, *next)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use proptest::prelude::*;

    const HOUR: i64 = 3_600_000;
    const NOW: Moment = Moment(1_795_316_400_000);

    /// A snapshot every six hours and a segment every hour, for `days` days. `verified` are indexes of verified
    /// snapshots, 0 is the newest.
    fn history(days: i64, verified: &[usize]) -> Vec<ObjectKey> {
        let generation = || "G".to_owned();
        let mut keys = vec![ObjectKey::Claim { number: 1 }];
        let hours = days * 24;
        for hour in 0..hours {
            let number = u64::try_from(hour + 1).expect("positive");
            let at = NOW.0 - (hours - hour) * HOUR;
            keys.push(ObjectKey::Segment { generation: generation(), number, at });
            if hour % 6 == 0 {
                keys.push(ObjectKey::Snapshot { generation: generation(), first: number, next: number + 2, at });
            }
        }
        let mut snapshots: Vec<_> = keys.iter().filter_map(snapshot_key).map(|s| (s.at, s.first, s.next)).collect();
        snapshots.sort_unstable_by(|one, other| other.cmp(one));
        for index in verified {
            let (at, first, next) = snapshots[*index];
            keys.push(ObjectKey::Verification { generation: generation(), first, next, at });
        }
        keys
    }

    fn remaining(keys: &[ObjectKey], retention: Retention) -> Vec<ObjectKey> {
        let expired = expired(keys, retention, NOW);
        keys.iter().filter(|key| !expired.contains(key)).cloned().collect()
    }

    #[test]
    fn default_keeps_three_days_then_daily_then_monthly_snapshots() {
        let left = remaining(&history(500, &[0, 3]), Retention::default());
        let snapshots: Vec<_> = left.iter().filter_map(snapshot_key).collect();
        let recent = snapshots.iter().filter(|snapshot| snapshot.at >= NOW.0 - 72 * HOUR).count();
        assert_eq!(recent, 12);
        assert!((12 + 28 + 8..12 + 28 + 14).contains(&snapshots.len()), "{}", snapshots.len());
        let segments = left.iter().filter(|key| matches!(key, ObjectKey::Segment { .. })).count();
        assert!((72 + 2 * 36..90 + 2 * 45).contains(&segments), "{segments}");
    }

    #[test]
    fn everything_since_the_last_verified_snapshots_is_kept() {
        let keys = history(60, &[100, 120]);
        let left = remaining(&keys, Retention { moments: Duration::from_hours(1), days: 1, months: 1 });
        let oldest = left.iter().filter_map(snapshot_key).map(|snapshot| snapshot.first).min().expect("one");
        let segments: HashSet<_> = left
            .iter()
            .filter_map(|key| match key {
                ObjectKey::Segment { number, .. } => Some(*number),
                _ => None,
            })
            .collect();
        assert!((oldest..=60 * 24).all(|number| segments.contains(&number)), "no gap since {oldest}");
        assert_eq!(left.iter().filter(|key| matches!(key, ObjectKey::Verification { .. })).count(), 2);
    }

    proptest! {
        #[test]
        fn kept_snapshots_have_all_segments_they_need(
            span in 1..120_i64,
            verified in proptest::collection::btree_set(0..400_usize, 0..4),
            hours in 0..200_u64, days in 0..40_u32, months in 0..5_u32,
        ) {
            let count = usize::try_from(span * 4).expect("positive");
            let verified: Vec<_> = verified.into_iter().filter(|index| *index < count).collect();
            let keys = history(span, &verified);
            let retention = Retention { moments: Duration::from_hours(hours), days, months };
            let left = remaining(&keys, retention);
            let has = |wanted: u64| left.iter().any(|key| matches!(key, ObjectKey::Segment { number, .. } if *number == wanted));
            let snapshots: Vec<_> = left.iter().filter_map(snapshot_key).collect();
            prop_assert!(!snapshots.is_empty());
            for snapshot in &snapshots {
                prop_assert!((snapshot.first..snapshot.next).all(|number| number > u64::try_from(span * 24).expect("positive") || has(number)));
            }
            let mut newest: Vec<_> = keys.iter().filter_map(snapshot_key).collect();
            newest.sort_unstable_by(|one, other| other.cmp(one));
            for index in verified.iter().take(MIN_VERIFIED_SNAPSHOTS) {
                prop_assert!(snapshots.contains(&newest[*index]), "a verified snapshot is gone");
            }
            // Idempotent.
            prop_assert!(expired(&left, retention, NOW).is_empty());
        }
    }
}

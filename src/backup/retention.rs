//! What a target may forget.
//!
//! Every moment of the last hours, then a snapshot a day, then one a month. Whatever the settings
//! say, the newest two snapshots that were restored and found right stay with all that they need, and
//! so does the newest snapshot of all.

use std::collections::HashSet;
use std::time::Duration;

use chrono::Datelike;

use super::object_keys::Name;
use crate::time::Moment;

/// How long what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// every moment
    pub moments: Duration,
    /// one snapshot of each day
    pub days: u32,
    /// one snapshot of each month
    pub months: u32,
}

impl Default for Keep {
    fn default() -> Self {
        Self { moments: Duration::from_hours(72), days: 31, months: 12 }
    }
}

/// How many snapshots that were proven stay, whatever their age.
const PROVEN: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Snapshot<'n> {
    at: i64,
    generation: &'n str,
    first: u64,
    next: u64,
}

/// Which of these objects nobody needs any more. Claims are not touched.
pub(super) fn expired(names: &[Name], keep: Keep, now: Moment) -> Vec<&Name> {
    let mut newest_first: Vec<Snapshot<'_>> = names.iter().filter_map(snapshot).collect();
    newest_first.sort_unstable_by(|one, other| other.cmp(one));
    let proofs: HashSet<_> = names.iter().filter_map(proof).collect();
    let is_proven = |snapshot: &&Snapshot<'_>| proofs.contains(&(snapshot.generation, snapshot.first, snapshot.next));
    let proven: Vec<Snapshot<'_>> = newest_first.iter().filter(is_proven).take(PROVEN).copied().collect();

    // To go to the oldest of the kept moments one begins at the last snapshot before it.
    let moments = now.plus_ms(-i64::try_from(keep.moments.as_millis()).unwrap_or(i64::MAX)).0;
    let begin = newest_first.iter().find(|snapshot| snapshot.at <= moments).or(newest_first.last()).copied();
    let all_since = proven.last().copied().into_iter().chain(begin).min();

    let mut kept: HashSet<Snapshot<'_>> = proven.into_iter().chain(newest_first.first().copied()).collect();
    kept.extend(newest_first.iter().filter(|snapshot| all_since.is_some_and(|since| **snapshot >= since)));
    kept.extend(one_of_each(&newest_first, keep.days, now, |date| i64::from(date.num_days_from_ce())));
    kept.extend(one_of_each(&newest_first, keep.months, now, |date| {
        i64::from(date.year()) * 12 + i64::from(date.month0())
    }));

    let is_wanted =
        |name: &Name| match name {
            Name::Claim { .. } => true,
            Name::Snapshot { .. } => snapshot(name).is_some_and(|snapshot| kept.contains(&snapshot)),
            Name::Proof { generation, first, next, .. } => {
                kept.iter().any(|kept| kept.generation == generation && (kept.first, kept.next) == (*first, *next))
            }
            Name::Segment { generation, number, at } => {
                all_since.is_none_or(|since| {
                    if since.generation == generation { *number >= since.first } else { *at >= since.at }
                }) || kept.iter().any(|kept| kept.generation == generation && (kept.first..kept.next).contains(number))
            }
        };
    names.iter().filter(|name| !is_wanted(name)).collect()
}

/// The newest of each of the last `count` days or months.
fn one_of_each<'n>(
    newest_first: &[Snapshot<'n>],
    count: u32,
    now: Moment,
    unit: impl Fn(chrono::NaiveDate) -> i64,
) -> Vec<Snapshot<'n>> {
    let oldest = unit(now.date()) - i64::from(count);
    let mut seen = HashSet::new();
    let unit_of = |snapshot: &Snapshot<'_>| unit(Moment(snapshot.at).date());
    newest_first
        .iter()
        .filter(|snapshot| unit_of(snapshot) > oldest && seen.insert(unit_of(snapshot)))
        .copied()
        .collect()
}

fn snapshot(name: &Name) -> Option<Snapshot<'_>> {
    match name {
        Name::Snapshot { generation, first, next, at } => {
            Some(Snapshot { at: *at, generation, first: *first, next: *next })
        }
        _ => None,
    }
}

fn proof(name: &Name) -> Option<(&str, u64, u64)> {
    match name {
        Name::Proof { generation, first, next, .. } => Some((generation, *first, *next)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: i64 = 3_600_000;
    const NOW: Moment = Moment(1_795_316_400_000);

    /// A snapshot every six hours and a segment every hour, for `days` days; the newest snapshots in
    /// `proven` (counted from the newest, 0) are.
    fn year(days: i64, proven: &[usize]) -> Vec<Name> {
        let generation = || "G".to_owned();
        let mut names = vec![Name::Claim { number: 1 }];
        let hours = days * 24;
        for hour in 0..hours {
            let number = u64::try_from(hour + 1).expect("positive");
            let at = NOW.0 - (hours - hour) * HOUR;
            names.push(Name::Segment { generation: generation(), number, at });
            if hour % 6 == 0 {
                names.push(Name::Snapshot { generation: generation(), first: number, next: number + 2, at });
            }
        }
        let mut snapshots: Vec<_> = names.iter().filter_map(snapshot).map(|s| (s.at, s.first, s.next)).collect();
        snapshots.sort_unstable_by(|one, other| other.cmp(one));
        for place in proven {
            let (at, first, next) = snapshots[*place];
            names.push(Name::Proof { generation: generation(), first, next, at });
        }
        names
    }

    fn left(names: &[Name], keep: Keep) -> Vec<Name> {
        let gone = expired(names, keep, NOW);
        names.iter().filter(|name| !gone.contains(name)).cloned().collect()
    }

    #[test]
    fn every_moment_of_three_days_a_snapshot_a_day_for_a_month_and_one_a_month_for_a_year() {
        let left = left(&year(500, &[0, 3]), Keep::default());
        let snapshots: Vec<_> = left.iter().filter_map(snapshot).collect();
        let recent = snapshots.iter().filter(|snapshot| snapshot.at >= NOW.0 - 72 * HOUR).count();
        assert_eq!(recent, 12);
        assert!((12 + 28 + 8..12 + 28 + 14).contains(&snapshots.len()), "{}", snapshots.len());
        let segments = left.iter().filter(|name| matches!(name, Name::Segment { .. })).count();
        assert!((72 + 2 * 36..90 + 2 * 45).contains(&segments), "{segments}");
    }

    #[test]
    fn a_shop_whose_proofs_are_old_keeps_everything_since_them() {
        let names = year(60, &[100, 120]);
        let left = left(&names, Keep { moments: Duration::from_hours(1), days: 1, months: 1 });
        let oldest = left.iter().filter_map(snapshot).map(|snapshot| snapshot.first).min().expect("one");
        let segments: HashSet<_> = left
            .iter()
            .filter_map(|name| match name {
                Name::Segment { number, .. } => Some(*number),
                _ => None,
            })
            .collect();
        assert!((oldest..=60 * 24).all(|number| segments.contains(&number)), "no gap since {oldest}");
        assert_eq!(left.iter().filter(|name| matches!(name, Name::Proof { .. })).count(), 2);
    }

    proptest! {
        #[test]
        fn what_is_left_of_a_snapshot_can_be_restored(
            days in 1..120_i64,
            proven in proptest::collection::btree_set(0..400_usize, 0..4),
            hours in 0..200_u64, keep_days in 0..40_u32, months in 0..5_u32,
        ) {
            let count = usize::try_from(days * 4).expect("positive");
            let proven: Vec<_> = proven.into_iter().filter(|place| *place < count).collect();
            let names = year(days, &proven);
            let keep = Keep { moments: Duration::from_hours(hours), days: keep_days, months };
            let left = left(&names, keep);
            let has = |wanted: u64| left.iter().any(|name| matches!(name, Name::Segment { number, .. } if *number == wanted));
            let snapshots: Vec<_> = left.iter().filter_map(snapshot).collect();
            prop_assert!(!snapshots.is_empty());
            for snapshot in &snapshots {
                prop_assert!((snapshot.first..snapshot.next).all(|number| number > u64::try_from(days * 24).expect("positive") || has(number)));
            }
            let mut newest: Vec<_> = names.iter().filter_map(snapshot).collect();
            newest.sort_unstable_by(|one, other| other.cmp(one));
            for place in proven.iter().take(PROVEN) {
                prop_assert!(snapshots.contains(&newest[*place]), "a proven snapshot is gone");
            }
            // Forgetting twice forgets nothing more.
            prop_assert!(expired(&left, keep, NOW).is_empty());
        }
    }
}

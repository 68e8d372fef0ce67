//! Plans a restore from the list of keys alone: the newest snapshot before the moment, then every segment after
//! it. A missing segment is reported before anything is downloaded.

use super::object_keys::ObjectKey;
use crate::time::Moment;

/// Why a moment cannot be restored.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The target has no snapshot.
    #[error("이곳에는 복원할 수 있는 백업이 없어요.")]
    NoSnapshot,
    /// The moment is before the oldest snapshot.
    #[error("{}의 백업은 없어요. 가장 오래된 백업은 {}예요.", wanted.precise(), oldest.precise())]
    TooEarly {
        /// the requested moment
        wanted: Moment,
        /// the oldest moment that can be restored
        oldest: Moment,
    },
    /// A segment is missing.
    #[error("백업이 이어지지 않아요: {generation}의 {missing}번 조각이 없어요. {}", until.map(|until| format!("{}까지는 시각을 정해 복원할 수 있어요.", until.precise())).unwrap_or_default())]
    Gap {
        /// its generation
        generation: String,
        /// number of the first missing segment
        missing: u64,
        /// the last moment before it that can be restored
        until: Option<Moment>,
    },
    /// The moment is between two generations, in which commits were missed.
    #[error("{}에는 백업이 끊어져 있었어요. {}까지{} 복원할 수 있어요.", wanted.precise(), until.precise(),
        from.map(|from| format!(", 또는 {}부터", from.precise())).unwrap_or_default())]
    Between {
        /// the requested moment
        wanted: Moment,
        /// the last moment before it that can be restored
        until: Moment,
        /// the first moment after it that can be restored, if the next generation has a snapshot
        from: Option<Moment>,
    },
}

/// The objects to restore a moment from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RestorePlan {
    pub(super) snapshot: ObjectKey,
    pub(super) segments: Vec<ObjectKey>,
    /// newest commit of a later generation that has no snapshot yet
    pub(super) newer: Option<Moment>,
}

/// Plans a restore of the newest moment, or of `at`.
pub(super) fn plan_restore(keys: &[ObjectKey], at: Option<Moment>) -> Result<RestorePlan, PlanError> {
    let snapshots = || {
        keys.iter().filter_map(|key| match key {
            ObjectKey::Snapshot { generation, first, at, .. } => Some((*at, generation.as_str(), *first, key)),
            _ => None,
        })
    };
    let oldest = snapshots().map(|(at, ..)| at).min().ok_or(PlanError::NoSnapshot)?;
    let until = at.map_or(i64::MAX, |at| at.0);
    let base = snapshots().filter(|(at, ..)| *at <= until).max();
    let Some((snapshot_at, generation, first, snapshot)) = base else {
        return Err(PlanError::TooEarly { wanted: Moment(until), oldest: Moment(oldest) });
    };
    let (mut planned, mut expected, mut reached) = (Vec::new(), first, snapshot_at);
    let mut segments: Vec<_> = segments_of(keys, generation).filter(|(number, ..)| *number >= first).collect();
    segments.sort_unstable();
    let ObjectKey::Snapshot { next, .. } = snapshot else { return Err(PlanError::NoSnapshot) };
    for (number, at, key) in segments {
        if number != expected {
            // A duplicate number. The digests show later whether the first one is right.
            if number < expected {
                continue;
            }
            break;
        }
        planned.push(key.clone());
        expected += 1;
        reached = reached.max(at);
        if at > until && expected >= *next {
            break;
        }
    }
    let newest = segments_of(keys, generation).max();
    let has_gap = expected < *next || (reached < until && newest.is_some_and(|(number, ..)| number >= expected));
    if has_gap {
        // Without the segments it needs a snapshot cannot be restored at all.
        let until = if expected < *next { newest_before(keys, snapshot_at) } else { Some(Moment(reached)) };
        return Err(PlanError::Gap { generation: generation.to_owned(), missing: expected, until });
    }
    let later = || keys.iter().filter(|key| key.generation() > Some(generation));
    if reached < until && at.is_some() && later().next().is_some() {
        let from = later().filter(|key| matches!(key, ObjectKey::Snapshot { .. })).map(ObjectKey::at).min();
        return Err(PlanError::Between { wanted: Moment(until), until: Moment(reached), from: from.map(Moment) });
    }
    let newer = keys.iter().filter_map(|key| match key {
        ObjectKey::Segment { generation: other, at, .. } if other.as_str() > generation && *at <= until => Some(*at),
        _ => None,
    });
    Ok(RestorePlan { snapshot: snapshot.clone(), segments: planned, newer: newer.max().map(Moment) })
}

/// The newest moment before `at` that can be restored.
fn newest_before(keys: &[ObjectKey], at: i64) -> Option<Moment> {
    match plan_restore(keys, Some(Moment(at - 1))) {
        Ok(plan) => Some(Moment(plan.segments.last().map_or(at - 1, ObjectKey::at).min(at - 1))),
        Err(PlanError::Gap { until, .. }) => until,
        Err(PlanError::Between { until, .. }) => Some(until),
        Err(_) => None,
    }
}

fn segments_of<'k>(keys: &'k [ObjectKey], generation: &'k str) -> impl Iterator<Item = (u64, i64, &'k ObjectKey)> {
    keys.iter().filter_map(move |key| match key {
        ObjectKey::Segment { generation: of, number, at } if of == generation => Some((*number, *at, key)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(generation: &str, number: u64, at: i64) -> ObjectKey {
        ObjectKey::Segment { generation: generation.to_owned(), number, at }
    }

    fn snapshot(generation: &str, first: u64, next: u64, at: i64) -> ObjectKey {
        ObjectKey::Snapshot { generation: generation.to_owned(), first, next, at }
    }

    fn two_generations() -> Vec<ObjectKey> {
        let mut keys: Vec<_> =
            (1..=6).map(|number| segment("A", number, i64::try_from(number).expect("few") * 10)).collect();
        keys.extend([snapshot("A", 1, 2, 12), snapshot("A", 3, 5, 45), snapshot("B", 1, 1, 100), segment("B", 1, 110)]);
        keys
    }

    #[test]
    fn plan_is_the_newest_snapshot_before_the_moment_and_later_segments() {
        let keys = two_generations();
        let newest = plan_restore(&keys, None).expect("a plan");
        assert_eq!((newest.snapshot, newest.segments), (snapshot("B", 1, 1, 100), vec![segment("B", 1, 110)]));
        let early = plan_restore(&keys, Some(Moment(30))).expect("a plan");
        assert_eq!(early.snapshot, snapshot("A", 1, 2, 12));
        assert_eq!(early.segments.len(), 4, "one beyond the moment: it may hold commits before it");
        let last = plan_restore(&keys, Some(Moment(60))).expect("a plan");
        assert_eq!((last.snapshot, last.segments.len()), (snapshot("A", 3, 5, 45), 4));
        let between = plan_restore(&keys, Some(Moment(99)));
        let bounds = (Moment(60), Some(Moment(100)));
        assert!(
            matches!(between, Err(PlanError::Between { until, from, .. }) if (until, from) == bounds),
            "commits between the generations are unknown: {between:?}"
        );
    }

    #[test]
    fn gap_is_reported_unless_the_moment_is_before_it() {
        let mut keys = two_generations();
        keys.retain(|key| *key != segment("A", 4, 40));
        let gap = plan_restore(&keys, Some(Moment(60)));
        assert!(matches!(gap, Err(PlanError::Gap { missing: 4, until: Some(Moment(30)), .. })), "{gap:?}");
        assert!(plan_restore(&keys, Some(Moment(25))).is_ok());
        let early = plan_restore(&keys, Some(Moment(11)));
        assert!(matches!(early, Err(PlanError::TooEarly { oldest: Moment(12), .. })), "{early:?}");
        assert!(matches!(plan_restore(&[], None), Err(PlanError::NoSnapshot)));

        keys.retain(|key| *key != segment("A", 3, 30));
        let gap = plan_restore(&keys, Some(Moment(60)));
        assert!(matches!(gap, Err(PlanError::Gap { missing: 3, until: Some(Moment(20)), .. })), "{gap:?}");
        keys.push(snapshot("C", 1, 2, 300));
        let gap = plan_restore(&keys, None);
        assert!(matches!(gap, Err(PlanError::Gap { missing: 1, until: Some(Moment(110)), .. })), "{gap:?}");
        assert!(plan_restore(&keys, Some(Moment(110))).is_ok(), "the reported moment can be restored");
        let alone = plan_restore(&[snapshot("C", 1, 2, 300)], None);
        assert!(matches!(alone, Err(PlanError::Gap { until: None, .. })), "{alone:?}");
    }

    #[test]
    fn newer_segments_without_a_snapshot_are_reported() {
        let mut keys = two_generations();
        keys.push(segment("C", 1, 200));
        let found = plan_restore(&keys, None).expect("a plan");
        assert_eq!((found.snapshot, found.newer), (snapshot("B", 1, 1, 100), Some(Moment(200))));
        let unknown = plan_restore(&keys, Some(Moment(150)));
        assert!(matches!(unknown, Err(PlanError::Between { until: Moment(110), from: None, .. })), "{unknown:?}");
    }
}

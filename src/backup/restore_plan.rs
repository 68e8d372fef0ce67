//! The way to a moment, from the names of the objects alone: the newest snapshot before it, then
//! every segment after that. What is missing is named before anything is fetched.

use super::object_keys::Name;
use crate::time::Moment;

/// Why no plan leads to a moment.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// No snapshot anywhere.
    #[error("이 자리에는 되살릴 수 있는 백업이 없어요.")]
    NoSnapshot,
    /// Before the oldest.
    #[error("{}의 백업은 없어요. 가장 오래된 백업은 {}예요.", wanted.precise(), oldest.precise())]
    TooEarly {
        /// what was asked for
        wanted: Moment,
        /// the oldest moment that can be restored
        oldest: Moment,
    },
    /// Segments are not there.
    #[error("백업이 이어지지 않아요: {generation}의 {missing}번 조각이 없어요. {}", until.map(|until| format!("{}까지는 --at으로 되살릴 수 있어요.", until.precise())).unwrap_or_default())]
    Gap {
        /// in which generation
        generation: String,
        /// the first that is not there
        missing: u64,
        /// the last moment before it to which there is a way
        until: Option<Moment>,
    },
    /// Between two generations: what was committed then is in no copy that can be restored to it.
    #[error("{}에는 백업이 끊어져 있었어요. {}까지{} 되살릴 수 있어요.", wanted.precise(), until.precise(),
        from.map(|from| format!(", 또는 {}부터", from.precise())).unwrap_or_default())]
    Between {
        /// what was asked for
        wanted: Moment,
        /// the last moment before
        until: Moment,
        /// the first moment after it, if there is a snapshot yet
        from: Option<Moment>,
    },
}

/// Which objects lead to a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RestorePlan {
    pub(super) snapshot: Name,
    pub(super) segments: Vec<Name>,
    /// Copies that are newer, but of a generation without a snapshot.
    pub(super) newer: Option<Moment>,
}

/// The way to the newest moment or to `at`.
pub(super) fn plan_restore(names: &[Name], at: Option<Moment>) -> Result<RestorePlan, PlanError> {
    let snapshots = || {
        names.iter().filter_map(|name| match name {
            Name::Snapshot { generation, first, at, .. } => Some((*at, generation.as_str(), *first, name)),
            _ => None,
        })
    };
    let oldest = snapshots().map(|(at, ..)| at).min().ok_or(PlanError::NoSnapshot)?;
    let until = at.map_or(i64::MAX, |at| at.0);
    let begin = snapshots().filter(|(at, ..)| *at <= until).max();
    let Some((snapshot_at, generation, first, snapshot)) = begin else {
        return Err(PlanError::TooEarly { wanted: Moment(until), oldest: Moment(oldest) });
    };
    let (mut segments, mut expected, mut reached) = (Vec::new(), first, snapshot_at);
    let mut following: Vec<_> = segments_of(names, generation).filter(|(number, ..)| *number >= first).collect();
    following.sort_unstable();
    let Name::Snapshot { next, .. } = snapshot else { return Err(PlanError::NoSnapshot) };
    for (number, at, name) in following {
        if number != expected {
            // One that is there twice: which of them is right the chain will tell.
            if number < expected {
                continue;
            }
            break;
        }
        segments.push(name.clone());
        expected += 1;
        reached = reached.max(at);
        if at > until && expected >= *next {
            break;
        }
    }
    let newest = segments_of(names, generation).max();
    let is_cut = expected < *next || (reached < until && newest.is_some_and(|(number, ..)| number >= expected));
    if is_cut {
        // A snapshot without the segments that it needs leads nowhere, not even to its own moment.
        let until = if expected < *next { newest_before(names, snapshot_at) } else { Some(Moment(reached)) };
        return Err(PlanError::Gap { generation: generation.to_owned(), missing: expected, until });
    }
    let later = || names.iter().filter(|name| name.generation() > Some(generation));
    if reached < until && at.is_some() && later().next().is_some() {
        let from = later().filter(|name| matches!(name, Name::Snapshot { .. })).map(Name::at).min();
        return Err(PlanError::Between { wanted: Moment(until), until: Moment(reached), from: from.map(Moment) });
    }
    let newer = names.iter().filter_map(|name| match name {
        Name::Segment { generation: other, at, .. } if other.as_str() > generation && *at <= until => Some(*at),
        _ => None,
    });
    Ok(RestorePlan { snapshot: snapshot.clone(), segments, newer: newer.max().map(Moment) })
}

/// The newest moment before `at` to which there is a way.
fn newest_before(names: &[Name], at: i64) -> Option<Moment> {
    match plan_restore(names, Some(Moment(at - 1))) {
        Ok(plan) => Some(Moment(plan.segments.last().map_or(at - 1, Name::at).min(at - 1))),
        Err(PlanError::Gap { until, .. }) => until,
        Err(PlanError::Between { until, .. }) => Some(until),
        Err(_) => None,
    }
}

fn segments_of<'n>(names: &'n [Name], generation: &'n str) -> impl Iterator<Item = (u64, i64, &'n Name)> {
    names.iter().filter_map(move |name| match name {
        Name::Segment { generation: of, number, at } if of == generation => Some((*number, *at, name)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(generation: &str, number: u64, at: i64) -> Name {
        Name::Segment { generation: generation.to_owned(), number, at }
    }

    fn snapshot(generation: &str, first: u64, next: u64, at: i64) -> Name {
        Name::Snapshot { generation: generation.to_owned(), first, next, at }
    }

    fn copies() -> Vec<Name> {
        let mut names: Vec<_> =
            (1..=6).map(|number| segment("A", number, i64::try_from(number).expect("few") * 10)).collect();
        names.extend([
            snapshot("A", 1, 2, 12),
            snapshot("A", 3, 5, 45),
            snapshot("B", 1, 1, 100),
            segment("B", 1, 110),
        ]);
        names
    }

    #[test]
    fn the_newest_snapshot_before_the_moment_and_what_follows_it() {
        let names = copies();
        let newest = plan_restore(&names, None).expect("a plan");
        assert_eq!((newest.snapshot, newest.segments), (snapshot("B", 1, 1, 100), vec![segment("B", 1, 110)]));
        let early = plan_restore(&names, Some(Moment(30))).expect("a plan");
        assert_eq!(early.snapshot, snapshot("A", 1, 2, 12));
        assert_eq!(early.segments.len(), 4, "one beyond the moment: it may hold commits before it");
        let last = plan_restore(&names, Some(Moment(60))).expect("a plan");
        assert_eq!((last.snapshot, last.segments.len()), (snapshot("A", 3, 5, 45), 4));
        let between = plan_restore(&names, Some(Moment(99)));
        let bounds = (Moment(60), Some(Moment(100)));
        assert!(
            matches!(between, Err(PlanError::Between { until, from, .. }) if (until, from) == bounds),
            "nobody knows what was committed between the generations: {between:?}"
        );
    }

    #[test]
    fn a_gap_is_named_unless_the_moment_lies_before_it() {
        let mut names = copies();
        names.retain(|name| *name != segment("A", 4, 40));
        let gap = plan_restore(&names, Some(Moment(60)));
        assert!(matches!(gap, Err(PlanError::Gap { missing: 4, until: Some(Moment(30)), .. })), "{gap:?}");
        assert!(plan_restore(&names, Some(Moment(25))).is_ok());
        let early = plan_restore(&names, Some(Moment(11)));
        assert!(matches!(early, Err(PlanError::TooEarly { oldest: Moment(12), .. })), "{early:?}");
        assert!(matches!(plan_restore(&[], None), Err(PlanError::NoSnapshot)));

        names.retain(|name| *name != segment("A", 3, 30));
        let gap = plan_restore(&names, Some(Moment(60)));
        assert!(matches!(gap, Err(PlanError::Gap { missing: 3, until: Some(Moment(20)), .. })), "{gap:?}");
        names.push(snapshot("C", 1, 2, 300));
        let gap = plan_restore(&names, None);
        assert!(matches!(gap, Err(PlanError::Gap { missing: 1, until: Some(Moment(110)), .. })), "{gap:?}");
        assert!(plan_restore(&names, Some(Moment(110))).is_ok(), "what it says is so");
        let alone = plan_restore(&[snapshot("C", 1, 2, 300)], None);
        assert!(matches!(alone, Err(PlanError::Gap { until: None, .. })), "{alone:?}");
    }

    #[test]
    fn copies_of_a_generation_without_a_snapshot_are_told_of() {
        let mut names = copies();
        names.push(segment("C", 1, 200));
        let found = plan_restore(&names, None).expect("a plan");
        assert_eq!((found.snapshot, found.newer), (snapshot("B", 1, 1, 100), Some(Moment(200))));
        let unknown = plan_restore(&names, Some(Moment(150)));
        assert!(matches!(unknown, Err(PlanError::Between { until: Moment(110), from: None, .. })), "{unknown:?}");
    }
}

//! The way to a moment, from the names of the objects alone: the newest snapshot before it, then
//! every segment after that. What is missing is named before anything is fetched.

use super::names::Name;
use super::restore::RestoreError;
use crate::time::Moment;

/// Which objects lead to a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) snapshot: Name,
    pub(super) segments: Vec<Name>,
    /// Copies that are newer, but of a generation without a snapshot.
    pub(super) newer: Option<Moment>,
}

/// The way to the newest moment or to `at`.
pub(super) fn route(names: &[Name], at: Option<Moment>) -> Result<Route, RestoreError> {
    let snapshots = || {
        names.iter().filter_map(|name| match name {
            Name::Snapshot { generation, first, at, .. } => Some((*at, generation.as_str(), *first, name)),
            _ => None,
        })
    };
    let oldest = snapshots().map(|(at, ..)| at).min().ok_or(RestoreError::Nothing)?;
    let until = at.map_or(i64::MAX, |at| at.0);
    let begin = snapshots().filter(|(at, ..)| *at <= until).max();
    let Some((snapshot_at, generation, first, snapshot)) = begin else {
        return Err(RestoreError::TooEarly { wanted: Moment(until), oldest: Moment(oldest) });
    };
    let (mut segments, mut expected, mut reached) = (Vec::new(), first, snapshot_at);
    let mut following: Vec<_> = segments_of(names, generation).filter(|(number, ..)| *number >= first).collect();
    following.sort_unstable();
    let Name::Snapshot { next, .. } = snapshot else { return Err(RestoreError::Nothing) };
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
        return Err(RestoreError::Gap { generation: generation.to_owned(), missing: expected, until });
    }
    let later = || names.iter().filter(|name| name.generation() > Some(generation));
    if reached < until && at.is_some() && later().next().is_some() {
        let from = later().filter(|name| matches!(name, Name::Snapshot { .. })).map(Name::at).min();
        return Err(RestoreError::Between { wanted: Moment(until), until: Moment(reached), from: from.map(Moment) });
    }
    let newer = names.iter().filter_map(|name| match name {
        Name::Segment { generation: other, at, .. } if other.as_str() > generation && *at <= until => Some(*at),
        _ => None,
    });
    Ok(Route { snapshot: snapshot.clone(), segments, newer: newer.max().map(Moment) })
}

/// The newest moment before `at` to which there is a way.
fn newest_before(names: &[Name], at: i64) -> Option<Moment> {
    match route(names, Some(Moment(at - 1))) {
        Ok(route) => Some(Moment(route.segments.last().map_or(at - 1, Name::at).min(at - 1))),
        Err(RestoreError::Gap { until, .. }) => until,
        Err(RestoreError::Between { until, .. }) => Some(until),
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
        let newest = route(&names, None).expect("a route");
        assert_eq!((newest.snapshot, newest.segments), (snapshot("B", 1, 1, 100), vec![segment("B", 1, 110)]));
        let early = route(&names, Some(Moment(30))).expect("a route");
        assert_eq!(early.snapshot, snapshot("A", 1, 2, 12));
        assert_eq!(early.segments.len(), 4, "one beyond the moment: it may hold commits before it");
        let last = route(&names, Some(Moment(60))).expect("a route");
        assert_eq!((last.snapshot, last.segments.len()), (snapshot("A", 3, 5, 45), 4));
        let between = route(&names, Some(Moment(99)));
        let bounds = (Moment(60), Some(Moment(100)));
        assert!(
            matches!(between, Err(RestoreError::Between { until, from, .. }) if (until, from) == bounds),
            "nobody knows what was committed between the generations: {between:?}"
        );
    }

    #[test]
    fn a_gap_is_named_unless_the_moment_lies_before_it() {
        let mut names = copies();
        names.retain(|name| *name != segment("A", 4, 40));
        let gap = route(&names, Some(Moment(60)));
        assert!(matches!(gap, Err(RestoreError::Gap { missing: 4, until: Some(Moment(30)), .. })), "{gap:?}");
        assert!(route(&names, Some(Moment(25))).is_ok());
        let early = route(&names, Some(Moment(11)));
        assert!(matches!(early, Err(RestoreError::TooEarly { oldest: Moment(12), .. })), "{early:?}");
        assert!(matches!(route(&[], None), Err(RestoreError::Nothing)));

        names.retain(|name| *name != segment("A", 3, 30));
        let gap = route(&names, Some(Moment(60)));
        assert!(matches!(gap, Err(RestoreError::Gap { missing: 3, until: Some(Moment(20)), .. })), "{gap:?}");
        names.push(snapshot("C", 1, 2, 300));
        let gap = route(&names, None);
        assert!(matches!(gap, Err(RestoreError::Gap { missing: 1, until: Some(Moment(110)), .. })), "{gap:?}");
        assert!(route(&names, Some(Moment(110))).is_ok(), "what it says is so");
        let alone = route(&[snapshot("C", 1, 2, 300)], None);
        assert!(matches!(alone, Err(RestoreError::Gap { until: None, .. })), "{alone:?}");
    }

    #[test]
    fn copies_of_a_generation_without_a_snapshot_are_told_of() {
        let mut names = copies();
        names.push(segment("C", 1, 200));
        let found = route(&names, None).expect("a route");
        assert_eq!((found.snapshot, found.newer), (snapshot("B", 1, 1, 100), Some(Moment(200))));
        let unknown = route(&names, Some(Moment(150)));
        assert!(matches!(unknown, Err(RestoreError::Between { until: Moment(110), from: None, .. })), "{unknown:?}");
    }
}

//! Keys of the objects at a target.
//!
//! ```text
//! claims/00000001.json                                    ownership; the highest number counts
//! 01KB…/segments/0000000001-1764000000000.seg             number, time of the last commit
//! 01KB…/snapshots/0000000001-0000000004-1764….snap        first and next segment, time
//! 01KB…/verifications/0000000001-0000000004-1764….json    successful verification of that snapshot
//! ```
//! The first component is the generation: a period in which no commit was missed. Keys sort by time, and a
//! restore is planned from the list of keys alone. All times are UTC milliseconds.

/// Key of an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ObjectKey {
    Claim { number: u64 },
    Segment { generation: String, number: u64, at: i64 },
    Snapshot { generation: String, first: u64, next: u64, at: i64 },
    Verification { generation: String, first: u64, next: u64, at: i64 },
}

/// Folder of the ownership claims.
pub(super) const CLAIMS_FOLDER: &str = "claims";

impl ObjectKey {
    /// Path below the root of the target, with slashes.
    pub(super) fn path(&self) -> String {
        match self {
            Self::Claim { number } => format!("{CLAIMS_FOLDER}/{number:08}.json"),
            Self::Segment { generation, number, at } => format!("{generation}/segments/{number:010}-{at:013}.seg"),
            Self::Snapshot { generation, first, next, at } => {
                format!("{generation}/snapshots/{first:010}-{next:010}-{at:013}.snap")
            }
            Self::Verification { generation, first, next, at } => {
                format!("{generation}/verifications/{first:010}-{next:010}-{at:013}.json")
            }
        }
    }

    /// Generation of the object; `None` for a claim.
    pub(super) fn generation(&self) -> Option<&str> {
        match self {
            Self::Claim { .. } => None,
            Self::Segment { generation, .. }
            | Self::Snapshot { generation, .. }
            | Self::Verification { generation, .. } => Some(generation),
        }
    }

    /// Time in the key; 0 for a claim.
    pub(super) fn at(&self) -> i64 {
        match self {
            Self::Claim { .. } => 0,
            Self::Segment { at, .. } | Self::Snapshot { at, .. } | Self::Verification { at, .. } => *at,
        }
    }

    /// Parses a path of [`Self::path`]; `None` for any other file.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let key = Self::parse_components(path)?;
        (key.path() == path).then_some(key)
    }

    fn parse_components(path: &str) -> Option<Self> {
        let (folder, file) = path.rsplit_once('/')?;
        let (stem, _) = file.split_once('.')?;
        if folder == CLAIMS_FOLDER {
            return Some(Self::Claim { number: stem.parse().ok()? });
        }
        let (generation, kind) = folder.split_once('/')?;
        let generation = generation.to_owned();
        let mut parts = stem.split('-');
        let mut number = || parts.next()?.parse::<u64>().ok();
        let (a, b, c) = (number()?, number()?, number());
        let at = |number: u64| i64::try_from(number).ok();
        Some(match (kind, c) {
            ("segments", None) => Self::Segment { generation, number: a, at: at(b)? },
            ("snapshots", Some(c)) => Self::Snapshot { generation, first: a, next: b, at: at(c)? },
            ("verifications", Some(c)) => Self::Verification { generation, first: a, next: b, at: at(c)? },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_round_trip_and_foreign_files_are_ignored() {
        let generation = "01KB2M9QW7XYZ".to_owned();
        let keys = [
            ObjectKey::Claim { number: 3 },
            ObjectKey::Segment { generation: generation.clone(), number: 12, at: 1_764_000_000_000 },
            ObjectKey::Snapshot { generation: generation.clone(), first: 1, next: 5, at: 1_764_000_000_000 },
            ObjectKey::Verification { generation, first: 1, next: 5, at: 7 },
        ];
        for key in keys {
            assert_eq!(ObjectKey::parse(&key.path()), Some(key));
        }
        for foreign in
            ["readme.txt", "a/b", "a/segments/12-5.seg", "a/segments/x.seg", "claims/1.json", "a/b/c/d-e.snap"]
        {
            assert_eq!(ObjectKey::parse(foreign), None, "{foreign}");
        }
    }
}

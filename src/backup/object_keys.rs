//! What the objects of a backup are called.
//!
//! ```text
//! claims/00000001.json                                    who writes here; the newest counts
//! 01KB…/segments/0000000001-1764000000000.seg             number, moment of its last commit
//! 01KB…/snapshots/0000000001-0000000004-1764….snap        first and next segment, moment
//! 01KB…/proofs/0000000001-0000000004-1764….json           of that snapshot: restored and found right
//! ```
//! The first part is the generation: a stretch of time in which no commit was missed. The names sort,
//! and a restore is planned from the list of them alone.

/// The name of an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    Claim { number: u64 },
    Segment { generation: String, number: u64, at: i64 },
    Snapshot { generation: String, first: u64, next: u64, at: i64 },
    Proof { generation: String, first: u64, next: u64, at: i64 },
}

/// The folder of claims.
pub(super) const CLAIMS: &str = "claims";

impl Name {
    /// Below the place of the backup, with slashes.
    pub(super) fn path(&self) -> String {
        match self {
            Self::Claim { number } => format!("{CLAIMS}/{number:08}.json"),
            Self::Segment { generation, number, at } => format!("{generation}/segments/{number:010}-{at:013}.seg"),
            Self::Snapshot { generation, first, next, at } => {
                format!("{generation}/snapshots/{first:010}-{next:010}-{at:013}.snap")
            }
            Self::Proof { generation, first, next, at } => {
                format!("{generation}/proofs/{first:010}-{next:010}-{at:013}.json")
            }
        }
    }

    /// The generation that it belongs to; a claim has none.
    pub(super) fn generation(&self) -> Option<&str> {
        match self {
            Self::Claim { .. } => None,
            Self::Segment { generation, .. } | Self::Snapshot { generation, .. } | Self::Proof { generation, .. } => {
                Some(generation)
            }
        }
    }

    /// The moment that it names; a claim has none.
    pub(super) fn at(&self) -> i64 {
        match self {
            Self::Claim { .. } => 0,
            Self::Segment { at, .. } | Self::Snapshot { at, .. } | Self::Proof { at, .. } => *at,
        }
    }

    /// Reads what [`Self::path`] wrote; None for a file that somebody else put there.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let name = Self::read(path)?;
        (name.path() == path).then_some(name)
    }

    fn read(path: &str) -> Option<Self> {
        let (folder, file) = path.rsplit_once('/')?;
        let (stem, _) = file.split_once('.')?;
        if folder == CLAIMS {
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
            ("proofs", Some(c)) => Self::Proof { generation, first: a, next: b, at: at(c)? },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_strangers_are_left_alone() {
        let generation = "01KB2M9QW7XYZ".to_owned();
        let names = [
            Name::Claim { number: 3 },
            Name::Segment { generation: generation.clone(), number: 12, at: 1_764_000_000_000 },
            Name::Snapshot { generation: generation.clone(), first: 1, next: 5, at: 1_764_000_000_000 },
            Name::Proof { generation, first: 1, next: 5, at: 7 },
        ];
        for name in names {
            assert_eq!(Name::parse(&name.path()), Some(name));
        }
        for stranger in
            ["readme.txt", "a/b", "a/segments/12-5.seg", "a/segments/x.seg", "claims/1.json", "a/b/c/d-e.snap"]
        {
            assert_eq!(Name::parse(stranger), None, "{stranger}");
        }
    }
}

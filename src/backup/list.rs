//! What a target holds, in a form that people read.

use super::object_keys::Name;
use super::target::{Target, TargetError};

/// A snapshot at a target and what follows it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Copies {
    /// the stretch of time without a gap that it belongs to
    pub generation: String,
    /// when it was made, UTC milliseconds
    pub at: i64,
    /// its size
    pub bytes: u64,
    /// how many segments follow it
    pub segments: usize,
    /// up to which moment they lead
    pub until: i64,
    /// when it was last restored for a trial
    pub proven_at: Option<i64>,
}

/// What a target holds, the newest snapshot first.
///
/// # Errors
/// The target does not answer.
pub async fn list(target: &Target) -> Result<Vec<Copies>, TargetError> {
    let objects = target.list("").await?;
    let mut copies: Vec<Copies> =
        objects.iter().filter_map(|(name, bytes)| copies_of(name, *bytes, &objects)).collect();
    copies.sort_unstable_by_key(|copies| std::cmp::Reverse(copies.at));
    Ok(copies)
}

fn copies_of(name: &Name, bytes: u64, objects: &[(Name, u64)]) -> Option<Copies> {
    let Name::Snapshot { generation, first, next, at } = name else { return None };
    let segments = objects.iter().filter_map(|(name, _)| match name {
        Name::Segment { generation: of, number, at } if of == generation && number >= first => Some(*at),
        _ => None,
    });
    let proofs = objects.iter().filter_map(|(name, _)| match name {
        Name::Proof { generation: of, first: one, next: other, at }
            if (of, one, other) == (generation, first, next) =>
        {
            Some(*at)
        }
        _ => None,
    });
    Some(Copies {
        generation: generation.clone(),
        at: *at,
        bytes,
        segments: segments.clone().count(),
        until: segments.max().unwrap_or(*at).max(*at),
        proven_at: proofs.max(),
    })
}

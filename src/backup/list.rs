//! Lists of what is at a target.

use std::path::{Path, PathBuf};

use super::object_keys::{CLAIMS_FOLDER, ObjectKey};
use crate::objects::{Target, TargetError};

/// Folder that is created for a backup in the folder that a person chooses.
pub const TARGET_FOLDER: &str = "mukkeum-backup";

/// The folder that has a backup: the chosen one, or the one that a backup created in it.
pub fn backup_in(chosen: &Path) -> Option<PathBuf> {
    let folders = [chosen.to_owned(), chosen.join(TARGET_FOLDER)];
    folders.into_iter().find(|folder| folder.is_absolute() && folder.join(CLAIMS_FOLDER).is_dir())
}

/// A snapshot at a target and the segments after it. Times are UTC milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct SnapshotRow {
    /// its generation
    pub generation: String,
    /// time of the snapshot
    pub at: i64,
    /// size of the compressed object
    pub bytes: u64,
    /// number of segments after it in its generation
    pub segments: usize,
    /// time of the last of those segments
    pub until: i64,
    /// time of the last successful trial restore
    pub verified_at: Option<i64>,
}

/// The objects of the backup below `folder` with their sizes in bytes, sorted by key. Other files are left out.
pub(super) async fn list_objects(target: &Target, folder: &str) -> Result<Vec<(ObjectKey, u64)>, TargetError> {
    let found = target.list(folder).await?.into_iter();
    let mut objects: Vec<_> = found.filter_map(|(path, bytes)| Some((ObjectKey::parse(&path)?, bytes))).collect();
    objects.sort();
    Ok(objects)
}

/// Snapshots at a target, newest first.
///
/// # Errors
/// The target cannot be listed.
pub async fn list_snapshots(target: &Target) -> Result<Vec<SnapshotRow>, TargetError> {
    let objects = list_objects(target, "").await?;
    let mut rows: Vec<SnapshotRow> =
        objects.iter().filter_map(|(key, bytes)| snapshot_row(key, *bytes, &objects)).collect();
    rows.sort_unstable_by_key(|row| std::cmp::Reverse(row.at));
    Ok(rows)
}

fn snapshot_row(key: &ObjectKey, bytes: u64, objects: &[(ObjectKey, u64)]) -> Option<SnapshotRow> {
    let ObjectKey::Snapshot { generation, first, next, at } = key else { return None };
    let segments = objects.iter().filter_map(|(key, _)| match key {
        ObjectKey::Segment { generation: of, number, at } if of == generation && number >= first => Some(*at),
        _ => None,
    });
    let verifications = objects.iter().filter_map(|(key, _)| match key {
        ObjectKey::Verification { generation: of, first: of_first, next: of_next, at }
            if (of, of_first, of_next) == (generation, first, next) =>
        {
            Some(*at)
        }
        _ => None,
    });
    Some(SnapshotRow {
        generation: generation.clone(),
        at: *at,
        bytes,
        segments: segments.clone().count(),
        until: segments.max().unwrap_or(*at).max(*at),
        verified_at: verifications.max(),
    })
}

//! Copies of photographs at a target: `proofs/ab/cdef….proof`, each written once, encrypted like every other object.
//!
//! A photograph never changes, so it is in no snapshot and in no segment. What the shop has destroyed is removed here too,
//! although the snapshots of a target live longer: an older moment is restored without its destroyed photographs. Nothing
//! is removed because a database does not know it.

use std::collections::BTreeSet;
use std::io::{Cursor, Read};
use std::path::Path;

use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};

use super::key::Key;
use super::object::{self, ObjectError, ObjectKind};
use super::store::integrity;
use crate::objects::{Target, TargetError};
use crate::proofs::files::{self, ProofFileError, ProofFiles};
use crate::proofs::jpeg::MAX_PHOTO_BYTES;
use crate::proofs::store;
use crate::storage::{Storage, StorageError};
use crate::time::Moment;

/// Folder of the photographs at a target.
const FOLDER: &str = "proofs";

/// Photographs that a restore downloads at the same time.
const MAX_CONCURRENT_DOWNLOADS: usize = 8;

/// Photographs that a verification reads back, the newest ones.
const VERIFIED_PHOTOS: usize = 5;

/// A photograph that came in this time before the newest restored commit may still be on its way, in milliseconds.
const COPY_TIME_MS: i64 = 10 * 60 * 1000;

/// Metadata of a photograph as an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ProofObject {
    /// SHA-256 of the file
    pub(super) hash: String,
}

/// Photographs of a target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofStatus {
    /// at the target
    pub copied: u64,
    /// still to be copied
    pub waiting: u64,
    /// why one of them cannot be copied
    pub problem: Option<String>,
}

/// Why photographs are not copied.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProofCopyError {
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("가게의 데이터를 읽지 못했어요: {0}")]
    Shop(#[from] StorageError),
    #[error("사진을 담지 못했어요: {0}")]
    Io(#[from] std::io::Error),
}

fn path_of(hash: &str) -> String {
    let (folder, file) = hash.split_at_checked(2).unwrap_or(("", hash));
    format!("{FOLDER}/{folder}/{file}.proof")
}

fn hash_of(path: &str) -> Option<String> {
    let (folder, file) = path.strip_prefix(FOLDER)?.strip_prefix('/')?.strip_suffix(".proof")?.split_once('/')?;
    Some(format!("{folder}{file}")).filter(|hash| files::is_hash(hash) && path_of(hash) == path)
}

/// Hashes of the photographs at a target.
async fn list(target: &Target) -> Result<BTreeSet<String>, TargetError> {
    Ok(target.list(FOLDER).await?.into_iter().filter_map(|(path, _)| hash_of(&path)).collect())
}

/// Copies what the target lacks and removes what the shop has destroyed. `known` are the hashes at the target, none before
/// the first call.
pub(super) async fn copy(
    (target, key): (&Target, Option<&Key>),
    files: &ProofFiles,
    shop: &Storage,
    known: &mut Option<BTreeSet<String>>,
) -> Result<ProofStatus, ProofCopyError> {
    let (live, destroyed) = shop.read(|tx| Ok::<_, StorageError>((store::live(tx)?, store::destroyed(tx)?))).await?;
    if known.is_none() {
        *known = Some(list(target).await?);
    }
    let Some(at_target) = known.as_mut() else { return Ok(ProofStatus::default()) };
    let mut problem = None;
    for (hash, _) in live.iter().filter(|(hash, _)| !at_target.contains(hash)).cloned().collect::<Vec<_>>() {
        let bytes = match files.get(&hash).await {
            Ok(bytes) => bytes,
            Err(error) => {
                tracing::error!(%error, hash, "배송 증빙 사진을 백업하지 못했어요");
                problem = Some(error.to_string());
                continue;
            }
        };
        let (object, _) = object::encode(&ObjectKind::Proof(ProofObject { hash: hash.clone() }), &bytes, key)?;
        target.replace(&path_of(&hash), object).await?;
        at_target.insert(hash);
    }
    for hash in destroyed.iter().filter(|hash| at_target.contains(*hash)).cloned().collect::<Vec<_>>() {
        target.delete(&path_of(&hash)).await?;
        at_target.remove(&hash);
    }
    let copied = live.iter().filter(|(hash, _)| at_target.contains(hash)).count() as u64;
    Ok(ProofStatus { copied, waiting: live.len() as u64 - copied, problem })
}

/// Reads a photograph of a target and compares it with its hash.
async fn read(target: &Target, key: Option<&Key>, hash: &str) -> Result<Vec<u8>, ReadError> {
    let object = target.get(&path_of(hash)).await?;
    let verified = object::open(Cursor::new(object), key)?;
    let is_named = matches!(&verified.kind, ObjectKind::Proof(proof) if proof.hash == hash);
    let mut bytes = Vec::new();
    let limit = MAX_PHOTO_BYTES as u64 + 1;
    verified.content().and_then(|content| content.take(limit).read_to_end(&mut bytes)).map_err(ObjectError::Io)?;
    if is_named && files::hash(&bytes) == hash { Ok(bytes) } else { Err(ObjectError::Damaged.into()) }
}

#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error(transparent)]
    Object(#[from] ObjectError),
}

/// Photographs that a restore brought back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestoredProofs {
    /// number of photographs that were brought back
    pub restored: usize,
    /// number of photographs that were there already
    pub present: usize,
    /// hashes of those that the target lacks or has damaged
    pub missing: Vec<String>,
}

/// Why photographs cannot be restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreProofsError {
    /// The restored database cannot be read.
    #[error("복원한 데이터에서 사진의 목록을 읽지 못했어요: {0}")]
    Database(#[from] integrity::IntegrityError),
    /// A photograph cannot be written.
    #[error(transparent)]
    File(#[from] ProofFileError),
    /// The target cannot be reached.
    #[error(transparent)]
    Target(TargetError),
}

/// Brings the photographs back that the restored `database` names, as far as `files` lack them. `progress` is called with the
/// number of photographs so far and of all.
///
/// # Errors
/// [`RestoreProofsError`]. A photograph that the target lacks is no error; it is named in the answer.
pub async fn restore_proofs(
    (target, key): (&Target, Option<&Key>),
    database: &Path,
    files: &ProofFiles,
    progress: &mut (dyn FnMut(usize, usize) + Send),
) -> Result<RestoredProofs, RestoreProofsError> {
    let mut outcome = RestoredProofs::default();
    let mut wanted = Vec::new();
    for hash in integrity::live_proofs(database)? {
        if files.get(&hash).await.is_ok() { outcome.present += 1 } else { wanted.push(hash) }
    }
    let count = wanted.len();
    let downloads = wanted.into_iter().map(|hash| async move {
        let read = read(target, key, &hash).await;
        (hash, read)
    });
    let mut downloads = stream::iter(downloads).buffered(MAX_CONCURRENT_DOWNLOADS);
    while let Some((hash, read)) = downloads.next().await {
        match read {
            Ok(bytes) => {
                files.put(bytes).await?;
                outcome.restored += 1;
            }
            Err(ReadError::Target(error @ (TargetError::Unreachable(_) | TargetError::NotMounted(_)))) => {
                return Err(RestoreProofsError::Target(error));
            }
            Err(error) => {
                tracing::error!(%error, hash, "배송 증빙 사진을 복원하지 못했어요");
                outcome.missing.push(hash);
            }
        }
        progress(outcome.restored + outcome.missing.len(), count);
    }
    Ok(outcome)
}

/// The number of photographs of the shop that a restore of this moment would miss: those that the target lacks, and of the
/// newest ones those that cannot be read back.
pub(super) async fn count_missing(
    (target, key): (&Target, Option<&Key>),
    shop: &Storage,
    restored_at: Moment,
) -> Result<usize, ProofCopyError> {
    let mut live = shop.read(store::live).await?;
    live.retain(|(_, received_at)| *received_at < restored_at.plus_ms(-COPY_TIME_MS));
    if live.is_empty() {
        return Ok(0);
    }
    let at_target = list(target).await?;
    let mut missing = live.iter().filter(|(hash, _)| !at_target.contains(hash)).count();
    live.sort_by_key(|(_, received_at)| std::cmp::Reverse(*received_at));
    for (hash, _) in live.iter().filter(|(hash, _)| at_target.contains(hash)).take(VERIFIED_PHOTOS) {
        if let Err(error) = read(target, key, hash).await {
            tracing::error!(%error, hash, "백업한 배송 증빙 사진을 읽지 못했어요");
            missing += 1;
        }
    }
    Ok(missing)
}

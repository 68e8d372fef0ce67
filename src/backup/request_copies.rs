//! The answered demands of people at a target: `requests.list`, replaced when it changes, encrypted like every other object.
//!
//! Snapshots and segments bring an older moment back as it was. What people demanded since, and the shop has done, is in this list
//! ([`answered`]), so that the restored shop does it again.

use std::io::{self, Cursor, Read};
use std::path::Path;

use super::key::Key;
use super::object::{self, ObjectError, ObjectKind};
use super::proof_copies::ProofCopyError;
#[cfg(unix)]
use super::restore::give_to_owner;
use super::store::integrity::{self, IntegrityError};
use crate::objects::{Target, TargetError};
use crate::privacy::answered::{self, AnsweredRequests, RepeatedRequests};
use crate::privacy::store::answered as store;
use crate::storage::Storage;

/// Path of the list at a target.
const PATH: &str = "requests.list";

/// Maximum size of a list: it has about a hundred bytes for each demand, and ten for each order.
const MAX_LIST_BYTES: u64 = 16 << 20;

#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error(transparent)]
    Object(#[from] ObjectError),
}

/// Reads the list of a target; empty if it has none.
async fn read(target: &Target, key: Option<&Key>) -> Result<AnsweredRequests, ReadError> {
    let object = match target.get(PATH).await {
        Err(TargetError::NotFound(_)) => return Ok(AnsweredRequests::default()),
        object => object?,
    };
    let verified = object::open(Cursor::new(object), key)?;
    if verified.kind != ObjectKind::Requests {
        return Err(ObjectError::Damaged.into());
    }
    let mut json = Vec::new();
    let content = verified.content().map_err(ObjectError::Io)?;
    content.take(MAX_LIST_BYTES).read_to_end(&mut json).map_err(ObjectError::Io)?;
    AnsweredRequests::from_json(&json).map_err(|error| ObjectError::Io(error).into())
}

/// Writes the list of the shop to the target if it has changed, with what the target's list has besides; answers that the shop
/// lacks, because an older file was installed, are recorded again. `known` is the list at the target, none before the first
/// call.
pub(super) async fn copy(
    (target, key): (&Target, Option<&Key>),
    shop: &Storage,
    known: &mut Option<AnsweredRequests>,
) -> Result<(), ProofCopyError> {
    let listed = match known.take() {
        Some(listed) => listed,
        None => match read(target, key).await {
            Ok(listed) => listed,
            Err(ReadError::Target(error)) => return Err(error.into()),
            Err(ReadError::Object(error)) => {
                tracing::error!(%error, target = target.shown, "백업에 있는 본인 요구의 목록이 깨져서 다시 써요");
                AnsweredRequests::default()
            }
        },
    };
    let merged = answered::adopt(shop, &listed).await?;
    if merged != listed {
        let (object, _) = object::encode(&ObjectKind::Requests, &merged.to_json(), key)?;
        target.replace(PATH, object).await?;
    }
    *known = Some(merged);
    Ok(())
}

/// Whether the shop has answers that the list at the target lacks, or other ones.
pub(super) async fn has_changed(shop: &Storage, known: Option<&AnsweredRequests>) -> Result<bool, ProofCopyError> {
    let Some(known) = known else { return Ok(true) };
    let own = shop.read(store::list).await?;
    Ok(own.merged(known) != *known)
}

/// Why the demands cannot be restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreRequestsError {
    /// The restored database cannot be read.
    #[error("복원한 데이터에서 본인 요구를 읽지 못했어요: {0}")]
    Database(#[from] IntegrityError),
    /// The file of the list cannot be read or written.
    #[error("답한 본인 요구의 목록을 저장하지 못했어요: {0}")]
    File(#[from] io::Error),
    /// The target cannot be reached.
    #[error(transparent)]
    Target(TargetError),
}

/// Adds the demands of the target to the `file` that the next start compares the restored `database` with. Answers what has to be
/// done again about them.
///
/// # Errors
/// [`RestoreRequestsError`]. A list that is damaged is no error; the answer says so.
pub async fn restore_requests(
    (target, key): (&Target, Option<&Key>),
    database: &Path,
    file: &Path,
) -> Result<RepeatedRequests, RestoreRequestsError> {
    let (listed, is_unreadable) = match read(target, key).await {
        Ok(listed) => (listed, false),
        Err(ReadError::Target(error)) => return Err(RestoreRequestsError::Target(error)),
        Err(ReadError::Object(error)) => {
            tracing::error!(%error, target = target.shown, "백업에 있는 본인 요구의 목록을 읽지 못했어요");
            (AnsweredRequests::default(), true)
        }
    };
    let listed = listed.merged(&AnsweredRequests::read(file)?);
    if !listed.is_empty() {
        listed.save(file)?;
        #[cfg(unix)]
        give_to_owner(file, None)?;
    }
    let answered = integrity::answered_requests(database)?;
    Ok(RepeatedRequests { is_unreadable, ..listed.to_repeat(&answered) })
}

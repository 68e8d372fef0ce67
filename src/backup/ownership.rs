//! Ownership of a target: at most one program writes to it.
//!
//! Two programs at one target would mistake each other's objects for their own. Before its first upload a
//! program therefore creates a claim under the next number, with a conditional put that only one of several
//! can win. The claim with the highest number is valid; a program whose claim is not the valid one stops. A
//! restarted shop finds its own claim. Another shop, or a copy of the data folder on another computer, is
//! refused until an administrator takes the target over.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::list::list_objects;
use super::object_keys::{CLAIMS_FOLDER, ObjectKey};
use crate::objects::{Target, TargetError};
use crate::text::hex;
use crate::time::Moment;

const IDENTITY_FILE: &str = "identity";

/// A program at its data folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// random identifier of the data folder
    pub shop: String,
    /// host name
    pub computer: String,
    /// absolute path of the data folder
    pub folder: String,
}

#[derive(Serialize, Deserialize)]
struct OwnershipClaim {
    by: Identity,
    /// UTC milliseconds
    at: i64,
}

/// Owner of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    None,
    Us,
    Other(Identity),
}

impl Identity {
    /// The identity of this program; `folder` is the backup's folder in `data`. The first call draws the random
    /// identifier and stores it there.
    pub(super) fn load_or_create(data: &Path, folder: &Path) -> std::io::Result<Self> {
        let path = folder.join(IDENTITY_FILE);
        let shop = match std::fs::read_to_string(&path) {
            Ok(shop) => shop,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let mut bytes = [0; 8];
                getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
                let shop = hex(&bytes);
                std::fs::write(&path, &shop)?;
                shop
            }
            Err(error) => return Err(error),
        };
        let folder = data.canonicalize()?.display().to_string();
        Ok(Self { shop, computer: host_name(), folder })
    }
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.computer, self.folder)
    }
}

fn host_name() -> String {
    let from_env = ["COMPUTERNAME", "HOSTNAME"].iter().find_map(|name| std::env::var(name).ok());
    from_env
        .or_else(|| std::fs::read_to_string("/etc/hostname").ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "?".to_owned())
}

/// Number of the newest claim (0: there is none) and the owner it names.
pub(super) async fn current_owner(target: &Target, us: &Identity) -> Result<(u64, Owner), TargetError> {
    let claims = list_objects(target, CLAIMS_FOLDER).await?;
    let numbers = claims.iter().filter_map(|(key, _)| match key {
        ObjectKey::Claim { number } => Some(*number),
        _ => None,
    });
    let Some(number) = numbers.max() else { return Ok((0, Owner::None)) };
    let claim = target.get(&ObjectKey::Claim { number }.path()).await?;
    let owner = match serde_json::from_slice::<OwnershipClaim>(&claim) {
        Ok(claim) if claim.by == *us => Owner::Us,
        Ok(claim) => Owner::Other(claim.by),
        // A truncated claim: its writer got an error and has not acted on it.
        Err(_) => Owner::None,
    };
    Ok((number, owner))
}

/// Creates the claim after number `newest`; false if another program has created it first.
pub(super) async fn try_claim(target: &Target, us: &Identity, newest: u64, now: Moment) -> Result<bool, TargetError> {
    let claim = serde_json::to_vec(&OwnershipClaim { by: us.clone(), at: now.0 }).unwrap_or_default();
    let path = ObjectKey::Claim { number: newest + 1 }.path();
    match target.create(&path, claim).await {
        Ok(()) => Ok(true),
        Err(TargetError::AlreadyExists(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Tests whether the store honours conditional puts, and records it in the target. Some stores accept the condition
/// and ignore it; some file systems cannot do it.
pub(super) async fn probe_conditional_put(target: &Target, us: &Identity) -> Result<bool, TargetError> {
    // The shop is part of the name, because two shops may probe at the same time.
    let path = format!("{CLAIMS_FOLDER}/probe-{}", us.shop);
    target.delete(&path).await?;
    let first = target.put_if_absent(&path, b"1".to_vec()).await;
    let second = target.put_if_absent(&path, b"2".to_vec()).await;
    let is_supported = match (first, second) {
        (Ok(()), Err(TargetError::AlreadyExists(_))) => target.get(&path).await? == b"1",
        (Ok(()), Ok(())) => false,
        // A file system without hard links refuses the first put already.
        (Err(TargetError::NotWritable(_) | TargetError::Unreachable(_)), _) if target.is_folder() => {
            target.replace(&path, b"1".to_vec()).await?;
            false
        }
        (Err(error), _) | (_, Err(error)) => return Err(error),
    };
    target.delete(&path).await?;
    target.set_conditional_put(is_supported);
    Ok(is_supported)
}

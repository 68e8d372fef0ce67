//! Who writes to a target. The newest claim counts; a program whose claim is not the newest stops.
//!
//! Two programs that write to one place would each hold the other's copies for their own. So the
//! first thing that is written is a claim, under a number that only one can create. A shop that
//! was started again finds its own claim. Another one, or a copied data folder on another computer, is
//! refused until a person says that it takes over.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::object_keys::{CLAIMS, Name};
use super::target::{Target, TargetError};
use crate::time::Moment;

const IDENTITY: &str = "identity";

/// A program at its data folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// drawn once for the data folder
    pub shop: String,
    /// the computer's name
    pub computer: String,
    /// where the data lies on it
    pub folder: String,
}

#[derive(Serialize, Deserialize)]
struct Claim {
    by: Identity,
    at: i64,
}

/// Whose a target is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Nobody,
    Us,
    Other(Identity),
}

impl Identity {
    /// Who this program is; `folder` is where it keeps what the backup needs.
    pub(super) fn of_folder(data: &Path, folder: &Path) -> std::io::Result<Self> {
        let path = folder.join(IDENTITY);
        let shop = match std::fs::read_to_string(&path) {
            Ok(shop) => shop,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let mut bytes = [0; 8];
                getrandom::fill(&mut bytes).map_err(|error| std::io::Error::other(error.to_string()))?;
                let shop = super::key::hex(&bytes);
                std::fs::write(&path, &shop)?;
                shop
            }
            Err(error) => return Err(error),
        };
        let folder = data.canonicalize()?.display().to_string();
        Ok(Self { shop, computer: computer(), folder })
    }
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.computer, self.folder)
    }
}

fn computer() -> String {
    let told = ["COMPUTERNAME", "HOSTNAME"].iter().find_map(|name| std::env::var(name).ok());
    let read = || std::fs::read_to_string("/etc/hostname").ok();
    told.or_else(read)
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "?".to_owned())
}

/// The newest claim and its number.
pub(super) async fn owner(target: &Target, us: &Identity) -> Result<(u64, Owner), TargetError> {
    let claims = target.list(CLAIMS).await?;
    let newest = claims.iter().filter_map(|(name, _)| match name {
        Name::Claim { number } => Some(*number),
        _ => None,
    });
    let Some(number) = newest.max() else { return Ok((0, Owner::Nobody)) };
    let claim = target.get(&Name::Claim { number }.path()).await?;
    let owner = match serde_json::from_slice::<Claim>(&claim) {
        Ok(claim) if claim.by == *us => Owner::Us,
        Ok(claim) => Owner::Other(claim.by),
        // Half a claim was never acted on by whoever wrote it.
        Err(_) => Owner::Nobody,
    };
    Ok((number, owner))
}

/// Makes the next claim; false when somebody else was faster.
pub(super) async fn claim(target: &Target, us: &Identity, newest: u64, now: Moment) -> Result<bool, TargetError> {
    let claim = serde_json::to_vec(&Claim { by: us.clone(), at: now.0 }).unwrap_or_default();
    let path = Name::Claim { number: newest + 1 }.path();
    match target.create(&path, claim).await {
        Ok(()) => Ok(true),
        Err(TargetError::Taken(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Tests whether the store honours conditional puts: some accept the condition and ignore it, some file
/// systems cannot do it. The target remembers the answer.
pub(super) async fn probe_conditional_put(target: &Target, us: &Identity) -> Result<bool, TargetError> {
    // The shop's identity is part of the name: two shops may probe at the same time.
    let path = format!("{CLAIMS}/probe-{}", us.shop);
    target.delete(&path).await?;
    let first = target.put_if_absent(&path, b"1".to_vec()).await;
    let second = target.put_if_absent(&path, b"2".to_vec()).await;
    let is_supported = match (first, second) {
        (Ok(()), Err(TargetError::Taken(_))) => target.get(&path).await? == b"1",
        (Ok(()), Ok(())) => false,
        // A file system without hard links refuses the first put already.
        (Err(TargetError::Refused(_) | TargetError::Away(_)), _) if target.is_folder() => {
            target.replace(&path, b"1".to_vec()).await?;
            false
        }
        (Err(error), _) | (_, Err(error)) => return Err(error),
    };
    target.delete(&path).await?;
    target.set_conditional_put(is_supported);
    Ok(is_supported)
}

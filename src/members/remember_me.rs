//! Login by remember-me token: the browser's session is over, its persistent login is not.

use std::time::Duration;

use super::model::device::DeviceOrigin;
use super::model::sign_in::SignInOutcome;
use super::store::{self, CurrentMember, devices, sign_ins};
use crate::access;
use crate::id::{DeviceId, MemberId};
use crate::sessions::remember_me::{PersistentLogin, RememberToken, RememberTokenStore, TokenCheck};
use crate::storage::{Result, Storage, StorageError, Tx};

/// Attempts to rotate a token while other requests with the same token rotate it first.
const MAX_ATTEMPTS: usize = 5;

/// Result of a login by remember-me token.
#[derive(Debug)]
pub enum RememberMeOutcome {
    /// the member is logged in
    LoggedIn {
        /// the member
        member: CurrentMember,
        /// the persistent login, for the new session
        login: PersistentLogin,
        /// whether the token was rotated, so that the browser needs the next one
        rotated: bool,
    },
    /// the token is unknown, expired or revoked
    Rejected,
    /// the token is a copy: every session and persistent login of the member is revoked
    TokenTheft,
}

/// Logs a browser in by its remember-me token, and replaces `token` by `next` in the store.
///
/// # Errors
/// The database failed, or [`MAX_ATTEMPTS`] other requests rotated the token first.
pub async fn authenticate_by_token(
    storage: &Storage,
    logins: &RememberTokenStore,
    token: &RememberToken,
    next: &RememberToken,
    origin: &DeviceOrigin,
    idle: Duration,
) -> Result<RememberMeOutcome> {
    for _ in 0..MAX_ATTEMPTS {
        let Some(login) = logins.find(&token.series).await? else {
            return Ok(RememberMeOutcome::Rejected);
        };
        let PersistentLogin { member_id, epoch, device_id, .. } = login;
        let member = storage.read(move |tx| store::current(tx, member_id, epoch, device_id)).await?;
        let Some(member) = member else {
            logins.delete(&token.series).await?;
            return Ok(RememberMeOutcome::Rejected);
        };
        let check = login.verify(token, next, storage.clock().now());
        let origin = origin.clone();
        match check {
            TokenCheck::Rotated(after) => {
                if logins.replace(&token.series, &login, &after).await? {
                    storage.write(move |tx| record_login(tx, member_id, device_id, &origin, idle)).await?;
                    return Ok(RememberMeOutcome::LoggedIn { member, login: after, rotated: true });
                }
            }
            TokenCheck::Concurrent => return Ok(RememberMeOutcome::LoggedIn { member, login, rotated: false }),
            TokenCheck::Expired => {
                logins.delete(&token.series).await?;
                return Ok(RememberMeOutcome::Rejected);
            }
            TokenCheck::Stolen => {
                storage.write(move |tx| record_token_theft(tx, member_id, &origin)).await?;
                logins.delete(&token.series).await?;
                tracing::warn!(member = member.member.username, "복사된 쿠키가 쓰여 모든 기기에서 로그아웃했어요");
                return Ok(RememberMeOutcome::TokenTheft);
            }
        }
    }
    Err(StorageError::Unavailable("a remember-me token was used by too many requests at once".to_owned()))
}

fn record_login(
    tx: &mut dyn Tx,
    member_id: MemberId,
    device_id: DeviceId,
    origin: &DeviceOrigin,
    idle: Duration,
) -> Result<()> {
    devices::touch(tx, device_id, origin, idle)?;
    sign_ins::record(tx, member_id, SignInOutcome::RememberToken, origin)?;
    access::record(tx, sign_ins::access(Some(member_id), &origin.address, SignInOutcome::RememberToken))?;
    store::record_sign_in(tx, member_id)
}

fn record_token_theft(tx: &mut dyn Tx, member_id: MemberId, origin: &DeviceOrigin) -> Result<()> {
    store::record_token_theft(tx, member_id)?;
    sign_ins::record(tx, member_id, SignInOutcome::TokenTheft, origin)?;
    access::record(tx, sign_ins::access(Some(member_id), &origin.address, SignInOutcome::TokenTheft))
}

//! The rules of remember-me tokens, without I/O.
//!
//! A browser sends requests in parallel: two tabs may present the same token at once, and the response
//! with the next token may get lost. Neither is theft. The previous token therefore stays valid for a
//! grace period of one minute (without another rotation), and after that until the browser has
//! confirmed the delivery of the new one. An honest browser never presents any other token, so every
//! other one is a copy.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::REMEMBER_FOR_MS;
use crate::id::{DeviceId, MemberId};
use crate::time::Moment;

/// How long another tab may present the previous token after a rotation, in milliseconds.
const GRACE_MS: i64 = 60_000;

/// The value of the remember-me cookie: `series.secret`, two random texts in base64url.
#[derive(Clone, PartialEq, Eq)]
pub struct RememberToken {
    /// identifier of the series
    pub series: String,
    secret: String,
}

impl RememberToken {
    /// A token of two unguessable texts.
    pub fn new(series: String, secret: String) -> Self {
        Self { series, secret }
    }

    /// Parses a cookie value. Each part has 16 to 64 characters.
    pub fn parse(cookie: &str) -> Option<Self> {
        let (series, secret) = cookie.split_once('.')?;
        let is_valid = |text: &str| (16..=64).contains(&text.len()) && text.bytes().all(is_base64url);
        (is_valid(series) && is_valid(secret)).then(|| Self::new(series.to_owned(), secret.to_owned()))
    }

    /// The cookie value.
    pub fn cookie(&self) -> String {
        format!("{}.{}", self.series, self.secret)
    }

    /// The next token of the series.
    pub fn rotate(&self, secret: String) -> Self {
        Self::new(self.series.clone(), secret)
    }

    fn hash(&self) -> TokenHash {
        TokenHash(URL_SAFE_NO_PAD.encode(Sha256::digest(&self.secret)))
    }
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// Without the secret.
impl std::fmt::Debug for RememberToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RememberToken({}.…)", self.series)
    }
}

/// SHA-256 of a token's secret, in base64url.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct TokenHash(String);

/// One browser's persistent login, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersistentLogin {
    /// the member
    pub member_id: MemberId,
    /// the member's `session_epoch` when the password was entered
    pub epoch: i64,
    /// the device; deleting it ends the login
    pub device_id: DeviceId,
    /// Seed of the browser's CSRF tokens. New sessions reuse it, so that a form left open overnight can
    /// still be submitted.
    pub csrf: String,
    /// when the login ends, independent of its use
    pub expires_at: Moment,
    token: TokenHash,
    previous: Option<TokenHash>,
    rotated_at: Moment,
    /// whether the browser has confirmed the delivery of `token`
    is_delivered: bool,
}

/// Result of checking a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenCheck {
    /// valid: store this record and send the next token
    Rotated(PersistentLogin),
    /// valid within the grace period: another request's response carries the next token
    Concurrent,
    /// the login has expired
    Expired,
    /// a copy of an earlier token
    Stolen,
}

impl PersistentLogin {
    /// The login of a member who has entered their password; `token` is the first of the series.
    pub fn new(
        token: &RememberToken,
        member_id: MemberId,
        epoch: i64,
        device_id: DeviceId,
        csrf: String,
        now: Moment,
    ) -> Self {
        Self {
            member_id,
            epoch,
            device_id,
            csrf,
            expires_at: now.plus_ms(REMEMBER_FOR_MS),
            token: token.hash(),
            previous: None,
            rotated_at: now,
            is_delivered: false,
        }
    }

    /// Checks `token`. If it is valid and due for rotation, `next` replaces it.
    pub fn verify(&self, token: &RememberToken, next: &RememberToken, now: Moment) -> TokenCheck {
        let presented = token.hash();
        let rotated = |previous: TokenHash| {
            let (token, previous) = (next.hash(), Some(previous));
            TokenCheck::Rotated(Self { token, previous, rotated_at: now, is_delivered: false, ..self.clone() })
        };
        if now >= self.expires_at {
            TokenCheck::Expired
        } else if presented == self.token {
            rotated(presented)
        } else if self.previous.as_ref() != Some(&presented) {
            TokenCheck::Stolen
        } else if now <= self.rotated_at.plus_ms(GRACE_MS) {
            TokenCheck::Concurrent
        } else if self.is_delivered {
            TokenCheck::Stolen
        } else {
            rotated(presented)
        }
    }

    /// The record after the browser has presented `token` together with the session that was created
    /// with it. None if nothing changes.
    pub fn confirm_delivery(&self, token: &RememberToken) -> Option<Self> {
        (!self.is_delivered && self.token == token.hash()).then(|| Self { is_delivered: true, ..self.clone() })
    }
}

#[cfg(test)]
mod tests;

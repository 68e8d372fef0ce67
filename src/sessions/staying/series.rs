//! The rules of a series, without any input or output.
//!
//! A browser is not a queue: two tabs bring the same token at once, and an answer that was to bring
//! the next token may never arrive. Neither is theft. A token that was replaced is therefore still
//! taken for a minute, though it earns no new one; and after that as long as nothing has shown that
//! the new one arrived. An honest browser cannot come with anything else: the rest is a copy.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::STAYS_MS;
use crate::time::Moment;

/// How long a token that was just replaced is taken from another tab, in milliseconds.
const GRACE_MS: i64 = 60_000;

/// What the cookie holds: `series.token`, each a random text.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket {
    /// the number of the series
    pub series: String,
    token: String,
}

impl Ticket {
    /// A ticket of two texts that nobody can guess.
    pub fn new(series: String, token: String) -> Self {
        Self { series, token }
    }

    /// Reads a cookie.
    pub fn parse(cookie: &str) -> Option<Self> {
        let (series, token) = cookie.split_once('.')?;
        let sound = |text: &str| (16..=64).contains(&text.len()) && text.bytes().all(is_base64url);
        (sound(series) && sound(token)).then(|| Self::new(series.to_owned(), token.to_owned()))
    }

    /// The cookie's value.
    pub fn cookie(&self) -> String {
        format!("{}.{}", self.series, self.token)
    }

    /// The same series with the token that follows.
    pub fn followed_by(&self, token: String) -> Self {
        Self::new(self.series.clone(), token)
    }

    fn hash(&self) -> TokenHash {
        TokenHash(URL_SAFE_NO_PAD.encode(Sha256::digest(&self.token)))
    }
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ticket({}.…)", self.series)
    }
}

/// What is kept of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct TokenHash(String);

/// One browser that stays signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    /// who
    pub member_id: i64,
    /// the member's `session_epoch` when they typed their password
    pub epoch: i64,
    /// the device it belongs to: deleting that ends the series
    pub device_id: i64,
    /// What the tokens of the browser's forms are made of: a page that stayed open overnight can
    /// still be sent.
    pub csrf: String,
    /// when it is over, however busy it is
    pub expires_at: Moment,
    token: TokenHash,
    previous: Option<TokenHash>,
    renewed_at: Moment,
    /// whether `token` was seen to have arrived
    arrived: bool,
}

/// What becomes of a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// good: this is kept in place of the series, and the browser gets the next ticket
    Renewed(Series),
    /// good: another tab was faster, its answer brings the next ticket
    AnotherTab,
    /// the series is over
    Over,
    /// somebody else has a copy
    Stolen,
}

impl Series {
    /// The series of a member who typed their password now and gets `ticket`.
    pub fn begin(ticket: &Ticket, member_id: i64, epoch: i64, device_id: i64, csrf: String, now: Moment) -> Self {
        Self {
            member_id,
            epoch,
            device_id,
            csrf,
            expires_at: now.plus_ms(STAYS_MS),
            token: ticket.hash(),
            previous: None,
            renewed_at: now,
            arrived: false,
        }
    }

    /// What becomes of `ticket`, if `next` is the one that would follow it.
    pub fn offered(&self, ticket: &Ticket, next: &Ticket, now: Moment) -> Verdict {
        let brought = ticket.hash();
        let renewed = |previous: TokenHash| {
            let (token, previous) = (next.hash(), Some(previous));
            Verdict::Renewed(Self { token, previous, renewed_at: now, arrived: false, ..self.clone() })
        };
        if now >= self.expires_at {
            Verdict::Over
        } else if brought == self.token {
            renewed(brought)
        } else if self.previous.as_ref() != Some(&brought) {
            Verdict::Stolen
        } else if now <= self.renewed_at.plus_ms(GRACE_MS) {
            Verdict::AnotherTab
        } else if self.arrived {
            Verdict::Stolen
        } else {
            renewed(brought)
        }
    }

    /// The series once a browser has shown `ticket` beside the session that came with it; None when
    /// that tells nothing new.
    pub fn after_arrival_of(&self, ticket: &Ticket) -> Option<Self> {
        (!self.arrived && self.token == ticket.hash()).then(|| Self { arrived: true, ..self.clone() })
    }
}

#[cfg(test)]
mod tests;

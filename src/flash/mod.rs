//! Flash messages: what a member is told on the page after a form (post/redirect/get).
//!
//! The message is saved in the transaction of the change, and the redirect names its row (`?done=`). Any node can show it,
//! once: a reload does not repeat it. One that nobody reads expires after [`FLASH_LIFETIME_MS`]. A URL contains no text,
//! and a member sees only messages for themselves.

pub mod store;

use crate::audit::RecordedEvent;
pub use crate::id::FlashId;
use crate::id::{AuditEntryId, MemberId};
use crate::storage::{Result, Tx};
use crate::text::coded;

/// How long a message waits for its page.
const FLASH_LIFETIME_MS: i64 = 10 * 60 * 1000;

/// A flash message: the result of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flash {
    /// colour and icon
    pub tone: Tone,
    /// the text; empty when the page itself shows the result
    pub message: String,
    /// the audit entry of the action, so that the page can offer to undo it
    pub audit_entry_id: Option<AuditEntryId>,
}

impl Flash {
    /// A message.
    pub fn new(tone: Tone, message: impl Into<String>) -> Self {
        Self { tone, message: message.into(), audit_entry_id: None }
    }

    /// The message of an action that succeeded.
    pub fn success(message: impl Into<String>) -> Self {
        Self::new(Tone::Success, message)
    }

    /// The message of an action that had no effect, or only in part.
    pub fn warning(message: impl Into<String>) -> Self {
        Self::new(Tone::Warning, message)
    }

    /// Saves the message for the page to which the request is redirected.
    pub fn save(&self, tx: &mut dyn Tx, member_id: MemberId) -> Result<FlashId> {
        let expires_at = tx.now().plus_ms(FLASH_LIFETIME_MS);
        store::insert(tx, member_id, self, expires_at)
    }
}

impl From<&RecordedEvent> for Flash {
    /// The sentence of the event; a warning if nothing was done.
    fn from(recorded: &RecordedEvent) -> Self {
        let RecordedEvent { event, audit_entry_id } = recorded;
        let tone = if audit_entry_id.is_some() { Tone::Success } else { Tone::Warning };
        Self { tone, message: event.sentence(), audit_entry_id: *audit_entry_id }
    }
}

coded! {
    /// Severity of a message. The code is also the class in the style sheet.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Tone {
        /// the action succeeded
        Success = "success",
        /// the action succeeded in part, or had no effect
        Warning = "warning",
        /// the action failed
        Danger = "danger",
    }
}

impl Tone {
    /// The icon beside the message.
    pub fn icon(self) -> &'static str {
        match self {
            Self::Success => "check-circle",
            Self::Warning => "exclamation-triangle",
            Self::Danger => "x-circle",
        }
    }
}

#[cfg(test)]
mod tests;

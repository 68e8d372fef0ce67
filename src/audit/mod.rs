//! Audit log: who did what to which object, from which address. An entry is written in the transaction of its change
//! and never changed. [`privacy`](crate::privacy) deletes it when its retention ends.
//!
//! An entry stores the verb and typed details ([`AuditEvent`]); its Korean sentence is rendered from them
//! ([`AuditEvent::sentence`]). What a member is told after a form is a flash message
//! ([`web::Flash`](crate::web::Flash)), which expires.
//!
//! The log of downloads of personal data is a separate table ([`downloads`]).

pub mod downloads;
mod event;
pub mod pages;
mod sentence;
mod store;

use std::net::IpAddr;

pub use self::event::{
    AuditEvent, BundleChange, ConflictDecision, Departure, JobOfDelivery, NumberList, PhoneOfTour, PromisedDay,
    RejectedFile, StopsReport, Verb,
};
pub use self::store::{by_ids, delete_old, find, grants, record, verbs_since};
use crate::id::{AuditEntryId, Identifier, MemberId};
use crate::storage::{Result, Tx};
use crate::time::Moment;

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A member, in a browser.
    Member(MemberActor),
    /// A person at the command line of the server.
    CommandLine,
    /// The program itself, such as the reset of a demo shop.
    Program,
}

/// A member who acts by a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberActor {
    /// identifier of the member
    pub id: MemberId,
    /// network address of the request, behind trusted proxies
    pub address: IpAddr,
}

impl From<MemberActor> for Actor {
    fn from(member: MemberActor) -> Self {
        Self::Member(member)
    }
}

impl Actor {
    /// The member; none for the command line and the program.
    pub const fn member_id(self) -> Option<MemberId> {
        if let Self::Member(member) = self { Some(member.id) } else { None }
    }

    const fn code(self) -> &'static str {
        match self {
            Self::Member(_) => "member",
            Self::CommandLine => "command-line",
            Self::Program => "program",
        }
    }
}

/// The object of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditObject {
    /// its identifier; `None` for several objects and for one without an identifier
    pub id: Option<i64>,
    /// number of objects
    pub count: usize,
}

impl AuditObject {
    /// An object without an identifier: the shop, a backup target, a postal code.
    pub const UNNUMBERED: Self = Self { id: None, count: 1 };

    /// The object with this identifier.
    pub fn one(id: impl Identifier) -> Self {
        Self { id: Some(id.raw()), count: 1 }
    }

    /// The objects with these identifiers.
    pub fn of(ids: &[impl Identifier]) -> Self {
        match ids {
            [id] => Self::one(*id),
            _ => Self { id: None, count: ids.len() },
        }
    }
}

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// time-sorted identifier
    pub id: AuditEntryId,
    /// time of the action
    pub at: Moment,
    /// who acted
    pub actor: Actor,
    /// the object, whose type follows from the verb
    pub object: AuditObject,
    /// verb and details
    pub event: AuditEvent,
}

/// An event, with its entry in the log if anything was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedEvent {
    /// what was done, or why nothing was
    pub event: AuditEvent,
    /// the entry; none if nothing was done
    pub audit_entry_id: Option<AuditEntryId>,
}

/// Records an event with the identifiers of the changed objects; does not record it if there are none.
pub fn record_effect<I: Identifier>(
    tx: &mut dyn Tx,
    actor: MemberActor,
    ids: &[I],
    event: AuditEvent,
) -> Result<RecordedEvent> {
    let audit_entry_id = match ids {
        [] => None,
        _ => Some(record(tx, actor, AuditObject::of(ids), &event)?),
    };
    Ok(RecordedEvent { event, audit_entry_id })
}

#[cfg(test)]
mod tests;

//! `/privacy/people`: what the shop has of one person, for the person.

pub(super) mod list;
pub(super) mod show;

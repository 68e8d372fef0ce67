//! `/downloads`: log of downloads of personal data, their files, and the verification of documents.

pub(super) mod list;
pub(super) mod show;
pub(super) mod verify;

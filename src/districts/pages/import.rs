//! Import of a newer official list: upload, preview of what it changes, apply, withdraw.

pub(super) mod list;
pub(super) mod show;

//! Import of a newer official list: upload, preview, apply, withdraw.

pub(super) mod list;
pub(super) mod show;

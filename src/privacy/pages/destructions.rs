//! `/privacy/destructions`: what is due, and the certificates of what was destroyed.

pub(super) mod list;
pub(super) mod show;

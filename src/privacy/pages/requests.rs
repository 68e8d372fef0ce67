//! `/privacy/requests`: what people demand about their data.

pub(super) mod answer;
pub(super) mod list;
pub(super) mod show;

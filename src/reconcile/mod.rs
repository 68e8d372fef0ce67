//! 마감 대조: a channel's own full list of a period, compared with the shop.
//!
//! The list is the channel's order list or its settlement list, in one file or several. `model` compares it with the orders
//! of the shop and names what is missing on either side and what differs; `store` reads the orders in bulk and keeps each report, so that every
//! number leads to its rows. A report has no names or addresses. Orders that are missing here are taken in by the upload
//! that the report keeps.

pub mod model;
pub mod pages;
mod run;
pub mod store;

/// How long reports are kept: five years, as records of payments have to be (전자상거래법 시행령 제6조).
pub const RETENTION_MS: i64 = 5 * 365 * 24 * 60 * 60 * 1000;

pub use run::{ListFile, ReconcileOptions, ReconcileOutcome, ReconcileResult, reconcile};

//! Deliveries: orders that travel together, as the delivery team works with them.
//!
//! `model` has the rules of a delivery; `filter` the filter of the list and its query string; `list` the
//! pagination by index; `overview` the numbers by region and date; `store` the SQL; `complete` 배송 완료 and its
//! undo; `log` the actions on a delivery; `memo` the memo of the team; `tracking` the parcel of a delivery; `masked` what a member sees from whom data is hidden; `slip` the layout of 배송 전표; `export` the files; `pages` the pages.

pub mod complete;
pub mod export;
pub mod filter;
pub mod list;
pub mod log;
pub mod masked;
pub mod memo;
pub mod model;
pub mod overview;
pub mod pages;
pub mod slip;
pub mod store;
#[cfg(test)]
mod tests;
pub mod tracking;

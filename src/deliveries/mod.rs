//! Deliveries: orders that travel together.
//!
//! `model` says what a delivery is; `filter` what a list of them shows; `list` finds that by index
//! among a million; `store` keeps what follows from the orders; `complete` is 배송 완료 and its
//! undoing; `log` what happened to a delivery; `slip` what stands on the sheet the customer signs,
//! and how large; `export` writes a list into a file; `pages` shows them.

pub mod complete;
pub mod export;
pub mod filter;
pub mod list;
pub mod log;
pub mod model;
pub mod overview;
pub mod pages;
pub mod slip;
pub mod store;
#[cfg(test)]
mod tests;

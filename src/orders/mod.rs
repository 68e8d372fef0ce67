//! Orders: one product line of a purchase, the heart of the house.
//!
//! `model` says what an order is and how it moves; `terms` what it can be found by; `filter` what a
//! list shows; `list` finds that by index among a million; `export` writes it into a file; `store`
//! reads and changes orders; `pages` shows them. `edit` reads what is typed into an order, `counter` what is typed into a new one; `bundle` says which orders may
//! travel together.

pub mod bundle;
pub mod classification;
pub mod edit;
pub mod export;
pub mod filter;
pub mod findings;
pub mod labels;
pub mod list;
pub mod manual_order;
pub mod model;
pub mod pages;
pub mod search;
pub mod store;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
pub(crate) mod tests;

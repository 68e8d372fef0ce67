//! Texts for customers (안내 문자): when the truck comes, what has changed since, and that the goods are there.
//!
//! | module | content |
//! | --- | --- |
//! | [`model`] | kinds of texts, the window that a text names, what a customer needs to be told |
//! | [`number`] | which telephone number takes a text |
//! | [`wording`] | the shop's wording with its variables, and its length in bytes |
//! | [`day`] | the texts of a day: whom to tell what, and who is left out |
//! | [`export`] | a file for a sender of 문자 or 알림톡, and its record |
//! | [`store`] | SQL |
//!
//! The program sends nothing: it writes a file for the shop's sender, and records that the customer was told. A window that
//! was told is a promise, so that the plan treats it as one ([`crate::plans::store::told_windows`]).

pub mod day;
pub mod export;
pub mod model;
pub mod number;
pub mod pages;
pub mod store;
#[cfg(test)]
mod tests;
pub mod wording;

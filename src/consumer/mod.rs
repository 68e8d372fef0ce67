//! What 전자상거래법 owes the buyer: supply in time, a notice when it is late, withdrawal (청약철회), refund, and what a
//! cancellation costs (위약금).
//!
//! [`terms`] counts days, with Korean holidays. [`penalty`] is the published tariff for furniture. [`notice`] is the text of a
//! delay. The rules are pure functions; a page for each order shows them with its dates.

pub mod model;
pub mod notice;
pub mod pages;
pub mod penalty;
pub mod store;
pub mod terms;

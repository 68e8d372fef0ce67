//! Today: the first page, which counts the open work of an administrator or 주문 담당.
//!
//! `dashboard` counts orders, deliveries, uploads and products. `notices` says what waits, `first_steps` what a new shop
//! lacks, `chart` draws what goes out; all three are pure functions. `watch` collects their facts; `pages` shows them.

pub mod chart;
pub mod dashboard;
pub mod first_steps;
pub mod notices;
pub mod pages;
mod store;
pub mod watch;

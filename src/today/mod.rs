//! Today: the first page, which counts an administrator's open work.
//!
//! `dashboard` counts orders, deliveries, uploads and products; `pages` shows the counts.

pub mod dashboard;
pub mod pages;

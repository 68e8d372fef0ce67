//! Deliveries: orders that travel together.

pub mod model;
pub mod pages;
pub mod store;

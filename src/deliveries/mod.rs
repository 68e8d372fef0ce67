//! Deliveries: orders that travel together.

pub mod model;
pub mod store;

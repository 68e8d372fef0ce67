//! 묶음 (mukkeum): an order-management appliance.
#![forbid(unsafe_code)]

pub mod deliveries;
pub mod orders;
pub mod products;
pub mod storage;
pub mod time;

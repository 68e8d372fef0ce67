//! 묶음 (mukkeum): an order-management appliance.

pub mod orders;
pub mod time;

//! 묶음 (mukkeum): an order-management appliance.

pub mod deliveries;
pub mod demo;
pub mod districts;
pub mod orders;
pub mod products;
pub mod sheets;
pub mod storage;
pub mod time;
pub mod uploads;
pub mod vault;

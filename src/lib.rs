//! 묶음 (mukkeum): an order-management appliance.

pub mod audit;
pub mod cli;
pub mod config;
pub mod deliveries;
pub mod demo;
pub mod districts;
pub mod members;
pub mod orders;
pub mod products;
pub mod sessions;
pub mod sheets;
pub mod storage;
pub mod time;
pub mod uploads;
pub mod vault;
pub mod web;

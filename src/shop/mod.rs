//! The shop's own data: name, telephone number, public address.

pub mod model;
pub mod pages;
pub mod store;

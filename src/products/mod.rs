//! Products and their variants. They follow the orders: an upload that names an unknown one makes
//! it, and the words can be mended afterwards.

pub mod model;
pub mod pages;
pub mod store;

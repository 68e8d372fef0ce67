//! Products and their variants. An upload creates unknown ones; members edit names, priorities and labels
//! afterwards.

pub mod model;
pub mod pages;
pub mod store;

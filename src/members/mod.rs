//! Members: who may come in, as what, and how they prove it.

pub mod limits;
pub mod model;
pub mod pages;
pub mod passwords;
pub mod store;

//! The shop itself: its name, its telephone, and where its pages are reached.

pub mod model;
pub mod pages;
pub mod store;

//! Orders: one product line of a purchase, the heart of the house.

pub mod model;

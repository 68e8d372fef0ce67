//! Practice (연습): ten exercises of a working day in the demo shop, ticked when they are really done.
//!
//! The identifier of a practice session seeds its people, orders and files
//! ([`exercises`]), so members practise independently of each other. The tasks and their completion rules are pure
//! functions ([`model`]) of the member's traces in the database since the start ([`store`]).

pub mod exercises;
pub mod files;
mod guide;
pub mod model;
pub mod pages;
pub mod store;

//! 연습: ten tasks of a working day in the training shop, which tick themselves when they are really
//! done.
//!
//! A member begins a round: a line in the log of acts, whose number makes the round's people, orders
//! and files ([`lesson`]), so that nobody does another's work. What the tasks are and when each is done
//! are pure rules ([`model`]) over what the member left behind in the shop ([`store`]).

pub mod files;
pub mod lesson;
pub mod model;
pub mod pages;
pub mod store;

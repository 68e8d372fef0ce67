//! Vehicle routing, offline: points of postal codes, driving times, and the engine that assigns the stops of a day to
//! trucks and orders them.
//!
//! Everything here is pure: no database, no clock, no thread. The same day, rounds and seed give the same routes on
//! every machine, because the engine counts rounds instead of seconds and takes its mathematical functions from `libm`.
//!
//! | module | content |
//! | --- | --- |
//! | [`points`] | postal code → point |
//! | [`borders`] | borders of districts, to draw a route on |
//! | [`travel`] | drives between two points and places; the factors of the roads |
//! | [`day`] | the JSON format of a day and of its answer, validated |
//! | [`engine`] | ruin and recreate |

pub mod borders;
pub mod day;
pub mod engine;
pub mod points;
#[cfg(test)]
mod tests;
pub mod travel;

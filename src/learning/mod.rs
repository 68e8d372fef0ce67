//! Learnt values (배운 값): what finished days say about the minutes at the door.
//!
//! | module | content |
//! | --- | --- |
//! | [`model`] | stops as they were → minutes of products; pure |
//! | [`store`] | SQL: the stops of closed tours |
//!
//! A value is learnt by product, never by driver: who was there is not read. Nothing changes by itself; a member looks at a
//! learnt value and accepts it.

pub mod model;
pub mod pages;
pub mod store;

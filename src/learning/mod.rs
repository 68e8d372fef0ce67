//! Learnt values (배운 값): what finished days say about the minutes at the door and the roads.
//!
//! | module | content |
//! | --- | --- |
//! | [`model`] | stops as they were → minutes of products; pure |
//! | [`roads`] | drives as they were → factors of the roads; pure |
//! | [`store`] | SQL: the stops of closed tours |
//!
//! A value is learnt by product, or by pair of areas, never by driver: who was there is not read. Nothing changes by itself; a member looks at a
//! learnt value and accepts it.

pub mod model;
pub mod pages;
pub mod roads;
pub mod store;

//! Districts: 시/도 and 시/군/구 of a postal code, offline.
//!
//! The table is embedded in the executable (`assets/districts`, GeoNames and LOCALDATA; its README has the
//! attribution). The database holds newer official lists and manual corrections, which override it.
//! [`Districts`] is the result as one immutable value; [`DistrictCache`] reloads it when it has changed.

mod cache;
pub mod diff;
mod edition;
mod embedded;
pub mod model;
pub mod official;
pub mod pages;
mod region;
pub mod store;
#[cfg(test)]
mod tests;

pub use cache::DistrictCache;
pub use edition::{Edition, PostalRange, TableError};
pub use model::{Classification, Districts, postal_key};
pub use region::Region;

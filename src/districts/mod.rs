//! 시/도 and 시/군/구: which postal code belongs where, offline.
//!
//! The table ships inside the program (`assets/districts`, GeoNames and LOCALDATA; its README has
//! the attribution). Newer official lists and corrections by hand lie over it, in the database;
//! [`DistrictCache`] keeps all of it as one value, [`Districts`], and sees when it changed.

mod cache;
pub mod change;
pub mod classify;
mod edition;
mod embedded;
pub mod model;
pub mod official;
pub mod overview;
pub mod pages;
mod region;
pub mod store;
#[cfg(test)]
mod tests;

pub use cache::DistrictCache;
pub use edition::{Edition, Run, TableError};
pub use model::{Districts, Place, postal_key};
pub use region::Region;

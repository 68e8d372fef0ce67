//! 시/도 and 시/군/구: which postal code belongs where, offline.
//!
//! The table ships inside the program (`assets/districts`, GeoNames and LOCALDATA; its README has
//! the attribution). Build it once with [`Districts::embedded`] and share it.

pub mod model;
pub mod pages;

pub use model::{Districts, Place, Region, TableError};

//! A synthetic shop: a bed maker's people, products and orders, for training and for benchmarks.
//!
//! Everything follows from a seed, so that two runs make the same shop. Nobody here is real: names
//! are put together from syllables, telephone numbers are of the blocks `010-0000` and `050x-0000`,
//! which are given to nobody, and streets are called 예시로. Only the postal codes and the districts
//! they lie in are those of the country.

mod every;
pub mod files;
mod fill;
mod orders;
mod people;
mod random;
mod shop;
mod training;

pub use every::{NotATime, ResetEvery};
pub use fill::fill;
pub use orders::{NewOrders, new_orders};
pub use people::{Person, people};
pub use random::Random;
pub use shop::{Choice, ITEMS, Item};
pub use training::{ACCOUNTS, Demo, DemoAccount, DemoError, Plan};

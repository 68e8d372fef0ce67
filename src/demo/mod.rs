//! Synthetic shop data for the demo (`mukkeum demo`), tests and benchmarks: people, products and orders of a bed maker.
//!
//! The data is a pure function of a seed, so two runs generate the same shop. No person is real: names are
//! combined from syllables, telephone numbers use the unassigned blocks `010-0000` and `050x-0000`, and
//! streets have names such as 예시로. Only the postal codes and their districts are real.

mod catalogue;
mod driver_day;
pub mod files;
mod finished_days;
mod generate;
mod names;
mod orders;
mod store;
mod training;
mod trucks;

pub use catalogue::{CATALOGUE, CatalogueItem, CatalogueOption};
pub use generate::generate;
pub use names::{Person, people};
pub use orders::{NewOrders, new_orders};
pub use training::{ACCOUNTS, Demo, DemoAccount, DemoError};
pub use trucks::PLANNED_DAYS;

//! Sales channels and couriers: the layouts of their files, and the channels that have orders.
//!
//! A [`Profile`] describes the layout of one kind of file of a channel or courier (`assets/channels`,
//! `assets/couriers`, or the shop's own folder). [`Profiles::recognise`] finds the sheet, the header row
//! and the profile of an opened workbook and gives the [`Table`], whose columns have names.
//! [`rejected_rows()`] writes rejected rows back to a spreadsheet, with the reasons. [`model`] is the common
//! vocabulary of all channels, [`store`] the SQL of the table `sales_channels`.

mod couriers;
mod error;
pub mod model;
mod options;
mod profile;
mod recognition;
mod rejected_rows;
pub mod store;
mod table;

#[cfg(test)]
pub(crate) mod tests;

pub use couriers::{Courier, courier_name, find_courier, tracking_url};
pub use error::FileError;
pub use options::parse_options;
pub use profile::{Field, FileKind, OptionSyntax, Profile, ProfileError, Profiles, StatusEffect, StatusRule};
pub use recognition::OtherSheets;
pub use rejected_rows::rejected_rows;
pub use table::Table;

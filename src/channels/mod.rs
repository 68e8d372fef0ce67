//! Sales channels and couriers: the layouts of their files, and the channels that have orders.
//!
//! A [`Profile`] describes the layout of one kind of file of a channel or courier (`assets/channels`,
//! `assets/couriers`, or taught by the shop: [`store::profiles`]). [`Profiles::recognise`] finds the sheet, the header row
//! and the profile of an opened workbook and gives the [`Table`], whose columns have names. [`ColumnDrift`] compares the
//! columns of a file with those of its profile, and suggests which is which.
//! [`write_rejected_rows`] writes rejected rows back to a spreadsheet, with the reasons. [`model`] is the common
//! vocabulary of all channels, [`store`] the SQL of the table `sales_channels`.

mod couriers;
mod error;
mod joining;
pub mod model;
mod options;
pub mod pages;
mod profile;
mod recognition;
mod rejected_rows;
pub mod store;
mod suggestion;
mod table;
mod teaching;

#[cfg(test)]
pub(crate) mod tests;

pub use couriers::{
    Courier, TYPED_COURIER, courier_name, find_courier, offered_couriers, tracking_links, tracking_url,
};
pub use error::FileError;
pub use options::parse_options;
pub use profile::{
    Field, FileKind, MAX_NAME_CHARS, MAX_PROFILE_BYTES, OptionSyntax, Profile, ProfileError, Profiles, StatusEffect,
    StatusRule,
};
pub use recognition::{OtherSheets, column_samples};
pub use rejected_rows::write_rejected_rows;
pub use suggestion::{ColumnSample, suggest_roles};
pub use table::Table;
pub use teaching::{ColumnDrift, ColumnRole, MissingColumn, TeachError, check_header};

//! Spreadsheets: the bytes of a channel's or courier's file become rows with named columns.
//!
//! The way of a file: [`open`] recognises the container by its content, decrypts it and bounds what
//! it may cost ([`Limits`]); [`Profiles::recognise`] finds the sheet, the header row and the
//! [`Profile`] that fits; [`Workbook::rows`] then hands out one row after another, so a file is never
//! held twice. A file that cannot be used is a [`Refusal`], whose text tells a person what it is and
//! what to do. [`rejected_rows`] writes the bad rows back with the reasons beside them.

mod cell;
mod compound;
mod container;
mod csv;
mod decrypt;
mod encoding;
mod limits;
mod profile;
mod refusal;
mod table;
pub mod values;
mod workbook;
mod write;
mod xls;
mod xlsx;
mod xlsx_package;
mod xlsx_parts;

#[cfg(test)]
pub(crate) mod tests;

pub use cell::{Cell, Row};
pub use container::needs_password;
pub use limits::Limits;
pub use profile::{Change, ChangeKind, Field, Kind, OptionStyle, Profile, ProfileError, Profiles};
pub use refusal::Refusal;
pub use table::Table;
pub use workbook::{Workbook, open};
pub use write::rejected_rows;

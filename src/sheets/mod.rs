//! Spreadsheet files: reads .xlsx, .xls, CSV, HTML tables and SpreadsheetML 2003 as rows of cells,
//! within resource limits.
//!
//! [`open()`] detects the format by content, decrypts the file and checks its size against the [`Limits`].
//! [`Workbook::rows`] then visits one row at a time, so that a file is never held in memory twice. Errors
//! of a file as a whole are [`SheetError`]s; their messages name the file type and the remedy.

mod cell;
mod compound;
mod container;
mod csv;
mod decrypt;
mod encoding;
mod error;
mod html;
mod limits;
mod markup;
mod merged;
mod number_format;
mod spreadsheet_xml;
pub mod values;
mod workbook;
mod xls;
mod xlsx;
mod xlsx_package;
mod xlsx_parts;

#[cfg(test)]
pub(crate) mod tests;

pub use cell::{Cell, MergedArea, Row};
pub use container::needs_password;
pub use encoding::repair_mojibake;
pub use error::SheetError;
pub use limits::Limits;
pub use merged::MergedCells;
pub use number_format::NumberFormat;
pub use workbook::{Sheet, SheetPreview, Workbook, open};

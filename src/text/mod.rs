//! Parsers for text that people type and spreadsheets contain, shared by forms and files.
//!
//! Pure functions on `&str`. Files are re-saved by people: leading zeros are lost, digits may be full-width,
//! spaces may be non-breaking. All parsers therefore normalise to NFKC first. An error is a short Korean
//! phrase without the value; the caller adds the row, column or field.

mod coded;
mod error_chain;
mod hex;
mod lines;
mod number;
mod phone;
mod sensitive;
mod size;
mod zip_code;

pub use coded::FromCode;
pub(crate) use coded::coded;
pub use error_chain::error_chain;
pub use hex::hex;
pub use lines::{fold_word, is_hyphen, is_invisible, is_one_line, multi_line, nfc, nfkc, nfkc_visible, one_line};
pub use number::{grouped, integer_digits, money_from_number, parse_money, parse_quantity, quantity_from_number};
pub use phone::{PhoneNumbers, parse_phone, parse_phone_cell};
pub use sensitive::{SensitiveKind, find_sensitive, hide_sensitive, mask_sensitive};
pub use size::format_size;
pub use zip_code::{parse_zip_code, typed_zip_code};

/// A parsed value, or a Korean phrase that describes the mistake.
pub type ParseResult<T> = Result<T, &'static str>;

//! Validation of form fields of an order, with messages in Korean.
//!
//! `row_form` is a row of the list, `order_form` the page of one order; both read single fields with `fields`.
//! `conflict` handles an order that was changed by another member while the page was open.

mod conflict;
mod fields;
mod order_form;
mod row_form;

use std::borrow::Cow;

pub use self::conflict::{Conflict, conflicts, take_stored};
pub use self::fields::{
    FormReader, Inputs, NO_CHOICE, OptionInput, format_options, picked, read_memo, read_option, read_price,
    read_quantity,
};
pub use self::order_form::{DESPITE_CLAIM, apply_order_form, inputs_of};
pub use self::row_form::{RowForm, apply_row_form, changed_meanwhile};

/// Validation error of a form field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// name of the form field
    pub field: Cow<'static, str>,
    /// what is invalid and how to correct it
    pub message: String,
}

impl Problem {
    /// An error at that field.
    pub fn at(field: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

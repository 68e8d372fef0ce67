//! What may be typed into an order, and what to say when it may not.
//!
//! `row` is a line of the list, `whole` the page of one order; both read single fields with
//! `fields`. `conflict` is for an order that somebody else changed while the page was open.

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
pub use self::order_form::{apply_order_form, inputs_of};
pub use self::row_form::{RowForm, apply_row_form, changed_meanwhile};

/// A mistake at a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// the field's name in its form
    pub field: Cow<'static, str>,
    /// what is wrong and what to do
    pub message: String,
}

impl Problem {
    /// That mistake at that field.
    pub fn at(field: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

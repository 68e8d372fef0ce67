//! What may be typed into an order, and what to say when it may not.
//!
//! `row` is a line of the list, `whole` the page of one order; both read single fields with
//! `fields`. `conflict` is for an order that somebody else changed while the page was open.

mod conflict;
mod fields;
mod row;
mod whole;

use std::borrow::Cow;

pub use self::conflict::{Conflict, conflicts, take_stored};
pub use self::fields::{
    Inputs, NO_CHOICE, OptionInput, Reading, options_words, picked, read_memo, read_option, read_price, read_quantity,
};
pub use self::row::{RowForm, changed_meanwhile, edited};
pub use self::whole::{edited_whole, inputs_of};

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

//! Cells of tabular exports.

use std::borrow::Cow;

use chrono::NaiveDate;

use crate::time::Moment;

/// Value of a cell.
pub(crate) enum Cell<'a> {
    Text(Cow<'a, str>),
    Number(i64),
    Date(Option<NaiveDate>),
    At(Option<Moment>),
}

impl<'a> Cell<'a> {
    /// A text that the order has.
    pub(crate) fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

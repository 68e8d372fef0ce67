//! What the files that people read look like: columns, and the sheets they stand on.

use std::borrow::Cow;

use chrono::NaiveDate;

use super::regions;
use crate::districts::Districts;
use crate::orders::list::OrderRow;
use crate::orders::model::{Order, OrderState, ShippingMethod};
use crate::time::Moment;

/// What stands in a cell.
pub(crate) enum Cell<'a> {
    Text(Cow<'a, str>),
    Number(i64),
    Date(Option<NaiveDate>),
    At(Option<Moment>),
}

/// An order on its line of a table.
pub(super) struct OrderLine<'a> {
    pub(super) order_row: &'a OrderRow,
    pub(super) districts: &'a Districts,
    /// 번호, from 1 on each sheet
    pub(super) number: u32,
}

/// A column: its header, its width in characters, and what an order has there.
pub(super) struct Column {
    pub(super) header: &'static str,
    pub(super) width: u8,
    pub(super) cell: for<'a> fn(&OrderLine<'a>) -> Cell<'a>,
}

/// How a sheet looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TableStyle {
    /// nothing but text: a program reads it
    Plain,
    /// thin borders and a filled header
    Framed,
    /// as framed, for paper: wrapped text in rows of this many pixels, the header's first
    Printed { header: u16, row: u16 },
}

/// A kind of file: its columns and its look.
pub(super) struct Table {
    pub(super) columns: &'static [Column],
    pub(super) look: TableStyle,
}

macro_rules! columns {
    ($($header:literal $width:literal |$line:pat_param| $cell:expr;)*) => {
        /// Every column, in the sequence of the file.
        pub(super) const COLUMNS: &[$crate::orders::export::table::Column] =
            &[$($crate::orders::export::table::Column { header: $header, width: $width, cell: |$line| $cell },)*];
    };
}
pub(super) use columns;

pub(crate) fn text(text: &str) -> Cell<'_> {
    Cell::Text(Cow::Borrowed(text))
}

pub(super) fn at(order: &Order, state: OrderState) -> Cell<'static> {
    Cell::At(order.moments.of(state))
}

/// The channel's word for a method that is not known here.
pub(crate) fn method(order: &Order) -> &str {
    match order.shipping_method {
        ShippingMethod::Other if !order.shipping_method_word.is_empty() => &order.shipping_method_word,
        method => method.label(),
    }
}

impl<'a> OrderLine<'a> {
    /// 시/도 and 시/군/구, or 미분류 for both.
    pub(super) fn place(&self) -> (&'a str, &'a str) {
        regions(self.districts, &self.order_row.order).unwrap_or(("미분류", "미분류"))
    }
}

//! Columns and styles of tabular exports.

use std::borrow::Cow;

use super::{Orders, regions};
use crate::districts::Districts;
use crate::orders::fields::{Cell, OrderField};
use crate::orders::list::OrderRow;
use crate::orders::model::{Order, ShippingMethod};
use crate::shop::model::Shop;

/// Order in a row of a table.
pub(super) struct OrderLine<'a> {
    /// the order, or the first of the parcel
    pub(super) order_row: &'a OrderRow,
    /// the orders of the parcel in a file for a courier; otherwise the order alone
    pub(super) orders: &'a [OrderRow],
    pub(super) districts: &'a Districts,
    /// the shop, as the sender of parcels
    pub(super) sender: &'a Shop,
    /// 번호, from 1 on each sheet
    pub(super) number: u32,
}

/// Column: header, width in characters, and the cell of an order.
pub(super) struct Column {
    pub(super) header: Cow<'static, str>,
    pub(super) width: u8,
    pub(super) source: CellSource,
}

/// Where a column takes its cells from.
#[derive(Clone, Copy)]
pub(super) enum CellSource {
    /// a field of the order
    Field(&'static OrderField),
    /// anything else about the order
    Of(for<'a> fn(&OrderLine<'a>) -> Cell<'a>),
}

impl Column {
    /// The cell of an order.
    pub(super) fn cell<'a>(&self, line: &OrderLine<'a>) -> Cell<'a> {
        match self.source {
            CellSource::Field(field) => field.cell(&line.order_row.order),
            CellSource::Of(cell) => cell(line),
        }
    }
}

/// Style of a sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TableStyle {
    /// text cells without a style, for programs
    Plain,
    /// thin borders and a filled header
    Framed,
    /// as framed, for printing: wrapped text, the row heights in pixels: of the header, and the least of an order
    Printed { header: u16, row: u16 },
}

/// Columns and style of an export.
pub(super) struct Table {
    pub(super) columns: &'static [Column],
    pub(super) look: TableStyle,
}

macro_rules! columns {
    ($($header:literal $width:literal |$line:pat_param| $cell:expr;)*) => {
        /// Every column, in order.
        pub(super) const COLUMNS: &[$crate::orders::export::table::Column] =
            &[$($crate::orders::export::table::Column { header: ::std::borrow::Cow::Borrowed($header), width: $width, source: $crate::orders::export::table::CellSource::Of(|$line| $cell) },)*];
    };
}
pub(super) use columns;

/// Label of the method, or the channel's wording if it is unknown.
pub(crate) fn method(order: &Order) -> &str {
    match order.shipping_method {
        ShippingMethod::Other if !order.shipping_method_raw.is_empty() => &order.shipping_method_raw,
        method => method.label(),
    }
}

impl<'a> OrderLine<'a> {
    /// The line of an order or of a parcel; none without an order.
    pub(super) fn new(orders: &'a [OrderRow], of: &Orders<'a>, number: u32) -> Option<Self> {
        Some(Self { order_row: orders.first()?, orders, districts: of.districts, sender: of.sender, number })
    }

    /// 시/도 and 시/군/구, or 미분류 for both.
    pub(super) fn region_names(&self) -> (&'a str, &'a str) {
        regions(self.districts, &self.order_row.order).unwrap_or(("미분류", "미분류"))
    }
}

//! 검색 결과: all columns of the list, and those that the page does not show.

use std::borrow::Cow;
use std::sync::LazyLock;

use super::table::{CellSource, Column, OrderLine, method};
use crate::orders::fields::Cell;
use crate::orders::fields::{FIELDS, OrderField};

/// What a column holds: a field, or something that an order has from its product, channel, district or bundle.
enum Entry {
    /// a field with a header of its own
    Field(&'static str),
    /// header, width and cell
    Joined(&'static str, u8, for<'a> fn(&OrderLine<'a>) -> Cell<'a>),
}
use Entry::{Field, Joined};

/// Columns, in order. A field with a header that is not among them follows the field before it in [`FIELDS`].
const ENTRIES: &[Entry] = &[
    Field("state"),
    Field("claim"),
    Field("order_number"),
    Joined("판매채널", 14, |line| Cell::text(&line.order_row.channel_name)),
    Joined("상품번호", 16, |line| Cell::text(&line.order_row.product_number)),
    Joined("상품명", 42, |line| Cell::text(&line.order_row.product_name)),
    Joined("옵션", 42, |line| Cell::Text(Cow::Owned(line.order_row.labels.join(" / ")))),
    Field("quantity"),
    Field("price"),
    Field("customer_name"),
    Field("customer_tel"),
    Field("recipient_name"),
    Field("recipient_tel1"),
    Field("recipient_tel2"),
    Field("recipient_zip_code"),
    Field("recipient_address1"),
    Field("recipient_address2"),
    Joined("시/도", 14, |line| Cell::text(line.region_names().0)),
    Joined("시/군/구", 14, |line| Cell::text(line.region_names().1)),
    Joined("배송방법", 15, |line| Cell::text(method(&line.order_row.order))),
    Field("charge_type"),
    Joined("묶음배송번호", 21, |line| Cell::text(&line.order_row.bundle_number)),
    Joined("합배송수", 9, |line| Cell::Number(line.order_row.bundle_count)),
    Field("placed_at"),
    Field("dispatch_deadline"),
    Field("preferred_shipping_date"),
    Field("purchased_at"),
    Field("dispatched_at"),
    Field("shipped_at"),
    Field("confirmed_at"),
    Field("cancelled_at"),
    Field("refunded_at"),
    Field("courier"),
    Field("tracking_number"),
    Field("customer_message"),
    Field("purchase_memo"),
    Field("shipping_memo"),
    Field("admin_memo"),
];

/// Every column, in order.
pub(super) static COLUMNS: LazyLock<Vec<Column>> = LazyLock::new(|| {
    let mut columns = Vec::with_capacity(FIELDS.len());
    for entry in ENTRIES {
        match entry {
            Field(column) => add_field(&mut columns, FIELDS.iter().position(|field| field.column == *column)),
            Joined(header, width, cell) => columns.push(column(header, *width, CellSource::Of(*cell))),
        }
    }
    columns
});

fn column(header: &'static str, width: u8, source: CellSource) -> Column {
    Column { header: Cow::Borrowed(header), width, source }
}

/// Adds the column of the field at that place of [`FIELDS`], and those of the fields behind it that are not listed.
fn add_field(columns: &mut Vec<Column>, place: Option<usize>) {
    let fields = place.and_then(|place| FIELDS.get(place..)).unwrap_or_default();
    let is_listed =
        |field: &OrderField| ENTRIES.iter().any(|entry| matches!(entry, Field(column) if *column == field.column));
    let unlisted = fields.iter().skip(1).take_while(|field| field.sheet.is_none() || !is_listed(field));
    for field in fields.iter().take(1).chain(unlisted) {
        if let Some((header, width)) = field.sheet {
            columns.push(column(header, width, CellSource::Field(field)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_field_with_a_header_is_one_column() {
        let headers: Vec<&str> = FIELDS.iter().filter_map(|field| Some(field.sheet?.0)).collect();
        let joined = ENTRIES.iter().filter(|entry| matches!(entry, Joined(..))).count();
        assert_eq!(COLUMNS.len(), headers.len() + joined);
        let columns: BTreeSet<&str> = COLUMNS.iter().map(|column| column.header.as_ref()).collect();
        assert_eq!(columns.len(), COLUMNS.len());
        assert!(headers.iter().all(|header| columns.contains(header)));
    }
}

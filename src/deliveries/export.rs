//! Export of a delivery list: .json for programs, with stable keys; .xlsx and .csv for people. Like an export
//! of orders, the file is streamed to a temporary name and renamed when it is complete.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fs::File;
use std::io::{BufWriter, Error, Write};
use std::path::Path;

use csv::{Terminator, WriterBuilder};
use rust_xlsxwriter::Workbook;
use serde::Serialize;

use super::filter::DeliveryFilter;
use super::list::{self, DeliveryRow, load_rows};
use super::store;
use crate::access::AccessedOrders;
use crate::districts::Districts;
use crate::id::DeliveryId;
use crate::masking::{self, MaskPolicy};
use crate::members::model::rights::Sight;
use crate::orders::export::csv::format_cell;
use crate::orders::export::json::OrderOf;
use crate::orders::export::table::method;
use crate::orders::export::xlsx::{CellFormats, MAX_SHEET_ROWS, catch_full_disk, write_cell};
use crate::orders::export::{AtomicFile, ExportError, Format, regions};
use crate::orders::fields::Cell;
use crate::orders::model::Recipient;
use crate::storage::Tx;
use crate::time::Moment;

/// Deliveries in memory at the same time.
const BATCH_ROWS: usize = 200;

/// Writes the deliveries of a list to `path`, in sort order. Returns their number and their orders.
///
/// # Errors
/// The database fails, or the file cannot be written. An earlier file at `path` is kept.
pub fn save(
    tx: &mut dyn Tx,
    filter: &DeliveryFilter,
    format: Format,
    districts: &Districts,
    path: &Path,
) -> Result<(u64, AccessedOrders), ExportError> {
    let unfinished = AtomicFile::create_beside(path, &tx.new_code())?;
    let folder = unfinished.path.parent().map(Path::to_owned).unwrap_or_default();
    let file = unfinished.file.try_clone()?;
    let ids = list::page(tx, filter, 0, i64::MAX)?.ids;
    match format {
        Format::Xlsx => catch_full_disk(|| xlsx(tx, &ids, districts, file, &folder))?,
        Format::Csv => csv(tx, &ids, districts, file)?,
        Format::Json => json(tx, &ids, districts, file)?,
    }
    let orders = store::joined_orders(tx, &ids)?.into_iter().map(|joined| joined.order_id).collect();
    unfinished.finish(path)?;
    Ok((ids.len() as u64, orders))
}

fn for_each_row(
    tx: &mut dyn Tx,
    ids: &[DeliveryId],
    visit: &mut dyn FnMut(&DeliveryRow) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    let restricted = masking::store::restricted(tx)?;
    let masking = MaskPolicy::new(Sight::Full, HashSet::new(), tx.now().date()).restricting(restricted);
    for chunk in ids.chunks(BATCH_ROWS) {
        for row in load_rows(tx, chunk)? {
            visit(&row.masked(&masking))?;
        }
    }
    Ok(())
}

/// A column: header, width in characters, and the cell of a delivery.
struct Column(&'static str, u8, for<'a> fn(&'a DeliveryRow, &'a Districts) -> Cell<'a>);

fn recipient_cell<'a>(row: &'a DeliveryRow, field: fn(&'a Recipient) -> &'a String) -> Cell<'a> {
    Cell::text(row.primary().map_or("", |primary| field(&primary.order.recipient)))
}

fn region_names<'a>(row: &'a DeliveryRow, districts: &'a Districts) -> Option<(&'a str, &'a str)> {
    row.primary().and_then(|primary| regions(districts, &primary.order))
}

/// One line per order: `[출고] 침대 [월넛] × 1`.
fn order_lines(row: &DeliveryRow) -> String {
    let line = |listed: &crate::orders::list::OrderRow| {
        let options = if listed.labels.is_empty() { String::new() } else { format!(" [{}]", listed.labels.join(", ")) };
        format!("[{}] {}{options} × {}", listed.order.state.label(), listed.product_name, listed.order.quantity)
    };
    row.orders.iter().map(|order| line(&order.listed)).collect::<Vec<_>>().join("\n")
}

const COLUMNS: [Column; 21] = [
    Column("상태", 8, |row, _| Cell::text(row.delivery.state.label())),
    Column("묶음배송번호", 21, |row, _| Cell::text(&row.delivery.bundle_number)),
    Column("배송방법", 15, |row, _| Cell::text(row.primary().map_or("", |primary| method(&primary.order)))),
    Column("배송비", 9, |row, _| Cell::text(row.primary().map_or("", |primary| primary.order.charge_type.label()))),
    Column("희망배송일", 12, |row, _| Cell::Date(row.delivery.preferred_shipping_date)),
    Column("시/도", 14, |row, districts| Cell::text(region_names(row, districts).map_or("미분류", |(sido, _)| sido))),
    Column("시/군/구", 14, |row, districts| {
        Cell::text(region_names(row, districts).map_or("미분류", |(_, sigungu)| sigungu))
    }),
    Column("수취인명", 12, |row, _| recipient_cell(row, |recipient| &recipient.name)),
    Column("수취인연락처1", 16, |row, _| recipient_cell(row, |recipient| &recipient.tel1)),
    Column("수취인연락처2", 16, |row, _| recipient_cell(row, |recipient| &recipient.tel2)),
    Column("우편번호", 10, |row, _| recipient_cell(row, |recipient| &recipient.zip_code)),
    Column("주소", 48, |row, _| recipient_cell(row, |recipient| &recipient.address1)),
    Column("상세주소", 30, |row, _| recipient_cell(row, |recipient| &recipient.address2)),
    Column("대표상품", 42, |row, _| Cell::text(row.primary().map_or("", |primary| &primary.product_name))),
    Column("주문수", 8, |row, _| Cell::Number(row.delivery.order_count)),
    Column("총수량", 8, |row, _| Cell::Number(row.delivery.total_quantity)),
    Column("취소수량", 9, |row, _| Cell::Number(row.delivery.cancelled_quantity)),
    Column("주문", 60, |row, _| Cell::Text(Cow::Owned(order_lines(row)))),
    Column("고객메시지", 42, |row, _| Cell::Text(Cow::Owned(row.customer_messages().join("\n")))),
    Column("배송메모", 42, |row, _| Cell::Text(Cow::Owned(row.shipping_memos().join("\n")))),
    Column("팀 메모", 42, |row, _| Cell::text(&row.delivery.memo)),
];

fn csv(tx: &mut dyn Tx, ids: &[DeliveryId], districts: &Districts, file: File) -> Result<(), ExportError> {
    let mut out = BufWriter::new(file);
    out.write_all("\u{FEFF}".as_bytes())?;
    let mut table = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(out);
    table.write_record(COLUMNS.iter().map(|Column(header, ..)| header)).map_err(Error::from)?;
    for_each_row(tx, ids, &mut |row| {
        let cells = COLUMNS.iter().map(|Column(_, _, cell)| format_cell(cell(row, districts)).into_owned());
        Ok(table.write_record(cells).map_err(Error::from)?)
    })?;
    Ok(table.flush()?)
}

fn xlsx(
    tx: &mut dyn Tx,
    ids: &[DeliveryId],
    districts: &Districts,
    file: File,
    folder: &Path,
) -> Result<(), ExportError> {
    let mut workbook = Workbook::new();
    workbook.set_tempdir(folder)?;
    let looks = CellFormats::framed();
    let sheets = if ids.is_empty() { vec![ids] } else { ids.chunks(MAX_SHEET_ROWS).collect() };
    for (number, ids) in (1..).zip(sheets) {
        let sheet = workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name(if number == 1 { "배송".to_owned() } else { format!("배송 ({number})") })?;
        sheet.set_freeze_panes(1, 0)?;
        for (column, Column(header, width, _)) in (0..).zip(&COLUMNS) {
            sheet.set_column_width(column, f64::from(*width))?;
            sheet.write_string_with_format(0, column, *header, &looks.header)?;
        }
        let mut sheet_row = 0;
        for_each_row(tx, ids, &mut |row| {
            sheet_row += 1;
            for (column, Column(_, _, cell)) in (0..).zip(&COLUMNS) {
                write_cell(sheet, sheet_row, column, cell(row, districts), &looks)?;
            }
            Ok(())
        })?;
    }
    let mut out = BufWriter::new(file);
    workbook.save_to_writer(&mut out)?;
    Ok(out.flush()?)
}

#[derive(Serialize)]
struct DeliveryJson<'a> {
    delivery_number: &'a str,
    delivery_state: &'static str,
    order_count: i64,
    total_quantity: i64,
    cancelled_quantity: i64,
    primary_order_number: Option<&'a str>,
    shipping_method: &'static str,
    charge_type: Option<&'static str>,
    preferred_shipping_date: Option<String>,
    sido: Option<&'a str>,
    sigungu: Option<&'a str>,
    recipient_name: &'a str,
    recipient_tel1: &'a str,
    recipient_tel2: &'a str,
    recipient_zip_code: &'a str,
    recipient_address1: &'a str,
    recipient_address2: &'a str,
    customer_message: String,
    shipping_memo: String,
    team_memo: &'a str,
    printed_at: Option<String>,
    printed_by: Option<&'a str>,
    orders: Vec<OrderOf<'a>>,
}

impl<'a> DeliveryJson<'a> {
    fn new(row: &'a DeliveryRow, districts: &'a Districts, no_recipient: &'a Recipient) -> Self {
        let (delivery, region, primary) = (&row.delivery, region_names(row, districts), row.primary());
        let recipient = primary.map_or(no_recipient, |primary| &primary.order.recipient);
        Self {
            delivery_number: &delivery.bundle_number,
            delivery_state: delivery.state.code(),
            order_count: delivery.order_count,
            total_quantity: delivery.total_quantity,
            cancelled_quantity: delivery.cancelled_quantity,
            primary_order_number: primary.map(|primary| primary.order.order_number.as_str()),
            shipping_method: delivery.shipping_method.code(),
            charge_type: primary.map(|primary| primary.order.charge_type.code()),
            preferred_shipping_date: delivery.preferred_shipping_date.map(|date| date.to_string()),
            sido: region.map(|(sido, _)| sido),
            sigungu: region.map(|(_, sigungu)| sigungu),
            recipient_name: &recipient.name,
            recipient_tel1: &recipient.tel1,
            recipient_tel2: &recipient.tel2,
            recipient_zip_code: &recipient.zip_code,
            recipient_address1: &recipient.address1,
            recipient_address2: &recipient.address2,
            customer_message: row.customer_messages().join("\n"),
            shipping_memo: row.shipping_memos().join("\n"),
            team_memo: &delivery.memo,
            printed_at: delivery.printed_at.map(Moment::iso),
            printed_by: delivery.printed_by.as_deref(),
            orders: row.orders.iter().map(|order| OrderOf::new(&order.listed, districts)).collect(),
        }
    }
}

fn json(tx: &mut dyn Tx, ids: &[DeliveryId], districts: &Districts, file: File) -> Result<(), ExportError> {
    let mut out = BufWriter::new(file);
    let (mut separator, no_recipient): (&[u8], _) = (b"[\n", Recipient::default());
    for_each_row(tx, ids, &mut |row| {
        out.write_all(separator)?;
        separator = b",\n";
        Ok(serde_json::to_writer(&mut out, &DeliveryJson::new(row, districts, &no_recipient)).map_err(Error::from)?)
    })?;
    out.write_all(if ids.is_empty() { b"[]\n" } else { b"\n]\n" })?;
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use calamine::{Data, Reader, Xlsx, open_workbook};

    use super::*;
    use crate::orders::model::NewOrder;
    use crate::orders::testing::{Shop, new_order};

    fn exported(name: &str) -> std::path::PathBuf {
        let shop = Shop::open();
        shop.write(|tx, files| {
            let order = |number: &str, bundle: &str, quantity| NewOrder {
                bundle_number: bundle.into(),
                quantity,
                customer_message: "=문 앞".into(),
                ..new_order(number)
            };
            files
                .order(tx, "SMART_STORE", vec![order("1", "31", 1), order("2", "31", 3), order("3", "32", 1)])
                .map(drop)
        })
        .expect("fills");
        let folder = shop.folder.path().to_owned();
        let path = folder.join(name);
        let (out, format) = (path.clone(), Format::of(&path).expect("a known ending"));
        let filter = DeliveryFilter::default();
        let saved = shop.read(move |tx, files| save(tx, &filter, format, &files.districts, &out));
        assert_eq!(saved.expect("saves").0, 2);
        let kept = std::env::temp_dir().join(format!("{}-{name}", std::process::id()));
        std::fs::copy(&path, &kept).expect("copies");
        kept
    }

    #[test]
    fn json_has_each_delivery_with_its_orders() {
        let path = exported("deliveries.json");
        let text = std::fs::read_to_string(&path).expect("reads");
        std::fs::remove_file(path).expect("removes");
        let deliveries: Vec<serde_json::Value> = serde_json::from_str(&text).expect("an array");
        let bundle = deliveries.iter().find(|delivery| delivery["delivery_number"] == "31").expect("is there");
        assert_eq!((&bundle["delivery_state"], &bundle["order_count"]), (&"PREPARING".into(), &2.into()));
        assert_eq!((&bundle["total_quantity"], &bundle["primary_order_number"]), (&4.into(), &"2".into()));
        assert_eq!((&bundle["orders"][0]["order_number"], &bundle["sigungu"]), (&"1".into(), &"포항시".into()));
        assert_eq!(bundle["orders"].as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn spreadsheets_have_no_formulas() {
        let path = exported("deliveries.xlsx");
        let mut workbook: Xlsx<_> = open_workbook(&path).expect("opens");
        let sheet = workbook.worksheet_range("배송").expect("the sheet");
        std::fs::remove_file(path).expect("removes");
        assert_eq!((sheet.height(), sheet.width()), (3, COLUMNS.len()));
        let bundle = sheet.rows().find(|row| row[1] == Data::String("31".to_owned())).expect("is there");
        assert_eq!(bundle[17].to_string(), "[주문] 예시 침대 [월넛] × 1\n[주문] 예시 침대 [월넛] × 3");
        assert_eq!(bundle[18], Data::String("=문 앞".to_owned()));
        let path = exported("deliveries.csv");
        let text = std::fs::read_to_string(&path).expect("reads");
        std::fs::remove_file(path).expect("removes");
        assert!(text.starts_with("\u{FEFF}상태,묶음배송번호") && text.contains(",'=문 앞,"));
    }
}

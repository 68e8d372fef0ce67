//! A list of deliveries as a file: .json for programs, whose keys stay as they are, .xlsx and .csv
//! for people. Written as it is read, under another name until it is complete, like the downloads of
//! orders.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufWriter, Error, Write};
use std::path::Path;

use csv::{Terminator, WriterBuilder};
use rust_xlsxwriter::Workbook;
use serde::Serialize;

use super::filter::DeliveryFilter;
use super::list::{Carried, carried, find};
use crate::districts::Districts;
use crate::orders::export::csv::words;
use crate::orders::export::json::OrderOf;
use crate::orders::export::table::{Cell, method, text};
use crate::orders::export::xlsx::{Looks, PER_SHEET, write_cell};
use crate::orders::export::{ExportError, Format, Unfinished, regions};
use crate::orders::model::Recipient;
use crate::storage::Tx;
use crate::time::Moment;

/// Deliveries that are in memory at once.
const AT_ONCE: usize = 200;

/// Writes the deliveries of a list to `path`, in its sequence, and tells how many there are.
///
/// # Errors
/// The database failed or the file could not be written. What was at `path` before is still there.
pub fn save(
    tx: &mut dyn Tx,
    filter: &DeliveryFilter,
    format: Format,
    districts: &Districts,
    path: &Path,
) -> Result<u64, ExportError> {
    let unfinished = Unfinished::beside(path, tx.new_id())?;
    let folder = unfinished.path.parent().map(Path::to_owned).unwrap_or_default();
    let file = unfinished.file.try_clone()?;
    let ids = find(tx, filter, 0, i64::MAX)?.ids;
    match format {
        Format::Xlsx => xlsx(tx, &ids, districts, file, &folder)?,
        Format::Csv => csv(tx, &ids, districts, file)?,
        Format::Json => json(tx, &ids, districts, file)?,
    }
    unfinished.finish(path)?;
    Ok(ids.len() as u64)
}

fn each(
    tx: &mut dyn Tx,
    ids: &[i64],
    visit: &mut dyn FnMut(&Carried) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    for some in ids.chunks(AT_ONCE) {
        carried(tx, some)?.iter().try_for_each(&mut *visit)?;
    }
    Ok(())
}

/// A column: its header, its width in characters, and what a delivery has there.
struct Column(&'static str, u8, for<'a> fn(&'a Carried, &'a Districts) -> Cell<'a>);

fn to<'a>(it: &'a Carried, part: fn(&'a Recipient) -> &'a String) -> Cell<'a> {
    text(it.primary().map_or("", |primary| part(&primary.order.recipient)))
}

fn place<'a>(it: &'a Carried, districts: &'a Districts) -> Option<(&'a str, &'a str)> {
    it.primary().and_then(|primary| regions(districts, &primary.order))
}

/// Its orders in a line each: `[출고] 침대 [월넛] × 1`.
fn lines(it: &Carried) -> String {
    let line = |listed: &crate::orders::list::Listed| {
        let options = if listed.labels.is_empty() { String::new() } else { format!(" [{}]", listed.labels.join(", ")) };
        format!("[{}] {}{options} × {}", listed.order.state.label(), listed.product_name, listed.order.quantity)
    };
    it.orders.iter().map(|part| line(&part.listed)).collect::<Vec<_>>().join("\n")
}

const COLUMNS: [Column; 21] = [
    Column("상태", 8, |it, _| text(it.delivery.state.label())),
    Column("배송번호", 21, |it, _| text(&it.delivery.bundle_number)),
    Column("배송방법", 15, |it, _| text(it.primary().map_or("", |primary| method(&primary.order)))),
    Column("배송비", 9, |it, _| text(it.primary().map_or("", |primary| primary.order.charge_type.label()))),
    Column("희망배송일", 12, |it, _| Cell::Date(it.delivery.preferred_shipping_date)),
    Column("시/도", 14, |it, districts| text(place(it, districts).map_or("미분류", |(sido, _)| sido))),
    Column("시/군/구", 14, |it, districts| text(place(it, districts).map_or("미분류", |(_, sigungu)| sigungu))),
    Column("수취인명", 12, |it, _| to(it, |recipient| &recipient.name)),
    Column("수취인연락처1", 16, |it, _| to(it, |recipient| &recipient.tel1)),
    Column("수취인연락처2", 16, |it, _| to(it, |recipient| &recipient.tel2)),
    Column("우편번호", 10, |it, _| to(it, |recipient| &recipient.zip_code)),
    Column("주소", 48, |it, _| to(it, |recipient| &recipient.address1)),
    Column("상세주소", 30, |it, _| to(it, |recipient| &recipient.address2)),
    Column("대표물품", 42, |it, _| text(it.primary().map_or("", |primary| &primary.product_name))),
    Column("주문수", 8, |it, _| Cell::Number(it.delivery.order_count)),
    Column("총수량", 8, |it, _| Cell::Number(it.delivery.total_quantity)),
    Column("취소수량", 9, |it, _| Cell::Number(it.delivery.cancelled_quantity)),
    Column("주문", 60, |it, _| Cell::Text(Cow::Owned(lines(it)))),
    Column("고객메시지", 42, |it, _| Cell::Text(Cow::Owned(it.customer_messages().join("\n")))),
    Column("배송메모", 42, |it, _| Cell::Text(Cow::Owned(it.shipping_memos().join("\n")))),
    Column("팀 메모", 42, |it, _| text(&it.delivery.memo)),
];

fn csv(tx: &mut dyn Tx, ids: &[i64], districts: &Districts, file: File) -> Result<(), ExportError> {
    let mut out = BufWriter::new(file);
    out.write_all("\u{FEFF}".as_bytes())?;
    let mut table = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(out);
    table.write_record(COLUMNS.iter().map(|Column(header, ..)| header)).map_err(Error::from)?;
    each(tx, ids, &mut |it| {
        let cells = COLUMNS.iter().map(|Column(_, _, cell)| words(cell(it, districts)).into_owned());
        Ok(table.write_record(cells).map_err(Error::from)?)
    })?;
    Ok(table.flush()?)
}

fn xlsx(tx: &mut dyn Tx, ids: &[i64], districts: &Districts, file: File, folder: &Path) -> Result<(), ExportError> {
    let mut workbook = Workbook::new();
    workbook.set_tempdir(folder)?;
    let looks = Looks::framed();
    let parts = if ids.is_empty() { vec![ids] } else { ids.chunks(PER_SHEET).collect() };
    for (number, ids) in (1..).zip(parts) {
        let sheet = workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name(if number == 1 { "배송".to_owned() } else { format!("배송 ({number})") })?;
        sheet.set_freeze_panes(1, 0)?;
        for (place, Column(header, width, _)) in (0..).zip(&COLUMNS) {
            sheet.set_column_width(place, f64::from(*width))?;
            sheet.write_string_with_format(0, place, *header, &looks.header)?;
        }
        let mut row = 0;
        each(tx, ids, &mut |it| {
            row += 1;
            for (place, Column(_, _, cell)) in (0..).zip(&COLUMNS) {
                write_cell(sheet, row, place, cell(it, districts), &looks)?;
            }
            Ok(())
        })?;
    }
    let mut out = BufWriter::new(file);
    workbook.save_to_writer(&mut out)?;
    Ok(out.flush()?)
}

#[derive(Serialize)]
struct DeliveryOf<'a> {
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

impl<'a> DeliveryOf<'a> {
    fn new(it: &'a Carried, districts: &'a Districts, nobody: &'a Recipient) -> Self {
        let (delivery, place, primary) = (&it.delivery, place(it, districts), it.primary());
        let recipient = primary.map_or(nobody, |primary| &primary.order.recipient);
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
            sido: place.map(|(sido, _)| sido),
            sigungu: place.map(|(_, sigungu)| sigungu),
            recipient_name: &recipient.name,
            recipient_tel1: &recipient.tel1,
            recipient_tel2: &recipient.tel2,
            recipient_zip_code: &recipient.zip_code,
            recipient_address1: &recipient.address1,
            recipient_address2: &recipient.address2,
            customer_message: it.customer_messages().join("\n"),
            shipping_memo: it.shipping_memos().join("\n"),
            team_memo: &delivery.memo,
            printed_at: delivery.printed_at.map(Moment::iso),
            printed_by: delivery.printed_by.as_deref(),
            orders: it.orders.iter().map(|part| OrderOf::new(&part.listed, districts)).collect(),
        }
    }
}

fn json(tx: &mut dyn Tx, ids: &[i64], districts: &Districts, file: File) -> Result<(), ExportError> {
    let mut out = BufWriter::new(file);
    let (mut before, nobody): (&[u8], _) = (b"[\n", Recipient::default());
    each(tx, ids, &mut |it| {
        out.write_all(before)?;
        before = b",\n";
        Ok(serde_json::to_writer(&mut out, &DeliveryOf::new(it, districts, &nobody)).map_err(Error::from)?)
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
        assert_eq!(saved.expect("saves"), 2);
        let kept = std::env::temp_dir().join(format!("{}-{name}", std::process::id()));
        std::fs::copy(&path, &kept).expect("copies");
        kept
    }

    #[test]
    fn programs_get_a_delivery_with_its_orders() {
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
    fn people_get_a_table_of_harmless_text() {
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
        assert!(text.starts_with("\u{FEFF}상태,배송번호") && text.contains(",'=문 앞,"));
    }
}

//! Exports of a small shop in every format.

use std::path::PathBuf;

use calamine::{Data, Reader, Xlsx, open_workbook};

use super::*;
use crate::orders::model::{OrderState, ShippingMethod};
use crate::orders::testing::{NOW, Shop, all_orders, edit, new_order};
use crate::time::parse_date;

/// Keys of an order, which programs depend on.
const KEYS: &str = "order_number,channel_order_number,order_state,sales_channel,product_number,product_name,options,quantity,price,\
    customer_name,customer_tel,customer_message,recipient_name,recipient_tel1,recipient_tel2,recipient_zip_code,\
    recipient_address1,recipient_address2,sido,sigungu,shipping_method,charge_type,bundle_number,bundle_count,\
    tracking_number,courier,dispatch_deadline,preferred_shipping_date,placed_at,purchased_at,dispatched_at,\
    shipped_at,confirmed_at,cancelled_at,refunded_at,purchase_memo,shipping_memo,admin_memo,claim";

fn shop() -> Shop {
    let shop = Shop::open();
    let filled = shop.write(|tx, files| {
        let mut plain = new_order("2026110100000001");
        plain.bundle_number = "3100000001".to_owned();
        plain.dispatch_deadline = parse_date("2026-11-30");
        let mut strange = new_order("2026110100000002");
        strange.customer_message = "=HYPERLINK(\"http://example.invalid\")\n🙏 <b>&".to_owned();
        strange.recipient.zip_code = String::new();
        strange.recipient.address1 = "어디엔가 12".to_owned();
        strange.shipping_method = ShippingMethod::Other;
        strange.shipping_method_raw = "드론".to_owned();
        strange.placed_at = plain.placed_at.plus_ms(-1000);
        files.order(tx, "SMART_STORE", vec![plain, strange])?;
        tx.exec("UPDATE variants SET label = '월넛(진한)'", &[])?;
        for order in all_orders(tx)?.iter().take(1) {
            edit(tx, order, |order| order.set_state(OrderState::Purchased, NOW))?;
        }
        Ok(())
    });
    filled.expect("fills");
    shop
}

fn request(kind: ExportKind, path: &Path) -> ExportRequest {
    ExportRequest {
        kind,
        format: Format::of(path).expect("a known ending"),
        filter: OrderFilter::default(),
        despite_claims: Vec::new(),
        claim_note: String::new(),
        masks_contact: false,
        repeats: true,
    }
}

fn export_as(shop: &Shop, kind: ExportKind, name: &str) -> Result<(u64, PathBuf), ExportError> {
    let path = shop.folder.path().join(name);
    let (request, out) = (request(kind, &path), path.clone());
    let outcome = shop.read(move |tx, files| save(tx, &request, &files.districts, &out))?;
    Ok((outcome.orders(), path))
}

fn export(shop: &Shop, name: &str) -> Result<(u64, PathBuf), ExportError> {
    export_as(shop, ExportKind::Orders, name)
}

fn leftovers(shop: &Shop) -> usize {
    let files = std::fs::read_dir(shop.folder.path()).expect("lists");
    files.filter(|file| file.as_ref().is_ok_and(|file| file.path().extension().is_some_and(|it| it == "part"))).count()
}

#[test]
fn json_has_every_key_in_order() {
    let shop = shop();
    let (orders, path) = export(&shop, "주문.JSON").expect("writes");
    assert_eq!(orders, 2);
    let text = std::fs::read_to_string(path).expect("reads");
    let first = text.lines().nth(1).expect("a line an order");
    let mut rest = first;
    for key in KEYS.split(',') {
        let at = rest.find(&format!("\"{key}\":")).unwrap_or_else(|| panic!("{key} in {rest}"));
        rest = &rest[at + 1..];
    }
    let orders: Vec<serde_json::Value> = serde_json::from_str(&text).expect("an array");
    let [order, strange] = &orders[..] else { panic!("{orders:?}") };
    assert_eq!(order.as_object().expect("an object").len(), KEYS.split(',').count());
    assert_eq!(order["order_state"], "PURCHASED");
    assert_eq!(order["options"], serde_json::json!([{ "key": "색상", "value": "월넛", "label": "월넛(진한)" }]));
    assert_eq!((&order["sido"], &order["sigungu"]), (&"경상북도".into(), &"포항시".into()));
    assert_eq!((&order["dispatch_deadline"], &order["tracking_number"]), (&"2026-11-30".into(), &"".into()));
    assert_eq!((&order["purchased_at"], &order["shipped_at"]), (&NOW.iso().into(), &serde_json::Value::Null));
    assert_eq!((&order["bundle_count"], &order["price"]), (&1.into(), &100_000.into()));
    assert!(strange["sido"].is_null() && strange["sigungu"].is_null());
    assert_eq!(strange["shipping_method"], "OTHER");
}

#[test]
fn workbook_has_dates_numbers_and_no_formulas() {
    let shop = shop();
    let (_, path) = export(&shop, "orders.xlsx").expect("writes");
    let mut workbook: Xlsx<_> = open_workbook(path).expect("opens");
    let sheet = workbook.worksheet_range("주문").expect("the sheet");
    assert!(workbook.worksheet_formula("주문").expect("formulas").used_cells().next().is_none());
    let rows: Vec<_> = sheet.rows().collect();
    let at = |row: usize, header: &str| {
        let column =
            rows[0].iter().position(|cell| matches!(cell, Data::String(text) if text == header)).expect("a header");
        rows[row][column].clone()
    };
    assert_eq!(at(1, "상품주문번호"), Data::String("2026110100000001".to_owned()));
    assert_eq!(at(1, "우편번호"), Data::String("37683".to_owned()));
    assert_eq!(at(1, "옵션"), Data::String("월넛(진한)".to_owned()));
    assert_eq!(at(1, "수량"), Data::Float(1.0));
    assert!(matches!(at(1, "발송기한"), Data::DateTime(_)) && matches!(at(1, "주문일"), Data::DateTime(_)));
    assert_eq!(at(2, "발주일"), Data::Empty);
    assert_eq!((at(2, "시/도"), at(2, "배송방법")), (Data::String("미분류".into()), Data::String("드론".into())));
    assert!(at(2, "고객메시지").to_string().starts_with("=HYPERLINK"));
}

#[test]
fn csv_has_a_byte_order_mark_and_no_formulas() {
    let shop = shop();
    let (_, path) = export(&shop, "orders.csv").expect("writes");
    let text = std::fs::read_to_string(path).expect("reads");
    let table = text.strip_prefix('\u{FEFF}').expect("a byte order mark");
    let mut reader = ::csv::Reader::from_reader(table.as_bytes());
    let headers = reader.headers().expect("headers").clone();
    let message = headers.iter().position(|header| header == "고객메시지").expect("a header");
    let rows: Vec<_> = reader.records().map(|row| row.expect("a row")).collect();
    assert_eq!(rows.len(), 2);
    assert!(rows[1][message].starts_with("'=HYPERLINK"));
    assert_eq!((&headers[0], &rows[0][0]), ("상태", "발주"));
}

#[test]
fn panic_of_the_workbook_writer_on_a_full_disk_is_an_error() {
    let full = || -> Result<(), ExportError> {
        panic!("called `Result::unwrap()` on an `Err` value: {:?}", std::io::Error::from_raw_os_error(28))
    };
    let error = xlsx::catch_full_disk(full).expect_err("an error");
    assert!(matches!(error, ExportError::Write(error) if error.kind() == std::io::ErrorKind::StorageFull));
}

#[test]
fn failed_export_leaves_no_file_and_success_replaces_the_old() {
    let shop = shop();
    std::fs::create_dir(shop.folder.path().join("folder.json")).expect("makes");
    for name in ["nowhere/orders.json", "folder.json"] {
        assert!(matches!(export(&shop, name), Err(ExportError::Write(_))), "{name}");
    }
    std::fs::write(shop.folder.path().join("old.csv"), "old").expect("writes");
    let (_, path) = export(&shop, "old.csv").expect("writes");
    assert!(std::fs::read_to_string(path).expect("reads").contains("2026110100000002"));
    assert_eq!(leftovers(&shop), 0);
    assert_eq!(Format::of(Path::new("orders.txt")), None);
}

#[test]
fn held_orders_are_left_out_of_files_that_send_goods() {
    let shop = shop();
    let named = shop.write(|tx, _| {
        let first = all_orders(tx)?.remove(0);
        assert!(edit(tx, &first, |order| "취소요청".clone_into(&mut order.claim))?);
        Ok(first.id)
    });
    let named = named.expect("writes");
    let save_as = |kind, despite_claims| {
        let path = shop.folder.path().join("orders.csv");
        let request = ExportRequest { despite_claims, ..request(kind, &path) };
        shop.read(move |tx, files| save(tx, &request, &files.districts, &path)).expect("writes")
    };
    let ids = |orders: Vec<crate::orders::model::Order>| orders.into_iter().map(|order| order.id).collect::<Vec<_>>();
    for kind in [ExportKind::PurchaseOrder, ExportKind::Dispatch] {
        let without = save_as(kind, Vec::new());
        assert_eq!(
            (without.orders(), ids(without.held), without.despite_claim),
            (1, vec![named], Vec::new()),
            "{kind:?}"
        );
        let with = save_as(kind, vec![named]);
        assert_eq!((with.orders(), with.held, ids(with.despite_claim)), (2, Vec::new(), vec![named]), "{kind:?}");
    }
    let list = save_as(ExportKind::Orders, Vec::new());
    assert_eq!((list.orders(), list.held), (2, Vec::new()), "a list sends nothing");
}

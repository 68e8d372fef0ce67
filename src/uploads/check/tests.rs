//! Validation of the fixtures, without a database.

use std::collections::BTreeMap;

mod channels;
mod merged;
mod odd_cells;

use super::*;
use crate::channels::FileKind;
use crate::channels::tests::profiles;
use crate::orders::model::{ChargeType, NewOrder, ShippingMethod};
use crate::sheets::tests::fixture;
use crate::sheets::{Limits, SheetError, open};

/// The recognised table and the validated rows by row number.
fn run<T>(
    bytes: Vec<u8>,
    check: impl Fn(&mut Workbook, &Table, &mut VisitRow<'_, T>) -> Result<(), SheetError>,
) -> (Table, BTreeMap<u32, CheckedRow<T>>) {
    let mut workbook = open(bytes, Some("1234"), Limits::default()).expect("opens");
    let table = profiles().recognise_any(&mut workbook).expect("recognised");
    let mut rows = BTreeMap::new();
    check(&mut workbook, &table, &mut |row| {
        rows.insert(row.row, row);
        ControlFlow::Continue(())
    })
    .expect("read");
    (table, rows)
}

/// Number of valid, skipped, rejected and ignored rows.
fn counts<T>(rows: &BTreeMap<u32, CheckedRow<T>>) -> [usize; 4] {
    let mut counts = [0; 4];
    for row in rows.values() {
        counts[match row.outcome {
            RowCheck::Valid(..) => 0,
            RowCheck::Skipped(_) => 1,
            RowCheck::Rejected(_) => 2,
            RowCheck::Ignored => 3,
        }] += 1;
    }
    counts
}

fn valid<T>(rows: &BTreeMap<u32, CheckedRow<T>>, row: u32) -> &T {
    match &rows[&row].outcome {
        RowCheck::Valid(value, _) => value,
        _ => panic!("row {row} is not valid"),
    }
}

fn warnings<T>(rows: &BTreeMap<u32, CheckedRow<T>>, row: u32) -> &[Reason] {
    match &rows[&row].outcome {
        RowCheck::Valid(_, warnings) => warnings,
        _ => panic!("row {row} is not valid"),
    }
}

fn problems<T>(rows: &BTreeMap<u32, CheckedRow<T>>, row: u32) -> &[Reason] {
    match &rows[&row].outcome {
        RowCheck::Rejected(problems) => problems,
        _ => panic!("row {row} is not rejected"),
    }
}

fn option_text(order: &NewOrder) -> String {
    order.options.iter().map(|option| format!("{}={}", option.key, option.value)).collect::<Vec<_>>().join(";")
}

#[test]
fn smart_store_file_of_72_columns_is_read() {
    let (table, rows) = run(fixture("01_smartstore_orders_72col.xlsx"), check_orders);
    assert_eq!(
        (table.profile.kind, table.profile.code.as_str(), table.header_row),
        (FileKind::Orders, "SMART_STORE", 2)
    );
    assert_eq!(counts(&rows), [24, 0, 0, 0]);

    let first = valid(&rows, 3);
    assert_eq!(first.order_number, "2024031500000001");
    assert_eq!((first.quantity, first.price), (1, 471_250));
    assert_eq!(first.product_number, "SOFA3-LINEN");
    assert_eq!(first.recipient.zip_code, "04524");
    assert_eq!(first.customer_message, "문 앞에 놓아주세요");
    assert_eq!(first.placed_at.kst().to_string(), "2024-03-15 10:00:00");
    assert_eq!(first.dispatch_deadline.map(|day| day.to_string()).as_deref(), Some("2024-03-20"));
    assert_eq!(first.bundle_number, valid(&rows, 4).bundle_number);

    assert_eq!(option_text(valid(&rows, 5)), "사이즈=퀸(1500x2000);색상=내추럴;헤드=없음");
    assert_eq!(option_text(valid(&rows, 6)), "원단=패브릭 / 아쿠아텍스 혼방;다리=우드");
    assert_eq!(option_text(valid(&rows, 7)), "색상=그레이;각인 문구=To: 엄마");
    assert_eq!(option_text(valid(&rows, 8)), "배송 희망일=3/20(수);사다리차=필요");
    assert!(valid(&rows, 9).options.is_empty());
    assert_eq!(option_text(valid(&rows, 10)), "옵션=슈퍼싱글 단단한 타입");
    assert_eq!(
        (valid(&rows, 11).shipping_method, valid(&rows, 11).charge_type),
        (ShippingMethod::Direct, ChargeType::Cod)
    );
    assert_eq!(valid(&rows, 12).recipient.tel1, "0504-0000-1010");
    assert_eq!(valid(&rows, 13).recipient.tel2, "02-000-1111");
    assert_eq!(valid(&rows, 14).recipient.tel1, "0503-0000-1012");
    assert_eq!(valid(&rows, 15).recipient.zip_code, "01689");
    assert_eq!(valid(&rows, 16).customer.name, "홍*동");
    assert_eq!(valid(&rows, 17).shipping_method, ShippingMethod::Quick);
    assert_eq!(
        (valid(&rows, 18).shipping_method, valid(&rows, 18).charge_type),
        (ShippingMethod::Pickup, ChargeType::Free)
    );
    assert_eq!(valid(&rows, 20).product_number, "9100000004");
    assert_eq!(warnings(&rows, 20).len(), 1);
    assert_eq!(valid(&rows, 21).price, 0);
    assert_eq!(valid(&rows, 22).order_number, valid(&rows, 5).order_number);
    assert_eq!(valid(&rows, 23).claim, "취소요청");
    assert_eq!(warnings(&rows, 23)[0].column, "주문세부상태");
    assert_eq!((valid(&rows, 24).quantity, valid(&rows, 24).price), (12, 335_368));
    assert_eq!(
        valid(&rows, 25).customer_message,
        "=HYPERLINK(\"http://example.invalid\",\"클릭\")\n오후 2시 이후 🙏 <b>&amp;</b>"
    );
    assert_eq!(valid(&rows, 26).recipient.name, "정 더미");
    assert_eq!(valid(&rows, 26).recipient.address2, "대전광역시청 (정문 경비실)");
    let warned: Vec<u32> = rows.keys().copied().filter(|row| !warnings(&rows, *row).is_empty()).collect();
    assert_eq!(warned, [20, 23], "no other row has a warning");
}

#[test]
fn encrypted_files_have_the_rows_of_the_plain_one() {
    let (_, agile512) = run(fixture("02_smartstore_encrypted_agile_aes256_sha512.xlsx"), check_orders);
    let (_, agile1) = run(fixture("03_smartstore_encrypted_agile_aes128_sha1.xlsx"), check_orders);
    assert_eq!(counts(&agile512), [12, 0, 0, 0]);
    assert_eq!(agile512, agile1);
}

#[test]
fn older_file_of_66_text_columns_is_read() {
    let (_, rows) = run(fixture("05_smartstore_legacy_66col_text.xlsx"), check_orders);
    assert_eq!(counts(&rows), [12, 0, 0, 0]);
    assert_eq!(rows.keys().map(|row| valid(&rows, *row).quantity).sum::<i64>(), 24);
    let first = valid(&rows, 3);
    assert_eq!((first.order_number.as_str(), first.price), ("2021060200000001", 471_249));
    assert_eq!(first.placed_at.kst().to_string(), "2021-06-02 09:00:05");
    assert_eq!(first.charge_type, ChargeType::Cod);
    assert!(!first.recipient.address2.is_empty(), "address and detail come apart");
    for row in 3..=14 {
        assert_eq!(valid(&rows, row).dispatch_deadline.map(|day| day.to_string()).as_deref(), Some("2021-06-07"));
    }
}

#[test]
fn old_xls_file_is_read() {
    let (table, rows) = run(fixture("06_smartstore_orders.xls"), check_orders);
    assert_eq!((table.sheet, table.header_row), (1, 2));
    assert_eq!(counts(&rows), [60, 0, 0, 0]);
    assert_eq!(valid(&rows, 3).customer.tel, "010-0000-0001");
    assert_eq!(valid(&rows, 3).placed_at.kst().to_string(), "2024-03-15 12:00:00");
    assert_eq!(valid(&rows, 62).quantity, 60);
}

#[test]
fn logen_list_is_read_below_its_second_header_row() {
    let (table, rows) = run(fixture("08_logen_result_header_row2.xls"), check_tracking);
    assert_eq!((table.profile.kind, table.profile.code.as_str()), (FileKind::Tracking, "LOGEN"));
    assert_eq!(counts(&rows), [11, 0, 2, 1]);
    assert_eq!(valid(&rows, 6).tracking_number, "45168300548");
    assert_eq!(valid(&rows, 7).tracking_number, "45168300685");
    assert_eq!(valid(&rows, 15).order_number, "2024031500000011");
    assert_eq!(valid(&rows, 15).courier.as_deref(), Some("로젠택배"));
    assert_eq!(problems(&rows, 9)[0].column, "운송장번호");
    assert_eq!(problems(&rows, 14)[0].column, "주문번호");
    assert_eq!(rows[&16].outcome, RowCheck::Ignored);
}

#[test]
fn list_of_states_is_read_below_its_first_header_row() {
    let (table, rows) = run(fixture("10_order_state_list_header_row1.xlsx"), check_states);
    assert_eq!((table.profile.kind, table.header_row), (FileKind::States, 1));
    let change = |row| &valid(&rows, row).change;
    let at = |row| match change(row) {
        StateChange::Confirm(at) | StateChange::Cancel(at) | StateChange::Refund { at, .. } => at.kst().to_string(),
        _ => panic!("no moment"),
    };
    assert_eq!(at(2), "2024-03-28 00:10:00");
    assert_eq!(at(3), "2024-03-28 00:10:00");
    assert_eq!(at(4), "2024-03-29 00:00:00");
    assert!(matches!(change(5), StateChange::Cancel(_)));
    assert!(matches!(change(6), StateChange::Refund { exchange: true, .. }));
    assert!(matches!(change(7), StateChange::Refund { exchange: false, .. }));
    assert!(matches!(rows[&8].outcome, RowCheck::Skipped(_)));
    assert_eq!(problems(&rows, 9)[0].column, "구매확정일");
    assert_eq!(at(12), "2024-03-30 12:00:00");
    assert!(matches!(change(14), StateChange::Cancel(_)));
    assert!(rows.get(&15).is_none_or(|row| row.outcome == RowCheck::Ignored));
    assert_eq!(counts(&rows)[2], 1);
}

#[test]
fn coupang_list_is_read() {
    let (table, rows) = run(fixture("12_coupang_deliverylist.xlsx"), check_orders);
    assert_eq!(table.profile.code, "COUPANG");
    assert_eq!(counts(&rows), [9, 0, 1, 0]);
    assert_eq!(valid(&rows, 2).order_number, "30000200000001-90000000000");
    assert_eq!(valid(&rows, 2).bundle_number, valid(&rows, 3).bundle_number);
    assert_eq!(valid(&rows, 5).quantity, 3);
    assert_eq!(problems(&rows, 7)[0].column, "구매수(수량)");
    assert_eq!(warnings(&rows, 9).len(), 1);
    assert_eq!(valid(&rows, 11).order_number, valid(&rows, 4).order_number);
    assert_eq!(option_text(valid(&rows, 2)), "옵션=아이보리");
    assert!(valid(&rows, 4).options.is_empty());
}

#[test]
fn error_names_row_column_value_and_reason() {
    let (_, rows) = run(fixture("B06_bad_values.xlsx"), check_orders);
    assert_eq!(counts(&rows), [3, 0, 13, 0]);
    assert_eq!(valid(&rows, 8).quantity, 1);
    assert_eq!(valid(&rows, 13).price, 12_000);
    assert_eq!(valid(&rows, 18).placed_at.kst().to_string(), "2024-03-15 10:00:41");
    let expected = [
        (3, "수량"),
        (4, "수량"),
        (5, "수량"),
        (6, "수량"),
        (7, "수량"),
        (9, "수량"),
        (10, "발송기한"),
        (11, "발송기한"),
        (12, "수취인연락처1"),
        (14, "정산예정금액"),
        (15, "수취인명"),
        (16, "기본배송지"),
        (17, "상품주문번호"),
    ];
    for (row, column) in expected {
        let problems = problems(&rows, row);
        assert_eq!(problems.len(), 1, "row {row}: {problems:?}");
        assert_eq!(problems[0].column, column, "row {row}");
    }
    assert_eq!(problems(&rows, 3)[0].value, "두개");
}

#[test]
fn cell_far_below_the_rows_is_ignored() {
    let (_, rows) = run(fixture("B07_huge_dimension.xlsx"), check_orders);
    assert_eq!(counts(&rows)[0..3], [3, 0, 0]);
}

#[test]
fn reasons_are_serialised_as_json() {
    let reason = Reason { column: "수량".into(), value: "두개".into(), message: "x".into() };
    assert_eq!(serde_json::to_string(&reason).expect("json"), r#"{"column":"수량","value":"두개","message":"x"}"#);
}

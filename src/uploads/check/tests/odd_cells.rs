//! Cells that programs and people leave in a list: shortened numbers, signs for "none", sums, days in words.

use super::*;
use crate::sheets::tests::sheet_package;

const HEADERS: [&str; 19] = [
    "결제번호",
    "배송지/수신자정보 입력일",
    "주문상태",
    "주문번호",
    "채널상품번호",
    "상품명",
    "옵션",
    "수량",
    "배송방법",
    "수령인명",
    "수령인연락처1",
    "배송지주소",
    "우편번호",
    "배송메세지",
    "발송예정일",
    "주문일",
    "정산기준금액",
    "판매자상품번호",
    "최초배송비번호",
];

/// A row of 카카오톡 스토어 with some other cells.
fn order<'t>(cells: &[(&str, &'t str)]) -> Vec<&'t str> {
    let usual = [
        "500001",
        "20261127100000",
        "배송준비중",
        "610000001",
        "77001",
        "예시 책상",
        "",
        "1",
        "택배배송",
        "김하나",
        "010-0000-0001",
        "서울특별시 중구 세종대로 1",
        "04524",
        "",
        "20261201",
        "20261127100000",
        "50000",
        "DESK",
        "881",
    ];
    let mut row = usual.to_vec();
    for (header, value) in cells {
        let column = HEADERS.iter().position(|known| known == header).expect("a header");
        row[column] = value;
    }
    row
}

/// The rows of a list, which begin in row 2.
fn list(orders: &[Vec<&str>]) -> BTreeMap<u32, CheckedRow<NewOrder>> {
    let rows: Vec<&[&str]> = [HEADERS.as_slice()].into_iter().chain(orders.iter().map(Vec::as_slice)).collect();
    run(sheet_package(&rows), check_orders).1
}

#[test]
fn order_number_that_is_none_is_rejected() {
    let keys = ["3.00002000000001E13", "3,00002E+13", "#N/A", "########", "-", "없음", "nan", "null", "'", "\u{200b}"];
    let orders: Vec<Vec<&str>> = keys.iter().map(|key| order(&[("주문번호", key)])).collect();
    let rows = list(&orders);
    assert_eq!(counts(&rows), [0, 0, keys.len(), 0]);
    for row in rows.keys() {
        assert_eq!((problems(&rows, *row).len(), problems(&rows, *row)[0].column.as_str()), (1, "주문번호"));
    }
}

#[test]
fn order_number_that_a_program_wrote_is_restored() {
    let rows = list(&[order(&[("주문번호", "610000001.0")]), order(&[("주문번호", "610,000,002")])]);
    assert_eq!(
        (valid(&rows, 2).order_number.as_str(), valid(&rows, 3).order_number.as_str()),
        ("610000001", "610000002")
    );
}

#[test]
fn signs_for_none_are_no_bundle_and_no_product() {
    let words = ["0", "-", "nan", "(null)", "undefined", "None", "해당 없음", "#N/A"];
    let orders: Vec<Vec<&str>> =
        words.iter().map(|word| order(&[("최초배송비번호", word), ("판매자상품번호", word)])).collect();
    let rows = list(&orders);
    assert_eq!(counts(&rows), [words.len(), 0, 0, 0]);
    for row in rows.keys() {
        let order = valid(&rows, *row);
        assert_eq!((order.bundle_number.as_str(), order.product_number.as_str()), ("", "77001"), "{row}");
    }
}

#[test]
fn dates_in_words_are_read() {
    let rows = list(&[
        order(&[("발송예정일", "12월 1일")]),
        order(&[("발송예정일", "2026년 12월 1일 화요일")]),
        order(&[("주문일", "2026년 11월 27일 금요일 오전 10:00")]),
    ]);
    assert_eq!(counts(&rows), [3, 0, 0, 0]);
    let deadline = |row: u32| valid(&rows, row).dispatch_deadline.map(|day| day.to_string());
    assert_eq!(deadline(2).as_deref(), Some("2026-12-01"));
    assert_eq!(deadline(3).as_deref(), Some("2026-12-01"));
    assert_eq!(valid(&rows, 4).placed_at.kst().to_string(), "2026-11-27 10:00:00");
}

#[test]
fn sums_and_repeated_headers_are_no_orders() {
    let blank = vec![""; HEADERS.len()];
    let sum = |word: &'static str| {
        let mut row = blank.clone();
        (row[3], row[7]) = (word, "12");
        row
    };
    let rows = list(&[order(&[]), HEADERS.to_vec(), sum("합계"), sum("총 1건"), sum("Total")]);
    assert_eq!(counts(&rows), [1, 0, 0, 4]);
}

#[test]
fn third_number_of_a_cell_is_mentioned() {
    let rows = list(&[order(&[("수령인연락처1", "010-0000-0001, 02-000-0001, 031-000-0001")])]);
    let recipient = &valid(&rows, 2).recipient;
    assert_eq!((recipient.tel1.as_str(), recipient.tel2.as_str()), ("010-0000-0001", "02-000-0001"));
    assert!(warnings(&rows, 2)[0].message.contains("셋 이상"));
}

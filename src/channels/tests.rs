//! Recognition of whole files.

use std::ops::ControlFlow;

use rust_xlsxwriter::Workbook as Writer;

use super::*;
use crate::orders::model::NewOrder;
use crate::sheets::tests::{fixture, package, sheet_package};
use crate::sheets::{Limits, SheetError, open, values};
use crate::uploads::check::{self, CheckedRow, RowCheck};

/// The built-in profiles.
pub(crate) fn profiles() -> Profiles {
    Profiles::shipped().expect("embedded profiles are right")
}

fn error(bytes: Vec<u8>) -> FileError {
    match open(bytes, None, Limits::default()) {
        Err(error) => error.into(),
        Ok(mut workbook) => profiles().recognise_any(&mut workbook).expect_err("refused"),
    }
}

#[test]
fn invalid_fixtures_are_rejected_with_the_reason() {
    assert_eq!(error(fixture("B15_zero_bytes.xlsx")), FileError::Sheet(SheetError::Empty));
    assert_eq!(error(fixture("B11_truncated_zip.xlsx")), FileError::Sheet(SheetError::Damaged));
    assert_eq!(error(fixture("B03_empty_sheet.xlsx")), FileError::NoHeader);
    let csv = error(fixture("B10_csv_cp949_renamed.xlsx")).to_string();
    assert!(csv.contains("엑셀 파일이 아니에요") && csv.contains("CSV"), "{csv}");
    let missing = error(fixture("B01_missing_key_column.xlsx"));
    let FileError::MissingColumns { name, kind, columns } = &missing else { panic!("{missing:?}") };
    assert_eq!(
        (name.as_str(), *kind, columns.as_slice()),
        ("스마트스토어", FileKind::Orders, ["상품주문번호".to_owned()].as_slice())
    );
    assert!(missing.to_string().contains("상품주문번호"));
}

/// The table and the validated rows of an order file.
fn checked(bytes: Vec<u8>) -> (Table, Vec<CheckedRow<NewOrder>>) {
    let mut workbook = open(bytes, None, Limits::default()).expect("opens");
    let table = profiles().recognise_any(&mut workbook).expect("recognised");
    let mut rows = Vec::new();
    check::check_orders(&mut workbook, &table, &mut |row| {
        rows.push(row);
        ControlFlow::Continue(())
    })
    .expect("read");
    (table, rows)
}

fn order(row: &CheckedRow<NewOrder>) -> &NewOrder {
    match &row.outcome {
        RowCheck::Valid(order, _) => order,
        other => panic!("row {}: {other:?}", row.row),
    }
}

const HEADERS: [&str; 14] = [
    "상품주문번호",
    "수취인명",
    "수취인 연락처1",
    "우편번호",
    "기본배송지",
    "상세배송지",
    "상품명",
    "옵션정보",
    "수량",
    "정산예정금액",
    "주문일시",
    "발송기한",
    "판매자 상품코드",
    "구매자명",
];
const ROW: [&str; 14] = [
    "2024031500000001",
    "홍길동",
    "010-0000-0001",
    "04524",
    "서울특별시 중구 세종대로 110",
    "본관",
    "소파",
    "색상: 아이보리",
    "1",
    "1000",
    "2024-03-15 10:00",
    "2024-03-20",
    "SOFA",
    "홍길동",
];

#[test]
fn column_order_and_white_space_in_headers_do_not_matter() {
    let mut columns: Vec<usize> = (0..HEADERS.len()).collect();
    columns.reverse();
    let headers: Vec<&str> = columns.iter().map(|&column| HEADERS[column]).collect();
    let row: Vec<&str> = columns.iter().map(|&column| ROW[column]).collect();
    let (table, rows) = checked(sheet_package(&[&headers, &row]));
    assert_eq!((table.header_row, rows.len()), (1, 1));
    assert_eq!(order(&rows[0]).recipient.tel1, "010-0000-0001");

    let mut headers = HEADERS.map(String::from);
    headers[0] = "상품\n주문 번호".into();
    headers[3] = "우편\u{a0}번호".into();
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    let (_, rows) = checked(sheet_package(&[&["안내: 상품주문번호, 발송기한"], &[], &headers, &ROW]));
    assert_eq!((rows[0].row, order(&rows[0]).recipient.zip_code.as_str()), (4, "04524"));
}

#[test]
fn leading_zeros_and_1904_dates_of_resaved_files_are_restored() {
    for date1904 in [false, true] {
        let mut cells = String::from("<worksheet><sheetData><row r='1'>");
        for header in HEADERS {
            cells = cells + "<c t='str'><v>" + header + "</v></c>";
        }
        cells += "</row><row r='9'>";
        let day = if date1904 { 45366.5 - 1462.0 } else { 45366.5 };
        for (at, text) in ROW.iter().enumerate() {
            let cell: String = match at {
                0 => "<c><v>2.024031500000001E15</v></c>".into(),
                2 => "<c><v>1000000001</v></c>".into(),
                3 => "<c><v>4524</v></c>".into(),
                10 => format!("<c><v>{day}</v></c>"),
                11 => format!("<c s='1'><v>{day}</v></c>"),
                _ => format!("<c t='str'><v>{text}</v></c>"),
            };
            cells += &cell;
        }
        cells += "</row></sheetData></worksheet>";
        let flag = u8::from(date1904);
        let book = format!(
            "<workbook><workbookPr date1904='{flag}'/><sheets><sheet name='x' sheetId='1' r:id='s'/></sheets></workbook>"
        );
        let styles = "<styleSheet><numFmts><numFmt numFmtId='170' formatCode='yyyy\\-mm\\-dd'/></numFmts>\
                      <cellXfs><xf numFmtId='0'/><xf numFmtId='170'/></cellXfs></styleSheet>";
        let file =
            package(&[("xl/workbook.xml", &book), ("xl/worksheets/sheet1.xml", &cells), ("xl/styles.xml", styles)]);
        let (_, rows) = checked(file);
        let order = order(&rows[0]);
        assert_eq!(rows[0].row, 9);
        assert_eq!(order.order_number, "2024031500000001");
        assert_eq!(order.recipient.tel1, "010-0000-0001");
        assert_eq!(order.recipient.zip_code, "04524");
        assert_eq!(order.placed_at.to_string(), "2024-03-15 12:00");
        assert_eq!(order.dispatch_deadline.map(|day| day.to_string()).as_deref(), Some("2024-03-15"));
    }
}

#[test]
fn sheet_is_found_by_its_header() {
    let mut writer = Writer::new();
    writer.add_worksheet().set_name("안내").expect("named").write_string(0, 0, "상품주문번호").expect("written");
    let sheet = writer.add_worksheet();
    for (column, (header, value)) in (0u16..).zip(HEADERS.iter().zip(ROW)) {
        sheet.write_string(4, column, *header).expect("written");
        sheet.write_string(5, column, value).expect("written");
    }
    let (table, rows) = checked(writer.save_to_buffer().expect("saved"));
    assert_eq!((table.sheet, table.header_row, rows.len()), (1, 5, 1));
}

#[test]
fn number_of_the_purchase_is_kept_or_left_out_with_a_warning() {
    let row = |number: &'static str| {
        let headers: Vec<&str> = HEADERS.iter().copied().chain(["주문번호"]).collect();
        let row: Vec<&str> = ROW.iter().copied().chain([number]).collect();
        let (_, rows) = checked(sheet_package(&[&headers, &row]));
        let RowCheck::Valid(order, warnings) = &rows[0].outcome else { panic!("{:?}", rows[0]) };
        (order.channel_order_number.clone(), warnings.len())
    };
    assert_eq!(row("2024031500900001"), ("2024031500900001".to_owned(), 0));
    assert_eq!((row(""), row("-")), ((String::new(), 0), (String::new(), 0)));
    assert_eq!(row("2.02403E+15"), (String::new(), 1), "a spreadsheet has rounded it");
}

#[test]
fn csv_with_a_channels_header_is_read() {
    let headers = "주문번호,품목별 주문번호,주문상품명,상품옵션,자체품목코드,수량,총 결제금액,주문자명,주문자 휴대전화,수령인,\
                   수령인 휴대전화,수령인 우편번호,수령인 주소(전체),배송메시지,주문일시,취소구분\n";
    let rows = "20240315-0000001,20240315-0000001-01,소파,\"색상=아이보리, 사이즈=퀸\",SOFA,1,\"12,000\",홍길동,010-0000-0001,홍길동,\
                010-0000-0002,04524,서울시 중구,\"문 앞\n부재 시 전화\",2024-03-15 10:00:00,취소안함\n\
                \n20240315-0000002,20240315-0000002-01,소파,,SOFA,1,0,홍길동,,홍길동,010-0000-0002,4524,서울시,,2024-03-15,취소\n";
    let text = format!("{headers}{rows}");
    let marked = format!("\u{feff}{text}");
    let (cp949, _, _) = encoding_rs::EUC_KR.encode(&text);
    for bytes in
        [text.clone().into_bytes(), marked.into_bytes(), cp949.into_owned(), text.replace(',', "\t").into_bytes()]
    {
        if bytes.contains(&b'\t') {
            continue;
        }
        let (table, rows) = checked(bytes);
        assert_eq!(table.profile.code, "CAFE24");
        let first = order(&rows[0]);
        assert_eq!((rows[0].row, first.order_number.as_str()), (2, "20240315-0000001-01"));
        assert_eq!(first.channel_order_number, "20240315-0000001");
        assert_eq!(
            (first.options.len(), first.price, first.customer_message.as_str()),
            (2, 12_000, "문 앞\n부재 시 전화")
        );
        let cancelled = order(&rows[1]).said.progress.map(|progress| progress.state);
        assert_eq!(cancelled, Some(crate::orders::model::OrderState::Cancelled));
        assert_eq!(rows[1].row, 4, "an empty line is a row of Excel");
    }
}

#[test]
fn word_of_a_claim_says_no_earlier_state() {
    use crate::orders::model::OrderState;
    let headers =
        "판매아이디,주문번호,상품번호,상품명,옵션,수량,수령인명,수령인 휴대폰,주소,주문일(결제확인전),주문상태\n";
    let said = |word: &str| {
        let row = format!(
            "shop,610000001,1,소파,,1,홍길동,010-0000-0002,서울시 중구 세종대로 110,2024-03-15 10:00:00,{word}\n"
        );
        let (table, rows) = checked(format!("{headers}{row}").into_bytes());
        assert_eq!(table.profile.code, "ESM");
        let order = order(&rows[0]);
        let state = order.said.progress.map(|progress| progress.state);
        (state, order.said.implies_shipped, order.claim.clone(), order.said.withdrawn.clone())
    };
    let none = String::new;
    for sent in ["반품요청", "수거중", "교환요청", "재배송중"] {
        assert_eq!(said(sent), (None, true, sent.to_owned(), None), "{sent}");
    }
    assert_eq!(said("반품철회"), (None, true, none(), Some("반품철회".to_owned())));
    assert_eq!(said("취소요청"), (None, false, "취소요청".to_owned(), None));
    assert_eq!(said("취소철회"), (None, false, none(), Some("취소철회".to_owned())));
    assert_eq!(said("결제완료"), (Some(OrderState::Placed), false, none(), None));
    assert_eq!(said("반품완료"), (Some(OrderState::Refunded), false, none(), None));
    for unknown in ["취소승인", "자동취소", "판매자취소", "결제취소완료"] {
        assert_eq!(said(unknown), (None, false, unknown.to_owned(), None), "{unknown} may be a cancellation");
    }
    assert_eq!(said("어쩌다"), (None, false, none(), None), "an unknown word changes nothing");
}

#[test]
fn list_without_addresses_is_not_an_order_file() {
    let bytes = sheet_package(&[&[
        "상품주문번호",
        "주문번호",
        "주문일시",
        "주문상태",
        "상품명",
        "옵션정보",
        "수량",
        "구매자명",
    ]]);
    let mut workbook = open(bytes, None, Limits::default()).expect("opens");
    let error = profiles().recognise(&mut workbook, FileKind::Orders, None).expect_err("no order file");
    let FileError::MissingColumns { name, columns, .. } = &error else { panic!("{error:?}") };
    assert_eq!(name, "스마트스토어");
    assert!(columns.contains(&"수취인명".to_owned()), "{columns:?}");
    assert_eq!(
        profiles().recognise(&mut workbook, FileKind::Orders, Some("NOWHERE")).err(),
        Some(FileError::UnknownChannel("NOWHERE".into()))
    );
}

#[test]
fn rejected_rows_are_exported_unchanged_and_recognised_again() {
    let mut workbook = open(fixture("B06_bad_values.xlsx"), None, Limits::default()).expect("opens");
    let table = profiles().recognise_any(&mut workbook).expect("recognised");
    let reasons = [(3, "수량은 1 이상".to_owned()), (18, "=사유".to_owned())];
    let written = write_rejected_rows(&mut workbook, &[(&table, reasons.to_vec())]).expect("written");
    let (again, rows) = checked(written.clone());
    assert_eq!((again.profile.code.as_str(), again.header_row, rows.len()), ("SMART_STORE", 1, 2));
    assert!(matches!(rows[0].outcome, RowCheck::Rejected(_)));
    assert_eq!(order(&rows[1]).placed_at.kst().to_string(), "2024-03-15 10:00:41");
    let mut workbook = open(written, None, Limits::default()).expect("opens");
    assert_eq!(workbook.sheets().len(), 1);
    assert_eq!(workbook.sheets()[0].name, "발주발송관리");
    let column = again.column("사유").expect("the reasons");
    let mut seen = Vec::new();
    workbook
        .rows(0, &mut |row| {
            seen.push(values::line(row.cell(column)));
            ControlFlow::Continue(())
        })
        .expect("read");
    assert_eq!(seen, ["사유", "수량은 1 이상", "=사유"]);
}

//! Files as a whole: what is opened, what is refused, and how.

use std::io::{Cursor, Write};
use std::ops::ControlFlow;

use rust_xlsxwriter::{Format, Workbook as Writer};
use zip::write::SimpleFileOptions;

use super::*;
use crate::orders::model::NewOrder;
use crate::uploads::check::{self, Checked, Outcome};

/// A file of `tests/fixtures`.
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The profiles that come with the program.
pub(crate) fn profiles() -> Profiles {
    Profiles::load(None).expect("embedded profiles are right")
}

fn refusal(bytes: Vec<u8>) -> Refusal {
    match open(bytes, None, Limits::default()) {
        Err(refusal) => refusal,
        Ok(mut workbook) => profiles().recognise_any(&mut workbook).expect_err("refused"),
    }
}

#[test]
fn bad_fixtures_are_refused_with_what_they_are() {
    assert_eq!(refusal(fixture("B15_zero_bytes.xlsx")), Refusal::Empty);
    assert_eq!(refusal(fixture("B11_truncated_zip.xlsx")), Refusal::Damaged);
    assert_eq!(refusal(fixture("B03_empty_sheet.xlsx")), Refusal::NoHeader);
    let csv = refusal(fixture("B10_csv_cp949_renamed.xlsx")).to_string();
    assert!(csv.contains("엑셀 파일이 아니에요") && csv.contains("CSV"), "{csv}");
    let missing = refusal(fixture("B01_missing_key_column.xlsx"));
    let Refusal::MissingColumns { name, kind, columns } = &missing else { panic!("{missing:?}") };
    assert_eq!(
        (name.as_str(), *kind, columns.as_slice()),
        ("스마트스토어", Kind::Orders, ["상품주문번호".to_owned()].as_slice())
    );
    assert!(missing.to_string().contains("상품주문번호"));
}

#[test]
fn a_password_is_asked_for_and_checked() {
    for name in [
        "02_smartstore_encrypted_agile_aes256_sha512.xlsx",
        "03_smartstore_encrypted_agile_aes128_sha1.xlsx",
        "04_states_encrypted_standard_aes128.xlsx",
    ] {
        assert_eq!(open(fixture(name), Some("1234"), Limits::default()).err(), None, "{name}");
        assert!(needs_password(&fixture(name)));
        assert_eq!(refusal(fixture(name)), Refusal::PasswordRequired);
        assert_eq!(open(fixture(name), Some("12345"), Limits::default()).err(), Some(Refusal::WrongPassword));
    }
    assert!(!needs_password(&fixture("08_logen_result_header_row2.xls")));
}

#[test]
fn other_files_are_named() {
    let what = |bytes: &[u8]| refusal(bytes.to_vec());
    assert_eq!(what(b"%PDF-1.7 ..."), Refusal::NotSpreadsheet { what: "PDF 문서".into() });
    assert_eq!(what(b"<html><table><tr><td>1</td></tr></table></html>"), Refusal::Html);
    assert_eq!(
        what(b"<?xml version=\"1.0\"?><Workbook xmlns=\"urn:schemas-microsoft-com:office:spreadsheet\"/>"),
        Refusal::SpreadsheetXml
    );
    assert_eq!(what(b"  \n "), Refusal::Empty);
    assert_eq!(what(b"hello"), Refusal::NotSpreadsheet { what: "텍스트 파일".into() });
    assert_eq!(what(&[0, 1, 2, 3, 0xFF]).code(), "not_spreadsheet");
    assert_eq!(what(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 and nothing"), Refusal::Damaged);
    let limits = Limits { bytes: 4, ..Limits::default() };
    assert_eq!(open(vec![b'a'; 5], None, limits).err().map(|refusal| refusal.code()), Some("too_large"));
}

/// Every order of a file, whatever kind of channel.
fn checked(bytes: Vec<u8>) -> (Table, Vec<Checked<NewOrder>>) {
    let mut workbook = open(bytes, None, Limits::default()).expect("opens");
    let table = profiles().recognise_any(&mut workbook).expect("recognised");
    let mut rows = Vec::new();
    check::orders(&mut workbook, &table, &mut |row| {
        rows.push(row);
        ControlFlow::Continue(())
    })
    .expect("read");
    (table, rows)
}

fn order(row: &Checked<NewOrder>) -> &NewOrder {
    match &row.outcome {
        Outcome::Ok(order, _) => order,
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

fn xml_sheet(rows: &[&[&str]]) -> String {
    let mut xml = String::from("<worksheet><sheetData>");
    for row in rows {
        xml += "<row>";
        for text in *row {
            xml += "<c t=\"inlineStr\"><is><t>";
            xml += text;
            xml += "</t></is></c>";
        }
        xml += "</row>";
    }
    xml + "</sheetData></worksheet>"
}

/// An .xlsx by hand.
fn package(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let fixed = [
        (
            "_rels/.rels",
            "<Relationships><Relationship Id='a' Type='x/officeDocument' Target='xl/workbook.xml'/></Relationships>",
        ),
        (
            "xl/_rels/workbook.xml.rels",
            "<Relationships><Relationship Id='s' Type='x/worksheet' Target='/xl/worksheets/sheet1.xml'/>\
             <Relationship Id='t' Type='x/sharedStrings' Target='sharedStrings.xml'/>\
             <Relationship Id='u' Type='x/styles' Target='styles.xml'/></Relationships>",
        ),
    ];
    let given = |name: &str| parts.iter().any(|(part, _)| *part == name);
    let book = "<workbook xmlns:r='r'><sheets><sheet name='발주발송관리' sheetId='1' r:id='s'/></sheets></workbook>";
    let default = [("xl/workbook.xml", book)];
    for (name, content) in fixed.iter().chain(default.iter().filter(|(name, _)| !given(name))).chain(parts) {
        zip.start_file(*name, SimpleFileOptions::default()).expect("a part");
        zip.write_all(content.as_bytes()).expect("written");
    }
    zip.finish().expect("finished").into_inner()
}

/// An .xlsx of one sheet with these rows, all text.
pub(crate) fn sheet_package(rows: &[&[&str]]) -> Vec<u8> {
    package(&[("xl/worksheets/sheet1.xml", &xml_sheet(rows))])
}

#[test]
fn a_file_may_be_reordered_shortened_and_typed_by_hand() {
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
fn a_resaved_file_gets_its_zeros_back_and_1904_is_known() {
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
fn the_sheet_is_found_by_its_header_wherever_it_stands() {
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
fn a_csv_with_the_header_of_a_channel_is_read() {
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
        assert_eq!(
            (first.options.len(), first.price, first.customer_message.as_str()),
            (2, 12_000, "문 앞\n부재 시 전화")
        );
        assert!(matches!(rows[1].outcome, Outcome::Skipped(_)));
        assert_eq!(rows[1].row, 4, "an empty line is a row of Excel");
    }
}

#[test]
fn a_list_without_addresses_is_no_order_file() {
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
    let refusal = profiles().recognise(&mut workbook, Kind::Orders, None).expect_err("no order file");
    let Refusal::MissingColumns { name, columns, .. } = &refusal else { panic!("{refusal:?}") };
    assert_eq!(name, "스마트스토어");
    assert!(columns.contains(&"수취인명".to_owned()), "{columns:?}");
    assert_eq!(
        profiles().recognise(&mut workbook, Kind::Orders, Some("NOWHERE")).err(),
        Some(Refusal::UnknownChannel("NOWHERE".into()))
    );
}

#[test]
fn bombs_are_refused_soon() {
    let spaces = " ".repeat(70 << 20);
    let sheet = format!("<worksheet>{spaces}<sheetData/></worksheet>");
    assert_eq!(refusal(package(&[("xl/worksheets/sheet1.xml", &sheet)])).code(), "damaged", "too much before a cell");

    let strings = "<sst uniqueCount='4000000000'><si><t>a</t></si></sst>";
    let sheet = xml_sheet(&[&HEADERS]);
    let file = package(&[("xl/worksheets/sheet1.xml", &sheet), ("xl/sharedStrings.xml", strings)]);
    assert_eq!(refusal(file), Refusal::TooManyCells);

    let formats = "<xf numFmtId='14'/>".repeat(70_000);
    let styles = format!("<styleSheet><cellXfs>{formats}</cellXfs></styleSheet>");
    let file = package(&[("xl/worksheets/sheet1.xml", &sheet), ("xl/styles.xml", &styles)]);
    assert_eq!(refusal(file), Refusal::TooManyCells);

    let rows: Vec<&[&str]> = vec![&["x"]; 40];
    let bytes = sheet_package(&rows);
    let limits = Limits { rows: 20, ..Limits::default() };
    let mut workbook = open(bytes, None, limits).expect("opens");
    let refused = workbook.rows(0, &mut |_| ControlFlow::Continue(()));
    assert_eq!(refused, Err(Refusal::TooManyRows { limit: 20 }));
}

/// The directory says 1,000 bytes, the data inflate to 40 MB: no more than 1,000 are ever handed out.
#[test]
fn a_directory_that_lies_is_no_way_around_the_limits() {
    let row = xml_sheet(&[&HEADERS, &ROW]).replace("</sheetData></worksheet>", "");
    let sheet = format!("{row}{}</sheetData></worksheet>", "<row/>".repeat(7 << 20));
    let mut bytes = package(&[("xl/worksheets/sheet1.xml", &sheet)]);
    let size = u32::try_from(sheet.len()).expect("small").to_le_bytes();
    let lie = 1_000u32.to_le_bytes();
    while let Some(at) = memchr::memmem::find(&bytes, &size) {
        bytes[at..at + 4].copy_from_slice(&lie);
    }
    let mut workbook = open(bytes, None, Limits::default()).expect("opens");
    assert_eq!(workbook.rows(0, &mut |_| ControlFlow::Continue(())), Err(Refusal::Damaged));
}

#[test]
fn foreign_zips_are_named() {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("_rels/.rels", SimpleFileOptions::default()).expect("a part");
    let relations =
        "<Relationships><Relationship Id='a' Type='x/officeDocument' Target='word/document.xml'/></Relationships>";
    zip.write_all(relations.as_bytes()).expect("written");
    assert_eq!(
        refusal(zip.finish().expect("finished").into_inner()),
        Refusal::NotSpreadsheet { what: "워드 문서".into() }
    );
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("META-INF/MANIFEST.MF", SimpleFileOptions::default()).expect("a part");
    assert_eq!(refusal(zip.finish().expect("finished").into_inner()).code(), "not_spreadsheet");
}

#[test]
fn rejected_rows_come_back_as_they_were_and_are_recognised() {
    let mut workbook = open(fixture("B06_bad_values.xlsx"), None, Limits::default()).expect("opens");
    let table = profiles().recognise_any(&mut workbook).expect("recognised");
    let reasons = [(3, "수량은 1 이상".to_owned()), (18, "=사유".to_owned())];
    let written = rejected_rows(&mut workbook, &table, &reasons).expect("written");
    let (again, rows) = checked(written.clone());
    assert_eq!((again.profile.code.as_str(), again.header_row, rows.len()), ("SMART_STORE", 1, 2));
    assert!(matches!(rows[0].outcome, Outcome::Rejected(_)));
    assert_eq!(order(&rows[1]).placed_at.kst().to_string(), "2024-03-15 10:00:41");
    let mut workbook = open(written, None, Limits::default()).expect("opens");
    assert_eq!(workbook.sheets(), ["발주발송관리"]);
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

#[test]
fn formats_that_show_dates() {
    let file = || {
        let mut writer = Writer::new();
        let sheet = writer.add_worksheet();
        for (row, format) in (0u32..).zip(["yyyy-mm-dd", "#,##0", "\"₩\"#,##0", "[$-412]yyyy\"년\"", "General", "@"])
        {
            let format = Format::new().set_num_format(format);
            sheet.write_number_with_format(row, 0, 45366.5, &format).expect("written");
        }
        writer.save_to_buffer().expect("saved")
    };
    let mut workbook = open(file(), None, Limits::default()).expect("opens");
    let mut dates = Vec::new();
    workbook
        .rows(0, &mut |row| {
            dates.push(matches!(row.cell(0), Cell::DateTime(_)));
            ControlFlow::Continue(())
        })
        .expect("read");
    assert_eq!(dates, [true, false, false, true, false, false]);
}

//! Files as a whole: supported formats, errors, limits.

use std::io::{Cursor, Write};
use std::ops::ControlFlow;

use rust_xlsxwriter::{Format, Workbook as Writer};
use zip::write::SimpleFileOptions;

use super::*;

const HEADER: &[&str] = &["상품주문번호", "수취인명", "우편번호"];
const ROW: &[&str] = &["2024031500000001", "홍길동", "04524"];

/// The error of opening a file or reading its sheets.
fn error(bytes: Vec<u8>) -> SheetError {
    match open(bytes, None, Limits::default()) {
        Err(error) => error,
        Ok(mut workbook) => workbook.previews().1.expect("an error"),
    }
}

/// A file of `tests/fixtures`.
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn encrypted_files_need_the_right_password() {
    for name in [
        "02_smartstore_encrypted_agile_aes256_sha512.xlsx",
        "03_smartstore_encrypted_agile_aes128_sha1.xlsx",
        "04_states_encrypted_standard_aes128.xlsx",
    ] {
        assert_eq!(open(fixture(name), Some("1234"), Limits::default()).err(), None, "{name}");
        assert!(needs_password(&fixture(name)));
        assert_eq!(error(fixture(name)), SheetError::PasswordRequired);
        assert_eq!(open(fixture(name), Some("12345"), Limits::default()).err(), Some(SheetError::WrongPassword));
    }
    assert!(!needs_password(&fixture("08_logen_result_header_row2.xls")));
}

#[test]
fn other_file_types_are_named_in_the_error() {
    let error_of = |bytes: &[u8]| error(bytes.to_vec());
    assert_eq!(error_of(b"%PDF-1.7 ..."), SheetError::NotSpreadsheet { what: "PDF 문서".into() });
    assert_eq!(error_of(b"<html><form>login</form></html>"), SheetError::Html);
    assert_eq!(
        error_of(b"<?xml version=\"1.0\"?><Workbook xmlns=\"urn:schemas-microsoft-com:office:spreadsheet\"/>"),
        SheetError::Damaged
    );
    assert_eq!(error_of(b"  \n "), SheetError::Empty);
    let archive = b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=\"x\"\r\n\r\n--x\r\n";
    assert_eq!(error_of(archive), SheetError::NotSpreadsheet { what: "웹 페이지 보관 파일, MHTML".into() });
    assert_eq!(error_of(b"hello"), SheetError::NotSpreadsheet { what: "텍스트 파일".into() });
    assert_eq!(error_of(&[0, 1, 2, 3, 0xFF]).code(), "not_spreadsheet");
    assert_eq!(error_of(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 and nothing"), SheetError::Damaged);
    let limits = Limits { bytes: 4, ..Limits::default() };
    assert_eq!(open(vec![b'a'; 5], None, limits).err().map(|error| error.code()), Some("too_large"));
}

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
pub(crate) fn package(parts: &[(&str, &str)]) -> Vec<u8> {
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
    for (name, content) in fixed.iter().chain(&default).filter(|(name, _)| !given(name)).chain(parts) {
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
fn time_for_attributes_grows_with_their_number_and_not_with_its_square() {
    let attributes: String = (0..40_000).fold(String::new(), |all, number| all + &format!(" a{number}=''"));
    let book = format!("<workbook xmlns:r='r'><sheets><sheet{attributes} name='주문' r:id='s'/></sheets></workbook>");
    let sheet = xml_sheet(&[HEADER])
        .replace("<row>", &format!("<row{attributes}>"))
        .replace("<c ", &format!("<c{attributes} "));
    let styles = format!("<styleSheet{attributes}><cellXfs><xf{attributes}/></cellXfs></styleSheet>");
    let parts = [("xl/workbook.xml", book.as_str()), ("xl/worksheets/sheet1.xml", &sheet), ("xl/styles.xml", &styles)];
    let started = std::time::Instant::now();
    let mut workbook = open(package(&parts), None, Limits::default()).expect("opens");
    assert_eq!(workbook.previews().0[0].rows.len(), 1);
    // Of a debug build beside other tests; the square took half a minute in a release build.
    assert!(started.elapsed() < std::time::Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn decompression_bombs_are_not_held_in_memory() {
    let spaces = " ".repeat(70 << 20);
    let sheet = format!("<worksheet>{spaces}<sheetData/></worksheet>");
    let mut workbook = open(package(&[("xl/worksheets/sheet1.xml", &sheet)]), None, Limits::default()).expect("opens");
    assert_eq!(workbook.rows(0, &mut |_| ControlFlow::Continue(())), Ok(()), "what is not needed is skipped");

    let formats = "<xf numFmtId='14'/>".repeat(70_000);
    let styles = format!("<styleSheet><cellXfs>{formats}</cellXfs></styleSheet>");
    let file = package(&[("xl/worksheets/sheet1.xml", &xml_sheet(&[HEADER])), ("xl/styles.xml", &styles)]);
    assert!(open(file, None, Limits::default()).is_ok());

    let strings = format!("<sst>{}</sst>", "<si><t>a</t></si>".repeat(2_000_001));
    let sheet = "<worksheet><sheetData><row><c t='s'><v>0</v></c></row></sheetData></worksheet>";
    let file = package(&[("xl/worksheets/sheet1.xml", sheet), ("xl/sharedStrings.xml", &strings)]);
    assert_eq!(error(file), SheetError::TooManyCells);

    let rows: Vec<&[&str]> = vec![&["x"]; 40];
    let bytes = sheet_package(&rows);
    let limits = Limits { rows: 20, ..Limits::default() };
    let mut workbook = open(bytes, None, limits).expect("opens");
    let refused = workbook.rows(0, &mut |_| ControlFlow::Continue(()));
    assert_eq!(refused, Err(SheetError::TooManyRows { limit: 20 }));
}

/// The directory declares 1,000 bytes and the data inflate to 40 MB: at most 1,000 bytes are read.
#[test]
fn wrong_sizes_in_the_zip_directory_do_not_bypass_the_limits() {
    let row = xml_sheet(&[HEADER, ROW]).replace("</sheetData></worksheet>", "");
    let sheet = format!("{row}{}</sheetData></worksheet>", "<row/>".repeat(7 << 20));
    let mut bytes = package(&[("xl/worksheets/sheet1.xml", &sheet)]);
    let size = u32::try_from(sheet.len()).expect("small").to_le_bytes();
    let lie = 1_000u32.to_le_bytes();
    while let Some(at) = memchr::memmem::find(&bytes, &size) {
        bytes[at..at + 4].copy_from_slice(&lie);
    }
    let mut workbook = open(bytes, None, Limits::default()).expect("opens");
    assert_eq!(workbook.rows(0, &mut |_| ControlFlow::Continue(())), Err(SheetError::Damaged));
}

#[test]
fn other_office_files_are_named_in_the_error() {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("_rels/.rels", SimpleFileOptions::default()).expect("a part");
    let relations =
        "<Relationships><Relationship Id='a' Type='x/officeDocument' Target='word/document.xml'/></Relationships>";
    zip.write_all(relations.as_bytes()).expect("written");
    assert_eq!(
        error(zip.finish().expect("finished").into_inner()),
        SheetError::NotSpreadsheet { what: "워드 문서".into() }
    );
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("META-INF/MANIFEST.MF", SimpleFileOptions::default()).expect("a part");
    assert_eq!(error(zip.finish().expect("finished").into_inner()).code(), "not_spreadsheet");
}

#[test]
fn sheet_that_ends_within_its_rows_is_cut_off() {
    let whole = xml_sheet(&[HEADER, ROW, ROW]);
    let cut = whole.split_inclusive("</row>").take(2).collect::<String>();
    for (sheet, count, is_cut_off) in
        [(whole.as_str(), 3, false), (cut.as_str(), 2, true), ("<worksheet><sheetData/></worksheet>", 0, false)]
    {
        let file = package(&[("xl/worksheets/sheet1.xml", sheet)]);
        let mut workbook = open(file, None, Limits::default()).expect("opens");
        let mut rows = 0;
        let mut visit = |_: &Row<'_>| {
            rows += 1;
            ControlFlow::Continue(())
        };
        assert_eq!(workbook.rows(0, &mut visit), Ok(()));
        assert_eq!((rows, workbook.is_cut_off(0)), (count, is_cut_off));
    }
}

#[test]
fn guard_of_a_text_is_no_part_of_it() {
    let file = sheet_package(&[&["=\"0610001\"", "=HYPERLINK(\"x\")", "=\"a\"\"b\""]]);
    let mut workbook = open(file, None, Limits::default()).expect("opens");
    let (previews, _) = workbook.previews();
    assert_eq!(previews[0].rows[0].1, ["0610001", "=HYPERLINK(\"x\")", "a\"b"]);
}

#[test]
fn date_formats_are_detected() {
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
            dates.push(matches!(row.cell(0), Cell::Formatted(_, format) if format.is_date()));
            ControlFlow::Continue(())
        })
        .expect("read");
    assert_eq!(dates, [true, false, false, true, false, false]);
}

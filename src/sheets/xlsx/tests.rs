//! Cells as real and broken writers leave them.

use std::ops::ControlFlow;

use crate::sheets::tests::package;
use crate::sheets::{Cell, Limits, MergedArea, SheetError, Workbook, open, values};

const STYLES: &str = "<styleSheet><numFmts><numFmt numFmtId='176' formatCode='m&quot;월&quot; d&quot;일&quot;'/>\
     <numFmt numFmtId='177' formatCode='000-0000-0000'/><numFmt numFmtId='178' formatCode='&quot;BED-&quot;@'/></numFmts>\
     <cellXfs><xf numFmtId='0'/><xf numFmtId='176'/><xf numFmtId='177'/><xf numFmtId='178'/></cellXfs></styleSheet>";
const STRINGS: &str = "<sst uniqueCount='4000000000'><si><t>가</t></si><si><r><t>나</t></r><r><t>다</t></r>\
     <rPh><t>x</t></rPh></si><si/><si><t>_x000D_a_x</t></si></sst>";

fn workbook(sheet: &str) -> Workbook {
    let bytes =
        package(&[("xl/worksheets/sheet1.xml", sheet), ("xl/styles.xml", STYLES), ("xl/sharedStrings.xml", STRINGS)]);
    open(bytes, None, Limits::default()).expect("opens")
}

/// Row numbers and cells of a sheet, as a person reads them; errors in angle quotes.
fn cells(sheet: &str) -> Vec<String> {
    let mut rows = Vec::new();
    let mut visit = |row: &crate::sheets::Row<'_>| {
        let cell = |cell: &Cell<'_>| match cell {
            Cell::Error(word) => format!("‹{word}›"),
            cell if cell.lacks_format() => format!("{}?", values::text(cell)),
            cell => values::text(cell).into_owned(),
        };
        rows.push(format!("{}:{}", row.number, row.cells.iter().map(cell).collect::<Vec<_>>().join("|")));
        ControlFlow::Continue(())
    };
    workbook(sheet).rows(0, &mut visit).expect("read");
    rows
}

#[test]
fn odd_cell_is_an_error_and_costs_no_other_cell() {
    for (cell, expected) in [
        ("<c t='b'><v>예</v></c>", "‹예›"),
        ("<c t='b'><v>1</v></c>", "TRUE"),
        ("<c t='e'><f>UNIQUE(A2)</f><v>#SPILL!</v></c>", "‹#SPILL!›"),
        ("<c t='e'><v>Err:502</v></c>", "‹Err:502›"),
        ("<c><v>1</v><extLst><ext uri='x'/></extLst></c>", "1"),
        ("<c t='n'><v> </v></c>", ""),
        ("<c t='n'><v/></c>", ""),
        ("<c t='n'><v>1,234</v></c>", "‹1,234›"),
        ("<c t='n'><v>NaN</v></c>", "‹NaN›"),
        ("<c t='n'><v>두개</v></c>", "‹두개›"),
        ("<c t='s'><v>999</v></c>", "‹공유 문자열 999›"),
        ("<c t='s'><v>첫째</v></c>", "‹첫째›"),
        ("<c t='string'><v>메모</v></c>", "‹메모›"),
        ("<c s='999'><v>7</v></c>", "7?"),
        ("<c s='x'><v>7</v></c>", "7?"),
        ("<c s='999' t='str'><v>7</v></c>", "7"),
    ] {
        let sheet =
            format!("<worksheet><sheetData><row><c><v>1</v></c>{cell}<c><v>3</v></c></row></sheetData></worksheet>");
        assert_eq!(cells(&sheet), [format!("1:1|{expected}|3")], "{cell}");
    }
}

#[test]
fn texts_are_shared_inline_or_results_of_formulas() {
    let sheet = "<worksheet><dimension ref='A0:XFD'/><sheetData><row r='3'><c t='s'><v>0</v></c><c t='s'><v>1</v></c>\
         <c t='s'><v>2</v></c><c t='s'><v>3</v></c><c t='str'><f>x</f><v>a&amp;b</v></c>\
         <c r='H3' t='inlineStr'><is><r><t>하</t></r><rPh><t>x</t></rPh><r><t>나</t></r></is></c></row></sheetData></worksheet>";
    assert_eq!(cells(sheet), ["3:가|나다||\ra_x|a&b|||하나"]);
}

#[test]
fn numbers_are_shown_in_their_format() {
    let sheet = "<worksheet><sheetData><row><c s='1'><v>46085</v></c><c s='2'><v>1012345678</v></c>\
         <c s='3' t='inlineStr'><is><t>01</t></is></c><c t='d'><v>2026-11-27T10:00:00Z</v></c>\
         <c t='d' s='1'><v>2026-03-04</v></c><c t='d'><v>내일</v></c></row></sheetData></worksheet>";
    assert_eq!(cells(sheet), ["1:3월 4일|010-1234-5678|BED-01|2026-11-27 10:00:00|3월 4일|‹내일›"]);
}

#[test]
fn number_whose_format_is_lost_is_known_as_such() {
    let cell = |styles: &str, style: &str| {
        let sheet =
            format!("<worksheet><sheetData><row><c{style}><v>12345678901</v></c></row></sheetData></worksheet>");
        let bytes = package(&[("xl/worksheets/sheet1.xml", &sheet), ("xl/styles.xml", styles)]);
        let mut workbook = open(bytes, None, Limits::default()).expect("opens");
        let mut lacks = false;
        let mut visit = |row: &crate::sheets::Row<'_>| {
            lacks = row.cell(0).lacks_format();
            ControlFlow::Continue(())
        };
        workbook.rows(0, &mut visit).expect("read");
        assert_eq!(workbook.lacks_formats(0), lacks);
        lacks
    };
    let whole = "<styleSheet><numFmts><numFmt numFmtId='176' formatCode='000000000000'/></numFmts>\
        <cellXfs><xf numFmtId='0'/><xf numFmtId='176'/></cellXfs></styleSheet>";
    let too_large = whole.replace("<cellXfs>", &format!("{}<cellXfs>", " ".repeat(20 << 20)));
    assert!(!cell(whole, " s='1'") && !cell(whole, "") && !cell("", " s='0'"));
    assert!(cell(&whole[..whole.len() / 2], " s='1'"), "cut off");
    assert!(cell(&whole.replace("<numFmt ", "<numFm\u{0} "), " s='1'"), "its definition is damaged");
    assert!(cell(&whole.replace("<xf numFmtId='176'/>", "<xf numFmtId='17x'/>"), " s='1'"));
    assert!(cell(&too_large, " s='1'") && cell("", " s='1'") && cell(whole, " s='2'"));
}

#[test]
fn sheet_that_ends_within_a_row_cuts_that_row() {
    let row = |end: &str| format!("<worksheet><sheetData><row><c><v>1</v></c></row><row><c><v>2</v></c>{end}");
    for (end, cut) in
        [("", [false, true]), ("</row>", [false, false]), ("</row></sheetData></worksheet>", [false, false])]
    {
        let mut seen = Vec::new();
        let mut visit = |row: &crate::sheets::Row<'_>| {
            seen.push(row.is_cut);
            ControlFlow::Continue(())
        };
        workbook(&row(end)).rows(0, &mut visit).expect("read");
        assert_eq!(seen, cut, "{end}");
    }
}

#[test]
fn prefixes_and_missing_references_do_not_matter() {
    let sheet = "<x:worksheet><x:sheetData><x:row><x:c><x:v>1</x:v></x:c></x:row><x:row r='7'><x:c r='C7'><x:v>2</x:v></x:c>\
         <x:c><x:v>3</x:v></x:c></x:row><x:row><x:c r='$B$9'><x:v>4</x:v></x:c></x:row></x:sheetData></x:worksheet>";
    assert_eq!(cells(sheet), ["1:1", "7:||2|3", "9:|4"]);
}

#[test]
fn hidden_rows_and_merged_areas_are_known() {
    let sheet = "<worksheet><sheetData><row r='1'><c><v>1</v></c></row><row r='2' hidden='1'><c><v>2</v></c></row>\
         <row r='3' ht='0'><c><v>3</v></c></row></sheetData><mergeCells><mergeCell ref='C2:C4'/></mergeCells></worksheet>";
    let mut workbook = workbook(sheet);
    let mut hidden = Vec::new();
    let mut visit = |row: &crate::sheets::Row<'_>| {
        hidden.push(row.is_hidden);
        ControlFlow::Continue(())
    };
    workbook.rows(0, &mut visit).expect("read");
    assert_eq!(hidden, [false, true, true]);
    assert_eq!(workbook.merged_areas(0), [MergedArea { rows: (2, 4), columns: (2, 2) }]);
}

#[test]
fn broken_byte_costs_one_character() {
    let sheet = "<worksheet><sheetData><row><c t='inlineStr'><is><t>문\u{1}앞</t></is></c><c><v>2</v></c></row></sheetData></worksheet>";
    let bytes = package(&[("xl/worksheets/sheet1.xml", sheet)]);
    // Stored, not deflated: the byte can be broken in place, with the checksum that belongs to it.
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).expect("a zip");
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).expect("a part");
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut part, &mut content).expect("read");
        if let Some(at) = memchr::memchr(1, &content) {
            content[at] = 0xFF;
        }
        zip.start_file(part.name().expect("a name").to_string(), options).expect("a part");
        std::io::Write::write_all(&mut zip, &content).expect("written");
    }
    let bytes = zip.finish().expect("finished").into_inner();
    let mut texts = Vec::new();
    let mut visit = |row: &crate::sheets::Row<'_>| {
        texts.extend(row.cells.iter().map(|cell| values::text(cell).into_owned()));
        ControlFlow::Continue(())
    };
    open(bytes, None, Limits::default()).expect("opens").rows(0, &mut visit).expect("read");
    assert_eq!(texts, ["문\u{FFFD}앞", "2"]);
}

#[test]
fn parts_that_are_not_needed_do_not_refuse_a_file() {
    let sheet = "<worksheet><sheetData><row><c><v>1</v></c></row></sheetData></worksheet>";
    let book = "<workbook xmlns:r='r'><sheets><sheet name='주문' sheetId='1' r:id='s'/>\
         <sheet name='차트' sheetId='2' r:id='missing'/></sheets></workbook>";
    let bytes = package(&[
        ("xl/workbook.xml", book),
        ("xl/worksheets/sheet1.xml", sheet),
        ("xl/styles.xml", "<styleSheet><cellXfs><xf numFmtId='x'"),
        ("xl/sharedStrings.xml", "\u{0}<<<"),
    ]);
    let mut workbook = open(bytes, None, Limits::default()).expect("opens");
    assert_eq!(workbook.sheets().len(), 2, "a sheet that is missing is not forgotten");
    assert_eq!(workbook.rows(0, &mut |_| ControlFlow::Continue(())), Ok(()));
}

#[test]
fn missing_sheet_is_an_error_of_that_sheet_alone() {
    let book = "<workbook xmlns:r='r'><sheets><sheet name='없는 시트' sheetId='1' r:id='s'/></sheets></workbook>";
    let bytes = package(&[("xl/workbook.xml", book)]);
    let mut workbook = open(bytes, None, Limits::default()).expect("opens");
    assert_eq!(workbook.rows(0, &mut |_| ControlFlow::Continue(())), Err(SheetError::Damaged));
}

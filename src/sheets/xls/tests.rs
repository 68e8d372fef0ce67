//! Records as Excel and scripts write them, compared with another reader.

use calamine::{Data, Reader};

use super::*;
use crate::sheets::tests::fixture;
use crate::sheets::{Limits, open, values};

/// Encodes a record.
fn record(kind: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).expect("short");
    [kind.to_le_bytes().as_slice(), &length.to_le_bytes(), data].concat()
}

#[test]
fn cells_equal_those_of_calamine() {
    for name in ["06_smartstore_orders.xls", "07_smartstore_dispatch_expected.xls", "08_logen_result_header_row2.xls"] {
        let bytes = fixture(name);
        let mut workbook = open(bytes.clone(), None, Limits::default()).expect("opens");
        let mut calamine = calamine::Xls::new(std::io::Cursor::new(bytes)).expect("opens");
        let names: Vec<&str> = workbook.sheets().iter().map(|sheet| sheet.name.as_str()).collect();
        assert_eq!(names, calamine.sheet_names());
        for sheet in 0..workbook.sheets().len() {
            let range = calamine.worksheet_range_at(sheet).expect("there").expect("readable");
            let mut seen = 0;
            workbook
                .rows(sheet, &mut |row| {
                    for (column, cell) in (0u32..).zip(&row.cells) {
                        let theirs = range.get_value((row.number - 1, column)).cloned().unwrap_or_default();
                        let same = match (cell, &theirs) {
                            (Cell::Empty, Data::Empty) => true,
                            (Cell::Formatted(number, _), Data::DateTime(serial)) => {
                                (number - serial.as_f64()).abs() < 1e-9
                            }
                            (Cell::Formatted(number, _), Data::Float(theirs)) => (number - theirs).abs() < 1e-9,
                            (cell, theirs) => values::text(cell) == theirs.to_string(),
                        };
                        assert!(same, "{name} row {} column {column}: {cell:?} {theirs:?}", row.number);
                        seen += usize::from(*cell != Cell::Empty);
                    }
                    ControlFlow::Continue(())
                })
                .expect("read");
            assert_eq!(seen, range.used_cells().count(), "{name}");
        }
    }
}

#[test]
fn obfuscation_of_excel_95_is_reported() {
    let stream = [record(record::BOF, &[0, 6, 5, 0]), record(record::FILE_PASS, &[0; 6])].concat();
    assert_eq!(Xls::open(stream, &["1234".to_owned()]).err(), Some(SheetError::LegacyPassword));
    assert_eq!(Xls::open(Vec::new(), &[]).err(), Some(SheetError::Damaged));
}

#[test]
fn truncated_continuation_ends_the_stream() {
    let cut_off = [0x3C, 0, 0xFF, 0xFF, 1];
    let stream = [record(record::BOF, &[0, 6, 5, 0]), record(record::SST, &[0; 8]), cut_off.to_vec()].concat();
    assert_eq!(Xls::open(stream, &[]).err(), Some(SheetError::Damaged));
}

#[test]
fn rk_numbers_are_decoded() {
    assert!((rk(0x3FF0_0000) - 1.0).abs() < f64::EPSILON);
    assert!((rk((12_345 << 2) | 2) - 12_345.0).abs() < f64::EPSILON);
    assert!((rk((12_345 << 2) | 3) - 123.45).abs() < f64::EPSILON);
    assert!((rk(0xFFFF_FFFE) + 1.0).abs() < f64::EPSILON);
}

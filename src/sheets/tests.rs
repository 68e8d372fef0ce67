//! Files as a whole: what is opened, what is refused, and how.

use super::*;

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
    for name in ["02_smartstore_encrypted_agile_aes256_sha512.xlsx", "03_smartstore_encrypted_agile_aes128_sha1.xlsx"] {
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

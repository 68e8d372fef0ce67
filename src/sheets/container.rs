//! Detection of the file format by content; name and extension are ignored.
//!
//! Signatures: zip `50 4B 03 04`, CFB `D0 CF 11 E0 A1 B1 1A E1` (ECMA-376, [MS-CFB]). The error for any
//! other file names its type.

use std::sync::Arc;

use super::compound::Compound;
use super::decrypt;
use super::encoding;
use super::error::SheetError;

const ZIP: &[u8] = b"PK\x03\x04";
const COMPOUND: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";

/// Signatures of other file types, with their Korean names.
const OTHER_SIGNATURES: [(&[u8], &str); 9] = [
    (b"%PDF", "PDF 문서"),
    (b"\x89PNG", "그림"),
    (b"\xFF\xD8\xFF", "그림"),
    (b"GIF8", "그림"),
    (b"Rar!", "압축 파일"),
    (b"7z\xBC\xAF", "압축 파일"),
    (b"\x1F\x8B", "압축 파일"),
    (b"PK\x05\x06", "빈 압축 파일"),
    (b"MZ", "실행 파일"),
];

/// A recognised, decrypted container.
pub(super) enum Container {
    /// bytes of an .xlsx
    Zip(Arc<Vec<u8>>),
    /// the `Workbook` stream of an .xls
    Biff(Vec<u8>),
    /// CSV text
    Csv(String),
}

/// Whether the file is an encrypted workbook.
pub fn needs_password(bytes: &[u8]) -> bool {
    bytes.starts_with(COMPOUND) && Compound::open(bytes).is_some_and(|file| file.has("EncryptionInfo"))
}

/// Detects the format of `bytes`, and decrypts an encrypted workbook.
///
/// # Errors
/// The file is no spreadsheet, is damaged or too large, or needs a (different) password.
pub(super) fn recognise(
    bytes: Arc<Vec<u8>>,
    password: Option<&str>,
    max_bytes: usize,
) -> Result<Container, SheetError> {
    if bytes.is_empty() {
        return Err(SheetError::Empty);
    }
    if bytes.len() > max_bytes {
        return Err(SheetError::TooLarge { limit_mib: (max_bytes >> 20) as u64 });
    }
    if bytes.starts_with(ZIP) {
        return Ok(Container::Zip(bytes));
    }
    if bytes.starts_with(COMPOUND) {
        return compound(&bytes, password);
    }
    if let Some((_, what)) = OTHER_SIGNATURES.iter().find(|(signature, _)| bytes.starts_with(signature)) {
        return Err(SheetError::not_spreadsheet(what));
    }
    detect_text(&bytes)
}

/// A CFB file: an encrypted .xlsx, an .xls, or another Office document.
fn compound(bytes: &[u8], password: Option<&str>) -> Result<Container, SheetError> {
    let file = Compound::open(bytes).ok_or(SheetError::Damaged)?;
    if let Some(info) = file.stream("EncryptionInfo") {
        let package = file.stream("EncryptedPackage").ok_or(SheetError::Damaged)?;
        let plain = decrypt::decrypt(&info, package, password)?;
        return if plain.starts_with(ZIP) { Ok(Container::Zip(Arc::new(plain))) } else { Err(SheetError::Damaged) };
    }
    if let Some(stream) = file.stream("Workbook").or_else(|| file.stream("Book")) {
        return Ok(Container::Biff(stream));
    }
    let what = if file.has("WordDocument") { "워드 문서" } else { "다른 오피스 문서" };
    Err(SheetError::not_spreadsheet(what))
}

/// A text file: CSV, or a web page or XML saved as .xls.
fn detect_text(bytes: &[u8]) -> Result<Container, SheetError> {
    let Some(decoded) = encoding::decode(bytes) else {
        return Err(SheetError::not_spreadsheet("알 수 없는 형식"));
    };
    let start: String = decoded.trim_start().chars().take(4096).collect::<String>().to_ascii_lowercase();
    if start.is_empty() {
        return Err(SheetError::Empty);
    }
    if start.starts_with('<') {
        return Err(if start.contains("office:spreadsheet") {
            SheetError::SpreadsheetXml
        } else if start.contains("<html") || start.contains("<table") || start.contains("<!doctype html") {
            SheetError::Html
        } else {
            SheetError::not_spreadsheet("XML")
        });
    }
    if start.lines().take(12).any(|line| line.contains([',', '\t', ';'])) {
        return Ok(Container::Csv(decoded));
    }
    Err(SheetError::not_spreadsheet("텍스트 파일"))
}

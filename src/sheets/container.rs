//! Detection of the file format by content; name and extension are ignored.
//!
//! Signatures: zip `50 4B 03 04`, CFB `D0 CF 11 E0 A1 B1 1A E1` (ECMA-376, [MS-CFB]). The error for any
//! other file names its type.

use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;

use super::compound::Compound;
use super::decrypt;
use super::encoding::{self, FileText};
use super::error::SheetError;
use super::html;
use super::xls;

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
    /// the `Workbook` stream of an .xls, and the passwords to try
    Biff(Vec<u8>, Vec<String>),
    /// CSV text
    Csv(FileText),
    /// tables of HTML
    Html(FileText),
    /// SpreadsheetML 2003
    SpreadsheetXml(FileText),
}

/// Whether the file is an encrypted workbook.
pub fn needs_password(bytes: &[u8]) -> bool {
    let is_encrypted_xls = |file: &Compound<'_>| {
        let stream = file.stream("Workbook").or_else(|| file.stream("Book"));
        stream.is_some_and(|stream| xls::is_encrypted(&stream))
    };
    bytes.starts_with(COMPOUND)
        && Compound::open(bytes).is_some_and(|file| file.has("EncryptionInfo") || is_encrypted_xls(&file))
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
    if is_bare_biff(&bytes) {
        return Ok(Container::Biff(bytes.to_vec(), passwords(password)));
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
        let plain = decrypt_with_any(&info, &package, password)?;
        return if plain.starts_with(ZIP) { Ok(Container::Zip(Arc::new(plain))) } else { Err(SheetError::Damaged) };
    }
    if let Some(stream) = file.stream("Workbook").or_else(|| file.stream("Book")) {
        return Ok(Container::Biff(stream, passwords(password)));
    }
    let what = if file.has("WordDocument") { "워드 문서" } else { "다른 오피스 문서" };
    Err(SheetError::not_spreadsheet(what))
}

/// The password with which Excel encrypts a workbook that is only protected against changes: it opens without
/// asking ([MS-OFFCRYPTO] 2.2).
const SILENT_PASSWORD: &str = "VelvetSweatshop";

/// Decrypts with the password in each form in which it may have been typed: letters of macOS are decomposed,
/// digits of a Korean keyboard may be full-width. Then with the password that needs no typing.
fn decrypt_with_any(info: &[u8], package: &[u8], password: Option<&str>) -> Result<Vec<u8>, SheetError> {
    for attempt in passwords(password) {
        match decrypt::decrypt(info, package.to_vec(), Some(&attempt)) {
            Err(SheetError::WrongPassword) => {}
            result => return result,
        }
    }
    Err(if password.is_some() { SheetError::WrongPassword } else { SheetError::PasswordRequired })
}

/// The passwords to try.
fn passwords(password: Option<&str>) -> Vec<String> {
    password.map(password_forms).unwrap_or_default().into_iter().chain([SILENT_PASSWORD.to_owned()]).collect()
}

/// The password as typed, and its other forms without repetition.
fn password_forms(password: &str) -> Vec<String> {
    let mut forms = vec![password.to_owned()];
    let others: [String; 3] = [password.nfc().collect(), password.nfkc().collect(), password.nfd().collect()];
    for form in others {
        if !forms.contains(&form) {
            forms.push(form);
        }
    }
    forms
}

/// Whether the bytes are records of an .xls without a container, as some scripts write them: a record of the
/// beginning, of a workbook or sheet.
fn is_bare_biff(bytes: &[u8]) -> bool {
    matches!(bytes, [0x09, 0x00 | 0x02 | 0x04 | 0x08, 4..=16, 0, _, _, 0x05 | 0x10, 0, ..])
}

/// A text file: CSV, or HTML or XML saved as .xls.
fn detect_text(bytes: &Arc<Vec<u8>>) -> Result<Container, SheetError> {
    let Some(decoded) = encoding::decode(bytes) else {
        return Err(SheetError::not_spreadsheet("알 수 없는 형식"));
    };
    let text = decoded.as_str();
    let start: String = text.trim_start().chars().take(4096).collect::<String>().to_ascii_lowercase();
    if start.is_empty() {
        return Err(SheetError::Empty);
    }
    if start.starts_with('<') {
        return if start.contains("office:spreadsheet") {
            Ok(Container::SpreadsheetXml(decoded))
        } else if html::has_table(text) {
            Ok(Container::Html(decoded))
        } else if start.contains("<html") || start.contains("<!doctype html") {
            Err(SheetError::Html)
        } else {
            Err(SheetError::not_spreadsheet("XML"))
        };
    }
    let is_archive =
        |line: &str| line.starts_with("mime-version:") || line.starts_with("content-type: multipart/related");
    if start.lines().take(12).any(is_archive) {
        return Err(SheetError::not_spreadsheet("웹 페이지 보관 파일, MHTML"));
    }
    if start.lines().take(12).any(|line| line.contains([',', '\t', ';'])) {
        return Ok(Container::Csv(decoded));
    }
    Err(SheetError::not_spreadsheet("텍스트 파일"))
}

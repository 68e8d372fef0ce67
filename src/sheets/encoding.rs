//! Character encodings of Korean text files.
//!
//! Supported are UTF-8 with or without a byte order mark, UTF-16 with one (Excel's "유니코드 텍스트") and
//! CP949, which `encoding_rs` calls EUC-KR.

use std::sync::Arc;

use encoding_rs::{EUC_KR, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Share of characters that may be broken in a text: one in so many.
const BROKEN_SHARE: usize = 100;

/// The text of a file. A file in UTF-8 is not copied.
#[derive(Debug)]
pub(super) enum FileText {
    /// bytes in UTF-8, from the offset on
    Shared(Arc<Vec<u8>>, usize),
    /// decoded from another encoding
    Decoded(String),
}

impl FileText {
    /// The text.
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Shared(bytes, start) => {
                bytes.get(*start..).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
            }
            Self::Decoded(text) => text,
        }
    }
}

/// Decodes a file; none when it is binary. Some broken bytes cost only their own characters.
pub(super) fn decode(bytes: &Arc<Vec<u8>>) -> Option<FileText> {
    let wide = match bytes.as_slice() {
        [0xFF, 0xFE, ..] => Some(UTF_16LE),
        [0xFE, 0xFF, ..] => Some(UTF_16BE),
        _ => None,
    };
    if let Some(encoding) = wide {
        // Half a unit at the end is left of a file that was cut off.
        let content = bytes.get(2..bytes.len() & !1)?;
        return readable(&encoding.decode_without_bom_handling(content).0);
    }
    let start = if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    let content = bytes.get(start..)?;
    if !content.contains(&0) && std::str::from_utf8(content).is_ok() {
        return Some(FileText::Shared(Arc::clone(bytes), start));
    }
    let (korean, unicode) = (EUC_KR.decode_without_bom_handling(content).0, String::from_utf8_lossy(content));
    readable(if broken(&korean) <= broken(&unicode) { &korean } else { &unicode })
}

/// A decoded text without its NULs; none if too much of it is broken.
fn readable(text: &str) -> Option<FileText> {
    let limit = text.chars().filter(|letter| !letter.is_ascii()).count() / BROKEN_SHARE + 1;
    (broken(text) <= limit).then(|| FileText::Decoded(text.replace('\0', "")))
}

/// Number of characters that could not be decoded, or that no text has.
fn broken(text: &str) -> usize {
    let is_broken = |letter: char| matches!(letter, char::REPLACEMENT_CHARACTER | '\0'..='\x08' | '\x0E'..='\x1F');
    text.chars().filter(|letter| is_broken(*letter)).count()
}

/// Repairs text whose CP949 bytes were decoded as Latin-1 or Windows-1252 (`Á¤»ê`); none for other text.
pub fn repair_mojibake(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let bytes = latin1(text).or_else(|| {
        let (bytes, _, unmappable) = WINDOWS_1252.encode(text);
        (!unmappable).then(|| bytes.into_owned())
    })?;
    EUC_KR.decode_without_bom_handling_and_without_replacement(&bytes).map(Into::into)
}

fn latin1(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|letter| u8::try_from(u32::from(letter)).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> Option<String> {
        decode(&Arc::new(bytes.to_vec())).map(|text| text.as_str().to_owned())
    }

    #[test]
    fn broken_byte_costs_one_character() {
        assert_eq!(decoded("\u{FEFF}상품".as_bytes()).as_deref(), Some("상품"));
        assert_eq!(decoded("상품,\u{FFFD}주문".replace('\u{FFFD}', "x").as_bytes()).as_deref(), Some("상품,x주문"));
        let mut bytes = "상품주문번호,수취인명".as_bytes().to_vec();
        bytes.push(0xFF);
        assert_eq!(decoded(&bytes).as_deref(), Some("상품주문번호,수취인명\u{FFFD}"));
        let (korean, ..) = EUC_KR.encode("상품주문번호,수취인명");
        assert_eq!(decoded(&korean).as_deref(), Some("상품주문번호,수취인명"));
        let wide =
            |text: &str| [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let mut bytes: Vec<u8> = wide("상품주문번호\t수취인명");
        bytes.extend([0x3D, 0xD8, 0x0A, 0, 0x31]);
        assert_eq!(decoded(&bytes).as_deref(), Some("상품주문번호\t수취인명\u{FFFD}\n"), "half a symbol, half a unit");
        bytes.extend([0, 0x3D, 0xD8, 0x0A, 0]);
        assert_eq!(decoded(&bytes), None, "two broken characters of twelve");
        assert_eq!(decoded("상품\0주문번호".as_bytes()).as_deref(), Some("상품주문번호"));
        assert_eq!(decoded(&[0, 1, 2, 0xFF]), None);
        assert_eq!(decoded(&[0xFF, 0x81, 0xFE, 0xFF, 0x80, 0x81, 0xFF, 0xFF]), None);
    }
}

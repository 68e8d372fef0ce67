//! Character encodings of Korean text files.
//!
//! Supported are UTF-8 with or without a byte order mark, UTF-16 with one (Excel's "유니코드 텍스트") and
//! CP949, which `encoding_rs` calls EUC-KR.

use encoding_rs::{EUC_KR, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Decodes `bytes`; none when they are binary.
pub(super) fn decode(bytes: &[u8]) -> Option<String> {
    let encoding = match bytes {
        [0xFF, 0xFE, ..] => Some(UTF_16LE),
        [0xFE, 0xFF, ..] => Some(UTF_16BE),
        _ => None,
    };
    if let Some(encoding) = encoding {
        return encoding.decode_without_bom_handling_and_without_replacement(bytes.get(2..)?).map(Into::into);
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if bytes.contains(&0) {
        return None;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text.to_owned()),
        Err(_) => EUC_KR.decode_without_bom_handling_and_without_replacement(bytes).map(Into::into),
    }
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

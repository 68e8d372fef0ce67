//! Text in the encodings that Korean files come in, and CSV.
//!
//! UTF-8 (with or without its mark), UTF-16 with its mark (Excel's "유니코드 텍스트") and CP949, which
//! `encoding_rs` calls EUC-KR.

use std::ops::ControlFlow;

use encoding_rs::{EUC_KR, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::refusal::Refusal;
use super::workbook::{Cell, Counter, Row};

/// The text of `bytes`, or nothing when they are no text.
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

/// Text whose CP949 bytes were taken for Latin-1 (`Á¤»ê`), put right; nothing for other text.
pub(super) fn without_mojibake(text: &str) -> Option<String> {
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

/// Reads `text` as comma, semicolon or tab separated rows. Rows are counted as Excel counts them:
/// a quoted line break makes no new row, an empty line does.
pub(super) fn rows(
    text: &str,
    counter: &mut Counter,
    visit: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
) -> Result<(), Refusal> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator(text))
        .from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    let mut number = 0u64;
    loop {
        let line = reader.position().line();
        if !reader.read_record(&mut record).map_err(|_| Refusal::Damaged)? {
            break;
        }
        let breaks = record.iter().flat_map(str::bytes).filter(|&byte| byte == b'\n').count() as u64;
        let unfinished = u64::from(reader.position().byte() == text.len() as u64 && !text.ends_with('\n'));
        number += (reader.position().line() + unfinished).saturating_sub(line + breaks).max(1);
        let cells: Vec<Cell<'_>> = record
            .iter()
            .take(counter.max_columns())
            .map(|field| if field.is_empty() { Cell::Empty } else { Cell::Text(field.into()) })
            .collect();
        counter.row(cells.len())?;
        let row = Row { number: u32::try_from(number).unwrap_or(u32::MAX), cells, date1904: false };
        if visit(&row).is_break() {
            break;
        }
    }
    Ok(())
}

fn separator(text: &str) -> u8 {
    let head: String = text.lines().take(3).collect();
    let count = |separator: char| head.matches(separator).count();
    [(',', b','), ('\t', b'\t'), (';', b';')]
        .into_iter()
        .max_by_key(|&(separator, _)| (count(separator), separator == ','))
        .map_or(b',', |(_, byte)| byte)
}

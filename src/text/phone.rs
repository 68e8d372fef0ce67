//! Korean telephone numbers.

use super::{ParseResult, is_hyphen, nfkc_visible};

/// Shortest number of the international plan that is dialled in practice.
const MIN_DIGITS: usize = 8;
/// Longest number of the international plan (E.164).
const MAX_DIGITS: usize = 15;
/// Words for "no number".
const NO_NUMBER: [&str; 12] =
    ["없음", "없슴", "없습니다", "없어요", "무", "해당없음", "미입력", "미기재", "x", "n/a", "null", "none"];
const INVALID: &str = "전화번호 형식이 맞지 않아요";
const MASKED: &str = "가려진 전화번호예요. 번호가 모두 보이게 다시 내려받아 주세요";

/// A telephone number with hyphens (`010-1234-5678`); empty text gives an empty number.
///
/// Accepts digits with any separators, `+82` and `0082`, and numbers whose leading zero Excel dropped. Numbers
/// of other countries keep their code: `+1-213-555-0100`.
///
/// # Errors
/// Other characters, or no telephone number.
pub fn parse_phone(text: &str) -> ParseResult<String> {
    if text.trim().is_empty() {
        return Ok(String::new());
    }
    let text = nfkc_visible(text);
    let text = text.trim().trim_matches('\'');
    if !text.chars().all(is_phone_letter) {
        return Err(INVALID);
    }
    parse_digits(text).ok_or(INVALID)
}

/// Telephone numbers of one cell of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PhoneNumbers {
    /// the first one; empty if there is none
    pub first: String,
    /// the second one; empty if there is none
    pub second: String,
    /// the cell has more than a number: words, another number, or a sign for "no number"
    pub is_altered: bool,
    /// the cell has a third number, which is in neither
    pub has_more: bool,
}

/// The telephone numbers in a cell of a file, where people write several (`010-1234-5678 / 02-123-4567`), notes
/// (`(안심)`), and signs for "no number" (`-`, `0`, `없음`).
///
/// # Errors
/// The number is masked, or there is text but no telephone number.
pub fn parse_phone_cell(text: &str) -> ParseResult<PhoneNumbers> {
    let text = nfkc_visible(text);
    let text = text.trim().trim_matches('\'');
    if text.is_empty() {
        return Ok(PhoneNumbers::default());
    }
    if let Ok(first) = parse_phone(text) {
        return Ok(PhoneNumbers { first, ..PhoneNumbers::default() });
    }
    if is_no_number(text) {
        return Ok(PhoneNumbers { is_altered: true, ..PhoneNumbers::default() });
    }
    let mut numbers: Vec<String> = Vec::new();
    for number in numbers_within(text) {
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    let has_more = numbers.len() > 2;
    let mut numbers = numbers.into_iter();
    match numbers.next() {
        Some(first) => {
            Ok(PhoneNumbers { first, second: numbers.next().unwrap_or_default(), is_altered: true, has_more })
        }
        None if text.contains(['*', '●', '○', 'X', 'x']) => Err(MASKED),
        None => Err(INVALID),
    }
}

/// Whether the text says that there is no number: a word, or hyphens and zeros alone.
fn is_no_number(text: &str) -> bool {
    let word: String = text.chars().filter(|letter| letter.is_ascii_digit() || !is_phone_letter(*letter)).collect();
    NO_NUMBER.contains(&word.to_lowercase().as_str()) || word.chars().all(|letter| letter == '0')
}

/// The numbers between other words, and between the separators of a list.
fn numbers_within(text: &str) -> Vec<String> {
    let pieces = text.split(|letter: char| !is_phone_letter(letter) || letter == '\n');
    let parts = pieces.flat_map(|piece| match parse_digits(piece) {
        Some(number) => vec![number],
        None => piece.split_whitespace().filter_map(parse_digits).collect(),
    });
    parts.collect()
}

fn is_phone_letter(letter: char) -> bool {
    letter.is_ascii_digit() || letter.is_whitespace() || is_hyphen(letter) || "().+".contains(letter)
}

/// The digits of a number as a program writes it: `1012345678.0`.
fn without_zero_fraction(text: &str) -> Option<&str> {
    let (whole, fraction) = text.trim().split_once('.')?;
    let is_whole = whole.len() >= MIN_DIGITS && whole.bytes().all(|byte| byte.is_ascii_digit());
    (is_whole && !fraction.is_empty() && fraction.bytes().all(|byte| byte == b'0')).then_some(whole)
}

/// The number of a text of digits and separators.
fn parse_digits(text: &str) -> Option<String> {
    let text = without_zero_fraction(text).unwrap_or(text);
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let national = |rest: &str| hyphenate(&format!("0{}", rest.trim_start_matches('0')));
    if text.contains('+') {
        return match digits.strip_prefix("82") {
            Some(rest) => national(rest),
            None => (MIN_DIGITS..=MAX_DIGITS).contains(&digits.len()).then(|| format!("+{}", groups(text))),
        };
    }
    if let Some(rest) = digits.strip_prefix("0082") {
        return national(rest);
    }
    if digits.starts_with("030") && (10..=12).contains(&digits.len()) {
        // 0303 and 030 are in use, so that the groups cannot be told from the digits.
        let groups = groups(text);
        return if groups.contains('-') { Some(groups) } else { hyphenate(&digits) };
    }
    let restored = restore_leading_zero(&digits);
    let number =
        hyphenate(&restored).filter(|number| restored.len() == digits.len() || begins_as_grouped(number, text));
    number.or_else(|| digits.strip_prefix("82").and_then(national))
}

/// Whether a number that got back its zero begins with the first group of its text, if that has groups: `10-1234-5678` does,
/// `2345-6789` is no number of Seoul.
fn begins_as_grouped(number: &str, text: &str) -> bool {
    let mut groups = text.split(|letter: char| !letter.is_ascii_digit()).filter(|group| !group.is_empty());
    let first = groups.next().unwrap_or_default();
    let prefix = number.split('-').next().unwrap_or_default();
    groups.next().is_none() || prefix.strip_prefix('0') == Some(first)
}

/// The digits as they are grouped in the text, with hyphens.
fn groups(text: &str) -> String {
    text.split(|letter: char| !letter.is_ascii_digit()).filter(|group| !group.is_empty()).collect::<Vec<_>>().join("-")
}

/// Adds the leading zero that Excel drops from a number.
fn restore_leading_zero(digits: &str) -> String {
    let is_lost = matches!(
        (digits.as_bytes(), digits.len()),
        ([b'1', b'0' | b'1' | b'6'..=b'9', ..] | [b'3'..=b'6', _, ..] | [b'7' | b'8', b'0', ..], 9..=10)
            | ([b'2', ..], 8..=9)
            | ([b'5', b'0', ..], 11)
    );
    if is_lost { format!("0{digits}") } else { digits.to_owned() }
}

/// Inserts hyphens by the prefix: 15xx numbers, 050x safe numbers, 02 (Seoul), other area and mobile codes.
fn hyphenate(digits: &str) -> Option<String> {
    let split = |first: usize, last: usize| -> Option<String> {
        let middle = digits.len().checked_sub(last)?;
        Some(format!("{}-{}-{}", digits.get(..first)?, digits.get(first..middle)?, digits.get(middle..)?))
    };
    match (digits.as_bytes(), digits.len()) {
        ([b'1', b'5' | b'6' | b'8', ..], 8) => Some(format!("{}-{}", digits.get(..4)?, digits.get(4..)?)),
        ([b'0', b'3' | b'5', b'0', ..], 11 | 12) => split(4, 4),
        ([b'0', b'2', ..], 9..=10) => split(2, 4),
        ([b'0', b'1' | b'3'..=b'8', ..], 10..=11) => split(3, 4),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_get_hyphens_and_lost_zeros() {
        for (text, expected) in [
            ("", ""),
            ("010-1234-5678", "010-1234-5678"),
            ("01012345678", "010-1234-5678"),
            ("1012345678", "010-1234-5678"),
            ("010 1234 5678", "010-1234-5678"),
            ("+82 10-1234-5678", "010-1234-5678"),
            ("0111234567", "011-123-4567"),
            ("02-000-1111", "02-000-1111"),
            ("212345678", "02-1234-5678"),
            ("23456789", "02-345-6789"),
            ("0531234567", "053-123-4567"),
            ("531234567", "053-123-4567"),
            ("07012345678", "070-1234-5678"),
            ("050300001012", "0503-0000-1012"),
            ("05030001012", "0503-000-1012"),
            ("50300001012", "0503-0000-1012"),
            ("1588-0000", "1588-0000"),
            ("０１０－１２３４－５６７８", "010-1234-5678"),
            ("82-10-0000-0001", "010-0000-0001"),
            ("0082-10-0000-0001", "010-0000-0001"),
            ("+82 (0)10-0000-0001", "010-0000-0001"),
            ("+1 213-555-0100", "+1-213-555-0100"),
            ("0303-000-0001", "0303-000-0001"),
            ("030-0000-0001", "030-0000-0001"),
            ("03030000001", "0303-000-0001"),
            ("531234567.0", "053-123-4567"),
            ("1012345670.0", "010-1234-5670"),
            ("10-1234-5678", "010-1234-5678"),
            ("2)123-4567", "02-123-4567"),
            ("10 12345678", "010-1234-5678"),
            ("010-1234-5678\u{200b}", "010-1234-5678"),
        ] {
            assert_eq!(parse_phone(text).as_deref(), Ok(expected), "{text}");
        }
        for text in
            ["연락처 없음", "010-****-5678", "123", "010123456789", "0000", "2345-6789", "101234567.5", "1012 345678"]
        {
            assert!(parse_phone(text).is_err(), "{text}");
        }
    }

    #[test]
    fn cells_hold_several_numbers_notes_and_signs_for_none() {
        let numbers = |text: &str| parse_phone_cell(text).map(|numbers| (numbers.first, numbers.second));
        for (text, first, second) in [
            ("", "", ""),
            ("010-0000-0001", "010-0000-0001", ""),
            ("010-0000-0001 / 02-000-0001", "010-0000-0001", "02-000-0001"),
            ("010-0000-0001, 02-000-0001", "010-0000-0001", "02-000-0001"),
            ("010-0000-0001 02-000-0001", "010-0000-0001", "02-000-0001"),
            ("010-0000-0001\n010-0000-0001", "010-0000-0001", ""),
            ("010-0000-0001(안심)", "010-0000-0001", ""),
            ("집 02-000-0001", "02-000-0001", ""),
            ("-", "", ""),
            ("--   ", "", ""),
            ("0", "", ""),
            ("000-0000-0000", "", ""),
            ("없음", "", ""),
            ("N/A", "", ""),
        ] {
            assert_eq!(numbers(text), Ok((first.to_owned(), second.to_owned())), "{text}");
        }
        assert_eq!(numbers("010-****-0001"), Err(MASKED));
        assert_eq!(numbers("02-"), Err(INVALID));
        let third = parse_phone_cell("010-0000-0001, 02-000-0001, 031-000-0001");
        assert!(third.is_ok_and(|numbers| numbers.has_more && numbers.second == "02-000-0001"));
        assert!(parse_phone_cell("010-0000-0001, 02-000-0001").is_ok_and(|numbers| !numbers.has_more));
        assert!(parse_phone_cell("없음").is_ok_and(|numbers| numbers.is_altered));
        assert!(parse_phone_cell("010-0000-0001").is_ok_and(|numbers| !numbers.is_altered));
    }
}

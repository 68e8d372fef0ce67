//! Korean telephone numbers.

use super::{ParseResult, nfkc};

/// A Korean telephone number with hyphens (`010-1234-5678`); empty text gives an empty number.
///
/// Accepts digits with any separators, `+82`, and numbers whose leading zero Excel dropped.
///
/// # Errors
/// Other characters, or no Korean number.
pub fn parse_phone(text: &str) -> ParseResult<String> {
    const INVALID: &str = "전화번호 형식이 맞지 않아요";
    if text.trim().is_empty() {
        return Ok(String::new());
    }
    let text = nfkc(text);
    if !text
        .trim_matches('\'')
        .chars()
        .all(|letter| letter.is_ascii_digit() || letter.is_whitespace() || "-–—‐‑−().+".contains(letter))
    {
        return Err(INVALID);
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let digits = match digits.strip_prefix("82") {
        Some(rest) if text.contains('+') => format!("0{}", rest.trim_start_matches('0')),
        _ => digits,
    };
    hyphenate(&restore_leading_zero(&digits)).ok_or(INVALID)
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
        ([b'0', b'5', b'0', ..], 11 | 12) => split(4, 4),
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
        ] {
            assert_eq!(parse_phone(text).as_deref(), Ok(expected), "{text}");
        }
        for text in ["연락처 없음", "010-****-5678", "123", "010123456789", "0000"] {
            assert!(parse_phone(text).is_err(), "{text}");
        }
    }
}

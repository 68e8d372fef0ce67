//! Quantities and amounts of money, as text or as numbers.

use super::{ParseResult, is_hyphen, nfkc_visible};

const MAX_QUANTITY: f64 = 100_000.0;
/// One trillion won, exclusive.
const MAX_MONEY_WON: f64 = 1e12;
/// A double represents every integer of so many digits exactly.
const MAX_EXACT_DIGITS: usize = 15;

const INVALID_QUANTITY: &str = "수량은 1부터 100,000까지의 정수여야 해요";

/// 수량: an integer from 1 to 100,000.
///
/// # Errors
/// Empty, no integer, or out of range.
pub fn parse_quantity(text: &str) -> ParseResult<i64> {
    if text.trim().is_empty() {
        return Err("수량이 비어 있어요");
    }
    quantity_from_number(parse_number(text).ok_or(INVALID_QUANTITY)?)
}

/// 수량 from a number.
///
/// # Errors
/// No integer, or out of range.
pub fn quantity_from_number(number: f64) -> ParseResult<i64> {
    if number.fract() != 0.0 || !(1.0..=MAX_QUANTITY).contains(&number) {
        return Err(INVALID_QUANTITY);
    }
    #[expect(clippy::cast_possible_truncation, reason = "bounded above")]
    Ok(number as i64)
}

/// Money in whole won: `471250`, `471,249`, `₩12,000`, `12000원`, `KRW 1200`. Amounts to pay back are negative:
/// `-1200`, `△1,200`, `(1,200)`. Empty text and a lone hyphen are 0.
///
/// # Errors
/// No number, or out of range.
pub fn parse_money(text: &str) -> ParseResult<i64> {
    let text = nfkc_visible(text);
    let text = text.trim();
    if text.is_empty() || text.chars().all(is_hyphen) {
        return Ok(0);
    }
    let (text, is_negative) = match text.strip_prefix('(').and_then(|inside| inside.strip_suffix(')')) {
        Some(inside) => (inside, true),
        None => (text, false),
    };
    let unsigned = without_currency(text).trim_start_matches(|letter| is_hyphen(letter) || matches!(letter, '△' | '▲'));
    let is_negative = is_negative || unsigned.len() < without_currency(text).len();
    let number = parse_number(without_currency(unsigned)).filter(|number| *number >= 0.0);
    let number = number.ok_or("금액을 읽을 수 없어요")?;
    money_from_number(if is_negative { -number } else { number })
}

/// `text` without the sign or word for won.
fn without_currency(text: &str) -> &str {
    let text = text.trim();
    let text = ["₩", "\\", "KRW", "krw"].iter().find_map(|word| text.strip_prefix(word)).unwrap_or(text);
    ["원", "KRW", "krw"].iter().find_map(|word| text.strip_suffix(word)).unwrap_or(text).trim()
}

/// Money in won from a number, rounded.
///
/// # Errors
/// Not finite, or out of range.
pub fn money_from_number(number: f64) -> ParseResult<i64> {
    if !number.is_finite() {
        return Err("금액을 읽을 수 없어요");
    }
    if number.abs() >= MAX_MONEY_WON {
        return Err("금액은 1조 원 미만이어야 해요");
    }
    #[expect(clippy::cast_possible_truncation, reason = "bounded above")]
    Ok(number.round() as i64)
}

/// A decimal number with an optional sign, thousands separators and currency.
fn parse_number(text: &str) -> Option<f64> {
    let text = nfkc_visible(text);
    let text = without_currency(&text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let whole = without_separators(whole)?;
    let all_digits = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let positive = whole.strip_prefix('-').unwrap_or(&whole);
    if positive.len() > MAX_EXACT_DIGITS || !all_digits(positive) || !all_digits(fraction) {
        return None;
    }
    format!("{whole}.{fraction}").parse().ok()
}

/// The digits of an integer as programs and spreadsheets write numbers: `1012345678.0`, `30,000,200,000,001`. None for a
/// text that is not such a number, and for one that has its digits only.
pub fn integer_digits(text: &str) -> Option<String> {
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
    let is_zero = |fraction: &str| !fraction.is_empty() && fraction.bytes().all(|byte| byte == b'0');
    if fraction.map_or(!whole.contains(','), |fraction| !is_zero(fraction))
        || !whole.starts_with(|it: char| it.is_ascii_digit())
    {
        return None;
    }
    without_separators(whole).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Removes thousands separators; none when one is misplaced (`12,00`).
fn without_separators(text: &str) -> Option<String> {
    let mut groups = text.split(',');
    let first = groups.next()?;
    let rest: Vec<&str> = groups.collect();
    if rest.is_empty() {
        return Some(first.to_owned());
    }
    let is_grouped = first.trim_start_matches('-').len() <= 3 && rest.iter().all(|group| group.len() == 3);
    is_grouped.then(|| [first, &rest.concat()].concat())
}

/// A number with thousands separators: `1,234,000`.
pub fn grouped(number: impl std::fmt::Display) -> String {
    let text = number.to_string();
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap_or_default()).collect();
    format!("{sign}{}", groups.join(","))
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_positive_integers() {
        for (text, expected) in [("1", 1), ("１", 1), (" 12 ", 12), ("1,234", 1_234), ("3.0", 3), ("2\u{200b}", 2)] {
            assert_eq!(parse_quantity(text), Ok(expected), "{text}");
        }
        assert_eq!(quantity_from_number(2.0), Ok(2));
        for text in ["", "0", "-1", "1.5", "1개", "두개", "1,2", "1e3", "999999999999999999"] {
            assert!(parse_quantity(text).is_err(), "{text}");
        }
        assert!(quantity_from_number(f64::NAN).is_err() && quantity_from_number(f64::INFINITY).is_err());
    }

    #[test]
    fn money_may_have_separators_and_currency() {
        for (text, expected) in [
            ("", 0),
            ("0", 0),
            ("471,249", 471_249),
            ("₩12,000", 12_000),
            ("￦12,000", 12_000),
            ("12000원", 12_000),
            ("1 ", 1),
            ("1,200 원", 1_200),
            ("KRW 1200", 1_200),
            ("-", 0),
            ("-1200", -1_200),
            ("−1,200", -1_200),
            ("△1,200", -1_200),
            ("▲ 1,200원", -1_200),
            ("(1,200)", -1_200),
            ("₩-1,200", -1_200),
            ("-₩1,200", -1_200),
            ("1,200\u{200b}", 1_200),
        ] {
            assert_eq!(parse_money(text), Ok(expected), "{text}");
        }
        assert_eq!(money_from_number(27_948.4), Ok(27_948));
        for text in ["만이천원", "--1-", "12,00", "1.2.3", "₩"] {
            assert!(parse_money(text).is_err(), "{text}");
        }
        assert!(money_from_number(f64::NAN).is_err());
    }

    #[test]
    fn integers_of_programs_have_their_digits() {
        for (text, expected) in [
            ("30000200000001.0", Some("30000200000001")),
            ("30,000,200,000,001", Some("30000200000001")),
            ("1,234.00", Some("1234")),
            ("30000200000001", None),
            ("1.5", None),
            ("1,23", None),
            ("1.", None),
            ("a,123", None),
            (",123", None),
            ("-1,234", None),
        ] {
            assert_eq!(integer_digits(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn numbers_get_thousands_separators() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_000_u64), "1,234,000");
        assert_eq!(grouped(-1_000_i64), "-1,000");
    }
}

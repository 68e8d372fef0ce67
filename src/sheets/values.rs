//! Conversion of cells into values: text, numbers, money, dates, telephone numbers, postal codes.
//!
//! Pure functions. An error is a short Korean phrase; the caller adds row, column and value. Files are
//! re-saved by people: leading zeros are lost, numbers become text and vice versa, digits may be
//! full-width. Text is therefore normalised to NFKC.

use std::borrow::Cow;

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime};

use super::cell::Cell;
use crate::text::{
    ParseResult, money_from_number, multi_line, nfkc, one_line, parse_money, parse_phone, parse_quantity,
    parse_zip_code, quantity_from_number,
};

/// Doubles represent every integer below exactly.
const MAX_EXACT_INTEGER: f64 = 9_007_199_254_740_992.0;
/// Serial dates from 1954 to 2119; other numbers are not taken for dates.
const SERIAL_DATES: std::ops::Range<f64> = 20_000.0..80_000.0;
/// Maximum length of an identifier.
const MAX_ID_CHARS: usize = 64;

/// The cell's text. Integers are written without exponent and fraction.
pub fn text<'c>(cell: &'c Cell<'_>) -> Cow<'c, str> {
    match cell {
        Cell::Text(text) => text.as_ref().into(),
        Cell::Number(number) => number_text(*number).into(),
        Cell::DateTime(moment) => moment.format("%Y-%m-%d %H:%M:%S").to_string().into(),
        Cell::Bool(truth) => if *truth { "TRUE" } else { "FALSE" }.into(),
        Cell::Empty | Cell::Error => "".into(),
    }
}

fn number_text(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < MAX_EXACT_INTEGER { format!("{number:.0}") } else { number.to_string() }
}

/// The cell's text on one line; see [`one_line`].
pub fn line(cell: &Cell<'_>) -> String {
    one_line(&text(cell))
}

/// The cell's text on several lines; see [`multi_line`].
pub fn lines(cell: &Cell<'_>) -> String {
    multi_line(&text(cell))
}

/// An identifier, such as an order number. A number cell must be an exactly represented integer.
pub fn id(cell: &Cell<'_>) -> ParseResult<String> {
    match cell {
        Cell::Number(number) if number.fract() == 0.0 && (0.0..MAX_EXACT_INTEGER).contains(number) => {
            Ok(number_text(*number))
        }
        Cell::Number(_) => {
            Err("숫자가 너무 크거나 정수가 아니라 정확한 번호를 알 수 없어요. 열을 텍스트로 바꿔 주세요")
        }
        Cell::DateTime(_) => Err("번호가 날짜로 바뀌어 있어요"),
        _ => {
            let id = one_line(&nfkc(&text(cell))).trim_start_matches('\'').to_owned();
            if id.chars().count() > MAX_ID_CHARS { Err("번호가 너무 길어요") } else { Ok(id) }
        }
    }
}

/// Checks that an identifier consists of `min` to `max` digits.
pub fn check_digits(id: &str, min: usize, max: usize) -> ParseResult<()> {
    if id.bytes().all(|byte| byte.is_ascii_digit()) && (min..=max).contains(&id.len()) {
        Ok(())
    } else {
        Err("번호 형식이 맞지 않아요")
    }
}

/// 수량: an integer from 1.
pub fn quantity(cell: &Cell<'_>) -> ParseResult<i64> {
    if let Cell::Number(number) = cell { quantity_from_number(*number) } else { parse_quantity(&text(cell)) }
}

/// Money in whole won; an empty cell is 0.
pub fn money(cell: &Cell<'_>) -> ParseResult<i64> {
    if let Cell::Number(number) = cell { money_from_number(*number) } else { parse_money(&text(cell)) }
}

/// A date and time in Korean local time; a date without time is its midnight.
///
/// Accepts date cells, serial dates and text.
pub fn moment(cell: &Cell<'_>, date1904: bool) -> ParseResult<NaiveDateTime> {
    const WRONG: &str = "날짜를 읽을 수 없어요";
    let moment = match cell {
        Cell::DateTime(moment) => Some(*moment),
        Cell::Number(number) => from_serial(*number, date1904).or_else(|| parse_date_time(&number_text(*number))),
        Cell::Text(text) => {
            let text = nfkc(text);
            let text = text.trim();
            parse_date_time(text).or_else(|| text.parse().ok().and_then(|number| from_serial(number, date1904)))
        }
        _ => None,
    };
    moment.filter(|moment| (1990..2200).contains(&chrono::Datelike::year(moment))).ok_or(WRONG)
}

/// A date; the time is ignored.
pub fn date(cell: &Cell<'_>, date1904: bool) -> ParseResult<NaiveDate> {
    moment(cell, date1904).map(|moment| moment.date())
}

fn from_serial(number: f64, date1904: bool) -> Option<NaiveDateTime> {
    let since1900 = if date1904 { number + 1462.0 } else { number };
    SERIAL_DATES.contains(&since1900).then(|| Cell::date_of_serial(number, date1904)).flatten()
}

/// Parses `2024-03-15 10:00:05`, `2024.3.5`, `2024/03/15 10:00`, `20240315100005`,
/// `2025.7.18  12:42:43 PM`, `2024년 3월 15일 오후 3시 5분`, ISO 8601.
fn parse_date_time(text: &str) -> Option<NaiveDateTime> {
    if (8..=14).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return parse_digits(text);
    }
    let mut half = None;
    let mut numbers: Vec<&str> = Vec::new();
    let lower = text.to_ascii_lowercase();
    let (body, utc) = match lower.strip_suffix('z') {
        Some(body) => (body.to_owned(), true),
        None => (lower.strip_suffix("+09:00").unwrap_or(&lower).to_owned(), false),
    };
    let mut rest = body.as_str();
    while let Some(first) = rest.chars().next() {
        if first.is_ascii_digit() {
            let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
            numbers.push(rest.get(..end)?);
            rest = rest.get(end..)?;
            continue;
        }
        let end = rest.find(|letter: char| letter.is_ascii_digit()).unwrap_or(rest.len());
        for word in
            rest.get(..end)?.split(|letter: char| letter.is_whitespace() || "-./:,()년월일시분초".contains(letter))
        {
            match word {
                "" | "t" | "화" | "수" | "목" | "금" | "토" => {}
                "am" | "오전" => half = Some(0),
                "pm" | "오후" => half = Some(12),
                _ => return None,
            }
        }
        rest = rest.get(end..)?;
    }
    let moment = from_parts(&numbers, half)?;
    if utc { moment.checked_add_signed(chrono::Duration::hours(9)) } else { Some(moment) }
}

fn from_parts(numbers: &[&str], half: Option<u32>) -> Option<NaiveDateTime> {
    let (&[year, month, day], time) = numbers.split_first_chunk::<3>()?;
    if year.len() != 4 || month.len() > 2 || day.len() > 2 || time.len() > 4 {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)?;
    let part = |index: usize| time.get(index).map_or(Some(0), |number| number.parse::<u32>().ok());
    let (mut hour, minute, second) = (part(0)?, part(1)?, part(2)?);
    if time.len() == 1 && half.is_none() {
        return None;
    }
    if let Some(half) = half {
        if !(1..=12).contains(&hour) {
            return None;
        }
        hour = hour % 12 + half;
    }
    if (hour, minute, second) == (24, 0, 0) {
        return Some(date.checked_add_days(Days::new(1))?.and_time(NaiveTime::MIN));
    }
    date.and_hms_opt(hour, minute, second)
}

/// Parses `20240315`, `202403151000` and `20240315100005`.
fn parse_digits(text: &str) -> Option<NaiveDateTime> {
    let padded = match text.len() {
        8 => format!("{text}000000"),
        12 => format!("{text}00"),
        14 => text.to_owned(),
        _ => return None,
    };
    let part = |range: std::ops::Range<usize>| padded.get(range).and_then(|part| part.parse::<u32>().ok());
    let date = NaiveDate::from_ymd_opt(padded.get(..4)?.parse().ok()?, part(4..6)?, part(6..8)?)?;
    date.and_hms_opt(part(8..10)?, part(10..12)?, part(12..14)?)
}

/// A Korean telephone number with hyphens; empty for an empty cell.
pub fn phone(cell: &Cell<'_>) -> ParseResult<String> {
    parse_phone(&text(cell))
}

/// A postal code of five digits; empty for an empty cell.
pub fn zip_code(cell: &Cell<'_>) -> ParseResult<String> {
    parse_zip_code(&text(cell))
}

/// A courier's tracking number: 8 to 16 digits without hyphens, or an EMS number (`EB123456789KR`).
pub fn tracking_number(cell: &Cell<'_>) -> ParseResult<String> {
    const WRONG: &str = "송장번호 형식이 맞지 않아요";
    let id = id(cell)?;
    let number: String = id.chars().filter(|letter| !letter.is_whitespace() && *letter != '-').collect();
    let is_ems = number.len() == 13
        && number.is_ascii()
        && number.chars().enumerate().all(|(at, letter)| {
            if (2..11).contains(&at) { letter.is_ascii_digit() } else { letter.is_ascii_uppercase() }
        });
    let is_plain = (8..=16).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    if is_ems || is_plain { Ok(number) } else { Err(WRONG) }
}

#[cfg(test)]
mod tests;

//! What a cell means: numbers, money, moments, telephone numbers, postal codes, options.
//!
//! Pure functions. A mistake is a short Korean sentence for the report; the row, the column and the
//! value are added by the caller. Files are re-saved by people, so zeros are lost, numbers become text
//! and the reverse, and digits may be full width: everything is compared in NFKC.

use std::borrow::Cow;

use super::cell::Cell;
use crate::text::{
    Parsed, money_from_number, multi_line, nfkc, one_line, parse_money, parse_phone, parse_quantity, parse_zip_code,
    quantity_from_number,
};
use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime};

/// Doubles hold whole numbers exactly below this.
const EXACT: f64 = 9_007_199_254_740_992.0;
/// Day numbers from 1954 to 2119; other numbers are no dates.
const SERIALS: std::ops::Range<f64> = 20_000.0..80_000.0;
/// Longer keys are no order numbers.
const MAX_ID: usize = 64;

/// The cell as text. Whole numbers have neither exponent nor fraction.
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
    if number.fract() == 0.0 && number.abs() < EXACT { format!("{number:.0}") } else { number.to_string() }
}

/// One line: every run of white space and control characters is one space, none at the ends.
pub fn line(cell: &Cell<'_>) -> String {
    one_line(&text(cell))
}

/// The cell's text on several lines.
pub fn lines(cell: &Cell<'_>) -> String {
    multi_line(&text(cell))
}

/// A key: letters and digits of any kind; a number only when it is exact.
pub fn id(cell: &Cell<'_>) -> Parsed<String> {
    match cell {
        Cell::Number(number) if number.fract() == 0.0 && (0.0..EXACT).contains(number) => Ok(number_text(*number)),
        Cell::Number(_) => {
            Err("숫자가 너무 크거나 정수가 아니라 정확한 번호를 알 수 없어요. 열을 텍스트로 바꿔 주세요")
        }
        Cell::DateTime(_) => Err("번호가 날짜로 바뀌어 있어요"),
        _ => {
            let id = one_line(&nfkc(&text(cell))).trim_start_matches('\'').to_owned();
            if id.chars().count() > MAX_ID { Err("번호가 너무 길어요") } else { Ok(id) }
        }
    }
}

/// A key of digits, so many to so many.
pub fn check_digits(id: &str, min: usize, max: usize) -> Parsed<()> {
    if id.bytes().all(|byte| byte.is_ascii_digit()) && (min..=max).contains(&id.len()) {
        Ok(())
    } else {
        Err("번호 형식이 맞지 않아요")
    }
}

/// 수량: an integer from 1.
pub fn quantity(cell: &Cell<'_>) -> Parsed<i64> {
    if let Cell::Number(number) = cell { quantity_from_number(*number) } else { parse_quantity(&text(cell)) }
}

/// Money in whole won; an empty cell is 0.
pub fn money(cell: &Cell<'_>) -> Parsed<i64> {
    if let Cell::Number(number) = cell { money_from_number(*number) } else { parse_money(&text(cell)) }
}

/// A moment of the Korean clock. A date without time is its midnight.
pub fn moment(cell: &Cell<'_>, date1904: bool) -> Parsed<NaiveDateTime> {
    const WRONG: &str = "날짜를 읽을 수 없어요";
    let moment = match cell {
        Cell::DateTime(moment) => Some(*moment),
        Cell::Number(number) => serial(*number, date1904).or_else(|| written(&number_text(*number))),
        Cell::Text(text) => {
            let text = nfkc(text);
            let text = text.trim();
            written(text).or_else(|| text.parse().ok().and_then(|number| serial(number, date1904)))
        }
        _ => None,
    };
    moment.filter(|moment| (1990..2200).contains(&chrono::Datelike::year(moment))).ok_or(WRONG)
}

/// The date of [`moment`].
pub fn date(cell: &Cell<'_>, date1904: bool) -> Parsed<NaiveDate> {
    moment(cell, date1904).map(|moment| moment.date())
}

fn serial(number: f64, date1904: bool) -> Option<NaiveDateTime> {
    let since1900 = if date1904 { number + 1462.0 } else { number };
    SERIALS.contains(&since1900).then(|| Cell::date_of_serial(number, date1904)).flatten()
}

/// `2024-03-15 10:00:05`, `2024.3.5`, `2024/03/15 10:00`, `20240315100005`,
/// `2025.7.18  12:42:43 PM`, `2024년 3월 15일 오후 3시 5분`, ISO 8601.
fn written(text: &str) -> Option<NaiveDateTime> {
    if (8..=14).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return unseparated(text);
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
    let moment = assembled(&numbers, half)?;
    if utc { moment.checked_add_signed(chrono::Duration::hours(9)) } else { Some(moment) }
}

fn assembled(numbers: &[&str], half: Option<u32>) -> Option<NaiveDateTime> {
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

fn unseparated(text: &str) -> Option<NaiveDateTime> {
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
pub fn phone(cell: &Cell<'_>) -> Parsed<String> {
    parse_phone(&text(cell))
}

/// A postal code of five digits; empty for an empty cell.
pub fn zip_code(cell: &Cell<'_>) -> Parsed<String> {
    parse_zip_code(&text(cell))
}

/// A courier's number: digits without hyphens, or an EMS number.
pub fn tracking_number(cell: &Cell<'_>) -> Parsed<String> {
    const WRONG: &str = "송장번호 형식이 맞지 않아요";
    let id = id(cell)?;
    let number: String = id.chars().filter(|letter| !letter.is_whitespace() && *letter != '-').collect();
    let ems = number.len() == 13
        && number.is_ascii()
        && number.chars().enumerate().all(|(at, letter)| {
            if (2..11).contains(&at) { letter.is_ascii_digit() } else { letter.is_ascii_uppercase() }
        });
    let plain = (8..=16).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    if ems || plain { Ok(number) } else { Err(WRONG) }
}

#[cfg(test)]
mod tests;

//! Conversion of cells into values: text, numbers, money, dates, telephone numbers, postal codes.
//!
//! Pure functions. An error is a short Korean phrase; the caller adds row, column and value. Files are
//! re-saved by people: leading zeros are lost, numbers become text and vice versa, digits may be
//! full-width. Text is therefore normalised to NFKC.

use std::borrow::Cow;

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime};

use super::cell::{Cell, is_error_word};
use super::number_format;
use crate::text::{
    ParseResult, PhoneNumbers, fold_word, integer_digits, is_hyphen, money_from_number, multi_line, nfkc, one_line,
    parse_money, parse_phone_cell, parse_quantity, parse_zip_code, quantity_from_number,
};

/// Doubles represent every integer below exactly.
const MAX_EXACT_INTEGER: f64 = 9_007_199_254_740_992.0;
/// Serial dates from 1954 to 2119; other numbers are not taken for dates.
const SERIAL_DATES: std::ops::Range<f64> = 20_000.0..80_000.0;
/// Digits of a number that spreadsheets keep.
pub const KEPT_DIGITS: usize = 15;
/// Numbers from here on have more than the 15 digits that spreadsheets keep.
const MIN_INEXACT: f64 = 1e15;
/// Words for "none".
const NOTHING: [&str; 11] =
    ["없음", "해당없음", "미정", "미입력", "n/a", "null", "none", "nil", "nan", "nat", "undefined"];
/// `<NA>` of a program; `NA` may be a code.
const PROGRAM_NOTHING: &str = "<na>";
/// Words of an inexact number.
pub const INEXACT: &str = "15자리가 넘는 숫자의 끝자리를 엑셀이 0으로 바꾸었을 수 있어 정확한 번호를 알 수 없어요. 받은 파일을 엑셀에서 저장하지 말고 그대로 올려 주세요";
/// Words of a number whose format the file does not have.
pub const UNFORMATTED: &str =
    "숫자의 표시 형식을 읽을 수 없어 앞의 0이 빠졌을 수 있어요. 파일을 다시 내려받아 그대로 올려 주세요";
const EXPONENT: &str = "번호가 지수(2.02E+15)로 줄어 있어 정확한 번호를 알 수 없어요. 받은 파일을 엑셀에서 저장하지 말고 그대로 올려 주세요";
/// Words of an error of the spreadsheet.
pub const ERROR_VALUE: &str = "오류 값이라 읽을 수 없어요. 엑셀에서 값을 수정해 다시 올려 주세요";
const NO_KEY: &str = "번호가 아니라 없음을 뜻하는 값이에요. 판매채널에서 파일을 다시 내려받아 주세요";
/// Maximum length of an identifier.
const MAX_ID_CHARS: usize = 64;
/// Digits from which a text such as `8800001.0` is a number that a program wrote; a shorter one may be a version.
const MIN_PROGRAM_DIGITS: usize = 6;

/// The cell's text as the person saw it, but with all digits of an integer.
pub fn text<'c>(cell: &'c Cell<'_>) -> Cow<'c, str> {
    match cell {
        Cell::Text(text) => text.as_ref().into(),
        Cell::Number(number) => number_format::general(*number).into(),
        Cell::Formatted(number, format) => format.show(*number).into(),
        Cell::DateTime(moment) if moment.time() == NaiveTime::MIN => moment.format("%Y-%m-%d").to_string().into(),
        Cell::DateTime(moment) => moment.format("%Y-%m-%d %H:%M:%S").to_string().into(),
        Cell::Bool(truth) => if *truth { "TRUE" } else { "FALSE" }.into(),
        Cell::Empty | Cell::Error(_) => "".into(),
    }
}

/// The cell's text for a report: also the word of an error.
pub fn shown(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Error(word) => one_line(word),
        cell => line(cell),
    }
}

/// The cell's text on one line; see [`one_line`].
pub fn line(cell: &Cell<'_>) -> String {
    one_line(&text(cell))
}

/// The cell's text on several lines; see [`multi_line`].
pub fn lines(cell: &Cell<'_>) -> String {
    multi_line(&text(cell))
}

/// An identifier, such as an order number, as the person saw it.
///
/// A spreadsheet rounds long numbers: what it shows with an exponent is no identifier, and neither is a number
/// with more digits than it can hold. What programs add to a number is taken off: `8800001.0`, `8,800,001`.
pub fn id(cell: &Cell<'_>) -> ParseResult<String> {
    let text = exact_text(cell)?;
    let id = one_line(&nfkc(&text)).trim_start_matches('\'').to_owned();
    if is_exponent(&id) || has_exponent(&id) {
        return Err(EXPONENT);
    }
    let id = integer_digits(&id).filter(|digits| digits.len() >= MIN_PROGRAM_DIGITS).unwrap_or(id);
    if id.chars().count() > MAX_ID_CHARS { Err("번호가 너무 길어요") } else { Ok(id) }
}

/// A part of an order number: an identifier that names something. Dashes of any kind are hyphens.
///
/// An error, a sign for "none" or nothing that can be seen would join all orders that have it.
pub fn key(cell: &Cell<'_>) -> ParseResult<String> {
    let id = id(cell)?;
    let id = integer_digits(&id).unwrap_or(id);
    if is_error_word(&id) {
        return Err(ERROR_VALUE);
    }
    if id.is_empty() || is_nothing(&Cell::Text(id.as_str().into())) {
        return Err(NO_KEY);
    }
    Ok(id.chars().map(|letter| if is_hyphen(letter) { '-' } else { letter }).collect())
}

/// An identifier that is surely exact; see [`is_inexact`].
pub fn exact_id(cell: &Cell<'_>) -> ParseResult<String> {
    if !is_inexact(cell) {
        id(cell)
    } else if cell.lacks_format() {
        Err(UNFORMATTED)
    } else {
        Err(INEXACT)
    }
}

/// Whether a number may have lost its last digit: spreadsheets keep 15 digits of a number that is typed, pasted or read
/// from a CSV, and make the others 0. Or its first ones: zeros that only its format adds, which the file does not have.
/// A text of digits is no number, unless it is written as one: `2026112700000010.0`.
pub fn is_inexact(cell: &Cell<'_>) -> bool {
    match cell {
        Cell::Formatted(_, format) if format.is_unknown() => true,
        Cell::Number(number) | Cell::Formatted(number, _) => number.abs() >= MIN_INEXACT && number % 10.0 == 0.0,
        Cell::Text(text) => integer_digits(text.trim()).is_some_and(|digits| is_rounded(&digits)),
        _ => false,
    }
}

/// Whether a number has more than the 15 digits that spreadsheets keep, and zeros for the others.
pub fn is_rounded(digits: &str) -> bool {
    let lost = digits.as_bytes().get(KEPT_DIGITS..).unwrap_or_default();
    !lost.is_empty() && lost.iter().all(|byte| *byte == b'0') && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The parts of an order number that are numbers of more than 15 digits, with their positions:
/// `7123-20261127012345600-30001` has one.
pub fn long_parts(key: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_long = |part: &str| part.len() > KEPT_DIGITS && part.bytes().all(|byte| byte.is_ascii_digit());
    key.split('-').enumerate().filter(move |(_, part)| is_long(part))
}

/// What a spreadsheet surely keeps of an order number: up to the 15th digit of the first part that it may have rounded. None
/// if there is no such part.
pub fn kept_prefix(key: &str) -> Option<&str> {
    let mut end = 0;
    for part in key.split('-') {
        if is_rounded(part) {
            return key.get(..end + KEPT_DIGITS);
        }
        end += part.len() + 1;
    }
    None
}

/// The text of a cell in which every digit counts. A number is shown as its format says (`010-1234-5678`),
/// unless the format hides or adds digits; then it is written without format.
fn exact_text<'c>(cell: &'c Cell<'_>) -> ParseResult<Cow<'c, str>> {
    let (number, format) = match cell {
        Cell::Number(number) => (*number, None),
        Cell::Formatted(_, format) if format.is_date() => {
            return Err("번호가 날짜로 바뀌어 있어요. 열을 텍스트로 바꿔 주세요");
        }
        Cell::Formatted(number, format) => (*number, Some(format)),
        Cell::DateTime(_) => return Err("번호가 날짜로 바뀌어 있어요. 열을 텍스트로 바꿔 주세요"),
        cell => return Ok(text(cell)),
    };
    if number.fract() != 0.0 || !(0.0..MAX_EXACT_INTEGER).contains(&number) {
        return Err("숫자가 너무 크거나 정수가 아니라 정확한 번호를 알 수 없어요. 열을 텍스트로 바꿔 주세요");
    }
    let plain = format!("{number:.0}");
    let shown = format.map(|format| format.show(number)).unwrap_or_default();
    let digits: String = shown.chars().filter(char::is_ascii_digit).collect();
    let is_same = digits.trim_start_matches('0') == plain.trim_start_matches('0');
    let is_plain =
        shown.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '_' | ' ' | '(' | ')' | '/'));
    Ok(if is_same && is_plain && !shown.contains("E+") { shown } else { plain }.into())
}

/// Whether a text is a number that a spreadsheet or a program has shortened: `3.00002E+13`, `.02611E+15`, `3,00002E+13`,
/// `6.1E8`. `1E5` may be a code.
fn is_exponent(text: &str) -> bool {
    let Some((mantissa, power)) = text.split_once(['E', 'e']) else { return false };
    let has_point = mantissa.contains(['.', ',']);
    let is_number = mantissa.bytes().any(|byte| byte.is_ascii_digit())
        && mantissa.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b','));
    let is_power = |power: &str| (1..=3).contains(&power.len()) && power.bytes().all(|byte| byte.is_ascii_digit());
    is_number
        && match power.strip_prefix(['+', '-']) {
            Some(power) => is_power(power) && (has_point || power.len() >= 2),
            None => has_point && is_power(power),
        }
}

/// Whether a text has a shortened number within: what a formula or a program makes of one, `N-2.02611E+15`,
/// `2.02611E+15_03`, `N7E+11`; without a sign only with three decimals or more: `N-2.02611E15`.
fn has_exponent(text: &str) -> bool {
    let is_digit = |letter: char| letter.is_ascii_digit();
    text.match_indices(['E', 'e']).any(|(at, _)| {
        let (mantissa, power) = (&text[..at], &text[at + 1..]);
        let before_decimals = mantissa.trim_end_matches(is_digit);
        let decimals = mantissa.len() - before_decimals.len();
        let point = before_decimals.strip_suffix(['.', ',']);
        let is_scientific = decimals >= 3 && point.is_some_and(|whole| whole.ends_with(is_digit));
        let (power, is_mantissa) =
            power.strip_prefix('+').map_or((power, is_scientific), |power| (power, decimals > 0));
        is_mantissa && power.chars().take_while(char::is_ascii_digit).count() >= 2
    })
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
    match cell {
        Cell::Formatted(_, format) if format.is_date() => Err("수량이 날짜로 바뀌어 있어요"),
        Cell::Number(number) | Cell::Formatted(number, _) => quantity_from_number(*number),
        cell => parse_quantity(&text(cell)),
    }
}

/// Money in whole won; an empty cell is 0.
pub fn money(cell: &Cell<'_>) -> ParseResult<i64> {
    match cell {
        Cell::Formatted(_, format) if format.is_date() => Err("금액이 날짜로 바뀌어 있어요"),
        Cell::Number(number) | Cell::Formatted(number, _) => money_from_number(*number),
        cell => parse_money(&text(cell)),
    }
}

/// A date and time in Korean local time; a date without time is its midnight.
///
/// Accepts date cells, serial dates and text.
pub fn moment(cell: &Cell<'_>, date1904: bool) -> ParseResult<NaiveDateTime> {
    const WRONG: &str = "날짜를 읽을 수 없어요";
    let moment = match cell {
        Cell::DateTime(moment) => Some(*moment),
        Cell::Formatted(number, format) if format.is_date() => {
            format.moment(*number).filter(|_| format.has_day() || *number >= SERIAL_DATES.start)
        }
        Cell::Number(number) | Cell::Formatted(number, _) => {
            from_serial(*number, date1904).or_else(|| parse_date_time(&number_format::general(*number)))
        }
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

/// A day without a year (`12월 1일`, `12월 1일 화요일`): the first one from `since` on. None for other cells, and for a day
/// that is so far off that its year is in doubt.
pub fn day_from(cell: &Cell<'_>, since: NaiveDate) -> Option<NaiveDate> {
    const MAX_DAYS: i64 = 180;
    let Cell::Text(text) = cell else { return None };
    let text = fold_word(text);
    let (month, rest) = text.split_once('월')?;
    let (day, weekday) = rest.split_once('일')?;
    let weekday = weekday.trim_matches(['(', ')', ',', '.']);
    let weekday = weekday.strip_suffix("요일").unwrap_or(weekday);
    if !matches!(weekday, "" | "월" | "화" | "수" | "목" | "금" | "토" | "일") {
        return None;
    }
    let (month, day) = (month.parse().ok()?, day.parse().ok()?);
    let this_year = chrono::Datelike::year(&since);
    let days = [this_year, this_year + 1].into_iter().filter_map(|year| NaiveDate::from_ymd_opt(year, month, day));
    days.filter(|date| (0..=MAX_DAYS).contains(&(*date - since).num_days())).min()
}

/// Parses `2024-03-15 10:00:05`, `2024.3.5`, `2024/03/15 10:00`, `20240315100005`,
/// `2025.7.18  12:42:43 PM`, `2024년 3월 15일 금요일 오후 3시 5분`, ISO 8601.
fn parse_date_time(text: &str) -> Option<NaiveDateTime> {
    if (8..=14).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return parse_digits(text);
    }
    let mut half = None;
    let mut numbers: Vec<&str> = Vec::new();
    let lower = text.to_ascii_lowercase();
    let (body, utc) = match lower.strip_suffix('z') {
        Some(body) => (body.to_owned(), true),
        None => {
            (["+09:00", "+0900"].iter().find_map(|zone| lower.strip_suffix(zone)).unwrap_or(&lower).to_owned(), false)
        }
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
                // The first and last letter of 월요일 and 일요일 separate, and the last one of the others.
                "" | "t" | "화" | "수" | "목" | "금" | "토" | "요" | "화요" | "수요" | "목요" | "금요" | "토요" =>
                    {}
                "am" | "오전" => half = Some(0),
                "pm" | "오후" => half = Some(12),
                _ => return None,
            }
        }
        rest = rest.get(end..)?;
    }
    let moment = from_parts(&numbers, half, body.contains('시'))?;
    if utc { moment.checked_add_signed(chrono::Duration::hours(9)) } else { Some(moment) }
}

fn from_parts(numbers: &[&str], half: Option<u32>, has_hour_word: bool) -> Option<NaiveDateTime> {
    let (&[year, month, day], time) = numbers.split_first_chunk::<3>()?;
    if year.len() != 4 || month.len() > 2 || day.len() > 2 || time.len() > 4 {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)?;
    let part = |index: usize| time.get(index).map_or(Some(0), |number| number.parse::<u32>().ok());
    let (mut hour, minute, second) = (part(0)?, part(1)?, part(2)?);
    if time.len() == 1 && half.is_none() && !has_hour_word {
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

/// The telephone numbers of a cell; see [`parse_phone_cell`].
pub fn phones(cell: &Cell<'_>) -> ParseResult<PhoneNumbers> {
    let text = exact_text(cell)?;
    if is_exponent(text.trim()) { Err(EXPONENT) } else { parse_phone_cell(&text) }
}

/// Whether a cell says that there is no value: hyphens, zeros in any format, a word, or an error as text.
pub fn is_nothing(cell: &Cell<'_>) -> bool {
    let word = match cell {
        Cell::Text(text) => fold_word(text),
        Cell::Number(number) | Cell::Formatted(number, _) => return *number == 0.0,
        _ => return false,
    };
    let bare = word.trim_matches(['(', ')', '[', ']', '<', '>', '\'']);
    bare.chars().all(|letter| matches!(letter, '-' | '0' | '.' | '/' | ':'))
        || NOTHING.contains(&bare)
        || word == PROGRAM_NOTHING
        || is_error_word(&word)
}

/// A postal code of five digits; empty for an empty cell.
pub fn zip_code(cell: &Cell<'_>) -> ParseResult<String> {
    parse_zip_code(&exact_text(cell)?)
}

/// A courier's tracking number: 8 to 16 digits without hyphens, or an EMS number (`EB123456789KR`).
pub fn tracking_number(cell: &Cell<'_>) -> ParseResult<String> {
    const WRONG: &str = "송장번호 형식이 맞지 않아요";
    let id = exact_id(cell)?;
    let number: String = id.chars().filter(|letter| !letter.is_whitespace() && !is_hyphen(*letter)).collect();
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

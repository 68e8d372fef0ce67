//! Dates and times in number formats.

use std::fmt::Write;

use chrono::{Datelike, NaiveDateTime, Timelike};

use super::{Section, Token};
use crate::sheets::cell::Cell;

/// A part of a date. The number is how often its letter is repeated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum DatePart {
    Year(usize),
    Month(usize),
    Day(usize),
    /// `aaa`, `aaaa`: 월, 월요일
    KoreanWeekday(usize),
    Hour(usize),
    Minute(usize),
    Second(usize),
    /// digits after the point of a second
    Fraction(usize),
    /// `[h]`, `[m]`, `[s]`: seconds of the unit
    Elapsed(u32, usize),
    AmPm,
    /// `A/P`
    AmPmLetter,
    KoreanAmPm,
}

impl DatePart {
    pub(super) const fn is_calendar(self) -> bool {
        matches!(self, Self::Year(_) | Self::Month(_) | Self::Day(_) | Self::KoreanWeekday(_))
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const KOREAN_WEEKDAYS: [&str; 7] = ["월", "화", "수", "목", "금", "토", "일"];

/// A serial date as the section shows it; none outside the calendar.
pub(super) fn show(section: &Section, value: f64) -> Option<String> {
    let fraction_digits = section
        .tokens
        .iter()
        .find_map(|token| if let Token::Date(DatePart::Fraction(digits)) = token { Some(*digits) } else { None });
    let moment = match fraction_digits {
        Some(_) => Cell::date_of_serial(value.floor(), false)?
            .checked_add_signed(chrono::Duration::nanoseconds(nanoseconds(value - value.floor())))?,
        None => Cell::date_of_serial(value, false)?,
    };
    let is_half_day = section
        .tokens
        .iter()
        .any(|token| matches!(token, Token::Date(DatePart::AmPm | DatePart::AmPmLetter | DatePart::KoreanAmPm)));
    let mut shown = String::new();
    for token in &section.tokens {
        match token {
            Token::Literal(text) => shown.push_str(text),
            Token::Date(part) => push(*part, (&moment, value), (is_half_day, section.is_korean), &mut shown),
            Token::Point => shown.push('.'),
            Token::Comma => shown.push(','),
            Token::Bar => shown.push('/'),
            Token::Digit(digit) => shown.push(*digit),
            Token::Percent => shown.push('%'),
            Token::Text | Token::General | Token::Exponent(_) => {}
        }
    }
    Some(shown)
}

#[expect(clippy::cast_possible_truncation, reason = "less than a day")]
fn nanoseconds(days: f64) -> i64 {
    // A double keeps a tenth of a millisecond of a date of today.
    (days * 864_000_000.0).round() as i64 * 100_000
}

fn push(
    part: DatePart,
    (moment, value): (&NaiveDateTime, f64),
    (is_half_day, is_korean): (bool, bool),
    shown: &mut String,
) {
    let weekday = moment.weekday().num_days_from_monday() as usize;
    let hour = if is_half_day { moment.hour12().1 } else { moment.hour() };
    let mut number = |number: u32, width: usize| {
        let _ = write!(shown, "{number:0width$}", width = width.min(2));
    };
    match part {
        DatePart::Year(1 | 2) => number(moment.year().unsigned_abs() % 100, 2),
        DatePart::Month(width @ (1 | 2)) => number(moment.month(), width),
        DatePart::Day(width @ (1 | 2)) => number(moment.day(), width),
        DatePart::Hour(width) => number(hour, width),
        DatePart::Minute(width) => number(moment.minute(), width),
        DatePart::Second(width) => number(moment.second(), width),
        DatePart::Year(_) => {
            let _ = write!(shown, "{:04}", moment.year());
        }
        // The months of Korean Excel: 3, 3월.
        DatePart::Month(width) if is_korean => {
            let _ = write!(shown, "{}{}", moment.month(), if width == 4 { "월" } else { "" });
        }
        DatePart::Month(width) => {
            let name = MONTHS[moment.month0() as usize];
            shown.push_str(match width {
                3 => &name[..3],
                5 => &name[..1],
                _ => name,
            });
        }
        DatePart::Day(width) if is_korean => push_korean_weekday(weekday, width, shown),
        DatePart::Day(width) => shown.push_str(if width == 3 { &WEEKDAYS[weekday][..3] } else { WEEKDAYS[weekday] }),
        DatePart::KoreanWeekday(width) => push_korean_weekday(weekday, width, shown),
        DatePart::Fraction(digits) => {
            let all = format!("{:09}", moment.nanosecond());
            shown.push_str(all.get(..digits.min(9)).unwrap_or_default());
        }
        DatePart::Elapsed(unit, width) => {
            let seconds = (value * 86_400.0).round();
            let _ = write!(shown, "{:0width$.0}", (seconds / f64::from(unit)).floor());
        }
        DatePart::AmPm if is_korean => shown.push_str(if moment.hour() < 12 { "오전" } else { "오후" }),
        DatePart::AmPm => shown.push_str(if moment.hour() < 12 { "AM" } else { "PM" }),
        DatePart::AmPmLetter => shown.push(if moment.hour() < 12 { 'A' } else { 'P' }),
        DatePart::KoreanAmPm => shown.push_str(if moment.hour() < 12 { "오전" } else { "오후" }),
    }
}

fn push_korean_weekday(weekday: usize, width: usize, shown: &mut String) {
    shown.push_str(KOREAN_WEEKDAYS[weekday]);
    if width > 3 {
        shown.push_str("요일");
    }
}

//! Moments, dates and clocks.
//!
//! A moment is UTC milliseconds. Everything displayed, entered or read from a file is Korean time (UTC+9,
//! no daylight saving time since 1988). A date is a [`NaiveDate`], stored as `YYYY-MM-DD`.

pub mod holidays;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveDateTime, NaiveTime};
use serde::{Deserialize, Serialize};

/// Offset of Korean time from UTC.
const KST_OFFSET_MS: i64 = 9 * 60 * 60 * 1000;

/// A point in time: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Moment(pub i64);

impl Moment {
    /// Converts from Korean time.
    pub fn from_kst(wall: NaiveDateTime) -> Self {
        Self(wall.and_utc().timestamp_millis() - KST_OFFSET_MS)
    }

    /// Start of a Korean day.
    pub fn start_of(date: NaiveDate) -> Self {
        Self::from_kst(date.and_time(NaiveTime::MIN))
    }

    /// Converts to Korean time; 1970 when the moment is out of range.
    pub fn kst(self) -> NaiveDateTime {
        DateTime::from_timestamp_millis(self.0.saturating_add(KST_OFFSET_MS)).unwrap_or_default().naive_utc()
    }

    /// The Korean date of this moment.
    pub fn date(self) -> NaiveDate {
        self.kst().date()
    }

    /// This moment plus `milliseconds`.
    pub fn plus_ms(self, milliseconds: i64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }

    /// Korean time with milliseconds: `2024-03-15 10:00:00.000`, as [`parse_moment`] reads it.
    pub fn precise(self) -> String {
        self.kst().format("%Y-%m-%d %H:%M:%S%.3f").to_string()
    }

    /// ISO 8601 with the Korean offset, for JSON: `2024-03-15T10:00:00+09:00`.
    pub fn iso(self) -> String {
        format!("{}+09:00", self.kst().format("%Y-%m-%dT%H:%M:%S"))
    }
}

/// `2024-03-15 10:00`, Korean time.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kst().format("%Y-%m-%d %H:%M"))
    }
}

/// Formats a date for display: `2026-11-22 (일)`.
pub fn date_with_weekday(date: NaiveDate) -> String {
    const WEEKDAYS: [&str; 7] = ["월", "화", "수", "목", "금", "토", "일"];
    let weekday = WEEKDAYS[date.weekday().num_days_from_monday() as usize];
    format!("{} ({weekday})", date.format("%Y-%m-%d"))
}

/// Formats minutes for display: `40분`, `2시간`, `7시간 41분`.
pub fn duration_label(minutes: i64) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes}분"),
        (hours, 0) => format!("{hours}시간"),
        (hours, minutes) => format!("{hours}시간 {minutes}분"),
    }
}

/// Parses `YYYY-MM-DD`, the format of date inputs and of the database. Years of more than four digits are
/// rejected: they are typing errors, and their texts would not sort.
pub fn parse_date(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").ok().filter(|date| (0..=9999).contains(&date.year()))
}

/// Parses Korean time as entered by people: `2024-03-15 10:00`, with optional seconds and fraction, and `T`
/// or a space before the time. Without seconds the result is the end of the minute.
pub fn parse_moment(text: &str) -> Option<Moment> {
    let text = text.trim().replacen('T', " ", 1);
    let with_seconds = NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.f").ok();
    let minute = || NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M").ok();
    with_seconds.map(Moment::from_kst).or_else(|| minute().map(|wall| Moment::from_kst(wall).plus_ms(59_999)))
}

/// Half-open range of moments of the Korean days `from..=to`.
pub fn day_range(from: Option<NaiveDate>, to: Option<NaiveDate>) -> (Option<Moment>, Option<Moment>) {
    (
        from.map(Moment::start_of),
        to.map(|day| Moment::start_of(day.checked_add_signed(Duration::days(1)).unwrap_or(day))),
    )
}

/// Source of the present moment; tests pass their own.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Moment;
}

/// The system clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the only access to the system time")]
    fn now(&self) -> Moment {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Moment(since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX)))
    }
}

/// A clock that changes only when it is set, for tests and generated data.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock set to `moment`.
    pub fn at(moment: Moment) -> Self {
        Self(Arc::new(AtomicI64::new(moment.0)))
    }

    /// Advances the clock.
    pub fn advance_ms(&self, milliseconds: i64) {
        self.0.fetch_add(milliseconds, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Moment {
        Moment(self.0.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        parse_date(text).expect("a date")
    }

    #[test]
    fn minutes_are_shown_as_hours() {
        assert_eq!(duration_label(40), "40분");
        assert_eq!([120, 125, 461].map(duration_label), ["2시간", "2시간 5분", "7시간 41분"]);
    }

    #[test]
    fn late_evening_belongs_to_its_korean_day() {
        let wall = day("2024-03-15").and_hms_opt(23, 59, 59).expect("a time");
        let moment = Moment::from_kst(wall);
        assert_eq!(moment.date(), day("2024-03-15"));
        assert_eq!(moment.kst(), wall);
        assert_eq!(moment.iso(), "2024-03-15T23:59:59+09:00");
    }

    #[test]
    fn range_includes_both_days() {
        let (from, to) = day_range(Some(day("2024-03-15")), Some(day("2024-03-15")));
        let noon = Moment::from_kst(day("2024-03-15").and_hms_opt(12, 0, 0).expect("a time"));
        assert!(from.expect("from") <= noon && noon < to.expect("to"));
        assert_eq!(to.expect("to"), Moment::start_of(day("2024-03-16")));
    }

    #[test]
    fn year_has_at_most_four_digits() {
        assert!(parse_date("9999-12-31").is_some());
        assert_eq!([parse_date("20240-03-15"), parse_date("+12024-03-15"), parse_date("2024-02-30")], [None; 3]);
    }

    #[test]
    fn moment_round_trips_and_a_minute_means_its_end() {
        let moment = Moment(1_710_464_400_123);
        assert_eq!(moment.precise(), "2024-03-15 10:00:00.123");
        assert_eq!(parse_moment(&moment.precise()), Some(moment));
        assert_eq!(parse_moment("2024-03-15T10:00:00"), Some(Moment(1_710_464_400_000)));
        assert_eq!(parse_moment("2024-03-15 10:00"), Some(Moment(1_710_464_459_999)));
        assert_eq!(parse_moment("어제"), None);
    }

    #[test]
    fn weekdays_are_korean() {
        assert_eq!(date_with_weekday(day("2026-11-22")), "2026-11-22 (일)");
    }
}

//! How old the newest claims of each channel are.
//!
//! A channel tells of cancellations in its order file or in its list of claims; between two such files the shop does not
//! know them. Every file that has goods bought or sent says until when they are known, and warns when that is longer ago
//! than the shop allows. A file tells of claims until the channel made it, not until it was uploaded: an older file, or the
//! same one again, is no news. Saturdays, Sundays and public holidays do not count: nobody uploads then, and Monday morning
//! warns by the hours of Friday and Monday.

use chrono::{Datelike, Days, NaiveDate, Weekday};

use super::model::Report;
use super::parse::{ParsedFile, ParsedRows};
use super::plan;
use crate::time::Moment;
use crate::time::holidays::public_holiday;

const MINUTE_MS: i64 = 60 * 1000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// Until when a file with claims tells of them: the time in its name, or else its newest order, after which the channel made
/// it. None if neither is there, as in a list of claims without a time in its name.
pub fn known_until(file: &ParsedFile, report: &Report, now: Moment) -> Option<Moment> {
    let made_at = report.made_at.or(file.made_at.filter(|_| !matches!(file.rows, ParsedRows::Orders(_))));
    let placed = match &file.rows {
        ParsedRows::Orders(rows) => plan::contents(rows).map(|new| new.placed_at).filter(|at| *at <= now).max(),
        ParsedRows::Tracking(_) | ParsedRows::States(_) => None,
    };
    made_at.filter(|at| *at <= now).or(placed)
}

/// The newest claims of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimData {
    /// code of the channel
    pub channel_code: String,
    /// name of the channel
    pub channel_name: String,
    /// until when the applied files tell of cancellations; none: there is no such file
    pub newest_at: Option<Moment>,
}

impl ClaimData {
    /// Whether the claims are older than `max_hours` of working days, or not known at all.
    pub fn is_stale(&self, now: Moment, max_hours: u32) -> bool {
        self.newest_at.is_none_or(|at| working_day_ms(at, now) > i64::from(max_hours) * HOUR_MS)
    }

    /// `스마트스토어 2026-11-29 09:12 (32분 전)`.
    pub fn describe(&self, now: Moment) -> String {
        match self.newest_at {
            Some(at) => format!("{} {at} ({})", self.channel_name, age(now.0.saturating_sub(at.0))),
            None => format!("{} 없음", self.channel_name),
        }
    }
}

/// What a file or slip says about the claims of its channels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimDataSummary {
    /// the channels with their newest claims
    pub channels: Vec<ClaimData>,
    /// the description of each channel
    pub descriptions: Vec<String>,
    /// how old the claims are, for each channel whose claims are too old
    pub gaps: Vec<String>,
    /// why the file should wait and what the office does, for each of these channels
    pub warnings: Vec<String>,
    /// codes of these channels, for a form that confirms the warnings; empty without any
    pub stale: String,
}

impl ClaimDataSummary {
    /// Judges the claims by the hours that the shop allows.
    pub fn new(channels: Vec<ClaimData>, now: Moment, max_hours: u32) -> Self {
        let gap = |data: &ClaimData| match data.newest_at {
            Some(at) => {
                let age = age(now.0.saturating_sub(at.0));
                format!("{}: {at} ({age})까지의 취소 요청만 알아요.", data.channel_name)
            }
            None => format!("{}: 클레임이 든 파일을 올린 적이 없어요.", data.channel_name),
        };
        let warning = |data: &ClaimData| {
            let advice = match data.newest_at {
                Some(_) => "새 주문 파일이나 취소관리 목록을 먼저 올려 주세요.",
                None => "판매채널에서 취소 요청을 확인해 주세요.",
            };
            format!("{} {advice}", gap(data))
        };
        let stale: Vec<&ClaimData> = channels.iter().filter(|data| data.is_stale(now, max_hours)).collect();
        Self {
            descriptions: channels.iter().map(|data| data.describe(now)).collect(),
            gaps: stale.iter().copied().map(gap).collect(),
            warnings: stale.iter().copied().map(warning).collect(),
            stale: stale.iter().map(|data| &*data.channel_code).collect::<Vec<_>>().join(","),
            channels,
        }
    }

    /// The descriptions on one line, for the properties of a workbook; empty without channels.
    pub fn note(&self) -> String {
        if self.descriptions.is_empty() {
            String::new()
        } else {
            format!("클레임 정보: {}", self.descriptions.join(", "))
        }
    }
}

/// `32분 전`, `5시간 전`, `3일 전`.
fn age(elapsed_ms: i64) -> String {
    match elapsed_ms.max(0) {
        ms if ms < HOUR_MS => format!("{}분 전", ms / MINUTE_MS),
        ms if ms < 48 * HOUR_MS => format!("{}시간 전", ms / HOUR_MS),
        ms => format!("{}일 전", ms / (24 * HOUR_MS)),
    }
}

/// Time between two moments, without Saturdays, Sundays and public holidays in Korea. After a year only the calendar counts.
fn working_day_ms(from: Moment, to: Moment) -> i64 {
    const MAX_DAYS: u64 = 366;
    let elapsed = to.0.saturating_sub(from.0).max(0);
    if elapsed > 24 * HOUR_MS * i64::try_from(MAX_DAYS).unwrap_or(i64::MAX) {
        return elapsed;
    }
    let day_ms = |day: NaiveDate| {
        let (start, end) = (Moment::start_of(day).0, Moment::start_of(day + Days::new(1)).0);
        let is_weekend = matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
        let is_working_day = !is_weekend && public_holiday(day).is_none();
        if is_working_day { (end.min(to.0) - start.max(from.0)).max(0) } else { 0 }
    };
    (0..=MAX_DAYS + 1).map(|days| from.date() + Days::new(days)).take_while(|day| *day <= to.date()).map(day_ms).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::parse_moment;

    fn at(text: &str) -> Moment {
        parse_moment(&format!("{text}:00")).expect("a moment")
    }

    fn is_stale(newest: &str, now: &str) -> bool {
        let data = ClaimData {
            channel_code: "SMART_STORE".to_owned(),
            channel_name: "스마트스토어".to_owned(),
            newest_at: Some(at(newest)),
        };
        data.is_stale(at(now), 4)
    }

    #[test]
    fn claims_of_the_same_working_day_are_fresh_for_the_hours_allowed() {
        assert!(!is_stale("2026-11-25 09:00", "2026-11-25 13:00"));
        assert!(is_stale("2026-11-25 09:00", "2026-11-25 13:01"));
        assert!(is_stale("2026-11-25 17:00", "2026-11-26 09:00"), "customers cancel in the evening too");
    }

    #[test]
    fn weekends_do_not_count() {
        assert!(!is_stale("2026-11-27 23:00", "2026-11-29 20:00"), "one hour of Friday");
        assert!(is_stale("2026-11-27 17:00", "2026-11-30 09:00"), "seven hours of Friday, nine of Monday");
        assert!(!is_stale("2026-11-28 10:00", "2026-11-30 04:00"));
    }

    #[test]
    fn public_holidays_do_not_count() {
        assert!(!is_stale("2026-12-24 23:00", "2026-12-27 20:00"), "one hour before Christmas and its weekend");
        assert!(is_stale("2026-12-24 21:00", "2026-12-28 01:01"));
        assert!(!is_stale("2027-02-05 22:00", "2027-02-10 01:00"), "over 설날 and its substitute holiday");
    }

    #[test]
    fn unknown_claims_are_stale_and_a_clock_set_back_is_not() {
        let none = ClaimData { channel_code: "COUPANG".into(), channel_name: "쿠팡".into(), newest_at: None };
        assert!(none.is_stale(at("2026-11-25 09:00"), 72));
        assert_eq!(none.describe(at("2026-11-25 09:00")), "쿠팡 없음");
        assert!(!is_stale("2026-11-25 09:00", "2026-11-25 08:00"));
        assert!(is_stale("2020-01-01 09:00", "2026-11-25 08:00"));
    }

    #[test]
    fn age_is_told_in_one_unit() {
        assert_eq!([5, 61, 49 * 60].map(|minutes| age(minutes * MINUTE_MS)), ["5분 전", "1시간 전", "2일 전"]);
    }
}

//! Reset schedule of the demo shop, parsed from `30m`, `24h`, `7d` or `never`.

use std::str::FromStr;

use crate::time::Moment;

const MINUTE_MS: i64 = 60 * 1000;

/// Longest interval between two resets: 366 days.
const MAX_INTERVAL_MS: i64 = 366 * 24 * 60 * MINUTE_MS;

/// Interval after which the demo shop is reset; `None` means never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResetSchedule(Option<i64>);

/// The text is not a reset schedule.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("30m(분), 24h(시간), 7d(일)처럼 1분에서 366일 사이로 입력하거나, 그대로 두려면 never라고 입력해 주세요.")]
pub struct ParseScheduleError;

impl ResetSchedule {
    /// Once a day.
    pub const DAILY: Self = Self(Some(24 * 60 * MINUTE_MS));
    /// Never.
    pub const NEVER: Self = Self(None);

    /// Time of the next reset of a shop created at `created_at`.
    pub fn next_after(self, created_at: Moment) -> Option<Moment> {
        self.0.map(|ms| created_at.plus_ms(ms))
    }
}

impl FromStr for ResetSchedule {
    type Err = ParseScheduleError;

    fn from_str(text: &str) -> Result<Self, ParseScheduleError> {
        if text == "never" {
            return Ok(Self::NEVER);
        }
        let digits = text.trim_end_matches(['m', 'h', 'd']);
        let unit_minutes = match &text[digits.len()..] {
            "m" => 1,
            "h" => 60,
            "d" => 24 * 60,
            _ => return Err(ParseScheduleError),
        };
        let count = u32::from_str(digits).map_err(|_| ParseScheduleError)?;
        let ms = i64::from(count) * unit_minutes * MINUTE_MS;
        if (MINUTE_MS..=MAX_INTERVAL_MS).contains(&ms) { Ok(Self(Some(ms))) } else { Err(ParseScheduleError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_hours_and_days_are_parsed() {
        let next = |text: &str| text.parse::<ResetSchedule>().map(|schedule| schedule.next_after(Moment(0)));
        assert_eq!(next("30m"), Ok(Some(Moment(30 * MINUTE_MS))));
        assert_eq!(next("24h"), Ok(Some(Moment(24 * 60 * MINUTE_MS))));
        assert_eq!(next("7d"), Ok(Some(Moment(7 * 24 * 60 * MINUTE_MS))));
        assert_eq!(next("366d"), Ok(Some(Moment(MAX_INTERVAL_MS))));
        assert_eq!(next("never"), Ok(None));
        assert_eq!("24h".parse(), Ok(ResetSchedule::DAILY));
    }

    #[test]
    fn invalid_schedules_are_rejected() {
        for text in
            ["", "24", "h", "0h", "-1h", "1.5h", "24 h", "1hm", "1h30m", "7일", "1w", "367d", "9999999999d", "Never"]
        {
            assert_eq!(text.parse::<ResetSchedule>(), Err(ParseScheduleError), "{text}");
        }
    }
}

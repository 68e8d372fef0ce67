//! How often the training shop is made anew, as it is typed: `30m`, `24h`, `7d`, `never`.

use std::str::FromStr;

use crate::time::Moment;

const MINUTE_MS: i64 = 60 * 1000;

/// The longest time between two beginnings; who wants more says `never`.
const LONGEST_MS: i64 = 366 * 24 * 60 * MINUTE_MS;

/// How often the training shop is made anew, if ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResetEvery(Option<i64>);

/// What is not a time between two beginnings.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("30m(분), 24h(시간), 7d(일)처럼 1분에서 366일 사이로 적거나, 그대로 두려면 never라고 적어 주세요.")]
pub struct NotATime;

impl ResetEvery {
    /// Once a day.
    pub const DAILY: Self = Self(Some(24 * 60 * MINUTE_MS));
    /// What was made stays.
    pub const NEVER: Self = Self(None);

    /// When the time of a shop that was made at `made_at` has come.
    pub fn after(self, made_at: Moment) -> Option<Moment> {
        self.0.map(|ms| made_at.plus_ms(ms))
    }
}

impl FromStr for ResetEvery {
    type Err = NotATime;

    fn from_str(typed: &str) -> Result<Self, NotATime> {
        if typed == "never" {
            return Ok(Self::NEVER);
        }
        let digits = typed.trim_end_matches(['m', 'h', 'd']);
        let minutes = match &typed[digits.len()..] {
            "m" => 1,
            "h" => 60,
            "d" => 24 * 60,
            _ => return Err(NotATime),
        };
        let count = u32::from_str(digits).map_err(|_| NotATime)?;
        let ms = i64::from(count) * minutes * MINUTE_MS;
        if (MINUTE_MS..=LONGEST_MS).contains(&ms) { Ok(Self(Some(ms))) } else { Err(NotATime) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_hours_and_days_are_understood() {
        let after = |typed: &str| typed.parse::<ResetEvery>().map(|every| every.after(Moment(0)));
        assert_eq!(after("30m"), Ok(Some(Moment(30 * MINUTE_MS))));
        assert_eq!(after("24h"), Ok(Some(Moment(24 * 60 * MINUTE_MS))));
        assert_eq!(after("7d"), Ok(Some(Moment(7 * 24 * 60 * MINUTE_MS))));
        assert_eq!(after("366d"), Ok(Some(Moment(LONGEST_MS))));
        assert_eq!(after("never"), Ok(None));
        assert_eq!("24h".parse(), Ok(ResetEvery::DAILY));
    }

    #[test]
    fn anything_else_is_refused() {
        for typed in
            ["", "24", "h", "0h", "-1h", "1.5h", "24 h", "1hm", "1h30m", "7일", "1w", "367d", "9999999999d", "Never"]
        {
            assert_eq!(typed.parse::<ResetEvery>(), Err(NotATime), "{typed}");
        }
    }
}

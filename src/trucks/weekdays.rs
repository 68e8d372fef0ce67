//! Sets of weekdays.

use chrono::{Datelike, NaiveDate};

/// Names, from Monday.
pub const WEEKDAY_NAMES: [&str; 7] = ["월", "화", "수", "목", "금", "토", "일"];

/// Set of weekdays, stored as bits: 1 is Monday, 64 is Sunday.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weekdays(u8);

impl Weekdays {
    /// No day.
    pub const NONE: Self = Self(0);

    /// Monday to Saturday.
    pub const MONDAY_TO_SATURDAY: Self = Self(0b011_1111);

    /// Decodes the stored bits.
    pub fn from_stored(bits: i64) -> Option<Self> {
        u8::try_from(bits).ok().filter(|bits| *bits < 128).map(Self)
    }

    /// The stored bits.
    pub fn stored(self) -> i64 {
        i64::from(self.0)
    }

    /// The set of these numbers, 0 being Monday. Other numbers are ignored.
    pub fn from_numbers(numbers: impl IntoIterator<Item = usize>) -> Self {
        let valid = numbers.into_iter().filter(|number| *number < WEEKDAY_NAMES.len());
        Self(valid.fold(0, |bits, number| bits | 1 << number))
    }

    /// Whether the day with this number, 0 being Monday, is in the set.
    pub fn has(self, number: usize) -> bool {
        number < WEEKDAY_NAMES.len() && self.0 & (1 << number) != 0
    }

    /// Whether the weekday of a date is in the set.
    pub fn contains(self, date: NaiveDate) -> bool {
        self.has(date.weekday().num_days_from_monday() as usize)
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The days in words: `화·금`, `매일`; empty for no day.
    pub fn label(self) -> String {
        if self.0 == 127 {
            return "매일".to_owned();
        }
        let days = WEEKDAY_NAMES.iter().enumerate().filter(|(number, _)| self.has(*number));
        days.map(|(_, name)| *name).collect::<Vec<_>>().join("·")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::parse_date;

    #[test]
    fn set_contains_the_weekdays_it_names() {
        let days = Weekdays::from_numbers([1, 4, 9]);
        assert_eq!(days.label(), "화·금");
        let contains = |date: &str| days.contains(parse_date(date).expect("a date"));
        assert!(contains("2026-12-01") && contains("2026-12-04") && !contains("2026-12-02"));
        assert_eq!(Weekdays::from_stored(days.stored()), Some(days));
        assert_eq!([Weekdays::from_stored(128), Weekdays::from_stored(-1)], [None; 2]);
        assert_eq!(Weekdays::from_numbers(0..7).label(), "매일");
    }
}

//! Public holidays of Korea until 2035, embedded.

use std::sync::LazyLock;

use chrono::NaiveDate;

use super::parse_date;

/// `day,name` of each public holiday, computed from the rules of 관공서의 공휴일에 관한 규정, with substitute holidays and
/// the elections that the law sets.
const HOLIDAYS: &str = include_str!("../../assets/time/holidays.csv");

/// The embedded holidays, sorted.
static EMBEDDED: LazyLock<Vec<(NaiveDate, &'static str)>> = LazyLock::new(|| {
    let rows = HOLIDAYS.lines().filter_map(|line| line.split_once(','));
    rows.filter_map(|(day, name)| Some((parse_date(day)?, name))).collect()
});

/// The public holidays, by day.
pub fn public_holidays() -> &'static [(NaiveDate, &'static str)] {
    &EMBEDDED
}

/// The name of a public holiday; none for another day.
pub fn public_holiday(day: NaiveDate) -> Option<&'static str> {
    let found = EMBEDDED.binary_search_by_key(&day, |(holiday, _)| *holiday).ok()?;
    Some(EMBEDDED[found].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holidays_reach_to_2035_and_are_sorted() {
        let day = |text: &str| parse_date(text).expect("a date");
        assert!(EMBEDDED.is_sorted() && EMBEDDED.len() == HOLIDAYS.lines().count() - 1);
        assert_eq!(public_holiday(day("2026-09-25")), Some("추석"));
        assert_eq!(public_holiday(day("2027-02-09")), Some("설날 대체공휴일"));
        assert_eq!(public_holiday(day("2035-12-25")), Some("성탄절"));
        assert_eq!(public_holiday(day("2026-12-01")), None);
    }
}

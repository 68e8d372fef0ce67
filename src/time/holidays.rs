//! Public holidays of Korea until 2035: embedded, and renewed by a file in the data folder.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::{LazyLock, OnceLock};

use chrono::{Datelike, NaiveDate};

use super::parse_date;

/// `day,name` of each public holiday, computed from the rules of 관공서의 공휴일에 관한 규정, with substitute holidays and
/// the elections that the law sets.
const HOLIDAYS: &str = include_str!("../../assets/time/holidays.csv");

/// The embedded holidays, sorted.
static EMBEDDED: LazyLock<Vec<(NaiveDate, &'static str)>> = LazyLock::new(|| {
    let rows = HOLIDAYS.lines().filter_map(|line| line.split_once(','));
    rows.filter_map(|(day, name)| Some((parse_date(day)?, name))).collect()
});

/// Name of the file in the data folder that renews the holidays.
pub const HOLIDAY_FILE: &str = "holidays.csv";

/// The holidays after [`renew_from`].
static RENEWED: OnceLock<Vec<(NaiveDate, &'static str)>> = OnceLock::new();

/// Why the file of the holidays cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HolidayFileError {
    /// it cannot be read
    #[error("{0}")]
    Read(#[from] std::io::Error),
    /// a line is not a date and a name
    #[error("{0}번째 줄: 2026-12-25,성탄절처럼 날짜와 이름을 쉼표로 나눠 입력해 주세요")]
    Line(usize),
}

/// Reads the file of a data folder, if there is one: `day,name` lines. The years that it names replace those that are
/// embedded, so that it holds a year as a whole, also with a holiday that was declared or withdrawn. Once in a process,
/// before the first use; later calls change nothing.
///
/// A folder that cannot be entered has no file as far as this process knows: what opens the shop says more about it.
///
/// # Errors
/// [`HolidayFileError`] of a file that is there; the embedded holidays stay in use.
pub fn renew_from(folder: &Path) -> Result<(), HolidayFileError> {
    let file = folder.join(HOLIDAY_FILE);
    if let Err(error) = file.symlink_metadata()
        && [ErrorKind::NotFound, ErrorKind::NotADirectory, ErrorKind::PermissionDenied].contains(&error.kind())
    {
        return Ok(());
    }
    let text = std::fs::read_to_string(file)?;
    // Kept for the life of the process, as the embedded ones.
    let text: &'static str = Box::leak(text.into_boxed_str());
    let _ = RENEWED.set(merge(&EMBEDDED, text)?);
    Ok(())
}

/// The holidays with the years of a file instead of their own.
fn merge(
    known: &[(NaiveDate, &'static str)],
    text: &'static str,
) -> Result<Vec<(NaiveDate, &'static str)>, HolidayFileError> {
    let mut days = Vec::new();
    for (number, line) in (1..).zip(text.trim_start_matches('\u{FEFF}').lines()) {
        if line.trim().is_empty() || line.starts_with('#') || (number == 1 && line.trim() == "day,name") {
            continue;
        }
        let day = line.split_once(',').and_then(|(day, name)| Some((parse_date(day)?, name.trim())));
        days.push(day.filter(|(_, name)| !name.is_empty()).ok_or(HolidayFileError::Line(number))?);
    }
    let years: std::collections::BTreeSet<i32> = days.iter().map(|(day, _)| day.year()).collect();
    days.extend(known.iter().filter(|(day, _)| !years.contains(&day.year())));
    days.sort_unstable();
    days.dedup_by_key(|(day, _)| *day);
    Ok(days)
}

/// The public holidays, by day.
pub fn public_holidays() -> &'static [(NaiveDate, &'static str)] {
    RENEWED.get().map_or(&EMBEDDED[..], Vec::as_slice)
}

/// The name of a public holiday; none for another day.
pub fn public_holiday(day: NaiveDate) -> Option<&'static str> {
    let holidays = public_holidays();
    let found = holidays.binary_search_by_key(&day, |(holiday, _)| *holiday).ok()?;
    Some(holidays[found].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_replaces_the_years_that_it_names() {
        let day = |text: &str| parse_date(text).expect("a date");
        let known = [(day("2026-12-25"), "성탄절"), (day("2027-01-01"), "신정")];
        let merged =
            merge(&known, "day,name\n2026-06-03,지방선거\n# 임시공휴일\n2026-10-02,임시공휴일\n").expect("valid");
        let names: Vec<&str> = merged.iter().map(|(_, name)| *name).collect();
        assert_eq!(names, ["지방선거", "임시공휴일", "신정"], "2026 is that of the file");
        assert!(matches!(merge(&known, "2026-06-03\n"), Err(HolidayFileError::Line(1))));
        assert!(matches!(merge(&known, "day,name\n2026-06-31,없는 날\n"), Err(HolidayFileError::Line(2))));
        let folder = tempfile::tempdir().expect("a folder");
        assert!(renew_from(folder.path()).is_ok(), "no file");
        assert!(renew_from(&folder.path().join("none")).is_ok(), "no folder");
        std::fs::create_dir(folder.path().join(HOLIDAY_FILE)).expect("a folder");
        assert!(matches!(renew_from(folder.path()), Err(HolidayFileError::Read(_))), "a folder of this name");
    }

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

//! The table that ships with the program: `assets/districts`, read once.

use std::sync::{Arc, LazyLock};

use chrono::NaiveDate;
use serde::Deserialize;

use super::edition::{Edition, TableError, find};
use super::region::Region;

const RANGES: &str = include_str!("../../assets/districts/postal-ranges.csv");
const EXCEPTIONS: &str = include_str!("../../assets/districts/postal-exceptions.csv");
const REGIONS: &str = include_str!("../../assets/districts/regions.csv");
const REGIONS_2025: &str = include_str!("../../assets/districts/regions-2025.csv");
const GENERAL_GU: &str = include_str!("../../assets/districts/general-gu.csv");
const GENERAL_GU_POSTAL: &str = include_str!("../../assets/districts/general-gu-postal.csv");

/// The day of 전남광주통합특별시 and of the new 구 of 인천.
const MAP_OF_2026: Option<NaiveDate> = NaiveDate::from_ymd_opt(2026, 7, 1);

/// The shipped editions, newest first.
///
/// # Panics
/// When the shipped files contradict each other: a fault of the build, which the tests find.
pub(super) fn editions() -> Vec<Arc<Edition>> {
    static EDITIONS: LazyLock<Vec<Arc<Edition>>> = LazyLock::new(|| match read() {
        Ok(editions) => editions.into_iter().map(Arc::new).collect(),
        Err(error) => panic!("the embedded table of districts is broken: {error}"),
    });
    EDITIONS.clone()
}

/// Which of the two names in a row of the shipped table counts.
#[derive(Clone, Copy)]
enum Names {
    Of2025,
    Today,
}

#[derive(Deserialize)]
struct RangeRow {
    zip_start: u32,
    zip_end: u32,
    sido: String,
    sgg_code: Option<i64>,
    sido_2025: String,
    sgg_code_2025: Option<i64>,
}

#[derive(Deserialize)]
struct ExceptionRow {
    zip: u32,
    sido: String,
    sgg_code: Option<i64>,
    sido_2025: String,
    sgg_code_2025: Option<i64>,
}

#[derive(Deserialize)]
struct GeneralGuRow {
    zip: u32,
    gu_code: i64,
}

impl RangeRow {
    fn names(&self, names: Names) -> (&str, Option<i64>) {
        match names {
            Names::Of2025 => (&self.sido_2025, self.sgg_code_2025),
            Names::Today => (&self.sido, self.sgg_code),
        }
    }
}

impl From<ExceptionRow> for RangeRow {
    fn from(row: ExceptionRow) -> Self {
        Self {
            zip_start: row.zip,
            zip_end: row.zip,
            sido: row.sido,
            sgg_code: row.sgg_code,
            sido_2025: row.sido_2025,
            sgg_code_2025: row.sgg_code_2025,
        }
    }
}

fn rows<R: for<'de> Deserialize<'de>>(text: &str) -> Result<Vec<R>, csv::Error> {
    csv::Reader::from_reader(text.as_bytes()).deserialize().collect()
}

fn read() -> Result<Vec<Edition>, TableError> {
    let ranges: Vec<RangeRow> = rows(RANGES)?;
    let exceptions: Vec<RangeRow> = rows::<ExceptionRow>(EXCEPTIONS)?.into_iter().map(RangeRow::from).collect();
    let general_gu: Vec<Region> = rows(GENERAL_GU)?;
    let gu_zips: Vec<GeneralGuRow> = rows(GENERAL_GU_POSTAL)?;
    let edition = |valid_from, text, names| {
        let mut regions: Vec<Region> = rows(text)?;
        regions.extend(general_gu.iter().cloned());
        let mut edition = Edition::new(valid_from, regions);
        edition.check_apart(ranges.iter().map(|row| (row.zip_start, row.zip_end)))?;
        for row in ranges.iter().chain(&exceptions) {
            let (sido, code) = row.names(names);
            let code = place(&edition.regions, row.zip_start, sido, code)?;
            edition.put(row.zip_start, row.zip_end, code)?;
        }
        for row in &gu_zips {
            let gu = find(&edition.regions, row.gu_code);
            let gu = gu.ok_or(TableError::UnknownRegion { zip: row.zip, code: row.gu_code })?;
            if edition.code(row.zip) != gu.parent_code {
                return Err(TableError::OutsideItsCity { zip: row.zip });
            }
            edition.put(row.zip, row.zip, row.gu_code)?;
        }
        Ok(edition)
    };
    Ok(vec![
        edition(MAP_OF_2026.unwrap_or_default(), REGIONS, Names::Today)?,
        edition(NaiveDate::MIN, REGIONS_2025, Names::Of2025)?,
    ])
}

/// The code of the region that a row names: a 시/군/구 by its code, or a 시/도 by its name.
fn place(regions: &[Region], zip: u32, sido: &str, code: Option<i64>) -> Result<i64, TableError> {
    if let Some(code) = code {
        return match find(regions, code) {
            Some(region) if region.level == 1 => Ok(code),
            _ => Err(TableError::UnknownRegion { zip, code }),
        };
    }
    regions
        .iter()
        .find(|region| region.level == 0 && region.full_name == sido)
        .map(|region| region.code)
        .ok_or_else(|| TableError::UnknownSido { zip, name: sido.to_owned() })
}

#[cfg(test)]
pub(super) mod tests {
    use super::RANGES;

    /// Reads the shipped file anew, without the code under test: first code, last code, 시/도, code
    /// of the 시/군/구.
    pub(in crate::districts) fn table() -> Vec<(u32, u32, String, Option<i64>)> {
        RANGES
            .lines()
            .skip(1)
            .map(|line| {
                let cells: Vec<&str> = line.split(',').collect();
                let code = (!cells[4].is_empty()).then(|| cells[4].parse().expect("a code"));
                (cells[0].parse().expect("a zip"), cells[1].parse().expect("a zip"), cells[2].to_owned(), code)
            })
            .collect()
    }
}

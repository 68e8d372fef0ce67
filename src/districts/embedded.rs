//! The embedded table: `assets/districts`, parsed once.

use std::sync::{Arc, LazyLock};

use chrono::NaiveDate;
use serde::Deserialize;

use super::edition::{Edition, TableError};
use super::region::{Region, find};

const RANGES: &str = include_str!("../../assets/districts/postal-ranges.csv");
const EXCEPTIONS: &str = include_str!("../../assets/districts/postal-exceptions.csv");
const REGIONS: &str = include_str!("../../assets/districts/regions.csv");
const REGIONS_2025: &str = include_str!("../../assets/districts/regions-2025.csv");
const GENERAL_GU: &str = include_str!("../../assets/districts/general-gu.csv");
const GENERAL_GU_POSTAL: &str = include_str!("../../assets/districts/general-gu-postal.csv");

/// First day of the newer edition: 전남광주통합특별시 and the new 구 of 인천.
const EDITION_2026: Option<NaiveDate> = NaiveDate::from_ymd_opt(2026, 7, 1);

/// The embedded editions, newest first.
///
/// # Panics
/// When the embedded files contradict each other. The tests detect such a build.
pub(super) fn editions() -> Vec<Arc<Edition>> {
    static EDITIONS: LazyLock<Vec<Arc<Edition>>> = LazyLock::new(|| match read() {
        Ok(editions) => editions.into_iter().map(Arc::new).collect(),
        Err(error) => panic!("the embedded table of districts is broken: {error}"),
    });
    EDITIONS.clone()
}

/// The edition whose columns of a row count: that of 2025-12-31 or that of 2026-07-01.
#[derive(Clone, Copy)]
enum EditionYear {
    Y2025,
    Y2026,
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
    /// Name of the 시/도, and code of the 시/군/구 if it is known.
    fn region(&self, year: EditionYear) -> (&str, Option<i64>) {
        match year {
            EditionYear::Y2025 => (&self.sido_2025, self.sgg_code_2025),
            EditionYear::Y2026 => (&self.sido, self.sgg_code),
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
    let edition = |valid_from, text, year| {
        let mut regions: Vec<Region> = rows(text)?;
        regions.extend(general_gu.iter().cloned());
        let mut edition = Edition::new(valid_from, regions);
        edition.check_disjoint(ranges.iter().map(|row| (row.zip_start, row.zip_end)))?;
        for row in ranges.iter().chain(&exceptions) {
            let (sido, code) = row.region(year);
            let code = region_code(&edition.regions, row.zip_start, sido, code)?;
            edition.assign(row.zip_start, row.zip_end, code)?;
        }
        for row in &gu_zips {
            let gu = find(&edition.regions, row.gu_code);
            let gu = gu.ok_or(TableError::UnknownRegion { zip: row.zip, code: row.gu_code })?;
            if edition.code(row.zip) != gu.parent_code {
                return Err(TableError::OutsideItsCity { zip: row.zip });
            }
            edition.assign(row.zip, row.zip, row.gu_code)?;
        }
        Ok(edition)
    };
    Ok(vec![
        edition(EDITION_2026.unwrap_or_default(), REGIONS, EditionYear::Y2026)?,
        edition(NaiveDate::MIN, REGIONS_2025, EditionYear::Y2025)?,
    ])
}

/// The region code of a row: its 시/군/구, or its 시/도 if it has no 시/군/구.
fn region_code(regions: &[Region], zip: u32, sido: &str, code: Option<i64>) -> Result<i64, TableError> {
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

    /// The embedded file, parsed independently of the code under test: first postal code, last postal code,
    /// 시/도, code of the 시/군/구.
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

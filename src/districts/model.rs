//! The table of postal codes and the regions they belong to.
//!
//! Postal codes are the five-digit ones of 2015-08-01 and later. Regions are those of the 법정동
//! code table, cut to five digits: `47110` is 포항시, `47000` is 경상북도. Districts change, so the
//! table is a row of [`Edition`]s, each with the day from which it holds; a name that was given up
//! stays known, so that an old delivery keeps the district it had.

use chrono::NaiveDate;
use serde::Deserialize;
use thiserror::Error;

const RANGES: &str = include_str!("../../assets/districts/postal-ranges.csv");
const EXCEPTIONS: &str = include_str!("../../assets/districts/postal-exceptions.csv");
const REGIONS: &str = include_str!("../../assets/districts/regions.csv");
const REGIONS_2025: &str = include_str!("../../assets/districts/regions-2025.csv");
const GENERAL_GU: &str = include_str!("../../assets/districts/general-gu.csv");
const GENERAL_GU_POSTAL: &str = include_str!("../../assets/districts/general-gu-postal.csv");

/// The day of 전남광주통합특별시 and of the new 구 of 인천.
const MAP_OF_2026: Option<NaiveDate> = NaiveDate::from_ymd_opt(2026, 7, 1);

/// Where a postal code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The 시/군/구 is known.
    District {
        /// 시/군/구 code, as an order stores it
        code: i64,
    },
    /// The code lies in the block of a 시/도 but was given to no 시/군/구: 미분류.
    SidoOnly {
        /// 시/도 code
        sido: i64,
    },
    /// No Korean five-digit code: 미분류.
    Unassigned,
}

impl Place {
    /// The 시/군/구 code to store; `None` is 미분류.
    pub const fn district(self) -> Option<i64> {
        match self {
            Self::District { code } => Some(code),
            Self::SidoOnly { .. } | Self::Unassigned => None,
        }
    }
}

/// A 시/도 (level 0), a 시/군/구 (level 1) or a 일반구 (level 2).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Region {
    /// five digits
    pub code: i64,
    /// 0, 1 or 2
    pub level: u8,
    /// code of the region around it; none for a 시/도
    pub parent_code: Option<i64>,
    /// `경상북도 포항시`
    pub full_name: String,
    /// `포항시`; for a 시/도 `경북`, for a 일반구 `포항시 남구`
    pub short_name: String,
}

/// What is wrong with a table.
#[derive(Debug, Error)]
pub enum TableError {
    /// A line that is no line of this table.
    #[error("the table cannot be read: {0}")]
    Unreadable(#[from] csv::Error),
    /// A 시/도 that the list of regions does not have.
    #[error("postal code {zip:05}: no 시/도 is called {name}")]
    UnknownSido {
        /// first code of the range
        zip: u32,
        /// the name
        name: String,
    },
    /// A 시/군/구 or 일반구 that the list of regions does not have.
    #[error("postal code {zip:05}: no region has the code {code}")]
    UnknownRegion {
        /// first code of the range
        zip: u32,
        /// the code
        code: i64,
    },
    /// Two ranges share a code, or a range ends before it begins.
    #[error("the range that begins with {zip:05} overlaps another or ends before it begins")]
    Overlap {
        /// first code of the range
        zip: u32,
    },
}

/// Postal codes of one block that are in the same place; both ends included.
#[derive(Clone, Copy, Debug)]
struct Range {
    start: u32,
    end: u32,
    place: Place,
}

/// The districts as they are from one day on, until the next edition.
#[derive(Clone, Debug)]
struct Edition {
    valid_from: NaiveDate,
    regions: Vec<Region>,
    ranges: Vec<Range>,
    exceptions: Vec<Range>,
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

fn regions(text: &str) -> Result<Vec<Region>, TableError> {
    let mut regions: Vec<Region> = rows(text)?;
    regions.sort_by_key(|region| region.code);
    Ok(regions)
}

fn find(regions: &[Region], code: i64) -> Option<&Region> {
    regions.binary_search_by_key(&code, |region| region.code).ok().and_then(|at| regions.get(at))
}

fn place(regions: &[Region], zip: u32, sido: &str, code: Option<i64>) -> Result<Place, TableError> {
    if let Some(code) = code {
        return match find(regions, code) {
            Some(region) if region.level == 1 => Ok(Place::District { code }),
            _ => Err(TableError::UnknownRegion { zip, code }),
        };
    }
    regions
        .iter()
        .find(|region| region.level == 0 && region.full_name == sido)
        .map(|region| Place::SidoOnly { sido: region.code })
        .ok_or_else(|| TableError::UnknownSido { zip, name: sido.to_owned() })
}

/// The ranges in order, checked not to overlap.
fn ranges(regions: &[Region], rows: &[RangeRow], names: Names) -> Result<Vec<Range>, TableError> {
    let mut ranges = rows
        .iter()
        .map(|row| {
            let (sido, code) = row.names(names);
            let place = place(regions, row.zip_start, sido, code)?;
            Ok(Range { start: row.zip_start, end: row.zip_end, place })
        })
        .collect::<Result<Vec<_>, TableError>>()?;
    ranges.sort_by_key(|range| range.start);
    let mut free = 0;
    for range in &ranges {
        if range.start < free || range.end < range.start {
            return Err(TableError::Overlap { zip: range.start });
        }
        free = range.end.saturating_add(1);
    }
    Ok(ranges)
}

fn within(ranges: &[Range], zip: u32) -> Option<Place> {
    let at = ranges.partition_point(|range| range.end < zip);
    ranges.get(at).filter(|range| range.start <= zip).map(|range| range.place)
}

/// The number of a five-digit postal code, however Excel and people write it: `4524` is 04524, and
/// `135-080`, with its six digits, is a code of before 2015-08-01 and no postal code any more.
fn postal_number(zip_code: &str) -> Option<u32> {
    let whole = zip_code.split('.').next().unwrap_or_default();
    let digits: String = whole.chars().filter(char::is_ascii_digit).collect();
    if digits.len() > 5 { None } else { digits.parse().ok() }
}

impl Edition {
    fn build(
        valid_from: NaiveDate,
        regions: Vec<Region>,
        ranges_rows: &[RangeRow],
        exceptions_rows: &[RangeRow],
        names: Names,
    ) -> Result<Self, TableError> {
        let ranges = ranges(&regions, ranges_rows, names)?;
        let exceptions = self::ranges(&regions, exceptions_rows, names)?;
        Ok(Self { valid_from, regions, ranges, exceptions })
    }

    fn lookup(&self, zip: u32) -> Place {
        within(&self.exceptions, zip).or_else(|| within(&self.ranges, zip)).unwrap_or(Place::Unassigned)
    }
}

/// Postal codes and regions, ready to be asked.
#[derive(Clone, Debug)]
pub struct Districts {
    /// today's
    current: Edition,
    /// given up, newest first
    earlier: Vec<Edition>,
    general_gu: Vec<Region>,
    /// postal code and 일반구 code, in order
    general_gu_zips: Vec<(u32, i64)>,
}

impl Districts {
    /// The table that ships with the program.
    ///
    /// # Panics
    /// When the shipped files contradict each other: a fault of the build, which the tests find.
    pub fn embedded() -> Self {
        match Self::from_shipped() {
            Ok(districts) => districts,
            Err(error) => panic!("the embedded table of districts is broken: {error}"),
        }
    }

    fn from_shipped() -> Result<Self, TableError> {
        let range_rows: Vec<RangeRow> = rows(RANGES)?;
        let exception_rows: Vec<RangeRow> = rows::<ExceptionRow>(EXCEPTIONS)?.into_iter().map(RangeRow::from).collect();
        let edition =
            |valid_from, text, names| Edition::build(valid_from, regions(text)?, &range_rows, &exception_rows, names);
        let current = edition(MAP_OF_2026.unwrap_or_default(), REGIONS, Names::Today)?;
        let earlier = vec![edition(NaiveDate::MIN, REGIONS_2025, Names::Of2025)?];

        let general_gu = regions(GENERAL_GU)?;
        let mut general_gu_zips = rows::<GeneralGuRow>(GENERAL_GU_POSTAL)?
            .into_iter()
            .map(|row| match find(&general_gu, row.gu_code) {
                Some(_) => Ok((row.zip, row.gu_code)),
                None => Err(TableError::UnknownRegion { zip: row.zip, code: row.gu_code }),
            })
            .collect::<Result<Vec<_>, _>>()?;
        general_gu_zips.sort_unstable();
        Ok(Self { current, earlier, general_gu, general_gu_zips })
    }

    /// Where `zip_code` is today. Only its digits count, and zeros that Excel ate are put back.
    pub fn lookup(&self, zip_code: &str) -> Place {
        postal_number(zip_code).map_or(Place::Unassigned, |zip| self.current.lookup(zip))
    }

    /// Where `zip_code` was on `date`, by the districts of that day.
    pub fn lookup_on(&self, zip_code: &str, date: NaiveDate) -> Place {
        let Some(zip) = postal_number(zip_code) else { return Place::Unassigned };
        self.editions().find(|edition| edition.valid_from <= date).unwrap_or(&self.current).lookup(zip)
    }

    /// The day from which today's districts hold.
    pub const fn valid_from(&self) -> NaiveDate {
        self.current.valid_from
    }

    /// Every edition, newest first.
    fn editions(&self) -> impl Iterator<Item = &Edition> {
        std::iter::once(&self.current).chain(&self.earlier)
    }

    /// The 시/도 or 시/군/구 of that code, today's or one that was given up.
    pub fn region(&self, code: i64) -> Option<&Region> {
        self.editions().find_map(|edition| find(&edition.regions, code))
    }

    /// The 시/군/구 of that code.
    pub fn sigungu(&self, code: i64) -> Option<&Region> {
        self.region(code).filter(|region| region.level == 1)
    }

    /// The 시/도 of that code, or the one around the 시/군/구 of that code.
    pub fn sido(&self, code: i64) -> Option<&Region> {
        let region = self.region(code)?;
        region.parent_code.map_or(Some(region), |parent| self.region(parent))
    }

    /// `경북 포항시`: how a list names a 시/군/구. 세종 is `세종`.
    pub fn display_name(&self, code: i64) -> Option<String> {
        let (sido, sigungu) = (self.sido(code)?, self.sigungu(code)?);
        if sido.full_name == sigungu.full_name {
            return Some(sido.short_name.clone());
        }
        Some(format!("{} {}", sido.short_name, sigungu.short_name))
    }

    /// Today's 시/도, by code.
    pub fn sidos(&self) -> impl Iterator<Item = &Region> {
        self.current.regions.iter().filter(|region| region.level == 0)
    }

    /// Today's 시/군/구 of a 시/도, by code.
    pub fn sigungus_of(&self, sido: i64) -> impl Iterator<Item = &Region> {
        self.current.regions.iter().filter(move |region| region.level == 1 && region.parent_code == Some(sido))
    }

    /// Today's blocks of postal codes that lie in one 시/군/구: first code, last code, 시/군/구 code.
    /// Blocks with single codes that lie elsewhere are left out.
    pub fn postal_blocks(&self) -> impl Iterator<Item = (u32, u32, i64)> {
        let split =
            |range: &Range| self.current.exceptions.iter().any(|one| range.start <= one.start && one.end <= range.end);
        self.current
            .ranges
            .iter()
            .filter(move |range| !split(range))
            .filter_map(|range| Some((range.start, range.end, range.place.district()?)))
    }

    /// The 일반구 of a postal code, where the city has them and the code is known.
    fn general_gu_of(&self, zip_code: &str) -> Option<&Region> {
        let zip = postal_number(zip_code)?;
        let at = self.general_gu_zips.binary_search_by_key(&zip, |(zip, _)| *zip).ok()?;
        let (_, code) = self.general_gu_zips.get(at)?;
        find(&self.general_gu, *code)
    }

    /// `포항시 남구`: the 일반구 of a postal code, where the city has them and the code is known.
    pub fn general_gu(&self, zip_code: &str) -> Option<&str> {
        self.general_gu_of(zip_code).map(|region| region.short_name.as_str())
    }

    /// `경상북도 포항시 북구`: the whole name of where a postal code is today, as closely as it is known.
    pub fn full_name(&self, zip_code: &str) -> Option<&str> {
        let district = || self.sigungu(self.lookup(zip_code).district()?);
        self.general_gu_of(zip_code).or_else(district).map(|region| region.full_name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(districts: &Districts, zip_code: &str) -> String {
        match districts.lookup(zip_code) {
            Place::District { code } => districts.display_name(code).expect("a name"),
            Place::SidoOnly { sido } => format!("{} 미분류", districts.sido(sido).expect("a 시/도").short_name),
            Place::Unassigned => "미분류".to_owned(),
        }
    }

    /// Reads the shipped file anew, without the code under test.
    fn table() -> Vec<(u32, u32, String, Option<i64>)> {
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

    #[test]
    fn every_code_is_where_the_table_says() {
        let districts = Districts::embedded();
        let exceptions: Vec<(u32, i64)> = vec![(22883, 28275), (22702, 28275), (22849, 28275)];
        let mut next = 1000;
        for (start, end, sido, code) in table() {
            assert_eq!(start, next, "the ranges leave no gap");
            next = end + 1;
            for zip in start..=end {
                let place = districts.lookup(&format!("{zip:05}"));
                if let Some((_, code)) = exceptions.iter().find(|(exception, _)| *exception == zip) {
                    assert_eq!(place, Place::District { code: *code });
                    continue;
                }
                match (place, code) {
                    (Place::District { code: found }, Some(code)) => assert_eq!(found, code, "{zip}"),
                    (Place::SidoOnly { sido: found }, None) => {
                        assert_eq!(districts.sido(found).expect("a 시/도").full_name, sido, "{zip}");
                    }
                    (place, code) => panic!("{zip:05}: {place:?}, the table says {code:?}"),
                }
            }
        }
        assert_eq!(next, 64_000);
    }

    #[test]
    fn every_district_has_a_name_and_a_sido() {
        let districts = Districts::embedded();
        for (_, _, sido, code) in table() {
            let Some(code) = code else { continue };
            let region = districts.sigungu(code).expect("a 시/군/구");
            let around = districts.sido(code).expect("a 시/도");
            assert_eq!((around.level, &around.full_name), (0, &sido));
            assert!(region.full_name.starts_with(&sido));
            assert!(districts.sigungus_of(around.code).any(|one| one.code == code));
        }
        assert_eq!(districts.sidos().count(), 16);
        let all: usize = districts.sidos().map(|sido| districts.sigungus_of(sido.code).count()).sum();
        assert_eq!(all, 230);
    }

    #[test]
    fn zeros_that_excel_ate_are_put_back() {
        let districts = Districts::embedded();
        assert_eq!(name(&districts, "4524"), "서울 중구");
        assert_eq!(name(&districts, "04524"), "서울 중구");
        assert_eq!(name(&districts, " 04524 "), "서울 중구");
        assert_eq!(name(&districts, "4524.0"), "서울 중구");
    }

    #[test]
    fn what_is_no_postal_code_is_unassigned() {
        let districts = Districts::embedded();
        for zip_code in ["", "135-080", "135080", "99999", "64000", "00999", "12", "우편번호", "0000004524"] {
            assert_eq!(districts.lookup(zip_code), Place::Unassigned, "{zip_code}");
            assert_eq!(districts.general_gu(zip_code), None, "{zip_code}");
        }
    }

    #[test]
    fn places_have_their_names_of_today() {
        let districts = Districts::embedded();
        assert_eq!(name(&districts, "37655"), "경북 포항시");
        assert_eq!(name(&districts, "30151"), "세종");
        assert_eq!(name(&districts, "39000"), "대구 군위군");
        assert_eq!(name(&districts, "43100"), "대구 군위군");
        assert_eq!(name(&districts, "61000"), "전남광주 북구");
        assert_eq!(name(&districts, "22883"), "인천 서해구");
        assert_eq!(name(&districts, "22882"), "인천 검단구");
        assert_eq!(name(&districts, "01500"), "서울 미분류");
        assert_eq!(districts.general_gu("10200"), Some("고양시 일산서구"));
        assert_eq!(districts.general_gu("04524"), None);
    }

    #[test]
    fn a_district_that_was_given_up_keeps_its_name() {
        let districts = Districts::embedded();
        let before = districts.valid_from().pred_opt().expect("a day");
        assert_eq!(districts.lookup_on("61000", before), Place::District { code: 29170 });
        assert_eq!(districts.lookup_on("61000", districts.valid_from()), Place::District { code: 12300 });
        assert_eq!(districts.display_name(29170).as_deref(), Some("광주 북구"));
    }

    #[test]
    fn every_general_gu_lies_in_the_city_of_its_code() {
        let districts = Districts::embedded();
        for (zip, gu) in &districts.general_gu_zips {
            let gu = find(&districts.general_gu, *gu).expect("a 일반구");
            assert_eq!(districts.lookup(&format!("{zip:05}")).district(), gu.parent_code, "{zip:05}");
        }
    }
}

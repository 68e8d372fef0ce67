//! The table of postal codes and the regions they belong to.
//!
//! Postal codes are the five-digit ones of 2015-08-01 and later. Regions are those of the 법정동
//! code table, cut to five digits: `47110` is 포항시, `47111` its 남구, `47000` 경상북도. Districts
//! change, so the table is a row of [`Edition`]s, each with the day from which it holds; a name that
//! was given up stays known, so that an old delivery keeps the district it had.
//!
//! An order is classified by the districts of today as long as it is under way. From its delivery on
//! it keeps the district of that day, and is called by the name of that day.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::edition::{CODES, Edition, Run, TableError};
use super::embedded;
use super::region::Region;
use chrono::NaiveDate;

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

/// A postal code as digits alone, however Excel and people write it: `4524` is `04524`, and
/// `135-080`, a code of before 2015-08-01, is `135080`. None where there is no digit.
pub fn postal_key(zip_code: &str) -> Option<String> {
    let whole = zip_code.split('.').next().unwrap_or_default();
    let digits: String = whole.chars().filter(char::is_ascii_digit).collect();
    (!digits.is_empty()).then(|| format!("{digits:0>5}"))
}

/// The number of a five-digit postal code.
fn postal_number(key: &str) -> Option<u32> {
    if key.len() == 5 { key.parse().ok() } else { None }
}

/// Postal codes and regions, ready to be asked. A value that never changes; cheap to clone.
#[derive(Clone, Debug)]
pub struct Districts {
    /// newest first, never empty
    editions: Vec<Arc<Edition>>,
    /// what was corrected by hand, above every edition: [`postal_key`] → 시/군/구
    corrected: Arc<BTreeMap<String, i64>>,
}

impl Districts {
    /// The table that ships with the program.
    pub fn embedded() -> Self {
        Self { editions: embedded::editions(), corrected: Arc::default() }
    }

    /// With an edition more, which takes its place by its day; of two of one day the later given is
    /// the newer.
    #[must_use]
    pub fn with_edition(mut self, edition: Edition) -> Self {
        let at = self.editions.partition_point(|other| other.valid_from > edition.valid_from);
        self.editions.insert(at, Arc::new(edition));
        self
    }

    /// With a list that was read laid over what holds on `valid_from`.
    ///
    /// # Errors
    /// The list contradicts itself.
    pub fn with_list(self, regions: &[Region], runs: &[Run], valid_from: NaiveDate) -> Result<Self, TableError> {
        let edition = self.edition_of(valid_from).overlaid(valid_from, regions, runs)?;
        Ok(self.with_edition(edition))
    }

    /// The days from which a newer list may hold: not before the one in force, and not in the future.
    pub fn days_of_a_newer(&self, today: NaiveDate) -> (NaiveDate, NaiveDate) {
        (self.valid_from(), today.max(self.valid_from()))
    }

    /// With corrections by hand: [`postal_key`] → 시/군/구.
    #[must_use]
    pub fn with_corrections(mut self, corrected: BTreeMap<String, i64>) -> Self {
        self.corrected = Arc::new(corrected);
        self
    }

    /// Today's.
    pub fn current(&self) -> &Edition {
        &self.editions[0]
    }

    /// The districts of `date`.
    fn edition_of(&self, date: NaiveDate) -> &Edition {
        self.editions.iter().find(|edition| edition.valid_from <= date).unwrap_or(&self.editions[0])
    }

    /// Where `zip_code` is today. Only its digits count, and zeros that Excel ate are put back.
    pub fn lookup(&self, zip_code: &str) -> Place {
        self.lookup_in(self.current(), zip_code)
    }

    /// Where `zip_code` was on `date`, by the districts of that day.
    pub fn lookup_on(&self, zip_code: &str, date: NaiveDate) -> Place {
        self.lookup_in(self.edition_of(date), zip_code)
    }

    fn lookup_in(&self, edition: &Edition, zip_code: &str) -> Place {
        let Some(key) = postal_key(zip_code) else { return Place::Unassigned };
        if let Some(code) = self.corrected.get(&key) {
            return Place::District { code: *code };
        }
        let Some(code) = postal_number(&key).and_then(|zip| edition.code(zip)) else { return Place::Unassigned };
        edition.sigungu(code).map_or(Place::SidoOnly { sido: code }, |region| Place::District { code: region.code })
    }

    /// The day from which today's districts hold.
    pub fn valid_from(&self) -> NaiveDate {
        self.current().valid_from
    }

    /// The region of that code, today's or one that was given up.
    pub fn region(&self, code: i64) -> Option<&Region> {
        self.editions.iter().find_map(|edition| edition.region(code))
    }

    /// The 시/군/구 of that code; for a 일반구 the city around it.
    pub fn sigungu(&self, code: i64) -> Option<&Region> {
        self.editions.iter().find_map(|edition| edition.sigungu(code))
    }

    /// The 시/도 of that code, or the one around the region of that code.
    pub fn sido(&self, code: i64) -> Option<&Region> {
        self.editions.iter().find_map(|edition| edition.sido(code))
    }

    /// 시/도 and 시/군/구 of that code as they were called on `day` (today for `None`).
    fn regions_on(&self, code: i64, day: Option<NaiveDate>) -> Option<(&Region, &Region)> {
        let of = |edition| Edition::sido(edition, code).zip(Edition::sigungu(edition, code));
        day.and_then(|day| of(self.edition_of(day))).or_else(|| self.editions.iter().find_map(|edition| of(edition)))
    }

    /// The whole names of 시/도 and 시/군/구 as they were on `day` (today for `None`).
    pub fn names_on(&self, code: i64, day: Option<NaiveDate>) -> Option<(&str, &str)> {
        let (sido, sigungu) = self.regions_on(code, day)?;
        Some((&sido.full_name, &sigungu.full_name))
    }

    /// `경북 포항시`: how a list names a 시/군/구 today. 세종 is `세종`.
    pub fn display_name(&self, code: i64) -> Option<String> {
        self.display_name_on(code, None)
    }

    /// [`Districts::display_name`] as it was on `day` (today for `None`).
    pub fn display_name_on(&self, code: i64, day: Option<NaiveDate>) -> Option<String> {
        let (sido, sigungu) = self.regions_on(code, day)?;
        if sido.full_name == sigungu.full_name {
            return Some(sido.short_name.clone());
        }
        Some(format!("{} {}", sido.short_name, sigungu.short_name))
    }

    /// Today's 시/도, by code.
    pub fn sidos(&self) -> impl Iterator<Item = &Region> {
        self.current().regions.iter().filter(|region| region.level == 0)
    }

    /// Today's 시/군/구 of a 시/도, by code; for a city its 일반구.
    pub fn sigungus_of(&self, parent: i64) -> impl Iterator<Item = &Region> {
        self.current().regions.iter().filter(move |region| region.parent_code == Some(parent))
    }

    /// Today's blocks of postal codes that lie in one 시/군/구: first code, last code, 시/군/구 code.
    /// A block ends where the first three digits do; one in which single codes lie elsewhere is left
    /// out.
    pub fn postal_blocks(&self) -> impl Iterator<Item = (u32, u32, i64)> {
        (0..CODES).step_by(100).filter_map(|start| {
            let code = |zip: u32| self.current().code(zip).and_then(|code| self.current().sigungu(code));
            let first = code(start)?;
            let whole = (start..start + 100).all(|zip| code(zip) == Some(first));
            whole.then_some((start, start + 99, first.code))
        })
    }

    /// The 일반구 of a postal code, where the city has them and the code is known.
    pub fn general_gu(&self, zip_code: &str) -> Option<&Region> {
        let zip = postal_number(&postal_key(zip_code)?)?;
        let region = self.current().region(self.current().code(zip)?).filter(|region| region.level == 2)?;
        (self.lookup(zip_code).district() == region.parent_code).then_some(region)
    }

    /// The postal codes of a 일반구, or of all 일반구 of a city: those whose [`Districts::general_gu`] it is.
    pub fn zip_codes_of_gu(&self, city: i64, gu: Option<i64>) -> Vec<String> {
        let is_there = |zip: &String| {
            let found = self.general_gu(zip).filter(|found| found.parent_code == Some(city));
            found.is_some_and(|found| gu.is_none_or(|gu| gu == found.code))
        };
        (1..100_000).map(|zip| format!("{zip:05}")).filter(is_there).collect()
    }

    /// `경상북도 포항시 남구`: the whole name of where a postal code is today, as closely as it is known.
    pub fn full_name(&self, zip_code: &str) -> Option<&str> {
        let district = || self.sigungu(self.lookup(zip_code).district()?);
        self.general_gu(zip_code).or_else(district).map(|region| region.full_name.as_str())
    }

    /// Today's 시/군/구 of that name, as it is typed or chosen: `경상북도 포항시`, `경북 포항시`.
    pub fn named(&self, name: &str) -> Option<&Region> {
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        let districts = || self.current().regions.iter().filter(|region| region.level == 1);
        districts()
            .find(|region| region.full_name == name)
            .or_else(|| districts().find(|region| self.display_name(region.code).as_deref() == Some(&*name)))
    }

    /// Today's 시/군/구 that an address begins with, if it does: a guess for whoever corrects by hand.
    pub fn guess(&self, address: &str) -> Option<&Region> {
        let mut words = address.split_whitespace();
        let first = words.next()?;
        let second = words.next().unwrap_or_default();
        let sido = self.sidos().find(|sido| sido.full_name == first || sido.short_name == first)?;
        let only = self.sigungus_of(sido.code).find(|region| region.full_name == sido.full_name);
        only.or_else(|| self.sigungus_of(sido.code).find(|region| region.short_name == second))
    }
}

#[cfg(test)]
mod tests {
    use super::super::embedded::tests::table;
    use super::*;

    fn name(districts: &Districts, zip_code: &str) -> String {
        match districts.lookup(zip_code) {
            Place::District { code } => districts.display_name(code).expect("a name"),
            Place::SidoOnly { sido } => format!("{} 미분류", districts.sido(sido).expect("a 시/도").short_name),
            Place::Unassigned => "미분류".to_owned(),
        }
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
            assert_eq!(districts.named(&region.full_name), Some(region));
            assert_eq!(districts.named(&districts.display_name(code).expect("a name")), Some(region));
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
        assert_eq!(districts.full_name("10200"), Some("경기도 고양시 일산서구"));
        assert_eq!(districts.general_gu("04524"), None);
        assert_eq!(districts.sigungu(41287).map(|city| &*city.short_name), Some("고양시"));
        assert_eq!(districts.names_on(41287, None), Some(("경기도", "경기도 고양시")));
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
    fn a_region_is_called_what_it_was_called_that_day() {
        let renamed = Region {
            code: 47110,
            level: 1,
            parent_code: Some(47000),
            full_name: "경상북도 포항특례시".to_owned(),
            short_name: "포항특례시".to_owned(),
        };
        let shipped = Districts::embedded();
        let day = NaiveDate::from_ymd_opt(2027, 1, 1).expect("a day");
        let districts =
            shipped.clone().with_edition(shipped.current().overlaid(day, &[renamed], &[]).expect("an edition"));
        assert_eq!(districts.display_name(47110).as_deref(), Some("경북 포항특례시"));
        assert_eq!(districts.display_name_on(47110, day.pred_opt()).as_deref(), Some("경북 포항시"));
        assert_eq!(
            districts.display_name_on(29170, Some(day)).as_deref(),
            Some("광주 북구"),
            "given up before that day"
        );
        assert_eq!(districts.valid_from(), day);
    }

    #[test]
    fn a_correction_by_hand_stands_above_every_edition() {
        let corrected = BTreeMap::from([("37655".to_owned(), 47130), ("135080".to_owned(), 11680)]);
        let districts = Districts::embedded().with_corrections(corrected);
        assert_eq!(name(&districts, "37655"), "경북 경주시");
        assert_eq!(districts.general_gu("37655"), None, "no 일반구 of another city");
        assert_eq!(name(&districts, "135-080"), "서울 강남구");
        let newer = districts.current().overlaid(NaiveDate::MAX, &[], &[]).expect("an edition");
        assert_eq!(name(&districts.with_edition(newer), "37655"), "경북 경주시");
    }

    #[test]
    fn an_address_says_where_it_is() {
        let districts = Districts::embedded();
        let guess = |address| districts.guess(address).map(|region| region.full_name.as_str());
        assert_eq!(guess("경상북도 포항시 북구 예시로 12"), Some("경상북도 포항시"));
        assert_eq!(guess("경북 포항시 북구 예시로 12"), Some("경상북도 포항시"));
        assert_eq!(guess("경북 포항시 예시로 12"), Some("경상북도 포항시"));
        assert_eq!(guess("세종 한누리대로 2130"), Some("세종특별자치시"));
        assert_eq!(guess("포항시 북구"), None);
        assert_eq!(guess(""), None);
    }
}

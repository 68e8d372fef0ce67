//! The table of postal codes and their regions.
//!
//! Postal codes are the five-digit ones in use since 2015-08-01. Region codes are the first five digits of the
//! 법정동코드: `47110` is 포항시, `47111` its 남구, `47000` 경상북도. Regions change, so the table has several
//! [`Edition`]s, each valid from a date on. Older editions keep the names of removed regions.
//!
//! An order under way is classified by the current edition. A delivered order keeps its district, and shows
//! the name that district had on the delivery date.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::edition::{Edition, POSTAL_CODES, PostalRange, TableError};
use super::embedded;
use super::region::Region;
use chrono::NaiveDate;

/// The result of classifying a postal code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Classification {
    /// the 시/군/구 is known
    District {
        /// 시/군/구 code, as orders store it
        code: i64,
    },
    /// the 시/도 is known, but the postal code is assigned to no 시/군/구: 미분류
    SidoOnly {
        /// 시/도 code
        sido: i64,
    },
    /// not a five-digit Korean postal code: 미분류
    Unassigned,
}

impl Classification {
    /// The 시/군/구 code to store; none is 미분류.
    pub const fn district(self) -> Option<i64> {
        match self {
            Self::District { code } => Some(code),
            Self::SidoOnly { .. } | Self::Unassigned => None,
        }
    }
}

/// Normalises a postal code to its digits, padded to five: `4524`, as Excel writes it, becomes `04524`; the
/// old code `135-080` becomes `135080`. None without a digit.
pub fn postal_key(zip_code: &str) -> Option<String> {
    let whole = zip_code.split('.').next().unwrap_or_default();
    let digits: String = whole.chars().filter(char::is_ascii_digit).collect();
    (!digits.is_empty()).then(|| format!("{digits:0>5}"))
}

/// The number of a five-digit postal code; none for other keys.
fn postal_number(key: &str) -> Option<u32> {
    if key.len() == 5 { key.parse().ok() } else { None }
}

/// Postal codes and regions of all editions, with manual corrections. Immutable and cheap to clone.
#[derive(Clone, Debug)]
pub struct Districts {
    /// newest first, never empty
    editions: Vec<Arc<Edition>>,
    /// manual corrections, which override every edition: [`postal_key`] → 시/군/구 code
    corrections: Arc<BTreeMap<String, i64>>,
    /// points that were corrected by hand: [`postal_key`] → point
    points: Arc<BTreeMap<String, CorrectedPoint>>,
}

/// A point that was set by hand for a postal code, in millionths of a degree (WGS84).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CorrectedPoint {
    /// latitude
    pub lat: i64,
    /// longitude
    pub lng: i64,
}

impl Districts {
    /// The embedded table.
    pub fn embedded() -> Self {
        Self { editions: embedded::editions(), corrections: Arc::default(), points: Arc::default() }
    }

    /// Adds an edition. Of two editions of one date, the one added later is the newer.
    #[must_use]
    pub fn with_edition(mut self, edition: Edition) -> Self {
        let at = self.editions.partition_point(|other| other.valid_from > edition.valid_from);
        self.editions.insert(at, Arc::new(edition));
        self
    }

    /// Adds an edition: the one valid on `valid_from`, overridden by the regions and ranges of a list.
    ///
    /// # Errors
    /// The list contradicts itself: see [`Edition::overlay`].
    pub fn with_list(
        self,
        regions: &[Region],
        ranges: &[PostalRange],
        valid_from: NaiveDate,
    ) -> Result<Self, TableError> {
        let edition = self.edition_on(valid_from).overlay(valid_from, regions, ranges)?;
        Ok(self.with_edition(edition))
    }

    /// The first and last date from which a newer list may be valid: not before the current edition, and not
    /// in the future.
    pub fn valid_from_bounds(&self, today: NaiveDate) -> (NaiveDate, NaiveDate) {
        (self.valid_from(), today.max(self.valid_from()))
    }

    /// Replaces the manual corrections: [`postal_key`] → 시/군/구 code.
    #[must_use]
    pub fn with_corrections(mut self, corrections: BTreeMap<String, i64>) -> Self {
        self.corrections = Arc::new(corrections);
        self
    }

    /// Replaces the points that were corrected by hand: [`postal_key`] → point.
    #[must_use]
    pub fn with_points(mut self, points: BTreeMap<String, CorrectedPoint>) -> Self {
        self.points = Arc::new(points);
        self
    }

    /// The point that was set by hand for a [`postal_key`].
    pub fn corrected_point(&self, key: &str) -> Option<CorrectedPoint> {
        self.points.get(key).copied()
    }

    /// The newest edition.
    pub fn current_edition(&self) -> &Edition {
        &self.editions[0]
    }

    /// The edition valid on `date`; before all of them, the newest.
    fn edition_on(&self, date: NaiveDate) -> &Edition {
        self.editions.iter().find(|edition| edition.valid_from <= date).unwrap_or(&self.editions[0])
    }

    /// Classifies a postal code by the current edition. Accepts every spelling that [`postal_key`] accepts.
    pub fn lookup(&self, zip_code: &str) -> Classification {
        let Some(key) = postal_key(zip_code) else { return Classification::Unassigned };
        if let Some(code) = self.corrections.get(&key) {
            return Classification::District { code: *code };
        }
        let edition = self.current_edition();
        let Some(code) = postal_number(&key).and_then(|zip| edition.code(zip)) else {
            return Classification::Unassigned;
        };
        match edition.sigungu(code) {
            Some(region) => Classification::District { code: region.code },
            None => Classification::SidoOnly { sido: code },
        }
    }

    /// The 시/군/구 of each of these five-digit postal codes by the current edition: as [`lookup`](Self::lookup), for many codes
    /// at once and best in their order.
    pub fn sigungus_of(&self, zips: impl IntoIterator<Item = u32>) -> impl Iterator<Item = Option<i64>> {
        let corrected: BTreeMap<u32, i64> =
            self.corrections.iter().filter_map(|(key, code)| Some((postal_number(key)?, *code))).collect();
        let edition = self.current_edition();
        let mut last = (0, None);
        zips.into_iter().map(move |zip| {
            if let Some(code) = corrected.get(&zip) {
                return Some(*code);
            }
            let code = edition.code(zip)?;
            if last.0 != code {
                last = (code, edition.sigungu(code).map(|region| region.code));
            }
            last.1
        })
    }

    /// First day of the current edition.
    pub fn valid_from(&self) -> NaiveDate {
        self.current_edition().valid_from
    }

    /// The region of that code, also one that the current edition has dropped.
    pub fn region(&self, code: i64) -> Option<&Region> {
        self.editions.iter().find_map(|edition| edition.region(code))
    }

    /// The 시/군/구 of that code; for a 일반구 its city.
    pub fn sigungu(&self, code: i64) -> Option<&Region> {
        self.editions.iter().find_map(|edition| edition.sigungu(code))
    }

    /// The 시/도 of that code, or the one that contains the region of that code.
    pub fn sido(&self, code: i64) -> Option<&Region> {
        self.editions.iter().find_map(|edition| edition.sido(code))
    }

    /// 시/도 and 시/군/구 of that code as of `day`; none is today.
    fn regions_on(&self, code: i64, day: Option<NaiveDate>) -> Option<(&Region, &Region)> {
        let of = |edition| Edition::sido(edition, code).zip(Edition::sigungu(edition, code));
        day.and_then(|day| of(self.edition_on(day))).or_else(|| self.editions.iter().find_map(|edition| of(edition)))
    }

    /// Full names of the 시/도 and the 시/군/구 as of `day`; none is today.
    pub fn names_on(&self, code: i64, day: Option<NaiveDate>) -> Option<(&str, &str)> {
        let (sido, sigungu) = self.regions_on(code, day)?;
        Some((&sido.full_name, &sigungu.full_name))
    }

    /// Short name of a 시/군/구 for lists: `경북 포항시`; for 세종 `세종`.
    pub fn display_name(&self, code: i64) -> Option<String> {
        self.display_name_on(code, None)
    }

    /// [`Districts::display_name`] as of `day`; none is today.
    pub fn display_name_on(&self, code: i64, day: Option<NaiveDate>) -> Option<String> {
        let (sido, sigungu) = self.regions_on(code, day)?;
        if sido.full_name == sigungu.full_name {
            return Some(sido.short_name.clone());
        }
        Some(format!("{} {}", sido.short_name, sigungu.short_name))
    }

    /// The 시/도 of the current edition, by code.
    pub fn sidos(&self) -> impl Iterator<Item = &Region> {
        self.current_edition().regions.iter().filter(|region| region.level == 0)
    }

    /// The 시/군/구 of a 시/도, or the 일반구 of a city, by code.
    pub fn children_of(&self, parent: i64) -> impl Iterator<Item = &Region> {
        self.current_edition().regions.iter().filter(move |region| region.parent_code == Some(parent))
    }

    /// Blocks of postal codes with the same first three digits that belong to one 시/군/구 entirely: first
    /// postal code, last postal code, 시/군/구 code.
    pub fn postal_blocks(&self) -> impl Iterator<Item = (u32, u32, i64)> {
        (0..POSTAL_CODES).step_by(100).filter_map(|start| {
            let code =
                |zip: u32| self.current_edition().code(zip).and_then(|code| self.current_edition().sigungu(code));
            let first = code(start)?;
            let whole = (start..start + 100).all(|zip| code(zip) == Some(first));
            whole.then_some((start, start + 99, first.code))
        })
    }

    /// The 일반구 of a postal code, if its city has any and the postal code is known.
    pub fn general_gu(&self, zip_code: &str) -> Option<&Region> {
        let zip = postal_number(&postal_key(zip_code)?)?;
        let region =
            self.current_edition().region(self.current_edition().code(zip)?).filter(|region| region.level == 2)?;
        (self.lookup(zip_code).district() == region.parent_code).then_some(region)
    }

    /// The postal codes of a 일반구, or of all 일반구 of a city, by [`Districts::general_gu`].
    pub fn zip_codes_of_gu(&self, city: i64, gu: Option<i64>) -> Vec<String> {
        let is_inside = |zip: &String| {
            let found = self.general_gu(zip).filter(|found| found.parent_code == Some(city));
            found.is_some_and(|found| gu.is_none_or(|gu| gu == found.code))
        };
        (1..100_000).map(|zip| format!("{zip:05}")).filter(is_inside).collect()
    }

    /// Full name of the deepest known region of a postal code: `경상북도 포항시 남구`.
    pub fn full_name(&self, zip_code: &str) -> Option<&str> {
        let district = || self.sigungu(self.lookup(zip_code).district()?);
        self.general_gu(zip_code).or_else(district).map(|region| region.full_name.as_str())
    }

    /// The 시/군/구 of that full name or [display name](Districts::display_name).
    pub fn find_by_name(&self, name: &str) -> Option<&Region> {
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        let districts = || self.current_edition().regions.iter().filter(|region| region.level == 1);
        districts()
            .find(|region| region.full_name == name)
            .or_else(|| districts().find(|region| self.display_name(region.code).as_deref() == Some(&*name)))
    }

    /// The 시/군/구 that a written address starts with: after its 시/도 (`경상북도 포항시`, `경북 포항시`), or alone if only
    /// one 시/도 has a 시/군/구 of that name (`포항시`, but not `중구`).
    pub fn find_by_address(&self, address: &str) -> Option<&Region> {
        let mut words = address.split(|letter: char| letter.is_whitespace() || letter == ',');
        let mut words = words.by_ref().filter(|word| !word.is_empty()).skip_while(|word| *word == "대한민국");
        let (first, second) = (words.next()?, words.next().unwrap_or_default());
        if let Some(sido) = self.sidos().find(|sido| is_sido_name(sido, first)) {
            let only = self.children_of(sido.code).find(|region| region.full_name == sido.full_name);
            return only.or_else(|| self.children_of(sido.code).find(|region| region.short_name == second));
        }
        let districts = self.current_edition().regions.iter();
        let mut named = districts.filter(|region| region.level == 1 && region.short_name == first);
        named.next().filter(|_| named.next().is_none())
    }

    /// The 시/군/구 code of a recipient: by the postal code; without one by the written address.
    pub fn district_of(&self, zip_code: &str, address: &str) -> Option<i64> {
        if is_blank_zip_code(zip_code) {
            return self.find_by_address(address).map(|region| region.code);
        }
        self.lookup(zip_code).district()
    }

    /// The names of two 시/군/구: that of the postal code, and another one with which the written address begins. Where the
    /// address was changed and its code was forgotten, a truck would drive to the former place.
    pub fn mismatch(&self, zip_code: &str, address: &str) -> Option<(String, String)> {
        let (of_code, of_address) = (self.lookup(zip_code).district()?, self.find_by_address(address)?.code);
        (of_code != of_address).then(|| Some((self.display_name(of_code)?, self.display_name(of_address)?)))?
    }

    /// Whether the district `code` of a recipient was found by the written address.
    pub fn is_found_by_address(&self, code: Option<i64>, zip_code: &str, address: &str) -> bool {
        code.is_some() && is_blank_zip_code(zip_code) && self.district_of(zip_code, address) == code
    }
}

/// Whether nothing was stated as the postal code.
fn is_blank_zip_code(zip_code: &str) -> bool {
    postal_key(zip_code).is_none_or(|key| key.bytes().all(|digit| digit == b'0'))
}

/// Former and short names of 시/도 that people still write, beside those of the list, by its code.
const OTHER_SIDO_NAMES: [(i64, &[&str]); 2] =
    [(12_000, &["광주광역시", "광주", "전라남도", "전남"]), (52_000, &["전라북도"])];

/// Whether a word names a 시/도: in full, short, or short with 시 or 도.
fn is_sido_name(sido: &Region, word: &str) -> bool {
    let is_short = word.strip_prefix(&*sido.short_name).is_some_and(|rest| ["", "시", "도"].contains(&rest));
    let others = OTHER_SIDO_NAMES.iter().find(|(code, _)| *code == sido.code).map_or(&[][..], |(_, names)| *names);
    sido.full_name == word || is_short || others.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::super::embedded::tests::table;
    use super::*;

    fn name(districts: &Districts, zip_code: &str) -> String {
        match districts.lookup(zip_code) {
            Classification::District { code } => districts.display_name(code).expect("a name"),
            Classification::SidoOnly { sido } => {
                format!("{} 미분류", districts.sido(sido).expect("a 시/도").short_name)
            }
            Classification::Unassigned => "미분류".to_owned(),
        }
    }

    #[test]
    fn every_postal_code_has_the_region_of_the_table() {
        let districts = Districts::embedded();
        let exceptions: Vec<(u32, i64)> = vec![(22883, 28275), (22702, 28275), (22849, 28275)];
        let mut next = 1000;
        for (start, end, sido, code) in table() {
            assert_eq!(start, next, "the ranges leave no gap");
            next = end + 1;
            for zip in start..=end {
                let found = districts.lookup(&format!("{zip:05}"));
                if let Some((_, code)) = exceptions.iter().find(|(exception, _)| *exception == zip) {
                    assert_eq!(found, Classification::District { code: *code });
                    continue;
                }
                match (found, code) {
                    (Classification::District { code: actual }, Some(code)) => assert_eq!(actual, code, "{zip}"),
                    (Classification::SidoOnly { sido: actual }, None) => {
                        assert_eq!(districts.sido(actual).expect("a 시/도").full_name, sido, "{zip}");
                    }
                    (found, code) => panic!("{zip:05}: {found:?}, the table says {code:?}"),
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
            let sido_region = districts.sido(code).expect("a 시/도");
            assert_eq!((sido_region.level, &sido_region.full_name), (0, &sido));
            assert!(region.full_name.starts_with(&sido));
            assert!(districts.children_of(sido_region.code).any(|one| one.code == code));
            assert_eq!(districts.find_by_name(&region.full_name), Some(region));
            assert_eq!(districts.find_by_name(&districts.display_name(code).expect("a name")), Some(region));
        }
        assert_eq!(districts.sidos().count(), 16);
        let all: usize = districts.sidos().map(|sido| districts.children_of(sido.code).count()).sum();
        assert_eq!(all, 230);
    }

    #[test]
    fn leading_zeros_are_restored() {
        let districts = Districts::embedded();
        assert_eq!(name(&districts, "4524"), "서울 중구");
        assert_eq!(name(&districts, "04524"), "서울 중구");
        assert_eq!(name(&districts, " 04524 "), "서울 중구");
        assert_eq!(name(&districts, "4524.0"), "서울 중구");
    }

    #[test]
    fn other_texts_are_unassigned() {
        let districts = Districts::embedded();
        for zip_code in ["", "135-080", "135080", "99999", "64000", "00999", "12", "우편번호", "0000004524"] {
            assert_eq!(districts.lookup(zip_code), Classification::Unassigned, "{zip_code}");
        }
    }

    #[test]
    fn display_names_are_those_of_the_current_edition() {
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
    fn removed_district_keeps_its_name() {
        let districts = Districts::embedded();
        let before = districts.valid_from().pred_opt().expect("a day");
        assert_eq!(districts.edition_on(before).code(61_000), Some(29170));
        assert_eq!(districts.lookup("61000"), Classification::District { code: 12300 });
        assert_eq!(districts.display_name(29170).as_deref(), Some("광주 북구"));
    }

    #[test]
    fn display_name_on_a_date_is_that_of_its_edition() {
        let renamed = Region {
            code: 47110,
            level: 1,
            parent_code: Some(47000),
            full_name: "경상북도 포항특례시".to_owned(),
            short_name: "포항특례시".to_owned(),
        };
        let embedded = Districts::embedded();
        let day = NaiveDate::from_ymd_opt(2027, 1, 1).expect("a day");
        let districts = embedded
            .clone()
            .with_edition(embedded.current_edition().overlay(day, &[renamed], &[]).expect("an edition"));
        assert_eq!(districts.display_name(47110).as_deref(), Some("경북 포항특례시"));
        assert_eq!(districts.display_name_on(47110, day.pred_opt()).as_deref(), Some("경북 포항시"));
        assert_eq!(
            districts.display_name_on(29170, Some(day)).as_deref(),
            Some("광주 북구"),
            "removed before that day"
        );
        assert_eq!(districts.valid_from(), day);
    }

    #[test]
    fn address_of_another_district_than_its_code_is_told() {
        let districts = Districts::embedded();
        let names = |of_code: &str, of_address: &str| Some((of_code.to_owned(), of_address.to_owned()));
        assert_eq!(districts.mismatch("46661", "부산광역시 해운대구 시험로 12"), names("부산 북구", "부산 해운대구"));
        assert_eq!(districts.mismatch("46661", "부산 해운대구 시험로 12"), names("부산 북구", "부산 해운대구"));
        // A 일반구 belongs to its city, and what is not known is no doubt.
        for (zip_code, address) in [
            ("46661", "부산광역시 북구 시험로 12"),
            ("10200", "경기도 고양시 덕양구 화정로 1"),
            ("30151", "세종특별자치시 한누리대로 2130"),
            ("46661", "시험로 12"),
            ("46661", "중구 시험로 12"),
            ("", "부산광역시 해운대구 시험로 12"),
            ("135-080", "부산광역시 해운대구 시험로 12"),
        ] {
            assert_eq!(districts.mismatch(zip_code, address), None, "{zip_code} {address}");
        }
    }

    #[test]
    fn manual_correction_overrides_every_edition() {
        let corrections = BTreeMap::from([("37655".to_owned(), 47130), ("135080".to_owned(), 11680)]);
        let districts = Districts::embedded().with_corrections(corrections);
        let one_by_one = (0..100_000).map(|zip| districts.lookup(&format!("{zip:05}")).district());
        assert!(districts.sigungus_of(0..100_000).eq(one_by_one), "many at once are those one by one");
        assert_eq!(name(&districts, "37655"), "경북 경주시");
        assert_eq!(districts.general_gu("37655"), None, "no 일반구 of another city");
        assert_eq!(name(&districts, "135-080"), "서울 강남구");
        let newer = districts.current_edition().overlay(NaiveDate::MAX, &[], &[]).expect("an edition");
        assert_eq!(name(&districts.with_edition(newer), "37655"), "경북 경주시");
    }

    #[test]
    fn district_is_found_by_the_start_of_an_address() {
        let districts = Districts::embedded();
        let guess = |address| districts.find_by_address(address).map(|region| region.full_name.as_str());
        assert_eq!(guess("경상북도 포항시 북구 예시로 12"), Some("경상북도 포항시"));
        assert_eq!(guess("경북 포항시 북구 예시로 12"), Some("경상북도 포항시"));
        assert_eq!(guess("경북 포항시 예시로 12"), Some("경상북도 포항시"));
        assert_eq!(guess("세종 한누리대로 2130"), Some("세종특별자치시"));
        assert_eq!(guess("포항시 북구"), Some("경상북도 포항시"), "only one 시/도 has it");
        assert_eq!(guess("대한민국 서울시, 강남구 예시로 12"), Some("서울특별시 강남구"));
        assert_eq!(guess("서울특별시 강남구 예시로 12"), Some("서울특별시 강남구"));
        assert_eq!(guess("강원도 춘천시 예시로 12"), Some("강원특별자치도 춘천시"));
        assert_eq!(guess("전라북도 전주시 완산구 예시로 12"), Some("전북특별자치도 전주시"));
        assert_eq!(guess("광주광역시 북구 예시로 12"), Some("전남광주통합특별시 북구"));
        assert_eq!(guess("광주시 오포읍"), Some("경기도 광주시"), "no 광역시");
        for unclear in ["", "중구 예시로 12", "경상북도", "경상북도 예시로 12", "서울 포항시", "예시로 12"]
        {
            assert_eq!(guess(unclear), None, "{unclear}");
        }
    }

    #[test]
    fn address_counts_only_without_a_postal_code() {
        let districts = Districts::embedded();
        let of = |zip_code, address| districts.district_of(zip_code, address);
        let pohang = Some(47_110);
        for none in ["", "-", " ", "00000"] {
            assert_eq!(of(none, "경북 포항시 북구 예시로 12"), pohang, "{none:?}");
            assert!(districts.is_found_by_address(pohang, none, "경북 포항시 북구 예시로 12"));
        }
        assert_eq!(of("04524", "경북 포항시 북구 예시로 12"), districts.lookup("04524").district());
        assert_eq!(of("99999", "경북 포항시 북구 예시로 12"), None, "a wrong one is for a person to decide");
        assert!(!districts.is_found_by_address(pohang, "37683", "경북 포항시 북구 예시로 12"));
        assert!(!districts.is_found_by_address(Some(1), "", "경북 포항시 북구 예시로 12"), "corrected by a member");
        assert!(!districts.is_found_by_address(None, "", "예시로 12"));
    }
}

//! One edition of the table: the region of each postal code from a date on.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use thiserror::Error;

use super::region::{Region, find};

/// Number of five-digit postal codes.
pub(super) const POSTAL_CODES: u32 = 100_000;

/// Why a table is invalid.
#[derive(Debug, Error)]
pub enum TableError {
    /// a line does not have the columns of the table
    #[error("the table cannot be read: {0}")]
    Unreadable(#[from] csv::Error),
    /// the regions have no 시/도 of this name
    #[error("postal code {zip:05}: no 시/도 is called {name}")]
    UnknownSido {
        /// first postal code of the range
        zip: u32,
        /// the name
        name: String,
    },
    /// the regions have no region of this code
    #[error("postal code {zip:05}: no region has the code {code}")]
    UnknownRegion {
        /// first postal code of the range
        zip: u32,
        /// the region code
        code: i64,
    },
    /// the 일반구 of a postal code belongs to another city than the postal code
    #[error("postal code {zip:05}: the 일반구 belongs to another city")]
    OutsideItsCity {
        /// the postal code
        zip: u32,
    },
    /// two ranges overlap, or a range is empty or exceeds the last postal code
    #[error("the range that starts at {zip:05} overlaps another, is empty or ends too far")]
    Overlap {
        /// first postal code of the range
        zip: u32,
    },
}

/// Consecutive postal codes of one region; both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostalRange {
    /// first postal code
    pub start: u32,
    /// last postal code
    pub end: u32,
    /// region code, of any level
    pub code: i64,
}

/// The table as it is valid from one date until the next edition.
#[derive(Clone, Debug)]
pub struct Edition {
    /// first day of validity
    pub(super) valid_from: NaiveDate,
    /// sorted by code
    pub(super) regions: Vec<Region>,
    /// Region code of each postal code, of the deepest known level; 0 is none. 400 kB, for a lookup by index.
    codes: Box<[u32]>,
}

impl Edition {
    pub(super) fn new(valid_from: NaiveDate, mut regions: Vec<Region>) -> Self {
        regions.sort_by_key(|region| region.code);
        Self { valid_from, regions, codes: vec![0; POSTAL_CODES as usize].into_boxed_slice() }
    }

    /// A new edition: this one overridden by the `regions` and `ranges` of a newer list. Drops a region
    /// that loses its last postal code.
    ///
    /// # Errors
    /// [`TableError::UnknownRegion`] for a range without a region, [`TableError::Overlap`] for a range that is
    /// empty or exceeds the last postal code.
    pub fn overlay(
        &self,
        valid_from: NaiveDate,
        regions: &[Region],
        ranges: &[PostalRange],
    ) -> Result<Self, TableError> {
        let mut all: BTreeMap<i64, Region> = self.regions.iter().map(|region| (region.code, region.clone())).collect();
        all.extend(regions.iter().map(|region| (region.code, region.clone())));
        let mut edition = Self { valid_from, regions: all.into_values().collect(), codes: self.codes.clone() };
        for range in ranges {
            edition.assign(range.start, range.end, range.code)?;
        }
        let (before, after) = (self.used_regions(), edition.used_regions());
        edition.regions.retain(|region| after.contains(&region.code) || !before.contains(&region.code));
        Ok(edition)
    }

    /// Every 시/군/구 and 일반구 with at least one postal code, and the regions that contain them.
    fn used_regions(&self) -> BTreeSet<i64> {
        let mut used = BTreeSet::new();
        let (mut last, mut codes) = (0, self.codes.iter().copied());
        while let Some(code) = codes.find(|code| *code != last) {
            last = code;
            let mut region = self.region(code.into()).filter(|region| region.level > 0);
            while let Some(inside) = region {
                used.insert(inside.code);
                region = inside.parent_code.and_then(|parent| self.region(parent));
            }
        }
        used
    }

    /// Assigns the postal codes from `start` to `end` to the region of that code.
    ///
    /// # Errors
    /// As [`Edition::overlay`].
    pub(super) fn assign(&mut self, start: u32, end: u32, code: i64) -> Result<(), TableError> {
        let known = find(&self.regions, code).and_then(|region| u32::try_from(region.code).ok());
        let known = known.ok_or(TableError::UnknownRegion { zip: start, code })?;
        if end < start {
            return Err(TableError::Overlap { zip: start });
        }
        let codes = self.codes.get_mut(start as usize..=end as usize).ok_or(TableError::Overlap { zip: start })?;
        codes.fill(known);
        Ok(())
    }

    /// Checks that no two ranges overlap.
    ///
    /// # Errors
    /// [`TableError::Overlap`] otherwise.
    pub(super) fn check_disjoint(&self, ranges: impl Iterator<Item = (u32, u32)>) -> Result<(), TableError> {
        let mut ranges: Vec<(u32, u32)> = ranges.collect();
        ranges.sort_unstable();
        let mut free = 0;
        for (start, end) in ranges {
            if start < free || end < start || end as usize >= self.codes.len() {
                return Err(TableError::Overlap { zip: start });
            }
            free = end + 1;
        }
        Ok(())
    }

    /// The region code of a postal code, of the deepest known level.
    pub fn code(&self, zip: u32) -> Option<i64> {
        self.codes.get(zip as usize).filter(|code| **code != 0).map(|code| i64::from(*code))
    }

    /// All regions, sorted by code.
    pub fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// The region of that code.
    pub fn region(&self, code: i64) -> Option<&Region> {
        find(&self.regions, code)
    }

    /// The 시/군/구 of a region: the region itself, or the city of a 일반구; none for a 시/도.
    pub fn sigungu(&self, code: i64) -> Option<&Region> {
        let region = self.region(code)?;
        match region.level {
            0 => None,
            1 => Some(region),
            _ => self.sigungu(region.parent_code?),
        }
    }

    /// The 시/도 of a region: the region itself, or its outermost parent.
    pub fn sido(&self, code: i64) -> Option<&Region> {
        let region = self.region(code)?;
        region.parent_code.map_or(Some(region), |parent| self.sido(parent))
    }

    /// The table as the fewest ranges, in order.
    pub fn ranges(&self) -> Vec<PostalRange> {
        let mut ranges: Vec<PostalRange> = Vec::new();
        for (zip, code) in (0..POSTAL_CODES).filter_map(|zip| Some((zip, self.code(zip)?))) {
            match ranges.last_mut() {
                Some(range) if range.code == code && range.end + 1 == zip => range.end = zip,
                _ => ranges.push(PostalRange { start: zip, end: zip, code }),
            }
        }
        ranges
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn region(code: i64) -> Region {
        let name = format!("{code}");
        Region { code, level: 1, parent_code: None, full_name: name.clone(), short_name: name }
    }

    fn ranges() -> impl Strategy<Value = Vec<PostalRange>> {
        let range = (0..POSTAL_CODES, 0_u32..3_000, 1_i64..6).prop_map(|(start, length, code)| PostalRange {
            start,
            end: (start + length).min(POSTAL_CODES - 1),
            code,
        });
        prop::collection::vec(range, 0..12)
    }

    fn edition(ranges: &[PostalRange]) -> Edition {
        let regions: Vec<Region> = (1..6).map(region).collect();
        Edition::new(NaiveDate::MIN, Vec::new()).overlay(NaiveDate::MIN, &regions, ranges).expect("fits")
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Every postal code has the region of the last range that contains it.
        #[test]
        fn newer_list_overrides_only_its_own_ranges(under in ranges(), over in ranges(), zips in prop::collection::vec(0..POSTAL_CODES, 40)) {
            let last = |ranges: &[PostalRange], zip: u32| {
                ranges.iter().rev().find(|range| range.start <= zip && zip <= range.end).map(|range| range.code)
            };
            let below = edition(&under);
            let above = below.overlay(NaiveDate::MAX, &[], &over).expect("fits");
            let ends = under.iter().chain(&over).flat_map(|range| [range.start, range.end, range.start.saturating_sub(1), range.end + 1]);
            for zip in zips.into_iter().chain(ends) {
                prop_assert_eq!(above.code(zip), last(&over, zip).or_else(|| last(&under, zip)));
                prop_assert_eq!(below.code(zip), last(&under, zip));
            }
        }

        #[test]
        fn ranges_of_an_edition_rebuild_the_same_edition(given in ranges()) {
            let one = edition(&given);
            let again = edition(&one.ranges());
            prop_assert!((0..POSTAL_CODES).all(|zip| one.code(zip) == again.code(zip)));
            prop_assert!(one.ranges().windows(2).all(|two| two[0].end < two[1].start));
        }
    }

    #[test]
    fn region_without_postal_codes_is_dropped() {
        let one = edition(&[PostalRange { start: 10, end: 20, code: 1 }, PostalRange { start: 21, end: 30, code: 2 }]);
        let codes = |edition: &Edition| edition.regions.iter().map(|region| region.code).collect::<Vec<_>>();
        let some = one.overlay(NaiveDate::MAX, &[], &[PostalRange { start: 10, end: 19, code: 2 }]).expect("fits");
        assert_eq!(codes(&some), [1, 2, 3, 4, 5]);
        let all = some.overlay(NaiveDate::MAX, &[], &[PostalRange { start: 20, end: 20, code: 2 }]).expect("fits");
        assert_eq!(codes(&all), [2, 3, 4, 5], "regions that never had a postal code stay");
    }

    #[test]
    fn range_without_region_or_beyond_the_last_code_is_rejected() {
        let one = edition(&[]);
        let range = |start, end, code| one.overlay(NaiveDate::MIN, &[], &[PostalRange { start, end, code }]);
        assert!(matches!(range(1, 2, 9), Err(TableError::UnknownRegion { zip: 1, code: 9 })));
        assert!(matches!(range(99_999, POSTAL_CODES, 1), Err(TableError::Overlap { zip: 99_999 })));
        assert!(matches!(range(2, 1, 1), Err(TableError::Overlap { zip: 2 })));
    }
}

//! The districts as they are from one day on: which region each postal code lies in.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use thiserror::Error;

use super::region::Region;

/// Five digits make so many codes.
pub(super) const CODES: u32 = 100_000;

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
    /// A region that the list of regions does not have.
    #[error("postal code {zip:05}: no region has the code {code}")]
    UnknownRegion {
        /// first code of the range
        zip: u32,
        /// the code
        code: i64,
    },
    /// A code whose 일반구 is none of its city.
    #[error("postal code {zip:05}: the 일반구 belongs to another city")]
    OutsideItsCity {
        /// the code
        zip: u32,
    },
    /// Two ranges share a code, or a range ends before it begins or beyond the last code.
    #[error("the range that begins with {zip:05} overlaps another, or ends before it begins or too far")]
    Overlap {
        /// first code of the range
        zip: u32,
    },
}

/// Postal codes in a row that lie in one region; both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// the first code
    pub start: u32,
    /// the last code
    pub end: u32,
    /// the region, of any level
    pub code: i64,
}

/// The districts as they are from one day on, until the next edition.
#[derive(Clone, Debug)]
pub struct Edition {
    /// the first day
    pub(super) valid_from: NaiveDate,
    /// by code
    pub(super) regions: Vec<Region>,
    /// The region of each postal code, as closely as it is known; 0 is none. 400 kB, and every
    /// question is one look.
    codes: Box<[u32]>,
}

/// The region of that code in a list sorted by code.
pub(super) fn find(regions: &[Region], code: i64) -> Option<&Region> {
    regions.binary_search_by_key(&code, |region| region.code).ok().and_then(|at| regions.get(at))
}

impl Edition {
    pub(super) fn new(valid_from: NaiveDate, mut regions: Vec<Region>) -> Self {
        regions.sort_by_key(|region| region.code);
        Self { valid_from, regions, codes: vec![0; CODES as usize].into_boxed_slice() }
    }

    /// This edition with the `runs` of a newer list laid over it, and its `regions` beside those
    /// known or in their place. A region that loses its last code to others is given up.
    ///
    /// # Errors
    /// A run has no region or is no range of codes.
    pub fn overlaid(&self, valid_from: NaiveDate, regions: &[Region], runs: &[Run]) -> Result<Self, TableError> {
        let mut all: BTreeMap<i64, Region> = self.regions.iter().map(|region| (region.code, region.clone())).collect();
        all.extend(regions.iter().map(|region| (region.code, region.clone())));
        let mut over = Self { valid_from, regions: all.into_values().collect(), codes: self.codes.clone() };
        for run in runs {
            over.put(run.start, run.end, run.code)?;
        }
        let (before, after) = (self.used(), over.used());
        over.regions.retain(|region| after.contains(&region.code) || !before.contains(&region.code));
        Ok(over)
    }

    /// The regions in which codes of a 시/군/구 lie, and those around them.
    fn used(&self) -> BTreeSet<i64> {
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

    pub(super) fn put(&mut self, start: u32, end: u32, code: i64) -> Result<(), TableError> {
        let known = find(&self.regions, code).and_then(|region| u32::try_from(region.code).ok());
        let known = known.ok_or(TableError::UnknownRegion { zip: start, code })?;
        if end < start {
            return Err(TableError::Overlap { zip: start });
        }
        let codes = self.codes.get_mut(start as usize..=end as usize).ok_or(TableError::Overlap { zip: start })?;
        codes.fill(known);
        Ok(())
    }

    /// Whether no two ranges share a code.
    pub(super) fn check_apart(&self, ranges: impl Iterator<Item = (u32, u32)>) -> Result<(), TableError> {
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

    /// The region of a postal code, of any level.
    pub fn code(&self, zip: u32) -> Option<i64> {
        self.codes.get(zip as usize).filter(|code| **code != 0).map(|code| i64::from(*code))
    }

    /// Every region, by code.
    pub fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// The region of that code.
    pub fn region(&self, code: i64) -> Option<&Region> {
        find(&self.regions, code)
    }

    /// The 시/군/구 around a region: itself, or the city of a 일반구; none for a 시/도.
    pub fn sigungu(&self, code: i64) -> Option<&Region> {
        let region = self.region(code)?;
        match region.level {
            0 => None,
            1 => Some(region),
            _ => self.sigungu(region.parent_code?),
        }
    }

    /// The 시/도 around a region: itself, or the one above.
    pub fn sido(&self, code: i64) -> Option<&Region> {
        let region = self.region(code)?;
        region.parent_code.map_or(Some(region), |parent| self.sido(parent))
    }

    /// The codes that lie in a region, in rows as long as they are without gap.
    pub fn runs(&self) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for (zip, code) in (0..CODES).filter_map(|zip| Some((zip, self.code(zip)?))) {
            match runs.last_mut() {
                Some(run) if run.code == code && run.end + 1 == zip => run.end = zip,
                _ => runs.push(Run { start: zip, end: zip, code }),
            }
        }
        runs
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

    fn runs() -> impl Strategy<Value = Vec<Run>> {
        let run = (0..CODES, 0_u32..3_000, 1_i64..6).prop_map(|(start, length, code)| Run {
            start,
            end: (start + length).min(CODES - 1),
            code,
        });
        prop::collection::vec(run, 0..12)
    }

    fn edition(runs: &[Run]) -> Edition {
        let regions: Vec<Region> = (1..6).map(region).collect();
        Edition::new(NaiveDate::MIN, Vec::new()).overlaid(NaiveDate::MIN, &regions, runs).expect("fits")
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Each code is where the last list that names it says, and where it was if none does.
        #[test]
        fn a_newer_list_has_the_last_word_on_what_it_names(under in runs(), over in runs(), zips in prop::collection::vec(0..CODES, 40)) {
            let last = |runs: &[Run], zip: u32| {
                runs.iter().rev().find(|run| run.start <= zip && zip <= run.end).map(|run| run.code)
            };
            let below = edition(&under);
            let above = below.overlaid(NaiveDate::MAX, &[], &over).expect("fits");
            let ends = under.iter().chain(&over).flat_map(|run| [run.start, run.end, run.start.saturating_sub(1), run.end + 1]);
            for zip in zips.into_iter().chain(ends) {
                prop_assert_eq!(above.code(zip), last(&over, zip).or_else(|| last(&under, zip)));
                prop_assert_eq!(below.code(zip), last(&under, zip));
            }
        }

        /// What is stored of an edition gives the same edition again.
        #[test]
        fn the_runs_of_an_edition_make_it_anew(given in runs()) {
            let one = edition(&given);
            let again = edition(&one.runs());
            prop_assert!((0..CODES).all(|zip| one.code(zip) == again.code(zip)));
            prop_assert!(one.runs().windows(2).all(|two| two[0].end < two[1].start));
        }
    }

    #[test]
    fn a_region_that_loses_its_last_code_is_given_up() {
        let one = edition(&[Run { start: 10, end: 20, code: 1 }, Run { start: 21, end: 30, code: 2 }]);
        let codes = |edition: &Edition| edition.regions.iter().map(|region| region.code).collect::<Vec<_>>();
        let some = one.overlaid(NaiveDate::MAX, &[], &[Run { start: 10, end: 19, code: 2 }]).expect("fits");
        assert_eq!(codes(&some), [1, 2, 3, 4, 5]);
        let all = some.overlaid(NaiveDate::MAX, &[], &[Run { start: 20, end: 20, code: 2 }]).expect("fits");
        assert_eq!(codes(&all), [2, 3, 4, 5], "those that never had one stay");
    }

    #[test]
    fn a_run_without_region_or_beyond_the_last_code_is_refused() {
        let one = edition(&[]);
        let run = |start, end, code| one.overlaid(NaiveDate::MIN, &[], &[Run { start, end, code }]);
        assert!(matches!(run(1, 2, 9), Err(TableError::UnknownRegion { zip: 1, code: 9 })));
        assert!(matches!(run(99_999, CODES, 1), Err(TableError::Overlap { zip: 99_999 })));
        assert!(matches!(run(2, 1, 1), Err(TableError::Overlap { zip: 2 })));
    }
}

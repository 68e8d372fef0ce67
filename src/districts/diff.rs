//! The difference between two states of the table, for the preview of a newer list. Its JSON keys are those
//! of `mukkeum import districts --json`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::edition::POSTAL_CODES;
use super::model::Districts;
use super::region::Region;

/// A region with another name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RenamedRegion {
    /// region code, the same before and after
    pub code: i64,
    /// full name before
    pub was: String,
    /// full name after
    pub is: String,
}

/// Postal codes that change from one 시/군/구 to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MovedCodes {
    /// full name of the 시/군/구 before; none is 미분류
    pub was: Option<String>,
    /// full name of the 시/군/구 after; none is 미분류
    pub is: Option<String>,
    /// number of postal codes
    pub codes: u32,
    /// the first of them
    pub example: String,
}

/// The difference between two states of the table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TableDiff {
    /// added regions
    pub added_regions: Vec<Region>,
    /// regions with another name
    pub renamed: Vec<RenamedRegion>,
    /// removed regions: they have no postal code left
    pub removed_regions: Vec<Region>,
    /// postal codes with another 시/군/구, by number descending
    pub moved: Vec<MovedCodes>,
    /// number of postal codes with another 일반구 of the same city
    pub general_gu: u32,
}

impl TableDiff {
    /// The difference from `before` to `after`.
    pub fn between(before: &Districts, after: &Districts) -> Self {
        let (was, is) = (before.current_edition(), after.current_edition());
        let mut moved: BTreeMap<(Option<i64>, Option<i64>), (u32, u32)> = BTreeMap::new();
        let mut general_gu = 0;
        for zip in (0..POSTAL_CODES).filter(|zip| was.code(*zip) != is.code(*zip)) {
            let district = |districts: &Districts| districts.lookup(&format!("{zip:05}")).district();
            let (from, to) = (district(before), district(after));
            if from == to {
                general_gu += 1;
            } else {
                moved.entry((from, to)).or_insert((0, zip)).0 += 1;
            }
        }
        let mut moved: Vec<MovedCodes> = moved
            .into_iter()
            .map(|((from, to), (codes, example))| MovedCodes {
                was: from.and_then(|code| before.sigungu(code)).map(|region| region.full_name.clone()),
                is: to.and_then(|code| after.sigungu(code)).map(|region| region.full_name.clone()),
                codes,
                example: format!("{example:05}"),
            })
            .collect();
        moved.sort_by_key(|moved| std::cmp::Reverse(moved.codes));
        let new_name =
            |region: &Region| Some(is.region(region.code)?.full_name.clone()).filter(|name| *name != region.full_name);
        Self {
            added_regions: is.regions.iter().filter(|region| was.region(region.code).is_none()).cloned().collect(),
            renamed: was
                .regions
                .iter()
                .filter_map(|region| {
                    Some(RenamedRegion { code: region.code, was: region.full_name.clone(), is: new_name(region)? })
                })
                .collect(),
            removed_regions: was.regions.iter().filter(|region| is.region(region.code).is_none()).cloned().collect(),
            moved,
            general_gu,
        }
    }

    /// Number of postal codes with another 시/군/구.
    pub fn moved_codes(&self) -> u32 {
        self.moved.iter().map(|moved| moved.codes).sum()
    }

    /// Whether both states are equal.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::edition::PostalRange;
    use super::*;

    #[test]
    fn diff_lists_added_renamed_removed_and_moved() {
        let before = Districts::embedded();
        let region = |code, level, parent: i64, full: &str, short: &str| Region {
            code,
            level,
            parent_code: Some(parent),
            full_name: full.to_owned(),
            short_name: short.to_owned(),
        };
        let regions = [
            region(47111, 2, 47110, "경상북도 포항시 남구", "포항시 남구"),
            region(47130, 1, 47000, "경상북도 경주특례시", "경주특례시"),
            region(47999, 1, 47000, "경상북도 새군", "새군"),
        ];
        let ulleung: Vec<PostalRange> = before
            .current_edition()
            .ranges()
            .into_iter()
            .filter(|range| range.code == 47940)
            .map(|range| PostalRange { code: 47999, ..range })
            .collect();
        let codes: u32 = ulleung.iter().map(|range| range.end - range.start + 1).sum();
        let ranges = [ulleung, vec![PostalRange { start: 37500, end: 37500, code: 47130 }]].concat();
        let after = before.current_edition().overlay(before.valid_from(), &regions, &ranges).expect("fits");
        let diff = TableDiff::between(&before, &before.clone().with_edition(after));
        assert_eq!(diff.added_regions.iter().map(|region| &*region.short_name).collect::<Vec<_>>(), ["새군"]);
        assert_eq!(diff.renamed.iter().map(|one| &*one.is).collect::<Vec<_>>(), ["경상북도 경주특례시"]);
        assert_eq!(diff.removed_regions.iter().map(|region| &*region.short_name).collect::<Vec<_>>(), ["울릉군"]);
        assert_eq!(diff.moved_codes(), codes + 1);
        let most = diff.moved.first().expect("울릉군");
        assert_eq!((most.was.as_deref(), most.is.as_deref()), (Some("경상북도 울릉군"), Some("경상북도 새군")));
        assert!(TableDiff::between(&before, &before).is_empty());
    }
}

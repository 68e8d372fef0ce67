//! What a newer list changes, for whoever decides about it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::edition::CODES;
use super::model::Districts;
use super::region::Region;

/// A region whose name changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Renamed {
    /// its code, which stays
    pub code: i64,
    /// what it was called
    pub was: String,
    /// what it is called
    pub is: String,
}

/// Postal codes that go from one 시/군/구 to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// where they were; none is 미분류
    pub was: Option<String>,
    /// where they are
    pub is: Option<String>,
    /// how many
    pub codes: u32,
    /// one of them
    pub example: String,
}

/// What is different between two states of the table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Change {
    /// regions that were not known
    pub new: Vec<Region>,
    /// regions with another name
    pub renamed: Vec<Renamed>,
    /// regions that have no postal code any more
    pub given_up: Vec<Region>,
    /// postal codes that lie elsewhere, most first
    pub moved: Vec<Moved>,
    /// postal codes whose 일반구 alone is another
    pub general_gu: u32,
}

impl Change {
    /// What is different in `after`.
    pub fn between(before: &Districts, after: &Districts) -> Self {
        let (was, is) = (before.current(), after.current());
        let mut moved: BTreeMap<(Option<i64>, Option<i64>), (u32, u32)> = BTreeMap::new();
        let mut general_gu = 0;
        for zip in (0..CODES).filter(|zip| was.code(*zip) != is.code(*zip)) {
            let place = |districts: &Districts| districts.lookup(&format!("{zip:05}")).district();
            let (from, to) = (place(before), place(after));
            if from == to {
                general_gu += 1;
            } else {
                moved.entry((from, to)).or_insert((0, zip)).0 += 1;
            }
        }
        let mut moved: Vec<Moved> = moved
            .into_iter()
            .map(|((from, to), (codes, example))| Moved {
                was: from.and_then(|code| before.sigungu(code)).map(|region| region.full_name.clone()),
                is: to.and_then(|code| after.sigungu(code)).map(|region| region.full_name.clone()),
                codes,
                example: format!("{example:05}"),
            })
            .collect();
        moved.sort_by_key(|moved| std::cmp::Reverse(moved.codes));
        let named = |region: &Region| is.region(region.code).filter(|other| other.full_name != region.full_name);
        Self {
            new: is.regions.iter().filter(|region| was.region(region.code).is_none()).cloned().collect(),
            renamed: was
                .regions
                .iter()
                .filter_map(|region| {
                    let is = named(region)?.full_name.clone();
                    Some(Renamed { code: region.code, was: region.full_name.clone(), is })
                })
                .collect(),
            given_up: was.regions.iter().filter(|region| is.region(region.code).is_none()).cloned().collect(),
            moved,
            general_gu,
        }
    }

    /// Postal codes that lie in another 시/군/구 than before.
    pub fn moved_codes(&self) -> u32 {
        self.moved.iter().map(|moved| moved.codes).sum()
    }

    /// Whether nothing is different.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::edition::Run;
    use super::*;

    #[test]
    fn a_change_tells_what_is_new_renamed_given_up_and_moved() {
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
        let ulleung: Vec<Run> = before
            .current()
            .runs()
            .into_iter()
            .filter(|run| run.code == 47940)
            .map(|run| Run { code: 47999, ..run })
            .collect();
        let codes: u32 = ulleung.iter().map(|run| run.end - run.start + 1).sum();
        let runs = [ulleung, vec![Run { start: 37500, end: 37500, code: 47130 }]].concat();
        let after = before.current().overlaid(before.valid_from(), &regions, &runs).expect("fits");
        let change = Change::between(&before, &before.clone().with_edition(after));
        assert_eq!(change.new.iter().map(|region| &*region.short_name).collect::<Vec<_>>(), ["새군"]);
        assert_eq!(change.renamed.iter().map(|one| &*one.is).collect::<Vec<_>>(), ["경상북도 경주특례시"]);
        assert_eq!(change.given_up.iter().map(|region| &*region.short_name).collect::<Vec<_>>(), ["울릉군"]);
        assert_eq!(change.moved_codes(), codes + 1);
        let most = change.moved.first().expect("울릉군");
        assert_eq!((most.was.as_deref(), most.is.as_deref()), (Some("경상북도 울릉군"), Some("경상북도 새군")));
        assert!(Change::between(&before, &before).is_empty());
    }
}

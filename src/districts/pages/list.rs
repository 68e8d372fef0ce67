//! The overview: numbers of deliveries under way by region and 희망배송일, as a tile map and as a table.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use chrono::NaiveDate;
use serde::Deserialize;

use crate::deliveries::filter::NO_GU_SUFFIX;
use crate::deliveries::overview::{BucketCounts, DateBucket, OverviewFilter};
use crate::deliveries::store::overview::{count_unclassified, counts_by_region, counts_by_zip};
use crate::districts::{DistrictCache, Districts, Region};
use crate::orders::bundle::DeliveryState;
use crate::orders::model::ShippingMethod;
use crate::storage::{Storage, StorageError};
use crate::time::{date_with_weekday, parse_date};
use crate::web::{Layout, PageResult, Query, page};

/// Shades of a tile, besides the empty one.
const MAX_SHADE: i64 = 5;

/// The query string.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OverviewQuery {
    state: String,
    method: String,
    day: String,
    when: String,
    sido: String,
    gu: String,
}

/// The parsed query string.
struct OverviewSelection {
    filter: OverviewFilter,
    bucket: Option<DateBucket>,
    /// code of the 시/도 whose 시/군/구 the page shows; none is the whole country
    sido: Option<i64>,
    /// whether large cities are shown by 일반구
    by_gu: bool,
    today: NaiveDate,
}

impl OverviewQuery {
    /// Parses the query string. Invalid values are ignored.
    fn selection(&self, districts: &Districts, today: NaiveDate) -> OverviewSelection {
        let method = ShippingMethod::from_code(&self.method);
        let method = method.or((self.method != "all").then_some(ShippingMethod::Direct));
        let sido = self.sido.parse().ok().map(|code: i64| if code < 100 { code * 1000 } else { code });
        OverviewSelection {
            filter: OverviewFilter {
                state: DeliveryState::from_code(&self.state).filter(|state| DeliveryState::UNDER_WAY.contains(state)),
                method,
                day: parse_date(&self.day),
            },
            bucket: DateBucket::from_code(&self.when),
            sido: sido.filter(|code| districts.sidos().any(|sido| sido.code == *code)),
            by_gu: self.gu == "1",
            today,
        }
    }
}

/// A number with a link to its deliveries.
struct LinkedCount {
    label: &'static str,
    number: i64,
    /// URL of the delivery list; none for 0
    href: Option<String>,
    is_overdue: bool,
}

/// A region with its numbers of deliveries.
struct RegionCount {
    /// none is 미분류
    code: Option<i64>,
    name: String,
    counts: BucketCounts,
    /// whether it is a large city with only its deliveries of unknown 일반구
    is_unknown_gu: bool,
}

/// A tile of the map.
struct Tile {
    name: String,
    /// URL of the overview of this 시/도
    inside: Option<String>,
    /// first two digits of its code, for its position on the map
    at: i64,
    shade: i64,
    count: LinkedCount,
}

/// A row of the table.
struct TableRow {
    name: String,
    inside: Option<String>,
    is_unclassified: bool,
    /// the total, then each bucket
    counts: Vec<LinkedCount>,
}

/// A tab that filters by bucket.
struct Tab {
    label: &'static str,
    count: Option<i64>,
    href: String,
    is_current: bool,
}

#[derive(Template)]
#[template(path = "districts/list.html")]
struct OverviewPage {
    layout: Layout,
    selection: OverviewSelection,
    /// the selected 시/도
    sido: Option<Region>,
    /// 미분류; only for the whole country
    unclassified: Option<Tile>,
    tiles: Vec<Tile>,
    rows: Vec<TableRow>,
    total: TableRow,
    tabs: Vec<Tab>,
    /// orders without a district, for administrators
    unclassified_orders: i64,
    /// first day of the current edition of the table
    valid_from: NaiveDate,
}

pub(super) async fn list(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    layout: Layout,
    Query(query): Query<OverviewQuery>,
) -> PageResult {
    let districts = districts.refresh(&storage).await?;
    let selection = query.selection(&districts, storage.clock().now().date());
    let (today, filter, counts_unknown) = (selection.today, selection.filter.clone(), layout.edits_districts());
    let (cities, known) = (selection.cities(&districts), Arc::clone(&districts));
    let (counts, unclassified_orders) = storage
        .read_replica(move |tx| {
            let unclassified_orders = if counts_unknown { count_unclassified(tx)? } else { 0 };
            let mut counts = counts_by_region(tx, &filter, today)?;
            for city in &cities {
                split_by_gu(&known, &mut counts, *city, counts_by_zip(tx, &filter, today, *city)?);
            }
            Ok::<_, StorageError>((counts, unclassified_orders))
        })
        .await?;
    Ok(page(overview(layout, selection, &districts, &counts, unclassified_orders)))
}

/// Replaces the numbers of a city by those of its 일반구; deliveries of unknown 일반구 stay with the city.
fn split_by_gu(
    districts: &Districts,
    counts: &mut BTreeMap<Option<i64>, BucketCounts>,
    city: i64,
    by_zip: BTreeMap<String, BucketCounts>,
) {
    counts.remove(&Some(city));
    for (zip_code, of_zip) in by_zip {
        let gu = districts.general_gu(&zip_code).filter(|gu| gu.parent_code == Some(city));
        counts.entry(Some(gu.map_or(city, |gu| gu.code))).or_default().add(&of_zip);
    }
}

fn overview(
    layout: Layout,
    selection: OverviewSelection,
    districts: &Districts,
    counts: &BTreeMap<Option<i64>, BucketCounts>,
    unclassified_orders: i64,
) -> OverviewPage {
    let (current, removed) = region_counts(districts, &selection, counts);
    let unclassified = selection.sido.is_none().then(|| RegionCount {
        code: None,
        name: "미분류".to_owned(),
        counts: counts.get(&None).copied().unwrap_or_default(),
        is_unknown_gu: false,
    });
    let mut total = BucketCounts::default();
    let all = || unclassified.iter().chain(&current).chain(&removed);
    all().for_each(|region| total.add(&region.counts));
    let largest = current.iter().map(|region| selection.shown_number(&region.counts)).max().unwrap_or_default();
    OverviewPage {
        sido: selection.sido.and_then(|code| districts.region(code)).cloned(),
        unclassified: unclassified.as_ref().map(|region| selection.tile(region, largest)),
        tiles: current.iter().map(|region| selection.tile(region, largest)).collect(),
        rows: all().filter(|region| region.counts.total() > 0).map(|region| selection.row(region)).collect(),
        total: TableRow {
            name: "합계".to_owned(),
            inside: None,
            is_unclassified: false,
            counts: OverviewSelection::row_counts(&total, |bucket| selection.list_url(None, bucket)),
        },
        tabs: selection.tabs(&total),
        unclassified_orders,
        valid_from: districts.valid_from(),
        layout,
        selection,
    }
}

/// The regions of the selected level in the current edition, and removed regions that still have deliveries.
fn region_counts(
    districts: &Districts,
    selection: &OverviewSelection,
    counts: &BTreeMap<Option<i64>, BucketCounts>,
) -> (Vec<RegionCount>, Vec<RegionCount>) {
    let mut sums: BTreeMap<i64, BucketCounts> = BTreeMap::new();
    for (code, of_code) in counts {
        let Some(code) = code.and_then(|code| shown_region(districts, selection, code)) else { continue };
        sums.entry(code).or_default().add(of_code);
    }
    let regions: Vec<&Region> = match selection.sido {
        None => districts.sidos().collect(),
        Some(sido) => districts
            .children_of(sido)
            .flat_map(|sigungu| {
                let gus: Vec<&Region> = districts.children_of(sigungu.code).filter(|_| selection.by_gu).collect();
                // A city's deliveries of unknown 일반구 are shown before its 일반구.
                let has_own_row = gus.is_empty() || sums.contains_key(&sigungu.code);
                has_own_row.then_some(sigungu).into_iter().chain(gus).collect::<Vec<_>>()
            })
            .collect(),
    };
    let mut region_count = |region: &Region| {
        let has_gu = districts.children_of(region.code).next().is_some();
        let is_unknown_gu = selection.by_gu && region.level == 1 && has_gu;
        RegionCount {
            code: Some(region.code),
            name: if is_unknown_gu { format!("{} 구 모름", region.short_name) } else { region.short_name.clone() },
            counts: sums.remove(&region.code).unwrap_or_default(),
            is_unknown_gu,
        }
    };
    let current: Vec<RegionCount> = regions.into_iter().map(&mut region_count).collect();
    let removed: Vec<&Region> = counts
        .keys()
        .filter_map(|code| districts.region(shown_region(districts, selection, (*code)?)?))
        .filter(|region| current.iter().all(|other| other.code != Some(region.code)))
        .collect();
    let removed = removed.into_iter().map(region_count).collect();
    (current, removed)
}

/// The region that shows the deliveries of a stored code; none if it is in another 시/도 than the selected one.
fn shown_region(districts: &Districts, selection: &OverviewSelection, code: i64) -> Option<i64> {
    let sido = districts.sido(code)?.code;
    match selection.sido {
        None => Some(sido),
        Some(selected) if selected != sido => None,
        Some(_) if selection.by_gu => Some(code),
        Some(_) => Some(districts.sigungu(code)?.code),
    }
}

impl OverviewSelection {
    /// The cities to show by 일반구.
    fn cities(&self, districts: &Districts) -> Vec<i64> {
        let sido = self.sido.filter(|_| self.by_gu);
        let sigungus = sido.into_iter().flat_map(|sido| districts.children_of(sido));
        sigungus.map(|region| region.code).filter(|city| districts.children_of(*city).next().is_some()).collect()
    }

    /// The number on a tile.
    fn shown_number(&self, counts: &BucketCounts) -> i64 {
        self.bucket.map_or_else(|| counts.total(), |bucket| counts.of(bucket))
    }

    /// A tile, shaded in proportion to the largest number on the map.
    fn tile(&self, region: &RegionCount, largest: i64) -> Tile {
        let number = self.shown_number(&region.counts);
        let shade = (number * MAX_SHADE + largest - 1) / largest.max(1);
        Tile {
            name: region.name.clone(),
            inside: self.inside(region),
            at: region.code.unwrap_or_default() / 1000,
            shade: if number == 0 { 0 } else { shade.clamp(1, MAX_SHADE) },
            count: LinkedCount {
                label: self.bucket.map_or("합계", DateBucket::label),
                number,
                href: (number > 0).then(|| self.list_url(Some(region), self.bucket)),
                is_overdue: false,
            },
        }
    }

    fn row(&self, region: &RegionCount) -> TableRow {
        TableRow {
            name: region.name.clone(),
            inside: self.inside(region),
            is_unclassified: region.code.is_none(),
            counts: Self::row_counts(&region.counts, |bucket| self.list_url(Some(region), bucket)),
        }
    }

    /// The total and the number of each bucket.
    fn row_counts(counts: &BucketCounts, list_url: impl Fn(Option<DateBucket>) -> String) -> Vec<LinkedCount> {
        let buckets = DateBucket::ALL.into_iter().map(|bucket| (Some(bucket), counts.of(bucket)));
        [(None, counts.total())]
            .into_iter()
            .chain(buckets)
            .map(|(bucket, number)| LinkedCount {
                label: bucket.map_or("합계", DateBucket::label),
                number,
                href: (number > 0).then(|| list_url(bucket)),
                is_overdue: bucket == Some(DateBucket::Overdue) && number > 0,
            })
            .collect()
    }

    fn tabs(&self, total: &BucketCounts) -> Vec<Tab> {
        [None]
            .into_iter()
            .chain(DateBucket::ALL.map(Some))
            .map(|bucket| Tab {
                label: bucket.map_or("전체", DateBucket::label),
                count: bucket.map(|bucket| total.of(bucket)),
                href: self.url(bucket, self.sido, self.by_gu),
                is_current: bucket == self.bucket,
            })
            .collect()
    }

    /// The URL of this page with another bucket, 시/도 or level; state, method and day stay.
    fn url(&self, bucket: Option<DateBucket>, sido: Option<i64>, by_gu: bool) -> String {
        let filter = &self.filter;
        let mut pairs: Vec<(&str, String)> = Vec::new();
        pairs.extend(filter.state.map(|state| ("state", state.code().to_owned())));
        pairs.push(("method", filter.method.map_or("all", ShippingMethod::code).to_owned()));
        pairs.extend(filter.day.map(|day| ("day", day.to_string())));
        pairs.extend(bucket.map(|bucket| ("when", bucket.code().to_owned())));
        pairs.extend(sido.map(|code| ("sido", code.to_string())));
        pairs.extend(by_gu.then(|| ("gu", "1".to_owned())));
        format!("/districts?{}", serde_html_form::to_string(pairs).unwrap_or_default())
    }

    /// The URL of the overview of a 시/도; none if one is selected already.
    fn inside(&self, region: &RegionCount) -> Option<String> {
        let sido = region.code.filter(|_| self.sido.is_none())?;
        Some(self.url(self.bucket, Some(sido), self.by_gu))
    }

    /// The URL of the delivery list behind a number; `region` none is the total.
    fn list_url(&self, region: Option<&RegionCount>, bucket: Option<DateBucket>) -> String {
        let filter = &self.filter;
        let mut pairs: Vec<(&str, String)> =
            filter.states().into_iter().map(|state| ("state", state.code().to_owned())).collect();
        pairs.extend(filter.method.map(|method| ("method", method.code().to_owned())));
        match region.map(|region| region.code) {
            Some(Some(city)) if region.is_some_and(|region| region.is_unknown_gu) => {
                pairs.push(("sigungu", format!("{city}{NO_GU_SUFFIX}")));
            }
            None => pairs.extend(self.sido.map(|sido| ("sido", sido.to_string()))),
            Some(None) => pairs.push(("sigungu", "none".to_owned())),
            Some(Some(code)) if self.sido.is_none() => pairs.push(("sido", code.to_string())),
            Some(Some(code)) => pairs.push(("sigungu", code.to_string())),
        }
        match (filter.day, bucket) {
            (Some(day), _) => pairs.extend([("date_from", day.to_string()), ("date_to", day.to_string())]),
            (None, Some(DateBucket::Undated)) => pairs.push(("date", "none".to_owned())),
            (None, bucket) => {
                let (first, last) = bucket.and_then(|bucket| bucket.days(self.today)).unwrap_or_default();
                pairs.extend(first.map(|day| ("date_from", day.to_string())));
                pairs.extend(last.map(|day| ("date_to", day.to_string())));
            }
        }
        format!("/deliveries?{}", serde_html_form::to_string(pairs).unwrap_or_default())
    }
}

impl OverviewPage {
    /// The columns: label, and the dates of the bucket if the label does not imply them: `11-24~11-29`.
    fn columns(&self) -> [(&'static str, String); 6] {
        let short = |date: NaiveDate| date.format("%m-%d").to_string();
        DateBucket::ALL.map(|bucket| {
            let span = match (bucket, bucket.days(self.selection.today)) {
                (DateBucket::Today | DateBucket::Tomorrow, Some((Some(day), _))) => short(day),
                (DateBucket::ThisWeek, Some((Some(first), Some(last)))) if first == last => short(first),
                (DateBucket::ThisWeek, Some((Some(first), Some(last)))) => format!("{}~{}", short(first), short(last)),
                (DateBucket::Later, Some((Some(first), _))) => format!("{}~", short(first)),
                _ => String::new(),
            };
            (bucket.label(), span)
        })
    }

    fn today(&self) -> String {
        date_with_weekday(self.selection.today)
    }

    fn day(&self) -> String {
        self.selection.filter.day.map(|day| day.to_string()).unwrap_or_default()
    }

    /// URL of the overview of the whole country.
    fn country_url(&self) -> String {
        self.selection.url(self.selection.bucket, None, false)
    }

    /// URL of this overview with large cities by 일반구, or as a whole.
    fn other_level_url(&self) -> String {
        self.selection.url(self.selection.bucket, self.selection.sido, !self.selection.by_gu)
    }
}

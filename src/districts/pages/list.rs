//! How much goes where: a tile map of the country and the same as a table.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use chrono::NaiveDate;
use serde::Deserialize;

use crate::deliveries::filter::NO_GU_SUFFIX;
use crate::deliveries::overview::{Counted, Tally, When, tallies, tallies_within, unknown_count};
use crate::districts::{Districts, Region};
use crate::orders::bundle::DeliveryState;
use crate::orders::model::ShippingMethod;
use crate::storage::StorageError;
use crate::time::{date_with_weekday, parse_date};
use crate::web::{AppState, Layout, PageResult, Query, page};

/// Shades of the map.
const SHADES: i64 = 5;

/// What stands in the address.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Words {
    state: String,
    method: String,
    day: String,
    when: String,
    sido: String,
    gu: String,
}

/// What the address means.
struct Asked {
    counted: Counted,
    when: Option<When>,
    sido: Option<i64>,
    /// large cities by their 일반구
    by_gu: bool,
    today: NaiveDate,
}

impl Words {
    fn asked(&self, districts: &Districts, today: NaiveDate) -> Asked {
        let method = ShippingMethod::ALL.into_iter().find(|method| method.code() == self.method);
        let method = method.or((self.method != "all").then_some(ShippingMethod::Direct));
        let sido = self.sido.parse().ok().map(|code: i64| if code < 100 { code * 1000 } else { code });
        Asked {
            counted: Counted {
                state: DeliveryState::UNDER_WAY.into_iter().find(|state| state.code() == self.state),
                method,
                day: parse_date(&self.day),
            },
            when: When::ALL.into_iter().find(|when| when.code() == self.when),
            sido: sido.filter(|code| districts.sidos().any(|sido| sido.code == *code)),
            by_gu: self.gu == "1",
            today,
        }
    }
}

/// A number of deliveries, and the list of them.
struct Count {
    label: &'static str,
    number: i64,
    /// none where there is nothing
    href: Option<String>,
    is_late: bool,
}

/// A region with what goes there.
struct Place {
    /// none is 미분류
    code: Option<i64>,
    name: String,
    tally: Tally,
    /// Of a large city only what is in none of its 일반구, as far as is known.
    is_rest: bool,
}

struct Tile {
    name: String,
    /// the page that looks into it
    inside: Option<String>,
    /// the first two digits: where it stands on the map
    at: i64,
    shade: i64,
    count: Count,
}

struct Line {
    name: String,
    inside: Option<String>,
    is_lost: bool,
    /// the sum, then each column
    counts: Vec<Count>,
}

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
    asked: Asked,
    /// the 시/도 that is looked into
    sido: Option<Region>,
    /// 미분류, on the map of the country
    lost: Option<Tile>,
    tiles: Vec<Tile>,
    lines: Vec<Line>,
    sum: Line,
    tabs: Vec<Tab>,
    to_correct: i64,
    /// since when the regions are as they are
    list_since: NaiveDate,
}

pub(super) async fn list(State(state): State<AppState>, layout: Layout, Query(words): Query<Words>) -> PageResult {
    let districts = state.uploads.districts.cached();
    let asked = words.asked(&districts, state.now().date());
    let (today, counted, is_admin) = (asked.today, asked.counted.clone(), layout.is_admin());
    let (cities, known) = (asked.cities(&districts), Arc::clone(&districts));
    let (tallies, to_correct) = state
        .storage
        .read_replica(move |tx| {
            let to_correct = if is_admin { unknown_count(tx)? } else { 0 };
            let mut tallies = tallies(tx, &counted, today)?;
            for city in &cities {
                by_gu(&known, &mut tallies, *city, tallies_within(tx, &counted, today, *city)?);
            }
            Ok::<_, StorageError>((tallies, to_correct))
        })
        .await?;
    Ok(page(overview(layout, asked, &districts, &tallies, to_correct)))
}

/// Puts what goes to a city down to its 일반구, as far as they are known.
fn by_gu(
    districts: &Districts,
    tallies: &mut BTreeMap<Option<i64>, Tally>,
    city: i64,
    of_zips: BTreeMap<String, Tally>,
) {
    tallies.remove(&Some(city));
    for (zip_code, tally) in of_zips {
        let gu = districts.general_gu(&zip_code).filter(|gu| gu.parent_code == Some(city));
        tallies.entry(Some(gu.map_or(city, |gu| gu.code))).or_default().add(&tally);
    }
}

fn overview(
    layout: Layout,
    asked: Asked,
    districts: &Districts,
    tallies: &BTreeMap<Option<i64>, Tally>,
    to_correct: i64,
) -> OverviewPage {
    let (here, elsewhere) = places(districts, &asked, tallies);
    let lost = asked.sido.is_none().then(|| Place {
        code: None,
        name: "미분류".to_owned(),
        tally: tallies.get(&None).copied().unwrap_or_default(),
        is_rest: false,
    });
    let mut total = Tally::default();
    let all = || lost.iter().chain(&here).chain(&elsewhere);
    all().for_each(|place| total.add(&place.tally));
    let most = here.iter().map(|place| asked.shown(&place.tally)).max().unwrap_or_default();
    OverviewPage {
        sido: asked.sido.and_then(|code| districts.region(code)).cloned(),
        lost: lost.as_ref().map(|place| asked.tile(place, most)),
        tiles: here.iter().map(|place| asked.tile(place, most)).collect(),
        lines: all().filter(|place| place.tally.total() > 0).map(|place| asked.line(place)).collect(),
        sum: Line {
            name: "합계".to_owned(),
            inside: None,
            is_lost: false,
            counts: Asked::counts(&total, |when| asked.behind(None, when)),
        },
        tabs: asked.tabs(&total),
        to_correct,
        list_since: districts.valid_from(),
        layout,
        asked,
    }
}

/// Today's regions of the level asked for, and those given up that still have something.
fn places(districts: &Districts, asked: &Asked, tallies: &BTreeMap<Option<i64>, Tally>) -> (Vec<Place>, Vec<Place>) {
    let mut sums: BTreeMap<i64, Tally> = BTreeMap::new();
    for (code, tally) in tallies {
        let Some(code) = code.and_then(|code| shown_at(districts, asked, code)) else { continue };
        sums.entry(code).or_default().add(tally);
    }
    let regions: Vec<&Region> = match asked.sido {
        None => districts.sidos().collect(),
        Some(sido) => districts
            .children_of(sido)
            .flat_map(|sigungu| {
                let gus: Vec<&Region> = districts.children_of(sigungu.code).filter(|_| asked.by_gu).collect();
                // What is known of a city only as a whole stands before its 구.
                let whole = gus.is_empty() || sums.contains_key(&sigungu.code);
                whole.then_some(sigungu).into_iter().chain(gus).collect::<Vec<_>>()
            })
            .collect(),
    };
    let mut place = |region: &Region| {
        let is_rest = asked.by_gu && region.level == 1 && districts.children_of(region.code).next().is_some();
        Place {
            code: Some(region.code),
            name: if is_rest { format!("{} 구 모름", region.short_name) } else { region.short_name.clone() },
            tally: sums.remove(&region.code).unwrap_or_default(),
            is_rest,
        }
    };
    let here: Vec<Place> = regions.into_iter().map(&mut place).collect();
    let given_up: Vec<&Region> = tallies
        .keys()
        .filter_map(|code| districts.region(shown_at(districts, asked, (*code)?)?))
        .filter(|region| here.iter().all(|place| place.code != Some(region.code)))
        .collect();
    let elsewhere = given_up.into_iter().map(place).collect();
    (here, elsewhere)
}

/// Under which region a stored code is shown; none where that is another 시/도.
fn shown_at(districts: &Districts, asked: &Asked, code: i64) -> Option<i64> {
    let sido = districts.sido(code)?.code;
    match asked.sido {
        None => Some(sido),
        Some(wanted) if wanted != sido => None,
        Some(_) if asked.by_gu => Some(code),
        Some(_) => Some(districts.sigungu(code)?.code),
    }
}

impl Asked {
    /// The cities that are shown by their 일반구.
    fn cities(&self, districts: &Districts) -> Vec<i64> {
        let sido = self.sido.filter(|_| self.by_gu);
        let inside = sido.into_iter().flat_map(|sido| districts.children_of(sido));
        inside.map(|region| region.code).filter(|city| districts.children_of(*city).next().is_some()).collect()
    }

    /// The number that the map shows of a tally.
    fn shown(&self, tally: &Tally) -> i64 {
        self.when.map_or_else(|| tally.total(), |when| tally.of(when))
    }

    fn tile(&self, place: &Place, most: i64) -> Tile {
        let number = self.shown(&place.tally);
        let share = (number * SHADES + most - 1) / most.max(1);
        Tile {
            name: place.name.clone(),
            inside: self.inside(place),
            at: place.code.unwrap_or_default() / 1000,
            shade: if number == 0 { 0 } else { share.clamp(1, SHADES) },
            count: self.count(place, self.when, number),
        }
    }

    fn line(&self, place: &Place) -> Line {
        Line {
            name: place.name.clone(),
            inside: self.inside(place),
            is_lost: place.code.is_none(),
            counts: Self::counts(&place.tally, |when| self.behind(Some(place), when)),
        }
    }

    fn count(&self, place: &Place, when: Option<When>, number: i64) -> Count {
        let href = (number > 0).then(|| self.behind(Some(place), when));
        Count { label: when.map_or("합계", When::label), number, href, is_late: false }
    }

    /// The sum and each column of a tally.
    fn counts(tally: &Tally, behind: impl Fn(Option<When>) -> String) -> Vec<Count> {
        let columns = When::ALL.into_iter().map(|when| (Some(when), tally.of(when)));
        [(None, tally.total())]
            .into_iter()
            .chain(columns)
            .map(|(when, number)| Count {
                label: when.map_or("합계", When::label),
                number,
                href: (number > 0).then(|| behind(when)),
                is_late: when == Some(When::Overdue) && number > 0,
            })
            .collect()
    }

    fn tabs(&self, total: &Tally) -> Vec<Tab> {
        [None]
            .into_iter()
            .chain(When::ALL.map(Some))
            .map(|when| Tab {
                label: when.map_or("모두", When::label),
                count: when.map(|when| total.of(when)),
                href: self.href(when, self.sido, self.by_gu),
                is_current: when == self.when,
            })
            .collect()
    }

    /// This page with another choice; state, method and day stay.
    fn href(&self, when: Option<When>, sido: Option<i64>, by_gu: bool) -> String {
        let counted = &self.counted;
        let mut pairs: Vec<(&str, String)> = Vec::new();
        pairs.extend(counted.state.map(|state| ("state", state.code().to_owned())));
        pairs.push(("method", counted.method.map_or("all", ShippingMethod::code).to_owned()));
        pairs.extend(counted.day.map(|day| ("day", day.to_string())));
        pairs.extend(when.map(|when| ("when", when.code().to_owned())));
        pairs.extend(sido.map(|code| ("sido", code.to_string())));
        pairs.extend(by_gu.then(|| ("gu", "1".to_owned())));
        format!("/districts?{}", serde_html_form::to_string(pairs).unwrap_or_default())
    }

    /// This page looking into a 시/도.
    fn inside(&self, place: &Place) -> Option<String> {
        let sido = place.code.filter(|_| self.sido.is_none())?;
        Some(self.href(self.when, Some(sido), self.by_gu))
    }

    /// The deliveries behind a number; `place` none is the sum of the table.
    fn behind(&self, place: Option<&Place>, when: Option<When>) -> String {
        let counted = &self.counted;
        let mut pairs: Vec<(&str, String)> =
            counted.states().into_iter().map(|state| ("state", state.code().to_owned())).collect();
        pairs.extend(counted.method.map(|method| ("method", method.code().to_owned())));
        match place.map(|place| place.code) {
            Some(Some(city)) if place.is_some_and(|place| place.is_rest) => {
                pairs.push(("sigungu", format!("{city}{NO_GU_SUFFIX}")));
            }
            None => pairs.extend(self.sido.map(|sido| ("sido", sido.to_string()))),
            Some(None) => pairs.push(("sigungu", "none".to_owned())),
            Some(Some(code)) if self.sido.is_none() => pairs.push(("sido", code.to_string())),
            Some(Some(code)) => pairs.push(("sigungu", code.to_string())),
        }
        match (counted.day, when) {
            (Some(day), _) => pairs.extend([("date_from", day.to_string()), ("date_to", day.to_string())]),
            (None, Some(When::Undated)) => pairs.push(("date", "none".to_owned())),
            (None, when) => {
                let (first, last) = when.and_then(|when| when.days(self.today)).unwrap_or_default();
                pairs.extend(first.map(|day| ("date_from", day.to_string())));
                pairs.extend(last.map(|day| ("date_to", day.to_string())));
            }
        }
        format!("/deliveries?{}", serde_html_form::to_string(pairs).unwrap_or_default())
    }
}

impl OverviewPage {
    /// The columns with the days they mean, where their word does not say it: `11-24~11-29`.
    fn columns(&self) -> [(&'static str, String); 6] {
        let short = |date: NaiveDate| date.format("%m-%d").to_string();
        When::ALL.map(|when| {
            let span = match (when, when.days(self.asked.today)) {
                (When::Today | When::Tomorrow, Some((Some(day), _))) => short(day),
                (When::ThisWeek, Some((Some(first), Some(last)))) if first == last => short(first),
                (When::ThisWeek, Some((Some(first), Some(last)))) => format!("{}~{}", short(first), short(last)),
                (When::Later, Some((Some(first), _))) => format!("{}~", short(first)),
                _ => String::new(),
            };
            (when.label(), span)
        })
    }

    fn today(&self) -> String {
        date_with_weekday(self.asked.today)
    }

    fn day(&self) -> String {
        self.asked.counted.day.map(|day| day.to_string()).unwrap_or_default()
    }

    /// The whole country.
    fn outside(&self) -> String {
        self.asked.href(self.asked.when, None, false)
    }

    /// Large cities by 일반구, or as a whole.
    fn other_depth(&self) -> String {
        self.asked.href(self.asked.when, self.asked.sido, !self.asked.by_gu)
    }
}

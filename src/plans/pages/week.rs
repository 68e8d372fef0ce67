//! `/plans/week?day=`: the week of a day: trucks, stops, minutes and room of each day.

use askama::Template;
use axum::extract::State;
use chrono::{Datelike, Days, NaiveDate};
use serde::Deserialize;

use crate::districts::DistrictCache;
use crate::plans::week::{DayLoad, loads};
use crate::storage::Storage;
use crate::time::{date_with_weekday, duration_label, parse_date};
use crate::trucks::model::volume_label;
use crate::web::{Layout, PageResult, Query, page};

#[derive(Template)]
#[template(path = "plans/week.html")]
struct WeekPage {
    layout: Layout,
    monday: NaiveDate,
    today: NaiveDate,
    days: Vec<DayLoad>,
}

impl WeekPage {
    fn previous(&self) -> NaiveDate {
        self.monday - Days::new(7)
    }

    fn next(&self) -> NaiveDate {
        self.monday + Days::new(7)
    }

    fn label(load: &DayLoad) -> String {
        date_with_weekday(load.day)
    }

    /// `9시간 / 18시간`
    fn minutes(load: &DayLoad) -> String {
        format!("{} / {}", duration_label(load.minutes - load.overtime), duration_label(load.shift))
    }

    /// `7.5 / 24m³`
    fn volume(load: &DayLoad) -> String {
        format!("{} / {}m³", volume_label(load.volume.0), volume_label(load.volume.1))
    }

    fn overtime(load: &DayLoad) -> String {
        duration_label(load.overtime)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WeekQuery {
    day: String,
}

pub(super) async fn show(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    layout: Layout,
    Query(query): Query<WeekQuery>,
) -> PageResult {
    let today = storage.clock().now().date();
    let day = parse_date(&query.day).unwrap_or(today);
    let monday = day - Days::new(u64::from(day.weekday().num_days_from_monday()));
    let districts = districts.refresh(&storage).await?;
    let days = storage.read(move |tx| loads(tx, &districts, (monday, monday + Days::new(6)))).await?;
    Ok(page(WeekPage { layout, monday, today, days }))
}

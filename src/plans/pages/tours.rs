//! `/plans/tours/{id}`: one tour with its times and a sketch of its route, to be looked at and printed (배차표).

use askama::Template;
use axum::extract::{Path, State};
use serde::Deserialize;

use super::view::{Card, ColumnView, hours_label};
use crate::districts::{DistrictCache, Districts};
use crate::id::{crockford, parse_crockford};
use crate::plans::board::{Board, Column, board};
use crate::plans::model::window_label;
use crate::plans::sketch::{Sketch, sketch};
use crate::plans::store;
use crate::routing::points::zone_centres;
use crate::storage::{Result as StorageResult, Storage, Tx};
use crate::time::date_with_weekday;
use crate::trucks::model::{clock_label, volume_label};
use crate::web::{Error, Layout, PageResult, PersonalData, Query, personal_page};

/// Centres of postal zones that a sketch shows.
const MAX_ZONES: usize = 1_500;

/// A stop in the table.
struct StopRow {
    card: Card,
    id: String,
    tel: String,
    address: String,
    window: String,
    message: String,
}

#[derive(Template)]
#[template(path = "plans/tours.html")]
struct TourPage {
    layout: Layout,
    id: String,
    day: String,
    title: String,
    column: ColumnView,
    rows: Vec<StopRow>,
    sketch: Option<Sketch>,
    /// times and loads in words
    facts: Vec<(&'static str, String)>,
    /// query of the slips, in the order of the route
    slips: String,
    print_now: bool,
    orders: Vec<i64>,
}

impl PersonalData for TourPage {
    fn orders(&self) -> Vec<i64> {
        self.orders.clone()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TourQuery {
    pub(super) print: Option<String>,
}

/// The board of the day of a tour, and the position of its column.
pub(super) fn load(tx: &mut dyn Tx, districts: &Districts, id: i64) -> StorageResult<Option<(Board, usize)>> {
    let Some(day) = store::day_of_tour(tx, id)? else { return Ok(None) };
    let board = board(tx, districts, day)?;
    let at = board.columns.iter().position(|column| column.tour.as_ref().is_some_and(|tour| tour.id == id));
    Ok(at.map(|at| (board, at)))
}

pub(super) async fn show(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    layout: Layout,
    Path(id): Path<String>,
    Query(query): Query<TourQuery>,
) -> PageResult {
    let id = parse_crockford(&id).ok_or(Error::NotFound)?;
    let districts = districts.refresh(&storage).await?;
    let for_read = districts.clone();
    let (board, at) = storage.read(move |tx| load(tx, &for_read, id)).await?.ok_or(Error::NotFound)?;
    let column = &board.columns[at];
    let mut view = ColumnView::new(column, &districts);
    let cards = std::mem::take(&mut view.cards);
    let rows = cards.into_iter().zip(&column.stops).map(|(card, stop)| {
        let recipient = &stop.item.work.recipient;
        StopRow {
            id: crockford(stop.item.work.delivery_id),
            tel: [&recipient.tel1, &recipient.tel2].map(String::as_str).join(" ").trim().to_owned(),
            address: format!("{} {}", recipient.address1, recipient.address2).trim().to_owned(),
            window: stop.stop.job.window.map(window_label).unwrap_or_default(),
            message: card.changes.iter().map(|change| change.label.clone()).collect::<Vec<_>>().join(", "),
            card,
        }
    });
    let slips: Vec<String> =
        column.stops.iter().map(|stop| format!("id={}", crockford(stop.item.work.delivery_id))).collect();
    Ok(personal_page(TourPage {
        id: crockford(id),
        day: board.day.to_string(),
        title: format!("{} {}", view.name, date_with_weekday(board.day)),
        rows: rows.collect(),
        sketch: draw(&board, column),
        facts: facts(column),
        slips: slips.join("&"),
        orders: column.stops.iter().flat_map(|stop| stop.item.work.order_ids()).collect(),
        column: view,
        layout,
        print_now: query.print.is_some(),
    }))
}

fn draw(board: &Board, column: &Column) -> Option<Sketch> {
    let points: Vec<_> = column.stops.iter().map(|stop| stop.item.point.map(|(point, _)| point)).collect();
    sketch(board.depot, &points, |bounds| zone_centres(bounds.from, bounds.to, MAX_ZONES))
}

fn facts(column: &Column) -> Vec<(&'static str, String)> {
    let (schedule, round, truck) = (&column.schedule, &column.round, &column.truck);
    vec![
        ("출발", clock_label(round.starts_at)),
        ("도착", clock_label(schedule.returns_at)),
        ("운전", hours_label(schedule.driving)),
        ("연장", hours_label(schedule.overtime)),
        ("부피", format!("{} / {}m³", volume_label(schedule.volume), volume_label(truck.volume))),
        ("개수", format!("{} / {}개", schedule.pieces, truck.pieces)),
        ("인원", format!("{}명", truck.crew)),
    ]
}

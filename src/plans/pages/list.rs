//! `/plans?day=`: the board of a day (배차판).

use askama::Template;
use axum::extract::State;
use chrono::{Datelike, Days, NaiveDate, Timelike};
use serde::Deserialize;

use super::undo::UndoToken;
use super::view::{Card, ColumnView, views};
use crate::districts::DistrictCache;
use crate::drive::store as drive;
use crate::id::OrderId;
use crate::masking;
use crate::members::model::rights::Surface;
use crate::plans::board::{self, Board};
use crate::plans::model::Hold;
use crate::plans::store::{self, DayCount};
use crate::storage::{Storage, StorageError};
use crate::time::{Moment, date_with_weekday, parse_date};
use crate::web::{Layout, PageResult, PersonalData, Query, personal_page};

/// Hour from which the board without a day shows tomorrow.
const TOMORROW_FROM_HOUR: u32 = 12;

/// A day of the week shown above the board.
struct WeekDay {
    day: NaiveDate,
    count: DayCount,
    is_today: bool,
}

impl WeekDay {
    fn label(&self) -> String {
        date_with_weekday(self.day)[5..].to_owned()
    }
}

#[derive(Template)]
#[template(path = "plans/list.html")]
struct BoardPage {
    layout: Layout,
    day: NaiveDate,
    week: Vec<WeekDay>,
    columns: Vec<ColumnView>,
    pool: Vec<Card>,
    board: Board,
    /// members who may drive: identifier and name; empty while no tour can be handed out
    drivers: Vec<(String, String)>,
    /// undoes the move that the message is about
    undo: Option<String>,
    /// truck and round of a move that was previewed
    to: String,
}

impl BoardPage {
    fn title(&self) -> String {
        date_with_weekday(self.day)
    }

    fn previous(&self) -> NaiveDate {
        self.day - Days::new(1)
    }

    fn next(&self) -> NaiveDate {
        self.day + Days::new(1)
    }

    /// Whether any tour can be fixed.
    fn has_draft(&self) -> bool {
        self.columns.iter().any(|column| !column.is_fixed && !column.cards.is_empty())
    }

    /// Whether the route engine has trucks.
    fn has_open_column(&self) -> bool {
        self.board.columns.iter().any(crate::plans::board::Column::is_plannable)
    }

    /// Whether cards can be chosen and moved.
    fn can_move(&self) -> bool {
        self.columns.iter().any(|column| !column.is_fixed)
    }

    /// Whether a truck has no depot: neither its own nor that of the shop.
    fn lacks_depot(&self) -> bool {
        let columns = &self.board.columns;
        if columns.is_empty() {
            self.board.depot.is_none()
        } else {
            columns.iter().any(|column| column.depot.is_none())
        }
    }

    /// Whether any tour is on the road or back, so that its results can be keyed from paper.
    fn has_left(&self) -> bool {
        self.columns.iter().any(|column| column.is_handed_out)
    }

    /// Stops that have changed since they were planned.
    fn changed(&self) -> usize {
        self.columns.iter().map(|column| column.changed).sum()
    }

    fn stops(&self) -> usize {
        self.columns.iter().map(|column| column.cards.len()).sum()
    }
}

impl PersonalData for BoardPage {
    fn orders(&self) -> Vec<OrderId> {
        self.board.order_ids().collect()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct DayQuery {
    day: String,
    undo: String,
    /// truck and round, and deliveries, of a move that was previewed
    to: String,
    tick: Vec<String>,
}

/// The day that the board shows without a choice: today in the morning, tomorrow later.
fn default_day(now: Moment) -> NaiveDate {
    let later = u64::from(now.kst().hour() >= TOMORROW_FROM_HOUR);
    now.date() + Days::new(later)
}

pub(super) async fn list(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    layout: Layout,
    Query(query): Query<DayQuery>,
) -> PageResult {
    let now = storage.clock().now();
    let day = parse_date(&query.day).unwrap_or_else(|| default_day(now));
    let districts = districts.refresh(&storage).await?;
    let for_read = districts.clone();
    let monday = day - Days::new(u64::from(day.weekday().num_days_from_monday()));
    let member = layout.member.clone();
    let (board, counts, masking, drivers, driven) = storage
        .read(move |tx| {
            let counts = store::days_between(tx, monday, monday + Days::new(6))?;
            let masking = masking::of_member(tx, member.as_ref(), Surface::Plan)?;
            let board = board::load(tx, &for_read, day)?;
            let is_waiting = board.columns.iter().any(|column| column.is_fixed() && !column.is_handed_out());
            let drivers = if is_waiting { drive::drivers(tx)? } else { Vec::new() };
            let mut driven = Vec::new();
            for tour in
                board.columns.iter().filter(|column| column.is_handed_out()).filter_map(|column| column.tour.as_ref())
            {
                driven.extend(drive::tour(tx, tour.id)?);
            }
            Ok::<_, StorageError>((board, counts, masking, drivers, driven))
        })
        .await?;
    let (mut columns, mut pool) = views(&board, &districts);
    for (view, column) in columns.iter_mut().zip(&board.columns) {
        let tour = driven.iter().find(|tour| tour.column == column.key());
        view.driver = tour.and_then(|tour| tour.driver.clone());
    }
    let undo = UndoToken::parse(&query.undo).filter(|undo| undo.versions == board.versions());
    let cards = columns.iter_mut().flat_map(|column| &mut column.cards).chain(&mut pool);
    cards.for_each(|card| {
        card.mask(&masking, day);
        card.is_ticked = query.tick.contains(&card.id);
    });
    let week = (0..7).map(|offset| {
        let day = monday + Days::new(offset);
        WeekDay { day, count: counts.get(&day).copied().unwrap_or_default(), is_today: day == now.date() }
    });
    Ok(personal_page(BoardPage {
        week: week.collect(),
        undo: undo.and_then(|undo| undo.text()),
        to: query.to,
        drivers: drivers.into_iter().map(|(id, name)| (id.to_string(), name)).collect(),
        layout,
        day,
        columns,
        pool,
        board,
    }))
}

//! `/plans/tours/{id}/loading`: the loading list of a tour (상차표): what is delivered last is loaded first.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::extract::{Path, State};
use chrono::NaiveDate;

use super::tours::{TourQuery, load};
use crate::deliveries::list::{DeliveryRow, load_rows};
use crate::districts::{DistrictCache, Districts};
use crate::id::{crockford, parse_crockford};
use crate::masking::{self, MaskPolicy, mask};
use crate::members::model::rights::Surface;
use crate::orders::list::OrderRow;
use crate::orders::model::OrderState;
use crate::plans::board::Column;
use crate::plans::edit::column_name;
use crate::plans::model::JobKind;
use crate::plans::work::DeliveryWork;
use crate::storage::{Storage, StorageError};
use crate::time::date_with_weekday;
use crate::web::{Error, Layout, PageResult, PersonalData, Query, personal_page};

/// A stop whose pieces are loaded.
pub(super) struct LoadingStop {
    /// its place in the route
    pub(super) position: usize,
    pub(super) name: String,
    pub(super) district: String,
    pub(super) lines: Vec<LoadingLine>,
}

/// An order of a stop.
pub(super) struct LoadingLine {
    pub(super) product: String,
    pub(super) quantity: i64,
    pub(super) claim: String,
    /// whether the claim keeps the goods here
    pub(super) is_held: bool,
}

#[derive(Template)]
#[template(path = "plans/loading.html")]
struct LoadingPage {
    layout: Layout,
    id: String,
    title: String,
    stops: Vec<LoadingStop>,
    print_now: bool,
    orders: Vec<i64>,
}

impl PersonalData for LoadingPage {
    fn orders(&self) -> Vec<i64> {
        self.orders.clone()
    }
}

impl LoadingPage {
    fn pieces(&self) -> i64 {
        self.stops.iter().flat_map(|stop| &stop.lines).map(|line| line.quantity).sum()
    }
}

/// What is loaded for a stop: nothing where goods are only taken back, and for a visit.
fn lines(work: &DeliveryWork, listed: &BTreeMap<i64, &OrderRow>) -> Vec<LoadingLine> {
    let is_swap = work.kind() == JobKind::Swap;
    let own = work.orders.iter().filter(|_| work.kind().delivers()).filter_map(|order| listed.get(&order.id));
    let loaded = own.filter(|row| is_swap || row.order.state < OrderState::Cancelled);
    loaded.map(|row| LoadingLine { is_held: !is_swap && row.order.is_held(), ..line(row) }).collect()
}

fn line(row: &OrderRow) -> LoadingLine {
    let product = if row.labels.is_empty() {
        row.product_name.clone()
    } else {
        format!("{} [{}]", row.product_name, row.labels.join(", "))
    };
    LoadingLine { product, quantity: row.order.quantity, claim: row.order.claim.clone(), is_held: row.order.is_held() }
}

/// The stops of a column with what is loaded for them, the last first.
pub(super) fn loading_stops(
    column: &Column,
    rows: &[DeliveryRow],
    districts: &Districts,
    (masking, day): (&MaskPolicy, NaiveDate),
) -> Vec<LoadingStop> {
    let listed: BTreeMap<i64, &OrderRow> =
        rows.iter().flat_map(|row| &row.orders).map(|order| (order.listed.order.id, &order.listed)).collect();
    let stops = (1..).zip(&column.stops).map(|(position, stop)| LoadingStop {
        position,
        name: {
            let name = &stop.item.work.recipient.name;
            let is_hidden = masking.hides(stop.item.work.delivery_id, masking.is_due_on(day));
            if is_hidden { mask::name(name) } else { name.clone() }
        },
        district: stop.item.work.sigungu_code.and_then(|code| districts.display_name(code)).unwrap_or_default(),
        lines: lines(&stop.item.work, &listed),
    });
    let mut stops: Vec<LoadingStop> = stops.collect();
    stops.reverse();
    stops
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
    let member = layout.member.clone();
    let loaded = storage.read(move |tx| {
        let Some((board, at)) = load(tx, &for_read, id)? else { return Ok(None) };
        let ids: BTreeSet<i64> = board.columns[at].stops.iter().map(|stop| stop.item.work.delivery_id).collect();
        let ids: Vec<i64> = ids.into_iter().collect();
        let rows = load_rows(tx, &ids)?;
        let masking = masking::of_member(tx, member.as_ref(), Surface::Plan)?;
        Ok::<_, StorageError>(Some((board, at, rows, masking)))
    });
    let (board, at, rows, masking) = loaded.await?.ok_or(Error::NotFound)?;
    let column = &board.columns[at];
    let orders: BTreeSet<i64> = rows.iter().flat_map(DeliveryRow::order_ids).collect();
    let stops = loading_stops(column, &rows, &districts, (&masking, board.day));
    Ok(personal_page(LoadingPage {
        layout,
        id: crockford(id),
        title: format!("{} {}", column_name(column), date_with_weekday(board.day)),
        stops,
        print_now: query.print.is_some(),
        orders: orders.into_iter().collect(),
    }))
}

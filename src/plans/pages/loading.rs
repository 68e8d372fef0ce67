//! `/plans/tours/{id}/loading`: the loading list of a tour (상차표): what is delivered last is loaded first.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::extract::{Path, State};
use chrono::NaiveDate;

use super::tours::{TourQuery, line_code, load};
use crate::deliveries::list::{DeliveryRow, load_rows};
use crate::districts::{DistrictCache, Districts};
use crate::id::{DeliveryId, OrderId};
use crate::masking::{self, MaskPolicy, mask};
use crate::members::model::rights::Surface;
use crate::orders::list::OrderRow;
use crate::orders::model::OrderState;
use crate::plans::board::{BoardStop, Column};
use crate::plans::edit::column_name;
use crate::plans::model::JobKind;
use crate::plans::work::WorkBasis;
use crate::shop::store as shop;
use crate::storage::{Result as StorageResult, Storage, StorageError, Tx};
use crate::time::date_with_weekday;
use crate::uploads::claim_data::ClaimDataSummary;
use crate::uploads::store::claim_data_of_channels;
use crate::web::qr::QrCode;
use crate::web::{BaseUrl, Error, Layout, PageResult, PersonalData, Query, parse_id, personal_page};

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
    /// opens the stop; ticks the line where the truck is loaded
    pub(super) qr_code: Option<QrCode>,
    /// a claim that keeps nothing here
    pub(super) claim: String,
    /// why it must not be loaded: cancelled since it was planned, or an open cancellation
    pub(super) stop: Option<String>,
}

impl LoadingLine {
    /// Pieces that are loaded.
    pub(super) const fn pieces(&self) -> i64 {
        if self.stop.is_some() { 0 } else { self.quantity }
    }
}

#[derive(Template)]
#[template(path = "plans/loading.html")]
struct LoadingPage {
    layout: Layout,
    id: String,
    title: String,
    stops: Vec<LoadingStop>,
    claims: ClaimDataSummary,
    print_now: bool,
    orders: Vec<OrderId>,
}

impl PersonalData for LoadingPage {
    fn orders(&self) -> Vec<OrderId> {
        self.orders.clone()
    }
}

impl LoadingPage {
    fn pieces(&self) -> i64 {
        self.stops.iter().flat_map(|stop| &stop.lines).map(LoadingLine::pieces).sum()
    }
}

/// What is loaded for a stop: nothing where goods are only taken back, and for a visit. What was cancelled since it was
/// planned is on older papers, so it is there to be stopped; likewise what was delivered in another way before the driver
/// has the tour.
fn lines(
    stop: &BoardStop,
    is_handed_out: bool,
    listed: &BTreeMap<OrderId, &OrderRow>,
    code: impl Fn(OrderId) -> Option<QrCode>,
) -> Vec<LoadingLine> {
    let (work, basis) = (&stop.item.work, WorkBasis::from_json(&stop.stop.basis));
    let is_swap = work.kind() == JobKind::Swap;
    let is_done = !is_handed_out && !work.is_open();
    let is_cancelled = |row: &OrderRow| !is_swap && row.order.state >= OrderState::Cancelled;
    let own = work.orders.iter().filter(|_| work.kind().delivers()).filter_map(|order| listed.get(&order.id));
    let shown = own.filter(|row| !is_cancelled(row) || basis.has(row.order.id));
    let line = |row: &&OrderRow| {
        let is_held = !is_swap && row.order.is_held();
        let stop = if is_cancelled(row) {
            Some(row.order.state.label().to_owned())
        } else if is_done {
            Some("이미 배송함".to_owned())
        } else {
            is_held.then(|| row.order.claim.clone())
        };
        LoadingLine {
            product: product_name(row),
            quantity: row.order.quantity,
            qr_code: code(row.order.id),
            claim: if stop.is_some() { String::new() } else { row.order.claim.clone() },
            stop,
        }
    };
    shown.map(line).collect()
}

fn product_name(row: &OrderRow) -> String {
    if row.labels.is_empty() {
        return row.product_name.clone();
    }
    format!("{} [{}]", row.product_name, row.labels.join(", "))
}

/// How old the claims of the channels of these deliveries are.
pub(super) fn claims_of(tx: &mut dyn Tx, rows: &[DeliveryRow]) -> StorageResult<ClaimDataSummary> {
    let orders = rows.iter().flat_map(|row| &row.orders);
    let codes: BTreeSet<String> = orders.map(|order| order.listed.channel_code.clone()).collect();
    claim_data_of_channels(tx, &codes.into_iter().collect::<Vec<_>>())
}

/// The stops of a column with what is loaded for them, the last first.
pub(super) fn loading_stops(
    column: &Column,
    rows: &[DeliveryRow],
    districts: &Districts,
    (masking, day): (&MaskPolicy, NaiveDate),
    base: &str,
) -> Vec<LoadingStop> {
    let listed: BTreeMap<OrderId, &OrderRow> =
        rows.iter().flat_map(|row| &row.orders).map(|order| (order.listed.order.id, &order.listed)).collect();
    let stops = (1..).zip(&column.stops).map(|(position, stop)| LoadingStop {
        position,
        name: {
            let name = &stop.item.work.recipient.name;
            let is_hidden = masking.hides(stop.item.work.delivery_id, masking.is_due_on(day));
            if is_hidden { mask::name(name) } else { name.clone() }
        },
        district: stop.item.work.sigungu_code.and_then(|code| districts.display_name(code)).unwrap_or_default(),
        lines: lines(stop, column.is_handed_out(), &listed, |order| line_code(base, column, stop, order)),
    });
    let mut stops: Vec<LoadingStop> = stops.collect();
    stops.reverse();
    stops
}

pub(super) async fn show(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    layout: Layout,
    this_host: BaseUrl,
    Path(id): Path<String>,
    Query(query): Query<TourQuery>,
) -> PageResult {
    let id = parse_id(&id)?;
    let districts = districts.refresh(&storage).await?;
    let for_read = districts.clone();
    let member = layout.member.clone();
    let loaded = storage.read(move |tx| {
        let Some((board, at)) = load(tx, &for_read, id)? else { return Ok(None) };
        let ids: BTreeSet<DeliveryId> = board.columns[at].stops.iter().map(|stop| stop.item.work.delivery_id).collect();
        let ids: Vec<DeliveryId> = ids.into_iter().collect();
        let rows = load_rows(tx, &ids)?;
        let masking = masking::of_member(tx, member.as_ref(), Surface::Plan)?;
        let (claims, shop) = (claims_of(tx, &rows)?, shop::find(tx)?);
        Ok::<_, StorageError>(Some((board, at, rows, masking, claims, shop)))
    });
    let (board, at, rows, masking, claims, shop) = loaded.await?.ok_or(Error::NotFound)?;
    let column = &board.columns[at];
    let orders: BTreeSet<OrderId> = rows.iter().flat_map(DeliveryRow::order_ids).collect();
    let base = this_host.or_of_shop(&shop.origin);
    let stops = loading_stops(column, &rows, &districts, (&masking, board.day), base);
    Ok(personal_page(LoadingPage {
        layout,
        id: id.to_string(),
        title: format!("{} {}", column_name(column), date_with_weekday(board.day)),
        stops,
        claims,
        print_now: query.print.is_some(),
        orders: orders.into_iter().collect(),
    }))
}

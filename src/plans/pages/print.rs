//! `/plans/print?day=`: the papers of a day, without one of today, on one paper in one go: the stops and the loading list of
//! every truck.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::State;
use serde::Deserialize;

use super::loading::{LoadingLine, LoadingStop, claims_of, loading_stops};
use super::tours::{StopRow, facts, stop_rows};
use super::view::ColumnView;
use crate::deliveries::list::{DeliveryRow, load_rows};
use crate::districts::DistrictCache;
use crate::id::{DeliveryId, OrderId};
use crate::masking;
use crate::members::model::rights::Surface;
use crate::plans::board;
use crate::shop::store as shop;
use crate::storage::{Storage, StorageError};
use crate::time::{date_with_weekday, parse_date};
use crate::uploads::claim_data::ClaimDataSummary;
use crate::web::{BaseUrl, Layout, PageResult, PersonalData, Query, personal_page};

/// The papers of a truck.
struct TruckPapers {
    id: String,
    title: String,
    facts: Vec<(&'static str, String)>,
    rows: Vec<StopRow>,
    loading: Vec<LoadingStop>,
}

impl TruckPapers {
    fn rows(&self) -> &[StopRow] {
        &self.rows
    }

    /// Names the table of its stops: a page has those of several trucks.
    fn route_label(&self) -> String {
        format!("{} 배송 순서", self.title)
    }

    fn loading_label(&self) -> String {
        format!("{} 싣는 순서", self.title)
    }

    fn loading(&self) -> &[LoadingStop] {
        &self.loading
    }

    fn pieces(&self) -> i64 {
        self.loading.iter().flat_map(|stop| &stop.lines).map(LoadingLine::pieces).sum()
    }
}

#[derive(Template)]
#[template(path = "plans/print.html")]
struct PrintPage {
    layout: Layout,
    day: String,
    title: String,
    papers: Vec<TruckPapers>,
    claims: ClaimDataSummary,
    /// query of the slips of all trucks, in the order of the routes
    slips: String,
    print_now: bool,
    orders: Vec<OrderId>,
}

impl PersonalData for PrintPage {
    fn orders(&self) -> Vec<OrderId> {
        self.orders.clone()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PrintQuery {
    day: String,
    print: Option<String>,
}

pub(super) async fn show(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    layout: Layout,
    this_host: BaseUrl,
    Query(query): Query<PrintQuery>,
) -> PageResult {
    let day = parse_date(&query.day).unwrap_or_else(|| storage.clock().now().date());
    let districts = districts.refresh(&storage).await?;
    let for_read = districts.clone();
    let member = layout.member.clone();
    let (board, rows, masking, claims, shop) = storage
        .read(move |tx| {
            let board = board::load_without_pool(tx, &for_read, day)?;
            let stops = board.columns.iter().flat_map(|column| &column.stops);
            let ids: BTreeSet<DeliveryId> = stops.map(|stop| stop.item.work.delivery_id).collect();
            let rows = load_rows(tx, &ids.into_iter().collect::<Vec<_>>())?;
            let (claims, shop) = (claims_of(tx, &rows)?, shop::find(tx)?);
            Ok::<_, StorageError>((board, rows, masking::of_member(tx, member.as_ref(), Surface::Plan)?, claims, shop))
        })
        .await?;
    let base = this_host.or_of_shop(&shop.origin);
    let planned = || board.columns.iter().filter(|column| !column.stops.is_empty());
    let papers = planned().enumerate().map(|(number, column)| {
        let mut view = ColumnView::new(column, &districts);
        let mut loading = loading_stops(column, &rows, &districts, (&masking, day), base);
        loading.retain(|stop| !stop.lines.is_empty());
        TruckPapers {
            id: number.to_string(),
            title: format!("{} {}", view.name, date_with_weekday(day)),
            facts: facts(column),
            rows: stop_rows(std::mem::take(&mut view.cards), column, (&masking, day), base),
            loading,
        }
    });
    let keys = planned().flat_map(|column| &column.stops).map(|stop| stop.item.work.key);
    Ok(personal_page(PrintPage {
        day: day.to_string(),
        title: date_with_weekday(day),
        papers: papers.collect(),
        claims,
        slips: keys.map(|key| format!("id={key}")).collect::<Vec<_>>().join("&"),
        print_now: query.print.is_some(),
        orders: rows.iter().flat_map(DeliveryRow::order_ids).collect(),
        layout,
    }))
}

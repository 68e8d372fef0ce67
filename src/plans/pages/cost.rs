//! `/plans/cost`: what a move would cost, as JSON, while a card is dragged or a truck selected. Nothing is changed.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::parse_column;
use crate::districts::DistrictCache;
use crate::id::{Id, WorkId};
use crate::plans::board;
use crate::plans::edit::cost_of_move;
use crate::storage::Storage;
use crate::time::parse_date;
use crate::web::{Error, PageResult, Query};

/// Deliveries whose move is reckoned at once.
const MAX_MOVED: usize = 40;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct MoveQuery {
    day: String,
    /// truck and round
    to: String,
    /// position before which the stops come; empty: each where it costs least
    at: String,
    /// what names the deliveries on the board
    tick: Vec<String>,
}

/// `{"text":"운전 +18분, +12 km"}`
#[derive(Serialize)]
pub(super) struct CostText {
    text: String,
}

pub(super) async fn show(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    Query(query): Query<MoveQuery>,
) -> PageResult<Json<CostText>> {
    let day = parse_date(&query.day).ok_or(Error::NotFound)?;
    let to = parse_column(&query.to).ok_or(Error::NotFound)?;
    let keys: Vec<WorkId> = query.tick.iter().filter_map(|tick| Id::parse(tick)).take(MAX_MOVED).collect();
    let districts = districts.refresh(&storage).await?;
    let board = storage.read(move |tx| board::load(tx, &districts, day)).await?;
    let text = match cost_of_move(board, (to, query.at.parse().ok()), &keys) {
        Ok(cost) => cost.sentence(),
        Err(refusal) => refusal.sentence(),
    };
    Ok(Json(CostText { text }))
}

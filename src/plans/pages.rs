//! The pages of plans: the board of a day, its tours and loading lists, promised days, and what a dispatcher knows of one
//! delivery.

mod bulk;
mod close;
mod dates;
mod driving;
mod jobs;
mod list;
mod loading;
mod promises;
#[cfg(test)]
mod tests;
mod tours;
mod view;

use super::model::ColumnKey;
use crate::id::{crockford, parse_crockford};
use crate::web::{Access, Routes};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/plans", Access::Member, list::list)
        .post("/plans", Access::Member, bulk::bulk)
        .get("/plans/tours/{id}", Access::Member, tours::show)
        .post("/plans/tours/{id}", Access::Member, tours::update)
        .get("/plans/tours/{id}/close", Access::Member, close::show)
        .post("/plans/tours/{id}/close", Access::Member, close::update)
        .get("/plans/tours/{id}/loading", Access::Member, loading::show)
        .get("/plans/dates", Access::Member, dates::show)
        .post("/plans/dates", Access::Member, dates::promise)
        .get("/plans/promises", Access::Member, promises::list)
        .get("/plans/jobs/{id}", Access::Member, jobs::show)
        .post("/plans/jobs/{id}", Access::Member, jobs::update)
}

/// A column as text in forms: truck and round.
fn column_text(key: ColumnKey) -> String {
    format!("{}-{}", crockford(key.truck_id), key.round)
}

fn parse_column(text: &str) -> Option<ColumnKey> {
    let (truck, round) = text.rsplit_once('-')?;
    Some(ColumnKey { truck_id: parse_crockford(truck)?, round: round.parse().ok()? })
}

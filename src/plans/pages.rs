//! The pages of plans: the board of a day, its tours, loading lists and results on paper, promised days, and what a dispatcher knows of one
//! delivery and of other jobs at its door.

mod bulk;
mod close;
mod cost;
mod dates;
mod driving;
mod jobs;
mod list;
mod loading;
mod paper;
mod print;
mod promises;
#[cfg(test)]
mod tests;
mod tours;
mod undo;
mod view;
mod week;

use super::model::ColumnKey;
use crate::id::Id;
use crate::web::{Access, PageAction, PageKind, Routes};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/plans", Access::Page(PageKind::Plans, PageAction::View), list::list)
        .post("/plans", Access::Page(PageKind::Plans, PageAction::Process), bulk::apply)
        .get("/plans/cost", Access::Page(PageKind::Plans, PageAction::View), cost::show)
        .get("/plans/paper", Access::Page(PageKind::Plans, PageAction::View), paper::show)
        .post("/plans/paper", Access::Page(PageKind::Plans, PageAction::Process), paper::update)
        .get("/plans/week", Access::Page(PageKind::Plans, PageAction::View), week::show)
        .get("/plans/tours/{id}", Access::Page(PageKind::Plans, PageAction::View), tours::show)
        .post("/plans/tours/{id}", Access::Page(PageKind::Plans, PageAction::Process), tours::update)
        .get("/plans/tours/{id}/close", Access::Page(PageKind::Plans, PageAction::View), close::show)
        .post("/plans/tours/{id}/close", Access::Page(PageKind::Plans, PageAction::Process), close::update)
        .get("/plans/tours/{id}/loading", Access::Page(PageKind::Plans, PageAction::Print), loading::show)
        .get("/plans/print", Access::Page(PageKind::Plans, PageAction::Print), print::show)
        .get("/plans/dates", Access::Page(PageKind::Plans, PageAction::View), dates::show)
        .post("/plans/dates", Access::Page(PageKind::Plans, PageAction::Edit), dates::promise)
        .get("/plans/promises", Access::Page(PageKind::Plans, PageAction::View), promises::list)
        .get("/plans/jobs/new", Access::Page(PageKind::Plans, PageAction::Edit), jobs::new::new)
        .post("/plans/jobs/new", Access::Page(PageKind::Plans, PageAction::Edit), jobs::new::create)
        .get("/plans/jobs/{id}", Access::Page(PageKind::Plans, PageAction::View), jobs::show::show)
        .post("/plans/jobs/{id}", Access::Page(PageKind::Plans, PageAction::Edit), jobs::show::update)
}

/// A column as text in forms: truck and round.
fn column_text(key: ColumnKey) -> String {
    format!("{}-{}", key.truck_id, key.round)
}

fn parse_column(text: &str) -> Option<ColumnKey> {
    let (truck, round) = text.rsplit_once('-')?;
    Some(ColumnKey { truck_id: Id::parse(truck)?, round: round.parse().ok()? })
}

//! The pages of the own trucks: trucks, weekdays of districts, days off, handling, corrected points, roads, settings.

mod days;
mod handling;
mod holidays;
mod list;
mod new;
mod points;
mod roads;
mod settings;
mod show;
#[cfg(test)]
mod tests;

use super::form::FieldProblem;
use crate::web::{Access, PageAction, PageKind, Routes};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/trucks", Access::Page(PageKind::Plans, PageAction::View), list::list)
        .get("/trucks/new", Access::Page(PageKind::Plans, PageAction::Edit), new::new)
        .post("/trucks/new", Access::Page(PageKind::Plans, PageAction::Edit), new::create)
        .get("/trucks/days", Access::Page(PageKind::Plans, PageAction::View), days::show)
        .post("/trucks/days", Access::Page(PageKind::Plans, PageAction::Edit), days::update)
        .get("/trucks/holidays", Access::Page(PageKind::Plans, PageAction::View), holidays::show)
        .post("/trucks/holidays", Access::Page(PageKind::Plans, PageAction::Edit), holidays::update)
        .get("/trucks/handling", Access::Page(PageKind::Plans, PageAction::View), handling::list::list)
        .post("/trucks/handling", Access::Page(PageKind::Plans, PageAction::Edit), handling::list::update)
        .get("/trucks/handling/{id}", Access::Page(PageKind::Plans, PageAction::View), handling::show::show)
        .post("/trucks/handling/{id}", Access::Page(PageKind::Plans, PageAction::Edit), handling::show::update)
        .get("/trucks/points", Access::Page(PageKind::Plans, PageAction::View), points::show)
        .post("/trucks/points", Access::Page(PageKind::Plans, PageAction::Edit), points::update)
        .get("/trucks/roads", Access::Page(PageKind::Plans, PageAction::View), roads::show)
        .post("/trucks/roads", Access::Page(PageKind::Plans, PageAction::Edit), roads::update)
        .get("/trucks/settings", Access::Page(PageKind::Plans, PageAction::View), settings::show)
        .post("/trucks/settings", Access::Page(PageKind::Plans, PageAction::Edit), settings::update)
        .get("/trucks/{id}", Access::Page(PageKind::Plans, PageAction::View), show::show)
        .post("/trucks/{id}", Access::Page(PageKind::Plans, PageAction::Edit), show::update)
}

/// The message at a field.
fn problem<'p>(problems: &'p [FieldProblem], field: &str) -> Option<&'p str> {
    problems.iter().find(|problem| problem.field == field).map(|problem| problem.message.as_str())
}

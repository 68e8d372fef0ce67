//! The pages of the own trucks: trucks, weekdays of districts, days off, handling, settings.

mod days;
mod handling;
mod holidays;
mod list;
mod new;
mod settings;
mod show;
#[cfg(test)]
mod tests;

use super::form::FieldProblem;
use crate::web::{Access, Routes};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/trucks", Access::Member, list::list)
        .get("/trucks/new", Access::Member, new::new)
        .post("/trucks/new", Access::Member, new::create)
        .get("/trucks/days", Access::Member, days::show)
        .post("/trucks/days", Access::Member, days::update)
        .get("/trucks/holidays", Access::Member, holidays::show)
        .post("/trucks/holidays", Access::Member, holidays::update)
        .get("/trucks/handling", Access::Member, handling::list::list)
        .post("/trucks/handling", Access::Member, handling::list::update)
        .get("/trucks/handling/{id}", Access::Member, handling::show::show)
        .post("/trucks/handling/{id}", Access::Member, handling::show::update)
        .get("/trucks/settings", Access::Member, settings::show)
        .post("/trucks/settings", Access::Member, settings::update)
        .get("/trucks/{id}", Access::Member, show::show)
        .post("/trucks/{id}", Access::Member, show::update)
}

/// The message at a field.
fn problem<'p>(problems: &'p [FieldProblem], field: &str) -> Option<&'p str> {
    problems.iter().find(|problem| problem.field == field).map(|problem| problem.message.as_str())
}

//! The pages of deliveries: the list with its bulk actions, one delivery, and delivery slips.

mod bulk;
mod completion;
mod evidence;
mod held;
mod list;
mod show;
mod slip;
mod slips;
#[cfg(test)]
mod tests;
mod undo;
mod view;

use crate::id::parse_crockford;
use crate::web::{Access, Routes};

/// Deliveries that one request may change.
const MAX_BULK_ROWS: usize = 200;

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/deliveries", Access::Member, list::list)
        .post("/deliveries", Access::Member, bulk::bulk)
        .post("/deliveries/undo", Access::Member, undo::undo)
        .get("/deliveries/held", Access::Member, held::show)
        .post("/deliveries/held", Access::Member, held::complete)
        .get("/deliveries/slips", Access::Member, slips::show)
        .post("/deliveries/slips", Access::Member, slips::print)
        .get("/deliveries/{id}", Access::Member, show::show)
        .post("/deliveries/{id}", Access::Member, show::update)
        .get("/deliveries/{id}/slip", Access::Member, slip::show)
        .get("/deliveries/{id}/evidence", Access::Member, evidence::show)
}

/// The distinct identifiers of the form field `name`, in form order, at most [`MAX_BULK_ROWS`]. Skips
/// values that are no identifier.
fn ids(pairs: &[(String, String)], name: &str) -> Vec<i64> {
    let mut ids = Vec::new();
    for id in pairs.iter().filter(|(other, _)| other == name).filter_map(|(_, id)| parse_crockford(id)) {
        if !ids.contains(&id) && ids.len() < MAX_BULK_ROWS {
            ids.push(id);
        }
    }
    ids
}

/// The first value of the form field `name`, or an empty text.
fn value<'p>(pairs: &'p [(String, String)], name: &str) -> &'p str {
    pairs.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
}

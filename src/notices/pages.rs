//! The pages of texts for customers: the day, the file for a sender, the wordings.

mod download;
mod list;
#[cfg(test)]
mod tests;
mod wordings;

use chrono::{Days, NaiveDate, Timelike};
use serde::Deserialize;

use crate::time::{Moment, parse_date};
use crate::web::{Access, PageAction, PageKind, Routes};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/notices", Access::Page(PageKind::Plans, PageAction::View), list::list)
        .post("/notices", Access::Page(PageKind::Plans, PageAction::Edit), list::update)
        .get("/notices/download", Access::Page(PageKind::Plans, PageAction::Download), download::show)
        .post("/notices/download", Access::Page(PageKind::Plans, PageAction::Download), download::download)
        .get("/notices/wordings", Access::Page(PageKind::Plans, PageAction::View), wordings::show)
        .post("/notices/wordings", Access::Page(PageKind::Plans, PageAction::Edit), wordings::update)
}

/// Hour from which the page without a day shows tomorrow.
const TOMORROW_FROM_HOUR: u32 = 12;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct DayQuery {
    day: String,
}

impl DayQuery {
    /// The chosen day, else today in the morning and tomorrow later.
    fn day(&self, now: Moment) -> NaiveDate {
        let later = u64::from(now.kst().hour() >= TOMORROW_FROM_HOUR);
        parse_date(&self.day).unwrap_or_else(|| now.date() + Days::new(later))
    }
}

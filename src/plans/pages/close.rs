//! `/plans/tours/{id}/close`: 마감. Pieces that came back are counted; the tour closes when every piece is accounted for.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, State};

use crate::audit::MemberActor;
use crate::drive::close::{self, CountLine, lines, unreported, waiting};
use crate::drive::{store as drive, tour};
use crate::id::OrderId;
use crate::plans::model::TourState;
use crate::storage::{Storage, StorageError, Tx};
use crate::text::nfkc;
use crate::time::date_with_weekday;
use crate::web::{
    Error, Flash, FormPairs, Layout, PageResult, PersonalData, parse_id, personal_page, redirect_with_flash,
};

#[derive(Template)]
#[template(path = "plans/close.html")]
struct ClosePage {
    layout: Layout,
    id: String,
    title: String,
    lines: Vec<CountLine>,
    phones: Vec<String>,
    /// stops without a record that is needed
    unreported: Vec<String>,
    /// page on which paper results are typed
    paper: String,
    is_out: bool,
    is_closed: bool,
    orders: Vec<OrderId>,
}

impl PersonalData for ClosePage {
    fn orders(&self) -> Vec<OrderId> {
        self.orders.clone()
    }
}

impl ClosePage {
    fn sum(&self, of: impl Fn(&CountLine) -> i64) -> i64 {
        self.lines.iter().map(of).sum()
    }

    fn taken(&self) -> i64 {
        self.sum(|line| line.taken)
    }

    fn delivered(&self) -> i64 {
        self.sum(|line| line.delivered)
    }
}

pub(super) async fn show(State(storage): State<Storage>, layout: Layout, Path(id): Path<String>) -> PageResult {
    let tour_id = parse_id(&id)?;
    let read = storage.read(move |tx| {
        let Some(tour) = tour::load(tx, tour_id)? else { return Ok(None) };
        let counts = drive::counts(tx, tour_id)?;
        let phones = waiting(tx, &tour)?;
        Ok::<_, StorageError>(Some((tour, counts, phones)))
    });
    let (tour, counts, phones) = read.await?.ok_or(Error::NotFound)?;
    if !matches!(tour.tour.state, TourState::Out | TourState::Closed) {
        return Err(Error::NotFound);
    }
    Ok(personal_page(ClosePage {
        layout,
        id,
        title: format!("{} {}", tour.tour.name(), date_with_weekday(tour.tour.day)),
        lines: lines(&tour, &counts),
        phones,
        unreported: unreported(&tour),
        paper: format!("/plans/paper?day={}", tour.tour.day),
        is_out: tour.tour.state == TourState::Out,
        is_closed: tour.tour.state == TourState::Closed,
        orders: tour.order_ids(),
    }))
}

/// The counts of a form: `returned-<line>` and `aboard-<line>`.
fn counts(pairs: &[(String, String)]) -> BTreeMap<String, (i64, i64)> {
    let mut counts = BTreeMap::<String, (i64, i64)>::new();
    for (name, value) in pairs {
        let number = nfkc(value).trim().parse::<i64>().unwrap_or_default().clamp(0, 100_000);
        if let Some(line) = name.strip_prefix("returned-") {
            counts.entry(line.to_owned()).or_default().0 = number;
        } else if let Some(line) = name.strip_prefix("aboard-") {
            counts.entry(line.to_owned()).or_default().1 = number;
        }
    }
    counts
}

pub(super) async fn update(
    State(storage): State<Storage>,
    actor: MemberActor,
    Path(id): Path<String>,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let tour_id = parse_id(&id)?;
    let counts = counts(&pairs);
    let without_phones = pairs.iter().any(|(name, _)| name == "without_phones");
    let write = move |tx: &mut dyn Tx| {
        let outcome = close::close(tx, actor, tour_id, &counts, without_phones)?;
        let flash = match &outcome {
            Ok(event) => Flash::success(event.sentence()),
            Err(refusal) => Flash::warning(refusal.sentence()),
        };
        Ok::<_, StorageError>((outcome.is_ok(), flash.save(tx, actor.id)?))
    };
    let (is_closed, flash) = storage.write(write).await?;
    let to = if is_closed { format!("/plans/tours/{id}") } else { format!("/plans/tours/{id}/close") };
    Ok(redirect_with_flash(&to, flash))
}

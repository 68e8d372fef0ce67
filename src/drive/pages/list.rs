//! `/drive`: the own stops of today. A script of the page keeps them on the phone and queues what happens; without it the
//! page works by forms while the server answers.

use askama::Template;
use axum::extract::State;

use super::view::StopView;
use crate::drive::site;
use crate::drive::store;
use crate::drive::tour::{self, DriveTour};
use crate::id::OrderId;
use crate::plans::model::TourState;
use crate::storage::{Storage, StorageError};
use crate::time::date_with_weekday;
use crate::vault::Vault;
use crate::web::{Layout, Member, PageResult, PersonalData, personal_page};

/// A tour of the member.
struct TourView {
    id: String,
    name: String,
    state: TourState,
    helper: Option<String>,
    stops: Vec<StopView>,
    ended: usize,
}

#[derive(Template)]
#[template(path = "drive/list.html")]
struct DrivePage {
    layout: Layout,
    today: String,
    now: String,
    tours: Vec<TourView>,
    /// later tours: `12-02 (수) 1호차`
    later: Vec<String>,
    office_tel: String,
    orders: Vec<OrderId>,
}

impl PersonalData for DrivePage {
    fn orders(&self) -> Vec<OrderId> {
        self.orders.clone()
    }
}

pub(super) async fn list(
    State(storage): State<Storage>,
    State(vault): State<Vault>,
    layout: Layout,
    member: Member,
) -> PageResult {
    let now = storage.clock().now();
    let today = now.date();
    let (mut tours, later) = storage
        .read(move |tx| {
            let mut tours = Vec::new();
            for tour in store::tours_of_member(tx, member.id, today)? {
                tours.extend(tour::load(tx, tour.id)?);
            }
            Ok::<_, StorageError>((tours, store::later_tours_of_member(tx, member.id, today)?))
        })
        .await?;
    for tour in &mut tours {
        site::open_codes(tour, &vault, today);
    }
    let office_tel = tours.first().map_or_else(String::new, |tour| tour.office_tel.clone());
    let orders = tours.iter().flat_map(DriveTour::order_ids).collect();
    let tours = tours.into_iter().map(|tour| TourView {
        id: tour.tour.id.to_string(),
        name: tour.tour.name(),
        state: tour.tour.state,
        helper: tour.tour.helper.clone(),
        ended: tour.ended(),
        stops: StopView::all(&tour),
    });
    let later = later.iter().map(|tour| format!("{} {}", &date_with_weekday(tour.day)[5..], tour.name())).collect();
    let clock = now.kst().format("%H:%M").to_string();
    let (today, tours) = (date_with_weekday(today), tours.collect());
    Ok(personal_page(DrivePage { layout, today, now: clock, tours, later, office_tel, orders }))
}

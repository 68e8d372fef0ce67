//! The list of deliveries and the page of one.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::Uri;
use serde::Deserialize;

use super::model::DeliveryState;
use super::store::{self, Delivery, DeliveryFilter};
use crate::districts::Districts;
use crate::orders::list::{Listed, listed};
use crate::orders::model::{Recipient, ShippingMethod};
use crate::storage::{StorageError, crockford, parse_crockford};
use crate::time::date_with_weekday;
use crate::web::paging::{PageBar, Paging};
use crate::web::{Access, AppState, Error, Layout, PageResult, Query, Routes, page};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new().get("/deliveries", Access::Signed, list).get("/deliveries/{id}", Access::Signed, show)
}

/// A delivery in the words of the screen.
struct View {
    delivery: Delivery,
    sido: String,
    sigungu: String,
}

impl View {
    fn new(delivery: Delivery, districts: &Districts) -> Self {
        let region = delivery.sigungu.and_then(|code| districts.sigungu(code));
        let sido = delivery.sigungu.and_then(|code| districts.sido(code));
        Self {
            sido: sido.map_or_else(|| "미분류".to_owned(), |sido| sido.short_name.clone()),
            sigungu: region.map(|region| region.short_name.clone()).unwrap_or_default(),
            delivery,
        }
    }

    fn id(&self) -> String {
        crockford(self.delivery.id)
    }

    fn preferred(&self) -> String {
        self.delivery.preferred_shipping_date.map(date_with_weekday).unwrap_or_default()
    }
}

#[derive(Default, Deserialize)]
struct ListQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    state: String,
}

#[derive(Template)]
#[template(path = "deliveries/list.html")]
struct ListPage {
    layout: Layout,
    query: ListQuery,
    pages: PageBar,
    rows: Vec<View>,
}

async fn list(
    State(state): State<AppState>,
    layout: Layout,
    Query(query): Query<ListQuery>,
    Query(paging): Query<Paging>,
    uri: Uri,
) -> PageResult {
    let filter = DeliveryFilter {
        bundle_number: query.q.trim().to_owned(),
        state: DeliveryState::ALL.into_iter().find(|state| state.code() == query.state),
    };
    let (pages, deliveries) = state
        .storage
        .read(move |tx| {
            let (total, exactly) = store::count(tx, &filter)?;
            let mut pages = PageBar::new(&uri, paging, u64::try_from(total).unwrap_or_default());
            pages.at_least = !exactly;
            let offset = i64::try_from(pages.offset()).unwrap_or_default();
            let deliveries = store::page(tx, &filter, offset, pages.size.into())?;
            Ok::<_, StorageError>((pages, deliveries))
        })
        .await?;
    let districts = &state.uploads.districts;
    let rows = deliveries.into_iter().map(|delivery| View::new(delivery, districts)).collect();
    Ok(page(ListPage { layout, query, pages, rows }))
}

#[derive(Template)]
#[template(path = "deliveries/show.html")]
struct ShowPage {
    layout: Layout,
    view: View,
    orders: Vec<Listed>,
    /// the order that stands for all: whose recipient is shown
    primary: Listed,
}

impl ShowPage {
    /// Where an order goes, when that is not where the delivery goes.
    fn elsewhere(&self, other: &Listed) -> Option<String> {
        let (here, there) = (&self.primary.order.recipient, &other.order.recipient);
        let place = |of: &Recipient| (of.name.clone(), of.address1.clone(), of.address2.clone());
        (place(here) != place(there)).then(|| format!("{} · {} {}", there.name, there.address1, there.address2))
    }
}

async fn show(State(state): State<AppState>, layout: Layout, Path(id): Path<String>) -> PageResult {
    let id = parse_crockford(&id).ok_or(Error::NotFound)?;
    let (delivery, orders) = state
        .storage
        .read(move |tx| {
            let ids = store::order_ids(tx, id)?;
            Ok::<_, StorageError>((store::find(tx, id)?, listed(tx, &ids)?))
        })
        .await?;
    let delivery = delivery.ok_or(Error::NotFound)?;
    let primary = orders.iter().find(|listed| Some(listed.order.id) == delivery.primary_order_id);
    let primary = primary.or(orders.first()).cloned().ok_or(Error::NotFound)?;
    Ok(page(ShowPage { layout, view: View::new(delivery, &state.uploads.districts), orders, primary }))
}

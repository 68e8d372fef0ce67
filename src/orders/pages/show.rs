//! The page of one order with its log.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use crate::deliveries::model::DeliveryState;
use crate::districts::Districts;
use crate::orders::list::{self, Listed};
use crate::orders::model::OrderState;
use crate::orders::store::{self, Action, Event};
use crate::orders::words;
use crate::storage::{Result as StorageResult, StorageError, crockford, parse_crockford};
use crate::time::{Moment, date_with_weekday};
use crate::web::{AppState, Error, Layout, PageResult, page};

#[derive(Template)]
#[template(path = "orders/show.html")]
struct ShowPage {
    layout: Layout,
    listed: Listed,
    delivery_state: DeliveryState,
    others: Vec<Listed>,
    events: Vec<EventView>,
    district: Option<String>,
}

/// A line of the log in words.
struct EventView {
    at: Moment,
    who: String,
    upload: Option<String>,
    action: Action,
    changes: Vec<(&'static str, String, String)>,
}

impl ShowPage {
    fn moments(&self) -> Vec<(OrderState, Option<Moment>)> {
        OrderState::ALL.map(|state| (state, self.listed.order.moments.of(state))).into()
    }

    /// Option, label, and the channel's word where the label is another.
    fn options(&self) -> Vec<(&str, &str, Option<&str>)> {
        let options = self.listed.order.options.iter().zip(&self.listed.labels);
        options
            .map(|(option, label)| {
                let word = (option.value != *label).then_some(option.value.as_str());
                (option.key.as_str(), label.as_str(), word)
            })
            .collect()
    }

    /// The channel's word for the method, where it is another.
    fn method_word(&self) -> Option<&str> {
        let order = &self.listed.order;
        let word = order.shipping_method_word.as_str();
        (!word.is_empty() && word != order.shipping_method.label()).then_some(word)
    }

    fn delivery_id(&self) -> String {
        crockford(self.listed.order.delivery_id)
    }

    fn dispatch_deadline(&self) -> String {
        self.listed.order.dispatch_deadline.map(date_with_weekday).unwrap_or_default()
    }

    fn preferred_shipping_date(&self) -> String {
        self.listed.order.preferred_shipping_date.map(date_with_weekday).unwrap_or_default()
    }
}

pub(super) async fn show(
    State(state): State<AppState>,
    layout: Layout,
    Path(id): Path<String>,
) -> PageResult<Response> {
    let id = parse_crockford(&id).ok_or(Error::NotFound)?;
    let found = state
        .storage
        .read(move |tx| {
            let Some(listed) = list::listed(tx, &[id])?.pop() else { return Ok(None) };
            let sql = "SELECT id FROM orders WHERE delivery_id = ? AND id <> ? ORDER BY placed_at, id LIMIT 100";
            let others = tx.query(sql, &[listed.order.delivery_id.into(), id.into()])?;
            let others: Vec<i64> = others.iter().map(|row| row.int(0)).collect::<StorageResult<_>>()?;
            let sql = "SELECT state FROM deliveries WHERE id = ?";
            let delivery_state = DeliveryState::from_stored(tx.number(sql, &[listed.order.delivery_id.into()])?);
            let events = store::events(tx, id)?;
            Ok::<_, StorageError>(Some((listed, list::listed(tx, &others)?, delivery_state, events)))
        })
        .await?;
    let (listed, others, delivery_state, events) = found.ok_or(Error::NotFound)?;
    Ok(page(ShowPage {
        district: listed.order.sigungu.and_then(|code| state.uploads.districts.display_name(code)),
        layout,
        others,
        delivery_state: delivery_state.ok_or(Error::NotFound)?,
        events: events.into_iter().map(|event| EventView::of(event, &state.uploads.districts)).collect(),
        listed,
    }))
}

impl EventView {
    fn of(event: Event, districts: &Districts) -> Self {
        Self {
            at: event.at,
            who: event.username.unwrap_or_else(|| "명령줄".to_owned()),
            upload: event.upload_id.map(crockford),
            action: event.action,
            changes: event
                .changes
                .into_iter()
                .filter_map(|(column, was, is)| {
                    let word = words::column(&column)?;
                    let shown = |value| words::value(&column, value, districts);
                    Some((word, shown(was), shown(is)))
                })
                .collect(),
        }
    }
}

//! `/consumer`: orders that are late and of whose delay the buyer was not told.

use askama::Template;
use axum::extract::State;
use axum::http::Uri;
use chrono::NaiveDate;

use crate::consumer::store;
use crate::consumer::terms::{SupplyTerm, supply_term};
use crate::orders::list::{OrderRow, load_rows};
use crate::orders::model::OrderState;
use crate::search::Total;
use crate::storage::{Storage, StorageError, Tx};
use crate::web::paging::{PageBar, PageQuery};
use crate::web::{Layout, PageResult, Query, page};

/// An order that is late.
struct LateRow {
    id: String,
    row: OrderRow,
    due: NaiveDate,
}

#[derive(Template)]
#[template(path = "consumer/list.html")]
struct ListPage {
    layout: Layout,
    rows: Vec<LateRow>,
    pages: PageBar,
}

pub(crate) async fn list(
    State(storage): State<Storage>,
    layout: Layout,
    Query(paging): Query<PageQuery>,
    uri: Uri,
) -> PageResult {
    let read = move |tx: &mut dyn Tx| {
        let today = tx.now().date();
        let total = store::count_late(tx, today)?;
        let mut pages = PageBar::new(&uri, paging, u64::try_from(total.number()).unwrap_or_default());
        pages.at_least = matches!(total, Total::AtLeast(_));
        let offset = i64::try_from(pages.offset()).unwrap_or_default();
        let ids = store::late(tx, today, offset, pages.size.into())?;
        let mut rows = Vec::with_capacity(ids.len());
        for row in load_rows(tx, &ids)? {
            let order = &row.order;
            let agreed = store::promised_day(tx, order.delivery_id)?.or(order.preferred_shipping_date);
            let due = match supply_term(order, agreed, today) {
                SupplyTerm::Late(due) | SupplyTerm::Due(due) | SupplyTerm::Supplied(due) => due,
                SupplyTerm::Ended => today,
            };
            rows.push(LateRow { id: order.id.to_string(), due, row });
        }
        Ok::<_, StorageError>((rows, pages))
    };
    let (mut rows, pages) = storage.read_replica(read).await?;
    rows.sort_by_key(|late| late.row.order.moments.of(OrderState::Placed));
    Ok(page(ListPage { layout, rows, pages }))
}

//! The order list (주문관리).

use std::borrow::Borrow;

use askama::Template;
use axum::extract::State;
use axum::http::Uri;

use super::action_offers::ActionOffers;
use super::download::{DownloadOffer, offers};
use crate::channels;
use crate::id::crockford;
use crate::orders::edit::{Problem, RowForm};
use crate::orders::export::SMART_STORE;
use crate::orders::filter::{DateField, OrderFilter, OrderQuery};
use crate::orders::list::{self, OrderRow, Total};
use crate::orders::model::{OrderState, ShippingMethod};
use crate::orders::search::SearchField;
use crate::products::model::Product;
use crate::products::store as products;
use crate::storage::{Storage, StorageError};
use crate::time::date_with_weekday;
use crate::web::paging::{PageBar, PageQuery};
use crate::web::{Layout, PageResult, PersonalData, Query, personal_page};

/// A row of the list: the stored order, the inputs of its form, and their problems.
pub(super) struct RowView {
    pub(super) listed: OrderRow,
    pub(super) form: RowForm,
    pub(super) problems: Vec<Problem>,
    pub(super) ticked: bool,
}

impl RowView {
    pub(super) fn new(listed: OrderRow) -> Self {
        Self { form: RowForm::of(&listed.order), listed, problems: Vec::new(), ticked: false }
    }

    fn id(&self) -> String {
        crockford(self.listed.order.id)
    }

    fn problem(&self, field: &str) -> Option<&str> {
        self.problems.iter().find(|problem| problem.field == field).map(|problem| problem.message.as_str())
    }

    fn state(&self) -> OrderState {
        OrderState::parse(&self.form.state).unwrap_or(self.listed.order.state)
    }

    fn takes_tracking_number(&self) -> bool {
        self.listed.order.shipping_method == ShippingMethod::Parcel
    }

    /// One letter for the channel, beside its colour.
    fn channel_mark(&self) -> char {
        match self.listed.channel_code.as_str() {
            SMART_STORE => 'N',
            _ => self.listed.channel_name.chars().next().unwrap_or('?'),
        }
    }

    /// The icon of the shipping method.
    fn method_icon(&self) -> &'static str {
        match self.listed.order.shipping_method {
            ShippingMethod::Direct => "truck",
            ShippingMethod::Pickup => "shop",
            ShippingMethod::Quick => "arrow-up",
            ShippingMethod::Parcel | ShippingMethod::Other => "box-seam",
        }
    }

    fn placed_on(&self) -> String {
        self.listed.order.moments.of(OrderState::Placed).map_or_else(String::new, |at| date_with_weekday(at.date()))
    }

    /// The date of a state, without weekday: the row has space for one only.
    fn date(&self, state: OrderState) -> String {
        self.listed.order.moments.of(state).map(|moment| moment.date().to_string()).unwrap_or_default()
    }

    /// The query string for all orders of this customer, if the phone number identifies one.
    fn customer_query(&self) -> Option<String> {
        let customer = &self.listed.order.customer;
        customer.is_known_by_tel().then(|| {
            let field = SearchField::CustomerTel.code().to_owned();
            OrderQuery { field, q: customer.tel.clone(), ..OrderQuery::default() }.to_query_string(&[])
        })
    }

    fn bundle_query(&self) -> String {
        let query = OrderQuery {
            field: SearchField::BundleNumber.code().to_owned(),
            q: self.listed.bundle_number.clone(),
            ..OrderQuery::default()
        };
        query.to_query_string(&[])
    }
}

#[derive(Template)]
#[template(path = "orders/list.html")]
pub(super) struct ListPage {
    pub(super) layout: Layout,
    pub(super) query: OrderQuery,
    pub(super) rows: Vec<RowView>,
    pub(super) pages: PageBar,
    pub(super) search_was_cut: bool,
    pub(super) products: Vec<Product>,
    pub(super) channels: Vec<(String, String)>,
    pub(super) offers: Vec<DownloadOffer>,
    /// what the answer to the last action offers
    pub(super) after: Option<ActionOffers>,
    /// pasted numbers that no order has
    pub(super) missing: Vec<String>,
}

impl ListPage {
    fn sort_query(&self, by: impl Borrow<DateField>) -> String {
        self.query.to_query_string(&[("sort", &self.query.next_sort(*by.borrow())), ("page", "")])
    }

    /// The value of `aria-sort`, or an empty text.
    fn aria_sort(&self, by: impl Borrow<DateField>) -> &'static str {
        match self.query.filter().sort {
            Some(sort) if sort.by == *by.borrow() => {
                if sort.descending {
                    "descending"
                } else {
                    "ascending"
                }
            }
            _ => "",
        }
    }

    fn here(&self) -> String {
        self.query.to_query_string(&[])
    }

    fn is_filtered(&self) -> bool {
        let query = OrderQuery { page: String::new(), size: String::new(), sort: String::new(), ..self.query.clone() };
        query.filter() != OrderFilter::default()
    }
}

impl PersonalData for ListPage {
    fn orders(&self) -> Vec<i64> {
        self.rows.iter().map(|row| row.listed.order.id).collect()
    }
}

pub(super) async fn list(
    State(storage): State<Storage>,
    layout: Layout,
    Query(query): Query<OrderQuery>,
    Query(paging): Query<PageQuery>,
    uri: Uri,
) -> PageResult {
    Ok(personal_page(list_page(&storage, layout, query, paging, &uri).await?))
}

pub(super) async fn list_page(
    storage: &Storage,
    layout: Layout,
    query: OrderQuery,
    paging: PageQuery,
    uri: &Uri,
) -> PageResult<ListPage> {
    let (filter, uri, searched) = (query.filter(), uri.clone(), query.clone());
    let entry = layout.flash.as_ref().and_then(|flash| flash.audit_entry_id);
    let (found, pages, products, channels, (after, missing)) = storage
        .read(move |tx| {
            let page = u32::try_from(paging.page()).unwrap_or(u32::MAX);
            let mut found = list::page(tx, &filter, page, paging.size())?;
            let total = u64::try_from(found.total.number()).unwrap_or_default();
            let mut pages = PageBar::new(&uri, paging, total);
            pages.at_least = matches!(found.total, Total::AtLeast(_));
            if pages.page != u64::from(page) && matches!(found.total, Total::Exactly(_)) {
                found = list::page(tx, &filter, u32::try_from(pages.page).unwrap_or(1), paging.size())?;
            }
            let after = ActionOffers::of(tx, entry, &searched)?;
            let missing = list::by_numbers(tx, &filter.numbers)?.missing;
            Ok::<_, StorageError>((found, pages, products::enabled(tx)?, channels::store::all(tx)?, (after, missing)))
        })
        .await?;
    Ok(ListPage {
        offers: offers(&query),
        layout,
        query,
        rows: found.orders.into_iter().map(RowView::new).collect(),
        pages,
        search_was_cut: found.search_was_cut,
        products,
        channels,
        after,
        missing,
    })
}

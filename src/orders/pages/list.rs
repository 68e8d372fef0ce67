//! The order list (주문관리).

use std::borrow::Borrow;

use askama::Template;
use axum::extract::State;
use axum::http::Uri;
use chrono::{Datelike, NaiveDate};

use super::action_offers::ActionOffers;
use super::download::{DownloadOffer, offers};
use super::held::ACTS;
use crate::channels;
use crate::id::{MemberId, OrderId};
use crate::masking::{self, MaskPolicy};
use crate::members::model::rights::Surface;
use crate::orders::edit::{Problem, RowForm};
use crate::orders::export::SMART_STORE;
use crate::orders::filter::{DateField, OrderFilter, OrderQuery, parts};
use crate::orders::list::{self, OrderRow, Total};
use crate::orders::list_column::ListColumn;
use crate::orders::model::{OrderState, ShippingMethod};
use crate::orders::search_field::SearchField;
use crate::orders::store::member_lists::{self, SavedSearch};
use crate::products::model::Product;
use crate::products::store as products;
use crate::storage::{Storage, StorageError};
use crate::time::Moment;
use crate::web::paging::{PageBar, PageQuery};
use crate::web::{Layout, PageResult, PersonalData, Query, personal_page};

/// A row of the list: the stored order, the inputs of its form, and their problems.
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub(super) struct RowView {
    pub(super) listed: OrderRow,
    pub(super) form: RowForm,
    pub(super) problems: Vec<Problem>,
    pub(super) ticked: bool,
    /// whether the row shows its fields; otherwise texts, which become fields on a click
    pub(super) is_open: bool,
    /// whether the row shows what was typed and not saved
    pub(super) is_typed: bool,
    /// whether the member may change the row here: its data is not hidden
    can_edit: bool,
    /// the year whose dates are shown without it
    year: i32,
}

impl RowView {
    fn new(listed: OrderRow, is_open: bool, can_edit: bool, year: i32) -> Self {
        let form = RowForm::of(&listed.order);
        let (problems, ticked, is_open) = (Vec::new(), false, is_open && can_edit);
        Self { form, listed, problems, ticked, is_open, is_typed: false, can_edit, year }
    }

    fn id(&self) -> String {
        self.listed.order.id.to_string()
    }

    fn problem(&self, field: &str) -> Option<&str> {
        self.problems.iter().find(|problem| problem.field == field).map(|problem| problem.message.as_str())
    }

    /// Name of a field of the row.
    fn field(&self, name: &str) -> String {
        format!("{name}-{}", self.id())
    }

    /// Name of the select box of couriers.
    fn courier_label(&self) -> String {
        format!("{} 택배사", self.listed.order.order_number)
    }

    /// The courier that the row's select box chooses: its own, or else `last`, which the member entered last.
    fn courier<'r>(&'r self, last: &'r str) -> &'r str {
        let own = self.form.value("courier");
        if own.is_empty() && !self.is_typed { last } else { own }
    }

    fn state(&self) -> OrderState {
        OrderState::parse(self.form.value("state")).unwrap_or(self.listed.order.state)
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

    /// The date of a column.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
    fn date_of(&self, date: &DateField) -> Option<NaiveDate> {
        let order = &self.listed.order;
        match (date, ListColumn::state_of(*date)) {
            (_, Some(state)) => order.moments.of(state).map(Moment::date),
            (DateField::DispatchDeadline, None) => order.dispatch_deadline,
            (_, None) => order.preferred_shipping_date,
        }
    }

    /// The date of a column, short enough for a row: `03-15 금`, in other years `2024-03-15`.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
    fn date(&self, date: &DateField) -> String {
        self.date_of(date).map(|date| short_date(date, self.year)).unwrap_or_default()
    }

    /// Whether the date of the column can be changed in the row.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
    fn takes_date(&self, date: &DateField) -> bool {
        let order = &self.listed.order;
        match date {
            _ if !self.can_edit => false,
            DateField::DispatchDeadline => !order.deadline_is_settled(),
            DateField::PreferredShipping => !order.preferred_date_is_settled(),
            _ => false,
        }
    }

    /// Whether 발송기한 has passed without the order having left.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
    fn is_late(&self, date: &DateField, today: &NaiveDate) -> bool {
        let order = &self.listed.order;
        *date == DateField::DispatchDeadline
            && order.state < OrderState::Dispatched
            && order.dispatch_deadline.is_some_and(|deadline| deadline < *today)
    }

    /// The dates of 확정, 취소 and 반품, as far as the order has them.
    fn closed_on(&self) -> Vec<(OrderState, String)> {
        let states = [OrderState::Confirmed, OrderState::Cancelled, OrderState::Refunded];
        let date = |state| Some((state, short_date(self.listed.order.moments.of(state)?.date(), self.year)));
        states.into_iter().filter_map(date).collect()
    }

    /// Fields of the memos.
    #[expect(clippy::unused_self, reason = "the template calls it")]
    fn memo_fields(&self) -> [(&'static str, &'static str, &'static str); 3] {
        MEMO_FIELDS
    }

    /// The memos that have text: field, label, text. 고객메시지 has no field.
    fn memos(&self) -> Vec<(&'static str, &'static str, &str)> {
        let order = &self.listed.order;
        let memos = [
            ("", "고객", order.customer_message.as_str()),
            ("purchase_memo", "발주", &order.purchase_memo),
            ("shipping_memo", "배송", &order.shipping_memo),
            ("admin_memo", "관리자", &order.admin_memo),
        ];
        memos.into_iter().filter(|(.., text)| !text.is_empty()).collect()
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

fn all_or<'a>(labels: impl Iterator<Item = &'a str>) -> String {
    let labels = labels.collect::<Vec<_>>().join(", ");
    if labels.is_empty() { "전체".to_owned() } else { labels }
}

/// Fields of the memos: name, short label, label.
const MEMO_FIELDS: [(&str, &str, &str); 3] = [
    ("purchase_memo", "발주", "발주메모"),
    ("shipping_memo", "배송", "배송메모"),
    ("admin_memo", "관리자", "관리자메모"),
];

/// `03-15 금`; in other years than `year` `2024-03-15`.
fn short_date(date: NaiveDate, year: i32) -> String {
    const WEEKDAYS: [&str; 7] = ["월", "화", "수", "목", "금", "토", "일"];
    if date.year() == year {
        format!("{} {}", date.format("%m-%d"), WEEKDAYS[date.weekday().num_days_from_monday() as usize])
    } else {
        date.to_string()
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
    /// pasted numbers that were not looked up
    pub(super) beyond_limit: Vec<String>,
    /// columns of the member
    pub(super) columns: Vec<ListColumn>,
    /// searches that the member kept
    pub(super) searches: Vec<SavedSearch>,
    /// the courier that the member entered last; empty before the first
    pub(super) last_courier: String,
    pub(super) today: NaiveDate,
    /// what the member sees of the orders
    pub(super) masking: MaskPolicy,
}

impl ListPage {
    /// Whether names, telephone numbers and addresses are masked.
    fn is_masked(&self) -> bool {
        !self.masking.is_full()
    }

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

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
    fn has_state(&self, state: &OrderState) -> bool {
        parts(&self.query.state).any(|code| OrderState::parse(code) == Some(*state))
    }

    fn has_channel(&self, channel: &str) -> bool {
        parts(&self.query.channel).any(|code| code == channel)
    }

    /// The chosen states, or 전체.
    fn state_labels(&self) -> String {
        let chosen = OrderState::ALL.into_iter().filter(|state| self.has_state(state));
        all_or(chosen.map(OrderState::label))
    }

    /// The chosen channels, or 전체.
    fn channel_labels(&self) -> String {
        all_or(self.channels.iter().filter(|(code, _)| self.has_channel(code)).map(|(_, name)| name.as_str()))
    }

    /// A row as this list shows it.
    pub(super) fn view(&self, listed: OrderRow) -> RowView {
        let is_hidden = listed.is_sealed || self.masking.hides(listed.order.delivery_id, false);
        let can_edit = !is_hidden && self.layout.processes_orders();
        RowView::new(listed.masked_if(is_hidden), self.all_open(), can_edit, self.today.year())
    }

    /// Whether the page has fields, so that an action also saves what is typed into them.
    fn has_open_rows(&self) -> bool {
        self.rows.iter().any(|row| row.is_open)
    }

    /// Whether every row shows its fields.
    fn all_open(&self) -> bool {
        self.query.edit == "1"
    }

    /// The query string of this list with all fields, or with none.
    fn edit_query(&self) -> String {
        self.query.to_query_string(&[("edit", if self.all_open() { "" } else { "1" })])
    }

    /// Cells of a row.
    fn cell_count(&self) -> usize {
        self.columns.len() + 2
    }

    fn is_filtered(&self) -> bool {
        let query = OrderQuery { page: String::new(), size: String::new(), sort: String::new(), ..self.query.clone() };
        query.filter() != OrderFilter::default()
    }
}

impl PersonalData for ListPage {
    fn orders(&self) -> Vec<OrderId> {
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
    let member = layout.member.clone();
    let member_id = member.as_ref().map_or(MemberId::UNSTORED, |member| member.id);
    let (found, pages, products, channels, more) = storage
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
            let last_courier = member_lists::last_courier(tx, member_id)?;
            let kept = (member_lists::columns(tx, member_id)?, member_lists::searches(tx, member_id)?, last_courier);
            let masking = masking::of_member(tx, member.as_ref(), Surface::OrderList)?;
            let more = (after, missing, kept, masking);
            Ok::<_, StorageError>((found, pages, products::enabled(tx)?, channels::store::all(tx)?, more))
        })
        .await?;
    let (after, missing, (columns, searches, last_courier), masking) = more;
    let today = storage.clock().now().date();
    let beyond_limit = query.numbers_beyond_limit();
    let mut page = ListPage {
        offers: offers(&query),
        layout,
        query,
        rows: Vec::new(),
        pages,
        search_was_cut: found.search_was_cut,
        products,
        channels,
        after,
        missing,
        beyond_limit,
        columns,
        searches,
        last_courier,
        today,
        masking,
    };
    page.rows = found.orders.into_iter().map(|row| page.view(row)).collect();
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::parse_date;
    use crate::uploads::pages::tests::{ORDERS_FILE, upload_fixture};
    use crate::web::testing::TestApp;

    #[test]
    fn date_of_this_year_has_its_weekday() {
        let day = parse_date("2024-03-15").expect("a date");
        assert_eq!((short_date(day, 2024), short_date(day, 2026)), ("03-15 금".to_owned(), "2024-03-15".to_owned()));
    }

    #[tokio::test]
    async fn rows_are_texts_and_a_page_of_25_is_light() {
        let app = TestApp::as_admin().await;
        app.post_form(&format!("{}/apply", upload_fixture(&app, ORDERS_FILE).await), &[]).await;
        let html = app.get("/orders?size=25").await.ok();
        let rows = html.matches("<tbody class=\"order").count();
        assert!(rows >= 20 && !html.contains("name=\"state-") && !html.contains("name=\"purchase_memo-"));
        let (head, list) = html.split_once("<tbody class=\"order").expect("rows");
        let page = head.len() + list.len() * 25 / rows;
        assert!(page <= 60 * 1024, "{page} bytes");
        let open = app.get("/orders?size=25&edit=1").await.ok();
        assert_eq!(open.matches("name=\"state-").count(), rows);
    }
}

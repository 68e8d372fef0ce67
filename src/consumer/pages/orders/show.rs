//! `/consumer/orders/{id}`: what the law says about this order today.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono::NaiveDate;
use serde::Deserialize;

use crate::consumer::model::{ConsentWay, DelayNotice, MAX_REASON_CHARS, NoticeWay, WithdrawalConsent};
use crate::consumer::notice::delay_text;
use crate::consumer::penalty::{Cancellation, Fault, Penalty, penalty};
use crate::consumer::store;
use crate::consumer::terms::{SupplyTerm, late_refund_interest, refund_until, supply_term, withdrawal_until};
use crate::id::Id;
use crate::orders::list::{OrderRow, load_rows};
use crate::shop;
use crate::storage::{Result as StorageResult, Storage, Tx};
use crate::text::parse_money;
use crate::time::{date_with_weekday, parse_date};
use crate::web::paging::grouped;
use crate::web::{Error, Layout, PageResult, Query, page, page_with_status};

/// The calculator, in the URL.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CostQuery {
    price: String,
    paid: String,
    cancelled_on: String,
    delivery_on: String,
    fault: String,
    made_to_order: String,
    begun: String,
    returned_on: String,
    refunded_on: String,
}

/// What was entered about a delay.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NoticeForm {
    pub(super) reason: String,
    pub(super) new_day: String,
    pub(super) way: String,
}

/// What the calculator says.
struct Cost {
    result: String,
    basis: String,
}

/// A refund that is late.
struct RefundView {
    due: NaiveDate,
    interest: i64,
    total: i64,
}

#[derive(Template)]
#[template(path = "consumer/orders/show.html")]
struct ShowPage {
    layout: Layout,
    id: String,
    today: NaiveDate,
    row: OrderRow,
    /// the day that was agreed, and from where it is known
    agreed: Option<(NaiveDate, &'static str)>,
    term: SupplyTerm,
    withdrawal: Option<NaiveDate>,
    consent: Option<WithdrawalConsent>,
    notices: Vec<DelayNotice>,
    notice: NoticeForm,
    /// the text of the notice as it would be sent
    text: String,
    query: CostQuery,
    cost: Option<Result<Cost, &'static str>>,
    refund: Option<RefundView>,
    problem: Option<&'static str>,
}

impl ShowPage {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the template calls it")]
    fn is_over(&self, day: &NaiveDate) -> bool {
        *day < self.today
    }

    #[expect(clippy::unused_self, clippy::trivially_copy_pass_by_ref, reason = "the template calls it")]
    fn day(&self, day: &NaiveDate) -> String {
        date_with_weekday(*day)
    }
}

impl CostQuery {
    /// The query with the values of the order where nothing was entered.
    fn filled(mut self, row: &OrderRow, agreed: Option<NaiveDate>, today: NaiveDate) -> Self {
        let fill = |field: &mut String, value: String| {
            if field.trim().is_empty() {
                *field = value;
            }
        };
        fill(&mut self.price, row.order.price.to_string());
        fill(&mut self.paid, row.order.price.to_string());
        fill(&mut self.cancelled_on, today.to_string());
        fill(&mut self.delivery_on, agreed.map(|day| day.to_string()).unwrap_or_default());
        self
    }

    fn cost(&self) -> Result<Cost, &'static str> {
        let money =
            |text: &str| parse_money(text).ok().filter(|amount| *amount >= 0).ok_or("금액을 숫자로 입력해 주세요.");
        let day = |text: &str| parse_date(text).ok_or("취소하는 날과 배달하기로 한 날을 입력해 주세요.");
        let of = Cancellation {
            price: money(&self.price)?,
            paid: money(&self.paid)?,
            cancelled_on: day(&self.cancelled_on)?,
            delivery_on: day(&self.delivery_on)?,
            fault: Fault::from_code(&self.fault).unwrap_or_default(),
            is_made_to_order: self.made_to_order == "1",
            has_begun: self.begun == "1",
        };
        let (found, basis) = penalty(&of);
        let result = match found {
            Penalty::BuyerOwes { amount, refund } if refund >= 0 => {
                format!("위약금 {}원, 돌려줄 돈 {}원", grouped(amount), grouped(refund))
            }
            Penalty::BuyerOwes { amount, refund } => {
                format!("위약금 {}원, 고객이 더 낼 돈 {}원", grouped(amount), grouped(-refund))
            }
            Penalty::SellerOwes { amount, refund } => {
                format!("더해 줄 돈 {}원, 돌려줄 돈 {}원", grouped(amount), grouped(refund))
            }
            Penalty::ActualLoss => "실제 손해".to_owned(),
            Penalty::NotCovered => "정한 기준이 없어요".to_owned(),
        };
        Ok(Cost { result, basis })
    }

    fn refund(&self) -> Option<RefundView> {
        let due = refund_until(parse_date(&self.returned_on)?);
        let amount = parse_money(&self.price).ok()?;
        let interest = late_refund_interest(amount, due, parse_date(&self.refunded_on)?);
        Some(RefundView { due, interest, total: amount + interest })
    }
}

fn load(
    tx: &mut dyn Tx,
    layout: Layout,
    id: &str,
    query: CostQuery,
    notice: NoticeForm,
    problem: Option<&'static str>,
) -> StorageResult<Option<ShowPage>> {
    let Some(order_id) = Id::parse(id) else { return Ok(None) };
    let Some(row) = load_rows(tx, &[order_id])?.pop() else { return Ok(None) };
    let (today, notices) = (tx.now().date(), store::notices(tx, order_id)?);
    let told = notices.first().and_then(|notice| notice.new_day).map(|day| (day, "지연을 알리며 약속한 날"));
    let promised = store::promised_day(tx, row.order.delivery_id)?.map(|day| (day, "배송일 약속"));
    let preferred = row.order.preferred_shipping_date.map(|day| (day, "희망배송일"));
    let agreed = told.or(promised).or(preferred);
    let agreed_day = agreed.map(|(day, _)| day);
    let has_asked = !query.cancelled_on.is_empty();
    let query = query.filled(&row, agreed_day, today);
    let new_day = parse_date(&notice.new_day);
    let shop = shop::store::find(tx)?;
    let reason = if notice.reason.is_empty() { "(이유)" } else { notice.reason.as_str() };
    Ok(Some(ShowPage {
        layout,
        id: id.to_owned(),
        today,
        agreed,
        term: supply_term(&row.order, agreed_day, today),
        withdrawal: withdrawal_until(&row.order),
        consent: store::consent(tx, order_id)?,
        notices,
        text: delay_text(&shop, &row.order.order_number, &row.product_name, reason, new_day),
        notice,
        cost: has_asked.then(|| query.cost()),
        refund: query.refund(),
        query,
        problem,
        row,
    }))
}

pub(crate) async fn show(
    State(storage): State<Storage>,
    layout: Layout,
    Path(id): Path<String>,
    Query(query): Query<CostQuery>,
) -> PageResult {
    let read = move |tx: &mut dyn Tx| load(tx, layout.clone(), &id, query.clone(), NoticeForm::default(), None);
    Ok(page(storage.read(read).await?.ok_or(Error::NotFound)?))
}

/// The page with what is wrong with a form.
pub(super) async fn refused(
    storage: &Storage,
    layout: Layout,
    id: String,
    notice: NoticeForm,
    problem: &'static str,
) -> PageResult {
    let read =
        move |tx: &mut dyn Tx| load(tx, layout.clone(), &id, CostQuery::default(), notice.clone(), Some(problem));
    let shown = storage.read(read).await?.ok_or(Error::NotFound)?;
    Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, shown))
}

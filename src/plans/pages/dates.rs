//! `/plans/dates`: the days that can be promised for a delivery, or to a customer who asks before ordering.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::NaiveDate;
use serde::Deserialize;

use crate::audit::MemberActor;
use crate::districts::{DistrictCache, Districts};
use crate::id::{DeliveryId, Id, OrderId};
use crate::masking;
use crate::members::model::rights::Surface;
use crate::orders::bundle::DeliveryState;
use crate::orders::model::OrderState;
use crate::orders::store as orders;
use crate::plans::model::Job;
use crate::plans::promise::date_request::{AskedGoods, DateRequest};
use crate::plans::promise::dates::{self, Dates, NewPromise, NoDates};
use crate::plans::promise::{DateOffer, DateRefusal, PromiseChannel};
use crate::plans::store::promises::{self, Promise};
use crate::plans::work::DeliveryWork;
use crate::products::model::Product;
use crate::products::store as products;
use crate::storage::{Result as StorageResult, Storage, StorageError, Tx};
use crate::text::{nfkc, typed_zip_code};
use crate::time::{date_with_weekday, parse_date};
use crate::web::{
    Error, Flash, Form, Layout, PageResult, PersonalData, Query, Tone, parse_id, personal_page,
    personal_page_with_status, redirect_with_flash,
};

/// Most pieces of one request.
const MAX_QUANTITY: i64 = 100;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct DatesQuery {
    /// the delivery; empty for a customer without an order
    delivery: String,
    zip: String,
    /// identifier of the product; empty: the default of the shop
    product: String,
    quantity: String,
    /// a day that is wished or asked about; empty: the 희망배송일 of the delivery
    day: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct PromiseForm {
    delivery: String,
    day: String,
    channel: String,
    #[serde(default)]
    despite: String,
}

/// The delivery of the page.
struct PromisedDelivery {
    work: DeliveryWork,
    /// whether the recipient is masked
    is_masked: bool,
    planned: Option<NaiveDate>,
    /// the earliest day by which a channel demands the dispatch of its orders
    deadline: Option<NaiveDate>,
    history: Vec<Promise>,
}

/// The days of the page, or why there are none.
enum DatesView {
    Dates(Dates),
    NoDepot,
    NoPoint,
    /// nothing is asked so far
    Nothing,
}

impl DatesView {
    fn new(found: Result<Dates, NoDates>) -> Self {
        match found {
            Ok(dates) => Self::Dates(dates),
            Err(NoDates::Depot) => Self::NoDepot,
            Err(NoDates::Point) => Self::NoPoint,
        }
    }
}

#[derive(Template)]
#[template(path = "plans/dates.html")]
struct DatesPage {
    layout: Layout,
    query: DatesQuery,
    delivery: Option<PromisedDelivery>,
    products: Vec<Product>,
    zip_problem: Option<&'static str>,
    shown: DatesView,
    today: NaiveDate,
    /// first day on which the goods are there, and the working days that this takes
    ready: Option<(NaiveDate, i64)>,
}

impl PersonalData for DatesPage {
    fn orders(&self) -> Vec<OrderId> {
        self.delivery.as_ref().map(|delivery| delivery.work.order_ids().collect()).unwrap_or_default()
    }
}

impl DatesPage {
    /// How far a day is from the wished one: `희망한 날보다 3일 늦어요`.
    fn distance(dates: &Dates, offer: &DateOffer) -> Option<String> {
        let (wished, _) = dates.wished.as_ref()?;
        match (offer.day - *wished).num_days() {
            0 => None,
            days @ 1.. => Some(format!("희망한 날보다 {days}일 늦어요")),
            days => Some(format!("희망한 날보다 {}일 빨라요", -days)),
        }
    }

    /// Why the first day is not tomorrow.
    fn ready_sentence(&self) -> Option<String> {
        let (ready, lead_days) = self.ready?;
        let is_later = ready > self.today + chrono::Days::new(1) && lead_days > 0;
        is_later.then(|| {
            let day = date_with_weekday(ready);
            format!("{day}부터 약속할 수 있어요. 발주한 상품이 들어오기까지 평일 {lead_days}일로 잡았어요.")
        })
    }

    /// What is wrong with promising a day although it is possible: later than the channel demands.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
    fn warning(&self, day: &NaiveDate) -> Option<String> {
        let deadline = self.delivery.as_ref()?.deadline.filter(|deadline| deadline < day)?;
        let late = (*day - deadline).num_days();
        Some(format!("발송기한 {}보다 {late}일 늦어요", date_with_weekday(deadline)))
    }

    /// Whether the wish is the one of the order, not one that was asked about here.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
    fn is_preferred(&self, day: &NaiveDate) -> bool {
        self.delivery.as_ref().is_some_and(|delivery| delivery.work.preferred_date == Some(*day))
    }

    fn delivery_id(&self) -> String {
        self.delivery.as_ref().map(|delivery| delivery.work.delivery_id.to_string()).unwrap_or_default()
    }

    /// Refused days with their reason; days in a row with one reason are one line.
    fn refused(dates: &Dates) -> Vec<(String, String)> {
        let same = |one: &(NaiveDate, DateRefusal), other: &(NaiveDate, DateRefusal)| {
            one.1 == other.1 && one.0.succ_opt() == Some(other.0)
        };
        let line = |days: &[(NaiveDate, DateRefusal)]| {
            let [first, .., last] = days else { return days.first().map(|(day, _)| date_with_weekday(*day)) };
            Some(format!("{} ~ {}", date_with_weekday(first.0), date_with_weekday(last.0)))
        };
        let runs = dates.refused.chunk_by(same);
        runs.filter_map(|days| Some((line(days)?, days.first()?.1.sentence()))).collect()
    }

    /// The counter form with what was asked about, and the promise of that day.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
    fn counter_url(&self, day: &NaiveDate) -> String {
        let DatesQuery { zip, product, quantity, .. } = &self.query;
        format!("/orders/new?promise={day}&zip={zip}&product={product}&quantity={quantity}")
    }

    fn product_key(product: &Product) -> String {
        product.id.to_string()
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
    fn label(date: &NaiveDate) -> String {
        date_with_weekday(*date)
    }

    /// Whether the asked day may be promised, perhaps in spite of a refusal.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
    fn may_promise(&self, day: &NaiveDate) -> bool {
        self.delivery.is_some() && *day >= self.today
    }
}

async fn load(
    storage: &Storage,
    districts: &DistrictCache,
    layout: Layout,
    query: DatesQuery,
) -> PageResult<DatesPage> {
    let districts = districts.refresh(storage).await?;
    let delivery_id = match query.delivery.as_str() {
        "" => None,
        text => Some(parse_id(text)?),
    };
    storage
        .read(move |tx| match delivery_id {
            Some(id) => of_delivery(tx, &districts, layout.clone(), query.clone(), id),
            None => of_goods(tx, &districts, layout.clone(), query.clone()).map(Some),
        })
        .await?
        .ok_or(Error::NotFound)
}

fn of_delivery(
    tx: &mut dyn Tx,
    districts: &Districts,
    layout: Layout,
    query: DatesQuery,
    id: DeliveryId,
) -> StorageResult<Option<DatesPage>> {
    let today = tx.now().date();
    let Some((mut work, stored)) = dates::find_delivery(tx, id)? else { return Ok(None) };
    let (job, planned): (Option<Job>, _) = stored.map_or((None, None), |stored| (Some(stored.job), stored.planned));
    let request = DateRequest::of_delivery(tx, today, &work, job.as_ref())?;
    let wish = parse_date(&query.day).or(work.preferred_date);
    let shown = DatesView::new(dates::find(tx, districts, &request, today, wish)?);
    let history = promises::of_delivery(tx, id)?;
    let masking = masking::of_member(tx, layout.member.as_ref(), Surface::Plan)?;
    let is_masked = masking.hides(id, masking.is_due(work.preferred_date, work.state == DeliveryState::ReadyToShip));
    if is_masked {
        work.recipient.mask();
    }
    let ids: Vec<OrderId> = work.order_ids().collect();
    let open = orders::find(tx, &ids)?.into_iter().filter(|order| order.state < OrderState::Shipped);
    let deadline = open.filter_map(|order| order.dispatch_deadline).min();
    let planned = planned.map(|(day, _)| day);
    let delivery = Some(PromisedDelivery { work, is_masked, planned, deadline, history });
    let (products, ready) = (Vec::new(), Some((request.ready, request.lead_days)));
    Ok(Some(DatesPage { layout, query, delivery, products, zip_problem: None, shown, today, ready }))
}

fn of_goods(tx: &mut dyn Tx, districts: &Districts, layout: Layout, mut query: DatesQuery) -> StorageResult<DatesPage> {
    let today = tx.now().date();
    let products: Vec<Product> = products::all(tx)?.into_iter().filter(|product| product.enabled).collect();
    let quantity = nfkc(&query.quantity).trim().parse().unwrap_or(1).clamp(1, MAX_QUANTITY);
    query.quantity = quantity.to_string();
    let shown = DatesView::Nothing;
    let mut page = DatesPage { layout, delivery: None, products, zip_problem: None, shown, today, query, ready: None };
    if page.query.zip.trim().is_empty() {
        return Ok(page);
    }
    let Some(zip) = typed_zip_code(&page.query.zip) else {
        page.zip_problem = Some("우편번호 다섯 자리를 입력해 주세요.");
        return Ok(page);
    };
    page.query.zip.clone_from(&zip);
    let goods = AskedGoods { product_id: Id::parse(&page.query.product), quantity, ..AskedGoods::default() };
    let request = DateRequest::of_goods(tx, districts, today, &zip, &[goods])?;
    let wish = parse_date(&page.query.day);
    page.shown = DatesView::new(dates::find(tx, districts, &request, today, wish)?);
    page.ready = Some((request.ready, request.lead_days));
    Ok(page)
}

pub(super) async fn show(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    layout: Layout,
    Query(query): Query<DatesQuery>,
) -> PageResult {
    Ok(personal_page(load(&storage, &districts, layout, query).await?))
}

pub(super) async fn promise(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    layout: Layout,
    actor: MemberActor,
    Form(form): Form<PromiseForm>,
) -> PageResult {
    let invalid = || Error::BadRequest("약속할 날을 알 수 없어요. 배송일 약속에서 날을 선택해 주세요.".to_owned());
    let promise = NewPromise {
        delivery_id: parse_id(&form.delivery)?,
        day: parse_date(&form.day).ok_or_else(invalid)?,
        channel: PromiseChannel::from_code(&form.channel).ok_or_else(invalid)?,
        is_despite: form.despite == "1",
    };
    let cache = districts.clone();
    let kept = storage
        .write(move |tx| {
            Ok::<_, StorageError>(match dates::make(tx, actor, &cache, &promise)? {
                Ok(event) => Ok(Flash::success(event.sentence()).save(tx, actor.id)?),
                Err(error) => Err(error),
            })
        })
        .await?;
    let sentence = match kept {
        Ok(flash) => return Ok(redirect_with_flash(&format!("/plans/dates?delivery={}", form.delivery), flash)),
        Err(error) => error.sentence(),
    };
    let query = DatesQuery { delivery: form.delivery, day: form.day, ..DatesQuery::default() };
    let mut page = load(&storage, &districts, layout, query).await?;
    page.layout.flash = Some(Flash::new(Tone::Warning, &sentence));
    Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page))
}

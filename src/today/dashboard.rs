//! The figures of the first page. Each links to the list it counts and equals that list's total, because
//! both use the same filter.

use chrono::{Days, NaiveDate};

use crate::access::inspection;
use crate::consumer::store as consumer;
use crate::deliveries;
use crate::deliveries::filter::{DeliveryFilter, DeliveryQuery};
use crate::deliveries::store::overview::{DayRegionCount, count_unclassified, counts_by_day};
use crate::drive::store as drive;
use crate::members::store as members;
use crate::orders::filter::{DateField, NO_DEADLINE, OPEN_CLAIMS, OrderQuery};
use crate::orders::list::{self, Total};
use crate::orders::model::{OrderState, ShippingMethod};
use crate::plans::changes;
use crate::privacy::request::REMINDER_DAYS;
use crate::privacy::store::{breaches, requests};
use crate::products::store as products;
use crate::shop;
use crate::storage::{Result, Tx};
use crate::trucks::store as trucks;
use crate::uploads::store::{self as uploads, UploadFilter};

use super::chart::CHART_DAYS;
use super::first_steps::ShopProgress;

/// Deadlines that are over.
const LATE: &str = "기한 지남";

/// Days ahead within which a dispatch deadline is soon (3일 이내).
const DEADLINE_SOON_DAYS: u64 = 3;

/// States before dispatch. Only their orders can miss a dispatch deadline.
const BEFORE_DISPATCH: [OrderState; 2] = [OrderState::Placed, OrderState::Purchased];

/// A count with a link to the list it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// rows of the list
    pub total: Total,
    /// URL of the list
    pub href: String,
}

impl Figure {
    fn exactly(number: i64, href: impl Into<String>) -> Self {
        Self { total: Total::Exactly(number), href: href.into() }
    }

    /// Whether the list is empty.
    pub fn is_zero(&self) -> bool {
        self.total.number() == 0
    }
}

/// Orders whose dispatch deadline is in one span of days, by state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadlineFigures {
    /// 기한 지남, 오늘까지, 3일 이내, 기한 없음
    pub name: &'static str,
    /// orders in 주문 and in 발주
    pub figures: [Figure; 2],
}

/// All figures of the first page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dashboard {
    /// orders of each state
    pub states: Vec<(OrderState, Figure)>,
    /// orders before dispatch, by dispatch deadline
    pub deadlines: Vec<DeadlineFigures>,
    /// own-team deliveries (직접전달) wanted today, and wanted tomorrow
    pub deliveries: [Figure; 2],
    /// parcels that are dispatched and not on their way
    pub parcels: Figure,
    /// what waits
    pub work: OpenWork,
    /// own deliveries of the next days
    pub goes_out: Vec<DayRegionCount>,
    /// what the shop has of its first steps, as far as the database knows
    pub progress: ShopProgress,
}

/// The counts from which notices follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenWork {
    /// orders in 주문, and in 발주, whose dispatch deadline is over
    pub late: [Figure; 2],
    /// orders with an open claim
    pub claims: Figure,
    /// uploads with rejected rows that are not marked as handled
    pub rejected: Figure,
    /// uploads with values of a channel that wait for a decision
    pub undecided: Figure,
    /// orders without a district (미분류)
    pub unclassified: Figure,
    /// records of drivers that do not fit what the office knows
    pub drive_findings: Figure,
    /// stops of fixed tours of today and tomorrow that have changed since they were planned, and those of loaded ones
    pub changed_stops: [Figure; 2],
    /// periods whose access records are to be inspected
    pub inspections: Figure,
    /// orders that are late without a notice to the buyer
    pub delays: Figure,
    /// demands of people whose deadline is near or over
    pub requests: Figure,
    /// cases of leaks that are not closed
    pub breaches: Figure,
    /// members who have not come for a long time
    pub absent_members: Figure,
    /// products with an option value without a label
    pub missing_labels: Figure,
}

/// Counts all figures; `today` is the shop's date.
pub fn load(tx: &mut dyn Tx, today: NaiveDate) -> Result<Dashboard> {
    let tomorrow = plus_days(today, 1);
    let spans = [
        (LATE, None, today.pred_opt()),
        ("오늘까지", Some(today), Some(today)),
        ("3일 이내", Some(tomorrow), Some(plus_days(today, DEADLINE_SOON_DAYS))),
    ];
    let mut dated: Vec<DeadlineFigures> =
        spans.into_iter().map(|(name, from, to)| deadlines(tx, name, from, to)).collect::<Result<_>>()?;
    dated.extend(undated(tx)?);
    Ok(Dashboard {
        states: OrderState::ALL
            .into_iter()
            .map(|state| Ok((state, orders(tx, &in_state(state))?)))
            .collect::<Result<_>>()?,
        deadlines: dated,
        deliveries: [own_deliveries(tx, today)?, own_deliveries(tx, tomorrow)?],
        parcels: deliveries_of(tx, &DeliveryQuery::parcels(), &DeliveryFilter::parcels())?,
        work: open_work(tx, today)?,
        goes_out: counts_by_day(tx, today, plus_days(today, CHART_DAYS - 1))?,
        progress: ShopProgress {
            has_name: !shop::store::find(tx)?.name.is_empty(),
            members: members::list(tx)?.len(),
            has_depot: !trucks::settings(tx)?.depot_zip.is_empty(),
            has_trucks: trucks::all(tx)?.iter().any(|truck| truck.enabled),
            has_orders: uploads::page(tx, UploadFilter::All, 0, 0)?.1 > 0
                || list::count(tx, &OrderQuery::default().filter())?.number() > 0,
            is_dismissed: super::store::are_first_steps_dismissed(tx)?,
            ..ShopProgress::default()
        },
    })
}

/// Counts what waits.
pub fn open_work(tx: &mut dyn Tx, today: NaiveDate) -> Result<OpenWork> {
    Ok(OpenWork {
        late: deadlines(tx, LATE, None, today.pred_opt())?.figures,
        claims: orders(tx, &OrderQuery { claim: OPEN_CLAIMS.to_owned(), ..OrderQuery::default() })?,
        rejected: Figure::exactly(uploads::page(tx, UploadFilter::Unresolved, 0, 0)?.1, "/uploads?rows=rejected"),
        undecided: Figure::exactly(uploads::page(tx, UploadFilter::Undecided, 0, 0)?.1, "/uploads?rows=decisions"),
        unclassified: Figure::exactly(count_unclassified(tx)?, "/districts/unknown"),
        drive_findings: Figure::exactly(drive::findings::count_open(tx)?, "/drive/findings"),
        changed_stops: changed_stops(tx, today)?,
        inspections: Figure::exactly(
            i64::try_from(inspection::due_periods(tx)?.len()).unwrap_or(i64::MAX),
            "/access/inspections",
        ),
        delays: Figure { total: consumer::count_late(tx, today)?, href: "/consumer".to_owned() },
        requests: Figure::exactly(requests::count_due(tx, plus_days(today, REMINDER_DAYS))?, "/privacy/requests"),
        breaches: Figure::exactly(breaches::count_open(tx)?, "/privacy/breaches"),
        absent_members: Figure::exactly(members::count_absent(tx)?, "/members#absent"),
        missing_labels: Figure::exactly(products::count_unlabelled_products(tx)?, "/products?labels=missing"),
    })
}

/// Stops of fixed and of loaded tours that have changed, with the board of their first day.
fn changed_stops(tx: &mut dyn Tx, today: NaiveDate) -> Result<[Figure; 2]> {
    let changed = changes::changed_stops(tx, today, plus_days(today, 1))?;
    let figure = |found: Option<(i64, NaiveDate)>| {
        let (count, day) = found.unwrap_or((0, today));
        Figure::exactly(count, format!("/plans?day={day}"))
    };
    Ok([figure(changed.fixed), figure(changed.loaded)])
}

fn plus_days(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_add_days(Days::new(days)).unwrap_or(day)
}

fn in_state(state: OrderState) -> OrderQuery {
    OrderQuery { state: state.code().to_owned(), ..OrderQuery::default() }
}

fn orders(tx: &mut dyn Tx, query: &OrderQuery) -> Result<Figure> {
    Ok(Figure { total: list::count(tx, &query.filter())?, href: format!("/orders?{}", query.to_query_string(&[])) })
}

fn deadlines(
    tx: &mut dyn Tx,
    name: &'static str,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
) -> Result<DeadlineFigures> {
    let date = |date: Option<NaiveDate>| date.map(|date| date.to_string()).unwrap_or_default();
    let [placed, purchased] = BEFORE_DISPATCH.map(|state| OrderQuery {
        date: DateField::DispatchDeadline.code().to_owned(),
        from: date(from),
        to: date(to),
        ..in_state(state)
    });
    Ok(DeadlineFigures { name, figures: [orders(tx, &placed)?, orders(tx, &purchased)?] })
}

/// Orders without a deadline, which some channels do not state; none if every order has one.
fn undated(tx: &mut dyn Tx) -> Result<Option<DeadlineFigures>> {
    let [placed, purchased] =
        BEFORE_DISPATCH.map(|state| OrderQuery { deadline: NO_DEADLINE.to_owned(), ..in_state(state) });
    let figures = [orders(tx, &placed)?, orders(tx, &purchased)?];
    let is_any = !figures.iter().all(Figure::is_zero);
    Ok(is_any.then_some(DeadlineFigures { name: "기한 없음", figures }))
}

fn own_deliveries(tx: &mut dyn Tx, day: NaiveDate) -> Result<Figure> {
    let query = DeliveryQuery { method: vec![ShippingMethod::Direct.code().to_owned()], ..DeliveryQuery::due_on(day) };
    let filter = DeliveryFilter { methods: vec![ShippingMethod::Direct], ..DeliveryFilter::due_on(day) };
    deliveries_of(tx, &query, &filter)
}

/// The deliveries of a query, which the filter parses.
fn deliveries_of(tx: &mut dyn Tx, query: &DeliveryQuery, filter: &DeliveryFilter) -> Result<Figure> {
    let total = deliveries::list::page(tx, filter, 0, 0)?.total;
    Ok(Figure { total, href: format!("/deliveries?{}", query.to_query_string("")) })
}

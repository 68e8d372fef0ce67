//! What waits today: the numbers of the start page, each with the address of the list behind it.
//!
//! Every number is the total of that list, counted by tallies and indexes as the list counts it.

use chrono::{Days, NaiveDate};

use super::filter::{DateField, FilterWords, OPEN_CLAIMS};
use super::list::{self, Total};
use super::model::{OrderState, ShippingMethod};
use crate::deliveries;
use crate::deliveries::filter::{DeliveryFilter, DeliveryWords, Preferred};
use crate::districts::classify::UNDER_WAY;
use crate::districts::overview::unknown_count;
use crate::products::store as products;
use crate::storage::{Result, Tx};
use crate::uploads::store::{self as uploads, Which};

/// Days ahead in which a deadline is near.
const NEAR: u64 = 3;

/// States before the goods leave the factory: their deadlines count.
const BEFORE_DISPATCH: [OrderState; 2] = [OrderState::Placed, OrderState::Purchased];

/// A number, and the list that has so many rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    /// rows of the list
    pub total: Total,
    /// its address
    pub href: String,
}

impl Number {
    fn exactly(number: i64, href: impl Into<String>) -> Self {
        Self { total: Total::Exactly(number), href: href.into() }
    }

    /// Nothing waits there.
    pub fn is_zero(&self) -> bool {
        self.total.number() == 0
    }
}

/// Deadlines of a span of days, by state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// 지난 기한, 오늘, 사흘 안
    pub name: &'static str,
    /// of 주문 and of 발주
    pub numbers: [Number; 2],
}

/// What waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// orders of each state
    pub states: Vec<(OrderState, Number)>,
    /// deadlines of what has not left the factory
    pub deadlines: Vec<Deadline>,
    /// 직접전달 with today's, then tomorrow's 희망배송일
    pub deliveries: [Number; 2],
    /// claims without an answer
    pub claims: Number,
    /// uploads with rejected rows nobody has dealt with
    pub rejected: Number,
    /// 미분류
    pub unknown_districts: Number,
    /// products of which a label still is the channel's word
    pub missing_labels: Number,
}

impl Waiting {
    /// The shop has never had an order.
    pub fn is_first_day(&self) -> bool {
        self.states.iter().all(|(_, number)| number.is_zero())
    }
}

/// Counts what waits on that day.
pub fn waiting(tx: &mut dyn Tx, today: NaiveDate) -> Result<Waiting> {
    let tomorrow = later(today, 1);
    Ok(Waiting {
        states: OrderState::ALL
            .into_iter()
            .map(|state| Ok((state, orders(tx, &of_state(state))?)))
            .collect::<Result<_>>()?,
        deadlines: [
            ("지난 기한", None, Some(later(today, -1))),
            ("오늘까지", Some(today), Some(today)),
            ("사흘 안", Some(tomorrow), Some(later(today, NEAR.cast_signed()))),
        ]
        .into_iter()
        .map(|(name, from, to)| deadline(tx, name, from, to))
        .collect::<Result<_>>()?,
        deliveries: [deliveries(tx, today)?, deliveries(tx, tomorrow)?],
        claims: orders(tx, &FilterWords { claim: OPEN_CLAIMS.to_owned(), ..FilterWords::default() })?,
        rejected: Number::exactly(uploads::page(tx, Which::Open, 0, 0)?.1, "/uploads?rows=rejected"),
        unknown_districts: Number::exactly(unknown_count(tx)?, "/districts/unknown"),
        missing_labels: Number::exactly(products::without_labels(tx)?, "/products?labels=missing"),
    })
}

fn later(day: NaiveDate, days: i64) -> NaiveDate {
    let moved = Days::new(days.unsigned_abs());
    if days < 0 { day.checked_sub_days(moved) } else { day.checked_add_days(moved) }.unwrap_or(day)
}

fn of_state(state: OrderState) -> FilterWords {
    FilterWords { state: state.code().to_owned(), ..FilterWords::default() }
}

fn orders(tx: &mut dyn Tx, words: &FilterWords) -> Result<Number> {
    Ok(Number { total: list::count(tx, &words.filter())?, href: format!("/orders?{}", words.query(&[])) })
}

fn deadline(tx: &mut dyn Tx, name: &'static str, from: Option<NaiveDate>, to: Option<NaiveDate>) -> Result<Deadline> {
    let day = |day: Option<NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
    let [placed, purchased] = BEFORE_DISPATCH.map(|state| FilterWords {
        date: DateField::DispatchDeadline.code().to_owned(),
        from: day(from),
        to: day(to),
        ..of_state(state)
    });
    Ok(Deadline { name, numbers: [orders(tx, &placed)?, orders(tx, &purchased)?] })
}

fn deliveries(tx: &mut dyn Tx, day: NaiveDate) -> Result<Number> {
    let words = DeliveryWords {
        state: UNDER_WAY.map(|state| state.code().to_owned()).into(),
        method: vec![ShippingMethod::Direct.code().to_owned()],
        date_from: day.to_string(),
        date_to: day.to_string(),
        ..DeliveryWords::default()
    };
    let filter = DeliveryFilter {
        states: UNDER_WAY.into(),
        methods: vec![ShippingMethod::Direct],
        preferred: Preferred::Between(Some(day), Some(day)),
        ..DeliveryFilter::default()
    };
    let total = deliveries::list::find(tx, &filter, 0, 0)?.total;
    Ok(Number { total, href: format!("/deliveries?{}", words.query("")) })
}

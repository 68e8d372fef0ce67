//! What a day is looked for: the goods of a customer at the counter, or a delivery; and when they are ready.

use chrono::{Datelike, Days, NaiveDate, Weekday};

use super::HORIZON_DAYS;
use crate::districts::Districts;
use crate::id::{DeliveryId, OrderId, ProductId};
use crate::orders::model::OrderState;
use crate::plans::model::Job;
use crate::plans::store::promises;
use crate::plans::work::{DeliveryWork, StopEffort};
use crate::storage::{Result, Tx};
use crate::time::Moment;
use crate::trucks::calendar::WorkingCalendar;
use crate::trucks::store as trucks;

/// For what a day is looked for.
#[derive(Clone, Debug)]
pub struct DateRequest {
    /// the delivery, if there is an order already: what is planned of it makes room
    pub delivery_id: Option<DeliveryId>,
    /// postal code
    pub zip_code: String,
    /// district
    pub sigungu_code: Option<i64>,
    /// time and people that it needs
    pub effort: StopEffort,
    /// first and last minute of the day at which the work may begin
    pub window: Option<(i64, i64)>,
    /// first day on which the goods are ready
    pub ready: NaiveDate,
    /// working days that the factory takes
    pub lead_days: i64,
}

/// Goods that a customer asks about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AskedGoods {
    /// the product; none: the default of the shop
    pub product_id: Option<ProductId>,
    /// key and value of its options
    pub options: Vec<(String, String)>,
    /// pieces
    pub quantity: i64,
}

impl DateRequest {
    /// The request of a customer at the counter, without an order so far.
    pub fn of_goods(
        tx: &mut dyn Tx,
        districts: &Districts,
        today: NaiveDate,
        zip_code: &str,
        goods: &[AskedGoods],
    ) -> Result<Self> {
        let settings = trucks::settings(tx)?;
        let handling = trucks::handling_table(tx, settings.default_handling)?;
        let mut effort = StopEffort { crew: 1, ..StopEffort::default() };
        for AskedGoods { product_id, options, quantity } in goods {
            let pairs = options.iter().map(|(key, value)| (key.as_str(), value.as_str()));
            let found = handling.effort(product_id.unwrap_or_default(), pairs);
            let one = found.handling;
            effort.minutes += one.minutes * quantity;
            effort.crew = effort.crew.max(one.crew);
            effort.volume += one.volume * quantity;
            effort.pieces += one.pieces * quantity;
            effort.has_default |= found.is_default;
        }
        let calendar = calendar(tx, today)?;
        Ok(Self {
            delivery_id: None,
            zip_code: zip_code.to_owned(),
            sigungu_code: districts.lookup(zip_code).district(),
            effort,
            window: None,
            ready: working_days_after(&calendar, today, settings.lead_days),
            lead_days: settings.lead_days,
        })
    }

    /// The request for a delivery: its goods are ready tomorrow where the factory sent them, otherwise the lead time
    /// after they were bought from it.
    pub fn of_delivery(tx: &mut dyn Tx, today: NaiveDate, work: &DeliveryWork, job: Option<&Job>) -> Result<Self> {
        let settings = trucks::settings(tx)?;
        let calendar = calendar(tx, today)?;
        let open: Vec<OrderId> =
            work.orders.iter().filter(|order| order.state < OrderState::Dispatched).map(|order| order.id).collect();
        let tomorrow = today + Days::new(1);
        let mut ready = tomorrow;
        for (_, purchased_at) in promises::purchased_at(tx, &open)? {
            let since = purchased_at.map_or(today, Moment::date);
            ready = ready.max(working_days_after(&calendar, since, settings.lead_days));
        }
        Ok(Self {
            delivery_id: Some(work.delivery_id),
            zip_code: work.recipient.zip_code.clone(),
            sigungu_code: work.sigungu_code,
            effort: work.effort(job),
            window: job.and_then(|job| job.window),
            ready,
            lead_days: settings.lead_days,
        })
    }
}

/// The working days around today.
fn calendar(tx: &mut dyn Tx, today: NaiveDate) -> Result<WorkingCalendar> {
    // A purchase may lie some weeks back.
    let (from, to) = (today - Days::new(HORIZON_DAYS), today + Days::new(2 * HORIZON_DAYS));
    Ok(WorkingCalendar::new(trucks::special_days(tx, from, to)?))
}

/// The day that many working days of the factory later: Monday to Friday without holidays.
pub(super) fn working_days_after(calendar: &WorkingCalendar, from: NaiveDate, days: i64) -> NaiveDate {
    let is_working =
        |day: NaiveDate| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun) && calendar.shop_day_off(day).is_none();
    let mut day = from;
    for _ in 0..days {
        day = day + Days::new(1);
        while !is_working(day) {
            day = day + Days::new(1);
        }
    }
    day
}

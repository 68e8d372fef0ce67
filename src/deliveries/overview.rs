//! How much goes where, and when: counts of the deliveries under way.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate};

use crate::orders::bundle::DeliveryState;
use crate::orders::model::ShippingMethod;
use crate::storage::{Param, Result, Row, Tx, placeholders};

/// Where a 희망배송일 lies, seen from today.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum When {
    /// past, and still not delivered
    Overdue,
    /// today
    Today,
    /// tomorrow
    Tomorrow,
    /// after tomorrow, until Sunday
    ThisWeek,
    /// after that
    Later,
    /// no date was asked for
    Undated,
}

impl When {
    /// In the sequence of the table.
    pub const ALL: [Self; 6] = [Self::Overdue, Self::Today, Self::Tomorrow, Self::ThisWeek, Self::Later, Self::Undated];

    /// The word in an address.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Overdue => "overdue",
            Self::Today => "today",
            Self::Tomorrow => "tomorrow",
            Self::ThisWeek => "week",
            Self::Later => "later",
            Self::Undated => "none",
        }
    }

    /// The word on the screen.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Overdue => "지남",
            Self::Today => "오늘",
            Self::Tomorrow => "내일",
            Self::ThisWeek => "이번 주",
            Self::Later => "그 뒤",
            Self::Undated => "날짜 없음",
        }
    }

    /// The first and the last day, as far as there is one; none for [`When::Undated`], and for
    /// [`When::ThisWeek`] when tomorrow is Sunday or later.
    pub fn days(self, today: NaiveDate) -> Option<(Option<NaiveDate>, Option<NaiveDate>)> {
        let plus = |days| today.checked_add_days(Days::new(days)).unwrap_or(NaiveDate::MAX);
        let sunday = u64::from(6 - today.weekday().num_days_from_monday());
        match self {
            Self::Overdue => Some((None, today.pred_opt())),
            Self::Today => Some((Some(today), Some(today))),
            Self::Tomorrow => Some((Some(plus(1)), Some(plus(1)))),
            Self::ThisWeek => (sunday > 1).then(|| (Some(plus(2)), Some(plus(sunday)))),
            Self::Later => Some((Some(plus(sunday.max(1) + 1)), None)),
            Self::Undated => None,
        }
    }
}

/// Which deliveries are counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// where they stand; none is all under way
    pub state: Option<DeliveryState>,
    /// how they travel; none is any way
    pub method: Option<ShippingMethod>,
    /// the day they are wanted; none is any
    pub day: Option<NaiveDate>,
}

impl Counted {
    /// The states that are counted.
    pub fn states(&self) -> Vec<DeliveryState> {
        self.state.map_or_else(|| DeliveryState::UNDER_WAY.to_vec(), |state| vec![state])
    }
}

/// Deliveries by when they are wanted, in the sequence of [`When::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally([i64; 6]);

impl Tally {
    /// How many are wanted then.
    pub fn of(&self, when: When) -> i64 {
        self.0[when as usize]
    }

    /// How many there are.
    pub fn total(&self) -> i64 {
        self.0.iter().sum()
    }

    /// Adds those of another place.
    pub fn add(&mut self, other: &Self) {
        for (here, there) in self.0.iter_mut().zip(other.0) {
            *here += there;
        }
    }
}

/// Counts the deliveries of each region as it is stored; none is 미분류. Reads nothing but an index, in
/// its sequence, and of it only those under way.
pub fn tallies(tx: &mut dyn Tx, counted: &Counted, today: NaiveDate) -> Result<BTreeMap<Option<i64>, Tally>> {
    let [tomorrow, week] = last_days(today);
    let mut tallies: BTreeMap<Option<i64>, Tally> = BTreeMap::new();
    for state in counted.states() {
        let days = [today, today, tomorrow, week].map(Param::from);
        let (conditions, params) = conditions(counted, state);
        let index = tx.index_hint("deliveries_by_place");
        let sql = format!("SELECT d.sigungu, {COUNTS} FROM deliveries d {index} WHERE {conditions} GROUP BY d.sigungu");
        tx.for_each(&sql, &[&days[..], &params].concat(), &mut |row| {
            tallies.entry(row.opt_int(0)?).or_default().add(&tally(&row)?);
            Ok(())
        })?;
    }
    Ok(tallies)
}

/// Counts the deliveries of a city by the postal code of the order that stands for each, as it is
/// written: the 일반구 follows from it and is not stored.
pub fn tallies_within(
    tx: &mut dyn Tx,
    counted: &Counted,
    today: NaiveDate,
    city: i64,
) -> Result<BTreeMap<String, Tally>> {
    let [tomorrow, week] = last_days(today);
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for state in counted.states() {
        let days = [today, today, tomorrow, week].map(Param::from);
        let (conditions, mut params) = conditions(counted, state);
        params.push(city.into());
        let sql = format!(
            "SELECT o.recipient_zip_code, {COUNTS} FROM deliveries d JOIN orders o ON o.id = d.primary_order_id \
             WHERE {conditions} AND d.sigungu = ? GROUP BY o.recipient_zip_code"
        );
        tx.for_each(&sql, &[&days[..], &params].concat(), &mut |mut row| {
            let tally = tally(&row)?;
            tallies.entry(row.text(0)?).or_default().add(&tally);
            Ok(())
        })?;
    }
    Ok(tallies)
}

/// All, those with a date, and those before today, today, tomorrow and until Sunday.
const COUNTS: &str = "count(*), count(d.preferred_shipping_date), \
                      count(CASE WHEN d.preferred_shipping_date < ? THEN 1 END), \
                      count(CASE WHEN d.preferred_shipping_date = ? THEN 1 END), \
                      count(CASE WHEN d.preferred_shipping_date = ? THEN 1 END), \
                      count(CASE WHEN d.preferred_shipping_date <= ? THEN 1 END)";

/// Tomorrow, and the Sunday that ends the week, or tomorrow when that is later.
fn last_days(today: NaiveDate) -> [NaiveDate; 2] {
    let last = |when: When| when.days(today).and_then(|(_, last)| last).unwrap_or(today);
    let tomorrow = last(When::Tomorrow);
    [tomorrow, last(When::ThisWeek).max(tomorrow)]
}

/// What [`COUNTS`] counted, behind one other column.
fn tally(row: &Row) -> Result<Tally> {
    let (all, dated, until_sunday) = (row.int(1)?, row.int(2)?, row.int(6)?);
    let (overdue, of_today, of_tomorrow) = (row.int(3)?, row.int(4)?, row.int(5)?);
    let of_week = until_sunday - overdue - of_today - of_tomorrow;
    Ok(Tally([overdue, of_today, of_tomorrow, of_week, dated - until_sunday, all - dated]))
}

fn conditions(counted: &Counted, state: DeliveryState) -> (String, Vec<Param<'static>>) {
    let mut conditions = String::from("d.state = ?");
    let mut params: Vec<Param<'static>> = vec![(state as i64).into()];
    if let Some(method) = counted.method {
        conditions.push_str(" AND d.shipping_method = ?");
        params.push(method.code().into());
    }
    if let Some(day) = counted.day {
        conditions.push_str(" AND d.preferred_shipping_date = ?");
        params.push(day.into());
    }
    (conditions, params)
}

/// An order that goes nobody knows where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// the order
    pub id: i64,
    /// its number
    pub order_number: String,
    /// what the page was made from
    pub version: i64,
    /// 수취인
    pub recipient_name: String,
    /// as it was written
    pub zip_code: String,
    /// both parts
    pub address: String,
}

/// Orders under way whose delivery is 미분류: how many.
pub fn unknown_count(tx: &mut dyn Tx) -> Result<i64> {
    let (sql, params) = of_unknown("count(*)");
    tx.scalar(&sql, &params)
}

/// Orders under way whose delivery is 미분류, newest first.
pub fn unknown(tx: &mut dyn Tx, offset: i64, size: i64) -> Result<Vec<Unknown>> {
    let columns = "o.id, o.order_number, o.version, o.recipient_name, o.recipient_zip_code, \
                   o.recipient_address1, o.recipient_address2";
    let (sql, mut params) = of_unknown(columns);
    params.extend([size.into(), offset.into()]);
    tx.query(&format!("{sql} ORDER BY o.id DESC LIMIT ? OFFSET ?"), &params)?
        .into_iter()
        .map(|mut row| {
            Ok(Unknown {
                id: row.int(0)?,
                order_number: row.text(1)?,
                version: row.int(2)?,
                recipient_name: row.text(3)?,
                zip_code: row.text(4)?,
                address: format!("{} {}", row.text(5)?, row.text(6)?).trim().to_owned(),
            })
        })
        .collect()
}

fn of_unknown(columns: &str) -> (String, Vec<Param<'static>>) {
    let states = placeholders(DeliveryState::UNDER_WAY.len());
    let sql = format!(
        "SELECT {columns} FROM deliveries d JOIN orders o ON o.delivery_id = d.id \
         WHERE d.state IN ({states}) AND d.sigungu IS NULL AND o.sigungu IS NULL AND o.state < ?"
    );
    let shipped = crate::orders::model::OrderState::Shipped.rank();
    (sql, DeliveryState::UNDER_WAY.iter().map(|state| (*state as i64).into()).chain([shipped.into()]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        crate::time::parse_date(text).expect("a date")
    }

    /// Every day lies in exactly one column, whatever day it is today.
    #[test]
    fn the_columns_of_the_table_leave_no_day_out() {
        for today in (16..=29).map(|number| day(&format!("2026-11-{number}"))) {
            let at = |wanted: NaiveDate| {
                When::ALL
                    .into_iter()
                    .filter(|when| {
                        when.days(today).is_some_and(|(first, last)| {
                            first.is_none_or(|first| first <= wanted) && last.is_none_or(|last| wanted <= last)
                        })
                    })
                    .collect::<Vec<_>>()
            };
            for wanted in today.pred_opt().expect("a day").iter_days().take(20) {
                assert_eq!(at(wanted).len(), 1, "{wanted} seen from {today}: {:?}", at(wanted));
            }
        }
        let sunday = day("2026-11-22");
        assert_eq!(When::ThisWeek.days(sunday), None);
        assert_eq!(When::Later.days(sunday), Some((Some(day("2026-11-24")), None)));
        let monday = day("2026-11-23");
        assert_eq!(When::ThisWeek.days(monday), Some((Some(day("2026-11-25")), Some(day("2026-11-29")))));
    }
}

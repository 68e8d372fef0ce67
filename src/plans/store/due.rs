//! Deliveries that are due on a day and not planned yet.

use chrono::{Days, NaiveDate};

use crate::id::{DeliveryId, Identifier, JobId};
use crate::orders::bundle::DeliveryState;
use crate::orders::model::ShippingMethod;
use crate::plans::store::tasks;
use crate::storage::{Param, Result, Tx};

/// Deliveries that a board shows of each kind: dated, undated, moved by hand.
pub const MAX_DUE: usize = 300;

/// How many days after its date a delivery is still due.
const OVERDUE_DAYS: u64 = 60;

/// Identifiers of deliveries of the own team that may be due on a day, without regard to plans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DueDeliveries {
    /// with a 희망배송일 on or before that day, the latest first
    pub dated: Vec<DeliveryId>,
    /// ready, without a date
    pub undated: Vec<DeliveryId>,
    /// moved by hand to that day or one before it
    pub moved: Vec<DeliveryId>,
    /// open jobs beside deliveries: identifiers of the jobs
    pub tasks: Vec<JobId>,
    /// whether there are more of a kind than [`MAX_DUE`]
    pub is_truncated: bool,
}

/// One more than a board shows, which says that there are more.
const ONE_TOO_MANY: usize = MAX_DUE + 1;

/// Adds at most [`MAX_DUE`] of `found`; answers whether there are more.
fn add_up_to_max<I>(found: Vec<I>, ids: &mut Vec<I>) -> bool {
    let is_truncated = found.len() > MAX_DUE;
    ids.extend(found.into_iter().take(MAX_DUE));
    is_truncated
}

fn find_ids<I: Identifier>(tx: &mut dyn Tx, sql: &str, params: &[Param<'_>]) -> Result<Vec<I>> {
    tx.query(sql, params)?.into_iter().map(|row| row.id(0)).collect()
}

/// Deliveries that may be due on a day.
pub fn due(tx: &mut dyn Tx, day: NaiveDate) -> Result<DueDeliveries> {
    let by_state = tx.index_hint("deliveries_by_state");
    let (direct, first) = (ShippingMethod::Direct.code(), day - Days::new(OVERDUE_DAYS));
    let mut due = DueDeliveries::default();
    for state in DeliveryState::UNDER_WAY {
        let sql = format!(
            "SELECT id FROM deliveries {by_state} WHERE state = ? AND shipping_method = ? \
             AND preferred_shipping_date BETWEEN ? AND ? ORDER BY preferred_shipping_date DESC LIMIT {ONE_TOO_MANY}"
        );
        let params = [(state as i64).into(), direct.into(), first.into(), day.into()];
        due.is_truncated |= add_up_to_max(find_ids(tx, &sql, &params)?, &mut due.dated);
    }
    let sql = format!(
        "SELECT id FROM deliveries {by_state} WHERE state = ? AND shipping_method = ? \
         AND preferred_shipping_date IS NULL ORDER BY sigungu_code, id LIMIT {ONE_TOO_MANY}"
    );
    let params = [(DeliveryState::ReadyToShip as i64).into(), direct.into()];
    due.is_truncated |= add_up_to_max(find_ids(tx, &sql, &params)?, &mut due.undated);
    // A job outlives its delivery: those that are over do not count.
    let by_day = tx.index_hint("jobs_by_day");
    let [preparing, ready] = DeliveryState::UNDER_WAY.map(|state| state as i64);
    let sql = format!(
        "SELECT j.delivery_id FROM jobs j {by_day} CROSS JOIN deliveries d ON d.id = j.delivery_id \
         WHERE j.day BETWEEN ? AND ? AND j.number = 0 AND d.state IN ({preparing}, {ready}) ORDER BY j.day DESC \
         LIMIT {ONE_TOO_MANY}"
    );
    due.is_truncated |= add_up_to_max(find_ids(tx, &sql, &[first.into(), day.into()])?, &mut due.moved);
    due.is_truncated |= add_up_to_max(tasks::open_on_days(tx, (first, day), ONE_TOO_MANY)?, &mut due.tasks);
    due.is_truncated |= add_up_to_max(tasks::open_without_day(tx, ONE_TOO_MANY)?, &mut due.tasks);
    Ok(due)
}

/// Identifiers of deliveries of the own team that are over, the newest first.
pub fn delivered(tx: &mut dyn Tx) -> Result<Vec<DeliveryId>> {
    let by_state = tx.index_hint("deliveries_by_state");
    let sql = format!(
        "SELECT id FROM deliveries {by_state} WHERE state = ? AND shipping_method = ? ORDER BY id DESC LIMIT {MAX_DUE}"
    );
    let params = [(DeliveryState::Completed as i64).into(), ShippingMethod::Direct.code().into()];
    tx.query(&sql, &params)?.into_iter().map(|row| row.id(0)).collect()
}

/// Identifiers of open deliveries of the own team, the newest first, whether they are due or not.
pub fn open(tx: &mut dyn Tx) -> Result<Vec<DeliveryId>> {
    let by_state = tx.index_hint("deliveries_by_state");
    let mut open = Vec::new();
    for state in DeliveryState::UNDER_WAY {
        let sql = format!(
            "SELECT id FROM deliveries {by_state} WHERE state = ? AND shipping_method = ? ORDER BY id DESC LIMIT {MAX_DUE}"
        );
        let params = [(state as i64).into(), ShippingMethod::Direct.code().into()];
        tx.for_each(&sql, &params, &mut |row| {
            open.push(row.id(0)?);
            Ok(())
        })?;
    }
    Ok(open)
}

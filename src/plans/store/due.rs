//! Deliveries that are due on a day and not planned yet.

use chrono::{Days, NaiveDate};

use crate::orders::bundle::DeliveryState;
use crate::orders::model::ShippingMethod;
use crate::plans::store::tasks;
use crate::storage::{Result, Tx};

/// Deliveries that a board shows of each kind: dated, undated, moved by hand.
pub const MAX_DUE: usize = 300;

/// How many days after its date a delivery is still due.
const OVERDUE_DAYS: u64 = 60;

/// Identifiers of deliveries of the own team that may be due on a day, without regard to plans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DueDeliveries {
    /// with a 희망배송일 on or before that day, the latest first
    pub dated: Vec<i64>,
    /// ready, without a date
    pub undated: Vec<i64>,
    /// moved by hand to that day or one before it
    pub moved: Vec<i64>,
    /// open jobs beside deliveries: identifiers of the jobs
    pub tasks: Vec<i64>,
}

/// Deliveries that may be due on a day.
pub fn due(tx: &mut dyn Tx, day: NaiveDate) -> Result<DueDeliveries> {
    let by_state = tx.index_hint("deliveries_by_state");
    let (direct, first) = (ShippingMethod::Direct.code(), day - Days::new(OVERDUE_DAYS));
    let mut due = DueDeliveries::default();
    for state in DeliveryState::UNDER_WAY {
        let sql = format!(
            "SELECT id FROM deliveries {by_state} WHERE state = ? AND shipping_method = ? \
             AND preferred_shipping_date BETWEEN ? AND ? ORDER BY preferred_shipping_date DESC LIMIT {MAX_DUE}"
        );
        let params = [(state as i64).into(), direct.into(), first.into(), day.into()];
        tx.for_each(&sql, &params, &mut |row| {
            due.dated.push(row.int(0)?);
            Ok(())
        })?;
    }
    let sql = format!(
        "SELECT id FROM deliveries {by_state} WHERE state = ? AND shipping_method = ? \
         AND preferred_shipping_date IS NULL ORDER BY sigungu_code, id LIMIT {MAX_DUE}"
    );
    let params = [(DeliveryState::ReadyToShip as i64).into(), direct.into()];
    tx.for_each(&sql, &params, &mut |row| {
        due.undated.push(row.int(0)?);
        Ok(())
    })?;
    let by_day = tx.index_hint("jobs_by_day");
    let sql = format!(
        "SELECT delivery_id FROM jobs {by_day} WHERE day BETWEEN ? AND ? AND number = 0 ORDER BY day DESC LIMIT {MAX_DUE}"
    );
    tx.for_each(&sql, &[first.into(), day.into()], &mut |row| {
        due.moved.push(row.int(0)?);
        Ok(())
    })?;
    due.tasks = tasks::open(tx, (first, day), true, MAX_DUE)?;
    Ok(due)
}

/// Identifiers of deliveries of the own team that are over, the newest first.
pub fn delivered(tx: &mut dyn Tx) -> Result<Vec<i64>> {
    let by_state = tx.index_hint("deliveries_by_state");
    let sql = format!(
        "SELECT id FROM deliveries {by_state} WHERE state = ? AND shipping_method = ? ORDER BY id DESC LIMIT {MAX_DUE}"
    );
    let params = [(DeliveryState::Completed as i64).into(), ShippingMethod::Direct.code().into()];
    tx.query(&sql, &params)?.into_iter().map(|row| row.int(0)).collect()
}

/// Identifiers of open deliveries of the own team, the newest first, whether they are due or not.
pub fn open(tx: &mut dyn Tx) -> Result<Vec<i64>> {
    let by_state = tx.index_hint("deliveries_by_state");
    let mut open = Vec::new();
    for state in DeliveryState::UNDER_WAY {
        let sql = format!(
            "SELECT id FROM deliveries {by_state} WHERE state = ? AND shipping_method = ? ORDER BY id DESC LIMIT {MAX_DUE}"
        );
        let params = [(state as i64).into(), ShippingMethod::Direct.code().into()];
        tx.for_each(&sql, &params, &mut |row| {
            open.push(row.int(0)?);
            Ok(())
        })?;
    }
    Ok(open)
}

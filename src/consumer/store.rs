//! SQL of delay notices and consents, and of the orders that are late without a notice.

use chrono::NaiveDate;

use super::model::{ConsentWay, DelayNotice, NoticeWay, WithdrawalConsent};
use super::terms::first_timely_day;
use crate::access;
use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::id::{DeliveryId, OrderId};
use crate::plans::store::promises;
use crate::search::Total;
use crate::storage::{Diagnostic, Param, Result, Row, Severity, StorageError, Tx};
use crate::time::Moment;

/// Orders that have not left, were paid too long ago, have no agreed day that is still to come, and of whose delay the
/// buyer was not told. A notice without a new day holds as long as the law's own term, from the day of the notice; then a
/// day has to be told. Parameters: see [`late_params`].
const LATE: &str = "o.state IN (0, 1) AND o.placed_at < ? \
                    AND (o.preferred_shipping_date IS NULL OR o.preferred_shipping_date < ?) \
                    AND NOT EXISTS (SELECT 1 FROM promises p WHERE p.delivery_id = o.delivery_id \
                    AND p.replaced_at IS NULL AND p.day >= ?) \
                    AND NOT EXISTS (SELECT 1 FROM delay_notices n WHERE n.order_id = o.id \
                    AND (n.new_day >= ? OR n.new_day IS NULL AND n.sent_at >= ?))";

fn late_params(today: NaiveDate) -> Vec<Param<'static>> {
    let first_timely = Moment::start_of(first_timely_day(today));
    vec![first_timely.into(), today.into(), today.into(), today.into(), first_timely.into()]
}

/// Late orders that are counted: each costs reading the order and its promises, and 오늘 counts them on every visit.
const MAX_COUNTED: i64 = 1_000;

/// FROM and WHERE of the late orders. The index has the open orders by state and payment; without the hint, MariaDB may
/// read all orders.
fn from_late(tx: &dyn Tx) -> String {
    format!("FROM orders o {} WHERE {LATE}", tx.index_hint("orders_by_state"))
}

/// Number of orders that are late without a notice, up to 1,000.
pub fn count_late(tx: &mut dyn Tx, today: NaiveDate) -> Result<Total> {
    let from = from_late(tx);
    Ok(Total::counted_up_to(MAX_COUNTED, tx.count_up_to(MAX_COUNTED + 1, &from, &late_params(today))?))
}

/// A page of the orders that are late without a notice, oldest payment first.
pub fn late(tx: &mut dyn Tx, today: NaiveDate, offset: i64, size: i64) -> Result<Vec<OrderId>> {
    let sql = format!("SELECT o.id {} ORDER BY o.placed_at, o.id LIMIT ? OFFSET ?", from_late(tx));
    let params: Vec<Param<'_>> = late_params(today).into_iter().chain([size.into(), offset.into()]).collect();
    tx.query(&sql, &params)?.iter().map(|row| row.id(0)).collect()
}

/// What 법 점검 and `mukkeum doctor` say.
pub fn check(tx: &mut dyn Tx) -> Result<Diagnostic> {
    const SUBJECT: &str = "공급 기한과 지연 안내";
    let today = tx.now().date();
    Ok(match count_late(tx, today)?.number() {
        0 => Diagnostic::ok(SUBJECT, "기한이 지나도록 알리지 않은 주문이 없어요"),
        count => Diagnostic::problem(
            Severity::Warning,
            SUBJECT,
            format!("결제하고 3영업일이나 약속한 날이 지났는데 알리지 않은 주문이 {count}건 있어요"),
            "공급 기한 화면에서 지연을 알리고 기록하세요.",
        ),
    })
}

/// The day that was agreed for a delivery: the promise that holds.
pub fn promised_day(tx: &mut dyn Tx, delivery_id: DeliveryId) -> Result<Option<NaiveDate>> {
    let promises = promises::of_delivery(tx, delivery_id)?;
    Ok(promises.into_iter().rev().find(|promise| promise.replaced_at.is_none()).map(|promise| promise.day))
}

fn notice(mut row: Row) -> Result<DelayNotice> {
    Ok(DelayNotice {
        id: row.id(0)?,
        reason: row.text(1)?,
        new_day: row.opt_date(2)?,
        way: row.code(3, "delay_notices.way")?,
        text: row.text(4)?,
        sent_at: row.moment(5)?,
        username: row.opt_text(6)?,
    })
}

/// The notices of an order, newest first.
pub fn notices(tx: &mut dyn Tx, order_id: OrderId) -> Result<Vec<DelayNotice>> {
    let sql = "SELECT n.id, n.reason, n.new_day, n.way, n.text, n.sent_at, m.username FROM delay_notices n \
               LEFT JOIN members m ON m.id = n.member_id WHERE n.order_id = ? ORDER BY n.id DESC";
    tx.query(sql, &[order_id.into()])?.into_iter().map(notice).collect()
}

fn page_of(order_id: OrderId) -> String {
    format!("/consumer/orders/{order_id}")
}

/// What a notice says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewNotice {
    /// why it is late
    pub reason: String,
    /// the new day
    pub new_day: Option<NaiveDate>,
    /// how the buyer was told
    pub way: NoticeWay,
    /// the text
    pub text: String,
}

/// Records that the buyer was told.
pub fn add_notice(
    tx: &mut dyn Tx,
    actor: MemberActor,
    (order_id, number): (OrderId, &str),
    notice: &NewNotice,
) -> Result<AuditEvent> {
    let (id, now) = (tx.new_number(), tx.now());
    tx.exec(
        "INSERT INTO delay_notices (id, order_id, reason, new_day, way, text, sent_at, member_id) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        &[
            id.into(),
            order_id.into(),
            (&notice.reason).into(),
            notice.new_day.into(),
            notice.way.code().into(),
            (&notice.text).into(),
            now.into(),
            actor.id.into(),
        ],
    )?;
    let new_day = notice.new_day.map(|day| day.to_string());
    access::record_edit(tx, actor, page_of(order_id), [order_id])?;
    let event = AuditEvent::DelayNoticeRecorded { number: number.to_owned(), new_day };
    audit::record(tx, actor, AuditObject::one(order_id), &event)?;
    Ok(event)
}

/// The consent of an order.
pub fn consent(tx: &mut dyn Tx, order_id: OrderId) -> Result<Option<WithdrawalConsent>> {
    let sql = "SELECT c.given_on, c.way, c.proof, c.recorded_at, m.username FROM withdrawal_consents c \
               LEFT JOIN members m ON m.id = c.member_id WHERE c.order_id = ?";
    let row = tx.query_one(sql, &[order_id.into()])?;
    row.map(|mut row| {
        let missing = || StorageError::Inconsistent("withdrawal_consents.given_on".to_owned());
        Ok(WithdrawalConsent {
            given_on: row.opt_date(0)?.ok_or_else(missing)?,
            way: row.code(1, "withdrawal_consents.way")?,
            proof: row.text(2)?,
            recorded_at: row.moment(3)?,
            username: row.opt_text(4)?,
        })
    })
    .transpose()
}

/// Records the consent of the buyer. None if there is one already, which is kept as it is.
pub fn add_consent(
    tx: &mut dyn Tx,
    actor: MemberActor,
    (order_id, number): (OrderId, &str),
    (given_on, way): (NaiveDate, ConsentWay),
    proof: &str,
) -> Result<Option<AuditEvent>> {
    if consent(tx, order_id)?.is_some() {
        return Ok(None);
    }
    let now = tx.now();
    tx.exec(
        "INSERT INTO withdrawal_consents (order_id, given_on, way, proof, recorded_at, member_id) \
         VALUES (?, ?, ?, ?, ?, ?)",
        &[order_id.into(), given_on.into(), way.code().into(), proof.into(), now.into(), actor.id.into()],
    )?;
    access::record_edit(tx, actor, page_of(order_id), [order_id])?;
    let event = AuditEvent::WithdrawalConsentRecorded { number: number.to_owned() };
    audit::record(tx, actor, AuditObject::one(order_id), &event)?;
    Ok(Some(event))
}

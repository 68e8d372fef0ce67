//! Where practice begins, and what members left behind since.

use serde_json::json;

use super::lesson::{Lesson, Round};
use super::model::{Evidence, Task};
use crate::audit;
use crate::deliveries::log;
use crate::districts::Districts;
use crate::members::model::Member;
use crate::orders::store::create::{bundles, create, findings};
use crate::orders::store::{self as orders, Action, Cause};
use crate::products::store as products;
use crate::storage::{Param, Result, Tx, placeholders};

/// The act that begins a round.
const BEGUN: &str = "practice.begun";

/// The member's present round; none before they have begun.
pub fn round(tx: &mut dyn Tx, member_id: i64) -> Result<Option<Round>> {
    let sql = "SELECT id, at FROM activities WHERE member_id = ? AND action = ? ORDER BY id DESC LIMIT 1";
    let row = tx.query_one(sql, &[member_id.into(), BEGUN.into()])?;
    row.map(|row| Ok(Round { id: row.int(0)?, at: row.moment(1)? })).transpose()
}

/// Begins a round for a member, puts its orders into the shop, and gives the act's identifier.
pub fn begin(tx: &mut dyn Tx, member_id: i64, districts: &Districts) -> Result<i64> {
    let message = "연습을 시작했어요. 연습에 쓸 주문을 가게에 넣어 두었어요.";
    let id = audit::record(tx, Some(member_id), BEGUN, &json!({ "message": message }))?;
    let lesson = Lesson::of(Round { id, at: tx.now() });
    let prepared = lesson.prepared();
    let cause = Cause { member_id: None, upload_id: None, action: Action::Created };
    let channel = ("SMART_STORE", "스마트스토어");
    let (findings, bundles) = (findings(tx, &prepared)?, bundles(tx, channel.0, &prepared)?.bundles);
    create(tx, cause, channel, &bundles, &findings, districts, &|order| lesson.settle(order))?;
    Ok(id)
}

/// How far a member is.
pub struct Progress {
    /// what they practise with
    pub lesson: Lesson,
    /// the tasks of their role, and whether each is done
    pub tasks: Vec<(Task, bool)>,
}

/// How far a member is; none before they have begun.
pub fn progress(tx: &mut dyn Tx, member: &Member) -> Result<Option<Progress>> {
    let Some(round) = round(tx, member.id)? else { return Ok(None) };
    let lesson = Lesson::of(round);
    let seen = evidence(tx, member, round, &lesson)?;
    let tasks = Task::of(member.role).map(|task| (task, task.is_done(&lesson, &seen))).collect();
    Ok(Some(Progress { lesson, tasks }))
}

fn evidence(tx: &mut dyn Tx, member: &Member, round: Round, lesson: &Lesson) -> Result<Evidence> {
    let mut seen = Evidence::default();
    let is_own = |username: &Option<String>| username.as_deref() == Some(member.username.as_str());
    let ids = ids(tx, lesson)?;
    for order in orders::find(tx, &ids)? {
        let mut events = orders::events(tx, order.id)?;
        events.retain(|event| is_own(&event.username));
        seen.uploads.extend(events.iter().filter(|event| event.action == Action::Created).filter_map(|e| e.upload_id));
        if !seen.deeds.iter().any(|deed| deed.delivery_id == order.delivery_id) {
            let deeds = log::of_delivery(tx, order.delivery_id)?;
            seen.deeds.extend(deeds.into_iter().filter(|deed| is_own(&deed.username)));
        }
        seen.events.insert(order.order_number.clone(), events);
        seen.orders.insert(order.order_number.clone(), order);
    }
    let number = lesson.product_number();
    if let Some(product) = products::by_number(tx, [number.as_str()])?.remove(&number) {
        seen.variants = products::variants(tx, product.id)?;
    }
    let since: [Param<'_>; 2] = [member.id.into(), round.id.into()];
    let sql = "SELECT max(at) FROM downloads WHERE member_id = ? AND id > ? AND content = 'purchase-order'";
    seen.purchase_order_at = tx.query_one(sql, &since)?.map_or(Ok(None), |row| row.opt_moment(0))?;
    let sql = "SELECT DISTINCT action FROM activities WHERE member_id = ? AND id > ?";
    for mut row in tx.query(sql, &since)? {
        seen.acts.insert(row.text(0)?);
    }
    Ok(seen)
}

/// The round's orders that there are.
fn ids(tx: &mut dyn Tx, lesson: &Lesson) -> Result<Vec<i64>> {
    let numbers: Vec<Param<'_>> = lesson.numbers().map(Into::into).collect();
    let sql = format!("SELECT id FROM orders WHERE order_number IN ({})", placeholders(numbers.len()));
    tx.query(&sql, &numbers)?.iter().map(|row| row.int(0)).collect()
}

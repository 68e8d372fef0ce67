//! Queries of practice sessions and of the members' observations.

use super::exercises::{ExerciseSet, PracticeSession};
use super::model::{FieldChange, Observations, Task};
use crate::audit::{self, Actor};
use crate::deliveries::log;
use crate::districts::Districts;
use crate::drive::store::events;
use crate::id::{MemberId, OrderId};
use crate::members::model::Member;
use crate::orders::store::create::{bundles, create, findings};
use crate::orders::store::{self as orders, Action, ChangeContext};
use crate::products::store as products;
use crate::storage::{Param, Result, Tx, placeholders};

/// The member's current session; `None` before the first start.
pub fn current_session(tx: &mut dyn Tx, member_id: MemberId) -> Result<Option<PracticeSession>> {
    let sql = "SELECT id, started_at FROM practice_sessions WHERE member_id = ? ORDER BY id DESC LIMIT 1";
    let row = tx.query_one(sql, &[member_id.into()])?;
    row.map(|row| Ok(PracticeSession { id: row.id(0)?, at: row.moment(1)? })).transpose()
}

/// Starts a session for a member and inserts its orders.
pub fn start(tx: &mut dyn Tx, member_id: MemberId, districts: &Districts) -> Result<()> {
    let session = PracticeSession { id: tx.new_id(), at: tx.now() };
    tx.exec(
        "INSERT INTO practice_sessions (id, member_id, started_at) VALUES (?, ?, ?)",
        &[session.id.into(), member_id.into(), session.at.into()],
    )?;
    let exercises = ExerciseSet::for_session(session);
    let prepared = exercises.prepared();
    let cause = ChangeContext { actor: Actor::Program, upload_id: None, action: Action::Created };
    let channel = ("SMART_STORE", "스마트스토어");
    let (findings, bundles) = (findings(tx, &prepared)?, bundles(tx, channel.0, &prepared)?.bundles);
    create(tx, cause, channel, &bundles, &findings, districts, &|order| exercises.set_initial_state(order)).map(drop)
}

/// A member's progress.
pub struct PracticeProgress {
    /// Exercises of the session.
    pub exercises: ExerciseSet,
    /// Tasks of the member's role with their completion.
    pub tasks: Vec<(Task, bool)>,
}

/// The member's progress; `None` before the first start.
pub fn progress(tx: &mut dyn Tx, member: &Member) -> Result<Option<PracticeProgress>> {
    let Some(session) = current_session(tx, member.id)? else { return Ok(None) };
    let exercises = ExerciseSet::for_session(session);
    let observed = observations(tx, member, session, &exercises)?;
    let tasks = Task::for_role(member.role).map(|task| (task, task.is_done(&exercises, &observed))).collect();
    Ok(Some(PracticeProgress { exercises, tasks }))
}

fn observations(
    tx: &mut dyn Tx,
    member: &Member,
    session: PracticeSession,
    exercises: &ExerciseSet,
) -> Result<Observations> {
    let mut observed = Observations::default();
    let is_own = |username: &Option<String>| username.as_deref() == Some(member.username.as_str());
    let ids = existing_order_ids(tx, exercises)?;
    for order in orders::find(tx, &ids)? {
        let mut events = orders::events(tx, order.id)?;
        events.retain(|event| is_own(&event.username));
        observed
            .uploads
            .extend(events.iter().filter(|event| event.action == Action::Created).filter_map(|e| e.upload_id));
        if !observed.delivery_events.iter().any(|event| event.delivery_id == order.delivery_id) {
            let events = log::of_delivery(tx, order.delivery_id)?;
            observed.delivery_events.extend(events.into_iter().filter(|event| is_own(&event.username)));
        }
        let changes = events.into_iter().flat_map(|event| {
            event.changes.into_iter().map(move |(column, _, value)| FieldChange { at: event.at, column, value })
        });
        observed.changes.insert(order.order_number.clone(), changes.collect());
        observed.orders.insert(order.order_number.clone(), order);
    }
    let number = exercises.product_number();
    if let Some(product) = products::by_number(tx, [number.as_str()])?.remove(&number) {
        observed.variants = products::variants(tx, product.id)?;
    }
    let since: [Param<'_>; 2] = [member.id.into(), session.id.into()];
    let sql = "SELECT max(downloaded_at) FROM downloads WHERE member_id = ? AND id > ? AND content = 'purchase-order'";
    observed.purchase_order_at = tx.query_one(sql, &since)?.map_or(Ok(None), |row| row.opt_moment(0))?;
    observed.has_delivered = events::has_delivered(tx, member.id, session.at)?;
    observed.verbs = audit::verbs_since(tx, member.id, session.id)?;
    Ok(observed)
}

/// Ids of those orders of the session that exist.
fn existing_order_ids(tx: &mut dyn Tx, exercises: &ExerciseSet) -> Result<Vec<OrderId>> {
    let numbers: Vec<Param<'_>> = exercises.order_numbers().map(Into::into).collect();
    let sql = format!("SELECT id FROM orders WHERE order_number IN ({})", placeholders(numbers.len()));
    tx.query(&sql, &numbers)?.iter().map(|row| row.id(0)).collect()
}

//! Jobs beside a delivery (일감): what they take back or do, and how they are made, cancelled and opened again.
//!
//! A job belongs to a delivery, whose recipient and address it has. It is made from a claim with one click, by hand, or by
//! dividing the orders of a delivery: the chosen ones come on another day, and the bundle stays one.

use std::collections::BTreeSet;

use super::model::{Job, JobKind, Task, TaskState};
use super::store;
use super::store::tasks;
use super::store::works::{divided_orders, whole_deliveries};
use super::work::DeliveryWork;
use crate::access;
use crate::audit::{self, AuditEvent, AuditObject, JobOfDelivery, MemberActor};
use crate::id::{DeliveryId, JobId, OrderId};
use crate::orders::claim::ClaimKind;
use crate::orders::model::OrderState;
use crate::orders::store::{bundles, seal};
use crate::storage::{Result, Tx};
use crate::trucks::store as trucks;

/// Characters of what is taken back or done.
pub const MAX_GOODS_CHARS: usize = 200;

/// Characters of the note.
pub const MAX_NOTE_CHARS: usize = 500;

/// Pieces and hundredths of a cubic metre that a job may take back.
pub const MAX_PIECES: i64 = 1_000;
/// See [`MAX_PIECES`].
pub const MAX_VOLUME: i64 = 10_000;

/// Why a job is not made or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskRefusal {
    /// no order was chosen, though the kind needs one
    NoOrder,
    /// nothing would be left of the delivery itself
    AllOrders,
    /// an order is delivered already, or another job delivers it
    NotDivisible,
    /// nothing says what is taken back or done
    NoGoods,
    /// an open job takes back one of the orders
    Known,
    /// a driver has it
    HandedOut,
    /// it has that state already
    Stale,
}

impl TaskRefusal {
    /// Korean sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::NoOrder => "주문을 선택해 주세요.",
            Self::AllOrders => "모두 다른 날 배송하려면 나누지 말고 배송하는 날을 바꿔 주세요.",
            Self::NotDivisible => "이미 배송했거나 나눈 주문이 있어요. 확인하고 다시 선택해 주세요.",
            Self::NoGoods => "무엇을 가져오거나 하는지 입력해 주세요.",
            Self::Known => "이 주문을 가져오는 일감이 이미 있어요.",
            Self::HandedOut => "기사가 가져간 차에 있어요. 배차표에서 되돌린 다음 바꿔 주세요.",
            Self::Stale => "그 사이 이 일감이 바뀌었어요. 지금 화면을 확인하고 다시 해 주세요.",
        }
    }
}

impl JobKind {
    /// The job that a claim asks for: a return is collected, an exchange swapped.
    pub fn of_claim(claim: &str) -> Option<Self> {
        match ClaimKind::of_open(claim)? {
            ClaimKind::Return => Some(Self::Collect),
            ClaimKind::Exchange => Some(Self::Swap),
            ClaimKind::Cancellation | ClaimKind::Unknown => None,
        }
    }
}

/// A job of these orders as it is suggested: goods and room of the orders for what is taken back.
pub fn suggestion(whole: &DeliveryWork, kind: JobKind, orders: &[OrderId]) -> Task {
    let chosen = || whole.orders.iter().filter(|order| orders.contains(&order.id));
    let goods: Vec<String> = chosen().map(super::work::WorkOrder::goods).collect();
    let sum = |of: fn(&crate::trucks::handling::PieceEffort) -> i64| -> i64 {
        chosen().map(|order| of(&order.effort.handling) * order.quantity).sum()
    };
    let (pieces, volume) = if kind.collects() {
        (sum(|one| one.pieces).clamp(1, MAX_PIECES), sum(|one| one.volume).clamp(0, MAX_VOLUME))
    } else {
        (0, 0)
    };
    Task {
        number: 0,
        kind,
        state: TaskState::Open,
        goods: if kind == JobKind::Deliver {
            String::new()
        } else {
            goods.join(", ").chars().take(MAX_GOODS_CHARS).collect()
        },
        pieces,
        volume,
        note: String::new(),
        orders: chosen().map(|order| order.id).collect(),
    }
}

/// The whole delivery, with the orders that other jobs deliver.
pub fn whole_delivery(tx: &mut dyn Tx, id: DeliveryId) -> Result<Option<DeliveryWork>> {
    let settings = trucks::settings(tx)?;
    let handling = trucks::handling_table(tx, settings.default_handling)?;
    Ok(whole_deliveries(tx, &[id], &handling)?.pop())
}

/// Makes a job; returns its identifier.
pub fn create(
    tx: &mut dyn Tx,
    actor: MemberActor,
    job: &Job,
    task: &Task,
) -> Result<std::result::Result<JobId, TaskRefusal>> {
    let Some(whole) = whole_delivery(tx, job.delivery_id)? else { return Ok(Err(TaskRefusal::Stale)) };
    if let Some(refusal) = find_refusal(tx, &whole, task)? {
        return Ok(Err(refusal));
    }
    let id = tasks::insert(tx, job, task)?;
    // A visit needs the address of an order whose data was kept apart.
    let orders = bundles::order_ids(tx, &[job.delivery_id])?;
    seal::open_logged(tx, actor.into(), &orders)?;
    access::record_edit(tx, actor, format!("/plans/jobs/{id}"), orders)?;
    record(tx, actor, &whole, AuditEvent::JobCreated(of_delivery(&whole, task.kind)))?;
    Ok(Ok(id))
}

/// Looks up why a job is not made.
fn find_refusal(tx: &mut dyn Tx, whole: &DeliveryWork, task: &Task) -> Result<Option<TaskRefusal>> {
    let is_known = |id: &OrderId| whole.orders.iter().any(|order| order.id == *id);
    if !task.orders.iter().all(is_known) {
        return Ok(Some(TaskRefusal::Stale));
    }
    if task.kind == JobKind::Deliver {
        let apart = divided_orders(tx, &[whole.delivery_id])?.remove(&whole.delivery_id).unwrap_or_default();
        if let Some(refusal) = division_refusal(whole, &apart, &task.orders) {
            return Ok(Some(refusal));
        }
        let own = store::jobs_of(tx, &[whole.delivery_id])?.remove(&whole.delivery_id);
        let is_out = match own {
            Some(own) => tasks::is_handed_out(tx, own.job.id)?,
            None => false,
        };
        return Ok(is_out.then_some(TaskRefusal::HandedOut));
    }
    if task.goods.is_empty() {
        return Ok(Some(TaskRefusal::NoGoods));
    }
    if task.kind == JobKind::Swap && task.orders.is_empty() {
        return Ok(Some(TaskRefusal::NoOrder));
    }
    let is_taken = task.kind.collects() && !tasks::orders_with_collection(tx, &task.orders)?.is_empty();
    Ok(is_taken.then_some(TaskRefusal::Known))
}

/// Why these orders do not come on another day.
fn division_refusal(whole: &DeliveryWork, apart: &BTreeSet<OrderId>, chosen: &[OrderId]) -> Option<TaskRefusal> {
    let open: BTreeSet<OrderId> = divisible(whole, apart).map(|order| order.id).collect();
    let chosen: BTreeSet<OrderId> = chosen.iter().copied().collect();
    if chosen.is_empty() {
        Some(TaskRefusal::NoOrder)
    } else if !chosen.is_subset(&open) {
        Some(TaskRefusal::NotDivisible)
    } else {
        (chosen == open).then_some(TaskRefusal::AllOrders)
    }
}

/// The orders of a delivery that are still to be delivered, and that no other job delivers.
pub fn divisible<'w>(
    whole: &'w DeliveryWork,
    apart: &BTreeSet<OrderId>,
) -> impl Iterator<Item = &'w super::work::WorkOrder> {
    whole.orders.iter().filter(|order| order.state < OrderState::Shipped && !apart.contains(&order.id))
}

fn of_delivery(whole: &DeliveryWork, kind: JobKind) -> JobOfDelivery {
    JobOfDelivery { bundle_number: whole.bundle_number.clone(), kind: kind.code().to_owned() }
}

fn record(tx: &mut dyn Tx, actor: MemberActor, whole: &DeliveryWork, event: AuditEvent) -> Result<AuditEvent> {
    audit::record(tx, actor, AuditObject::one(whole.delivery_id), &event)?;
    Ok(event)
}

/// Cancels a job, which leaves its plan, or opens it again. The orders of a cancelled part come with their delivery.
pub fn set_state(
    tx: &mut dyn Tx,
    actor: MemberActor,
    job: &Job,
    state: TaskState,
) -> Result<std::result::Result<AuditEvent, TaskRefusal>> {
    let (Some(task), Some(whole)) = (&job.task, whole_delivery(tx, job.delivery_id)?) else {
        return Ok(Err(TaskRefusal::Stale));
    };
    if state == TaskState::Cancelled && tasks::is_handed_out(tx, job.id)? {
        return Ok(Err(TaskRefusal::HandedOut));
    }
    // What another job does meanwhile is not done twice.
    if state == TaskState::Open
        && let Some(refusal) = find_refusal(tx, &whole, task)?
    {
        return Ok(Err(refusal));
    }
    if !tasks::set_state(tx, job.id, state)? {
        return Ok(Err(TaskRefusal::Stale));
    }
    let names = of_delivery(&whole, task.kind);
    let event = if state == TaskState::Open {
        // A stop that was done stays with its tour as an attempt.
        tasks::end_stop(tx, job.id)?;
        AuditEvent::JobReopened(names)
    } else {
        tasks::remove_stop(tx, job.id)?;
        AuditEvent::JobCancelled(names)
    };
    record(tx, actor, &whole, event).map(Ok)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plans::work::tests::work;

    #[test]
    fn claims_ask_for_a_collection_or_a_swap() {
        assert_eq!(JobKind::of_claim("반품요청"), Some(JobKind::Collect));
        assert_eq!(JobKind::of_claim("수거중"), Some(JobKind::Collect));
        assert_eq!(JobKind::of_claim("교환요청"), Some(JobKind::Swap));
        for other in ["취소요청", "반품철회", "처리중", ""] {
            assert_eq!(JobKind::of_claim(other), None, "{other}");
        }
    }

    #[test]
    fn suggestion_takes_back_what_the_orders_were() {
        let whole = work(DeliveryId::from_raw(1), "37683");
        let task = suggestion(&whole, JobKind::Collect, &[OrderId::from_raw(2)]);
        assert_eq!(
            (task.goods.as_str(), task.pieces, task.volume, task.orders),
            ("예시 침대 × 2", 2, 200, vec![OrderId::from_raw(2)])
        );
        let visit = suggestion(&whole, JobKind::Service, &[OrderId::from_raw(1), OrderId::from_raw(9)]);
        assert_eq!((visit.goods.as_str(), visit.pieces, visit.orders), ("예시 침대", 0, vec![OrderId::from_raw(1)]));
        assert_eq!(suggestion(&whole, JobKind::Deliver, &[OrderId::from_raw(1)]).goods, "");
    }

    #[test]
    fn delivery_is_divided_as_long_as_something_is_left() {
        let mut whole = work(DeliveryId::from_raw(1), "37683");
        let refusal = |whole: &DeliveryWork, apart: &[OrderId], chosen: &[OrderId]| {
            division_refusal(whole, &apart.iter().copied().collect(), chosen)
        };
        assert_eq!(refusal(&whole, &[], &[OrderId::from_raw(2)]), None);
        assert_eq!(refusal(&whole, &[], &[]), Some(TaskRefusal::NoOrder));
        assert_eq!(refusal(&whole, &[], &[OrderId::from_raw(1), OrderId::from_raw(2)]), Some(TaskRefusal::AllOrders));
        assert_eq!(
            refusal(&whole, &[], &[OrderId::from_raw(2), OrderId::from_raw(2)]),
            None,
            "one order, ticked twice"
        );
        assert_eq!(refusal(&whole, &[OrderId::from_raw(2)], &[OrderId::from_raw(2)]), Some(TaskRefusal::NotDivisible));
        assert_eq!(
            refusal(&whole, &[OrderId::from_raw(2)], &[OrderId::from_raw(1)]),
            Some(TaskRefusal::AllOrders),
            "the rest of a divided delivery"
        );
        whole.orders[0].state = OrderState::Shipped;
        assert_eq!(refusal(&whole, &[], &[OrderId::from_raw(1)]), Some(TaskRefusal::NotDivisible));
    }
}

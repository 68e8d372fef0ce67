//! A delivery, or another job at its door, as it is planned: destination, effort, and what has changed since it was planned.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::model::{Job, JobKind, Task, TaskState};
use crate::id::{DeliveryId, OrderId, WorkId};
use crate::orders::bundle::DeliveryState;
use crate::orders::model::{OrderState, Recipient};
use crate::sites::model::SiteEffort;
use crate::text::hex;
use crate::trucks::handling::Effort;

/// Bytes of the hash of an address that a basis stores.
const ADDRESS_HASH_BYTES: usize = 8;

/// Minutes at the door of a job without a number of its own: a visit, or goods taken back.
pub const DEFAULT_TASK_MINUTES: i64 = 30;

/// An order of a planned delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkOrder {
    /// identifier
    pub id: OrderId,
    /// state
    pub state: OrderState,
    /// 클레임, or empty
    pub claim: String,
    /// whether the claim keeps the goods where they are
    pub is_held: bool,
    /// 상품명
    pub product_name: String,
    /// pieces ordered
    pub quantity: i64,
    /// of one piece
    pub effort: Effort,
}

impl WorkOrder {
    /// Whether it is delivered: not cancelled or refunded.
    fn is_active(&self) -> bool {
        self.state < OrderState::Cancelled
    }

    /// Product and number: `예시 침대 × 2`.
    pub fn goods(&self) -> String {
        let quantity = if self.quantity > 1 { format!(" × {}", self.quantity) } else { String::new() };
        format!("{}{quantity}", self.product_name)
    }
}

/// A delivery to be planned, or another job at its door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryWork {
    /// what names it on the board, see [`Job::key`]
    pub key: WorkId,
    /// the delivery
    pub delivery_id: DeliveryId,
    /// what it is; none: the delivery itself
    pub task: Option<Task>,
    /// products of the same delivery that another job delivers
    pub apart: Vec<String>,
    /// 묶음배송번호
    pub bundle_number: String,
    /// state
    pub state: DeliveryState,
    /// 희망배송일
    pub preferred_date: Option<NaiveDate>,
    /// district
    pub sigungu_code: Option<i64>,
    /// recipient
    pub recipient: Recipient,
    /// the orders that it is about, oldest first
    pub orders: Vec<WorkOrder>,
    /// identifiers of all orders of the delivery, whose recipient it shows
    pub all_orders: Vec<OrderId>,
    /// what its building takes beyond the goods
    pub site: SiteEffort,
}

/// What a stop takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StopEffort {
    /// minutes at the door
    pub minutes: i64,
    /// people
    pub crew: i64,
    /// hundredths of a cubic metre
    pub volume: i64,
    /// pieces
    pub pieces: i64,
    /// hundredths of a cubic metre that the truck takes with it from there
    pub collected_volume: i64,
    /// pieces that the truck takes with it from there
    pub collected_pieces: i64,
    /// whether a product has no handling of its own
    pub has_default: bool,
}

impl DeliveryWork {
    /// What is done.
    pub fn kind(&self) -> JobKind {
        self.task.as_ref().map_or(JobKind::Deliver, |task| task.kind)
    }

    /// The delivery itself, without the orders that other jobs deliver.
    pub fn without(mut self, apart: &BTreeSet<OrderId>) -> Self {
        let (elsewhere, own): (Vec<_>, Vec<_>) = self.orders.into_iter().partition(|order| apart.contains(&order.id));
        self.orders = own;
        self.apart = elsewhere.iter().filter(|order| order.is_active()).map(WorkOrder::goods).collect();
        self
    }

    /// Another job of this whole delivery.
    pub fn of_job(&self, job: &Job) -> Self {
        let Some(task) = &job.task else { return self.clone() };
        let (own, elsewhere): (Vec<_>, Vec<_>) =
            self.orders.iter().cloned().partition(|order| task.orders.contains(&order.id));
        let is_part = task.kind == JobKind::Deliver;
        Self {
            key: job.key(),
            task: Some(task.clone()),
            apart: elsewhere.iter().filter(|order| is_part && order.is_active()).map(WorkOrder::goods).collect(),
            orders: own,
            ..self.clone()
        }
    }

    /// The orders that count: what is cancelled is not delivered, but may have to be fetched.
    fn counted(&self) -> impl Iterator<Item = &WorkOrder> + Clone {
        let is_delivery = self.kind() == JobKind::Deliver;
        self.orders.iter().filter(move |order| !is_delivery || order.is_active())
    }

    /// Whether something is left to do.
    pub fn is_open(&self) -> bool {
        match &self.task {
            Some(task) if task.state != TaskState::Open => false,
            Some(task) if task.kind != JobKind::Deliver => true,
            _ => {
                DeliveryState::UNDER_WAY.contains(&self.state)
                    && self.orders.iter().any(|order| order.state < OrderState::Shipped)
            }
        }
    }

    /// What the job takes. Goods for the customer take the sum of their orders, and the crew of the one that needs most;
    /// goods taken back are those of the job. Minutes and crew of the job precede.
    pub fn effort(&self, job: Option<&Job>) -> StopEffort {
        let kind = self.kind();
        let mut effort = StopEffort { crew: 1, ..StopEffort::default() };
        for order in self.counted() {
            let one = order.effort.handling;
            effort.minutes += one.minutes * order.quantity;
            effort.crew = effort.crew.max(one.crew);
            if kind.delivers() {
                effort.volume += one.volume * order.quantity;
                effort.pieces += one.pieces * order.quantity;
                effort.has_default |= order.effort.is_default;
            }
        }
        if let Some(task) = self.task.as_ref().filter(|task| task.kind.collects()) {
            (effort.collected_volume, effort.collected_pieces) = (task.volume, task.pieces);
        }
        if kind != JobKind::Deliver && effort.minutes == 0 {
            effort.minutes = DEFAULT_TASK_MINUTES;
        }
        // A visit carries nothing.
        if kind.delivers() || kind.collects() {
            let carried = effort.pieces + effort.collected_pieces;
            effort.minutes += self.site.minutes + self.site.minutes_per_piece * carried;
            effort.crew = effort.crew.max(self.site.crew);
        }
        effort.minutes = job.and_then(|job| job.minutes).unwrap_or(effort.minutes);
        effort.crew = job.and_then(|job| job.crew).unwrap_or(effort.crew);
        effort
    }

    /// Whether open cancellations keep all of its orders where they are.
    pub fn is_held(&self) -> bool {
        if self.kind() != JobKind::Deliver {
            return false;
        }
        let mut active = self.orders.iter().filter(|order| order.is_active()).peekable();
        active.peek().is_some() && active.all(|order| order.is_held)
    }

    /// Identifiers of the orders whose recipient it shows.
    pub fn order_ids(&self) -> impl Iterator<Item = OrderId> {
        self.all_orders.iter().copied()
    }

    /// Goods in short: `예시 침대 외 1건`.
    pub fn summary(&self) -> String {
        if let Some(task) = self.task.as_ref().filter(|task| task.kind != JobKind::Deliver) {
            return task.goods.clone();
        }
        let mut active = self.orders.iter().filter(|order| order.is_active());
        let Some(first) = active.next() else { return "배송할 주문 없음".to_owned() };
        match active.count() {
            0 => first.goods(),
            others => format!("{} 외 {others}건", first.goods()),
        }
    }

    /// As [`summary`](Self::summary), with what is done if it is no delivery: `회수: 예시 침대`.
    pub fn summary_with_kind(&self) -> String {
        match self.kind() {
            JobKind::Deliver => self.summary(),
            kind => format!("{}: {}", kind.label(), self.summary()),
        }
    }

    /// Goods that the truck brings to the door.
    pub fn delivered_goods(&self) -> Vec<String> {
        if self.kind().delivers() { self.counted().map(WorkOrder::goods).collect() } else { Vec::new() }
    }

    /// Claims of its orders.
    pub fn claims(&self) -> Vec<&str> {
        self.counted().map(|order| order.claim.as_str()).filter(|claim| !claim.is_empty()).collect()
    }

    /// The basis of a plan that is made now.
    pub fn basis(&self) -> WorkBasis {
        let active = self.counted();
        WorkBasis {
            address: address_hash(&self.recipient),
            date: self.preferred_date,
            orders: active.clone().map(|order| (order.id, order.quantity)).collect(),
            claims: active.filter(|order| !order.claim.is_empty()).map(|order| order.id).collect(),
        }
    }

    /// What has changed since the plan of `basis` was made.
    pub fn changes_since(&self, basis: &WorkBasis) -> Vec<WorkChange> {
        let now = self.basis();
        let mut changes = Vec::new();
        match self.task.as_ref().map(|task| (task.state, task.kind)) {
            Some((TaskState::Cancelled, _)) => return vec![WorkChange::NothingLeft],
            Some((TaskState::Done, _)) => return vec![WorkChange::Completed],
            Some((TaskState::Open, kind)) if kind != JobKind::Deliver => {
                let is_settled = !basis.claims.is_empty() && now.claims.is_empty();
                changes.extend(is_settled.then_some(WorkChange::ClaimSettled));
                changes.extend((now.address != basis.address).then_some(WorkChange::Address));
                return changes;
            }
            Some(_) | None => {}
        }
        match self.state {
            DeliveryState::Cancelled | DeliveryState::Returned => return vec![WorkChange::NothingLeft],
            DeliveryState::Completed => return vec![WorkChange::Completed],
            DeliveryState::Preparing | DeliveryState::ReadyToShip => {}
        }
        let joined = now.orders.keys().filter(|id| !basis.orders.contains_key(id)).count();
        let is_known = |id: &OrderId| self.orders.iter().any(|order| order.id == *id);
        let gone = basis.orders.keys().filter(|id| !now.orders.contains_key(id));
        let (cancelled, left): (Vec<OrderId>, Vec<OrderId>) = gone.copied().partition(is_known);
        let quantity = basis.orders.iter().any(|(id, quantity)| now.orders.get(id).is_some_and(|is| is != quantity));
        let claim =
            self.orders.iter().find(|order| now.claims.contains(&order.id) && !basis.claims.contains(&order.id));
        changes.extend((joined > 0).then_some(WorkChange::OrdersJoined(joined)));
        changes.extend((!cancelled.is_empty()).then_some(WorkChange::OrdersCancelled(cancelled.len())));
        changes.extend((!left.is_empty()).then_some(WorkChange::OrdersLeft(left.len())));
        changes.extend(quantity.then_some(WorkChange::Quantity));
        changes.extend(claim.map(|order| WorkChange::Claim(order.claim.clone())));
        changes.extend((now.address != basis.address).then_some(WorkChange::Address));
        changes.extend((now.date != basis.date).then_some(WorkChange::PreferredDate));
        changes
    }
}

fn address_hash(recipient: &Recipient) -> String {
    let parts = [&recipient.zip_code, &recipient.address1, &recipient.address2];
    let text = parts.map(|part| part.trim()).join("\n");
    hex(&Sha256::digest(text.as_bytes())[..ADDRESS_HASH_BYTES])
}

/// A delivery as it was when its plan was made. Has no personal data: of the address it stores a hash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkBasis {
    address: String,
    date: Option<NaiveDate>,
    /// orders with their quantity
    orders: BTreeMap<OrderId, i64>,
    /// orders with a claim
    claims: Vec<OrderId>,
}

impl WorkBasis {
    /// As stored.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether an order was part of the plan.
    pub fn has(&self, order_id: OrderId) -> bool {
        self.orders.contains_key(&order_id)
    }

    /// Parses a stored basis; that of an unreadable one differs from everything.
    pub fn from_json(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }
}

/// A change of a delivery after its plan was made (바뀜).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkChange {
    /// orders joined its bundle
    OrdersJoined(usize),
    /// orders were cancelled or refunded
    OrdersCancelled(usize),
    /// orders left its bundle
    OrdersLeft(usize),
    /// a quantity
    Quantity,
    /// a claim was opened
    Claim(String),
    /// the claim that the job was made for is over
    ClaimSettled,
    /// the address
    Address,
    /// 희망배송일
    PreferredDate,
    /// every order was cancelled or refunded
    NothingLeft,
    /// it is delivered
    Completed,
}

impl WorkChange {
    /// Korean label.
    pub fn label(&self) -> String {
        match self {
            Self::OrdersJoined(count) => format!("주문 {count}건 추가"),
            Self::OrdersCancelled(count) => format!("주문 {count}건 취소"),
            Self::OrdersLeft(count) => format!("주문 {count}건 빠짐"),
            Self::Quantity => "수량 바뀜".to_owned(),
            Self::Claim(claim) => claim.clone(),
            Self::ClaimSettled => "클레임 끝남".to_owned(),
            Self::Address => "주소 바뀜".to_owned(),
            Self::PreferredDate => "희망배송일 바뀜".to_owned(),
            Self::NothingLeft => "모두 취소됨".to_owned(),
            Self::Completed => "배송 완료".to_owned(),
        }
    }

    /// Whether nothing is left to do.
    pub const fn is_end(&self) -> bool {
        matches!(self, Self::NothingLeft | Self::Completed)
    }

    /// Whether it needs a look before the truck leaves.
    pub const fn is_alarming(&self) -> bool {
        !matches!(self, Self::Completed)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::id::JobId;
    use crate::time::parse_date;
    use crate::trucks::handling::PieceEffort;

    pub(in crate::plans) fn order(id: OrderId, minutes: i64, crew: i64, quantity: i64) -> WorkOrder {
        WorkOrder {
            id,
            state: OrderState::Dispatched,
            claim: String::new(),
            is_held: false,
            product_name: "예시 침대".to_owned(),
            quantity,
            effort: Effort {
                handling: PieceEffort { minutes, crew, volume: 100, pieces: 1 },
                is_default: id == OrderId::from_raw(2),
            },
        }
    }

    pub(in crate::plans) fn work(delivery_id: DeliveryId, zip_code: &str) -> DeliveryWork {
        DeliveryWork {
            key: delivery_id.into(),
            delivery_id,
            task: None,
            apart: Vec::new(),
            bundle_number: format!("B{}", delivery_id.raw()),
            state: DeliveryState::ReadyToShip,
            preferred_date: parse_date("2026-12-01"),
            sigungu_code: None,
            recipient: Recipient { zip_code: zip_code.to_owned(), ..Recipient::default() },
            orders: vec![order(OrderId::from_raw(1), 30, 1, 1), order(OrderId::from_raw(2), 20, 2, 2)],
            all_orders: vec![OrderId::from_raw(1), OrderId::from_raw(2)],
            site: SiteEffort::default(),
        }
    }

    #[test]
    fn effort_is_the_sum_of_the_orders_unless_the_job_says_otherwise() {
        let work = work(DeliveryId::from_raw(1), "37683");
        let effort = work.effort(None);
        assert_eq!(
            (effort.minutes, effort.crew, effort.volume, effort.pieces, effort.has_default),
            (70, 2, 300, 3, true)
        );
        let job = Job { minutes: Some(90), crew: Some(1), ..Job::default() };
        assert_eq!((work.effort(Some(&job)).minutes, work.effort(Some(&job)).crew), (90, 1));
        assert_eq!(work.summary(), "예시 침대 외 1건");
        let site = SiteEffort { minutes: 30, minutes_per_piece: 4, crew: 3, fee: 0 };
        let upstairs = DeliveryWork { site, ..work };
        assert_eq!((upstairs.effort(None).minutes, upstairs.effort(None).crew), (70 + 30 + 3 * 4, 3));
        assert_eq!(upstairs.effort(Some(&job)).minutes, 90, "the job precedes the building");
    }

    #[test]
    fn delivery_is_held_when_all_of_its_orders_are() {
        let mut work = work(DeliveryId::from_raw(1), "37683");
        work.orders[0].is_held = true;
        assert!(!work.is_held());
        work.orders[1].state = OrderState::Cancelled;
        assert!(work.is_held());
        work.orders[0].state = OrderState::Cancelled;
        assert!(!work.is_held(), "nothing is left");
    }

    #[test]
    fn cancelled_order_takes_nothing() {
        let mut work = work(DeliveryId::from_raw(1), "37683");
        work.orders[1].state = OrderState::Cancelled;
        assert_eq!((work.effort(None).minutes, work.effort(None).crew), (30, 1));
    }

    #[test]
    fn changes_since_the_plan_are_named() {
        let planned = work(DeliveryId::from_raw(1), "37683");
        let basis = WorkBasis::from_json(&planned.basis().to_json());
        let changes = |change: &dyn Fn(&mut DeliveryWork)| {
            let mut work = planned.clone();
            change(&mut work);
            work.changes_since(&basis).iter().map(WorkChange::label).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(changes(&|_| ()), "");
        assert_eq!(changes(&|work| work.orders.push(order(OrderId::from_raw(3), 10, 1, 1))), "주문 1건 추가");
        assert_eq!(changes(&|work| work.orders[0].state = OrderState::Cancelled), "주문 1건 취소");
        assert_eq!(changes(&|work| drop(work.orders.remove(0))), "주문 1건 빠짐");
        assert_eq!(changes(&|work| work.orders[0].quantity = 2), "수량 바뀜");
        assert_eq!(changes(&|work| work.orders[0].claim = "취소요청".to_owned()), "취소요청");
        assert_eq!(changes(&|work| work.recipient.address2 = "102호".to_owned()), "주소 바뀜");
        assert_eq!(changes(&|work| work.preferred_date = None), "희망배송일 바뀜");
        assert_eq!(changes(&|work| work.state = DeliveryState::Cancelled), "모두 취소됨");
        assert_eq!(changes(&|work| work.orders[0].state = OrderState::Shipped), "", "delivered in part");
        assert_eq!(planned.changes_since(&WorkBasis::from_json("?")).len(), 3, "an unreadable basis differs");
    }

    fn task(kind: JobKind, orders: &[OrderId]) -> Job {
        let goods = if kind == JobKind::Deliver { String::new() } else { "헌 침대".to_owned() };
        let (pieces, volume) = if kind.collects() { (1, 80) } else { (0, 0) };
        let (state, note, orders) = (TaskState::Open, String::new(), orders.to_vec());
        let task = Task { number: 1, kind, state, goods, pieces, volume, note, orders };
        Job { id: JobId::from_raw(9), delivery_id: DeliveryId::from_raw(1), task: Some(task), ..Job::default() }
    }

    #[test]
    fn part_of_a_delivery_takes_its_own_orders() {
        let whole = work(DeliveryId::from_raw(1), "37683");
        let part = whole.of_job(&task(JobKind::Deliver, &[OrderId::from_raw(2)]));
        let rest = whole.without(&BTreeSet::from([OrderId::from_raw(2)]));
        assert_eq!((part.key, rest.key), (WorkId::from_raw(9), WorkId::from_raw(1)));
        assert_eq!((part.effort(None).minutes, rest.effort(None).minutes), (40, 30));
        assert_eq!(
            (part.apart.as_slice(), rest.apart.as_slice()),
            (&["예시 침대".to_owned()][..], &["예시 침대 × 2".to_owned()][..])
        );
        assert!(part.is_open() && rest.is_open());
        let delivered = DeliveryWork {
            orders: vec![WorkOrder { state: OrderState::Shipped, ..order(OrderId::from_raw(2), 20, 2, 2) }],
            ..part
        };
        assert!(!delivered.is_open(), "what is left of the delivery is another job");
    }

    #[test]
    fn goods_taken_back_are_loaded_at_the_door() {
        let whole = DeliveryWork { state: DeliveryState::Completed, ..work(DeliveryId::from_raw(1), "37683") };
        let collect = whole.of_job(&task(JobKind::Collect, &[OrderId::from_raw(1)]));
        let effort = collect.effort(None);
        assert_eq!((effort.volume, effort.pieces, effort.collected_volume, effort.collected_pieces), (0, 0, 80, 1));
        assert_eq!((effort.minutes, collect.summary().as_str()), (30, "헌 침대"));
        assert!(collect.is_open(), "the delivery is over, the job is not");
        let swap = whole.of_job(&task(JobKind::Swap, &[OrderId::from_raw(1)])).effort(None);
        assert_eq!((swap.volume, swap.pieces, swap.collected_pieces), (100, 1, 1));
        let visit = whole.of_job(&task(JobKind::Measure, &[])).effort(None);
        assert_eq!((visit.minutes, visit.pieces, visit.collected_pieces), (DEFAULT_TASK_MINUTES, 0, 0));
    }

    #[test]
    fn collection_follows_its_claim_and_its_state() {
        let mut whole = DeliveryWork { state: DeliveryState::Completed, ..work(DeliveryId::from_raw(1), "37683") };
        "반품요청".clone_into(&mut whole.orders[0].claim);
        let mut job = task(JobKind::Collect, &[OrderId::from_raw(1)]);
        let basis = whole.of_job(&job).basis();
        assert!(whole.of_job(&job).changes_since(&basis).is_empty());
        whole.orders[0].claim.clear();
        assert_eq!(whole.of_job(&job).changes_since(&basis), [WorkChange::ClaimSettled]);
        job.task = job.task.map(|task| Task { state: TaskState::Done, ..task });
        assert_eq!(whole.of_job(&job).changes_since(&basis), [WorkChange::Completed]);
        assert!(!whole.of_job(&job).is_open());
    }
}

//! A delivery as it is planned: destination, effort, and what has changed since it was planned.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::model::Job;
use crate::orders::bundle::DeliveryState;
use crate::orders::model::{OrderState, Recipient};
use crate::text::hex;
use crate::trucks::handling::Effort;

/// Bytes of the hash of an address that a basis stores.
const ADDRESS_HASH_BYTES: usize = 8;

/// An order of a planned delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkOrder {
    /// identifier
    pub id: i64,
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
}

/// A delivery to be planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryWork {
    /// identifier
    pub delivery_id: i64,
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
    /// orders, oldest first
    pub orders: Vec<WorkOrder>,
}

/// What a stop takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopEffort {
    /// minutes at the door
    pub minutes: i64,
    /// people
    pub crew: i64,
    /// hundredths of a cubic metre
    pub volume: i64,
    /// pieces
    pub pieces: i64,
    /// whether a product has no handling of its own
    pub has_default: bool,
}

impl DeliveryWork {
    /// What the delivery takes: the sum of its orders, and the crew of the one that needs most. The job precedes.
    pub fn effort(&self, job: Option<&Job>) -> StopEffort {
        let mut effort = StopEffort { minutes: 0, crew: 1, volume: 0, pieces: 0, has_default: false };
        for order in self.orders.iter().filter(|order| order.is_active()) {
            let one = order.effort.handling;
            effort.minutes += one.minutes * order.quantity;
            effort.volume += one.volume * order.quantity;
            effort.pieces += one.pieces * order.quantity;
            effort.crew = effort.crew.max(one.crew);
            effort.has_default |= order.effort.is_default;
        }
        effort.minutes = job.and_then(|job| job.minutes).unwrap_or(effort.minutes);
        effort.crew = job.and_then(|job| job.crew).unwrap_or(effort.crew);
        effort
    }

    /// Whether open cancellations keep all of its orders where they are.
    pub fn is_held(&self) -> bool {
        let mut active = self.orders.iter().filter(|order| order.is_active()).peekable();
        active.peek().is_some() && active.all(|order| order.is_held)
    }

    /// Identifiers of its orders.
    pub fn order_ids(&self) -> impl Iterator<Item = i64> {
        self.orders.iter().map(|order| order.id)
    }

    /// Products in short: `예시 침대 외 1건`.
    pub fn summary(&self) -> String {
        let mut active = self.orders.iter().filter(|order| order.is_active());
        let Some(first) = active.next() else { return "배송할 주문 없음".to_owned() };
        let quantity = if first.quantity > 1 { format!(" × {}", first.quantity) } else { String::new() };
        match active.count() {
            0 => format!("{}{quantity}", first.product_name),
            others => format!("{}{quantity} 외 {others}건", first.product_name),
        }
    }

    /// Claims of its orders.
    pub fn claims(&self) -> Vec<&str> {
        let active = self.orders.iter().filter(|order| order.is_active());
        active.map(|order| order.claim.as_str()).filter(|claim| !claim.is_empty()).collect()
    }

    /// The basis of a plan that is made now.
    pub fn basis(&self) -> Basis {
        let active = self.orders.iter().filter(|order| order.is_active());
        Basis {
            address: address_hash(&self.recipient),
            date: self.preferred_date,
            orders: active.clone().map(|order| (order.id, order.quantity)).collect(),
            claims: active.filter(|order| !order.claim.is_empty()).map(|order| order.id).collect(),
        }
    }

    /// What has changed since the plan of `basis` was made.
    pub fn changes_since(&self, basis: &Basis) -> Vec<WorkChange> {
        let now = self.basis();
        let mut changes = Vec::new();
        match self.state {
            DeliveryState::Cancelled | DeliveryState::Returned => return vec![WorkChange::NothingLeft],
            DeliveryState::Completed => return vec![WorkChange::Completed],
            DeliveryState::Preparing | DeliveryState::ReadyToShip => {}
        }
        let joined = now.orders.keys().filter(|id| !basis.orders.contains_key(id)).count();
        let is_known = |id: &i64| self.orders.iter().any(|order| order.id == *id);
        let gone = basis.orders.keys().filter(|id| !now.orders.contains_key(id));
        let (cancelled, left): (Vec<i64>, Vec<i64>) = gone.copied().partition(is_known);
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
pub struct Basis {
    address: String,
    date: Option<NaiveDate>,
    /// orders with their quantity
    orders: BTreeMap<i64, i64>,
    /// orders with a claim
    claims: Vec<i64>,
}

impl Basis {
    /// As stored.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
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
            Self::Address => "주소 바뀜".to_owned(),
            Self::PreferredDate => "희망배송일 바뀜".to_owned(),
            Self::NothingLeft => "모두 취소됨".to_owned(),
            Self::Completed => "배송 완료".to_owned(),
        }
    }

    /// Whether it needs a look before the truck leaves.
    pub const fn is_alarming(&self) -> bool {
        !matches!(self, Self::Completed)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::time::parse_date;
    use crate::trucks::handling::PieceEffort;

    pub(in crate::plans) fn order(id: i64, minutes: i64, crew: i64, quantity: i64) -> WorkOrder {
        WorkOrder {
            id,
            state: OrderState::Dispatched,
            claim: String::new(),
            is_held: false,
            product_name: "예시 침대".to_owned(),
            quantity,
            effort: Effort { handling: PieceEffort { minutes, crew, volume: 100, pieces: 1 }, is_default: id == 2 },
        }
    }

    pub(in crate::plans) fn work(delivery_id: i64, zip_code: &str) -> DeliveryWork {
        DeliveryWork {
            delivery_id,
            bundle_number: format!("B{delivery_id}"),
            state: DeliveryState::ReadyToShip,
            preferred_date: parse_date("2026-12-01"),
            sigungu_code: None,
            recipient: Recipient { zip_code: zip_code.to_owned(), ..Recipient::default() },
            orders: vec![order(1, 30, 1, 1), order(2, 20, 2, 2)],
        }
    }

    #[test]
    fn effort_is_the_sum_of_the_orders_unless_the_job_says_otherwise() {
        let work = work(1, "37683");
        let effort = work.effort(None);
        assert_eq!(
            (effort.minutes, effort.crew, effort.volume, effort.pieces, effort.has_default),
            (70, 2, 300, 3, true)
        );
        let job = Job { minutes: Some(90), crew: Some(1), ..Job::default() };
        assert_eq!((work.effort(Some(&job)).minutes, work.effort(Some(&job)).crew), (90, 1));
        assert_eq!(work.summary(), "예시 침대 외 1건");
    }

    #[test]
    fn delivery_is_held_when_all_of_its_orders_are() {
        let mut work = work(1, "37683");
        work.orders[0].is_held = true;
        assert!(!work.is_held());
        work.orders[1].state = OrderState::Cancelled;
        assert!(work.is_held());
        work.orders[0].state = OrderState::Cancelled;
        assert!(!work.is_held(), "nothing is left");
    }

    #[test]
    fn cancelled_order_takes_nothing() {
        let mut work = work(1, "37683");
        work.orders[1].state = OrderState::Cancelled;
        assert_eq!((work.effort(None).minutes, work.effort(None).crew), (30, 1));
    }

    #[test]
    fn changes_since_the_plan_are_named() {
        let planned = work(1, "37683");
        let basis = Basis::from_json(&planned.basis().to_json());
        let changes = |change: &dyn Fn(&mut DeliveryWork)| {
            let mut work = planned.clone();
            change(&mut work);
            work.changes_since(&basis).iter().map(WorkChange::label).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(changes(&|_| ()), "");
        assert_eq!(changes(&|work| work.orders.push(order(3, 10, 1, 1))), "주문 1건 추가");
        assert_eq!(changes(&|work| work.orders[0].state = OrderState::Cancelled), "주문 1건 취소");
        assert_eq!(changes(&|work| drop(work.orders.remove(0))), "주문 1건 빠짐");
        assert_eq!(changes(&|work| work.orders[0].quantity = 2), "수량 바뀜");
        assert_eq!(changes(&|work| work.orders[0].claim = "취소요청".to_owned()), "취소요청");
        assert_eq!(changes(&|work| work.recipient.address2 = "102호".to_owned()), "주소 바뀜");
        assert_eq!(changes(&|work| work.preferred_date = None), "희망배송일 바뀜");
        assert_eq!(changes(&|work| work.state = DeliveryState::Cancelled), "모두 취소됨");
        assert_eq!(changes(&|work| work.orders[0].state = OrderState::Shipped), "", "delivered in part");
        assert_eq!(planned.changes_since(&Basis::from_json("?")).len(), 3, "an unreadable basis differs");
    }
}

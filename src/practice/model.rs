//! The practice tasks and their completion rules.

use std::collections::{BTreeMap, BTreeSet};

use super::exercises::ExerciseSet;
use crate::audit::Verb;
use crate::deliveries::log::{self, DeliveryAction};
use crate::id::{DeliveryEventId, UploadId};
use crate::members::model::Role;
use crate::orders::model::{NewOrder, Order, OrderState};
use crate::products::model::Variant;
use crate::storage::Value;
use crate::time::Moment;

/// Practice task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Task {
    /// 주문 파일 올리기
    Upload,
    /// 새 상품의 옵션에 발주서 표기 정하기
    Label,
    /// 공장에 발주하기: 발주로 바꾸기, then download the 발주서
    Purchase,
    /// 점심에 들어온 취소요청: upload the list, then dispatch what it leaves
    Claim,
    /// 송장 파일 올리기
    Courier,
    /// 한 지역의 전표 인쇄
    Slips,
    /// 묶음 중 하나의 반품
    Return,
    /// 같은 수취인의 주문 합치기
    Merge,
    /// 묶음의 주소 수정하기
    Address,
    /// 하루를 배차하고 확정하기
    Plan,
    /// 한 곳을 다른 차로 옮기고 순서 고정하기
    Hold,
    /// 오늘 배송에서 한 곳 완료하기
    Drive,
    /// 배송 완료와 되돌리기
    Complete,
    /// 상담주문
    Counter,
}

/// Change of an order's field by the member.
#[derive(Clone, Debug)]
pub struct FieldChange {
    /// Time of the change.
    pub at: Moment,
    /// Column name.
    pub column: String,
    /// New value.
    pub value: Value,
}

/// A member's traces in the database since the session started: the input of the completion rules.
#[derive(Clone, Debug, Default)]
pub struct Observations {
    /// Existing orders of the session by order number.
    pub orders: BTreeMap<String, Order>,
    /// The member's changes of these orders by order number.
    pub changes: BTreeMap<String, Vec<FieldChange>>,
    /// The member's events in the delivery logs.
    pub delivery_events: Vec<log::DeliveryEvent>,
    /// Uploads of the member that created orders of the session.
    pub uploads: BTreeSet<UploadId>,
    /// Variants of the new product.
    pub variants: Vec<Variant>,
    /// Time of the member's last 발주서 download.
    pub purchase_order_at: Option<Moment>,
    /// Whether the member reported a stop as done in the driver's pages.
    pub has_delivered: bool,
    /// Verbs of the member's audit entries.
    pub verbs: BTreeSet<Verb>,
}

impl Task {
    /// All tasks in the order of a working day.
    pub const ALL: [Self; 14] = [
        Self::Upload,
        Self::Label,
        Self::Purchase,
        Self::Claim,
        Self::Courier,
        Self::Slips,
        Self::Return,
        Self::Merge,
        Self::Address,
        Self::Plan,
        Self::Hold,
        Self::Drive,
        Self::Complete,
        Self::Counter,
    ];

    /// Tasks that the role has access to.
    pub fn for_role(role: Role) -> impl Iterator<Item = Self> {
        let logistics = [Self::Slips, Self::Plan, Self::Hold, Self::Drive, Self::Complete];
        Self::ALL.into_iter().filter(move |task| role == Role::Admin || logistics.contains(task))
    }

    /// Title on the page.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Upload => "오늘 주문 파일 올리기",
            Self::Label => "새 상품의 옵션에 발주서 표기 정하기",
            Self::Purchase => "공장에 발주하기",
            Self::Claim => "점심에 들어온 취소요청 처리하기",
            Self::Courier => "택배 송장 파일 올리기",
            Self::Slips => "포항시 전표 인쇄하기",
            Self::Return => "묶음 중 한 건 반품 처리하기",
            Self::Merge => "같은 수취인의 주문 합치기",
            Self::Address => "묶음의 주소 수정하기",
            Self::Plan => "하루를 배차하고 확정하기",
            Self::Hold => "한 곳을 다른 차로 옮기고 순서 고정하기",
            Self::Drive => "오늘 배송에서 한 곳 완료하기",
            Self::Complete => "배송 완료와 되돌리기",
            Self::Counter => "상담주문 받기",
        }
    }

    /// Whether the observations satisfy the completion rule.
    pub fn is_done(self, exercises: &ExerciseSet, observed: &Observations) -> bool {
        let orders = exercises.of_task(self);
        let all = |is: &dyn Fn(&NewOrder) -> bool| !orders.is_empty() && orders.iter().all(|order| is(order));
        match self {
            Self::Upload => all(&|order| {
                let upload = observed.orders.get(&order.order_number).and_then(|order| order.upload_id);
                upload.is_some_and(|upload| observed.uploads.contains(&upload))
            }),
            Self::Label => {
                let is_labelled = |variant: &Variant| variant.label != variant.value;
                observed.verbs.contains(&Verb::VariantsLabelled)
                    && !observed.variants.is_empty()
                    && observed.variants.iter().all(is_labelled)
            }
            Self::Purchase => {
                let purchased = orders.iter().map(|order| observed.state_set_at(order, OrderState::Purchased));
                let last = purchased.collect::<Option<Vec<_>>>().and_then(|moments| moments.into_iter().max());
                last.is_some_and(|last| observed.purchase_order_at.is_some_and(|downloaded| last <= downloaded))
            }
            Self::Claim => match orders.split_first() {
                Some((first, others)) => {
                    let claimed = observed.value_set_at(first, "claim", |value| *value != Value::Text(String::new()));
                    let is_sent_after = |order: &&NewOrder| {
                        let sent = observed.state_set_at(order, OrderState::Dispatched);
                        claimed.zip(sent).is_some_and(|(claimed, sent)| claimed <= sent)
                    };
                    let is_left = observed.orders.get(&first.order_number).is_some_and(|order| {
                        order.state < OrderState::Dispatched || order.state == OrderState::Cancelled
                    });
                    is_left && others.iter().all(is_sent_after)
                }
                None => false,
            },
            Self::Courier => all(&|order| {
                let number = Value::Text(ExerciseSet::tracking_number(&order.order_number));
                observed.value_set_at(order, "tracking_number", |value| *value == number).is_some()
            }),
            Self::Slips => all(&|order| observed.delivery_event_id(order, DeliveryAction::Printed).is_some()),
            Self::Return => match orders.split_first() {
                Some((first, others)) => {
                    let is_kept = |order: &&NewOrder| !observed.is_in_state(order, OrderState::Refunded);
                    observed.state_set_at(first, OrderState::Refunded).is_some() && others.iter().all(is_kept)
                }
                None => false,
            },
            Self::Merge => {
                let is_moved =
                    orders.iter().any(|order| observed.value_set_at(order, "delivery_id", |_| true).is_some());
                is_moved && observed.are_bundled(&orders)
            }
            Self::Address => {
                let correct = without_whitespace(exercises.correct_address());
                let is_correct =
                    |value: &Value| matches!(value, Value::Text(text) if without_whitespace(text) == correct);
                let is_corrected =
                    |order: &NewOrder| observed.value_set_at(order, "recipient_address2", is_correct).is_some();
                all(&is_corrected) && observed.are_bundled(&orders)
            }
            Self::Complete => all(&|order| match observed.delivery_event_id(order, DeliveryAction::Completed) {
                Some(completed) => {
                    observed.delivery_event_id(order, DeliveryAction::Undone).is_some_and(|undone| completed < undone)
                }
                None => false,
            }),
            Self::Plan => [Verb::StopsAssigned, Verb::ToursFixed].iter().all(|verb| observed.verbs.contains(verb)),
            Self::Hold => [Verb::StopsMoved, Verb::StopsHeld].iter().all(|verb| observed.verbs.contains(verb)),
            Self::Drive => observed.has_delivered,
            Self::Counter => observed.verbs.contains(&Verb::ManualOrdersCreated),
        }
    }
}

impl Observations {
    /// Time at which the member exercises a column of the order to a matching value.
    fn value_set_at(&self, order: &NewOrder, column: &str, matches: impl Fn(&Value) -> bool) -> Option<Moment> {
        let is_match = |change: &&FieldChange| change.column == column && matches(&change.value);
        self.changes.get(&order.order_number)?.iter().find(is_match).map(|change| change.at)
    }

    /// Time at which the member exercises the order to this state.
    fn state_set_at(&self, order: &NewOrder, state: OrderState) -> Option<Moment> {
        self.value_set_at(order, "state", |value| *value == Value::Int(state.ordinal()))
    }

    fn is_in_state(&self, order: &NewOrder, state: OrderState) -> bool {
        self.orders.get(&order.order_number).is_some_and(|order| order.state == state)
    }

    /// Id of the member's event of this kind in the log of the order's delivery: the first, or for
    /// [`DeliveryAction::Undone`] the last, so that repeating complete and undo still counts as done.
    fn delivery_event_id(&self, order: &NewOrder, action: DeliveryAction) -> Option<DeliveryEventId> {
        let delivery_id = self.orders.get(&order.order_number)?.delivery_id;
        let events =
            self.delivery_events.iter().filter(|event| event.delivery_id == delivery_id && event.action == action);
        let ids = events.map(|event| event.id);
        if action == DeliveryAction::Undone { ids.max() } else { ids.min() }
    }

    fn are_bundled(&self, orders: &[&NewOrder]) -> bool {
        let deliveries: BTreeSet<_> =
            orders.iter().map(|order| self.orders.get(&order.order_number).map(|order| order.delivery_id)).collect();
        deliveries.len() == 1 && !deliveries.contains(&None)
    }
}

fn without_whitespace(text: &str) -> String {
    text.split_whitespace().collect()
}

#[cfg(test)]
mod tests;

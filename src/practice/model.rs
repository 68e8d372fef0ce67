//! The ten tasks, and when each is done.

use std::collections::{BTreeMap, BTreeSet};

use super::lesson::Lesson;
use crate::deliveries::log::{self, Action};
use crate::members::model::Role;
use crate::orders::model::{NewOrder, Order, OrderState};
use crate::orders::store::Event;
use crate::products::model::Variant;
use crate::storage::Value;
use crate::time::Moment;

/// One task of a working day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Task {
    /// 주문 파일 올리기
    Upload,
    /// 새 상품의 옵션에 레이블 적기
    Label,
    /// 발주: 선택발주 and the 발주서
    Purchase,
    /// 송장 파일 올리기
    Courier,
    /// 한 지역의 전표 인쇄
    Slips,
    /// 묶음 가운데 하나의 반품
    Return,
    /// 같은 수취인의 주문 합치기
    Merge,
    /// 묶음의 주소 고치기
    Address,
    /// 배송 완료와 되돌리기
    Complete,
    /// 상담주문
    Counter,
}

/// What a member left behind in the shop since their round began.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// the round's orders that there are, by number
    pub orders: BTreeMap<String, Order>,
    /// the member's part of their logs, by number
    pub events: BTreeMap<String, Vec<Event>>,
    /// the member's part of the logs of their deliveries
    pub deeds: Vec<log::Event>,
    /// those uploads of the orders that the member brought
    pub uploads: BTreeSet<i64>,
    /// the variants of the new product
    pub variants: Vec<Variant>,
    /// when the member last took a 발주서
    pub purchase_order_at: Option<Moment>,
    /// the names of all the member did: `orders.taken`
    pub acts: BTreeSet<String>,
}

impl Task {
    /// All ten, in the sequence of a day.
    pub const ALL: [Self; 10] = [
        Self::Upload,
        Self::Label,
        Self::Purchase,
        Self::Courier,
        Self::Slips,
        Self::Return,
        Self::Merge,
        Self::Address,
        Self::Complete,
        Self::Counter,
    ];

    /// Those that a member of that role can do.
    pub fn of(role: Role) -> impl Iterator<Item = Self> {
        let team = [Self::Slips, Self::Complete];
        Self::ALL.into_iter().filter(move |task| role == Role::Admin || team.contains(task))
    }

    /// What it is called.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Upload => "오늘 주문 파일 올리기",
            Self::Label => "새 상품의 옵션에 레이블 적기",
            Self::Purchase => "공장에 발주하기",
            Self::Courier => "택배 송장 파일 올리기",
            Self::Slips => "포항시 전표 인쇄하기",
            Self::Return => "묶음 가운데 한 건 반품 처리하기",
            Self::Merge => "같은 수취인의 주문 합치기",
            Self::Address => "묶음의 주소 고치기",
            Self::Complete => "배송 완료와 되돌리기",
            Self::Counter => "상담주문 받기",
        }
    }

    /// Whether it is done, by what was found.
    pub fn is_done(self, lesson: &Lesson, seen: &Evidence) -> bool {
        let orders = lesson.of_task(self);
        let all = |is: &dyn Fn(&NewOrder) -> bool| !orders.is_empty() && orders.iter().all(|order| is(order));
        match self {
            Self::Upload => all(&|order| {
                let upload = seen.orders.get(&order.order_number).and_then(|order| order.upload_id);
                upload.is_some_and(|upload| seen.uploads.contains(&upload))
            }),
            Self::Label => {
                let labelled = |variant: &Variant| variant.label != variant.value;
                seen.did("products.labelled") && !seen.variants.is_empty() && seen.variants.iter().all(labelled)
            }
            Self::Purchase => {
                let ordered = orders.iter().map(|order| seen.put(order, OrderState::Purchased));
                let last = ordered.collect::<Option<Vec<_>>>().and_then(|moments| moments.into_iter().max());
                last.is_some_and(|last| seen.purchase_order_at.is_some_and(|taken| last <= taken))
            }
            Self::Courier => all(&|order| {
                let number = Value::Text(Lesson::tracking_number(&order.order_number));
                seen.changed(order, "tracking_number", |is| *is == number).is_some()
            }),
            Self::Slips => all(&|order| seen.deed(order, Action::Printed).is_some()),
            Self::Return => match orders.split_first() {
                Some((first, others)) => {
                    let stayed = |order: &&NewOrder| !seen.stands_at(order, OrderState::Refunded);
                    seen.put(first, OrderState::Refunded).is_some() && others.iter().all(stayed)
                }
                None => false,
            },
            Self::Merge => {
                let moved = orders.iter().any(|order| seen.changed(order, "delivery_id", |_| true).is_some());
                moved && seen.travel_together(&orders)
            }
            Self::Address => {
                let right = squeezed(lesson.right_address());
                let is_right = |is: &Value| matches!(is, Value::Text(text) if squeezed(text) == right);
                let mended = |order: &NewOrder| seen.changed(order, "recipient_address2", is_right).is_some();
                all(&mended) && seen.travel_together(&orders)
            }
            Self::Complete => all(&|order| match seen.deed(order, Action::Completed) {
                Some(completed) => seen.deed(order, Action::Undone).is_some_and(|undone| completed < undone),
                None => false,
            }),
            Self::Counter => seen.did("orders.taken"),
        }
    }
}

impl Evidence {
    fn did(&self, act: &str) -> bool {
        self.acts.contains(act)
    }

    /// When the member gave a column of the order such a value.
    fn changed(&self, order: &NewOrder, column: &str, is: impl Fn(&Value) -> bool) -> Option<Moment> {
        let such = |event: &&Event| event.changes.iter().any(|(name, _, value)| name == column && is(value));
        self.events.get(&order.order_number)?.iter().find(such).map(|event| event.at)
    }

    /// When the member brought the order to that state.
    fn put(&self, order: &NewOrder, state: OrderState) -> Option<Moment> {
        self.changed(order, "state", |is| *is == Value::Int(state.rank()))
    }

    fn stands_at(&self, order: &NewOrder, state: OrderState) -> bool {
        self.orders.get(&order.order_number).is_some_and(|order| order.state == state)
    }

    /// The line of the log that tells that the member did this with the order's delivery; the first.
    fn deed(&self, order: &NewOrder, action: Action) -> Option<i64> {
        let delivery_id = self.orders.get(&order.order_number)?.delivery_id;
        let deeds = self.deeds.iter().filter(|deed| deed.delivery_id == delivery_id && deed.action == action);
        // The last undoing, so that one who did it all twice is not told they did not.
        let ids = deeds.map(|deed| deed.id);
        if action == Action::Undone { ids.max() } else { ids.min() }
    }

    fn travel_together(&self, orders: &[&NewOrder]) -> bool {
        let deliveries: BTreeSet<_> =
            orders.iter().map(|order| self.orders.get(&order.order_number).map(|order| order.delivery_id)).collect();
        deliveries.len() == 1 && !deliveries.contains(&None)
    }
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

#[cfg(test)]
mod tests;

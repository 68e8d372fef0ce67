//! What a person demands about his data: to see it, to correct it, to stop its use, to delete it; the deadline, and what
//! stands against a deletion.
//!
//! Sources: 개인정보 보호법 제35조, 제36조, 제37조, 시행령 제41조 ④, 제43조 ③, 제44조 ② (ten days).

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

use super::model::RetentionYears;
use super::person::{OrderHold, Person, PersonRole, is_same_tel, kept_until};
use crate::id::{OrderId, PersonRequestId};
use crate::orders::model::Order;
use crate::storage::{Diagnostic, Severity};
use crate::text::coded;
use crate::time::Moment;

/// Days within which a demand is answered.
pub const REQUEST_DAYS: u64 = 10;

/// Days before the deadline from which 오늘 reminds.
pub const REMINDER_DAYS: u64 = 3;

/// Maximum length of a demand and of an answer in characters.
pub const MAX_REQUEST_CHARS: usize = 500;

coded! {
    /// What is demanded.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum RequestKind {
        /// to see it
        Show = "show" "열람",
        /// to correct it
        Correct = "correct" "정정",
        /// to stop its use
        Restrict = "restrict" "처리정지",
        /// to delete it
        Delete = "delete" "삭제",
    }
}

coded! {
    /// How a demand was answered.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum RequestAnswer {
        /// as demanded
        Done = "done" "들어줌",
        /// as far as no duty stands against it
        InPart = "in-part" "일부만 들어줌",
        /// not
        Refused = "refused" "거절함",
    }
}

/// A demand. The person's name and number are only in the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRequest {
    /// identifier
    pub id: PersonRequestId,
    /// what is demanded
    pub kind: RequestKind,
    /// an order of the person
    pub order_id: OrderId,
    /// the person's role in it
    pub role: PersonRole,
    /// day on which it came
    pub received_on: NaiveDate,
    /// last day of the answer
    pub due_on: NaiveDate,
    /// who demanded what
    pub demand: String,
    /// name of the member who wrote it down; none for the command line
    pub recorded_by: Option<String>,
    /// the answer, its text, when, and by whom
    pub answer: Option<(RequestAnswer, String, Moment, Option<String>)>,
}

/// The last day of the answer to a demand of that day.
pub fn due_on(received_on: NaiveDate) -> NaiveDate {
    received_on.checked_add_days(Days::new(REQUEST_DAYS)).unwrap_or(received_on)
}

impl PersonRequest {
    /// Whether it is open and its deadline is over.
    pub fn is_late(&self, today: NaiveDate) -> bool {
        self.answer.is_none() && self.due_on < today
    }

    /// Days until the deadline; negative after it.
    pub fn days_left(&self, today: NaiveDate) -> i64 {
        (self.due_on - today).num_days()
    }
}

/// What a deletion does with an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderFate {
    /// The contract is not fulfilled yet: nothing is deleted.
    UnderWay,
    /// Memos are deleted; the rest is the record of a contract and its supply, and is set aside until that day.
    KeptUntil(NaiveDate),
}

/// Whether nothing is left to do for the order.
pub fn has_ended(order: &Order) -> bool {
    order.has_ended()
}

/// What a deletion does with the order.
pub fn fate(order: &Order, hold: OrderHold, keep: RetentionYears) -> OrderFate {
    match kept_until(order, hold, keep) {
        Some(day) if has_ended(order) => OrderFate::KeptUntil(day),
        _ => OrderFate::UnderWay,
    }
}

/// New name and telephone number of a person; none stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonCorrection {
    /// name
    pub name: Option<String>,
    /// telephone number
    pub tel: Option<String>,
}

impl PersonCorrection {
    /// Whether nothing is corrected.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The order with the person's corrected data in his roles. A telephone number is replaced where the person's is; the
    /// other number of a recipient stays.
    pub fn apply(&self, order: &Order, roles: &[PersonRole], person: &Person) -> Order {
        let mut corrected = order.clone();
        let is_own = |tel: &str| person.tels.iter().any(|own| own == tel || is_same_tel(own, tel));
        for role in roles {
            let (name, tels) = match role {
                PersonRole::Customer => (&mut corrected.customer.name, vec![&mut corrected.customer.tel]),
                PersonRole::Recipient => {
                    let recipient = &mut corrected.recipient;
                    (&mut recipient.name, vec![&mut recipient.tel1, &mut recipient.tel2])
                }
            };
            if let Some(new) = &self.name {
                name.clone_from(new);
            }
            if let Some(new) = &self.tel {
                let mut tels = tels;
                // Of several numbers of the same person only one is the old one that he means: the first.
                if let Some(at) = tels.iter().position(|tel| is_own(tel)).or((!tels.is_empty()).then_some(0)) {
                    tels[at].clone_from(new);
                }
            }
        }
        corrected
    }
}

/// The line of 법 점검 and of `mukkeum doctor`.
pub fn check_requests(open: i64, late: i64) -> Diagnostic {
    const SUBJECT: &str = "본인 요구";
    let advice = "본인 요구 화면에서 처리하고 답을 입력하세요.";
    if late > 0 {
        let found = format!("{REQUEST_DAYS}일이 지나도록 답하지 않은 요구가 {late}건 있어요");
        return Diagnostic::problem(Severity::Bad, SUBJECT, found, advice);
    }
    if open > 0 {
        return Diagnostic::ok(SUBJECT, format!("답할 요구가 {open}건 있고, 모두 기한 안이에요"));
    }
    Diagnostic::ok(SUBJECT, "답하지 않은 요구가 없어요")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::model::OrderState;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn hong(state: OrderState) -> Order {
        let mut order = Order { state, ..Order::default() };
        (order.customer.name, order.customer.tel) = ("홍길동".to_owned(), "010-7777-1111".to_owned());
        (order.recipient.name, order.recipient.tel1) = ("홍길동".to_owned(), "02-1-1".to_owned());
        order.recipient.tel2 = "01077771111".to_owned();
        order
    }

    #[test]
    fn demand_is_answered_within_ten_days() {
        assert_eq!(due_on(day("2026-11-22")), day("2026-12-02"));
        let request = PersonRequest {
            id: PersonRequestId::from_raw(1),
            kind: RequestKind::Delete,
            order_id: OrderId::from_raw(1),
            role: PersonRole::Customer,
            received_on: day("2026-11-22"),
            due_on: day("2026-12-02"),
            demand: String::new(),
            recorded_by: None,
            answer: None,
        };
        assert_eq!((request.days_left(day("2026-12-01")), request.is_late(day("2026-12-02"))), (1, false));
        assert!(request.is_late(day("2026-12-03")));
        let answer = Some((RequestAnswer::Done, String::new(), Moment(0), None));
        assert!(!PersonRequest { answer, ..request }.is_late(day("2027-01-01")));
        let severity = |open, late| check_requests(open, late).severity;
        assert_eq!([severity(0, 0), severity(3, 0), severity(3, 1)], [Severity::Good, Severity::Good, Severity::Bad]);
    }

    #[test]
    fn order_under_way_is_not_deleted_and_an_ended_one_is_kept_for_its_duty() {
        let (keep, none) = (RetentionYears::new(5), OrderHold::default());
        for state in [OrderState::Placed, OrderState::Purchased, OrderState::Dispatched] {
            assert_eq!(fate(&hong(state), none, keep), OrderFate::UnderWay, "{state:?}");
        }
        let mut shipped = hong(OrderState::Placed);
        shipped.set_state(OrderState::Shipped, Moment::start_of(day("2021-11-22")));
        let until = |hold| fate(&shipped, hold, keep);
        assert_eq!(until(none), OrderFate::KeptUntil(day("2026-11-22")));
        let at = |text: &str| Some(Moment::start_of(day(text)));
        assert_eq!(until(OrderHold { is_open: true, ..none }), OrderFate::UnderWay, "a visit is still to come");
        for (repaired, kept) in [("2022-01-01", "2026-11-22"), ("2026-10-01", "2029-10-01")] {
            let hold = OrderHold { repaired_at: at(repaired), ..none };
            assert_eq!(until(hold), OrderFate::KeptUntil(day(kept)), "three years after a repair, if that is later");
        }
        let collected = OrderHold { job_ended_at: at("2022-01-01"), ..none };
        assert_eq!(until(collected), OrderFate::KeptUntil(day("2027-01-01")), "five years after goods came back");
        let mut claimed = hong(OrderState::Shipped);
        claimed.claim = "반품요청".to_owned();
        assert_eq!(fate(&claimed, none, keep), OrderFate::UnderWay, "the claim has to be settled");
    }

    #[test]
    fn correction_changes_the_persons_own_number_and_no_other() {
        let order = hong(OrderState::Placed);
        let person = Person::of(&order, PersonRole::Customer);
        let correction = PersonCorrection { name: Some("홍길순".to_owned()), tel: Some("010-2222-3333".to_owned()) };
        let corrected = correction.apply(&order, &PersonRole::ALL, &person);
        assert_eq!((corrected.customer.name.as_str(), corrected.customer.tel.as_str()), ("홍길순", "010-2222-3333"));
        let recipient = &corrected.recipient;
        assert_eq!((recipient.tel1.as_str(), recipient.tel2.as_str()), ("02-1-1", "010-2222-3333"));
        let customer_only = correction.apply(&order, &[PersonRole::Customer], &person);
        assert_eq!(customer_only.recipient, order.recipient);
        assert_eq!(PersonCorrection::default().apply(&order, &PersonRole::ALL, &person), order);
    }
}

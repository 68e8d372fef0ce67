//! One person among the orders: who is the same, who may be, and what the shop has of him.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::model::{COMPLAINT_YEARS, RetentionYears};
use crate::audit::downloads::OrderFile;
use crate::consumer::model::{DelayNotice, WithdrawalConsent};
use crate::districts::Districts;
use crate::drive::model::StopEvent;
use crate::id::OrderId;
use crate::notices::model::Notice;
use crate::orders::export::json::OrderOf;
use crate::orders::labels;
use crate::orders::list::OrderRow;
use crate::orders::model::{Order, OrderState};
use crate::orders::store::OrderEvent;
use crate::plans::model::{FailureReason, Task};
use crate::plans::store::promises::Promise;
use crate::proofs::store::ProofRow;
use crate::storage::Value as StoredValue;
use crate::text::coded;
use crate::time::Moment;

coded! {
    /// Whether the person ordered or receives.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum PersonRole {
        /// 구매자
        Customer = "customer" "구매자",
        /// 수취인
        Recipient = "recipient" "수취인",
    }
}

/// A person as an order has him.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Person {
    /// name
    pub name: String,
    /// telephone numbers, without empty ones
    pub tels: Vec<String>,
}

/// How two persons relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// name and a telephone number are the same
    Same,
    /// a telephone number is the same, the name is not: family, a company, or a typing error
    SameTel,
    /// the name is the same, no telephone number is: a namesake, or a new number
    SameName,
    /// neither
    Other,
}

impl Person {
    /// The person in a role of an order.
    pub fn of(order: &Order, role: PersonRole) -> Self {
        let (name, tels) = match role {
            PersonRole::Customer => (&order.customer.name, vec![&order.customer.tel]),
            PersonRole::Recipient => (&order.recipient.name, vec![&order.recipient.tel1, &order.recipient.tel2]),
        };
        let tels = tels.into_iter().filter(|tel| !tel.is_empty()).cloned().collect();
        Self { name: name.clone(), tels }
    }

    /// Letters of the name and digits of the telephone numbers: equal for one person however written.
    pub fn key(&self) -> (String, Vec<String>) {
        (letters(&self.name), self.tels.iter().map(|tel| digits(tel)).collect())
    }

    /// Compares names without spaces and telephone numbers by their digits. An empty name matches none, nor does a masked
    /// number, which namesakes share.
    pub fn likeness(&self, other: &Self) -> Likeness {
        let is_same_name = !letters(&self.name).is_empty() && letters(&self.name) == letters(&other.name);
        let is_same_tel = self.tels.iter().any(|tel| other.tels.iter().any(|their| is_same_tel(tel, their)));
        match (is_same_name, is_same_tel) {
            (true, true) => Likeness::Same,
            (true, false) if self.tels.is_empty() && other.tels.is_empty() => Likeness::Same,
            (false, true) => Likeness::SameTel,
            (true, false) => Likeness::SameName,
            (false, false) => Likeness::Other,
        }
    }

    /// Whether a search text is part of the name, or its digits of a telephone number.
    pub fn matches(&self, text: &str) -> bool {
        let (letters, digits) = (letters(text), digits(text));
        let is_in_name = !letters.is_empty() && self::letters(&self.name).contains(&letters);
        is_in_name || (digits.len() >= MIN_DIGITS && self.tels.iter().any(|tel| self::digits(tel).contains(&digits)))
    }
}

/// Fewest digits that find a telephone number.
const MIN_DIGITS: usize = 4;

/// Fewest digits of a whole telephone number: 1588-0000. A masked one has fewer.
const MIN_TEL_DIGITS: usize = 8;

/// Whether both texts are one telephone number, however written.
pub(super) fn is_same_tel(one: &str, other: &str) -> bool {
    let one = digits(one);
    one.len() >= MIN_TEL_DIGITS && one == digits(other)
}

fn letters(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_whitespace()).flat_map(char::to_lowercase).collect()
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// A person whom a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundPerson {
    /// the person
    pub person: Person,
    /// role in the newest order
    pub role: PersonRole,
    /// newest of the orders
    pub order_id: OrderId,
    /// 주문일 of it
    pub newest: Option<Moment>,
    /// number of orders
    pub orders: usize,
}

/// The different persons in these orders who match a text, those with the most orders first.
pub fn people_in(rows: &[OrderRow], text: &str) -> Vec<FoundPerson> {
    let mut found: BTreeMap<(String, Vec<String>), FoundPerson> = BTreeMap::new();
    for OrderRow { order, .. } in rows {
        let mut in_order = Vec::new();
        for role in [PersonRole::Customer, PersonRole::Recipient] {
            let person = Person::of(order, role);
            let key = person.key();
            if !person.matches(text) || in_order.contains(&key) {
                continue;
            }
            let newest = order.moments.of(OrderState::Placed);
            let first = || FoundPerson { person: person.clone(), role, order_id: order.id, newest, orders: 0 };
            let entry = found.entry(key.clone()).or_insert_with(first);
            entry.orders += 1;
            if newest > entry.newest {
                (entry.role, entry.order_id, entry.newest) = (role, order.id, newest);
            }
            in_order.push(key);
        }
    }
    let mut found: Vec<FoundPerson> = found.into_values().collect();
    found.sort_by_key(|found| std::cmp::Reverse((found.orders, found.newest)));
    found
}

/// Everything of one order.
#[derive(Clone, Debug)]
pub struct OrderRecord {
    /// the order
    pub row: OrderRow,
    /// its log, newest first
    pub events: Vec<OrderEvent>,
    /// files in which it was sent to a factory, courier or channel
    pub files: Vec<OrderFile>,
    /// delays of which the person was told, oldest first
    pub delays: Vec<DelayNotice>,
    /// the consent that the good is made for the person
    pub consent: Option<WithdrawalConsent>,
    /// what keeps it beyond its own moments
    pub hold: OrderHold,
    /// the last day of its retention; none while something is not settled
    pub kept_until: Option<NaiveDate>,
    /// the roles of the person in it
    pub roles: Vec<PersonRole>,
}

/// What the shop wrote down of a delivery of the person, and what drivers reported.
#[derive(Clone, Debug)]
pub struct DeliveryRecord {
    /// number of the delivery
    pub bundle_number: String,
    /// order numbers of the person in it
    pub orders: Vec<String>,
    /// memo of the delivery team
    pub memo: String,
    /// days that were promised, oldest first
    pub promises: Vec<Promise>,
    /// jobs beside the delivery: goods taken back, visits
    pub jobs: Vec<Task>,
    /// reports, oldest first
    pub events: Vec<StopEvent>,
    /// photographs, oldest first, also destroyed ones
    pub photos: Vec<ProofRow>,
    /// texts that were written for the customer, oldest first
    pub notices: Vec<Notice>,
}

/// All data of a person.
#[derive(Clone, Debug)]
pub struct PersonRecord {
    /// the person
    pub person: Person,
    /// orders of the person, newest first
    pub orders: Vec<OrderRecord>,
    /// deliveries of these orders of which there is more than the orders say, newest first
    pub deliveries: Vec<DeliveryRecord>,
    /// people with the same telephone number or the same name, each with how
    pub similar: Vec<(FoundPerson, Likeness)>,
    /// whether there are more orders than were read
    pub is_cut: bool,
}

/// What keeps an order beyond its own moments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderHold {
    /// a claim, a job or a value of the channel is not settled
    pub is_open: bool,
    /// when the last repair of its delivery ended
    pub repaired_at: Option<Moment>,
    /// when the last other job of its delivery ended
    pub job_ended_at: Option<Moment>,
}

/// Last day of the retention of an order; none while something is not settled. A contract and its supply are kept from the
/// last event on, a repair as a complaint.
pub fn kept_until(order: &Order, hold: OrderHold, keep: RetentionYears) -> Option<NaiveDate> {
    let own = OrderState::ALL.into_iter().filter_map(|state| order.moments.of(state));
    let last = own.chain(hold.job_ended_at).max().unwrap_or(Moment(0));
    let after = |at: Moment, years: u32| at.date().checked_add_months(chrono::Months::new(years.saturating_mul(12)));
    let contract = after(last, keep.years()).unwrap_or(NaiveDate::MAX);
    let complaint = hold.repaired_at.map(|at| after(at, COMPLAINT_YEARS).unwrap_or(NaiveDate::MAX));
    (!hold.is_open).then(|| complaint.map_or(contract, |day| day.max(contract)))
}

impl PersonRecord {
    /// The record as JSON, for the person.
    pub fn to_json(&self, districts: &Districts, now: Moment) -> Value {
        let orders: Vec<Value> = self.orders.iter().map(|record| record.to_json(districts)).collect();
        let deliveries: Vec<Value> = self.deliveries.iter().map(DeliveryRecord::to_json).collect();
        json!({
            "person": { "name": self.person.name, "tels": self.person.tels },
            "made_at": now.iso(),
            "is_complete": !self.is_cut,
            "orders": orders,
            "deliveries": deliveries,
        })
    }

    /// Photographs of all deliveries whose files are there, newest first.
    pub fn photos(&self) -> Vec<ProofRow> {
        let mut photos: Vec<ProofRow> = self
            .deliveries
            .iter()
            .flat_map(|record| &record.photos)
            .filter(|photo| photo.is_shown())
            .cloned()
            .collect();
        photos.sort_by_key(|photo| std::cmp::Reverse((photo.taken_at, photo.id)));
        photos
    }
}

impl DeliveryRecord {
    /// The strokes of signatures.
    pub fn signatures(&self) -> impl Iterator<Item = &str> {
        self.events.iter().map(|event| event.details.signature.as_str()).filter(|path| !path.is_empty())
    }

    /// Without the names of the shop's members: they are not the person's data.
    fn to_json(&self) -> Value {
        let reports = self.events.iter().map(|event| {
            let details = &event.details;
            json!({
                "at": event.at().iso(),
                "report": event.kind.label(),
                "reason": details.reason.map(FailureReason::label),
                "note": details.note,
                "signature": if details.signature.is_empty() { Value::Null } else { details.signature.as_str().into() },
            })
        });
        let photographs = self.photos.iter().map(|photo| {
            json!({
                "sha256": photo.hash,
                "taken_at": photo.taken_at.iso(),
                "received_at": photo.received_at.map(Moment::iso),
                "destroyed_at": photo.destroyed_at.map(Moment::iso),
            })
        });
        let notices = self.notices.iter().map(|notice| {
            json!({
                "written_at": notice.written_at.iso(),
                "kind": notice.kind.label(),
                "text": notice.message,
                "withdrawn_at": notice.withdrawn_at.map(Moment::iso),
            })
        });
        let jobs = self.jobs.iter().map(
            |task| json!({ "kind": task.kind.label(), "goods": task.goods, "pieces": task.pieces, "note": task.note }),
        );
        let promises = self.promises.iter().map(|promise| {
            json!({
                "promised_at": promise.promised_at.iso(),
                "day": promise.day.to_string(),
                "way": promise.channel.label(),
                "replaced_at": promise.replaced_at.map(Moment::iso),
            })
        });
        json!({
            "bundle_number": self.bundle_number,
            "orders": self.orders,
            "memo": self.memo,
            "promises": promises.collect::<Vec<_>>(),
            "jobs": jobs.collect::<Vec<_>>(),
            "reports": reports.collect::<Vec<_>>(),
            "photographs": photographs.collect::<Vec<_>>(),
            "notices": notices.collect::<Vec<_>>(),
        })
    }
}

impl OrderRecord {
    fn to_json(&self, districts: &Districts) -> Value {
        let events: Vec<Value> = self.events.iter().map(event_json).collect();
        let sent = self.files.iter().map(|file| json!({ "sent_to": file.sent_to.label(), "at": file.at.iso() }));
        let delays = self.delays.iter().map(|delay| {
            json!({
                "told_at": delay.sent_at.iso(),
                "way": delay.way.label(),
                "reason": delay.reason,
                "new_day": delay.new_day.map(|day| day.to_string()),
                "text": delay.text,
            })
        });
        let consent = self.consent.as_ref().map(|consent| {
            json!({
                "given_on": consent.given_on.to_string(),
                "way": consent.way.label(),
                "proof": consent.proof,
                "recorded_at": consent.recorded_at.iso(),
            })
        });
        json!({
            "order": OrderOf::new(&self.row, districts),
            "roles": self.roles.iter().map(|role| role.code()).collect::<Vec<_>>(),
            "kept_until": self.kept_until.map(|day| day.to_string()),
            "kept_because": KEPT_BECAUSE,
            "log": events,
            "delay_notices": delays.collect::<Vec<_>>(),
            "withdrawal_consent": consent,
            "files": sent.collect::<Vec<_>>(),
        })
    }
}

/// Why an order is not deleted on request.
pub const KEPT_BECAUSE: &str = "계약과 공급의 기록 (전자상거래 등에서의 소비자보호에 관한 법률 시행령 제6조)";

fn event_json(event: &OrderEvent) -> Value {
    let changes = event.changes.iter().map(|(field, before, after)| {
        let label = labels::field_label(field);
        json!({ "field": field, "label": label, "before": value_json(before), "after": value_json(after) })
    });
    json!({ "at": event.at.iso(), "action": event.action.label(), "changes": changes.collect::<Vec<_>>() })
}

fn value_json(value: &StoredValue) -> Value {
    match value {
        StoredValue::Int(number) => (*number).into(),
        StoredValue::Text(text) => text.as_str().into(),
        StoredValue::Null | StoredValue::Blob(_) => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str, tels: &[&str]) -> Person {
        Person { name: name.to_owned(), tels: tels.iter().map(|tel| (*tel).to_owned()).collect() }
    }

    #[test]
    fn same_person_has_the_same_name_and_number_however_written() {
        let hong = person("홍길동", &["010-1234-5678"]);
        for (other, likeness) in [
            (person("홍 길동", &["02-1-1", "01012345678"]), Likeness::Same),
            (person("홍판서", &["010-1234-5678"]), Likeness::SameTel),
            (person("홍길동", &["010-0000-0000"]), Likeness::SameName),
            (person("홍길동", &[]), Likeness::SameName),
            (person("김견본", &["010-0000-0000"]), Likeness::Other),
            (person("", &[]), Likeness::Other),
        ] {
            assert_eq!(hong.likeness(&other), likeness, "{other:?}");
            assert_eq!(other.likeness(&hong), likeness, "{other:?}");
        }
        assert_eq!(person("", &[]).likeness(&person("", &[])), Likeness::Other, "nobody is the same as nobody");
        assert_eq!(person("홍길동", &[]).likeness(&person("홍길동", &[])), Likeness::Same);
        let masked = person("홍길동", &["***-****-****"]);
        assert_eq!(masked.likeness(&masked), Likeness::SameName, "namesakes share a masked number");
    }

    #[test]
    fn person_is_found_by_a_part_of_the_name_or_four_digits() {
        let hong = person("홍길동", &["010-1234-5678"]);
        for (text, is_found) in [
            ("길동", true),
            ("홍 길", true),
            ("5678", true),
            ("12345678", true),
            ("678", false),
            ("김", false),
            ("", false),
        ] {
            assert_eq!(hong.matches(text), is_found, "{text}");
        }
    }
}

//! A leak (유출): its cause, where it is looked for, the duties and their clock, and whose data was seen, taken or changed.
//!
//! Sources: 개인정보 보호법 제34조, 시행령 제39조, 제39조의2, 제40조, in force since 2026-09-11.

pub mod file;
pub mod notice;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::person::Person;
use crate::access::{AccessAction, AccessRecord};
use crate::id::{BreachId, MemberId, OrderId};
use crate::storage::{Diagnostic, Severity};
use crate::text::coded;
use crate::time::Moment;

/// Hours within which people are told and the authority is informed (시행령 제39조 ①, 제40조 ①).
pub const DUTY_HOURS: i64 = 72;

/// People from whose number on a leak is reported to the authority (시행령 제40조 ①1).
pub const REPORT_PEOPLE: u64 = 1_000;

/// Maximum length of what happened and of what the shop does, in characters.
pub const MAX_STORY_CHARS: usize = 2_000;

/// Maximum length of the note of a step in characters.
pub const MAX_STEP_NOTE_CHARS: usize = 500;

const HOUR_MS: i64 = 60 * 60 * 1000;

coded! {
    /// Why data leaked.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum BreachCause {
        /// somebody got in from outside
        Outside = "outside" "외부의 불법 접근 (해킹, 훔친 비밀번호)",
        /// a member looked or took without need
        Member = "member" "직원이 함부로 보거나 가져감",
        /// a phone, computer or drive is gone
        Device = "device" "휴대전화·컴퓨터·USB를 잃어버림",
        /// a file or a printed page went to the wrong person
        File = "file" "파일이나 종이를 잘못 보내거나 잃어버림",
        /// data was changed or made unusable
        Tampering = "tampering" "데이터의 위조·변조·훼손 (랜섬웨어 포함)",
    }
}

impl BreachCause {
    /// Whether the authority is informed whatever the number of people is. Changed records count until it is known that
    /// nobody from outside did it.
    pub const fn is_always_reported(self) -> bool {
        matches!(self, Self::Outside | Self::Tampering)
    }
}

coded! {
    /// What the shop does about a leak, in this order.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum BreachStep {
        /// no more leaks
        Contain = "contain" "더 새지 않게 막기",
        /// evidence is kept
        Preserve = "preserve" "증거 남기기",
        /// the people concerned are known
        Identify = "identify" "누구의 정보인지 확인하기",
        /// they are told
        Notify = "notify" "그 사람들에게 알리기",
        /// those who cannot be reached read it
        Publish = "publish" "연락이 안 되는 사람에게 30일 게시",
        /// the authority is informed
        Report = "report" "개인정보보호위원회나 한국인터넷진흥원에 신고",
        /// it does not happen again
        Prevent = "prevent" "다시 생기지 않게 하기",
    }
}

impl BreachStep {
    /// What is to be done.
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Contain => "의심되는 회원의 로그인을 막고, 비밀번호를 바꾸고, 잃어버린 휴대전화를 끊으세요.",
            Self::Preserve => "서버에서 mukkeum audit export로 접속기록을 저장하고, 백업을 한 벌 따로 두세요.",
            Self::Identify => "아래의 기간과 범위를 수정해 가며 명단을 확인하세요. 애매하면 넓게 잡으세요.",
            Self::Notify => {
                "명단을 내려받아 문자나 우편으로 안내문을 보내세요. 알게 된 때부터 72시간 안이에요. 다 밝혀지지 않았어도 먼저 알리세요."
            }
            Self::Publish => "연락처를 모르면 홈페이지나 가게의 잘 보이는 곳에 30일 넘게 안내문을 게시하세요.",
            Self::Report => {
                "privacy.go.kr이나 118(한국인터넷진흥원)에 신고하세요. 1,000명 이상이거나 외부의 불법 접근이면 72시간 안에 꼭 해야 해요."
            }
            Self::Prevent => "원인을 수정하고, 직원에게 알리고, 무엇을 바꿨는지 입력하세요.",
        }
    }
}

coded! {
    /// How a step ended.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum StepOutcome {
        /// it was done
        Done = "done" "했어요",
        /// it does not apply; the note says why
        NotNeeded = "not-needed" "필요 없어요",
    }
}

/// A device from which a member worked: all addresses that it had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceScope {
    /// the member
    pub member_id: MemberId,
    /// what the browser said of itself
    pub description: String,
    /// network addresses
    pub addresses: Vec<String>,
}

/// Whose accesses belong to the case. With members and addresses both must match; a device matches by itself. An empty
/// scope is every access of the window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreachScope {
    /// members
    pub members: Vec<MemberId>,
    /// network addresses
    pub addresses: Vec<String>,
    /// devices
    pub devices: Vec<DeviceScope>,
}

impl BreachScope {
    /// Whether the record belongs to the case.
    pub fn includes(&self, record: &AccessRecord) -> bool {
        let (member, address) = (record.access.accessor.member_id(), record.access.accessor.address());
        let is_on_device = self
            .devices
            .iter()
            .any(|device| Some(device.member_id) == member && device.addresses.iter().any(|known| known == address));
        if self.members.is_empty() && self.addresses.is_empty() {
            return is_on_device || self.devices.is_empty();
        }
        let is_member = self.members.is_empty() || member.is_some_and(|id| self.members.contains(&id));
        let is_address = self.addresses.is_empty() || self.addresses.iter().any(|known| known == address);
        is_on_device || (is_member && is_address)
    }
}

/// A case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// identifier
    pub id: BreachId,
    /// why
    pub cause: BreachCause,
    /// whether it is certain
    pub is_confirmed: bool,
    /// when the shop learned of it
    pub noticed_at: Moment,
    /// first and last moment of the window
    pub window: (Moment, Moment),
    /// whose accesses
    pub scope: BreachScope,
    /// what happened
    pub story: String,
    /// what the shop does
    pub measures: String,
    /// what the program found; none if a person opened the case
    pub evidence: Option<String>,
    /// when it was opened
    pub opened_at: Moment,
    /// by whom; none for the program and the command line
    pub opened_by: Option<MemberId>,
    /// when it was closed, and how many people it concerned
    pub closed: Option<(Moment, u64)>,
}

/// A step that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepEntry {
    /// which
    pub step: BreachStep,
    /// how it ended
    pub outcome: StepOutcome,
    /// what was done, or why it does not apply
    pub note: String,
    /// when
    pub at: Moment,
    /// name of the member; none for the command line
    pub username: Option<String>,
}

impl Breach {
    /// The end of the 72 hours.
    pub const fn due_at(&self) -> Moment {
        Moment(self.noticed_at.0 + DUTY_HOURS * HOUR_MS)
    }

    /// Whole hours until the end; negative after it.
    pub const fn hours_left(&self, now: Moment) -> i64 {
        (self.due_at().0 - now.0).div_euclid(HOUR_MS)
    }

    /// Whether the authority has to be informed.
    pub const fn must_report(&self, people: u64) -> bool {
        self.cause.is_always_reported() || people >= REPORT_PEOPLE
    }

    /// The steps of the 72 hours that are open: notices, and the report if it is a duty.
    pub fn open_duties(&self, people: u64, steps: &[StepEntry]) -> Vec<BreachStep> {
        let is_open = |step: BreachStep| newest(steps, step).is_none();
        let mut open = Vec::new();
        if self.closed.is_none() && is_open(BreachStep::Notify) {
            open.push(BreachStep::Notify);
        }
        if self.closed.is_none() && self.must_report(people) && is_open(BreachStep::Report) {
            open.push(BreachStep::Report);
        }
        open
    }
}

/// The entry of a step that is in force; `steps` are in the order of time.
pub fn newest(steps: &[StepEntry], step: BreachStep) -> Option<&StepEntry> {
    steps.iter().rev().find(|entry| entry.step == step)
}

/// Steps without an entry: the case cannot be closed.
pub fn missing_steps(steps: &[StepEntry]) -> Vec<BreachStep> {
    BreachStep::ALL.into_iter().filter(|step| newest(steps, *step).is_none()).collect()
}

/// The line of 법 점검 and of `mukkeum doctor` about open cases, and those of which nobody was told within 72 hours.
pub fn check_cases(open: usize, late: usize) -> Diagnostic {
    const SUBJECT: &str = "유출 대응";
    let advice = "유출 대응 화면에서 남은 일을 하고 입력하세요.";
    if late > 0 {
        let found = format!("72시간이 지났는데 알리지 않은 사건이 {late}건 있어요");
        return Diagnostic::problem(Severity::Bad, SUBJECT, found, advice);
    }
    if open > 0 {
        return Diagnostic::problem(Severity::Warning, SUBJECT, format!("끝나지 않은 사건이 {open}건 있어요"), advice);
    }
    Diagnostic::ok(SUBJECT, "끝나지 않은 유출 사건이 없어요")
}

/// What happened to data.
#[expect(clippy::struct_excessive_bools, reason = "independent facts, of which any may be true")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exposure {
    /// a page showed it
    pub is_seen: bool,
    /// it was printed or downloaded
    pub is_taken: bool,
    /// it was entered, changed or deleted
    pub is_changed: bool,
    /// first and last time
    pub between: (Moment, Moment),
    /// Whether only accesses to a long list concern it, of which the record has the smallest and largest order.
    pub is_uncertain: bool,
}

impl Exposure {
    /// That of one access; none for one that shows no data.
    pub fn of(record: &AccessRecord) -> Option<Self> {
        let exposure = Self {
            between: (record.at, record.at),
            is_uncertain: record.access.orders.listed.is_none(),
            ..Self::default()
        };
        Some(match record.access.action {
            AccessAction::Viewed | AccessAction::Searched | AccessAction::Revealed => {
                Self { is_seen: true, ..exposure }
            }
            AccessAction::Printed | AccessAction::Downloaded => Self { is_taken: true, ..exposure },
            AccessAction::Entered | AccessAction::Edited | AccessAction::Deleted => {
                Self { is_changed: true, ..exposure }
            }
            AccessAction::SignedIn
            | AccessAction::SignedOut
            | AccessAction::SignInFailed
            | AccessAction::Started
            | AccessAction::Stopped => return None,
        })
    }

    /// Both.
    pub fn merge(&mut self, other: Self) {
        self.is_seen |= other.is_seen;
        self.is_taken |= other.is_taken;
        self.is_changed |= other.is_changed;
        self.is_uncertain &= other.is_uncertain;
        self.between = (self.between.0.min(other.between.0), self.between.1.max(other.between.1));
    }

    /// In words: `봄, 가져감`.
    pub fn words(&self) -> String {
        let words = [(self.is_seen, "봄"), (self.is_taken, "가져감"), (self.is_changed, "바꿈")];
        words.into_iter().filter(|(is_so, _)| *is_so).map(|(_, word)| word).collect::<Vec<_>>().join(", ")
    }
}

/// Accesses of one account from one address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccessorLine {
    /// the member; none for an unknown account, the command line and the program
    pub member_id: Option<MemberId>,
    /// network address
    pub address: String,
    /// number of records
    pub records: u64,
    /// number of failed sign-ins among them
    pub failures: u64,
}

/// The orders that the records of a case concern.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExposedOrders {
    /// records that belong to the case
    pub records: u64,
    /// orders that records list, each with what happened
    pub listed: BTreeMap<OrderId, Exposure>,
    /// smallest and largest order of long lists
    pub ranges: Vec<((OrderId, OrderId), Exposure)>,
    /// accounts and addresses
    pub accessors: BTreeMap<(Option<MemberId>, String), (u64, u64)>,
}

impl ExposedOrders {
    /// Adds a record if it belongs to the case.
    pub fn add(&mut self, scope: &BreachScope, record: &AccessRecord) {
        if !scope.includes(record) {
            return;
        }
        self.records += 1;
        let accessor = &record.access.accessor;
        let counts = self.accessors.entry((accessor.member_id(), accessor.address().to_owned())).or_default();
        counts.0 += 1;
        counts.1 += u64::from(record.access.action == AccessAction::SignInFailed);
        let Some(exposure) = Exposure::of(record) else { return };
        match (&record.access.orders.listed, record.access.orders.range) {
            (Some(listed), _) => {
                for id in listed {
                    self.listed.entry(*id).and_modify(|known| known.merge(exposure)).or_insert(exposure);
                }
            }
            (None, Some(range)) => self.add_range(range, exposure),
            (None, None) => {}
        }
    }

    fn add_range(&mut self, range: (OrderId, OrderId), exposure: Exposure) {
        match self.ranges.iter_mut().find(|(known, _)| *known == range) {
            Some((_, known)) => known.merge(exposure),
            None => self.ranges.push((range, exposure)),
        }
    }

    /// The ranges of long lists without their overlaps, so that each order is read once.
    pub fn spans(&self) -> Vec<(OrderId, OrderId)> {
        let mut ranges: Vec<(OrderId, OrderId)> = self.ranges.iter().map(|(range, _)| *range).collect();
        ranges.sort_unstable();
        let mut spans: Vec<(OrderId, OrderId)> = Vec::new();
        for (first, last) in ranges {
            match spans.last_mut() {
                Some(span) if first <= span.1 => span.1 = span.1.max(last),
                _ => spans.push((first, last)),
            }
        }
        spans
    }

    /// What happened to the data of an order.
    pub fn of(&self, order_id: OrderId) -> Option<Exposure> {
        let listed = self.listed.get(&order_id).copied();
        let ranges = self.ranges.iter().filter(|((first, last), _)| (*first..=*last).contains(&order_id));
        listed.into_iter().chain(ranges.map(|(_, exposure)| *exposure)).reduce(|mut one, other| {
            one.merge(other);
            one
        })
    }

    /// The accounts and addresses, those with the most records first.
    pub fn accessor_lines(&self) -> Vec<AccessorLine> {
        let line = |((member_id, address), (records, failures)): (&(Option<MemberId>, String), &(u64, u64))| {
            AccessorLine { member_id: *member_id, address: address.clone(), records: *records, failures: *failures }
        };
        let mut lines: Vec<AccessorLine> = self.accessors.iter().map(line).collect();
        lines.sort_by_key(|line| std::cmp::Reverse(line.records));
        lines
    }
}

/// A person whose data a case concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AffectedPerson {
    /// name and telephone numbers
    pub person: Person,
    /// the orders, as customer or as recipient
    pub order_ids: Vec<OrderId>,
    /// what happened
    pub exposure: Exposure,
}

/// The people of a case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AffectedPeople {
    /// by name and digits of the telephone numbers
    people: BTreeMap<(String, Vec<String>), AffectedPerson>,
}

impl AffectedPeople {
    /// Adds the persons of an order.
    pub fn add(&mut self, order_id: OrderId, persons: [Person; 2], exposure: Exposure) {
        for person in persons {
            if person.name.trim().is_empty() && person.tels.is_empty() {
                continue;
            }
            let new = |person| AffectedPerson { person, order_ids: Vec::new(), exposure };
            let affected = self.people.entry(person.key()).or_insert_with(|| new(person));
            affected.exposure.merge(exposure);
            if affected.order_ids.last() != Some(&order_id) {
                affected.order_ids.push(order_id);
            }
        }
    }

    /// The people by name.
    pub fn into_list(self) -> Vec<AffectedPerson> {
        self.people.into_values().collect()
    }
}

#[cfg(test)]
mod tests;

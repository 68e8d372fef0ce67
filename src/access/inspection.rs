//! Inspection of the access records (안전성 확보조치 기준 제8조 ②): the program drafts what to look at, an administrator signs it.
//! The period is the shop's: a month unless its internal plan has another.

mod store;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{Datelike, Months, NaiveDate, Timelike, Weekday};
use serde::{Deserialize, Serialize};

pub use self::store::{SignedInspection, draft, due_periods, find, period_months, save_period_months, sign, signed};
use super::model::{AccessAction, AccessRecord};
use crate::id::MemberId;
use crate::time::Moment;
use crate::time::holidays::public_holiday;

/// Orders in one access from which on it is listed.
const BULK_ORDERS: u64 = 500;

/// Orders that one member sees on one day, from which on the day is listed.
const BULK_ORDERS_PER_DAY: u64 = 5_000;

/// First hour of the night, and first hour of the day.
const NIGHT: (u32, u32) = (22, 6);

/// Views of one order or delivery by one member in a month, from which on they are listed.
const REPEATED_VIEWS: u64 = 10;

/// Lines of a section; a section with more shows that something is wrong by itself.
const MAX_LINES: usize = 300;

/// Months that a period may have: parts of a year.
pub const PERIOD_MONTHS: [u32; 4] = [1, 2, 3, 6];

/// Maximum length of a reviewer's note in characters.
pub const MAX_NOTE_CHARS: usize = 2_000;

/// A month that is inspected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InspectionMonth(NaiveDate);

impl InspectionMonth {
    /// The month of a day.
    pub fn of(day: NaiveDate) -> Self {
        Self(day.with_day(1).unwrap_or(day))
    }

    /// Parses `2026-11`.
    pub fn parse(text: &str) -> Option<Self> {
        crate::time::parse_date(&format!("{text}-01")).filter(|_| text.len() == 7).map(Self)
    }

    /// The next month.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.checked_add_months(Months::new(1)).unwrap_or(self.0))
    }

    /// First day.
    pub const fn first_day(self) -> NaiveDate {
        self.0
    }

    /// The month so many months later.
    #[must_use]
    pub fn plus(self, months: u32) -> Self {
        Self(self.0.checked_add_months(Months::new(months)).unwrap_or(self.0))
    }

    /// The month so many months earlier.
    #[must_use]
    pub fn minus(self, months: u32) -> Self {
        Self(self.0.checked_sub_months(Months::new(months)).unwrap_or(self.0))
    }
}

/// Whole months that are inspected together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InspectionPeriod {
    /// first month
    pub first: InspectionMonth,
    /// number of months
    pub months: u32,
}

impl InspectionPeriod {
    /// The period that begins with `first` and ends with the part of the year in which it lies: with three months, a
    /// period that begins in November ends in December.
    pub fn beginning(first: InspectionMonth, every: u32) -> Self {
        let every = every.max(1);
        Self { first, months: every - first.0.month0() % every }
    }

    /// The month after the last one.
    pub fn end(self) -> InspectionMonth {
        self.first.plus(self.months)
    }

    /// The moments from the first up to the first of the next month, exclusive.
    pub fn moments(self) -> (Moment, Moment) {
        (Moment::start_of(self.first.0), Moment::start_of(self.end().0))
    }

    /// Its months.
    pub fn each(self) -> impl Iterator<Item = InspectionMonth> {
        (0..self.months).map(move |after| self.first.plus(after))
    }
}

/// `2026-11`, or `2026-10 ~ 2026-12`.
impl std::fmt::Display for InspectionPeriod {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.months {
            0 | 1 => self.first.fmt(f),
            months => write!(f, "{} ~ {}", self.first, self.first.plus(months - 1)),
        }
    }
}

/// The periods that are over and have no signed inspection, oldest first. `signed` are the months that have one; `first`
/// is the first month with records, `present` the month that is not over.
pub fn due_of(
    first: InspectionMonth,
    present: InspectionMonth,
    every: u32,
    signed: &BTreeSet<InspectionMonth>,
) -> Vec<InspectionPeriod> {
    let (mut month, mut due) = (first, Vec::new());
    while month < present {
        if signed.contains(&month) {
            month = month.next();
            continue;
        }
        let whole = InspectionPeriod::beginning(month, every);
        // A month that was signed before the period was made longer ends it.
        let unsigned = whole.each().take_while(|month| !signed.contains(month)).count();
        let period = InspectionPeriod { months: u32::try_from(unsigned).unwrap_or(whole.months), ..whole };
        if period.end() <= present {
            due.push(period);
        }
        month = period.end();
    }
    due
}

/// `2026-11`, also in URLs.
impl std::fmt::Display for InspectionMonth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m"))
    }
}

/// One line of a draft.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InspectionLine {
    /// the member; none for an unknown account and for the command line
    pub member_id: Option<MemberId>,
    /// what it is about: a day, an address, a page
    pub subject: String,
    /// how often, or how many orders
    pub count: u64,
}

/// The draft of a month, as it is signed and kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InspectionReport {
    /// records of the month
    pub records: u64,
    /// accesses to many orders at once, and days on which a member saw very many
    pub bulk: Vec<InspectionLine>,
    /// accesses at night, on weekends and on public holidays, by member
    pub off_hours: Vec<InspectionLine>,
    /// downloads without a stated purpose
    pub without_purpose: Vec<InspectionLine>,
    /// addresses that a member used for the first time
    pub new_addresses: Vec<InspectionLine>,
    /// failed sign-ins, by account and address
    pub failures: Vec<InspectionLine>,
    /// orders and deliveries that one member viewed again and again
    pub repeated: Vec<InspectionLine>,
    /// starts after a kill or power failure
    pub unclean_starts: u64,
}

impl InspectionReport {
    /// The sections with their titles and explanations.
    pub fn sections(&self) -> [(&'static str, &'static str, &[InspectionLine]); 6] {
        [
            ("한꺼번에 많이 본 것", "한 번에 500건 이상, 또는 하루에 5,000건 이상", &self.bulk),
            ("밤과 휴일", "밤 10시부터 아침 6시까지와 토·일요일, 공휴일", &self.off_hours),
            ("용도를 입력하지 않은 내려받기", "왜 받았는지 물어보세요", &self.without_purpose),
            ("처음 보는 주소", "그 전 반년 동안 쓰지 않던 주소예요", &self.new_addresses),
            ("로그인 실패", "아이디와 주소마다", &self.failures),
            ("같은 사람을 자꾸 본 것", "한 회원이 한 달에 10번 이상 연 주문과 배송", &self.repeated),
        ]
    }
}

/// Whether an access is at night, on a weekend or on a public holiday.
fn is_off_hours(at: Moment) -> bool {
    let wall = at.kst();
    let is_night = wall.hour() >= NIGHT.0 || wall.hour() < NIGHT.1;
    let is_holiday = public_holiday(wall.date()).is_some();
    is_night || is_holiday || matches!(wall.weekday(), Weekday::Sat | Weekday::Sun)
}

/// Collects the records of a month into a report.
#[derive(Debug, Default)]
struct Inspector {
    report: InspectionReport,
    known_addresses: HashSet<(MemberId, String)>,
    per_day: BTreeMap<(Option<MemberId>, NaiveDate), u64>,
    off_hours: BTreeMap<Option<MemberId>, u64>,
    new_addresses: BTreeMap<(MemberId, String), u64>,
    failures: BTreeMap<(Option<MemberId>, String), u64>,
    views: BTreeMap<(MemberId, String), u64>,
}

impl Inspector {
    /// `known_addresses` are those that members used before the month.
    fn new(known_addresses: HashSet<(MemberId, String)>) -> Self {
        Self { known_addresses, ..Self::default() }
    }

    fn add(&mut self, record: &AccessRecord) {
        let access = &record.access;
        let (member_id, address) = (access.accessor.member_id(), access.accessor.address());
        self.report.records += 1;
        match access.action {
            AccessAction::Started => {
                self.report.unclean_starts += u64::from(access.query == super::UNCLEAN);
                return;
            }
            AccessAction::Stopped => return,
            AccessAction::SignInFailed => {
                *self.failures.entry((member_id, address.to_owned())).or_default() += 1;
                return;
            }
            AccessAction::Downloaded if !access.query.contains("purpose=") => {
                let subject = format!("{} {}", record.at, access.page);
                self.report.without_purpose.push(InspectionLine { member_id, subject, count: access.orders.count });
            }
            _ => {}
        }
        let is_seen = !matches!(access.action, AccessAction::Entered | AccessAction::Edited);
        if is_seen && access.orders.count >= BULK_ORDERS {
            let subject = format!("{} {} {}", record.at, access.action.label(), access.page);
            self.report.bulk.push(InspectionLine { member_id, subject, count: access.orders.count });
        } else if is_seen {
            *self.per_day.entry((member_id, record.at.date())).or_default() += access.orders.count;
        }
        if is_off_hours(record.at) {
            *self.off_hours.entry(member_id).or_default() += 1;
        }
        let Some(id) = member_id else { return };
        if !address.is_empty() && !self.known_addresses.contains(&(id, address.to_owned())) {
            *self.new_addresses.entry((id, address.to_owned())).or_default() += 1;
        }
        let is_one = access.page.starts_with("/orders/") || access.page.starts_with("/deliveries/");
        if access.action == AccessAction::Viewed && is_one && access.orders.count > 0 {
            *self.views.entry((id, access.page.clone())).or_default() += 1;
        }
    }

    fn finish(mut self) -> InspectionReport {
        let line = |member_id, subject: String, count| InspectionLine { member_id, subject, count };
        let days = self.per_day.into_iter().filter(|(_, count)| *count >= BULK_ORDERS_PER_DAY);
        self.report.bulk.extend(days.map(|((id, day), count)| line(id, format!("{day} 하루"), count)));
        self.report.off_hours = self.off_hours.into_iter().map(|(id, count)| line(id, String::new(), count)).collect();
        let addresses = self.new_addresses.into_iter();
        self.report.new_addresses = addresses.map(|((id, address), count)| line(Some(id), address, count)).collect();
        self.report.failures = self.failures.into_iter().map(|((id, from), count)| line(id, from, count)).collect();
        let often = self.views.into_iter().filter(|(_, count)| *count >= REPEATED_VIEWS);
        self.report.repeated = often.map(|((id, page), count)| line(Some(id), page, count)).collect();
        let report = &mut self.report;
        for lines in [&mut report.bulk, &mut report.off_hours, &mut report.without_purpose, &mut report.new_addresses] {
            lines.truncate(MAX_LINES);
        }
        report.failures.truncate(MAX_LINES);
        report.repeated.truncate(MAX_LINES);
        self.report
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{AccessedOrders, Accessor, NewAccess, UNCLEAN};
    use crate::id::OrderId;
    use crate::time::parse_moment;

    fn at(text: &str) -> Moment {
        parse_moment(text).expect("a time")
    }

    fn record(when: &str, action: AccessAction, page: &str, query: &str, orders: std::ops::Range<i64>) -> AccessRecord {
        let access = NewAccess {
            accessor: Accessor::Member { id: MemberId::from_raw(7), address: "10.0.0.7".to_owned() },
            action,
            page: page.to_owned(),
            query: query.to_owned(),
            orders: orders.map(OrderId::from_raw).collect::<AccessedOrders>(),
        };
        AccessRecord { sequence: 1, at: at(when), access, digest: String::new() }
    }

    fn report(records: &[AccessRecord]) -> InspectionReport {
        let mut inspector = Inspector::new([(MemberId::from_raw(7), "10.0.0.7".to_owned())].into());
        for record in records {
            inspector.add(record);
        }
        inspector.finish()
    }

    #[test]
    fn months_have_text_and_bounds() {
        let month = InspectionMonth::parse("2026-02").expect("a month");
        assert_eq!((month.to_string(), month.next().to_string()), ("2026-02".to_owned(), "2026-03".to_owned()));
        let (from, to) = InspectionPeriod::beginning(month, 1).moments();
        assert_eq!((to.0 - from.0) / 86_400_000, 28);
        assert_eq!([InspectionMonth::parse("2026-13"), InspectionMonth::parse("2026-2-1")], [None, None]);
    }

    #[test]
    fn period_is_due_when_its_part_of_the_year_is_over() {
        let month = |text: &str| InspectionMonth::parse(text).expect("a month");
        let due = |first: &str, present: &str, every, signed: &[&str]| -> Vec<String> {
            let signed = signed.iter().map(|text| month(text)).collect();
            due_of(month(first), month(present), every, &signed).iter().map(ToString::to_string).collect()
        };
        assert_eq!(due("2026-09", "2026-11", 1, &["2026-09"]), ["2026-10"]);
        assert_eq!(due("2026-07", "2026-12", 3, &[]), ["2026-07 ~ 2026-09"], "the fourth quarter is not over");
        assert_eq!(due("2026-10", "2027-01", 3, &["2026-10"]), ["2026-11 ~ 2026-12"], "October was signed by itself");
        assert_eq!(due("2026-07", "2026-10", 3, &["2026-08"]), ["2026-07", "2026-09"]);
        assert_eq!(due("2026-11", "2026-11", 6, &[]), [""; 0]);
    }

    #[test]
    fn nights_weekends_and_holidays_are_off_hours() {
        for (time, off) in [
            ("2026-11-27 05:59:59", true),
            ("2026-11-27 06:00:00", false),
            ("2026-11-27 21:59:59", false),
            ("2026-11-27 22:00:00", true),
            ("2026-11-28 12:00:00", true),
            ("2026-11-30 12:00:00", false),
            ("2026-12-25 12:00:00", true),
        ] {
            assert_eq!(is_off_hours(at(time)), off, "{time}");
        }
    }

    #[test]
    fn ordinary_work_gives_no_line() {
        let day = "2026-11-27 10:00:00";
        let found = report(&[
            record(day, AccessAction::Viewed, "/orders", "", 0..50),
            record(day, AccessAction::Downloaded, "/orders", "purpose=정산", 0..400),
            record(day, AccessAction::Entered, "/uploads/1", "", 0..9_000),
        ]);
        assert!(found.sections().iter().all(|(_, _, lines)| lines.is_empty()), "{found:?}");
        assert_eq!(found.records, 3);
    }

    #[test]
    fn unusual_accesses_are_listed() {
        let day = "2026-11-27 10:00:00";
        let mut records = vec![
            record(day, AccessAction::Downloaded, "/orders", "state=PLACED", 0..600),
            record("2026-11-27 23:00:00", AccessAction::Viewed, "/orders/A", "", 1..2),
            record(day, AccessAction::Started, "serve pc", UNCLEAN, 0..0),
        ];
        records.extend((0..10).map(|_| record(day, AccessAction::Viewed, "/orders/B", "", 1..2)));
        records.extend((0..110).map(|_| record(day, AccessAction::Viewed, "/orders", "", 0..50)));
        let mut other = record(day, AccessAction::Viewed, "/orders", "", 0..1);
        other.access.accessor = Accessor::Member { id: MemberId::from_raw(7), address: "203.0.113.9".to_owned() };
        let mut failed = record(day, AccessAction::SignInFailed, "/login", "wrong-password", 0..0);
        failed.access.accessor = Accessor::Unknown { address: "203.0.113.9".to_owned() };
        records.extend([other, failed.clone(), failed]);
        let found = report(&records);
        let counts = |lines: &[InspectionLine]| lines.iter().map(|line| line.count).collect::<Vec<_>>();
        assert_eq!(counts(&found.bulk), [600, 5_512]);
        assert_eq!((counts(&found.off_hours), counts(&found.without_purpose)), (vec![1], vec![600]));
        assert_eq!(found.new_addresses[0].subject, "203.0.113.9");
        assert_eq!((counts(&found.failures), found.failures[0].member_id), (vec![2], None));
        assert_eq!((found.repeated.len(), found.repeated[0].subject.as_str()), (1, "/orders/B"));
        assert_eq!(found.unclean_starts, 1);
    }
}

//! A record, its digest, and the orders it names.

use chrono::{Months, NaiveDate};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::audit::{Actor, MemberActor};
use crate::id::{MemberId, OrderId};
use crate::text::{coded, hex};
use crate::time::Moment;

/// Orders that a record lists one by one; of more it has the number, the smallest and the largest identifier.
pub const MAX_LISTED_ORDERS: usize = 500;

/// [`NewAccess::query`] of a start after a kill or a power failure: the records of the last second before may be missing.
pub const UNCLEAN: &str = "unclean";

/// Maximum length of a stored query in characters; the rest is cut.
pub(super) const MAX_QUERY_CHARS: usize = 1_000;

coded! {
    /// What was done with personal data, in the order of the select.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum AccessAction {
        /// a page showed it
        Viewed = "view" "조회",
        /// a page showed what a search word found
        Searched = "search" "검색",
        /// it was stored for the first time
        Entered = "enter" "입력",
        /// it was changed
        Edited = "edit" "수정",
        /// it was printed
        Printed = "print" "출력",
        /// a file with it was downloaded or exported
        Downloaded = "download" "내려받기",
        /// it was deleted
        Deleted = "delete" "삭제",
        /// masked data was shown in full, for a reason
        Revealed = "reveal" "가린 정보 보기",
        /// a member signed in
        SignedIn = "sign-in" "로그인",
        /// a member signed out
        SignedOut = "sign-out" "로그아웃",
        /// a sign-in failed
        SignInFailed = "sign-in-failed" "로그인 실패",
        /// the program started
        Started = "start" "프로그램 켬",
        /// the program stopped
        Stopped = "stop" "프로그램 끔",
    }
}

/// Who accesses personal data, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accessor {
    /// a member, in a browser
    Member {
        /// identifier of the member
        id: MemberId,
        /// network address of the request
        address: String,
    },
    /// nobody known: a failed sign-in
    Unknown {
        /// network address of the request
        address: String,
    },
    /// a person at the command line of the server
    CommandLine,
    /// the program itself
    Program,
}

impl Accessor {
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::Member { .. } => "member",
            Self::Unknown { .. } => "unknown",
            Self::CommandLine => "command-line",
            Self::Program => "program",
        }
    }

    /// The member.
    pub const fn member_id(&self) -> Option<MemberId> {
        if let Self::Member { id, .. } = self { Some(*id) } else { None }
    }

    /// The network address; empty without a request.
    pub fn address(&self) -> &str {
        match self {
            Self::Member { address, .. } | Self::Unknown { address } => address,
            Self::CommandLine | Self::Program => "",
        }
    }
}

impl From<Actor> for Accessor {
    fn from(actor: Actor) -> Self {
        match actor {
            Actor::Member(member) => Self::Member { id: member.id, address: member.address.to_string() },
            Actor::CommandLine => Self::CommandLine,
            Actor::Program => Self::Program,
        }
    }
}

impl From<MemberActor> for Accessor {
    fn from(actor: MemberActor) -> Self {
        Actor::from(actor).into()
    }
}

/// The orders whose data was accessed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessedOrders {
    /// number of orders
    pub count: u64,
    /// smallest and largest identifier; none without orders
    pub range: Option<(OrderId, OrderId)>,
    /// each identifier, ascending; none for more than [`MAX_LISTED_ORDERS`]
    pub listed: Option<Vec<OrderId>>,
}

impl AccessedOrders {
    /// No order: a page about other data, a sign-in.
    pub const NONE: Self = Self { count: 0, range: None, listed: None };

    /// Whether the order is certainly among these.
    pub fn lists(&self, order_id: OrderId) -> bool {
        self.listed.as_ref().is_some_and(|listed| listed.binary_search(&order_id).is_ok())
    }

    /// Whether the order may be among these: identifiers are in the order of creation.
    pub fn may_include(&self, order_id: OrderId) -> bool {
        match (&self.listed, self.range) {
            (None, Some((first, last))) => (first..=last).contains(&order_id),
            _ => self.lists(order_id),
        }
    }

    /// The listed identifiers as the differences between them, in LEB128.
    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        let listed = self.listed.as_ref()?;
        let mut bytes = Vec::with_capacity(listed.len() * 5);
        let mut previous = 0_u64;
        for id in listed {
            let id = id.raw().cast_unsigned();
            let mut difference = id.wrapping_sub(previous);
            previous = id;
            while difference >= 0x80 {
                bytes.push(difference.to_le_bytes()[0] | 0x80);
                difference >>= 7;
            }
            bytes.push(difference.to_le_bytes()[0]);
        }
        Some(bytes)
    }

    /// Reverses [`Self::encode`]. None if the bytes are damaged.
    pub(super) fn decode(bytes: &[u8]) -> Option<Vec<OrderId>> {
        let (mut listed, mut previous) = (Vec::new(), 0_u64);
        let mut rest = bytes.iter();
        while let Some(first) = rest.next() {
            let (mut difference, mut shift, mut byte) = (u64::from(first & 0x7f), 7, *first);
            while byte & 0x80 != 0 {
                byte = *rest.next()?;
                difference |= u64::from(byte & 0x7f).checked_shl(shift)?;
                shift += 7;
            }
            previous = previous.wrapping_add(difference);
            listed.push(OrderId::from_raw(previous.cast_signed()));
        }
        Some(listed)
    }
}

impl FromIterator<OrderId> for AccessedOrders {
    fn from_iter<I: IntoIterator<Item = OrderId>>(ids: I) -> Self {
        let mut ids: Vec<OrderId> = ids.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        Self {
            count: ids.len() as u64,
            range: ids.first().copied().zip(ids.last().copied()),
            listed: (1..=MAX_LISTED_ORDERS).contains(&ids.len()).then_some(ids),
        }
    }
}

/// An access to record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccess {
    /// who, from where
    pub accessor: Accessor,
    /// what
    pub action: AccessAction,
    /// path of the page, or the command
    pub page: String,
    /// search and filter: the query of the page, the purpose of a download
    pub query: String,
    /// whose data
    pub orders: AccessedOrders,
}

/// A stored record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessRecord {
    /// number in the chain, from 1, without gaps
    pub sequence: i64,
    /// time of the access
    pub at: Moment,
    /// the access
    pub access: NewAccess,
    /// digest of this record and of all before it, as hexadecimal SHA-256
    pub digest: String,
}

impl AccessRecord {
    /// The digest of a record after one with the digest `previous` (empty for the first): SHA-256 of `previous`, a line
    /// feed, and the record as a JSON array.
    pub fn digest(sequence: i64, at: Moment, access: &NewAccess, previous: &str) -> String {
        let NewAccess { accessor, action, page, query, orders } = access;
        let record = json!([
            sequence,
            at.0,
            accessor.code(),
            accessor.member_id(),
            accessor.address(),
            action.code(),
            page,
            query,
            orders.count,
            orders.range.map(|(first, _)| first),
            orders.range.map(|(_, last)| last),
            orders.listed,
        ]);
        hex(&Sha256::digest(format!("{previous}\n{record}")))
    }

    /// The record as a JSON object, with the values that the digest covers.
    pub fn to_json(&self, username: Option<&str>) -> serde_json::Value {
        let NewAccess { accessor, action, page, query, orders } = &self.access;
        json!({
            "sequence": self.sequence,
            "at": self.at.iso(),
            "at_ms": self.at.0,
            "actor": accessor.code(),
            "member_id": accessor.member_id(),
            "username": username,
            "address": accessor.address(),
            "action": action.code(),
            "page": page,
            "query": query,
            "order_count": orders.count,
            "first_order_id": orders.range.map(|(first, _)| first),
            "last_order_id": orders.range.map(|(_, last)| last),
            "order_ids": orders.listed,
            "digest": self.digest,
        })
    }
}

/// The chain's digest at the end of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// the last day it covers
    pub day: NaiveDate,
    /// number of the last record it covers
    pub last_sequence: i64,
    /// digest of that record
    pub digest: String,
    /// when it was made
    pub sealed_at: Moment,
    /// when its records were deleted at the end of their retention
    pub purged_at: Option<Moment>,
}

/// A place at which the records are not what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainFault {
    /// records are missing
    Missing {
        /// number of the first missing one
        from: i64,
        /// number of the last missing one
        to: i64,
    },
    /// a record, or its digest, was changed
    Changed {
        /// number of the record
        sequence: i64,
    },
    /// the digest of a day is not that of its last record
    SealMismatch {
        /// the day
        day: NaiveDate,
    },
    /// the records of a day were deleted before the law lets them be
    EarlyPurge {
        /// the day
        day: NaiveDate,
    },
    /// the digest of a signed inspection is not that of the record
    InspectionMismatch {
        /// first day of the first inspected month
        month: NaiveDate,
    },
    /// the search by order does not find these
    Unindexed {
        /// number of orders and days
        orders: usize,
    },
    /// the digest that the caller knows is not that of the record
    OtherDigest {
        /// number of the record
        sequence: i64,
    },
}

impl ChainFault {
    /// The fault as a sentence.
    pub fn sentence(&self) -> String {
        match self {
            Self::Missing { from, to } if from == to => format!("{from}번 기록이 없어요."),
            Self::Missing { from, to } => format!("{from}번부터 {to}번까지의 기록이 없어요."),
            Self::Changed { sequence } => format!("{sequence}번 기록이 적힌 뒤에 바뀌었어요."),
            Self::SealMismatch { day } => format!("{day}의 지문이 기록과 맞지 않아요."),
            Self::EarlyPurge { day } => format!("{day}까지의 기록이 보관 기간이 끝나기 전에 지워졌어요."),
            Self::InspectionMismatch { month } => {
                format!("{}부터의 점검을 확인할 때의 지문이 기록과 맞지 않아요.", month.format("%Y-%m"))
            }
            Self::Unindexed { orders } => format!("주문으로 찾는 목록에서 {orders}줄이 빠졌어요."),
            Self::OtherDigest { sequence } => format!("{sequence}번 기록의 지문이 알려 준 것과 달라요."),
        }
    }
}

/// Months that records are kept at least, whatever is configured (안전성 확보조치 기준 제8조 ①).
const MIN_KEEP_MONTHS: u32 = 12;

/// What is wrong with the seals themselves, which are in the order of their last records: one whose records were deleted
/// earlier than any retention allows, or are said to be deleted in the future, and one that was put in afterwards.
pub(super) fn seal_faults(seals: &[Seal], now: Moment) -> Vec<ChainFault> {
    let is_early = |seal: &&Seal| {
        seal.purged_at.is_some_and(|at| {
            let first_kept = at.min(now).date().checked_sub_months(Months::new(MIN_KEEP_MONTHS));
            at > now || first_kept.is_none_or(|first_kept| seal.day >= first_kept)
        })
    };
    let early = seals.iter().filter(is_early).map(|seal| ChainFault::EarlyPurge { day: seal.day });
    let disordered = seals.windows(2).filter_map(|pair| match pair {
        [earlier, later] if earlier.day >= later.day => Some(ChainFault::SealMismatch { day: later.day }),
        _ => None,
    });
    early.chain(disordered).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_parse() {
        for action in AccessAction::ALL {
            assert_eq!(AccessAction::from_code(action.code()), Some(action));
        }
    }

    #[test]
    fn listed_orders_round_trip() {
        let ids = [i64::MAX, 1, 127, 128, 640_000_000_000_000_000, 640_000_000_000_000_001, 1];
        let orders: AccessedOrders = ids.into_iter().map(OrderId::from_raw).collect();
        assert_eq!((orders.count, orders.range), (6, Some((OrderId::from_raw(1), OrderId::from_raw(i64::MAX)))));
        let listed = AccessedOrders::decode(&orders.encode().expect("listed"));
        assert_eq!(listed, orders.listed);
        assert_eq!(AccessedOrders::decode(&[0x80]), None, "cut off");
        assert_eq!(AccessedOrders::NONE.encode(), None);
    }

    #[test]
    fn long_list_has_its_range_only() {
        let orders: AccessedOrders =
            (1..=i64::try_from(MAX_LISTED_ORDERS).expect("small") + 1).map(OrderId::from_raw).collect();
        assert_eq!((orders.listed.clone(), orders.range), (None, Some((OrderId::from_raw(1), OrderId::from_raw(501)))));
        assert!(
            orders.may_include(OrderId::from_raw(77))
                && !orders.lists(OrderId::from_raw(77))
                && !orders.may_include(OrderId::from_raw(502))
        );
        let few: AccessedOrders = [5, 9].into_iter().map(OrderId::from_raw).collect();
        assert!(few.lists(OrderId::from_raw(9)) && !few.may_include(OrderId::from_raw(7)));
    }

    #[test]
    fn purge_within_a_year_and_seal_out_of_order_are_faults() {
        let seal = |day: &str, last_sequence, purged: Option<&str>| Seal {
            day: day.parse().expect("a date"),
            last_sequence,
            digest: String::new(),
            sealed_at: Moment(0),
            purged_at: purged.map(|day| Moment::start_of(day.parse().expect("a date"))),
        };
        let faults = |seals: &[Seal]| seal_faults(seals, Moment::start_of("2027-11-23".parse().expect("a date")));
        let early = |day: &str| vec![ChainFault::EarlyPurge { day: day.parse().expect("a date") }];
        assert_eq!(faults(&[seal("2026-11-22", 2, Some("2027-11-23")), seal("2026-11-23", 4, None)]), []);
        assert_eq!(faults(&[seal("2026-11-22", 2, Some("2027-11-22"))]), early("2026-11-22"), "a day early");
        assert_eq!(faults(&[seal("2027-11-22", 2, Some("1970-01-01"))]), early("2027-11-22"));
        assert_eq!(faults(&[seal("2027-11-22", 2, Some("2099-01-01"))]), early("2027-11-22"), "not yet");
        let inserted = [seal("2027-11-20", 2, None), seal("2026-01-01", 4, Some("2027-11-22"))];
        assert_eq!(faults(&inserted), [ChainFault::SealMismatch { day: "2026-01-01".parse().expect("a date") }]);
    }

    /// The expected digest was computed with Python's hashlib and json.
    #[test]
    fn digest_is_that_of_another_implementation() {
        let access = NewAccess {
            accessor: Accessor::Member { id: MemberId::from_raw(7), address: "192.168.0.20".to_owned() },
            action: AccessAction::Searched,
            page: "/orders".to_owned(),
            query: "q=홍길동".to_owned(),
            orders: [12, 15].into_iter().map(OrderId::from_raw).collect(),
        };
        let digest = AccessRecord::digest(1, Moment(1_795_316_400_000), &access, "");
        assert_eq!(digest, "5bc530aaab0f78ff7eb59d55bffe5032152f4e5d24a6ea5f609bee78a8cddcf0");
        assert_ne!(AccessRecord::digest(1, Moment(1_795_316_400_000), &access, &digest), digest);
    }
}

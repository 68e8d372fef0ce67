//! Filter and sort of the order list, shared by the URL of the page, forms and the command line.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Deserializer, Serialize};

use super::model::OrderState;
use super::search_field::SearchField;
use crate::id::{AuditEntryId, Id, OrderId, UploadId, canonical_code};
use crate::text::coded;
use crate::time::parse_date;

coded! {
    /// The nine dates a list is filtered and sorted by, in the order of the select box. The code is also the column.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum DateField {
        /// 주문
        Placed = "placed_at" "주문일",
        /// 발송기한
        DispatchDeadline = "dispatch_deadline" "발송기한",
        /// 희망배송
        PreferredShipping = "preferred_shipping_date" "희망배송일",
        /// 발주
        Purchased = "purchased_at" "발주일",
        /// 출고
        Dispatched = "dispatched_at" "출고일",
        /// 배송
        Shipped = "shipped_at" "배송일",
        /// 완료 (확정)
        Confirmed = "confirmed_at" "확정일",
        /// 취소
        Cancelled = "cancelled_at" "취소일",
        /// 반품
        Refunded = "refunded_at" "반품일",
    }
}

impl DateField {
    /// Whether the column holds a date; otherwise it holds a moment.
    pub const fn is_date(self) -> bool {
        matches!(self, Self::DispatchDeadline | Self::PreferredShipping)
    }

    /// Whether it is the date of these states.
    pub(super) fn has_all_of(self, states: &[OrderState]) -> bool {
        !states.is_empty() && states.iter().all(|state| super::list_column::ListColumn::state_of(self) == Some(*state))
    }

    /// Name of the index that sorts by it.
    pub(super) const fn index(self) -> &'static str {
        match self {
            Self::Placed => "orders_by_placed",
            Self::DispatchDeadline => "orders_by_deadline",
            Self::PreferredShipping => "orders_by_preferred",
            Self::Purchased => "orders_by_purchased",
            Self::Dispatched => "orders_by_dispatched",
            Self::Shipped => "orders_by_shipped",
            Self::Confirmed => "orders_by_confirmed",
            Self::Cancelled => "orders_by_cancelled",
            Self::Refunded => "orders_by_refunded",
        }
    }
}

/// Sort of the list. Ties are broken by identifier, so the order is stable across pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// sort column
    pub by: DateField,
    /// newest first
    pub descending: bool,
}

/// Newest order first.
pub const DEFAULT_SORT: Sort = Sort { by: DateField::Placed, descending: true };

/// Page sizes offered.
pub const PAGE_SIZES: [u32; 4] = [5, 10, 25, 50];

/// Default page size.
pub const DEFAULT_PAGE_SIZE: u32 = 25;

/// Value of the parameter `claim` that selects open claims.
pub const OPEN_CLAIMS: &str = "open";

/// Value of the parameter `deadline` that selects orders without 발송기한.
pub const NO_DEADLINE: &str = "none";

/// Parsed filter of the order list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderFilter {
    /// field to search in
    pub field: SearchField,
    /// search text; empty is no search
    pub search: String,
    /// date field of the range
    pub date: DateField,
    /// first day, inclusive
    pub from: Option<NaiveDate>,
    /// last day, inclusive
    pub to: Option<NaiveDate>,
    /// any of these states, in the order of progress; empty for all
    pub states: Vec<OrderState>,
    /// any of these codes of 판매채널; empty for all
    pub channels: Vec<String>,
    /// number of the product (상품종류)
    pub product: Option<String>,
    /// only orders with an open claim
    pub claim_open: bool,
    /// only orders before dispatch that have no 발송기한
    pub deadline_missing: bool,
    /// only orders that this bulk action changed
    pub action: Option<AuditEntryId>,
    /// only orders that this upload created or changed
    pub upload: Option<UploadId>,
    /// several numbers that were pasted into the search; empty for any other search
    pub numbers: Vec<String>,
    /// only these orders, which a member ticked
    pub chosen: Option<Vec<OrderId>>,
    /// sort; none is [`DEFAULT_SORT`]
    pub sort: Option<Sort>,
}

impl Default for OrderFilter {
    fn default() -> Self {
        Self {
            field: SearchField::All,
            search: String::new(),
            date: DateField::Placed,
            from: None,
            to: None,
            states: Vec::new(),
            channels: Vec::new(),
            product: None,
            claim_open: false,
            deadline_missing: false,
            action: None,
            upload: None,
            numbers: Vec::new(),
            chosen: None,
            sort: None,
        }
    }
}

/// Query string of the order list, the raw form of an [`OrderFilter`]. Invalid values are ignored: a list with
/// too many rows is more useful than an error page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OrderQuery {
    /// a [`SearchField`] code
    pub field: String,
    /// search text
    pub q: String,
    /// a [`DateField`] code
    pub date: String,
    /// `YYYY-MM-DD`
    pub from: String,
    /// `YYYY-MM-DD`
    pub to: String,
    /// [`OrderState`] codes, separated by commas; a form repeats the parameter
    #[serde(deserialize_with = "comma_separated")]
    pub state: String,
    /// codes of sales channels, separated by commas; a form repeats the parameter
    #[serde(deserialize_with = "comma_separated")]
    pub channel: String,
    /// number of a product
    pub product: String,
    /// `open`: only open claims
    pub claim: String,
    /// `none`: only orders before dispatch that have no 발송기한
    pub deadline: String,
    /// identifier of a bulk action
    pub action: String,
    /// identifier of an upload
    pub upload: String,
    /// `placed_at.desc`
    pub sort: String,
    /// page number, from 1
    pub page: String,
    /// one of [`PAGE_SIZES`]
    pub size: String,
    /// `1`: every row shows its fields
    pub edit: String,
}

impl OrderQuery {
    /// Parses the values into a filter.
    pub fn filter(&self) -> OrderFilter {
        let given = |text: &str| (!text.trim().is_empty()).then(|| text.trim().to_owned());
        let (mut from, mut to) = (parse_date(&self.from), parse_date(&self.to));
        if let (Some(first), Some(last)) = (from, to)
            && last < first
        {
            (from, to) = (to, from);
        }
        let numbers = pasted_numbers(&self.q).looked_up;
        OrderFilter {
            field: SearchField::from_code(&self.field).unwrap_or(SearchField::All),
            search: if numbers.is_empty() { self.q.trim().to_owned() } else { String::new() },
            numbers,
            date: DateField::from_code(&self.date).unwrap_or(DateField::Placed),
            from,
            to,
            states: sorted(parts(&self.state).filter_map(OrderState::parse)),
            channels: sorted(parts(&self.channel).map(str::to_owned)),
            product: given(&self.product),
            claim_open: self.claim == OPEN_CLAIMS,
            deadline_missing: self.deadline == NO_DEADLINE,
            action: Id::parse(&self.action),
            upload: Id::parse(&self.upload),
            chosen: None,
            sort: parse_sort(&self.sort),
        }
    }

    /// Pasted numbers that are not looked up because there are too many.
    pub fn numbers_beyond_limit(&self) -> Vec<String> {
        pasted_numbers(&self.q).beyond_limit
    }

    /// Encodes the query string with some values replaced, for example `page=1`.
    pub fn to_query_string(&self, replaced: &[(&str, &str)]) -> String {
        let words = [
            ("field", &self.field),
            ("q", &self.q),
            ("date", &self.date),
            ("from", &self.from),
            ("to", &self.to),
            ("state", &self.state),
            ("channel", &self.channel),
            ("product", &self.product),
            ("claim", &self.claim),
            ("deadline", &self.deadline),
            ("action", &self.action),
            ("upload", &self.upload),
            ("sort", &self.sort),
            ("page", &self.page),
            ("size", &self.size),
            ("edit", &self.edit),
        ];
        let replacement = |name: &str| replaced.iter().find(|(other, _)| *other == name).map(|(_, value)| *value);
        let pairs: Vec<(&str, &str)> = words
            .iter()
            .map(|(name, value)| (*name, replacement(name).unwrap_or(value.as_str())))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        serde_html_form::to_string(&pairs).unwrap_or_default()
    }

    /// Describes the search in Korean: `주문상태 발주 · 발송기한 2026-11-01 ~ 2026-11-30`. `channels` are pairs of code
    /// and name.
    pub fn describe(&self, channels: &[(String, String)]) -> String {
        let filter = self.filter();
        let mut conditions = Vec::new();
        if !filter.numbers.is_empty() {
            conditions.push(format!("번호 {}개", filter.numbers.len()));
        }
        if !filter.search.is_empty() {
            let label = if filter.field == SearchField::All { "" } else { filter.field.label() };
            conditions.push(format!("{label} ‘{}’", filter.search).trim_start().to_owned());
        }
        if filter.from.is_some() || filter.to.is_some() {
            let day = |day: Option<NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
            conditions.push(
                [filter.date.label(), &day(filter.from), "~", &day(filter.to)]
                    .join(" ")
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" "),
            );
        }
        if !filter.states.is_empty() {
            let labels: Vec<&str> = filter.states.iter().map(|state| state.label()).collect();
            conditions.push(format!("주문상태 {}", labels.join(", ")));
        }
        if !filter.channels.is_empty() {
            let name = |code| channels.iter().find(|(known, _)| known == code).map_or(code, |(_, name)| name);
            let names: Vec<&str> = filter.channels.iter().map(|code| name(code).as_str()).collect();
            conditions.push(format!("판매채널 {}", names.join(", ")));
        }
        conditions.extend(filter.product.map(|product| format!("상품 {product}")));
        if filter.claim_open {
            conditions.push("처리할 클레임".to_owned());
        }
        if filter.deadline_missing {
            conditions.push("발송기한 없음".to_owned());
        }
        if filter.action.is_some() {
            conditions.push("최근 작업에서 바뀐 주문".to_owned());
        }
        if filter.upload.is_some() {
            conditions.push("업로드한 파일의 주문".to_owned());
        }
        if conditions.is_empty() { "모든 주문".to_owned() } else { conditions.join(" · ") }
    }

    /// Sort after a click on that column header: descending, ascending, none.
    pub fn next_sort(&self, by: DateField) -> String {
        match parse_sort(&self.sort) {
            Some(sort) if sort.by == by && sort.descending => format!("{}.asc", by.code()),
            Some(sort) if sort.by == by => String::new(),
            _ => format!("{}.desc", by.code()),
        }
    }
}

/// The parts of a value that is separated by commas.
pub fn parts(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|part| !part.is_empty())
}

fn sorted<T: Ord>(values: impl Iterator<Item = T>) -> Vec<T> {
    values.collect::<BTreeSet<T>>().into_iter().collect()
}

/// Reads a repeated parameter as one text, separated by commas.
fn comma_separated<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let values = Vec::<String>::deserialize(deserializer)?;
    Ok(values.iter().flat_map(|value| parts(value)).collect::<Vec<_>>().join(","))
}

/// Numbers that are looked up at once; the page names the others.
pub const MAX_PASTED_NUMBERS: usize = 500;

/// Digits of the shortest word that counts as a number of an order, a bundle or a parcel, or as the tail of one. Such a word
/// without a name beside it is no search for a person.
const MIN_NUMBER_DIGITS: usize = 8;

/// The numbers of a search that consists of several.
#[derive(Default)]
struct PastedNumbers {
    looked_up: Vec<String>,
    beyond_limit: Vec<String>,
}

/// The words of a search that consists of several numbers, as they are pasted from a sheet or a message; none otherwise. A
/// number of this program counts, although most of it may be letters.
fn pasted_numbers(text: &str) -> PastedNumbers {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c == ',' || c == ';').filter(|word| !word.is_empty()).collect();
    let is_number = |word: &&str| {
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        let is_generated = || digits > 0 && canonical_code(&word.replace('-', "")).is_some();
        let is_plain = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        is_plain && (digits >= MIN_NUMBER_DIGITS || is_generated())
    };
    if words.len() < 2 || !words.iter().all(is_number) {
        return PastedNumbers::default();
    }
    let mut seen = BTreeSet::new();
    let mut looked_up: Vec<String> = words.into_iter().filter(|word| seen.insert(*word)).map(str::to_owned).collect();
    let beyond_limit = looked_up.split_off(looked_up.len().min(MAX_PASTED_NUMBERS));
    PastedNumbers { looked_up, beyond_limit }
}

fn parse_sort(text: &str) -> Option<Sort> {
    let (by, direction) = text.split_once('.')?;
    let descending = match direction {
        "desc" => true,
        "asc" => false,
        _ => return None,
    };
    Some(Sort { by: DateField::from_code(by)?, descending })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_cycles_descending_ascending_none() {
        let mut words = OrderQuery::default();
        let clicks: Vec<String> = (0..4)
            .map(|_| {
                words.sort = words.next_sort(DateField::Shipped);
                words.sort.clone()
            })
            .collect();
        assert_eq!(clicks, ["shipped_at.desc", "shipped_at.asc", "", "shipped_at.desc"]);
        assert_eq!(words.next_sort(DateField::Placed), "placed_at.desc");
    }

    #[test]
    fn query_string_keeps_every_other_value() {
        let words =
            OrderQuery { q: "홍 길동&".into(), state: "PLACED".into(), page: "3".into(), ..Default::default() };
        assert_eq!(
            words.to_query_string(&[("page", "4"), ("size", "50")]),
            "q=%ED%99%8D+%EA%B8%B8%EB%8F%99%26&state=PLACED&page=4&size=50"
        );
        let back: OrderQuery = serde_html_form::from_str(&words.to_query_string(&[])).expect("reads back");
        assert_eq!(back, words);
    }

    #[test]
    fn search_is_described_in_korean() {
        let words = OrderQuery {
            q: "홍길동".into(),
            field: "recipient_name".into(),
            date: "dispatch_deadline".into(),
            to: "2026-11-21".into(),
            state: "PLACED".into(),
            channel: "COUPANG".into(),
            ..Default::default()
        };
        let channels = [("COUPANG".to_owned(), "쿠팡".to_owned())];
        assert_eq!(
            words.describe(&channels),
            "수취인명 ‘홍길동’ · 발송기한 ~ 2026-11-21 · 주문상태 주문 · 판매채널 쿠팡"
        );
        assert_eq!(OrderQuery { page: "3".into(), ..Default::default() }.describe(&[]), "모든 주문");
    }

    #[test]
    fn several_states_and_channels_are_kept_as_one_parameter() {
        let sent = "state=PURCHASED&state=PLACED&channel=COUPANG&channel=SMART_STORE&q=";
        let query: OrderQuery = serde_html_form::from_str(sent).expect("reads");
        assert_eq!(query.filter().states, [OrderState::Placed, OrderState::Purchased]);
        assert_eq!(query.filter().channels, ["COUPANG", "SMART_STORE"]);
        let text = query.to_query_string(&[]);
        assert_eq!(text, "state=PURCHASED%2CPLACED&channel=COUPANG%2CSMART_STORE");
        assert_eq!(serde_html_form::from_str::<OrderQuery>(&text).expect("reads back").filter(), query.filter());
        assert_eq!(query.describe(&[]), "주문상태 주문, 발주 · 판매채널 COUPANG, SMART_STORE");
    }

    #[test]
    fn several_numbers_are_looked_up_each() {
        let numbers = |q: &str| OrderQuery { q: q.into(), ..Default::default() }.filter().numbers;
        assert_eq!(numbers("2024031500000001, 2024031500000002\n451-6830-0137").len(), 3);
        assert_eq!(numbers("2024031500000001 2024031500000001").len(), 1);
        assert_eq!(numbers("06BGTKQ3T73A2 06bgtkq3t73a4").len(), 2, "numbers of this program");
        assert_eq!(numbers("00000001 00000002").len(), 2, "tails");
        for search in ["2024031500000001", "홍길동 010-0000-1234", "홍 길동", "1234 5678"] {
            assert_eq!(numbers(search), [] as [&str; 0], "{search}");
        }
        let pasted = OrderQuery { q: "2024031500000001 2024031500000002".into(), ..Default::default() };
        assert_eq!(pasted.describe(&[]), "번호 2개");
    }

    #[test]
    fn numbers_beyond_the_limit_are_named() {
        let pasted: Vec<String> = (0..MAX_PASTED_NUMBERS + 2).map(|number| format!("2024{number:012}")).collect();
        let query = OrderQuery { q: pasted.join("\n"), ..Default::default() };
        assert_eq!(query.filter().numbers.len(), MAX_PASTED_NUMBERS);
        assert_eq!(query.numbers_beyond_limit(), pasted[MAX_PASTED_NUMBERS..]);
    }

    #[test]
    fn invalid_values_are_ignored_and_a_reversed_range_is_swapped() {
        let words = OrderQuery {
            from: "2024-03-20".into(),
            to: "2024-03-10".into(),
            state: "배달".into(),
            size: "7".into(),
            page: "-1".into(),
            sort: "price.desc".into(),
            ..Default::default()
        };
        let filter = words.filter();
        assert!(filter.from < filter.to);
        assert_eq!((filter.states, filter.sort), (Vec::new(), None));
    }
}

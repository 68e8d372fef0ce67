//! What an order list shows: the same words in the address of the page, in a form and on the
//! command line.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::model::OrderState;
use super::search::tokenizer::SearchField;
use crate::time::parse_date;

/// The nine dates a list is filtered and sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateField {
    /// 주문
    Placed,
    /// 발송기한
    DispatchDeadline,
    /// 희망배송
    PreferredShipping,
    /// 발주
    Purchased,
    /// 출고
    Dispatched,
    /// 배송
    Shipped,
    /// 완료 (확정)
    Confirmed,
    /// 취소
    Cancelled,
    /// 반품
    Refunded,
}

impl DateField {
    /// Every date, in the order of the choice on the page.
    pub const ALL: [Self; 9] = [
        Self::Placed,
        Self::DispatchDeadline,
        Self::PreferredShipping,
        Self::Purchased,
        Self::Dispatched,
        Self::Shipped,
        Self::Confirmed,
        Self::Cancelled,
        Self::Refunded,
    ];

    /// The name in an address, on the command line, and of the column.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Placed => "placed_at",
            Self::DispatchDeadline => "dispatch_deadline",
            Self::PreferredShipping => "preferred_shipping_date",
            Self::Purchased => "purchased_at",
            Self::Dispatched => "dispatched_at",
            Self::Shipped => "shipped_at",
            Self::Confirmed => "confirmed_at",
            Self::Cancelled => "cancelled_at",
            Self::Refunded => "refunded_at",
        }
    }

    /// The word on the screen.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Placed => "주문일",
            Self::DispatchDeadline => "발송기한",
            Self::PreferredShipping => "희망배송일",
            Self::Purchased => "발주일",
            Self::Dispatched => "출고일",
            Self::Shipped => "배송일",
            Self::Confirmed => "확정일",
            Self::Cancelled => "취소일",
            Self::Refunded => "반품일",
        }
    }

    /// The date of that code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.code() == code)
    }

    /// Whether the column holds a date rather than a moment.
    pub const fn is_date(self) -> bool {
        matches!(self, Self::DispatchDeadline | Self::PreferredShipping)
    }

    /// The last part of the name of its indexes.
    pub(super) const fn index(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::DispatchDeadline => "deadline",
            Self::PreferredShipping => "preferred",
            Self::Purchased => "purchased",
            Self::Dispatched => "dispatched",
            Self::Shipped => "shipped",
            Self::Confirmed => "confirmed",
            Self::Cancelled => "cancelled",
            Self::Refunded => "refunded",
        }
    }
}

/// How a list is sorted. Orders of the same date keep their sequence from page to page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// by which date
    pub by: DateField,
    /// newest first?
    pub descending: bool,
}

/// Newest order first.
pub const DEFAULT_SORT: Sort = Sort { by: DateField::Placed, descending: true };

/// Page sizes offered.
pub const PAGE_SIZES: [u32; 4] = [5, 10, 25, 50];

/// Page size to begin with.
pub const DEFAULT_PAGE_SIZE: u32 = 25;

/// The word for claims that wait for an answer.
pub const OPEN_CLAIMS: &str = "open";

/// What a list shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderFilter {
    /// where to search
    pub field: SearchField,
    /// what for; empty is no search
    pub search: String,
    /// which date the range is of
    pub date: DateField,
    /// first day, included
    pub from: Option<NaiveDate>,
    /// last day, included
    pub to: Option<NaiveDate>,
    /// 주문상태
    pub state: Option<OrderState>,
    /// 판매채널, its code
    pub channel: Option<String>,
    /// 상품종류, its number
    pub product: Option<String>,
    /// only those with a claim that waits for an answer
    pub claim_open: bool,
    /// the sequence; none is [`DEFAULT_SORT`]
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
            state: None,
            channel: None,
            product: None,
            claim_open: false,
            sort: None,
        }
    }
}

/// An [`OrderFilter`] as it is typed or linked. What cannot be understood is left out, as a list
/// with too much is better than an error about an address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OrderQuery {
    /// a [`SearchField`] code
    pub field: String,
    /// words to search
    pub q: String,
    /// a [`DateField`] code
    pub date: String,
    /// `YYYY-MM-DD`
    pub from: String,
    /// `YYYY-MM-DD`
    pub to: String,
    /// an [`OrderState`] code
    pub state: String,
    /// a channel's code
    pub channel: String,
    /// a product's number
    pub product: String,
    /// `open`: only claims that wait for an answer
    pub claim: String,
    /// `placed_at.desc`
    pub sort: String,
    /// from 1
    pub page: String,
    /// one of [`PAGE_SIZES`]
    pub size: String,
}

impl OrderQuery {
    /// The filter these words mean.
    pub fn filter(&self) -> OrderFilter {
        let given = |text: &str| (!text.trim().is_empty()).then(|| text.trim().to_owned());
        let (mut from, mut to) = (parse_date(&self.from), parse_date(&self.to));
        if let (Some(first), Some(last)) = (from, to)
            && last < first
        {
            (from, to) = (to, from);
        }
        OrderFilter {
            field: SearchField::parse(&self.field).unwrap_or(SearchField::All),
            search: self.q.trim().to_owned(),
            date: DateField::parse(&self.date).unwrap_or(DateField::Placed),
            from,
            to,
            state: OrderState::parse(&self.state),
            channel: given(&self.channel),
            product: given(&self.product),
            claim_open: self.claim == OPEN_CLAIMS,
            sort: parse_sort(&self.sort),
        }
    }

    /// The address's query with these words, and some of them replaced: `page=1` and the like.
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
            ("sort", &self.sort),
            ("page", &self.page),
            ("size", &self.size),
        ];
        let replacement = |name: &str| replaced.iter().find(|(other, _)| *other == name).map(|(_, value)| *value);
        let pairs: Vec<(&str, &str)> = words
            .iter()
            .map(|(name, value)| (*name, replacement(name).unwrap_or(value.as_str())))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        serde_html_form::to_string(&pairs).unwrap_or_default()
    }

    /// The search as a person would say it: `주문상태 발주 · 발송기한 2026-11-01 ~ 2026-11-30`.
    /// `channels` are code and name of those that are known.
    pub fn describe(&self, channels: &[(String, String)]) -> String {
        let filter = self.filter();
        let mut said = Vec::new();
        if !filter.search.is_empty() {
            let place = if filter.field == SearchField::All { "" } else { filter.field.label() };
            said.push(format!("{place} ‘{}’", filter.search).trim_start().to_owned());
        }
        if filter.from.is_some() || filter.to.is_some() {
            let day = |day: Option<NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
            said.push(
                [filter.date.label(), &day(filter.from), "~", &day(filter.to)]
                    .join(" ")
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" "),
            );
        }
        said.extend(filter.state.map(|state| format!("주문상태 {}", state.label())));
        if let Some(code) = &filter.channel {
            let name = channels.iter().find(|(known, _)| known == code).map_or(code, |(_, name)| name);
            said.push(format!("판매채널 {name}"));
        }
        said.extend(filter.product.map(|product| format!("상품 {product}")));
        if filter.claim_open {
            said.push("처리할 클레임".to_owned());
        }
        if said.is_empty() { "모든 주문".to_owned() } else { said.join(" · ") }
    }

    /// The sort a click on that header asks for: descending, ascending, none.
    pub fn next_sort(&self, by: DateField) -> String {
        match parse_sort(&self.sort) {
            Some(sort) if sort.by == by && sort.descending => format!("{}.asc", by.code()),
            Some(sort) if sort.by == by => String::new(),
            _ => format!("{}.desc", by.code()),
        }
    }
}

fn parse_sort(text: &str) -> Option<Sort> {
    let (by, direction) = text.split_once('.')?;
    let descending = match direction {
        "desc" => true,
        "asc" => false,
        _ => return None,
    };
    Some(Sort { by: DateField::parse(by)?, descending })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_cycles_descending_ascending_none() {
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
    fn the_query_keeps_every_other_word() {
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
    fn a_search_is_said_in_words() {
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
    fn nonsense_is_left_out_and_a_reversed_range_is_turned() {
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
        assert_eq!((filter.state, filter.sort), (None, None));
    }
}

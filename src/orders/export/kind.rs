//! What a download holds, and for which searches it is offered.

use chrono::NaiveDate;

use crate::orders::filter::{DateField, OrderFilter, Sort};
use crate::orders::model::OrderState;

/// The channel that takes 발송처리.
pub const SMART_STORE: &str = "SMART_STORE";

/// What a download holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportKind {
    /// 검색 결과: whatever the list shows
    Orders,
    /// 발주서, for the factory
    PurchaseOrder,
    /// 발송처리, for 스마트스토어
    Dispatch,
}

impl ExportKind {
    /// Every kind, in the sequence of the page.
    pub const ALL: [Self; 3] = [Self::PurchaseOrder, Self::Dispatch, Self::Orders];

    /// The name in an address, on the command line and in the record.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::PurchaseOrder => "purchase-order",
            Self::Dispatch => "dispatch",
        }
    }

    /// The words on the screen.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Orders => "검색 결과",
            Self::PurchaseOrder => "발주서",
            Self::Dispatch => "스마트스토어 발송처리",
        }
    }

    /// The kind of that code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Why the kind is not offered for a search, and what to do; nothing when it is.
    pub fn problem(self, filter: &OrderFilter) -> Option<&'static str> {
        let sent = filter.state == Some(OrderState::Shipped);
        let of_channel = filter.channel.as_deref() == Some(SMART_STORE);
        match self {
            Self::Dispatch if !(sent && of_channel) => {
                Some("주문상태 ‘배송’, 판매채널 ‘스마트스토어’로 찾아야 받을 수 있어요.")
            }
            _ => None,
        }
    }

    /// The orders it holds, in its sequence: those of the list as the list has them, but what is sent
    /// to the channel is told as it happened.
    pub(super) fn filter(self, filter: &OrderFilter) -> OrderFilter {
        let oldest_first = Sort { by: DateField::Placed, descending: false };
        let sort = if self == Self::Dispatch { filter.sort.or(Some(oldest_first)) } else { filter.sort };
        OrderFilter { sort, ..filter.clone() }
    }

    /// The name of the file without its ending: `2026-11-22 린넨 소파 발주건`.
    pub fn file_stem(self, today: NaiveDate, product_name: Option<&str>) -> String {
        match self {
            Self::Orders => format!("{today} 주문 검색 결과"),
            Self::PurchaseOrder => format!("{today} {} 발주건", file_part(product_name.unwrap_or("전체 상품"))),
            Self::Dispatch => format!("{today} 스마트스토어 발송처리"),
        }
    }
}

/// A text as a part of a file's name, on every system.
fn file_part(text: &str) -> String {
    const LONGEST: usize = 80;
    let plain = |c: char| if c.is_control() || "\\/:*?\"<>|".contains(c) { ' ' } else { c };
    let words: String = text.chars().map(plain).take(LONGEST).collect();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dispatch_list_is_offered_for_what_the_channel_sold_and_was_sent() {
        let mut filter = OrderFilter::default();
        assert!(ExportKind::Dispatch.problem(&filter).is_some());
        filter.state = Some(OrderState::Shipped);
        assert!(ExportKind::Dispatch.problem(&filter).is_some());
        filter.channel = Some(SMART_STORE.to_owned());
        assert_eq!(ExportKind::Dispatch.problem(&filter), None);
        assert_eq!(ExportKind::ALL.map(|kind| ExportKind::parse(kind.code())), ExportKind::ALL.map(Some));
    }

    #[test]
    fn a_file_is_named_by_day_and_product_on_every_system() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 22).expect("a day");
        let stem = |name| ExportKind::PurchaseOrder.file_stem(day, name);
        assert_eq!(stem(Some("린넨 소파 3인/좌: \"A\" ")), "2026-11-22 린넨 소파 3인 좌 A 발주건");
        assert_eq!(stem(None), "2026-11-22 전체 상품 발주건");
    }
}

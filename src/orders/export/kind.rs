//! Kinds of export, and the searches each is offered for.

use chrono::NaiveDate;

use super::courier_order::Courier;
use super::dispatch;
use super::left_out::LeftOutReason;
use crate::audit::downloads::SentTo;
use crate::id::ChannelId;
use crate::orders::filter::{DateField, OrderFilter, Sort};
use crate::orders::model::{Order, OrderState, ShippingMethod};

/// Code of the channel that accepts 발송처리.
pub const SMART_STORE: &str = "SMART_STORE";

/// Content of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportKind {
    /// 검색 결과: the rows of the list
    Orders,
    /// 발주서, for the factory
    PurchaseOrder,
    /// 발송처리, for 스마트스토어
    Dispatch,
    /// 송장 접수 파일, for the program of a courier
    CourierOrder(Courier),
}

impl ExportKind {
    /// Every kind, in the order of the page.
    pub fn all() -> Vec<Self> {
        [Self::PurchaseOrder].into_iter().chain(Self::courier_orders()).chain([Self::Dispatch, Self::Orders]).collect()
    }

    /// 송장 접수 파일 of every courier.
    pub fn courier_orders() -> impl Iterator<Item = Self> {
        Courier::all().map(Self::CourierOrder)
    }

    /// To whom a file of this kind is sent, in the record of orders that went; none if it stays here. An order goes to a
    /// courier once, whichever it is.
    pub const fn recipient(self) -> Option<SentTo> {
        match self {
            Self::Orders => None,
            Self::PurchaseOrder => Some(SentTo::Factory),
            Self::Dispatch => Some(SentTo::Channel),
            Self::CourierOrder(_) => Some(SentTo::Courier),
        }
    }

    /// Code in URLs, on the command line and in the record of downloads.
    pub fn code(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::PurchaseOrder => "purchase-order",
            Self::Dispatch => "dispatch",
            Self::CourierOrder(courier) => courier.code(),
        }
    }

    /// Korean label.
    pub fn label(self) -> String {
        match self {
            Self::Orders => "검색 결과".to_owned(),
            Self::PurchaseOrder => "발주서".to_owned(),
            Self::Dispatch => "스마트스토어 발송처리".to_owned(),
            Self::CourierOrder(courier) => format!("{} 송장 접수", courier.name()),
        }
    }

    /// The variant of that code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::all().into_iter().find(|kind| kind.code() == code)
    }

    /// Why the kind is not available for a search, and what to do; none if it is. Of ticked orders, those are left out that
    /// do not belong into the file.
    pub fn problem(self, filter: &OrderFilter) -> Option<&'static str> {
        let sent = filter.states == [OrderState::Shipped];
        let of_channel = filter.channels == [SMART_STORE];
        match self {
            Self::Dispatch if !(sent && of_channel) && filter.chosen.is_none() => {
                Some("주문상태 ‘배송됨’, 판매채널 ‘스마트스토어’로 찾아야 받을 수 있어요.")
            }
            _ => None,
        }
    }

    /// Whether the file has the goods bought or sent, so that it leaves out orders with an open cancellation.
    pub const fn is_held_by_claims(self) -> bool {
        matches!(self, Self::PurchaseOrder | Self::Dispatch | Self::CourierOrder(_))
    }

    /// Whether the channel refuses the line of the order, because it does not know its courier.
    pub fn has_unknown_courier(self, order: &Order) -> bool {
        self == Self::Dispatch && dispatch::has_unknown_courier(order)
    }

    /// Whether each order of the search is read to decide if it belongs into the file.
    pub(super) const fn is_checked_by_order(self, filter: &OrderFilter) -> bool {
        match self {
            Self::Orders | Self::PurchaseOrder => false,
            Self::Dispatch => filter.chosen.is_some(),
            Self::CourierOrder(_) => true,
        }
    }

    /// Why an order does not belong into a file of this kind; none if it does. `channel` is the identifier of 스마트스토어.
    pub(super) fn unfit(self, order: &Order, channel: Option<ChannelId>) -> Option<LeftOutReason> {
        match self {
            Self::Orders | Self::PurchaseOrder => None,
            Self::Dispatch if Some(order.channel_id) != channel => Some(LeftOutReason::OtherChannel),
            Self::Dispatch => (order.state != OrderState::Shipped).then_some(LeftOutReason::NotShipped),
            Self::CourierOrder(_) if order.shipping_method != ShippingMethod::Parcel => Some(LeftOutReason::NotParcel),
            Self::CourierOrder(_) if order.state >= OrderState::Shipped => Some(LeftOutReason::Shipped),
            Self::CourierOrder(_) => (!order.tracking_number.is_empty()).then_some(LeftOutReason::Numbered),
        }
    }

    /// Filter with the order of the export: that of the list, but oldest first for files that are sent.
    pub(super) fn filter(self, filter: &OrderFilter) -> OrderFilter {
        let oldest_first = Sort { by: DateField::Placed, descending: false };
        let sort = if self.recipient().is_some() { filter.sort.or(Some(oldest_first)) } else { filter.sort };
        OrderFilter { sort, ..filter.clone() }
    }

    /// File name without extension: `2026-11-22 린넨 소파 발주건`.
    pub fn file_stem(self, today: NaiveDate, product_name: Option<&str>) -> String {
        match self {
            Self::Orders => format!("{today} 주문 검색 결과"),
            Self::PurchaseOrder => format!("{today} {} 발주건", file_part(product_name.unwrap_or("전체 상품"))),
            Self::Dispatch => format!("{today} 스마트스토어 발송처리"),
            Self::CourierOrder(courier) => format!("{today} {} 송장 접수", courier.name()),
        }
    }
}

/// Makes a text valid in a file name on every system.
fn file_part(text: &str) -> String {
    const MAX_FILE_PART_CHARS: usize = 80;
    let plain = |c: char| if c.is_control() || "\\/:*?\"<>|".contains(c) { ' ' } else { c };
    let words: String = text.chars().map(plain).take(MAX_FILE_PART_CHARS).collect();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::OrderId;
    use crate::orders::model::tests::order;

    #[test]
    fn courier_takes_parcels_that_have_not_gone() {
        let courier = ExportKind::CourierOrder(Courier::all().next().expect("a courier"));
        let why = |order: &Order| courier.unfit(order, None);
        let parcel = |state| Order { shipping_method: ShippingMethod::Parcel, ..order(state) };
        assert_eq!((why(&parcel(OrderState::Placed)), why(&parcel(OrderState::Dispatched))), (None, None));
        assert_eq!(why(&parcel(OrderState::Shipped)), Some(LeftOutReason::Shipped));
        assert_eq!(why(&order(OrderState::Placed)), Some(LeftOutReason::NotParcel));
        let numbered = Order { tracking_number: "1".to_owned(), ..parcel(OrderState::Purchased) };
        assert_eq!(why(&numbered), Some(LeftOutReason::Numbered));
    }

    #[test]
    fn channel_is_told_of_its_shipped_orders() {
        let why = |order: &Order| ExportKind::Dispatch.unfit(order, Some(ChannelId::from_raw(1)));
        assert_eq!(why(&order(OrderState::Shipped)), None);
        assert_eq!(why(&order(OrderState::Dispatched)), Some(LeftOutReason::NotShipped));
        let other = Order { channel_id: ChannelId::from_raw(2), ..order(OrderState::Shipped) };
        assert_eq!(why(&other), Some(LeftOutReason::OtherChannel));
    }

    #[test]
    fn dispatch_export_requires_the_channel_and_shipped_orders() {
        let mut filter = OrderFilter::default();
        assert!(ExportKind::Dispatch.problem(&filter).is_some());
        filter.states = vec![OrderState::Shipped];
        assert!(ExportKind::Dispatch.problem(&filter).is_some());
        filter.channels = vec![SMART_STORE.to_owned()];
        assert_eq!(ExportKind::Dispatch.problem(&filter), None);
        let chosen = OrderFilter { chosen: Some(vec![OrderId::from_raw(1)]), ..OrderFilter::default() };
        assert_eq!(ExportKind::Dispatch.problem(&chosen), None, "what does not belong is named");
        assert!(ExportKind::all().into_iter().all(|kind| ExportKind::from_code(kind.code()) == Some(kind)));
    }

    #[test]
    fn every_file_that_is_sent_leaves_out_orders_with_an_open_cancellation() {
        for kind in ExportKind::all() {
            assert_eq!(kind.is_held_by_claims(), kind.recipient().is_some(), "{kind:?}");
        }
    }

    #[test]
    fn file_name_of_day_and_product_is_valid_on_every_system() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 22).expect("a day");
        let stem = |name| ExportKind::PurchaseOrder.file_stem(day, name);
        assert_eq!(stem(Some("린넨 소파 3인/좌: \"A\" ")), "2026-11-22 린넨 소파 3인 좌 A 발주건");
        assert_eq!(stem(None), "2026-11-22 전체 상품 발주건");
    }
}

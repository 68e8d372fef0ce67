//! The searchable fields of an order.

use crate::text::coded;

coded! {
    /// Searchable field of an order, in the order of the select box; a bit of the postings' field set.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum SearchField {
        /// 전체: any of the other fields
        All = "all" "전체",
        /// 상품주문번호
        OrderNumber = "order_number" "상품주문번호",
        /// 주문번호 of the purchase
        ChannelOrderNumber = "channel_order_number" "주문번호",
        /// 구매자명
        CustomerName = "customer_name" "구매자명",
        /// 구매자연락처
        CustomerTel = "customer_tel" "구매자연락처",
        /// 수취인명
        RecipientName = "recipient_name" "수취인명",
        /// 수취인연락처1
        RecipientTel1 = "recipient_tel1" "수취인연락처1",
        /// 수취인연락처2
        RecipientTel2 = "recipient_tel2" "수취인연락처2",
        /// 주소
        Address = "address" "주소",
        /// 송장번호
        TrackingNumber = "tracking_number" "송장번호",
        /// 묶음배송번호
        BundleNumber = "bundle_number" "묶음배송번호",
    }
}

impl SearchField {
    /// Bit mask of the postings' field set. Bits 1 to 10 are orders'; other nouns take others.
    pub const fn bits(self) -> i64 {
        match self {
            Self::All => (1 << Self::ALL.len()) - 2,
            field => 1 << (field as i64),
        }
    }
}

//! Orders of a search that its file leaves out, and why.

use std::collections::BTreeMap;

use crate::id::OrderId;
use crate::text::coded;

coded! {
    /// Why an order is not in a file of a kind.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum LeftOutReason {
        /// an earlier file of the kind has it
        Sent = "sent" "이미 파일로 받은 주문",
        /// 발주서: the factory makes nothing for it
        Cancelled = "cancelled" "취소된 주문",
        /// 발송처리: it has not left yet, or is over
        NotShipped = "not-shipped" "배송됨 상태가 아닌 주문",
        /// 발송처리: of another channel
        OtherChannel = "other-channel" "스마트스토어 주문이 아닌 주문",
        /// 송장 접수: it does not go by courier
        NotParcel = "not-parcel" "택배가 아닌 주문",
        /// 송장 접수: the courier has it already
        Numbered = "numbered" "송장번호가 있는 주문",
        /// 송장 접수: it has gone
        Shipped = "shipped" "이미 배송되었거나 취소된 주문",
    }
}

/// Orders that a file leaves out, by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut(BTreeMap<LeftOutReason, Vec<OrderId>>);

impl LeftOut {
    /// Adds orders.
    pub(super) fn extend<'i>(&mut self, reason: LeftOutReason, ids: impl IntoIterator<Item = &'i OrderId>) {
        let mut ids = ids.into_iter().peekable();
        if ids.peek().is_some() {
            self.0.entry(reason).or_default().extend(ids);
        }
    }

    /// The orders of each reason.
    pub fn by_reason(&self) -> impl Iterator<Item = (LeftOutReason, &[OrderId])> {
        self.0.iter().map(|(reason, ids)| (*reason, ids.as_slice()))
    }

    /// Number of orders that an earlier file has.
    pub fn sent(&self) -> usize {
        self.0.get(&LeftOutReason::Sent).map_or(0, Vec::len)
    }

    /// Whether there are none, also of those that an earlier file has unless these are repeated.
    pub fn is_empty(&self, repeats: bool) -> bool {
        self.0.keys().all(|reason| repeats && *reason == LeftOutReason::Sent)
    }

    /// The numbers of all reasons, for a form that confirms them: `sent.2-cancelled.1`.
    pub fn code(&self) -> String {
        let counts = self.0.iter().map(|(reason, ids)| format!("{}.{}", reason.code(), ids.len()));
        counts.collect::<Vec<_>>().join("-")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_confirmed_and_repeated_orders_need_no_confirmation() {
        let mut left_out = LeftOut::default();
        assert!(left_out.is_empty(false) && left_out.code().is_empty());
        left_out.extend(LeftOutReason::Sent, &[1, 2].map(OrderId::from_raw));
        left_out.extend(LeftOutReason::Shipped, &[]);
        assert!(left_out.is_empty(true) && !left_out.is_empty(false));
        left_out.extend(LeftOutReason::Cancelled, &[OrderId::from_raw(3)]);
        assert_eq!((left_out.code().as_str(), left_out.is_empty(true)), ("sent.2-cancelled.1", false));
    }
}

//! Columns of the order list, which every member chooses and orders.

use super::filter::DateField;
use super::model::OrderState;

/// A column of the order list. The box to choose a row and 상태 come before all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListColumn {
    /// 상품주문번호, with the mark of its channel
    OrderNumber,
    /// 상품명 with its options
    Product,
    /// 합배송수
    Bundle,
    /// 수량
    Quantity,
    /// 구매자
    Customer,
    /// 수취인
    Recipient,
    /// 수취인연락처1
    RecipientTel,
    /// 주소
    Address,
    /// a date of its own
    Date(DateField),
    /// 배송방법, 택배사 and 송장번호
    Tracking,
    /// 확정, 취소 and 반품 in one column: an order usually has one of them
    Closed,
}

impl ListColumn {
    /// Every column, in the order of the page on which they are chosen.
    pub const ALL: [Self; 19] = [
        Self::OrderNumber,
        Self::Product,
        Self::Bundle,
        Self::Quantity,
        Self::Customer,
        Self::Recipient,
        Self::RecipientTel,
        Self::Address,
        Self::Date(DateField::Placed),
        Self::Date(DateField::DispatchDeadline),
        Self::Date(DateField::PreferredShipping),
        Self::Date(DateField::Purchased),
        Self::Date(DateField::Dispatched),
        Self::Date(DateField::Shipped),
        Self::Tracking,
        Self::Closed,
        Self::Date(DateField::Confirmed),
        Self::Date(DateField::Cancelled),
        Self::Date(DateField::Refunded),
    ];

    /// The columns of a member who chose none: those that fit a window of 1440 px.
    pub fn default_columns() -> Vec<Self> {
        let is_default = |column: &Self| {
            !matches!(
                column,
                Self::RecipientTel
                    | Self::Address
                    | Self::Date(DateField::Confirmed | DateField::Cancelled | DateField::Refunded)
            )
        };
        Self::ALL.into_iter().filter(is_default).collect()
    }

    /// Code in the database and in forms.
    pub const fn code(self) -> &'static str {
        match self {
            Self::OrderNumber => "order_number",
            Self::Product => "product",
            Self::Bundle => "bundle",
            Self::Quantity => "quantity",
            Self::Customer => "customer",
            Self::Recipient => "recipient",
            Self::RecipientTel => "recipient_tel",
            Self::Address => "address",
            Self::Date(date) => date.code(),
            Self::Tracking => "tracking_number",
            Self::Closed => "closed",
        }
    }

    /// Korean label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::OrderNumber => "상품주문번호",
            Self::Product => "상품명 [옵션]",
            Self::Bundle => "합배송수",
            Self::Quantity => "수량",
            Self::Customer => "구매자",
            Self::Recipient => "수취인",
            Self::RecipientTel => "수취인연락처",
            Self::Address => "주소",
            Self::Date(date) => date.label(),
            Self::Tracking => "송장번호",
            Self::Closed => "확정 · 취소 · 반품",
        }
    }

    /// The variant of that code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.code() == code)
    }

    /// The state whose moment a date column shows; none for 발송기한 and 희망배송일.
    pub const fn state_of(date: DateField) -> Option<OrderState> {
        match date {
            DateField::Placed => Some(OrderState::Placed),
            DateField::Purchased => Some(OrderState::Purchased),
            DateField::Dispatched => Some(OrderState::Dispatched),
            DateField::Shipped => Some(OrderState::Shipped),
            DateField::Confirmed => Some(OrderState::Confirmed),
            DateField::Cancelled => Some(OrderState::Cancelled),
            DateField::Refunded => Some(OrderState::Refunded),
            DateField::DispatchDeadline | DateField::PreferredShipping => None,
        }
    }
}

/// Parses stored or sent codes, separated by commas. Unknown and repeated ones are left out; 상품주문번호, which leads to the
/// order, comes first if it is missing.
pub fn parse_columns(codes: &str) -> Vec<ListColumn> {
    let mut columns: Vec<ListColumn> = Vec::new();
    for column in codes.split(',').filter_map(ListColumn::from_code) {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    if !columns.contains(&ListColumn::OrderNumber) {
        columns.insert(0, ListColumn::OrderNumber);
    }
    columns
}

/// The codes of the columns, separated by commas.
pub fn column_codes(columns: &[ListColumn]) -> String {
    columns.iter().map(|column| column.code()).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_keep_their_order_and_number_leads() {
        let columns = parse_columns("tracking_number,product,tracking_number,nothing");
        assert_eq!(columns, [ListColumn::OrderNumber, ListColumn::Tracking, ListColumn::Product]);
        for columns in [ListColumn::ALL.to_vec(), ListColumn::default_columns()] {
            assert_eq!(parse_columns(&column_codes(&columns)), columns);
        }
    }
}

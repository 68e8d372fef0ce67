//! The fields of an order, in one table.
//!
//! [`FIELDS`] names each column of `orders` once, with all that depends on it: how SQL reads and writes it, its label, its
//! limit, whether it is searched, edited, reported and exported. A new field is a line here, a field of
//! [`Order`] and a column of `schema.sql`.

mod cell;
mod value;

use std::borrow::Cow;

pub(crate) use self::cell::Cell;
pub(super) use self::value::FieldValue;
use super::model::{Order, OrderState};
use super::search_field::SearchField;
use crate::search::tokenizer::TextKind;
use crate::storage::{ColumnReader, Param, Result, StorageError, Value, text_limits};

/// A field of an order.
#[derive(Clone, Copy)]
pub struct OrderField {
    /// column of `orders`; also the name of the form field, and of the field in the log
    pub column: &'static str,
    /// Korean label in the log and in reports; empty for internal fields
    pub label: &'static str,
    /// maximum length of what files and forms fill in, in characters
    pub max_chars: Option<usize>,
    /// index of the database that finds orders by the field
    pub index: Option<&'static str>,
    /// how the search index has the field
    pub search: Option<(SearchField, TextKind)>,
    /// header and width in characters in 검색 결과
    pub sheet: Option<(&'static str, u8)>,
    /// key in JSON exports
    pub json: Option<&'static str>,
    /// name in the report of an upload that changes the field
    pub reported: Option<&'static str>,
    /// whether the page of the order edits it as one form field
    pub is_edited: bool,
    /// whether an order without it takes it from a later file of its channel
    pub is_filled_later: bool,
    value: for<'o> fn(&'o Order) -> &'o dyn FieldValue,
    value_mut: for<'o> fn(&'o mut Order) -> &'o mut dyn FieldValue,
}

impl OrderField {
    const fn new(
        column: &'static str,
        value: for<'o> fn(&'o Order) -> &'o dyn FieldValue,
        value_mut: for<'o> fn(&'o mut Order) -> &'o mut dyn FieldValue,
    ) -> Self {
        Self {
            column,
            label: "",
            max_chars: None,
            index: None,
            search: None,
            sheet: None,
            json: None,
            reported: None,
            is_edited: false,
            is_filled_later: false,
            value,
            value_mut,
        }
    }

    const fn label(self, label: &'static str) -> Self {
        Self { label, ..self }
    }

    const fn at_most(self, max_chars: usize) -> Self {
        Self { max_chars: Some(max_chars), ..self }
    }

    const fn indexed(self, index: &'static str) -> Self {
        Self { index: Some(index), ..self }
    }

    const fn searched(self, field: SearchField, kind: TextKind) -> Self {
        Self { search: Some((field, kind)), ..self }
    }

    const fn sheet(self, header: &'static str, width: u8) -> Self {
        Self { sheet: Some((header, width)), ..self }
    }

    const fn json(self) -> Self {
        self.json_as(self.column)
    }

    const fn json_as(self, key: &'static str) -> Self {
        Self { json: Some(key), ..self }
    }

    const fn reported(self) -> Self {
        self.reported_as(self.column)
    }

    const fn reported_as(self, name: &'static str) -> Self {
        Self { reported: Some(name), ..self }
    }

    const fn edited(self) -> Self {
        Self { is_edited: true, ..self }
    }

    const fn filled_later(self) -> Self {
        Self { is_filled_later: true, ..self }
    }

    /// The field of that column.
    pub fn of(column: &str) -> Option<&'static Self> {
        FIELDS.iter().find(|field| field.column == column)
    }

    /// The value in an order.
    pub(super) fn value(self, order: &Order) -> &dyn FieldValue {
        (self.value)(order)
    }

    /// The value as text: codes, dates `YYYY-MM-DD`; empty for none.
    pub fn plain_text(self, order: &Order) -> Cow<'_, str> {
        match self.value(order).plain() {
            Param::Text(text) => text,
            Param::Int(number) => number.to_string().into(),
            Param::Null | Param::Blob(_) => Cow::Borrowed(""),
        }
    }

    /// The text of a text field; empty for other kinds.
    pub fn text(self, order: &Order) -> &str {
        match self.value(order).to_param() {
            Param::Text(Cow::Borrowed(text)) => text,
            _ => "",
        }
    }

    /// The value for people.
    pub(super) fn cell(self, order: &Order) -> Cell<'_> {
        self.value(order).cell()
    }

    /// Sets the field of an order to the next column of a row.
    ///
    /// # Errors
    /// As [`Self::set`].
    pub fn read(self, order: &mut Order, row: &mut ColumnReader) -> Result<()> {
        self.set(order, row.value()?)
    }

    /// Sets the field of an order to a stored value.
    ///
    /// # Errors
    /// [`StorageError::Inconsistent`] if the value is not one of the field.
    pub fn set(self, order: &mut Order, stored: Value) -> Result<()> {
        let is_valid = (self.value_mut)(order).set(stored);
        if is_valid { Ok(()) } else { Err(StorageError::Inconsistent(format!("orders.{}", self.column))) }
    }
}

/// Maximum length of a field that files and forms fill in, in characters.
pub fn max_chars(column: &str) -> usize {
    OrderField::of(column).and_then(|field| field.max_chars).unwrap_or(usize::MAX)
}

/// The field of a column, with the place of its value in an [`Order`].
macro_rules! field {
    ($column:literal, $($place:tt)+) => {
        OrderField::new($column, |order| &order.$($place)+, |order| &mut order.$($place)+)
    };
}

/// Every field, in the order of the JSON export.
pub static FIELDS: [OrderField; 41] = [
    field!("id", id),
    field!("order_number", order_number)
        .label("상품주문번호")
        .at_most(text_limits::ORDER_NUMBER)
        .indexed("orders_by_number")
        .searched(SearchField::OrderNumber, TextKind::Number)
        .sheet("상품주문번호", 21)
        .json(),
    field!("channel_order_number", channel_order_number)
        .label("주문번호")
        .at_most(text_limits::ORDER_NUMBER)
        .indexed("orders_by_channel_order_number")
        .searched(SearchField::ChannelOrderNumber, TextKind::Number)
        .sheet("주문번호", 21)
        .json()
        .reported()
        .filled_later(),
    field!("state", state).label("상태").sheet("상태", 8).json_as("order_state").reported().edited(),
    field!("channel_id", channel_id),
    field!("product_id", product_id).label("상품"),
    field!("delivery_id", delivery_id).label("묶음배송"),
    field!("options", options).label("옵션").edited(),
    field!("options_raw", options_raw).reported_as("options"),
    field!("quantity", quantity).label("수량").sheet("수량", 7).json().reported().edited(),
    field!("cancelled_quantity", cancelled_quantity).label("취소 수량").json().reported(),
    field!("price", price).label("정산예정금액").sheet("금액", 12).json().reported(),
    field!("customer_name", customer.name)
        .label("구매자명")
        .at_most(text_limits::PERSON_NAME)
        .searched(SearchField::CustomerName, TextKind::Name)
        .sheet("구매자명", 12)
        .json()
        .reported()
        .edited(),
    field!("customer_tel", customer.tel)
        .label("구매자연락처")
        .at_most(text_limits::TEL)
        .searched(SearchField::CustomerTel, TextKind::Phone)
        .sheet("구매자연락처", 16)
        .json()
        .reported()
        .edited(),
    field!("customer_message", customer_message).label("고객메시지").sheet("고객메시지", 42).json().reported().edited(),
    field!("recipient_name", recipient.name)
        .label("수취인명")
        .at_most(text_limits::PERSON_NAME)
        .searched(SearchField::RecipientName, TextKind::Name)
        .sheet("수취인명", 12)
        .json()
        .reported()
        .edited(),
    field!("recipient_tel1", recipient.tel1)
        .label("수취인연락처1")
        .at_most(text_limits::TEL)
        .searched(SearchField::RecipientTel1, TextKind::Phone)
        .sheet("수취인연락처1", 16)
        .json()
        .reported()
        .edited(),
    field!("recipient_tel2", recipient.tel2)
        .label("수취인연락처2")
        .at_most(text_limits::TEL)
        .searched(SearchField::RecipientTel2, TextKind::Phone)
        .sheet("수취인연락처2", 16)
        .json()
        .reported()
        .edited(),
    field!("recipient_zip_code", recipient.zip_code).label("우편번호").sheet("우편번호", 10).json().reported().edited(),
    field!("recipient_address1", recipient.address1)
        .label("주소")
        .at_most(text_limits::ADDRESS)
        .searched(SearchField::Address, TextKind::Address)
        .sheet("주소", 48)
        .json()
        .reported()
        .edited(),
    field!("recipient_address2", recipient.address2)
        .label("상세주소")
        .at_most(text_limits::ADDRESS)
        .searched(SearchField::Address, TextKind::Address)
        .sheet("상세주소", 30)
        .json()
        .reported()
        .edited(),
    field!("sigungu_code", sigungu_code).label("시/군/구"),
    field!("shipping_method", shipping_method).label("배송방법").json().reported().edited(),
    field!("shipping_method_raw", shipping_method_raw).at_most(text_limits::SHIPPING_METHOD_RAW),
    field!("charge_type", charge_type).label("배송비 형태").sheet("배송비", 9).json().reported().edited(),
    field!("tracking_number", tracking_number)
        .label("송장번호")
        .at_most(text_limits::TRACKING_NUMBER)
        .indexed("orders_by_tracking")
        .searched(SearchField::TrackingNumber, TextKind::Number)
        .sheet("송장번호", 20)
        .json()
        .reported()
        .edited(),
    field!("courier", courier)
        .label("택배사")
        .at_most(text_limits::COURIER)
        .sheet("택배사", 15)
        .json()
        .reported()
        .edited(),
    field!("dispatch_deadline", dispatch_deadline).label("발송기한").sheet("발송기한", 12).json().reported().edited(),
    field!("preferred_shipping_date", preferred_shipping_date)
        .label("희망배송일")
        .sheet("희망배송일", 12)
        .json()
        .reported()
        .edited(),
    field!("placed_at", moments[OrderState::Placed]).label("주문일").sheet("주문일", 17).json(),
    field!("purchased_at", moments[OrderState::Purchased]).label("발주일").sheet("발주일", 17).json(),
    field!("dispatched_at", moments[OrderState::Dispatched]).label("출고일").sheet("출고일", 17).json(),
    field!("shipped_at", moments[OrderState::Shipped]).label("배송일").sheet("배송일", 17).json(),
    field!("confirmed_at", moments[OrderState::Confirmed]).label("확정일").sheet("확정일", 17).json(),
    field!("cancelled_at", moments[OrderState::Cancelled]).label("취소일").sheet("취소일", 17).json(),
    field!("refunded_at", moments[OrderState::Refunded]).label("반품일").sheet("반품일", 17).json(),
    field!("purchase_memo", purchase_memo).label("발주메모").sheet("발주메모", 42).json().edited(),
    field!("shipping_memo", shipping_memo).label("배송메모").sheet("배송메모", 42).json().edited(),
    field!("admin_memo", admin_memo).label("관리자메모").sheet("관리자메모", 42).json().edited(),
    field!("claim", claim).label("클레임").at_most(text_limits::CLAIM).sheet("클레임", 12).json().reported(),
    field!("upload_id", upload_id),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::storage::schema::SCHEMA;

    /// Lines of the definition of `orders`, without comments.
    fn definition() -> Vec<&'static str> {
        let table = SCHEMA.split_once("CREATE TABLE orders (").expect("the table").1;
        let columns = table.split_once(") STRICT").expect("its end").0;
        columns
            .lines()
            .map(|line| line.split(" --").next().unwrap_or_default().trim())
            .filter(|it| !it.is_empty())
            .collect()
    }

    #[test]
    fn table_has_every_column_of_the_schema() {
        let columns: BTreeSet<&str> = definition().iter().filter_map(|line| line.split(' ').next()).collect();
        let fields = FIELDS.iter().map(|field| field.column);
        // Written by the unit of work itself, never read into an order.
        assert_eq!(fields.chain(["version", "created_at", "bundled_at"]).collect::<BTreeSet<_>>(), columns);
    }

    #[test]
    fn limits_are_those_of_the_schema() {
        for field in &FIELDS {
            let line = definition().into_iter().find(|line| line.starts_with(&format!("{} ", field.column)));
            let line = line.expect("the column");
            if let Some(most) = field.max_chars {
                assert!(line.contains(&format!("CHECK (length({}) <= {most})", field.column)), "{line}");
            }
        }
    }

    #[test]
    fn field_names_are_unique() {
        let unique = |names: Vec<&str>| names.iter().collect::<BTreeSet<_>>().len() == names.len();
        assert!(unique(FIELDS.iter().map(|field| field.column).collect()));
        assert!(unique(FIELDS.iter().filter_map(|field| field.json).collect()));
        assert!(unique(FIELDS.iter().filter_map(|field| field.reported).collect()));
    }

    #[test]
    fn value_of_another_type_is_inconsistent() {
        let mut order = Order::default();
        let set = OrderField::of("state").expect("a field").set(&mut order, Value::Int(9));
        assert!(matches!(set, Err(StorageError::Inconsistent(column)) if column == "orders.state"));
    }
}

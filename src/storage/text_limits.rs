//! Maximum lengths of text columns that files and forms fill, in characters.
//!
//! `schema.sql` states them (`CHECK (length(name) <= 100)`). The program validates text before it writes, because a
//! violated constraint tells a person neither the field nor what to do.

macro_rules! lengths {
    ($(#[doc = $doc:literal] $name:ident = $length:literal: $($table:ident.$column:ident)*;)*) => {
        $(#[doc = $doc] pub const $name: usize = $length;)*

        #[cfg(test)]
        const ALL: &[(usize, &str, &str)] = &[$($(($length, stringify!($table), stringify!($column)),)*)*];
    };
}

lengths! {
    /// 상품주문번호
    ORDER_NUMBER = 64: orders.order_number upload_rows.order_number upload_rows.open_order reconciliation_rows.order_number;
    /// 묶음배송번호
    BUNDLE_NUMBER = 64: deliveries.bundle_number;
    /// 구매자명, 수취인명
    PERSON_NAME = 100: orders.customer_name orders.recipient_name upload_rows.recipient;
    /// 연락처
    TEL = 40: orders.customer_tel orders.recipient_tel1 orders.recipient_tel2;
    /// 주소, 상세주소
    ADDRESS = 500: orders.recipient_address1 orders.recipient_address2;
    /// 배송방법 as the channel names it
    SHIPPING_METHOD_RAW = 64: orders.shipping_method_raw;
    /// 택배사
    COURIER = 64: orders.courier uploads.courier upload_rows.new_courier member_couriers.courier;
    /// 송장번호
    TRACKING_NUMBER = 64: orders.tracking_number upload_rows.new_tracking_number;
    /// 클레임
    CLAIM = 64: orders.claim reconciliation_rows.listed_state;
    /// name of a sheet
    SHEET_NAME = 100: upload_rows.sheet_name;
    /// what a row of a file is about
    ROW_CONTENT = 300: upload_rows.content;
    /// 상품명
    PRODUCT_NAME = 255: products.name;
    /// 옵션 이름
    OPTION_KEY = 100: variants.option_key;
    /// 옵션 값 and its label
    OPTION_VALUE = 400: variants.option_value variants.label;
}

/// Truncates a text to `max_chars` characters.
pub fn truncate(text: &str, max_chars: usize) -> &str {
    text.char_indices().nth(max_chars).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::schema::SCHEMA;

    #[test]
    fn constants_match_the_schema() {
        for (length, table, column) in ALL {
            let from = SCHEMA.split_once(&format!("CREATE TABLE {table} (")).expect("the table").1;
            let definition = from.split_once(") STRICT").expect("its end").0;
            let check = format!("CHECK (length({column}) <= {length})");
            assert!(definition.contains(&check), "{table}.{column} is not limited to {length}");
        }
    }

    #[test]
    fn truncation_keeps_whole_characters() {
        assert_eq!((truncate("가나다", 2), truncate("가나다", 3), truncate("", 2)), ("가나", "가나다", ""));
    }
}

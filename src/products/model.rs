//! Products and variants, and validation of their fields.

use crate::id::{ProductId, VariantId};

/// Largest priority; lists are sorted by priority, ascending.
pub const MAX_PRIORITY: i64 = 9_999;

/// A product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// internal identifier
    pub id: ProductId,
    /// 판매자 상품코드, the key at the sales channels
    pub number: String,
    /// unique
    pub name: String,
    /// sort position in lists, 0..=9999
    pub priority: i64,
    /// orders of a disabled product are hidden from the list
    pub enabled: bool,
    /// incremented by each change, for optimistic locking
    pub version: i64,
}

/// A value of a product's option, and its label for the factory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// internal identifier
    pub id: VariantId,
    /// its product
    pub product_id: ProductId,
    /// option key: 색상
    pub key: String,
    /// option value, as the channel writes it: 아이보리
    pub value: String,
    /// text for the factory; initially the value
    pub label: String,
    /// incremented by each change, for optimistic locking
    pub version: i64,
}

/// Validates and trims a product's name.
///
/// # Errors
/// A message in Korean for an empty or too long text.
pub fn validate_name(text: &str) -> Result<String, &'static str> {
    validate_text(text, "상품명을 입력해 주세요.", "상품명은 200자까지 입력할 수 있어요.", 200)
}

/// Validates and trims a product's number.
///
/// # Errors
/// A message in Korean for an empty or too long text.
pub fn validate_number(text: &str) -> Result<String, &'static str> {
    validate_text(text, "상품번호를 입력해 주세요.", "상품번호는 100자까지 입력할 수 있어요.", 100)
}

/// Validates and trims an option key.
///
/// # Errors
/// A message in Korean for an empty or too long text.
pub fn validate_option_key(text: &str) -> Result<String, &'static str> {
    validate_text(text, "옵션 이름을 입력해 주세요.", "옵션 이름은 100자까지 입력할 수 있어요.", 100)
}

/// Validates and trims an option value.
///
/// # Errors
/// A message in Korean for an empty or too long text.
pub fn validate_option_value(text: &str) -> Result<String, &'static str> {
    validate_text(text, "판매채널의 값을 입력해 주세요.", "값은 400자까지 입력할 수 있어요.", 400)
}

/// Validates and trims a variant's label.
///
/// # Errors
/// A message in Korean for an empty or too long text.
pub fn validate_label(text: &str) -> Result<String, &'static str> {
    validate_text(text, "발주서 표기를 입력해 주세요.", "발주서 표기는 300자까지 입력할 수 있어요.", 300)
}

fn validate_text(
    text: &str,
    empty: &'static str,
    long: &'static str,
    max_chars: usize,
) -> Result<String, &'static str> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err(empty),
        length if length > max_chars => Err(long),
        _ => Ok(text.to_owned()),
    }
}

/// Parses a priority.
///
/// # Errors
/// A message in Korean unless it is an integer in 0..=9999.
pub fn parse_priority(text: &str) -> Result<i64, &'static str> {
    text.trim()
        .parse()
        .ok()
        .filter(|priority| (0..=MAX_PRIORITY).contains(priority))
        .ok_or("우선순위는 0부터 9999까지의 숫자로 입력해 주세요.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priority_is_an_integer_up_to_9999() {
        assert_eq!(parse_priority(" 9999 "), Ok(9_999));
        for wrong in ["", "-1", "10000", "3.5", "셋"] {
            assert!(parse_priority(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_and_labels_are_trimmed_and_not_empty() {
        assert_eq!(validate_name("  린넨 소파 "), Ok("린넨 소파".to_owned()));
        assert!(validate_label("  ").is_err());
        assert!(validate_name(&"가".repeat(201)).is_err());
    }
}

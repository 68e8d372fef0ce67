//! What a product and a variant are, and what may be typed into them.

/// The largest priority; lists are sorted by it, the smallest first.
pub const LAST_PRIORITY: i64 = 9_999;

/// A thing that is sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// identifier made here
    pub id: i64,
    /// 판매자 상품코드: the key under which channels know it
    pub number: String,
    /// unique
    pub name: String,
    /// place in lists, 0..=9999
    pub priority: i64,
    /// the orders of a disabled product are not listed
    pub enabled: bool,
    /// rises with every change
    pub version: i64,
}

/// A choice of an option, and the words the factory reads for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// identifier made here
    pub id: i64,
    /// whose option
    pub product_id: i64,
    /// 색상
    pub key: String,
    /// 아이보리, as the channel writes it
    pub value: String,
    /// what is shown; the value to begin with
    pub label: String,
    /// rises with every change
    pub version: i64,
}

/// A product's name as typed.
///
/// # Errors
/// What to mend, in Korean.
pub fn checked_name(text: &str) -> Result<String, &'static str> {
    checked_text(text, "상품명을 입력해 주세요.", "상품명은 200자까지 쓸 수 있어요.", 200)
}

/// A product's number as typed.
///
/// # Errors
/// What to mend, in Korean.
pub fn checked_number(text: &str) -> Result<String, &'static str> {
    checked_text(text, "상품번호를 입력해 주세요.", "상품번호는 100자까지 쓸 수 있어요.", 100)
}

/// The name of an option as typed.
///
/// # Errors
/// What to mend, in Korean.
pub fn checked_option_key(text: &str) -> Result<String, &'static str> {
    checked_text(text, "옵션 이름을 입력해 주세요.", "옵션 이름은 100자까지 쓸 수 있어요.", 100)
}

/// The value of an option as typed.
///
/// # Errors
/// What to mend, in Korean.
pub fn checked_option_value(text: &str) -> Result<String, &'static str> {
    checked_text(text, "판매채널의 값을 입력해 주세요.", "값은 400자까지 쓸 수 있어요.", 400)
}

/// A variant's label as typed.
///
/// # Errors
/// What to mend, in Korean.
pub fn checked_label(text: &str) -> Result<String, &'static str> {
    checked_text(text, "레이블을 입력해 주세요.", "레이블은 300자까지 쓸 수 있어요.", 300)
}

fn checked_text(text: &str, empty: &'static str, long: &'static str, most: usize) -> Result<String, &'static str> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err(empty),
        length if length > most => Err(long),
        _ => Ok(text.to_owned()),
    }
}

/// A priority as typed.
///
/// # Errors
/// What to mend, in Korean.
pub fn checked_priority(text: &str) -> Result<i64, &'static str> {
    text.trim()
        .parse()
        .ok()
        .filter(|priority| (0..=LAST_PRIORITY).contains(priority))
        .ok_or("우선순위는 0부터 9999까지의 숫자로 입력해 주세요.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_priority_is_a_number_of_four_digits_at_most() {
        assert_eq!(checked_priority(" 9999 "), Ok(9_999));
        for wrong in ["", "-1", "10000", "3.5", "셋"] {
            assert!(checked_priority(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_and_labels_are_trimmed_and_not_empty() {
        assert_eq!(checked_name("  린넨 소파 "), Ok("린넨 소파".to_owned()));
        assert!(checked_label("  ").is_err());
        assert!(checked_name(&"가".repeat(201)).is_err());
    }
}

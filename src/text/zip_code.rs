//! Korean postal codes.

use super::{ParseResult, integer_digits, nfkc_visible};

/// A postal code of five digits; four digits get back the leading zero that Excel dropped. Empty text
/// gives an empty code.
///
/// # Errors
/// Not four or five digits.
pub fn parse_zip_code(text: &str) -> ParseResult<String> {
    let text = nfkc_visible(text);
    let text = integer_digits(text.trim()).map_or(text, Into::into);
    let digits: String = text.chars().filter(|letter| !letter.is_whitespace() && !"-'".contains(*letter)).collect();
    if digits.is_empty() {
        return Ok(String::new());
    }
    if digits.len() > 5 || digits.len() < 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("우편번호는 숫자 다섯 자리여야 해요");
    }
    Ok(format!("{digits:0>5}"))
}

/// A postal code that a person typed; none unless all five digits are there. Only a spreadsheet drops a zero.
pub fn typed_zip_code(text: &str) -> Option<String> {
    let digits = nfkc_visible(text).chars().filter(char::is_ascii_digit).count();
    parse_zip_code(text).ok().filter(|_| digits == 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_codes_get_no_zero() {
        assert_eq!(typed_zip_code(" ０４５-24 ").as_deref(), Some("04524"));
        assert_eq!(typed_zip_code("1081"), None);
        assert_eq!(typed_zip_code("010811"), None);
    }

    #[test]
    fn codes_have_five_digits() {
        assert_eq!(parse_zip_code("04524").as_deref(), Ok("04524"));
        assert_eq!(parse_zip_code("4524").as_deref(), Ok("04524"));
        assert_eq!(parse_zip_code("").as_deref(), Ok(""));
        assert_eq!(parse_zip_code("4524.0").as_deref(), Ok("04524"));
        assert_eq!(parse_zip_code("04524\u{200b}").as_deref(), Ok("04524"));
        assert!(parse_zip_code("123-456").is_err());
    }
}

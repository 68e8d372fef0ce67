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

#[cfg(test)]
mod tests {
    use super::*;

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

//! Which of a customer's telephone numbers takes a text.

use crate::text::{coded, parse_phone};

/// A number that takes a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextNumber {
    /// with hyphens
    pub number: String,
    /// a 050 number of the channel (안심번호): it takes an SMS and nothing else
    pub is_safe_number: bool,
}

coded! {
    /// Why a customer has no number for a text.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum NoNumber {
        /// nothing is stored
        Missing = "missing" "전화번호가 없어요",
        /// the file of the channel hides digits
        Masked = "masked" "전화번호가 가려져 있어요",
        /// not a telephone number
        Broken = "broken" "전화번호가 맞지 않아요",
        /// a landline, or a number of another country
        NotMobile = "not-mobile" "문자를 받지 못하는 번호예요",
    }
}

/// The number for a text: a mobile number, else a safe number. The first of several has precedence.
///
/// # Errors
/// What is wrong with the first number.
pub fn text_number(tels: [&str; 2]) -> Result<TextNumber, NoNumber> {
    let read: Vec<Result<TextNumber, NoNumber>> =
        tels.into_iter().filter(|tel| !tel.trim().is_empty()).map(read).collect();
    let usable = || read.iter().filter_map(|number| number.as_ref().ok());
    let found = usable().find(|number| !number.is_safe_number).or_else(|| usable().next());
    match found {
        Some(number) => Ok(number.clone()),
        None => Err(read.into_iter().find_map(Result::err).unwrap_or(NoNumber::Missing)),
    }
}

fn read(tel: &str) -> Result<TextNumber, NoNumber> {
    if tel.contains(['*', '●', '○', 'X', 'x']) {
        return Err(NoNumber::Masked);
    }
    let number = parse_phone(tel).map_err(|_| NoNumber::Broken)?;
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let is_mobile = ["010", "011", "016", "017", "018", "019"].iter().any(|prefix| digits.starts_with(prefix));
    let is_safe_number = digits.starts_with("050");
    if number.starts_with('+') || !(is_mobile || is_safe_number) {
        return Err(NoNumber::NotMobile);
    }
    // 010 has eight digits behind it; 011 to 019 and 050x have seven or eight.
    let is_whole = match digits.get(..3) {
        Some("010") => digits.len() == 11,
        Some("050") => (11..=12).contains(&digits.len()),
        _ => (10..=11).contains(&digits.len()),
    };
    if is_whole { Ok(TextNumber { number, is_safe_number }) } else { Err(NoNumber::Broken) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mobile_number_precedes_a_safe_one() {
        let number = |tels: [&str; 2]| {
            text_number(tels).map(|found| (found.number, found.is_safe_number)).map_err(NoNumber::code)
        };
        assert_eq!(number(["010-0000-1234", ""]), Ok(("010-0000-1234".to_owned(), false)));
        assert_eq!(number(["0504-0000-1234", "010 0000 1234"]), Ok(("010-0000-1234".to_owned(), false)));
        assert_eq!(number(["02-123-4567", "0504-0000-1234"]), Ok(("0504-0000-1234".to_owned(), true)));
        assert_eq!(number(["01012345678", "010-0000-9999"]), Ok(("010-1234-5678".to_owned(), false)));
    }

    #[test]
    fn number_that_takes_no_text_is_named_by_its_reason() {
        let reason = |tels: [&str; 2]| text_number(tels).expect_err("no number").code();
        assert_eq!(reason(["", " "]), "missing");
        assert_eq!(reason(["010-****-1234", ""]), "masked");
        assert_eq!(reason(["02-123-4567", "010-****-1234"]), "not-mobile");
        assert_eq!(reason(["1588-1234", ""]), "not-mobile");
        assert_eq!(reason(["+1-213-555-0100", ""]), "not-mobile");
        assert_eq!(reason(["전화 주세요", ""]), "broken");
        assert_eq!(reason(["010-123-456", ""]), "broken");
    }
}

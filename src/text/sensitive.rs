//! Numbers that a shop must not or need not store: resident registration numbers (주민등록번호), cards, bank accounts.
//!
//! Customers write them into messages, and staff into memos. Files are not refused for them: the digits are masked, and the
//! report says so. Sources: 개인정보보호법 제24조의2; ISO/IEC 7812 for cards.

use chrono::NaiveDate;

/// Kind of a number that is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SensitiveKind {
    /// 주민등록번호, 외국인등록번호
    ResidentNumber,
    /// card number
    Card,
    /// bank account, where a bank is named before it
    Account,
}

impl SensitiveKind {
    /// Korean name.
    pub const fn label(self) -> &'static str {
        match self {
            Self::ResidentNumber => "주민등록번호",
            Self::Card => "카드 번호",
            Self::Account => "계좌번호",
        }
    }

    /// Why a form with such a number is rejected.
    pub const fn rejection(self) -> &'static str {
        match self {
            Self::ResidentNumber => "주민등록번호가 들어 있어요. 저장하면 안 되는 번호니 지우고 다시 저장해 주세요.",
            Self::Card => "카드 번호가 들어 있어요. 지우고 다시 저장해 주세요.",
            Self::Account => "계좌번호가 들어 있어요. 여기에 두지 말고, 지우고 다시 저장해 주세요.",
        }
    }
}

/// Digits of a bank account.
const ACCOUNT_DIGITS: std::ops::RangeInclusive<usize> = 10..=14;

/// Characters before a number in which a bank is looked for.
const BANK_DISTANCE: usize = 20;

/// Words that name a bank account before its number.
const BANK_WORDS: [&str; 12] =
    ["계좌", "은행", "뱅크", "농협", "국민", "신한", "수협", "신협", "새마을금고", "우체국", "카뱅", "입금"];

/// A run of digits with single separators between them.
struct Run {
    /// positions of the digits, as indices of characters
    digits: Vec<usize>,
    /// lengths of the groups between separators
    groups: Vec<usize>,
}

/// The runs of digits of a text.
fn runs(text: &[char]) -> Vec<Run> {
    let (mut runs, mut at) = (Vec::new(), 0);
    while at < text.len() {
        if !text[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let (mut digits, mut groups) = (Vec::new(), vec![0]);
        while at < text.len() {
            if text[at].is_ascii_digit() {
                digits.push(at);
                if let Some(group) = groups.last_mut() {
                    *group += 1;
                }
                at += 1;
            } else if matches!(text[at], '-' | ' ' | '–' | '.') && text.get(at + 1).is_some_and(char::is_ascii_digit)
            {
                groups.push(0);
                at += 1;
            } else {
                break;
            }
        }
        runs.push(Run { digits, groups });
    }
    runs
}

impl Run {
    fn kind(&self, text: &[char], values: &[u32]) -> Option<SensitiveKind> {
        if is_resident_number(values, &self.groups) {
            Some(SensitiveKind::ResidentNumber)
        } else if is_card(values) {
            Some(SensitiveKind::Card)
        } else if ACCOUNT_DIGITS.contains(&values.len()) && !is_phone(values) && names_bank(text, self.digits[0]) {
            Some(SensitiveKind::Account)
        } else {
            None
        }
    }
}

/// Six digits of a birthday and seven more, the first of which is the century and the sex. Numbers since October 2020 have
/// no check digit, so that it decides only where nothing separates the two parts: thirteen digits may be anything.
fn is_resident_number(digits: &[u32], groups: &[usize]) -> bool {
    let is_split = groups == [6, 7];
    if digits.len() != 13 || !(is_split || groups.len() == 1) || !(1..=8).contains(&digits[6]) {
        return false;
    }
    let number = |from: usize| digits[from] * 10 + digits[from + 1];
    let century = if matches!(digits[6], 1 | 2 | 5 | 6) { 1900 } else { 2000 };
    let year = century + i32::try_from(number(0)).unwrap_or_default();
    if NaiveDate::from_ymd_opt(year, number(2), number(4)).is_none() {
        return false;
    }
    let weights = [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5];
    let sum: u32 = digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum();
    let offset = if digits[6] >= 5 { 13 } else { 11 };
    is_split || (offset - sum % 11) % 10 == digits[12]
}

/// Whether the digits are of a card: a length and a beginning that issuers use, and the Luhn check digit.
fn is_card(digits: &[u32]) -> bool {
    let prefix = |length: usize| digits[..length].iter().fold(0, |number, digit| number * 10 + digit);
    let is_issued = match digits.len() {
        14 => matches!(prefix(2), 36 | 38),
        15 => matches!(prefix(2), 34 | 37),
        16 => {
            matches!(prefix(1), 4 | 9)
                || matches!(prefix(2), 51..=55 | 62 | 65)
                || matches!(prefix(4), 2221..=2720 | 3528..=3589 | 6011)
        }
        _ => false,
    };
    is_issued && luhn(digits)
}

fn luhn(digits: &[u32]) -> bool {
    let doubled = |(place, digit): (usize, &u32)| if place % 2 == 0 { *digit } else { digit * 2 - digit * 2 / 10 * 9 };
    digits.iter().rev().enumerate().map(doubled).sum::<u32>() % 10 == 0
}

/// Telephone numbers begin with 0 and have at most eleven digits; those of companies begin with 1 and have eight.
fn is_phone(digits: &[u32]) -> bool {
    digits[0] == 0 && digits.len() <= 11
}

fn names_bank(text: &[char], number_at: usize) -> bool {
    let before: String = text[number_at.saturating_sub(BANK_DISTANCE)..number_at].iter().collect();
    BANK_WORDS.iter().any(|word| before.contains(word))
}

/// The kind of the first number in a text that must not be stored.
pub fn find_sensitive(text: &str) -> Option<SensitiveKind> {
    mask_sensitive(text).map(|(_, kinds)| kinds[0])
}

/// The text with all but a few digits of such numbers replaced by `*`, and their kinds; None if it has none.
pub fn mask_sensitive(text: &str) -> Option<(String, Vec<SensitiveKind>)> {
    // Most texts have not enough digits.
    if text.bytes().filter(u8::is_ascii_digit).count() < *ACCOUNT_DIGITS.start() {
        return None;
    }
    let mut letters: Vec<char> = text.chars().collect();
    let mut kinds = Vec::new();
    for run in runs(&letters) {
        let values: Vec<u32> = run.digits.iter().filter_map(|at| letters[*at].to_digit(10)).collect();
        let Some(kind) = run.kind(&letters, &values) else { continue };
        // What stays lets a person recognise the number, and nobody use it.
        let kept = match kind {
            SensitiveKind::ResidentNumber => 0..0,
            SensitiveKind::Card => values.len() - 4..values.len(),
            SensitiveKind::Account => values.len() - 3..values.len(),
        };
        for (_, at) in run.digits.iter().enumerate().filter(|(place, _)| !kept.contains(place)) {
            letters[*at] = '*';
        }
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    (!kinds.is_empty()).then(|| (letters.into_iter().collect(), kinds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> String {
        mask_sensitive(text).map_or_else(|| text.to_owned(), |(masked, _)| masked)
    }

    #[test]
    fn resident_numbers_are_masked() {
        assert_eq!(masked("홍길동 900101-1234567 확인"), "홍길동 ******-******* 확인");
        assert_eq!(masked("051231 4000000"), "****** *******");
        // The check digit of a number without a separator is right.
        assert_eq!(masked("9001011234568"), "*************");
        for other in ["9001011234567", "901301-1234567", "900101-9234567", "900101-1******", "123456-7"] {
            assert_eq!(masked(other), other);
        }
    }

    #[test]
    fn cards_are_masked_but_for_four_digits() {
        assert_eq!(masked("카드 4111 1111 1111 1111 입니다"), "카드 **** **** **** 1111 입니다");
        assert_eq!(masked("4111-1111-1111-1111,5555555555554444"), "****-****-****-1111,************4444");
        assert_eq!(masked("378282246310005"), "***********0005");
        for other in ["4111111111111112", "2024031500000001", "2024031500000019", "1234567890123456"] {
            assert_eq!(masked(other), other, "no check digit, or an order number");
        }
    }

    #[test]
    fn accounts_are_masked_where_a_bank_is_named() {
        assert_eq!(masked("환불계좌 국민 123456-78-901234"), "환불계좌 국민 ******-**-***234");
        assert_eq!(masked("농협 352-1234-5678-90 홍길동"), "농협 ***-****-***8-90 홍길동");
        for other in ["123456-78-901234", "은행 앞 010-1234-5678로 전화 주세요", "우리집 051-123-4567", "국민 1234"]
        {
            assert_eq!(masked(other), other);
        }
    }

    #[test]
    fn messages_without_such_numbers_stay() {
        for text in [
            "",
            "문 앞에 놓아 주세요",
            "101동 1203호 비밀번호 1234#",
            "010-1234-5678 / 02-123-4567",
            "2024-03-15 10:00",
        ] {
            assert_eq!(mask_sensitive(text), None, "{text}");
        }
        assert_eq!(find_sensitive("900101-1234567"), Some(SensitiveKind::ResidentNumber));
    }
}

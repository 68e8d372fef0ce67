//! Numbers that a shop must not or need not store: resident registration numbers (주민등록번호), cards, bank accounts.
//!
//! Customers write them into messages, and staff into memos. Files are not refused for them: the digits are masked, and the
//! report says so. Sources: 개인정보보호법 제24조의2; ISO/IEC 7812 for cards.

use std::ops::Range;

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

/// Groups of digits of one number, at most: a long text of single digits must not take time that grows with its square.
const MAX_GROUPS: usize = *ACCOUNT_DIGITS.end();

/// Characters before a number in which a bank is looked for.
const BANK_DISTANCE: usize = 20;

/// Words that name a bank account before its number.
const BANK_WORDS: [&str; 12] =
    ["계좌", "은행", "뱅크", "농협", "국민", "신한", "수협", "신협", "새마을금고", "우체국", "카뱅", "입금"];

/// Words that name another number before it. 우체국 is a bank and a courier.
const OTHER_WORDS: [&str; 7] = ["택배", "송장", "등기", "운송장", "주문", "전화", "연락처"];

/// Characters between two groups of digits of one number: `1234 - 5678`.
const MAX_SEPARATOR_CHARS: usize = 3;

/// A group of digits, as indices of characters.
type Group = Range<usize>;

/// Runs of groups of digits with separators between them. A run may be several numbers that only spaces separate.
fn runs(text: &[char]) -> Vec<Vec<Group>> {
    let (mut runs, mut at): (Vec<Vec<Group>>, usize) = (Vec::new(), 0);
    while at < text.len() {
        let digits = text[at..].iter().take_while(|letter| letter.is_ascii_digit()).count();
        if digits == 0 {
            at += 1;
            continue;
        }
        let group = at..at + digits;
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(|last| is_separator(&text[last.end..at])) => run.push(group),
            _ => runs.push(vec![group]),
        }
        at += digits;
    }
    runs
}

/// Spaces, or one mark with or without spaces around it.
fn is_separator(between: &[char]) -> bool {
    let mut marks = between.iter().filter(|letter| !letter.is_whitespace());
    let mark = marks.next();
    between.len() <= MAX_SEPARATOR_CHARS && marks.next().is_none() && mark.is_none_or(|mark| is_mark(*mark))
}

const fn is_mark(letter: char) -> bool {
    matches!(letter, '-' | '–' | '—' | '.')
}

/// The numbers of a run that must not be stored, each with its groups. Telephone numbers and dates are no part of them.
fn numbers(text: &[char], run: &[Group]) -> Vec<(SensitiveKind, Vec<Group>)> {
    let (mut found, mut rest, mut at) = (Vec::new(), Vec::new(), 0);
    while at < run.len() {
        let harmless = harmless_groups(text, run, at);
        let number =
            (at + 1..=run.len().min(at + MAX_GROUPS)).find_map(|end| Some((fixed_kind(text, &run[at..end])?, end)));
        match (harmless, number) {
            (0, None) => {
                rest.push(run[at].clone());
                at += 1;
                continue;
            }
            (0, Some((kind, end))) => {
                found.push((kind, run[at..end].to_vec()));
                at = end;
            }
            (groups, _) => at += groups,
        }
        found.extend(accounts(text, &std::mem::take(&mut rest)));
    }
    found.extend(accounts(text, &rest));
    found
}

/// The bank accounts among these groups.
fn accounts(text: &[char], groups: &[Group]) -> Vec<(SensitiveKind, Vec<Group>)> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < groups.len() {
        let is_account = |end: &usize| is_account(text, &groups[at..*end]);
        // `123456-78-901234 50000` ends where its separator changes.
        let has_one_separator = |end: &usize| {
            let marks = groups[at..*end].windows(2).map(|pair| &text[pair[0].end..pair[1].start]);
            let marks: Vec<bool> = marks.map(|between| between.iter().any(|letter| is_mark(*letter))).collect();
            marks.iter().all(|one| *one == marks[0])
        };
        let ends = || (at + 1..=groups.len().min(at + MAX_GROUPS)).rev().filter(is_account);
        match ends().find(has_one_separator).or_else(|| ends().next()) {
            Some(end) => {
                found.push((SensitiveKind::Account, groups[at..end].to_vec()));
                at = end;
            }
            None => at += 1,
        }
    }
    found
}

fn values(text: &[char], groups: &[Group]) -> Vec<u32> {
    groups.iter().flat_map(Clone::clone).filter_map(|at| text[at].to_digit(10)).collect()
}

/// The kind of a number that its digits and groups tell by themselves.
fn fixed_kind(text: &[char], groups: &[Group]) -> Option<SensitiveKind> {
    let (digits, lengths) = (values(text, groups), groups.iter().map(ExactSizeIterator::len).collect::<Vec<_>>());
    if is_resident_number(&digits, &lengths) {
        Some(SensitiveKind::ResidentNumber)
    } else if is_card(&digits, &lengths) {
        Some(SensitiveKind::Card)
    } else {
        None
    }
}

fn is_account(text: &[char], groups: &[Group]) -> bool {
    let digits = values(text, groups);
    ACCOUNT_DIGITS.contains(&digits.len()) && names_bank(text, groups[0].start)
}

/// Number of groups from `at` on that are a telephone number or a date, and neither begin nor end within a longer number.
fn harmless_groups(text: &[char], run: &[Group], at: usize) -> usize {
    let is_within = |one: usize| {
        let between = run.get(one).zip(run.get(one + 1)).map(|(group, next)| &text[group.end..next.start]);
        between.is_some_and(|between| between.iter().any(|letter| is_mark(*letter)))
    };
    if at > 0 && is_within(at - 1) {
        return 0;
    }
    let lengths: Vec<usize> = run[at..].iter().take(3).map(ExactSizeIterator::len).collect();
    let digits: String = run[at..].iter().take(3).flat_map(Clone::clone).map(|index| text[index]).collect();
    let groups = match lengths.as_slice() {
        [4, 2, 2] if NaiveDate::parse_from_str(&digits, "%Y%m%d").is_ok() => 3,
        [2..=4, 3..=4, 4] if is_area_or_mobile(&digits) => 3,
        [2..=4, 7..=8, ..] if is_area_or_mobile(&digits) => 2,
        [4, 4, ..] if ["15", "16", "18"].iter().any(|prefix| digits.starts_with(prefix)) => 2,
        [9..=12, ..] if is_area_or_mobile(&digits[..lengths[0]]) => 1,
        _ => 0,
    };
    if groups > 0 && is_within(at + groups - 1) { 0 } else { groups }
}

/// The beginnings of Korean telephone numbers: mobile, Seoul, other areas, internet, personal and safe numbers.
fn is_area_or_mobile(digits: &str) -> bool {
    let mut letters = digits.chars();
    letters.next() == Some('0')
        && match letters.next() {
            Some('1') => letters.next().is_some_and(|third| matches!(third, '0' | '1' | '6'..='9')),
            Some('2'..='6') => true,
            Some('7' | '8') => letters.next() == Some('0'),
            _ => false,
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

/// Whether the digits are of a card: groups, a length and a beginning that issuers use, and the Luhn check digit.
fn is_card(digits: &[u32], groups: &[usize]) -> bool {
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
    let is_written = matches!(groups, [_] | [4, 4, 4, 4] | [4, 6, 4..=5]);
    is_issued && is_written && luhn(digits)
}

fn luhn(digits: &[u32]) -> bool {
    let doubled = |(place, digit): (usize, &u32)| if place % 2 == 0 { *digit } else { digit * 2 - digit * 2 / 10 * 9 };
    digits.iter().rev().enumerate().map(doubled).sum::<u32>() % 10 == 0
}

/// Whether the last word before a number that says what it is names a bank.
fn names_bank(text: &[char], number_at: usize) -> bool {
    let before: String = text[number_at.saturating_sub(BANK_DISTANCE)..number_at].iter().collect();
    let last = |words: &[&str]| words.iter().filter_map(|word| Some(before.rfind(word)? + word.len())).max();
    last(&BANK_WORDS) > last(&OTHER_WORDS)
}

/// The kind of the first number in a text that must not be stored.
pub fn find_sensitive(text: &str) -> Option<SensitiveKind> {
    mask_sensitive(text).map(|(_, kinds)| kinds[0])
}

/// The text with such numbers masked, for what is received as it is: a report that was written without a signal.
pub fn hide_sensitive(text: &str) -> String {
    mask_sensitive(text).map_or_else(|| text.to_owned(), |(masked, _)| masked)
}

/// The text with all but a few digits of such numbers replaced by `*`, and their kinds; None if it has none.
pub fn mask_sensitive(text: &str) -> Option<(String, Vec<SensitiveKind>)> {
    // Most texts have not enough digits.
    if text.bytes().filter(u8::is_ascii_digit).count() < *ACCOUNT_DIGITS.start() {
        return None;
    }
    let mut letters: Vec<char> = text.chars().collect();
    let mut kinds = Vec::new();
    let found: Vec<_> = runs(&letters).iter().flat_map(|run| numbers(&letters, run)).collect();
    for (kind, groups) in found {
        // What stays lets a person recognise the number, and nobody use it.
        let kept = match kind {
            SensitiveKind::ResidentNumber => 0,
            SensitiveKind::Card => 4,
            SensitiveKind::Account => 3,
        };
        let digits: Vec<usize> = groups.into_iter().flatten().collect();
        for at in &digits[..digits.len().saturating_sub(kept)] {
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
    use proptest::prelude::*;

    use super::*;

    fn masked(text: &str) -> String {
        hide_sensitive(text)
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
    fn long_text_of_single_digits_is_read_at_once() {
        let text = "국민 ".to_owned() + &"1 ".repeat(100_000);
        let before = std::time::Instant::now();
        assert!(masked(&text).starts_with("국민 * * *"));
        assert!(before.elapsed().as_secs() < 10, "{:?}", before.elapsed());
    }

    #[test]
    fn numbers_beside_others_are_masked_by_themselves() {
        for (text, hidden) in [
            ("900101-1234567 010-1234-5678", "******-******* 010-1234-5678"),
            ("010-1234-5678 900101-1234567", "010-1234-5678 ******-*******"),
            ("900101 - 1234567", "****** - *******"),
            ("4111 1111 1111 1111 1225", "**** **** **** 1111 1225"),
            ("1203 4111-1111-1111-1111 12/25", "1203 ****-****-****-1111 12/25"),
            ("3782 822463 10005 1225", "**** ****** *0005 1225"),
            ("국민 123456-78-901234 50000원", "국민 ******-**-***234 50000원"),
            ("국민 110 234 567890 010-1234-5678", "국민 *** *** ***890 010-1234-5678"),
            ("2024-03-15 국민 123456-78-901234", "2024-03-15 국민 ******-**-***234"),
            ("농협 352-1234-5678-90 900101-1234567", "농협 ***-****-***8-90 ******-*******"),
            ("택배비 환불은 농협 352-1234-5678-90", "택배비 환불은 농협 ***-****-***8-90"),
        ] {
            assert_eq!(masked(text), hidden);
        }
        for other in [
            "국민은행 앞 1588-1234 010-1234-5678",
            "국민임대 101-1203 051-123-4567",
            "입금 2024-03-15 10:00",
            "우체국택배 6012345678901",
            "농협 앞, 안심번호 0504-1234-5678 1203호",
            "010-3412-3456 010-1234-5678",
            "010-4123-4567 1588-1234",
        ] {
            assert_eq!(masked(other), other);
        }
    }

    proptest! {
        /// Wherever a number stands among other groups of digits.
        #[test]
        fn numbers_are_found_in_every_range_of_groups(
            before in prop::collection::vec("[1-9][0-9]{0,2}", 0..4),
            after in prop::collection::vec("[0-9]{1,5}", 0..4),
            number in prop::sample::select(vec![
                "900101-1234567", "900101 - 1234567", "4111 1111 1111 1111", "4111-1111-1111-1111",
            ]),
        ) {
            let all = [before.join(" "), number.to_owned(), after.join(" ")].join(" ");
            let masked = masked(&all);
            prop_assert!(masked.matches('*').count() >= 12, "{}", masked);
        }

        /// Numbers of orders, parcels and telephones, alone and beside each other.
        #[test]
        fn numbers_of_the_business_stay(numbers in prop::collection::vec(
            prop_oneof![
                "20(1[5-9]|2[0-9])(0[1-9]|1[0-2])(0[1-9]|1[0-9]|2[0-8])[0-9]{8}",  // 스마트스토어
                "[1-9][0-9]{9,11}",                                                // parcels, other channels
                "010-[0-9]{4}-[0-9]{4}",
                "0(2|31|51|62|70|505)-[0-9]{3,4}-[0-9]{4}",
                "1[568][0-9]{2}-[0-9]{4}",
                "010[0-9]{8}",
            ],
            1..4,
        )) {
            for text in [numbers.join(", "), format!("송장 {}", numbers.join(" ")), numbers.join("\n")] {
                prop_assert_eq!(masked(&text), text);
            }
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

//! Masks of names, telephone numbers, addresses and memos.
//!
//! Each mask is a pure function of the text. It reveals what its documentation says and nothing more, answers the same
//! for the same text, and leaves a masked text as it is.

/// What stands for a hidden character.
const HIDDEN: char = '*';

/// What stands for the hidden rest of an address.
const HIDDEN_REST: &str = "***";

/// Words of a name that say what kind of company it is, not which.
const COMPANY_WORDS: [&str; 5] = ["주식회사", "유한회사", "(주)", "㈜", "(유)"];

/// 시/도 as addresses write them.
const SIDOS: [&str; 17] = [
    "서울", "부산", "대구", "인천", "광주", "대전", "울산", "세종", "경기", "강원", "충북", "충남", "전북", "전남",
    "경북", "경남", "제주",
];

/// 시/도 whose long form is not their short form with an ending.
const LONG_SIDOS: [&str; 6] = ["충청북도", "충청남도", "전라북도", "전라남도", "경상북도", "경상남도"];

/// A name: of each word the first letter, and the last one of a word of Korean with three syllables or more. `김*수`,
/// `김*`, `J*** S****`, `(주)행**구`.
pub fn name(text: &str) -> String {
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

fn word(text: &str) -> String {
    if COMPANY_WORDS.contains(&text) {
        return text.to_owned();
    }
    if let Some(kind) = COMPANY_WORDS.iter().find(|kind| text.starts_with(**kind)) {
        return format!("{kind}{}", word(&text[kind.len()..]));
    }
    if let Some(kind) = COMPANY_WORDS.iter().find(|kind| text.ends_with(**kind)) {
        return format!("{}{kind}", word(&text[..text.len() - kind.len()]));
    }
    let letters: Vec<char> = text.chars().collect();
    let shows = |at: usize| {
        letters.len() >= 2
            && letters[at].is_alphabetic()
            && !letters[at].is_numeric()
            && (at == 0 || at + 1 == letters.len() && at >= 2 && !letters[at].is_ascii())
    };
    (0..letters.len()).map(|at| if shows(at) { letters[at] } else { HIDDEN }).collect()
}

/// A telephone number: its first group and, of three or more groups, the last. `010-****-1234`, `0504-****-1234`,
/// `02-***-4567`, `1588-****`, `010****1234`.
pub fn telephone(text: &str) -> String {
    let groups: Vec<&str> = text.split('-').collect();
    let hide = |group: &str| group.chars().map(|_| HIDDEN).collect::<String>();
    if let [alone] = groups.as_slice() {
        let characters: Vec<char> = alone.chars().collect();
        let is_number = characters.len() >= 9 && characters.iter().all(|c| c.is_ascii_digit() || *c == HIDDEN);
        let shows = |at: usize| is_number && (at < 3 || at + 4 >= characters.len());
        return (0..characters.len()).map(|at| if shows(at) { characters[at] } else { HIDDEN }).collect();
    }
    let last = groups.len() - 1;
    let is_short = |group: &str| group.len() <= 4 && group.bytes().all(|byte| byte.is_ascii_digit() || byte == b'+');
    let shows = |at: usize| is_short(groups[at]) && (at == 0 || at == last && last >= 2);
    (0..groups.len())
        .map(|at| if shows(at) { groups[at].to_owned() } else { hide(groups[at]) })
        .collect::<Vec<_>>()
        .join("-")
}

/// A postal code: the three digits of its 시/군/구. `383**`.
pub fn zip_code(text: &str) -> String {
    text.chars().enumerate().map(|(at, c)| if at < 3 && c.is_ascii_digit() { c } else { HIDDEN }).collect()
}

/// A road address: 시/도, 시/군/구 and the name of the road. `경북 경주시 태종로 ***`. An address without 시/도 is hidden as a
/// whole: it may begin with anything.
pub fn address(text: &str) -> String {
    let mut words = text.split_whitespace().peekable();
    let mut shown: Vec<&str> = Vec::new();
    if let Some(sido) = words.next_if(|word| is_sido(word)) {
        shown.push(sido);
    }
    while (1..3).contains(&shown.len())
        && let Some(district) = words.next_if(|word| is_named(word, &["시", "군", "구"]))
    {
        shown.push(district);
    }
    // 읍 and 면 are smaller than a 시/군/구 and not part of the road.
    let _ = words.next_if(|word| is_named(word, &["읍", "면"]));
    if !shown.is_empty()
        && let Some(road) = words.peek().and_then(|word| road(word))
    {
        shown.push(road);
    }
    if !text.trim().is_empty() {
        shown.push(HIDDEN_REST);
    }
    shown.join(" ")
}

fn is_sido(word: &str) -> bool {
    let ends = ["", "시", "도", "특별시", "광역시", "특별자치시", "특별자치도"];
    LONG_SIDOS.contains(&word)
        || SIDOS.iter().any(|sido| word.strip_prefix(sido).is_some_and(|rest| ends.contains(&rest)))
}

/// Whether the word is a name of at least two syllables of Korean with one of the endings.
fn is_named(word: &str, endings: &[&str]) -> bool {
    (2..=6).contains(&word.chars().count())
        && endings.iter().any(|ending| word.ends_with(ending))
        && word.chars().all(is_hangul)
}

fn is_hangul(c: char) -> bool {
    ('가'..='힣').contains(&c)
}

/// The name of the road at the beginning of a word: `태종로`, `태종로12번길`, without the number of a building.
fn road(word: &str) -> Option<&str> {
    let end = ["로", "길"].iter().filter_map(|ending| word.rfind(ending).map(|at| at + ending.len())).max()?;
    let (name, number) = word.split_at(end);
    let is_name = name.chars().count() >= 2
        && name.starts_with(is_hangul)
        && name.chars().all(|c| is_hangul(c) || c.is_ascii_digit());
    (is_name && number.trim_end_matches(',').bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')).then_some(name)
}

/// A memo: its digits are hidden, as in numbers of doors, telephones and accounts.
pub fn memo(text: &str) -> String {
    text.chars().map(|c| if c.is_numeric() { HIDDEN } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn name_keeps_first_and_last_syllable() {
        for (text, masked) in [
            ("", ""),
            ("김", "*"),
            ("김수", "김*"),
            ("김민수", "김*수"),
            ("남궁민수", "남**수"),
            ("John Smith", "J*** S****"),
            ("(주)행복가구", "(주)행**구"),
            ("행복가구 주식회사", "행**구 주식회사"),
            ("김민수01012345678", "김*************"),
            ("홍*동", "홍*동"),
        ] {
            assert_eq!(name(text), masked, "{text}");
        }
    }

    #[test]
    fn telephone_keeps_first_and_last_group() {
        for (text, masked) in [
            ("", ""),
            ("010-1234-5678", "010-****-5678"),
            ("0504-1234-5678", "0504-****-5678"),
            ("02-123-4567", "02-***-4567"),
            ("1588-1234", "1588-****"),
            ("01012345678", "010****5678"),
            ("+82-10-1234-5678", "+82-**-****-5678"),
            ("없음", "**"),
            ("010-12345678", "010-********"),
        ] {
            assert_eq!(telephone(text), masked, "{text}");
        }
    }

    #[test]
    fn address_ends_with_its_road() {
        for (text, masked) in [
            ("", ""),
            ("경북 경주시 태종로 777 (황남동)", "경북 경주시 태종로 ***"),
            ("경상북도 경주시 안강읍 안현로 12-3", "경상북도 경주시 안현로 ***"),
            ("경기 수원시 영통구 광교중앙로248번길 101동 1203호", "경기 수원시 영통구 광교중앙로248번길 ***"),
            ("서울특별시 강남구 테헤란로152", "서울특별시 강남구 테헤란로 ***"),
            ("세종 한누리대로 2130", "세종 한누리대로 ***"),
            ("경북 경주시 황남동 194-1", "경북 경주시 ***"),
            ("김민구 010-1234-5678", "***"),
            ("101동 1203호", "***"),
            ("행복아파트 앞 큰길", "***"),
        ] {
            assert_eq!(address(text), masked, "{text}");
        }
        assert_eq!(zip_code("38171"), "381**");
        assert_eq!(memo("공동현관 1234#, 부재 시 010-1234-5678"), "공동현관 ****#, 부재 시 ***-****-****");
    }

    /// A mask of a field.
    type Mask = fn(&str) -> String;

    const MASKS: [Mask; 5] = [name, telephone, zip_code, address, memo];

    proptest! {
        #[test]
        fn masked_text_stays_as_it_is(text in "[가-힣A-Za-z0-9()\\-+* ㈜#]{0,40}") {
            for mask in MASKS {
                let masked = mask(&text);
                prop_assert_eq!(mask(&masked), masked.clone(), "{} of {}", masked, text);
                prop_assert_eq!(mask(&text), masked);
            }
        }

        #[test]
        fn name_reveals_two_letters_of_a_word(text in "\\PC{0,40}") {
            let masked = name(&text);
            prop_assert_eq!(masked.chars().count(), text.chars().count());
            for word in masked.split(' ') {
                let rest = COMPANY_WORDS.iter().fold(word.to_owned(), |rest, kind| rest.replace(kind, ""));
                prop_assert!(rest.chars().filter(|c| *c != HIDDEN).count() <= 2, "{}", masked);
                prop_assert!(!rest.chars().any(char::is_numeric), "{}", masked);
            }
        }

        #[test]
        fn telephone_reveals_eight_digits_at_most(text in "[0-9+\\- 가-힣a-z]{0,30}") {
            let masked = telephone(&text);
            prop_assert_eq!(masked.chars().count(), text.chars().count());
            prop_assert!(masked.chars().filter(|c| *c != HIDDEN && *c != '-').count() <= 8, "{}", masked);
        }

        #[test]
        fn number_of_a_subscriber_is_never_whole(middle in "[0-9]{3,4}", last in "[0-9]{4}") {
            for first in ["010", "02", "0505"] {
                let masked = telephone(&[first, &middle, &last].join("-"));
                let hidden = ["-", &middle, "-"].concat();
                prop_assert!(!masked.contains(&hidden), "{}", masked);
            }
        }

        #[test]
        fn building_and_flat_are_hidden(number in "[1-9][0-9]{0,3}(-[0-9]{1,2})?", flat in "[0-9]{2,4}동 [0-9]{2,4}호") {
            for road in ["경북 경주시 태종로", "경기 성남시 분당구 판교역로", "서울 강남구 테헤란로8길"] {
                for text in [[road, " ", &number, " ", &flat].concat(), [road, &number, ", ", &flat].concat()] {
                    prop_assert_eq!(address(&text), [road, " ", HIDDEN_REST].concat());
                }
            }
            prop_assert_eq!(address(&flat), HIDDEN_REST);
        }

        #[test]
        fn memo_has_no_digit(text in "\\PC{0,60}") {
            prop_assert!(!memo(&text).chars().any(char::is_numeric));
        }
    }
}

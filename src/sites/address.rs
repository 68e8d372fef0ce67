//! An address → its building, without the unit: `예시로 12, 101동 1203호` and `예시로 12 101-502` are one building.

use sha2::{Digest, Sha256};

use crate::text::{hex, nfkc};

/// 시/도 by their short names, with the other ways to write them.
const SIDOS: [(&str, &[&str]); 17] = [
    ("서울", &["서울특별시", "서울시"]),
    ("부산", &["부산광역시", "부산시"]),
    ("대구", &["대구광역시", "대구시"]),
    ("인천", &["인천광역시", "인천시"]),
    ("광주", &["광주광역시"]),
    ("대전", &["대전광역시", "대전시"]),
    ("울산", &["울산광역시", "울산시"]),
    ("세종", &["세종특별자치시", "세종시"]),
    ("경기", &["경기도"]),
    ("강원", &["강원특별자치도", "강원도"]),
    ("충북", &["충청북도"]),
    ("충남", &["충청남도"]),
    ("전북", &["전북특별자치도", "전라북도"]),
    ("전남", &["전라남도"]),
    ("경북", &["경상북도"]),
    ("경남", &["경상남도"]),
    ("제주", &["제주특별자치도", "제주도"]),
];

/// A building.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BuildingKey(String);

impl BuildingKey {
    /// The stored form: a SHA-256.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The building of an address; none if there is no address.
pub fn building(address1: &str, address2: &str) -> Option<BuildingKey> {
    normalised(address1, address2).map(|text| BuildingKey(hex(&Sha256::digest(text.as_bytes()))))
}

/// The building as text: `경북포항시북구예시로12|101`.
fn normalised(address1: &str, address2: &str) -> Option<String> {
    let road = plain(address1);
    if road.is_empty() {
        return None;
    }
    let (head, rest) = match number_end(&road) {
        Some(end) => road.split_at(end),
        // Without a number of the building, the first part is all there is of it.
        None => (road.as_str(), ""),
    };
    let block = block(&format!("{rest} {}", plain(address2)));
    let head: String = short_sido(head).chars().filter(|letter| !letter.is_whitespace()).collect();
    Some(format!("{head}|{}", block.unwrap_or_default()))
}

/// Without what is in parentheses, with single spaces, in small letters.
fn plain(text: &str) -> String {
    let mut depth = 0_i32;
    let text: String = nfkc(text)
        .chars()
        .filter(|letter| {
            depth += i32::from(*letter == '(') - i32::from(*letter == ')');
            depth <= 0 && !matches!(letter, '(' | ')')
        })
        .map(|letter| if letter == ',' { ' ' } else { letter })
        .collect();
    text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The address with the short name of its 시/도.
fn short_sido(text: &str) -> String {
    for (short, long) in SIDOS {
        for name in long.iter().copied().chain([short]) {
            if let Some(rest) = text.strip_prefix(name)
                && rest.starts_with(' ')
            {
                return format!("{short}{rest}");
            }
        }
    }
    text.to_owned()
}

/// The end of the building's number, which follows the name of a road: `예시로 12-3`, `예시로8길 5`.
fn number_end(text: &str) -> Option<usize> {
    let ends = text.char_indices().filter(|(_, letter)| matches!(letter, '로' | '길'));
    let mut ends = ends.map(|(at, letter)| at + letter.len_utf8());
    ends.find_map(|at| {
        let rest = text[at..].trim_start();
        let digits = rest.len() - rest.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
        if digits == 0 {
            return None;
        }
        let second = rest[digits..].strip_prefix('-').map_or(0, |tail| {
            let digits = tail.len() - tail.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
            if digits == 0 { 0 } else { digits + 1 }
        });
        let behind = &rest[digits + second..];
        // 로8길 and 101동 are no numbers of buildings.
        let is_number = behind.is_empty() || behind.starts_with([' ', '(']);
        is_number.then(|| text.len() - behind.len())
    })
}

/// The block of an estate: `101동`, `가동`, `101-1203`.
fn block(text: &str) -> Option<String> {
    for word in text.split(' ') {
        if let Some((name, _)) = word.split_once('동') {
            let name = name.trim_start_matches('제');
            let letters = name.chars().count();
            let is_number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
            // A name of two syllables or more is a part of the town.
            if is_number || letters == 1 {
                return Some(name.to_owned());
            }
        }
        let numbers: Vec<&str> = word.trim_end_matches('호').split('-').collect();
        if let [block, unit] = numbers[..]
            && [block, unit]
                .iter()
                .all(|part| (1..=4).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
            && unit.len() >= 3
        {
            return Some(block.to_owned());
        }
    }
    None
}

/// The floor that the number of a unit says: `1203호` is on the twelfth, `3층` on the third. None if it says none.
pub fn floor_of(address2: &str) -> Option<i64> {
    let text = plain(address2);
    let number_before = |mark: char| {
        let (before, _) = text.split_once(mark)?;
        let digits: String = before.chars().rev().take_while(char::is_ascii_digit).collect();
        digits.chars().rev().collect::<String>().parse::<i64>().ok()
    };
    if let Some(floor) = number_before('층') {
        let is_below = text.split_once('층').is_some_and(|(before, _)| before.contains("지하"));
        return (1..=100).contains(&floor).then_some(if is_below { -floor } else { floor });
    }
    let of_unit = |unit: i64| (100..=9_999).contains(&unit).then_some(unit / 100);
    if let Some(unit) = number_before('호') {
        return of_unit(unit);
    }
    let word = text.split(' ').rfind(|word| word.contains('-'))?;
    let (block, unit) = word.split_once('-')?;
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if is_number(block) && is_number(unit) { of_unit(unit.parse().ok()?) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(address1: &str, address2: &str) -> String {
        normalised(address1, address2).unwrap_or_default()
    }

    #[test]
    fn units_of_a_building_share_its_card() {
        let expected = "경북포항시북구예시로12|101";
        for (address1, address2) in [
            ("경상북도 포항시 북구 예시로 12", "101동 1203호"),
            ("경북 포항시 북구 예시로 12", "101동 502호"),
            ("경북  포항시 북구 예시로12 (덕수동, 예시아파트)", "101동1203호"),
            ("경상북도 포항시 북구 예시로 12, 101동 1203호", ""),
            ("경북 포항시 북구 예시로 12 (덕수동)", "예시아파트 101-1203"),
            ("경북 포항시 북구 예시로 １２", "제101동 3호"),
        ] {
            assert_eq!(text(address1, address2), expected, "{address1}, {address2}");
        }
        assert_eq!(building("경북 포항시 북구 예시로 12", "101동 1호").expect("a key").as_str().len(), 64);
        assert_eq!(building(" ", "101동"), None);
    }

    #[test]
    fn other_block_or_number_is_another_building() {
        let building = |address1, address2| text(address1, address2);
        let one = building("경북 포항시 북구 예시로 12", "101동 1203호");
        assert_ne!(one, building("경북 포항시 북구 예시로 12", "102동 1203호"));
        assert_ne!(one, building("경북 포항시 북구 예시로 12-3", "101동 1203호"));
        assert_ne!(one, building("경북 포항시 남구 예시로 12", "101동 1203호"));
        assert_eq!(building("서울특별시 강남구 테헤란로8길 5", "3층"), "서울강남구테헤란로8길5|");
        assert_eq!(
            building("경기도 수원시 영통구 광교중앙로248번길 7-2", "가동 201호"),
            "경기수원시영통구광교중앙로248번길7-2|가"
        );
        assert_eq!(building("서울 구로구 디지털로 300", "덕수동 12호"), "서울구로구디지털로300|");
    }

    #[test]
    fn floor_is_read_from_the_unit() {
        for (address2, floor) in [
            ("101동 1203호", Some(12)),
            ("302호", Some(3)),
            ("3층", Some(3)),
            ("지하 1층", Some(-1)),
            ("예시아파트 101-502", Some(5)),
            ("뒷집", None),
            ("12호", None),
            ("", None),
        ] {
            assert_eq!(floor_of(address2), floor, "{address2}");
        }
    }
}

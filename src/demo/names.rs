//! Synthetic names, telephone numbers and addresses, and the people made of them.

use std::collections::BTreeMap;

use crate::districts::Districts;
use crate::orders::model::{Customer, Recipient};
use crate::random::seeded::Random;

const SURNAMES: [&str; 24] = [
    "김", "김", "김", "이", "이", "박", "박", "최", "정", "강", "조", "윤", "장", "임", "한", "오", "서", "신", "권",
    "황", "안", "송", "남궁", "홍",
];
const FIRST_SYLLABLES: [&str; 24] = [
    "가", "나", "다", "도", "민", "서", "수", "연", "영", "예", "유", "은", "재", "정", "지", "진", "태", "하", "현",
    "혜", "윤", "소", "준", "길",
];
const LAST_SYLLABLES: [&str; 24] = [
    "경", "람", "린", "비", "빈", "서", "솔", "수", "아", "연", "영", "온", "우", "원", "윤", "은", "인", "재", "정",
    "준", "진", "현", "호", "희",
];
const ROADS: [&str; 8] = ["예시로", "견본로", "보기길", "시험로", "연습길", "모의대로", "표본로", "가상길"];
const HOUSES: [&str; 6] = ["예시아파트", "견본마을", "보기빌라", "연습타운", "시험오피스텔", "가상하이츠"];

/// Synthetic customer or recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Full name: 김서윤.
    pub name: String,
    /// Telephone number: `010-0000-1234`.
    pub tel: String,
    /// Postal code of an existing district, five digits.
    pub zip_code: String,
    /// Road address: `경상북도 포항시 예시로 12`.
    pub address1: String,
    /// Detail address: `견본마을 103동 1204호`.
    pub address2: String,
}

impl Person {
    /// The person as 구매자.
    pub fn customer(&self) -> Customer {
        Customer { name: self.name.clone(), tel: self.tel.clone() }
    }

    /// The person as 수취인 with the telephone number `tel1`.
    pub fn recipient(&self, tel1: String) -> Recipient {
        Recipient {
            name: self.name.clone(),
            tel1,
            tel2: String::new(),
            zip_code: self.zip_code.clone(),
            address1: self.address1.clone(),
            address2: self.address2.clone(),
        }
    }
}

/// Generator of the people of one seed; random access by index.
#[derive(Clone, Debug)]
pub(super) struct Population {
    seed: u64,
    /// All postal code blocks.
    blocks: Vec<PostalBlock>,
    /// The blocks of each 시/도.
    by_sido: Vec<Vec<PostalBlock>>,
}

/// First and last postal code, and the full name of the 시/군/구.
type PostalBlock = (u32, u32, String);

/// Share of people whose 시/도 is drawn uniformly instead of by number of postal codes, so that small 시/도 occur
/// in small shops too.
const UNIFORM_SIDO_PERCENT: u32 = 20;

impl Population {
    pub(super) fn new(seed: u64) -> Self {
        let districts = Districts::embedded();
        let (mut blocks, mut by_sido) = (Vec::new(), BTreeMap::<_, Vec<_>>::new());
        for (start, end, code) in districts.postal_blocks() {
            if let Some((sigungu, sido)) = districts.sigungu(code).zip(districts.sido(code)) {
                let block = (start, end, sigungu.full_name.clone());
                by_sido.entry(sido.code).or_default().push(block.clone());
                blocks.push(block);
            }
        }
        Self { seed, blocks, by_sido: by_sido.into_values().collect() }
    }

    pub(super) fn person(&self, index: u64) -> Person {
        let mut random = Random::for_index(self.seed, index);
        let name =
            format!("{}{}{}", random.word(&SURNAMES), random.word(&FIRST_SYLLABLES), random.word(&LAST_SYLLABLES));
        let tel = format!("010-0000-{:04}", random.below(10_000));
        let sido_blocks = random.chance(UNIFORM_SIDO_PERCENT).then(|| random.pick(&self.by_sido)).flatten();
        let (start, end, district) = random.pick(sido_blocks.unwrap_or(&self.blocks)).cloned().unwrap_or_default();
        let address1 = format!("{district} {} {}", random.word(&ROADS), random.between(1, 320));
        let address2 = format!(
            "{} {}동 {}{:02}호",
            random.word(&HOUSES),
            random.between(101, 119),
            random.between(1, 24),
            random.between(1, 6)
        );
        Person { name, tel, zip_code: format!("{:05}", random.between(start, end)), address1, address2 }
    }
}

/// Infinite iterator over the people of a seed, from all 시/도.
pub fn people(seed: u64) -> impl Iterator<Item = Person> {
    let population = Population::new(seed);
    (0..).map(move |index| population.person(index))
}

/// Safe number (안심번호), which a channel shows in place of the real number: `0503-0000-1234`.
pub(super) fn safe_number(random: &mut Random) -> String {
    format!("050{}-0000-{:04}", random.between(2, 8), random.below(10_000))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::districts::Classification;

    #[test]
    fn addresses_match_their_postal_codes() {
        let districts = Districts::embedded();
        let mut sidos = HashSet::new();
        for person in people(7).take(5000) {
            let Classification::District { code } = districts.lookup(&person.zip_code) else {
                panic!("{person:?} lives nowhere");
            };
            assert!(person.address1.starts_with(&districts.sigungu(code).expect("a district").full_name), "{person:?}");
            sidos.insert(districts.sido(code).expect("a 시/도").code);
            assert!(person.tel.starts_with("010-0000-"));
        }
        assert_eq!(sidos.len(), districts.sidos().count(), "somebody lives in every 시/도");
    }

    #[test]
    fn people_are_deterministic_per_seed() {
        assert!(people(3).take(50).eq(people(3).take(50)));
        assert!(!people(3).take(50).eq(people(4).take(50)));
    }
}

//! Synthetic people and where they live.

use std::collections::BTreeMap;

use super::random::Random;
use crate::districts::Districts;
use crate::orders::model::{Customer, Recipient};

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

/// Somebody who does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// 김서윤
    pub name: String,
    /// `010-0000-1234`
    pub tel: String,
    /// a code that lies in a district, five digits
    pub zip_code: String,
    /// `경상북도 포항시 예시로 12`
    pub address1: String,
    /// `견본마을 103동 1204호`
    pub address2: String,
}

impl Person {
    /// This person as one who pays.
    pub fn customer(&self) -> Customer {
        Customer { name: self.name.clone(), tel: self.tel.clone() }
    }

    /// This person as one who receives, under `tel1`.
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

/// Makes the people of one seed; each is the same whenever asked for.
#[derive(Clone, Debug)]
pub(super) struct Population {
    seed: u64,
    /// first and last postal code, and the name of the 시/군/구
    places: Vec<Block>,
    /// … of each 시/도
    by_sido: Vec<Vec<Block>>,
}

type Block = (u32, u32, String);

/// Of a hundred people, so many live in any 시/도 with the same chance: else the smallest would have
/// nobody in a small shop.
const SPREAD_PERCENT: u32 = 20;

impl Population {
    pub(super) fn new(seed: u64) -> Self {
        let districts = Districts::embedded();
        let (mut places, mut by_sido) = (Vec::new(), BTreeMap::<_, Vec<_>>::new());
        for (start, end, code) in districts.postal_blocks() {
            if let Some((sigungu, sido)) = districts.sigungu(code).zip(districts.sido(code)) {
                let block = (start, end, sigungu.full_name.clone());
                by_sido.entry(sido.code).or_default().push(block.clone());
                places.push(block);
            }
        }
        Self { seed, places, by_sido: by_sido.into_values().collect() }
    }

    pub(super) fn person(&self, index: u64) -> Person {
        let mut random = Random::of(self.seed, index);
        let name =
            format!("{}{}{}", random.word(&SURNAMES), random.word(&FIRST_SYLLABLES), random.word(&LAST_SYLLABLES));
        let tel = format!("010-0000-{:04}", random.below(10_000));
        let anywhere = random.chance(SPREAD_PERCENT).then(|| random.pick(&self.by_sido)).flatten();
        let (start, end, district) = random.pick(anywhere.unwrap_or(&self.places)).cloned().unwrap_or_default();
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

/// People without end, from all over the country.
pub fn people(seed: u64) -> impl Iterator<Item = Person> {
    let population = Population::new(seed);
    (0..).map(move |index| population.person(index))
}

/// `0503-0000-1234`: the number that a channel gives instead of the real one.
pub(super) fn safe_number(random: &mut Random) -> String {
    format!("050{}-0000-{:04}", random.between(2, 8), random.below(10_000))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::districts::Place;

    #[test]
    fn people_live_where_their_postal_code_is() {
        let districts = Districts::embedded();
        let mut sidos = HashSet::new();
        for person in people(7).take(5000) {
            let Place::District { code } = districts.lookup(&person.zip_code) else {
                panic!("{person:?} lives nowhere");
            };
            assert!(person.address1.starts_with(&districts.sigungu(code).expect("a district").full_name), "{person:?}");
            sidos.insert(districts.sido(code).expect("a 시/도").code);
            assert!(person.tel.starts_with("010-0000-"));
        }
        assert_eq!(sidos.len(), districts.sidos().count(), "somebody lives in every 시/도");
    }

    #[test]
    fn a_seed_makes_the_same_people() {
        assert!(people(3).take(50).eq(people(3).take(50)));
        assert!(!people(3).take(50).eq(people(4).take(50)));
    }
}

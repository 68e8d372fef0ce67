//! What a list of deliveries shows: the same words in the address of the page, in its form and on
//! the command line.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::model::DeliveryState;
use crate::districts::Districts;
use crate::orders::model::ShippingMethod;
use crate::orders::terms::SearchField;
use crate::time::parse_date;

/// Where in a delivery's orders words are searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SearchIn {
    /// 전체
    #[default]
    Everything,
    /// 배송번호
    DeliveryNumber,
    /// 수취인명
    RecipientName,
    /// 연락처1
    RecipientTel1,
    /// 연락처2
    RecipientTel2,
    /// 주소, the detail too
    Address,
    /// 상세주소 alone
    AddressDetail,
}

impl SearchIn {
    /// Every place, in the order of the choice on the page.
    pub const ALL: [Self; 7] = [
        Self::Everything,
        Self::DeliveryNumber,
        Self::RecipientName,
        Self::RecipientTel1,
        Self::RecipientTel2,
        Self::Address,
        Self::AddressDetail,
    ];

    /// The word in an address or on the command line.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Everything => "all",
            Self::DeliveryNumber => "delivery_number",
            Self::RecipientName => "recipient_name",
            Self::RecipientTel1 => "recipient_tel1",
            Self::RecipientTel2 => "recipient_tel2",
            Self::Address => "address",
            Self::AddressDetail => "address2",
        }
    }

    /// The word on the screen.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Everything => "전체",
            Self::DeliveryNumber => "배송번호",
            Self::RecipientName => "수취인명",
            Self::RecipientTel1 => "연락처1",
            Self::RecipientTel2 => "연락처2",
            Self::Address => "주소",
            Self::AddressDetail => "상세주소",
        }
    }

    /// The place of that code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|place| place.code() == code)
    }

    /// The field of orders whose terms lead there.
    pub const fn field(self) -> SearchField {
        match self {
            Self::Everything => SearchField::All,
            Self::DeliveryNumber => SearchField::BundleNumber,
            Self::RecipientName => SearchField::RecipientName,
            Self::RecipientTel1 => SearchField::RecipientTel1,
            Self::RecipientTel2 => SearchField::RecipientTel2,
            Self::Address | Self::AddressDetail => SearchField::Address,
        }
    }
}

/// How a list is sorted. Deliveries of the same day, district or state keep their sequence from page
/// to page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// newest first
    #[default]
    Newest,
    /// the own team's first, newest first
    DirectFirst,
    /// by 희망배송일; those without one come last either way
    Preferred {
        /// latest first?
        descending: bool,
    },
    /// by district; 미분류 counts as the lowest
    District {
        /// highest code first?
        descending: bool,
    },
    /// by state, in the order of progress, newest first in each
    State {
        /// furthest first?
        descending: bool,
    },
}

impl Sort {
    /// Every sort, as the choice on the page has them.
    pub const ALL: [Self; 8] = [
        Self::Newest,
        Self::DirectFirst,
        Self::Preferred { descending: false },
        Self::Preferred { descending: true },
        Self::District { descending: false },
        Self::District { descending: true },
        Self::State { descending: false },
        Self::State { descending: true },
    ];

    /// The word in an address or on the command line.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::DirectFirst => "direct",
            Self::Preferred { descending: false } => "preferred_shipping_date.asc",
            Self::Preferred { descending: true } => "preferred_shipping_date.desc",
            Self::District { descending: false } => "sigungu.asc",
            Self::District { descending: true } => "sigungu.desc",
            Self::State { descending: false } => "state.asc",
            Self::State { descending: true } => "state.desc",
        }
    }

    /// The word on the screen.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Newest => "최근 배송 먼저",
            Self::DirectFirst => "직접전달 먼저",
            Self::Preferred { descending: false } => "희망배송일 빠른 순",
            Self::Preferred { descending: true } => "희망배송일 늦은 순",
            Self::District { descending: false } => "지역 순",
            Self::District { descending: true } => "지역 거꾸로",
            Self::State { descending: false } => "상태 순 (준비 먼저)",
            Self::State { descending: true } => "상태 거꾸로",
        }
    }

    /// The sort of that code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sort| sort.code() == code)
    }
}

/// Where deliveries go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// anywhere
    #[default]
    Anywhere,
    /// into the 시/도 of that code
    Sido(i64),
    /// into the 시/군/구 of that code
    Sigungu(i64),
    /// into that 일반구 of a city; none is what is known of the city only as a whole
    Gu {
        /// the city's code
        city: i64,
        /// the 일반구's
        gu: Option<i64>,
    },
    /// nobody knows: 미분류
    Unclassified,
}

/// Which 희망배송일 deliveries have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preferred {
    /// any or none
    #[default]
    Any,
    /// any, but one
    Some,
    /// none
    None,
    /// one of these days, both included; an open end is none
    Between(Option<NaiveDate>, Option<NaiveDate>),
}

/// What a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// where to search
    pub field: SearchIn,
    /// what for; empty is no search
    pub search: String,
    /// where they stand; empty is anywhere
    pub states: Vec<DeliveryState>,
    /// how they travel; empty is in any way
    pub methods: Vec<ShippingMethod>,
    /// where they go
    pub place: Place,
    /// the postal codes that tell a [`Place::Gu`]: those of the 일반구, or of all 일반구 of the city
    pub zip_codes: Vec<String>,
    /// when they are wanted
    pub preferred: Preferred,
    /// the sequence
    pub sort: Sort,
}

/// A [`DeliveryFilter`] as it is typed or linked. What cannot be understood is left out, as a list
/// with too much is better than an error about an address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeliveryWords {
    /// a [`SearchIn`] code
    pub field: String,
    /// words to search
    pub q: String,
    /// [`DeliveryState`] codes
    pub state: Vec<String>,
    /// [`ShippingMethod`] codes
    pub method: Vec<String>,
    /// a 시/도: `47` or `47000`
    pub sido: String,
    /// a 시/군/구: `47110`; a 일반구: `47111`; `47110-none` is neither 일반구 of the city; `none` is 미분류
    pub sigungu: String,
    /// `none`: without 희망배송일
    pub date: String,
    /// `YYYY-MM-DD`
    pub date_from: String,
    /// `YYYY-MM-DD`
    pub date_to: String,
    /// a [`Sort`] code
    pub sort: String,
}

/// What `sigungu` and `date` say for "there is none".
pub const NONE: &str = "none";

/// What stands behind a city's code for what is in none of its 일반구, as far as is known.
pub const NO_GU: &str = "-none";

impl DeliveryWords {
    /// The filter these words mean; `by_default` is the sequence when they name none.
    pub fn filter(&self, by_default: Sort, districts: &Districts) -> DeliveryFilter {
        let place = self.place(districts);
        let states = self.state.iter().filter_map(|code| DeliveryState::parse(code));
        let methods = self.method.iter().filter_map(|code| ShippingMethod::from_code(code));
        DeliveryFilter {
            field: SearchIn::parse(&self.field).unwrap_or_default(),
            search: self.q.trim().to_owned(),
            states: sorted(states),
            methods: sorted(methods),
            place,
            zip_codes: place.zip_codes(districts),
            preferred: self.preferred(),
            sort: Sort::parse(&self.sort).unwrap_or(by_default),
        }
    }

    fn place(&self, districts: &Districts) -> Place {
        if self.sigungu == NONE {
            return Place::Unclassified;
        }
        let sido = self.sido.parse().ok().map(sido_code);
        match (sido, self.inside(districts)) {
            // Whoever chose another 시/도 means all of it, though the 시/군/구 of before still stands there.
            (Some(sido), Some((code, place))) if sido_of(code) == sido => place,
            (Some(sido), _) => Place::Sido(sido),
            (None, Some((_, place))) => place,
            (None, None) => Place::Anywhere,
        }
    }

    /// The 시/군/구 or 일반구 that is named, with its code.
    fn inside(&self, districts: &Districts) -> Option<(i64, Place)> {
        if let Some(city) = self.sigungu.strip_suffix(NO_GU) {
            let city = city.parse().ok()?;
            return Some((city, Place::Gu { city, gu: None }));
        }
        let code = self.sigungu.parse().ok()?;
        let city = districts.region(code).filter(|region| region.level == 2).and_then(|region| region.parent_code);
        Some((code, city.map_or(Place::Sigungu(code), |city| Place::Gu { city, gu: Some(code) })))
    }

    fn preferred(&self) -> Preferred {
        if self.date == NONE {
            return Preferred::None;
        }
        match (parse_date(&self.date_from), parse_date(&self.date_to)) {
            (None, None) => Preferred::Any,
            (Some(from), Some(to)) => Preferred::Between(Some(from.min(to)), Some(from.max(to))),
            (from, to) => Preferred::Between(from, to),
        }
    }

    /// The address's query with these words, and the sort and the page turned to others.
    pub fn query(&self, sort: &str) -> String {
        serde_html_form::to_string(Self { sort: sort.to_owned(), ..self.clone() }.pairs()).unwrap_or_default()
    }

    /// Every word that is there, as pairs of a form.
    fn pairs(&self) -> Vec<(&str, &str)> {
        let one = |name, word| std::iter::once((name, word));
        one("field", self.field.as_str())
            .chain(one("q", &self.q))
            .chain(self.state.iter().map(|word| ("state", word.as_str())))
            .chain(self.method.iter().map(|word| ("method", word.as_str())))
            .chain(one("sido", &self.sido))
            .chain(one("sigungu", &self.sigungu))
            .chain(one("date", &self.date))
            .chain(one("date_from", &self.date_from))
            .chain(one("date_to", &self.date_to))
            .chain(one("sort", &self.sort))
            .filter(|(_, word)| !word.is_empty())
            .collect()
    }
}

/// `47` for `47000`, as people and links write a 시/도.
fn sido_code(code: i64) -> i64 {
    if code < 100 { code * 1000 } else { code }
}

/// The 시/도 that a district's code begins with.
const fn sido_of(sigungu: i64) -> i64 {
    sigungu / 1000 * 1000
}

/// Everything chosen once; everything there is is no choice.
fn sorted<T: Ord>(chosen: impl Iterator<Item = T>) -> Vec<T> {
    let mut chosen: Vec<T> = chosen.collect();
    chosen.sort();
    chosen.dedup();
    chosen
}

impl Place {
    /// The 시/도 that is chosen, or the one around what is chosen.
    pub fn sido(self, districts: &Districts) -> Option<i64> {
        match self {
            Self::Sido(code) => Some(code),
            Self::Sigungu(code) | Self::Gu { city: code, .. } => {
                Some(districts.sido(code).map_or(sido_of(code), |sido| sido.code))
            }
            Self::Anywhere | Self::Unclassified => None,
        }
    }

    /// What `sigungu` says for this place.
    pub fn sigungu_word(self) -> String {
        match self {
            Self::Sigungu(code) | Self::Gu { gu: Some(code), .. } => code.to_string(),
            Self::Gu { city, gu: None } => format!("{city}{NO_GU}"),
            Self::Unclassified => NONE.to_owned(),
            Self::Anywhere | Self::Sido(_) => String::new(),
        }
    }

    fn zip_codes(self, districts: &Districts) -> Vec<String> {
        match self {
            Self::Gu { city, gu } => districts.zip_codes_of_gu(city, gu),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(query: &str) -> DeliveryWords {
        serde_html_form::from_str(query).expect("reads")
    }

    fn filter(query: &str) -> DeliveryFilter {
        words(query).filter(Sort::default(), &Districts::embedded())
    }

    #[test]
    fn an_address_says_what_is_wanted() {
        let filter = filter(
            "sido=47&sigungu=47110&state=READY_TO_SHIP&state=PREPARING&method=DIRECT&date_from=2026-11-22&date_to=2026-11-23&q=%EA%B9%80",
        );
        assert_eq!(filter.place, Place::Sigungu(47110));
        assert_eq!(filter.states, [DeliveryState::Preparing, DeliveryState::ReadyToShip]);
        assert_eq!(filter.methods, [ShippingMethod::Direct]);
        assert_eq!(filter.preferred, Preferred::Between(parse_date("2026-11-22"), parse_date("2026-11-23")));
        assert_eq!(filter.search, "김");
    }

    #[test]
    fn another_sido_leaves_the_sigungu_of_before_behind() {
        assert_eq!(filter("sido=47000&sigungu=47110").place, Place::Sigungu(47110));
        assert_eq!(filter("sido=11&sigungu=47110").place, Place::Sido(11_000));
        assert_eq!(filter("sigungu=47110").place, Place::Sigungu(47110));
        assert_eq!(filter("sido=47&sigungu=none").place, Place::Unclassified);
    }

    #[test]
    fn a_gu_is_its_city_and_its_postal_codes() {
        let south = filter("sido=47&sigungu=47111");
        assert_eq!(south.place, Place::Gu { city: 47110, gu: Some(47111) });
        let north = filter("sigungu=47113");
        assert!(!south.zip_codes.is_empty() && south.zip_codes.iter().all(|zip| !north.zip_codes.contains(zip)));
        let rest = filter("sigungu=47110-none");
        assert_eq!(rest.place, Place::Gu { city: 47110, gu: None });
        assert_eq!(rest.zip_codes.len(), south.zip_codes.len() + north.zip_codes.len());
        assert_eq!(filter("sido=11&sigungu=47111").place, Place::Sido(11_000));
        for word in ["47110", "47111", "47110-none", "none"] {
            assert_eq!(filter(&format!("sigungu={word}")).place.sigungu_word(), word);
        }
    }

    #[test]
    fn nonsense_is_left_out_and_a_reversed_range_is_turned() {
        let nonsense = "field=memo&state=배달&method=DRONE&sido=경북&date_from=2026-02-30&sort=price.desc";
        assert_eq!(filter(nonsense), DeliveryFilter::default());
        let turned = filter("date_from=2026-11-23&date_to=2026-11-22");
        assert_eq!(turned.preferred, Preferred::Between(parse_date("2026-11-22"), parse_date("2026-11-23")));
        assert_eq!(filter("date=none&date_from=2026-11-23").preferred, Preferred::None);
        assert_eq!(words("").filter(Sort::DirectFirst, &Districts::embedded()).sort, Sort::DirectFirst);
    }

    #[test]
    fn the_query_keeps_every_word_and_repeats_what_was_repeated() {
        let query = "q=a&state=PREPARING&state=COMPLETED&sido=47&date=none";
        assert_eq!(words(query).query("newest"), format!("{query}&sort=newest"));
        assert_eq!(words(&words(query).query("")), words(query));
    }
}

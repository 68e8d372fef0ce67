//! The filter of the delivery list, and its query string. The page's URL, its form and the command line use
//! the same parameters.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::districts::Districts;
use crate::id::{AuditEntryId, Id};
use crate::orders::bundle::DeliveryState;
use crate::orders::model::ShippingMethod;
use crate::orders::search_field::SearchField;
use crate::text::coded;
use crate::time::parse_date;

coded! {
    /// The field of a delivery's orders that a search looks in.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub enum DeliverySearchField {
        /// 전체
        #[default]
        Everything = "all" "전체",
        /// 묶음배송번호
        DeliveryNumber = "delivery_number" "묶음배송번호",
        /// 수취인명
        RecipientName = "recipient_name" "수취인명",
        /// 연락처1
        RecipientTel1 = "recipient_tel1" "연락처1",
        /// 연락처2
        RecipientTel2 = "recipient_tel2" "연락처2",
        /// 주소 and 상세주소
        Address = "address" "주소",
        /// 상세주소
        AddressDetail = "address2" "상세주소",
    }
}

impl DeliverySearchField {
    /// The field of the orders' search index. 상세주소 shares that of 주소.
    pub const fn order_field(self) -> SearchField {
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

/// The sort order of the list. Ties are broken by identifier, so rows never shuffle between pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// newest first
    #[default]
    Newest,
    /// 직접전달 first, newest first in each group
    DirectFirst,
    /// by 희망배송일; deliveries without a date are last in both directions
    Preferred {
        /// latest first
        descending: bool,
    },
    /// by district code; 미분류 is the lowest
    District {
        /// highest code first
        descending: bool,
    },
    /// by state, newest first in each state
    State {
        /// last state first
        descending: bool,
    },
}

impl Sort {
    /// Every sort order, in the order of the page's choice.
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

    /// The value in a query string and on the command line.
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

    /// The Korean label.
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

    /// The sort order of that code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sort| sort.code() == code)
    }
}

/// The destination regions to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RegionFilter {
    /// every region, and 미분류
    #[default]
    Any,
    /// the 시/도 of that code
    Sido(i64),
    /// the 시/군/구 of that code
    Sigungu(i64),
    /// one 일반구 of a city, or the deliveries of the city whose 일반구 is unknown
    Gu {
        /// code of the city
        city: i64,
        /// code of the 일반구; none is unknown
        gu: Option<i64>,
    },
    /// 미분류
    Unclassified,
}

/// The 희망배송일 to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PreferredDate {
    /// with and without a date
    #[default]
    Any,
    /// with a date
    Dated,
    /// without a date
    Undated,
    /// from the first to the second date, both included; none is unbounded
    Between(Option<NaiveDate>, Option<NaiveDate>),
}

/// The filter of the delivery list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// field of the search
    pub field: DeliverySearchField,
    /// words to search; empty is no search
    pub search: String,
    /// states; empty is all
    pub states: Vec<DeliveryState>,
    /// shipping methods; empty is all
    pub methods: Vec<ShippingMethod>,
    /// destination
    pub region: RegionFilter,
    /// for [`RegionFilter::Gu`]: the postal codes of the 일반구, or of all 일반구 of the city
    pub zip_codes: Vec<String>,
    /// 희망배송일
    pub preferred_date: PreferredDate,
    /// only deliveries with orders that this bulk action changed
    pub action: Option<AuditEntryId>,
    /// sort order
    pub sort: Sort,
}

impl DeliveryFilter {
    /// Deliveries with that 희망배송일 that are not over.
    pub fn due_on(day: NaiveDate) -> Self {
        Self {
            states: DeliveryState::UNDER_WAY.into(),
            preferred_date: PreferredDate::Between(Some(day), Some(day)),
            ..Self::default()
        }
    }

    /// Dispatched deliveries of the own team that are not over.
    pub fn ready_direct() -> Self {
        let (states, methods) = (vec![DeliveryState::ReadyToShip], vec![ShippingMethod::Direct]);
        Self { states, methods, ..Self::default() }
    }

    /// Parcels that are dispatched and not on their way.
    pub fn parcels() -> Self {
        Self { methods: vec![ShippingMethod::Parcel], ..Self::ready_direct() }
    }
}

/// A [`DeliveryFilter`] as a query string. Invalid values are ignored: a list with too many rows is better than
/// an error about a URL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeliveryQuery {
    /// a [`DeliverySearchField`] code
    pub field: String,
    /// words to search
    pub q: String,
    /// [`DeliveryState`] codes
    pub state: Vec<String>,
    /// [`ShippingMethod`] codes
    pub method: Vec<String>,
    /// a 시/도: `47` or `47000`
    pub sido: String,
    /// a 시/군/구: `47110`; a 일반구: `47111`; `47110-none`: the city with unknown 일반구; `none`: 미분류
    pub sigungu: String,
    /// `none`: without 희망배송일
    pub date: String,
    /// `YYYY-MM-DD`
    pub date_from: String,
    /// `YYYY-MM-DD`
    pub date_to: String,
    /// identifier of a bulk action
    pub action: String,
    /// a [`Sort`] code
    pub sort: String,
}

/// Value of `sigungu` for 미분류, and of `date` for no 희망배송일.
pub const NONE: &str = "none";

/// Suffix of a city's code in `sigungu` for an unknown 일반구.
pub const NO_GU_SUFFIX: &str = "-none";

impl DeliveryQuery {
    /// The query of [`DeliveryFilter::due_on`].
    pub fn due_on(day: NaiveDate) -> Self {
        Self {
            state: DeliveryState::UNDER_WAY.map(|state| state.code().to_owned()).into(),
            date_from: day.to_string(),
            date_to: day.to_string(),
            ..Self::default()
        }
    }

    /// The query of [`DeliveryFilter::ready_direct`], the earliest day first.
    pub fn ready_direct() -> Self {
        let sort = Sort::Preferred { descending: false }.code().to_owned();
        Self { sort, ..Self::ready(ShippingMethod::Direct) }
    }

    /// The query of [`DeliveryFilter::parcels`].
    pub fn parcels() -> Self {
        Self::ready(ShippingMethod::Parcel)
    }

    fn ready(method: ShippingMethod) -> Self {
        let codes = |code: &str| vec![code.to_owned()];
        Self { state: codes(DeliveryState::ReadyToShip.code()), method: codes(method.code()), ..Self::default() }
    }

    /// Parses the filter; `default_sort` applies when the query has no valid sort order.
    pub fn filter(&self, default_sort: Sort, districts: &Districts) -> DeliveryFilter {
        let region = self.region(districts);
        let states = self.state.iter().filter_map(|code| DeliveryState::parse(code));
        let methods = self.method.iter().filter_map(|code| ShippingMethod::from_code(code));
        DeliveryFilter {
            field: DeliverySearchField::from_code(&self.field).unwrap_or_default(),
            search: self.q.trim().to_owned(),
            states: distinct(states),
            methods: distinct(methods),
            region,
            zip_codes: region.zip_codes(districts),
            preferred_date: self.preferred_date(),
            action: Id::parse(&self.action),
            sort: Sort::from_code(&self.sort).unwrap_or(default_sort),
        }
    }

    fn region(&self, districts: &Districts) -> RegionFilter {
        if self.sigungu == NONE {
            return RegionFilter::Unclassified;
        }
        let sido = self.sido.parse().ok().map(sido_code);
        match (sido, self.sigungu_or_gu(districts)) {
            // After a change of the 시/도, the form still sends the 시/군/구 of the previous one: ignore it.
            (Some(sido), Some((code, region))) if sido_of(code) == sido => region,
            (Some(sido), _) => RegionFilter::Sido(sido),
            (None, Some((_, region))) => region,
            (None, None) => RegionFilter::Any,
        }
    }

    /// The 시/군/구 or 일반구 of the query, with its code.
    fn sigungu_or_gu(&self, districts: &Districts) -> Option<(i64, RegionFilter)> {
        if let Some(city) = self.sigungu.strip_suffix(NO_GU_SUFFIX) {
            let city = city.parse().ok()?;
            return Some((city, RegionFilter::Gu { city, gu: None }));
        }
        let code = self.sigungu.parse().ok()?;
        let city = districts.region(code).filter(|region| region.level == 2).and_then(|region| region.parent_code);
        Some((code, city.map_or(RegionFilter::Sigungu(code), |city| RegionFilter::Gu { city, gu: Some(code) })))
    }

    fn preferred_date(&self) -> PreferredDate {
        if self.date == NONE {
            return PreferredDate::Undated;
        }
        match (parse_date(&self.date_from), parse_date(&self.date_to)) {
            (None, None) => PreferredDate::Any,
            (Some(from), Some(to)) => PreferredDate::Between(Some(from.min(to)), Some(from.max(to))),
            (from, to) => PreferredDate::Between(from, to),
        }
    }

    /// The query string, with another sort order.
    pub fn to_query_string(&self, sort: &str) -> String {
        serde_html_form::to_string(Self { sort: sort.to_owned(), ..self.clone() }.pairs()).unwrap_or_default()
    }

    /// The non-empty parameters.
    fn pairs(&self) -> Vec<(&str, &str)> {
        let one = |name, value| std::iter::once((name, value));
        one("field", self.field.as_str())
            .chain(one("q", &self.q))
            .chain(self.state.iter().map(|value| ("state", value.as_str())))
            .chain(self.method.iter().map(|value| ("method", value.as_str())))
            .chain(one("sido", &self.sido))
            .chain(one("sigungu", &self.sigungu))
            .chain(one("date", &self.date))
            .chain(one("date_from", &self.date_from))
            .chain(one("date_to", &self.date_to))
            .chain(one("action", &self.action))
            .chain(one("sort", &self.sort))
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }
}

/// The code of a 시/도: `47` and `47000` are both `47000`.
fn sido_code(code: i64) -> i64 {
    if code < 100 { code * 1000 } else { code }
}

/// The 시/도 code of a 시/군/구 or 일반구.
const fn sido_of(sigungu: i64) -> i64 {
    sigungu / 1000 * 1000
}

/// The distinct values, in order.
fn distinct<T: Ord>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut values: Vec<T> = values.collect();
    values.sort();
    values.dedup();
    values
}

impl RegionFilter {
    /// The selected 시/도, or the one that contains the selected region.
    pub fn sido(self, districts: &Districts) -> Option<i64> {
        match self {
            Self::Sido(code) => Some(code),
            Self::Sigungu(code) | Self::Gu { city: code, .. } => {
                Some(districts.sido(code).map_or(sido_of(code), |sido| sido.code))
            }
            Self::Any | Self::Unclassified => None,
        }
    }

    /// The value of the parameter `sigungu`.
    pub fn sigungu_value(self) -> String {
        match self {
            Self::Sigungu(code) | Self::Gu { gu: Some(code), .. } => code.to_string(),
            Self::Gu { city, gu: None } => format!("{city}{NO_GU_SUFFIX}"),
            Self::Unclassified => NONE.to_owned(),
            Self::Any | Self::Sido(_) => String::new(),
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

    fn query(text: &str) -> DeliveryQuery {
        serde_html_form::from_str(text).expect("reads")
    }

    fn filter(text: &str) -> DeliveryFilter {
        query(text).filter(Sort::default(), &Districts::embedded())
    }

    #[test]
    fn query_string_is_parsed() {
        let filter = filter(
            "sido=47&sigungu=47110&state=READY_TO_SHIP&state=PREPARING&method=DIRECT&date_from=2026-11-22&date_to=2026-11-23&q=%EA%B9%80",
        );
        assert_eq!(filter.region, RegionFilter::Sigungu(47110));
        assert_eq!(filter.states, [DeliveryState::Preparing, DeliveryState::ReadyToShip]);
        assert_eq!(filter.methods, [ShippingMethod::Direct]);
        assert_eq!(filter.preferred_date, PreferredDate::Between(parse_date("2026-11-22"), parse_date("2026-11-23")));
        assert_eq!(filter.search, "김");
    }

    #[test]
    fn sigungu_of_another_sido_is_ignored() {
        assert_eq!(filter("sido=47000&sigungu=47110").region, RegionFilter::Sigungu(47110));
        assert_eq!(filter("sido=11&sigungu=47110").region, RegionFilter::Sido(11_000));
        assert_eq!(filter("sigungu=47110").region, RegionFilter::Sigungu(47110));
        assert_eq!(filter("sido=47&sigungu=none").region, RegionFilter::Unclassified);
    }

    #[test]
    fn gu_is_filtered_by_city_and_postal_codes() {
        let south = filter("sido=47&sigungu=47111");
        assert_eq!(south.region, RegionFilter::Gu { city: 47110, gu: Some(47111) });
        let north = filter("sigungu=47113");
        assert!(!south.zip_codes.is_empty() && south.zip_codes.iter().all(|zip| !north.zip_codes.contains(zip)));
        let unknown = filter("sigungu=47110-none");
        assert_eq!(unknown.region, RegionFilter::Gu { city: 47110, gu: None });
        assert_eq!(unknown.zip_codes.len(), south.zip_codes.len() + north.zip_codes.len());
        assert_eq!(filter("sido=11&sigungu=47111").region, RegionFilter::Sido(11_000));
        for value in ["47110", "47111", "47110-none", "none"] {
            assert_eq!(filter(&format!("sigungu={value}")).region.sigungu_value(), value);
        }
    }

    #[test]
    fn invalid_values_are_ignored_and_reversed_dates_swapped() {
        let invalid = "field=memo&state=배달&method=DRONE&sido=경북&date_from=2026-02-30&sort=price.desc";
        assert_eq!(filter(invalid), DeliveryFilter::default());
        let reversed = filter("date_from=2026-11-23&date_to=2026-11-22");
        assert_eq!(reversed.preferred_date, PreferredDate::Between(parse_date("2026-11-22"), parse_date("2026-11-23")));
        assert_eq!(filter("date=none&date_from=2026-11-23").preferred_date, PreferredDate::Undated);
        assert_eq!(query("").filter(Sort::DirectFirst, &Districts::embedded()).sort, Sort::DirectFirst);
    }

    #[test]
    fn query_string_round_trips_with_repeated_parameters() {
        let text = "q=a&state=PREPARING&state=COMPLETED&sido=47&date=none";
        assert_eq!(query(text).to_query_string("newest"), format!("{text}&sort=newest"));
        assert_eq!(query(&query(text).to_query_string("")), query(text));
    }
}

//! Where the trucks go: weekdays of districts, and postal codes that only ships reach.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::weekdays::Weekdays;
use crate::districts::Districts;

/// Postal codes from the first to the last one, inclusive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZipRange {
    /// first postal code, five digits
    pub first: String,
    /// last postal code, five digits
    pub last: String,
}

/// Why a place is not served on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotServed {
    /// only a ship goes there
    Ferry,
    /// its district has other weekdays
    OtherWeekdays {
        /// name of the district: `구미시`
        district: String,
        /// the weekdays of that district; empty for a district without delivery
        weekdays: Weekdays,
    },
}

/// The served districts.
#[derive(Clone, Debug, Default)]
pub struct ServiceArea {
    weekdays: BTreeMap<i64, Weekdays>,
    ferry_zips: Vec<ZipRange>,
}

impl ServiceArea {
    /// The area with these weekdays of districts (codes of 시/군/구 or 시/도) and postal codes.
    pub fn new(weekdays: impl IntoIterator<Item = (i64, Weekdays)>, ferry_zips: Vec<ZipRange>) -> Self {
        Self { weekdays: weekdays.into_iter().collect(), ferry_zips }
    }

    /// The region that has weekdays for a 시/군/구, itself or its 시/도, with them; none: every working day.
    pub fn weekdays_of(&self, districts: &Districts, sigungu_code: i64) -> Option<(i64, Weekdays)> {
        let sido = districts.sido(sigungu_code).map(|sido| sido.code);
        let mut codes = [Some(sigungu_code), sido].into_iter().flatten();
        codes.find_map(|code| self.weekdays.get(&code).map(|weekdays| (code, *weekdays)))
    }

    /// Why a place is not served on that day. A 시/군/구 without weekdays of its own has those of its 시/도; without either
    /// it is served on every working day.
    pub fn refusal(
        &self,
        districts: &Districts,
        zip_code: &str,
        sigungu_code: Option<i64>,
        day: NaiveDate,
    ) -> Option<NotServed> {
        let is_ferry = |range: &ZipRange| (range.first.as_str()..=range.last.as_str()).contains(&zip_code);
        if self.ferry_zips.iter().any(is_ferry) {
            return Some(NotServed::Ferry);
        }
        let (code, weekdays) = self.weekdays_of(districts, sigungu_code?)?;
        let name = || districts.region(code).map(|region| region.short_name.clone()).unwrap_or_default();
        (!weekdays.contains(day)).then(|| NotServed::OtherWeekdays { district: name(), weekdays })
    }
}

impl NotServed {
    /// Korean sentence.
    pub fn sentence(&self) -> String {
        match self {
            Self::Ferry => "배로 가는 곳이에요".to_owned(),
            Self::OtherWeekdays { district, weekdays } if weekdays.is_empty() => {
                format!("{district}에는 직접 배송하지 않아요")
            }
            Self::OtherWeekdays { district, weekdays } => format!("{district}: {} 배송", weekdays.label()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::parse_date;

    #[test]
    fn district_is_served_on_its_weekdays() {
        let districts = Districts::embedded();
        let (tuesday, monday) = (parse_date("2026-12-01").expect("a date"), parse_date("2026-11-30").expect("a date"));
        let ferry = ZipRange { first: "40200".to_owned(), last: "40240".to_owned() };
        let code = |zip| districts.lookup(zip).district();
        let (gumi, pohang) = (code("39100"), code("37683"));
        let sido = districts.sido(gumi.expect("a district")).expect("a 시/도").code;
        let days = [(gumi.expect("a district"), Weekdays::from_numbers([1, 4]))];
        let area = ServiceArea::new(days, vec![ferry.clone()]);
        let sentence = |area: &ServiceArea, zip, district, day| {
            area.refusal(&districts, zip, district, day).map(|refusal| refusal.sentence())
        };
        assert_eq!(sentence(&area, "39100", gumi, tuesday), None);
        assert_eq!(sentence(&area, "39100", gumi, monday).as_deref(), Some("구미시: 화·금 배송"));
        assert_eq!(sentence(&area, "37683", pohang, monday), None, "no rule: every working day");
        assert_eq!(sentence(&area, "40210", None, monday).as_deref(), Some("배로 가는 곳이에요"));

        let whole = ServiceArea::new([(sido, Weekdays::NONE), days[0]], Vec::new());
        assert_eq!(sentence(&whole, "39100", gumi, tuesday), None, "its own weekdays precede");
        assert_eq!(sentence(&whole, "37683", pohang, tuesday).as_deref(), Some("경북에는 직접 배송하지 않아요"));
    }
}

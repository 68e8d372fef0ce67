//! Working days of the trucks.
//!
//! A truck drives on its weekdays, except on public holidays and days off. The public holidays until 2035 are embedded;
//! the shop adds those that the government declares later (임시공휴일), days off of one truck, and holidays on which it
//! works all the same.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::model::Truck;
use crate::id::TruckId;
use crate::time::holidays::public_holiday;

/// A day that differs from the weekdays and the public holidays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecialDay {
    /// the day
    pub day: NaiveDate,
    /// the truck; none is all of them
    pub truck_id: Option<TruckId>,
    /// a day off, or a working day in spite of a holiday
    pub is_off: bool,
    /// name or reason: `임시공휴일`, `정비`
    pub name: String,
}

/// Working days of all trucks.
#[derive(Clone, Debug, Default)]
pub struct WorkingCalendar {
    special: BTreeMap<(NaiveDate, Option<TruckId>), SpecialDay>,
}

impl WorkingCalendar {
    /// The calendar with these special days.
    pub fn new(days: impl IntoIterator<Item = SpecialDay>) -> Self {
        Self { special: days.into_iter().map(|special| ((special.day, special.truck_id), special)).collect() }
    }

    /// Why the truck does not drive on that day; none on a working day.
    pub fn day_off(&self, truck: &Truck, day: NaiveDate) -> Option<String> {
        if let Some(own) = self.special.get(&(day, Some(truck.id))) {
            return own.is_off.then(|| own.name.clone());
        }
        if let Some(all) = self.special.get(&(day, None)) {
            return all.is_off.then(|| all.name.clone());
        }
        if let Some(name) = public_holiday(day) {
            return Some(name.to_owned());
        }
        (!truck.weekdays.contains(day)).then(|| "운행하지 않는 요일".to_owned())
    }

    /// The name of the holiday or day off of the whole shop on that day.
    pub fn shop_day_off(&self, day: NaiveDate) -> Option<&str> {
        match self.special.get(&(day, None)) {
            Some(special) => special.is_off.then_some(special.name.as_str()),
            None => public_holiday(day),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::parse_date;

    fn day(text: &str) -> NaiveDate {
        parse_date(text).expect("a date")
    }

    fn special(date: &str, truck_id: Option<TruckId>, is_off: bool, name: &str) -> SpecialDay {
        SpecialDay { day: day(date), truck_id, is_off, name: name.to_owned() }
    }

    #[test]
    fn day_of_a_truck_precedes_that_of_the_shop() {
        let mut truck = Truck::suggestion("1호차".to_owned());
        truck.id = TruckId::from_raw(7);
        let days = [
            special("2026-12-25", Some(TruckId::from_raw(7)), false, "급한 배송"),
            special("2026-12-28", None, true, "임시공휴일"),
            special("2026-12-29", Some(TruckId::from_raw(7)), true, "정비"),
            special("2027-01-01", None, false, "새해 배송"),
        ];
        let calendar = WorkingCalendar::new(days);
        let off = |date| calendar.day_off(&truck, day(date));
        assert_eq!(off("2026-12-25"), None, "works on a holiday");
        assert_eq!(off("2026-12-28").as_deref(), Some("임시공휴일"));
        assert_eq!(off("2026-12-29").as_deref(), Some("정비"));
        assert_eq!(off("2027-01-01"), None, "the whole shop works");
        assert_eq!(off("2026-12-27").as_deref(), Some("운행하지 않는 요일"), "a Sunday");
        assert_eq!(off("2026-12-30"), None);
        assert_eq!(calendar.shop_day_off(day("2026-12-25")), Some("성탄절"));
    }
}

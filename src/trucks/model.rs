//! A truck, and its rounds of a day.

use super::weekdays::Weekdays;
use crate::id::TruckId;

/// Hundredths of a cubic metre per cubic metre, the unit of stored volumes.
pub const VOLUME_UNITS: i64 = 100;

/// A truck of the shop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truck {
    /// generated identifier
    pub id: TruckId,
    /// name on the board: `1호차`
    pub name: String,
    /// licence plate, or empty
    pub plate: String,
    /// whether it is planned
    pub enabled: bool,
    /// people aboard
    pub crew: i64,
    /// room in hundredths of a cubic metre
    pub volume: i64,
    /// pieces that fit
    pub pieces: i64,
    /// weekdays on which it drives
    pub weekdays: Weekdays,
    /// minute of the day at which it leaves the depot
    pub starts_at: i64,
    /// minutes until overtime begins
    pub shift_minutes: i64,
    /// minutes of overtime at most
    pub overtime_minutes: i64,
    /// minute of the day at which it leaves for a second time, loaded again
    pub second_round_at: Option<i64>,
    /// postal code where it starts and ends; empty: the depot of the shop
    pub depot_zip: String,
    /// version for optimistic locking
    pub version: i64,
}

/// One round of a truck on a day: from the depot and back, with one load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// 1 or 2
    pub number: i64,
    /// minute of the day at which it begins
    pub starts_at: i64,
    /// minutes until overtime begins
    pub shift_minutes: i64,
    /// minutes of overtime at most
    pub overtime_minutes: i64,
}

impl Truck {
    /// A new truck with usual values, for an empty form.
    pub fn suggestion(name: String) -> Self {
        Self {
            id: TruckId::UNSTORED,
            name,
            plate: String::new(),
            enabled: true,
            crew: 2,
            volume: 12 * VOLUME_UNITS,
            pieces: 20,
            weekdays: Weekdays::MONDAY_TO_SATURDAY,
            starts_at: 8 * 60 + 30,
            shift_minutes: 9 * 60,
            overtime_minutes: 120,
            second_round_at: None,
            depot_zip: String::new(),
            version: 0,
        }
    }

    /// Its rounds of a day. The first of two ends without overtime when the second begins.
    pub fn rounds(&self) -> Vec<Round> {
        let whole = Round {
            number: 1,
            starts_at: self.starts_at,
            shift_minutes: self.shift_minutes,
            overtime_minutes: self.overtime_minutes,
        };
        let Some(second) = self.second_round_at else { return vec![whole] };
        let first_minutes = second - self.starts_at;
        vec![
            Round { shift_minutes: first_minutes, overtime_minutes: 0, ..whole },
            Round { number: 2, starts_at: second, shift_minutes: (self.shift_minutes - first_minutes).max(0), ..whole },
        ]
    }

    /// Postal code of its depot, which is that of the shop unless it has its own.
    pub fn depot_zip<'z>(&'z self, shop: &'z str) -> &'z str {
        if self.depot_zip.is_empty() { shop } else { &self.depot_zip }
    }

    /// Minute of the day at which overtime begins.
    pub fn ends_at(&self) -> i64 {
        self.starts_at + self.shift_minutes
    }
}

/// Minute of the day as text: `08:30`; after midnight `25:10`.
pub fn clock_label(minute: i64) -> String {
    format!("{:02}:{:02}", minute.div_euclid(60), minute.rem_euclid(60))
}

/// Volume in cubic metres without trailing zeros: `12.5`.
pub fn volume_label(volume: i64) -> String {
    let text = format!("{}.{:02}", volume / VOLUME_UNITS, volume % VOLUME_UNITS);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_rounds_share_the_shift_of_a_day() {
        let mut truck = Truck::suggestion("1호차".to_owned());
        assert_eq!(truck.rounds().len(), 1);
        truck.second_round_at = Some(13 * 60 + 30);
        let rounds = truck.rounds();
        assert_eq!((rounds[0].starts_at, rounds[0].shift_minutes, rounds[0].overtime_minutes), (510, 300, 0));
        assert_eq!((rounds[1].starts_at, rounds[1].shift_minutes, rounds[1].overtime_minutes), (810, 240, 120));
        assert_eq!(rounds[1].starts_at + rounds[1].shift_minutes, truck.ends_at());
    }

    #[test]
    fn times_and_volumes_have_short_texts() {
        assert_eq!([clock_label(510), clock_label(1510)], ["08:30", "25:10"]);
        assert_eq!([volume_label(1250), volume_label(1200), volume_label(5)], ["12.5", "12", "0.05"]);
    }
}

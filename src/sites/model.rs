//! The card of a building, and the minutes, people and fee that follow from it.

use crate::text::coded;

/// Maximum length of a note in characters.
pub const MAX_NOTE_CHARS: usize = 500;

/// Maximum length of the code of an entrance in characters.
pub const MAX_CODE_CHARS: usize = 40;

/// How long the code of an entrance is kept if nothing is delivered.
pub const KEEP_CODE_MS: i64 = 30 * 24 * 60 * 60 * 1000;

coded! {
    /// The elevator.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Elevator {
        /// the goods fit
        Fits = "fits" "있음, 상품이 들어감",
        /// the goods do not fit
        TooSmall = "too-small" "있지만 상품이 안 들어감",
        /// none
        Missing = "missing" "없음",
    }
}

coded! {
    /// Whether a ladder truck (사다리차) is used.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum LadderTruck {
        /// it has to come
        Needed = "needed" "필요함",
        /// it could come
        Possible = "possible" "쓸 수 있음",
        /// it cannot come
        Impossible = "impossible" "쓸 수 없음",
    }
}

/// What is known of a building. None: not asked yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SiteFacts {
    /// elevator
    pub elevator: Option<Elevator>,
    /// floor of a house; none: the number of the unit says it
    pub floor: Option<i64>,
    /// ladder truck
    pub ladder_truck: Option<LadderTruck>,
    /// metres from the truck to the entrance
    pub parking_metres: Option<i64>,
    /// for those who carry
    pub note: String,
}

/// What the work at a building takes beyond that of the goods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SiteEffort {
    /// minutes for the stop
    pub minutes: i64,
    /// minutes for each piece
    pub minutes_per_piece: i64,
    /// people at least
    pub crew: i64,
    /// won, to be agreed with the customer
    pub fee: i64,
}

/// What the shop reckons with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SiteRates {
    /// minutes for a piece and a floor of stairs
    pub stairs_minutes: i64,
    /// minutes for a piece and 50 m of carrying
    pub carry_minutes: i64,
    /// minutes for setting up a ladder truck
    pub ladder_minutes: i64,
    /// won for a floor of stairs
    pub stairs_fee: i64,
    /// won for a ladder truck
    pub ladder_fee: i64,
}

impl SiteRates {
    /// Used until the shop sets its own.
    pub const INITIAL: Self =
        Self { stairs_minutes: 2, carry_minutes: 2, ladder_minutes: 30, stairs_fee: 0, ladder_fee: 0 };
}

/// Metres of carrying that are part of every delivery.
const FREE_METRES: i64 = 50;

/// Most minutes that a card adds for a piece.
const MAX_MINUTES_PER_PIECE: i64 = 60;

impl SiteFacts {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Floors of stairs that the goods are carried, for a unit on `floor`.
    fn stairs(&self, floor: Option<i64>) -> i64 {
        let is_by_stairs = matches!(self.elevator, Some(Elevator::TooSmall | Elevator::Missing))
            && self.ladder_truck != Some(LadderTruck::Needed);
        let floor = self.floor.or(floor).unwrap_or(1);
        // The first floor is at the street; a basement is a floor of stairs too.
        let floors = if floor > 0 { floor - 1 } else { -floor };
        if is_by_stairs { floors } else { 0 }
    }

    /// What the work takes for a unit on `floor`.
    pub fn effort(&self, floor: Option<i64>, rates: &SiteRates) -> SiteEffort {
        let stairs = self.stairs(floor);
        let is_ladder = self.ladder_truck == Some(LadderTruck::Needed);
        let carried = self.parking_metres.map_or(0, |metres| (metres - FREE_METRES).max(0));
        let carries = (carried + FREE_METRES - 1) / FREE_METRES;
        let per_piece = stairs * rates.stairs_minutes + carries * rates.carry_minutes;
        SiteEffort {
            minutes: if is_ladder { rates.ladder_minutes } else { 0 },
            minutes_per_piece: per_piece.min(MAX_MINUTES_PER_PIECE),
            crew: if stairs > 0 || is_ladder { 2 } else { 1 },
            fee: stairs * rates.stairs_fee + if is_ladder { rates.ladder_fee } else { 0 },
        }
    }

    /// The card in short lines, for drivers and planners.
    pub fn lines(&self, floor: Option<i64>) -> Vec<String> {
        let mut lines = Vec::new();
        lines.extend(self.elevator.map(|elevator| format!("엘리베이터: {}", elevator.label())));
        match self.stairs(floor) {
            0 => {}
            stairs => lines.push(format!("계단 {stairs}층")),
        }
        lines.extend(self.ladder_truck.map(|ladder| format!("사다리차: {}", ladder.label())));
        lines.extend(self.parking_metres.map(|metres| format!("차에서 입구까지 {metres}m")));
        lines.extend((!self.note.is_empty()).then(|| self.note.clone()));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: SiteRates = SiteRates { stairs_fee: 10_000, ladder_fee: 80_000, ..SiteRates::INITIAL };

    #[test]
    fn stairs_take_minutes_people_and_a_fee_by_floor() {
        let facts = SiteFacts { elevator: Some(Elevator::Missing), ..SiteFacts::default() };
        let effort = facts.effort(Some(4), &RATES);
        assert_eq!((effort.minutes, effort.minutes_per_piece, effort.crew, effort.fee), (0, 6, 2, 30_000));
        assert_eq!(facts.effort(Some(1), &RATES), SiteEffort { crew: 1, ..SiteEffort::default() });
        assert_eq!(facts.effort(Some(-1), &RATES).minutes_per_piece, 2, "a basement");
        let house = SiteFacts { floor: Some(2), ..facts.clone() };
        assert_eq!(house.effort(Some(9), &RATES).fee, 10_000, "the card precedes the number of the unit");
        assert_eq!(facts.effort(Some(90), &RATES).minutes_per_piece, 60);
        assert_eq!(facts.lines(Some(4)), ["엘리베이터: 없음", "계단 3층"]);
    }

    #[test]
    fn elevator_that_fits_takes_nothing_and_a_ladder_truck_replaces_the_stairs() {
        let fits = SiteFacts { elevator: Some(Elevator::Fits), ..SiteFacts::default() };
        assert_eq!(fits.effort(Some(12), &RATES), SiteEffort { crew: 1, ..SiteEffort::default() });
        let ladder = SiteFacts {
            elevator: Some(Elevator::TooSmall),
            ladder_truck: Some(LadderTruck::Needed),
            ..SiteFacts::default()
        };
        let effort = ladder.effort(Some(12), &RATES);
        assert_eq!((effort.minutes, effort.minutes_per_piece, effort.crew, effort.fee), (30, 0, 2, 80_000));
    }

    #[test]
    fn way_from_the_truck_is_counted_in_steps_of_fifty_metres() {
        let minutes = |metres| {
            let facts = SiteFacts { parking_metres: Some(metres), ..SiteFacts::default() };
            facts.effort(None, &RATES).minutes_per_piece
        };
        assert_eq!([0, 50, 51, 100, 101].map(minutes), [0, 0, 2, 2, 4]);
        assert!(SiteFacts::default().is_empty() && SiteFacts::default().lines(Some(3)).is_empty());
    }
}

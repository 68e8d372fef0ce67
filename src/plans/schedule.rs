//! The times and loads of a tour: driving, waiting, working, overtime, room.

use super::work::StopEffort;
use crate::routing::travel::{Drive, Place, Trips};
use crate::time::duration_label;
use crate::trucks::model::{Round, Truck, volume_label};

/// Seconds per minute.
pub(super) const SECONDS_PER_MINUTE: i64 = 60;

/// What a schedule needs of a stop.
#[derive(Clone, Copy, Debug)]
pub struct PlannedStop {
    /// where it is; none is unknown, see [`Trips`]
    pub place: Option<Place>,
    /// time and people that it needs
    pub effort: StopEffort,
    /// first and last minute of the day at which the work may begin
    pub window: Option<(i64, i64)>,
}

/// Times of a stop, in minutes of the day, rounded up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// arrival at the door
    pub arrives_at: i64,
    /// minutes of waiting for the window
    pub waiting: i64,
    /// departure
    pub leaves_at: i64,
    /// whether the window is over at arrival
    pub is_late: bool,
}

/// Times and loads of a tour.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// the stops, in order
    pub visits: Vec<Visit>,
    /// minute of the day at which the truck is back
    pub returns_at: i64,
    /// minutes of driving
    pub driving: i64,
    /// length of the way
    pub metres: i64,
    /// minutes from departure to return
    pub duration: i64,
    /// minutes of overtime
    pub overtime: i64,
    /// hundredths of a cubic metre, where the truck is fullest
    pub volume: i64,
    /// pieces, where it has most
    pub pieces: i64,
    /// pieces that it brings back
    pub collected: i64,
    /// people that the stop with most needs
    pub crew: i64,
}

/// A limit that a tour exceeds. A dispatcher may exceed it knowingly; a computed plan does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// too few people
    Crew,
    /// too much volume
    Volume,
    /// too many pieces
    Pieces,
    /// more overtime than allowed
    Overtime,
    /// a window that is missed
    Window,
}

impl Excess {
    /// Korean label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Crew => "인원 부족",
            Self::Volume => "부피 초과",
            Self::Pieces => "개수 초과",
            Self::Overtime => "연장 초과",
            Self::Window => "시간대 놓침",
        }
    }
}

/// The schedule of a tour.
pub fn schedule(round: &Round, trips: Trips<'_>, stops: &[PlannedStop]) -> Schedule {
    let start = round.starts_at * SECONDS_PER_MINUTE;
    let (mut now, mut place, mut driving) = (start, None, Drive::default());
    // The truck leaves with all that it delivers; what it collects comes in at the door.
    let mut volume: i64 = stops.iter().map(|stop| stop.effort.volume).sum();
    let mut pieces: i64 = stops.iter().map(|stop| stop.effort.pieces).sum();
    let mut schedule = Schedule { crew: 1, volume, pieces, ..Schedule::default() };
    for stop in stops {
        let leg = trips.drive(place, stop.place);
        driving = driving.and(leg);
        let arrives = now + leg.seconds;
        let begins = stop.window.map_or(arrives, |(from, _)| arrives.max(from * SECONDS_PER_MINUTE));
        now = begins + stop.effort.minutes * SECONDS_PER_MINUTE;
        schedule.visits.push(Visit {
            arrives_at: minutes(arrives),
            waiting: minutes(begins) - minutes(arrives),
            leaves_at: minutes(now),
            is_late: stop.window.is_some_and(|(_, to)| begins > to * SECONDS_PER_MINUTE),
        });
        volume += stop.effort.collected_volume - stop.effort.volume;
        pieces += stop.effort.collected_pieces - stop.effort.pieces;
        schedule.volume = schedule.volume.max(volume);
        schedule.pieces = schedule.pieces.max(pieces);
        schedule.collected += stop.effort.collected_pieces;
        schedule.crew = schedule.crew.max(stop.effort.crew);
        place = stop.place;
    }
    if !stops.is_empty() {
        let leg = trips.drive(place, None);
        driving = driving.and(leg);
        now += leg.seconds;
    }
    schedule.returns_at = minutes(now);
    schedule.driving = minutes(driving.seconds);
    schedule.metres = driving.metres;
    schedule.duration = minutes(now - start);
    schedule.overtime = minutes((now - start - round.shift_minutes * SECONDS_PER_MINUTE).max(0));
    schedule
}

impl Schedule {
    /// A limit that the tour exceeds, with what it takes and what it has: `부피 초과 (9.5 / 8m³)`.
    pub fn excess_text(&self, excess: Excess, truck: &Truck, round: &Round) -> String {
        let numbers = match excess {
            Excess::Crew => format!("{}명 필요, {}명이 타는 차", self.crew, truck.crew),
            Excess::Volume => format!("{} / {}m³", volume_label(self.volume), volume_label(truck.volume)),
            Excess::Pieces => format!("{} / {}개", self.pieces, truck.pieces),
            Excess::Overtime => {
                format!("{} / {}", duration_label(self.overtime), duration_label(round.overtime_minutes))
            }
            Excess::Window => format!("{}곳", self.visits.iter().filter(|visit| visit.is_late).count()),
        };
        format!("{} ({numbers})", excess.label())
    }

    /// The limits that the tour exceeds.
    pub fn excesses(&self, truck: &Truck, round: &Round) -> Vec<Excess> {
        let checks = [
            (self.crew > truck.crew, Excess::Crew),
            (self.volume > truck.volume, Excess::Volume),
            (self.pieces > truck.pieces, Excess::Pieces),
            (self.overtime > round.overtime_minutes, Excess::Overtime),
            (self.visits.iter().any(|visit| visit.is_late), Excess::Window),
        ];
        checks.into_iter().filter_map(|(is_exceeded, excess)| is_exceeded.then_some(excess)).collect()
    }
}

/// Seconds as minutes, rounded up.
fn minutes(seconds: i64) -> i64 {
    seconds.div_euclid(SECONDS_PER_MINUTE) + i64::from(seconds.rem_euclid(SECONDS_PER_MINUTE) > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::travel::{Point, Roads};

    const DEPOT: Place = Place { point: Point { lat: 36.019, lng: 128.364 }, area: None };

    fn scheduled(round: &Round, stops: &[PlannedStop]) -> Schedule {
        schedule(round, Trips { roads: &Roads::default(), depot: Some(DEPOT) }, stops)
    }

    fn stop(lat: f64, minutes: i64, window: Option<(i64, i64)>) -> PlannedStop {
        let effort = StopEffort { minutes, crew: 2, volume: 150, pieces: 2, ..StopEffort::default() };
        PlannedStop { place: Some(Place { point: Point { lat, lng: 128.364 }, area: None }), effort, window }
    }

    fn truck() -> Truck {
        Truck { volume: 400, pieces: 3, crew: 1, ..Truck::suggestion("1호차".to_owned()) }
    }

    #[test]
    fn empty_tour_takes_no_time() {
        let round = truck().rounds()[0];
        let empty = scheduled(&round, &[]);
        assert_eq!((empty.duration, empty.driving, empty.overtime, empty.returns_at), (0, 0, 0, 510));
    }

    #[test]
    fn truck_waits_for_a_window_and_comes_too_late_for_another() {
        let round = truck().rounds()[0];
        let stops = [stop(36.1, 30, Some((600, 660))), stop(36.1, 20, Some((500, 610)))];
        let tour = scheduled(&round, &stops);
        let [first, second] = tour.visits[..] else { panic!("two visits") };
        assert_eq!((first.arrives_at + first.waiting, first.leaves_at, first.is_late), (600, 630, false));
        assert_eq!((second.arrives_at, second.leaves_at, second.is_late), (630, 650, true));
        assert_eq!((tour.volume, tour.pieces, tour.crew), (300, 4, 2));
        assert_eq!(tour.excesses(&truck(), &round), [Excess::Crew, Excess::Pieces, Excess::Window]);
        assert!(tour.returns_at > 650 && tour.driving > 20);
    }

    #[test]
    fn collected_goods_fill_the_truck_after_their_stop() {
        let round = truck().rounds()[0];
        let collect = |volume| {
            let effort = StopEffort { collected_volume: volume, collected_pieces: 1, ..StopEffort::default() };
            PlannedStop { effort, ..stop(36.1, 30, None) }
        };
        let after = scheduled(&round, &[stop(36.1, 30, None), stop(36.1, 30, None), collect(250)]);
        assert_eq!((after.volume, after.pieces, after.collected), (300, 4, 1), "the truck is empty by then");
        let before = scheduled(&round, &[collect(250), stop(36.1, 30, None), stop(36.1, 30, None)]);
        assert_eq!((before.volume, before.pieces), (550, 5));
    }

    #[test]
    fn overtime_begins_after_the_shift() {
        let truck = truck();
        let round = truck.rounds()[0];
        let tour = scheduled(&round, &[stop(36.019, 600, None)]);
        assert_eq!((tour.duration, tour.overtime), (600, 60));
        let tour = scheduled(&round, &[stop(36.019, 700, None)]);
        assert!(tour.excesses(&truck, &round).contains(&Excess::Overtime));
    }

    #[test]
    fn stop_without_a_point_costs_the_way_to_the_depot() {
        let round = truck().rounds()[0];
        let unknown = PlannedStop { place: None, ..stop(0.0, 30, None) };
        let known = scheduled(&round, &[stop(36.1, 30, None)]);
        let mixed = scheduled(&round, &[stop(36.1, 30, None), unknown]);
        assert_eq!((known.driving, known.metres), (mixed.driving, mixed.metres), "it comes after the way back");
        let between = scheduled(&round, &[stop(36.1, 30, None), unknown, stop(36.1, 30, None)]);
        assert!(between.driving > known.driving, "there and back twice");
    }
}

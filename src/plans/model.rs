//! Tours, stops and jobs.
//!
//! A tour is one round of a truck on a day, with its stops in order. A job is a delivery to be planned, with what the
//! dispatcher knows of it; it has at most one stop.

use chrono::NaiveDate;

use crate::text::coded;

coded! {
    /// State of a tour.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum TourState {
        /// 계획: changes freely
        Draft = "draft" "계획",
        /// 확정: is not changed by a new plan
        Fixed = "fixed" "확정",
        /// 상차: the driver has it and loads the truck
        Loading = "loading" "상차",
        /// 출발: the truck is on the road
        Out = "out" "배송 중",
        /// 마감: every piece is accounted for
        Closed = "closed" "마감",
    }
}

impl TourState {
    /// Whether a driver has it or had it.
    pub const fn is_handed_out(self) -> bool {
        matches!(self, Self::Loading | Self::Out | Self::Closed)
    }
}

coded! {
    /// What a new plan must leave of a stop as it is.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Hold {
        /// nothing
        Free = "free" "고정 안 함",
        /// its truck
        Truck = "truck" "차 고정",
        /// its truck and its place, and all stops before it
        Place = "place" "여기까지 고정",
    }
}

/// A truck and its round: a column of the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnKey {
    /// the truck
    pub truck_id: i64,
    /// 1 or 2
    pub round: i64,
}

/// One round of a truck on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tour {
    /// generated identifier
    pub id: i64,
    /// truck and round
    pub column: ColumnKey,
    /// state
    pub state: TourState,
    /// username of the member who changed it last
    pub changed_by: Option<String>,
    /// version for optimistic locking; increases with every change of its stops
    pub version: i64,
}

/// What the dispatcher knows of a delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Job {
    /// generated identifier; 0 before it is stored
    pub id: i64,
    /// the delivery
    pub delivery_id: i64,
    /// day to which it was moved by hand; none is the 희망배송일 of its delivery
    pub day: Option<NaiveDate>,
    /// first and last minute of the day at which the work may begin
    pub window: Option<(i64, i64)>,
    /// minutes at the door, instead of those of its products
    pub minutes: Option<i64>,
    /// people needed, instead of those of its products
    pub crew: Option<i64>,
    /// day and rules (codes) by which the last plan left it out
    pub left_out: Option<(NaiveDate, Vec<String>)>,
    /// version for optimistic locking
    pub version: i64,
}

/// A stop of a tour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// generated identifier; 0 before it is stored
    pub id: i64,
    /// what is done there
    pub job: Job,
    /// what a new plan must leave
    pub hold: Hold,
    /// the delivery as it was planned, see [`Basis`](super::work::Basis)
    pub basis: String,
}

/// Two minutes of a day as times: `09:00~12:00`.
pub fn window_label(window: (i64, i64)) -> String {
    let clock = |minute: i64| format!("{:02}:{:02}", minute / 60, minute % 60);
    format!("{}~{}", clock(window.0), clock(window.1))
}

/// Moves the items at `moved` (sorted positions) so that they stand before the item now at `at`.
pub fn reordered<T>(items: Vec<T>, moved: &[usize], at: usize) -> Vec<T> {
    let mut taken = Vec::new();
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for (position, item) in items.into_iter().enumerate() {
        if moved.contains(&position) {
            taken.push(item);
        } else if position < at {
            before.push(item);
        } else {
            after.push(item);
        }
    }
    before.into_iter().chain(taken).chain(after).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_move_before_the_item_at_a_position() {
        let order = |moved: &[usize], at| reordered(vec!["a", "b", "c", "d"], moved, at).concat();
        assert_eq!(order(&[0], 2), "bacd");
        assert_eq!(order(&[3], 1), "adbc");
        assert_eq!(order(&[0, 2], 4), "bdac");
        assert_eq!(order(&[1], 1), "abcd");
        assert_eq!(order(&[], 9), "abcd");
    }

    #[test]
    fn window_is_written_as_two_times() {
        assert_eq!(window_label((540, 720)), "09:00~12:00");
    }
}

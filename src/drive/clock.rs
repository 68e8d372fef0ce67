//! Times of a phone whose clock was moved while it had no contact.
//!
//! A record has the offset of the clock as it was known when it was made. When the phone hands in, its offset is known
//! again. If the two differ, the clock was moved in between: before the record, or after it. The record keeps its own offset
//! unless that makes its time impossible. It is impossible before the last contact or before an earlier record of the phone,
//! and after the hand-in. Then the clock had been moved before, and the offset of the hand-in is right, also for all later
//! records.

use super::model::MAX_CLOCK_ERROR_MS;
use crate::time::Moment;

/// What a record says of the clock of its phone.
#[derive(Clone, Copy, Debug)]
pub struct ClockReading {
    /// time of the record by the clock
    pub happened_at: Moment,
    /// milliseconds to add to the clock, as the phone knew then
    pub offset: i64,
    /// last contact before the record, by the server
    pub contact: Moment,
}

/// The offset by which each record of a hand-in counts, in the order in which they were made.
pub fn settle(readings: &[ClockReading], sent_offset: i64, now: Moment) -> Vec<i64> {
    let mut is_moved = false;
    let mut earliest = Moment(i64::MIN);
    let offset_of = |reading: &ClockReading| {
        earliest = earliest.max(reading.contact);
        let at = reading.happened_at.0.saturating_add(reading.offset);
        if differ(reading.offset, sent_offset) {
            let is_early = at.saturating_add(MAX_CLOCK_ERROR_MS) < earliest.0;
            is_moved |= is_early || at > now.0.saturating_add(MAX_CLOCK_ERROR_MS);
        }
        let offset = if is_moved { sent_offset } else { reading.offset };
        earliest = earliest.max(Moment(reading.happened_at.0.saturating_add(offset)).min(now));
        offset
    };
    readings.iter().map(offset_of).collect()
}

/// Whether two offsets of a clock differ by more than it may err.
pub const fn differ(one: i64, other: i64) -> bool {
    one.saturating_sub(other).saturating_abs() > MAX_CLOCK_ERROR_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 60 * 60 * 1000;
    const MINUTE: i64 = 60 * 1000;

    const fn clock(hour: i64, minute: i64) -> Moment {
        Moment(1_000 * HOUR + hour * HOUR + minute * MINUTE)
    }

    fn reading(hour: i64, minute: i64, offset: i64) -> ClockReading {
        ClockReading { happened_at: clock(hour, minute), offset, contact: clock(8, 12) }
    }

    #[test]
    fn clock_that_was_right_all_day_changes_nothing() {
        let day = [reading(9, 0, 0), reading(11, 0, 30), reading(17, 0, -40)];
        assert_eq!(settle(&day, 900, clock(18, 0)), [0, 30, -40]);
        let wrong_all_day = [reading(9, 0, 3 * HOUR), reading(11, 0, 3 * HOUR)];
        assert_eq!(settle(&wrong_all_day, 3 * HOUR + 500, clock(18, 0)), [3 * HOUR; 2]);
    }

    /// Contact at 08:12, a stop at 09:00, the clock set back by three hours at 10:00, stops at 11:00 and 12:30, home at 18:00.
    #[test]
    fn records_after_the_clock_was_set_back_have_the_time_of_the_hand_in() {
        let day = [reading(9, 0, 0), reading(8, 0, 0), reading(9, 30, 0)];
        assert_eq!(settle(&day, 3 * HOUR, clock(18, 0)), [0, 3 * HOUR, 3 * HOUR]);
        assert_eq!(settle(&[reading(8, 0, 0)], 3 * HOUR, clock(18, 0)), [3 * HOUR], "before the last contact");
    }

    #[test]
    fn clock_that_was_set_back_after_the_last_record_leaves_the_day_as_it_was() {
        let day = [reading(9, 0, 0), reading(11, 0, 0), reading(16, 30, 0)];
        assert_eq!(settle(&day, 3 * HOUR, clock(18, 0)), [0; 3]);
    }

    #[test]
    fn record_after_the_hand_in_was_made_with_a_clock_set_forward() {
        let day = [reading(9, 0, 0), reading(20, 0, 0)];
        assert_eq!(settle(&day, -3 * HOUR, clock(18, 0)), [0, -3 * HOUR], "17:00");
    }

    #[test]
    fn step_that_the_phone_has_seen_itself_is_not_corrected_twice() {
        let day = [reading(9, 0, 0), reading(8, 0, 3 * HOUR), reading(8, 30, 3 * HOUR)];
        assert_eq!(settle(&day, 3 * HOUR, clock(18, 0)), [0, 3 * HOUR, 3 * HOUR]);
    }
}

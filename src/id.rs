//! Generated identifiers: 64-bit, time-sorted, unique across nodes, short enough to read aloud.
//!
//! Layout: 41 bits of milliseconds since 2024-01-01, 10 bits of node number, 12 bits of counter;
//! positive for 69 years. On SQLite a process draws its node number at random when it starts, so
//! that the server and a command on one data folder do not collide; on MariaDB the database assigns
//! it.

use std::sync::{Mutex, PoisonError};

use crate::time::Moment;

/// 2024-01-01T00:00:00Z, milliseconds since the Unix epoch.
pub const EPOCH_MS: i64 = 1_704_067_200_000;
const NODE_BITS: u32 = 10;
const COUNTER_BITS: u32 = 12;
const CROCKFORD_ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CROCKFORD_LENGTH: usize = 13;

/// Generates strictly increasing identifiers.
#[derive(Debug)]
pub struct IdGenerator {
    node: i64,
    /// time and counter of the newest identifier, as one number
    last: Mutex<i64>,
}

impl IdGenerator {
    /// A generator for a node; the lowest 10 bits of `node` are used.
    pub fn new(node: u16) -> Self {
        Self { node: i64::from(node) & ((1 << NODE_BITS) - 1), last: Mutex::new(0) }
    }

    /// The next identifier at `now_ms`. When the counter of a millisecond overflows or the clock is set
    /// back, the time part runs ahead of the clock.
    pub fn next(&self, now_ms: i64) -> i64 {
        let from_clock = (now_ms - EPOCH_MS).max(0) << COUNTER_BITS;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = from_clock.max(*last + 1);
        let (time, counter) = (*last >> COUNTER_BITS, *last & ((1 << COUNTER_BITS) - 1));
        (time << (NODE_BITS + COUNTER_BITS)) | (self.node << COUNTER_BITS) | counter
    }
}

/// When an identifier was generated.
pub const fn moment(id: i64) -> Moment {
    Moment((id >> (NODE_BITS + COUNTER_BITS)) + EPOCH_MS)
}

/// Encodes an identifier in Crockford's base 32: 13 characters that sort like the number.
pub fn crockford(id: i64) -> String {
    let digit = |position: usize| usize::try_from((id >> (position * 5)) & 31).unwrap_or(0);
    (0..CROCKFORD_LENGTH).rev().map(|position| char::from(CROCKFORD_ALPHABET[digit(position)])).collect()
}

/// Decodes [`crockford`]; accepts lower case, and O, I, L for 0 and 1.
pub fn parse_crockford(text: &str) -> Option<i64> {
    if text.len() != CROCKFORD_LENGTH {
        return None;
    }
    text.bytes().try_fold(0_i64, |id, byte| {
        let byte = match byte.to_ascii_uppercase() {
            b'O' => b'0',
            b'I' | b'L' => b'1',
            other => other,
        };
        let digit = CROCKFORD_ALPHABET.iter().position(|&letter| letter == byte)?;
        id.checked_mul(32)?.checked_add(i64::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_increase_when_the_clock_stops_or_goes_back() {
        let ids = IdGenerator::new(7);
        let mut last = 0;
        for round in 0..10_000 {
            let id = ids.next(EPOCH_MS + 1_000_000 - round % 3);
            assert!(id > last);
            last = id;
        }
    }

    #[test]
    fn base_32_preserves_order_and_round_trips() {
        let (small, large) = (crockford(123_456_789), crockford(i64::MAX));
        assert!(small < large);
        assert_eq!(parse_crockford(&small), Some(123_456_789));
        assert_eq!(parse_crockford(&large.to_lowercase()), Some(i64::MAX));
        assert_eq!(parse_crockford("ZZZZZZZZZZZZZ"), None);
    }
}

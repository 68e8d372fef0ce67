//! Identifiers made here: 64-bit, sorted by time, unique over nodes, short to read aloud.
//!
//! 41 bits of milliseconds since 2024-01-01, 10 bits of node, 12 bits of counter: positive for 69
//! years. A node draws its number at random when it starts, so two processes on one data folder
//! (the server and a command) do not meet.

use std::sync::Mutex;

/// 2024-01-01T00:00:00Z in milliseconds.
const EPOCH_MS: i64 = 1_704_067_200_000;
const NODE_BITS: u32 = 10;
const COUNTER_BITS: u32 = 12;
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Makes identifiers, each larger than the one before.
#[derive(Debug)]
pub struct IdGenerator {
    node: i64,
    /// the time and counter parts of the newest identifier, as one number
    last: Mutex<i64>,
}

impl IdGenerator {
    /// A generator for the node of that number (10 bits are used).
    pub fn new(node: u16) -> Self {
        Self { node: i64::from(node) & ((1 << NODE_BITS) - 1), last: Mutex::new(0) }
    }

    /// The next identifier at `now_ms`. When a millisecond is used up, the next one is borrowed.
    pub fn next(&self, now_ms: i64) -> i64 {
        let from_clock = (now_ms - EPOCH_MS).max(0) << COUNTER_BITS;
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *last = from_clock.max(*last + 1);
        let (time, counter) = (*last >> COUNTER_BITS, *last & ((1 << COUNTER_BITS) - 1));
        (time << (NODE_BITS + COUNTER_BITS)) | (self.node << COUNTER_BITS) | counter
    }
}

/// An identifier in Crockford's base 32, 13 characters, sorting as the number does.
pub fn crockford(id: i64) -> String {
    (0..13).rev().map(|place| char::from(ALPHABET[usize::try_from((id >> (place * 5)) & 31).unwrap_or(0)])).collect()
}

/// Reads what [`crockford`] wrote, forgiving small letters and O, I, L for 0 and 1.
pub fn parse_crockford(text: &str) -> Option<i64> {
    if text.len() != 13 {
        return None;
    }
    text.bytes().try_fold(0_i64, |id, byte| {
        let byte = match byte.to_ascii_uppercase() {
            b'O' => b'0',
            b'I' | b'L' => b'1',
            other => other,
        };
        let digit = ALPHABET.iter().position(|&letter| letter == byte)?;
        id.checked_mul(32)?.checked_add(i64::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_rise_even_when_the_clock_stands_or_goes_back() {
        let ids = IdGenerator::new(7);
        let mut last = 0;
        for round in 0..10_000 {
            let id = ids.next(EPOCH_MS + 1_000_000 - round % 3);
            assert!(id > last);
            last = id;
        }
    }

    #[test]
    fn base_32_keeps_order_and_reads_back() {
        let (small, large) = (crockford(123_456_789), crockford(i64::MAX));
        assert!(small < large);
        assert_eq!(parse_crockford(&small), Some(123_456_789));
        assert_eq!(parse_crockford(&large.to_lowercase()), Some(i64::MAX));
        assert_eq!(parse_crockford("ZZZZZZZZZZZZZ"), None);
    }
}

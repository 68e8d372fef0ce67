//! The minimum rate at which a client must send a body or take a response.

use std::time::{Duration, Instant};

/// Bytes that must move within one window of waiting. With the usual window of 20 seconds this is 500 bytes a second,
/// the default of Apache's `mod_reqtimeout`; a poor mobile connection is ten times as fast.
const MIN_WINDOW_BYTES: u64 = 10_000;

/// Measures how long the server has waited for a client. Time in which the server itself works does not count.
#[derive(Debug)]
pub(super) struct RateLimit {
    window: Duration,
    waited: Duration,
    bytes: u64,
    waiting_since: Option<Instant>,
}

impl RateLimit {
    /// A client may keep the server waiting for `window` per [`MIN_WINDOW_BYTES`].
    pub(super) fn new(window: Duration) -> Self {
        Self { window, waited: Duration::ZERO, bytes: 0, waiting_since: None }
    }

    /// The server waits for the client. Returns when the client is too slow.
    pub(super) fn wait(&mut self, now: Instant) -> Instant {
        *self.waiting_since.get_or_insert(now) + self.window.saturating_sub(self.waited)
    }

    /// The client has moved `bytes`.
    pub(super) fn advance(&mut self, bytes: usize, now: Instant) {
        if let Some(since) = self.waiting_since.take() {
            self.waited += now.saturating_duration_since(since);
        }
        self.bytes += bytes as u64;
        if self.bytes >= MIN_WINDOW_BYTES {
            *self = Self::new(self.window);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(20);

    fn second(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn silent_client_is_too_slow_after_the_window() {
        let (mut rate, start) = (RateLimit::new(WINDOW), Instant::now());
        assert_eq!(rate.wait(start), second(start, 20));
        assert_eq!(rate.wait(second(start, 7)), second(start, 20), "the same wait");
    }

    #[test]
    fn trickle_does_not_extend_the_window() {
        let (mut rate, start) = (RateLimit::new(WINDOW), Instant::now());
        for at in [0, 5, 10, 15] {
            rate.wait(second(start, at));
            rate.advance(1, second(start, at + 5));
        }
        assert_eq!(rate.wait(second(start, 20)), second(start, 20), "used up");
    }

    #[test]
    fn slow_client_and_slow_server_are_permitted() {
        let (mut rate, start) = (RateLimit::new(WINDOW), Instant::now());
        rate.wait(start);
        rate.advance(10_000, second(start, 19));
        assert_eq!(rate.wait(second(start, 500)), second(start, 520), "481 seconds of the server's own work");
    }
}

//! Rate limit: requests a minute per client network.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;

use crate::server::client_network;
use crate::storage::lock;
use crate::time::Moment;

/// Requests a minute of one client network, about one person clicking as fast as possible.
pub(super) const MAX_REQUESTS_PER_MINUTE: u32 = 120;

/// Length of the window in milliseconds.
pub(super) const WINDOW_MS: i64 = 60 * 1000;

/// Counts the requests of each client network in the current minute (fixed window).
#[derive(Default)]
pub(super) struct RateLimiter(Mutex<(i64, HashMap<IpAddr, u32>)>);

impl RateLimiter {
    /// Counts a request; returns whether it exceeds the limit.
    pub(super) fn exceeds(&self, address: IpAddr, now: Moment) -> bool {
        let mut window = lock(&self.0);
        let minute = now.0 / WINDOW_MS;
        if window.0 != minute {
            *window = (minute, HashMap::new());
        }
        let requests = window.1.entry(client_network(address)).or_default();
        *requests += 1;
        *requests > MAX_REQUESTS_PER_MINUTE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_network_share_a_limit() {
        let limiter = RateLimiter::default();
        let address = |text: &str| text.parse().expect("an address");
        for request in 0..MAX_REQUESTS_PER_MINUTE {
            assert!(!limiter.exceeds(address(&format!("2001:db8::{request:x}")), Moment(0)));
        }
        assert!(limiter.exceeds(address("2001:db8::ffff"), Moment(1)));
        assert!(!limiter.exceeds(address("2001:db8:0:1::1"), Moment(1)));
        assert!(!limiter.exceeds(address("192.0.2.1"), Moment(1)));
        assert!(!limiter.exceeds(address("2001:db8::ffff"), Moment(WINDOW_MS)));
    }
}

//! How often somebody may ask.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Mutex;

use crate::storage::lock;
use crate::time::Moment;

/// Requests of one address in a minute: somebody who clicks as fast as they can.
pub(super) const A_MINUTE: u32 = 120;

pub(super) const MINUTE_MS: i64 = 60 * 1000;

/// How often each address has asked in the minute under way.
#[derive(Default)]
pub(super) struct Pace(Mutex<(i64, HashMap<IpAddr, u32>)>);

impl Pace {
    /// Counts a request, and tells whether it was one too many.
    pub(super) fn is_too_fast(&self, address: IpAddr, now: Moment) -> bool {
        let mut pace = lock(&self.0);
        let minute = now.0 / MINUTE_MS;
        if pace.0 != minute {
            *pace = (minute, HashMap::new());
        }
        let asked = pace.1.entry(household(address)).or_default();
        *asked += 1;
        *asked > A_MINUTE
    }
}

/// Who has one IPv6 address has 2⁶⁴ of them.
pub(super) fn household(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_of_one_household_are_one() {
        let pace = Pace::default();
        let address = |text: &str| text.parse().expect("an address");
        for place in 0..A_MINUTE {
            assert!(!pace.is_too_fast(address(&format!("2001:db8::{place:x}")), Moment(0)));
        }
        assert!(pace.is_too_fast(address("2001:db8::ffff"), Moment(1)));
        assert!(!pace.is_too_fast(address("2001:db8:0:1::1"), Moment(1)));
        assert!(!pace.is_too_fast(address("192.0.2.1"), Moment(1)));
        assert!(!pace.is_too_fast(address("2001:db8::ffff"), Moment(MINUTE_MS)));
    }
}

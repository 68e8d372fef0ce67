//! The reverse proxies whose forwarding headers are trusted, as addresses and networks.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::Deserialize;

/// An address (`10.0.0.5`), or a network in CIDR notation (`10.0.0.0/8`, `fd00::/8`).
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ProxyNetwork {
    address: IpAddr,
    prefix: u8,
}

/// The text is no address and no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("10.0.0.5 같은 IP 주소나 10.0.0.0/8 같은 대역을 입력해 주세요.")]
pub struct ParseNetworkError;

impl ProxyNetwork {
    fn contains(self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            _ => false,
        }
    }
}

impl FromStr for ProxyNetwork {
    type Err = ParseNetworkError;

    fn from_str(text: &str) -> Result<Self, ParseNetworkError> {
        let (address, prefix) = match text.trim().split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse().map_err(|_| ParseNetworkError)?)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().map_err(|_| ParseNetworkError)?;
        // The canonical form of an IPv4-mapped address has another length, so a prefix would change its meaning.
        let address = if prefix.is_none() { address.to_canonical() } else { address };
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(bits);
        if prefix <= bits { Ok(Self { address, prefix }) } else { Err(ParseNetworkError) }
    }
}

impl TryFrom<String> for ProxyNetwork {
    type Error = ParseNetworkError;

    fn try_from(text: String) -> Result<Self, ParseNetworkError> {
        text.parse()
    }
}

/// In CIDR notation.
impl fmt::Debug for ProxyNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// All trusted reverse proxies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<ProxyNetwork>);

impl TrustedProxies {
    /// The proxies of these networks.
    pub fn new(networks: Vec<ProxyNetwork>) -> Self {
        Self(networks)
    }

    /// Whether there is a proxy at all.
    pub const fn is_named(&self) -> bool {
        !self.0.is_empty()
    }

    /// Whether `address` is a trusted proxy.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

/// The networks from which administrators' pages open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AdminNetworks(Vec<ProxyNetwork>);

impl AdminNetworks {
    /// These networks; none allows every address.
    pub fn new(networks: Vec<ProxyNetwork>) -> Self {
        Self(networks)
    }

    /// Whether there is a list at all.
    pub const fn is_limited(&self) -> bool {
        !self.0.is_empty()
    }

    /// Whether a client may open these pages. One on this computer always may, so that a wrong list locks nobody out.
    pub fn allow(&self, address: IpAddr, is_local: bool) -> bool {
        is_local || !self.is_limited() || self.0.iter().any(|network| network.contains(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn administrators_come_from_their_networks_or_this_computer() {
        let networks = AdminNetworks::new(vec!["192.168.0.0/24".parse().expect("a network")]);
        let address = |text: &str| text.parse().expect("an address");
        assert!(networks.allow(address("192.168.0.9"), false) && !networks.allow(address("192.168.1.9"), false));
        assert!(networks.allow(address("127.0.0.1"), true) && !networks.allow(address("127.0.0.1"), false));
        assert!(AdminNetworks::default().allow(address("203.0.113.9"), false));
    }

    #[test]
    fn addresses_and_networks_are_matched() {
        let trusted = |networks: &[&str], address: &str| {
            let networks = networks.iter().map(|text| text.parse().expect("a network")).collect();
            TrustedProxies::new(networks).contains(address.parse().expect("an address"))
        };
        assert!(trusted(&["10.0.0.5"], "10.0.0.5") && !trusted(&["10.0.0.5"], "10.0.0.6"));
        assert!(trusted(&["172.16.0.0/12"], "172.31.255.255") && !trusted(&["172.16.0.0/12"], "172.32.0.0"));
        assert!(trusted(&["10.9.9.9/8"], "::ffff:10.1.1.1"), "an IPv4-mapped peer");
        assert!(trusted(&["fd00::/8"], "fd12::1") && !trusted(&["fd00::/8"], "fe80::1"));
        assert!(trusted(&["0.0.0.0/0"], "1.2.3.4") && !trusted(&["0.0.0.0/0"], "::1"));
        assert!(!trusted(&[], "127.0.0.1"));
    }

    #[test]
    fn other_texts_are_rejected() {
        for text in ["", "proxy", "10.0.0.0/33", "fd00::/129", "10.0.0.0/", "10.0.0/8", "10.0.0.0/-1"] {
            assert_eq!(text.parse::<ProxyNetwork>(), Err(ParseNetworkError), "{text}");
        }
    }
}

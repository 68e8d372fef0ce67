//! Where other devices find this computer.

use std::net::{IpAddr, SocketAddr};

use super::tls::Facts;
use crate::config::Config;
use crate::time::Moment;

/// Where the program listens, and who can get there.
#[derive(Clone, Debug)]
pub struct Reach {
    /// the address of the socket
    pub address: SocketAddr,
    /// the certificate that browsers are shown; None: they come without TLS, or through a proxy
    pub certificate: Option<Facts>,
    /// whether what goes to and fro is encrypted
    pub is_encrypted: bool,
}

impl Reach {
    /// Of a socket at `address`.
    pub fn new(address: SocketAddr, certificate: Option<Facts>, config: &Config) -> Self {
        Self { address, certificate, is_encrypted: config.behind_tls }
    }

    /// Of the settings, before there is a socket. Nothing is said of the certificate but that there is one.
    pub fn configured(config: &Config) -> Self {
        let certificate = config.tls.as_ref().map(|_| Facts { fingerprint: String::new(), until: Moment(0) });
        Self::new(config.listen, certificate, config)
    }

    /// Whether other devices get to the socket.
    pub fn is_open(&self) -> bool {
        !self.address.ip().to_canonical().is_loopback()
    }

    /// Whether passwords and orders go through a network that others may listen to.
    pub fn is_unsafe(&self) -> bool {
        self.is_open() && !self.is_encrypted
    }

    /// What to type on this computer.
    pub fn here(&self) -> String {
        if self.address.ip().is_unspecified() {
            format!("{}://localhost:{}", self.scheme(), self.address.port())
        } else {
            format!("{}://{}", self.scheme(), self.address)
        }
    }

    /// What to type on another device, the likeliest first.
    pub fn elsewhere(&self) -> Vec<String> {
        let port = self.address.port();
        let addresses = match self.address.ip() {
            _ if !self.is_open() => Vec::new(),
            address if address.is_unspecified() => addresses(),
            address => vec![address],
        };
        let of = |address| format!("{}://{}", self.scheme(), SocketAddr::new(address, port));
        addresses.into_iter().map(of).collect()
    }

    /// Behind a proxy it is the proxy that speaks TLS.
    fn scheme(&self) -> &'static str {
        if self.certificate.is_some() { "https" } else { "http" }
    }
}

/// The addresses of this computer in its networks, the likeliest first.
pub(super) fn addresses() -> Vec<IpAddr> {
    let all = if_addrs::get_if_addrs().unwrap_or_default();
    let all = all.into_iter().filter(|one| !one.is_loopback() && !one.is_link_local()).map(|one| one.ip());
    let (mut four, six): (Vec<IpAddr>, Vec<IpAddr>) = all.partition(IpAddr::is_ipv4);
    four.sort_by_key(likelihood);
    if four.is_empty() { six } else { four }
}

/// A shop's router gives 192.168.…; 172.16.… is mostly given to containers and virtual machines.
fn likelihood(address: &IpAddr) -> u8 {
    match address {
        IpAddr::V4(address) => match address.octets() {
            [192, 168, ..] => 0,
            [10, ..] => 1,
            [172, 16..32, ..] => 3,
            _ => 2,
        },
        IpAddr::V6(_) => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(address: &str, is_encrypted: bool) -> Reach {
        Reach { address: address.parse().expect("an address"), certificate: None, is_encrypted }
    }

    #[test]
    fn only_what_leaves_this_computer_unencrypted_is_unsafe() {
        assert!(!reach("127.0.0.1:80", false).is_open() && !reach("[::1]:80", false).is_unsafe());
        assert!(reach("0.0.0.0:80", false).is_unsafe() && reach("192.168.0.5:80", false).is_unsafe());
        assert!(reach("[::]:80", true).is_open() && !reach("0.0.0.0:80", true).is_unsafe());
    }

    #[test]
    fn an_address_is_told_as_it_is_typed() {
        assert_eq!(reach("0.0.0.0:8080", false).here(), "http://localhost:8080");
        assert_eq!(reach("127.0.0.1:8080", false).elsewhere(), Vec::<String>::new());
        assert_eq!(reach("192.168.0.5:8080", false).elsewhere(), ["http://192.168.0.5:8080"]);
        let facts = Facts { fingerprint: String::new(), until: Moment(0) };
        let safe = Reach { certificate: Some(facts), ..reach("[2001:db8::1]:8443", true) };
        assert_eq!(safe.elsewhere(), ["https://[2001:db8::1]:8443"]);
        let mut found = ["172.17.0.1", "203.0.113.1", "10.0.0.2", "192.168.0.5"].map(|one| one.parse().expect("one"));
        found.sort_by_key(likelihood);
        assert_eq!(found.map(|one: IpAddr| one.to_string()), ["192.168.0.5", "10.0.0.2", "203.0.113.1", "172.17.0.1"]);
    }
}

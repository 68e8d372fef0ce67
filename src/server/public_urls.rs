//! The URLs of the server, for this computer and for other devices.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::certificate::CertificateInfo;
use super::shop_ca::{CaCertificate, is_permitted};
use super::tls::Tls;
use crate::config::Config;

/// The address on which the server listens, and the URLs that follow from it.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on one another")]
pub struct Endpoints {
    /// address of the listening socket
    pub address: SocketAddr,
    /// whether the server itself uses TLS
    pub is_https: bool,
    /// whether connections from browsers are encrypted, by the server or by a proxy
    pub is_encrypted: bool,
    /// whether a reverse proxy lets other devices in
    pub is_proxied: bool,
    /// the certificate in use, if the server itself uses TLS
    pub tls: Option<Tls>,
    /// whether systemd has bound the socket, so that its unit says the address
    pub is_inherited: bool,
}

impl Endpoints {
    /// The endpoints of a socket at `address`, without a certificate.
    pub fn new(address: SocketAddr, is_https: bool, is_encrypted: bool) -> Self {
        Self { address, is_https, is_encrypted, is_proxied: false, tls: None, is_inherited: false }
    }

    /// The endpoints that the settings ask for. The socket of the running server may be another one, which a service
    /// manager opened.
    pub fn of(config: &Config) -> Self {
        let is_proxied = config.is_proxied();
        Self { is_proxied, ..Self::new(config.listen, config.tls.is_some(), config.behind_tls) }
    }

    /// Whether other devices can connect, to the socket or through a proxy.
    pub fn is_public(&self) -> bool {
        self.is_proxied || self.listens_to_others()
    }

    /// Whether other devices reach the socket itself.
    pub fn listens_to_others(&self) -> bool {
        !self.address.ip().to_canonical().is_loopback()
    }

    /// Whether passwords and orders cross the network unencrypted.
    pub fn is_insecure(&self) -> bool {
        self.is_public() && !self.is_encrypted
    }

    /// The URL for a browser on this computer.
    pub fn local_url(&self) -> String {
        if self.address.ip().is_unspecified() {
            format!("{}://localhost:{}", self.scheme(), self.address.port())
        } else {
            format!("{}://{}", self.scheme(), self.address)
        }
    }

    /// The certificate in use, if the server itself uses TLS.
    pub fn certificate(&self) -> Option<CertificateInfo> {
        self.tls.as_ref().map(Tls::certificate)
    }

    /// The shop's certificate authority, if it has signed the certificate.
    pub fn ca(&self) -> Option<Arc<CaCertificate>> {
        self.tls.as_ref().and_then(Tls::ca)
    }

    /// The URL for other devices, by which the page 휴대전화 준비 is opened without a warning: over plain HTTP. The first
    /// address that the shop's certificate authority may certify, else the first one.
    pub fn plain_url(&self) -> Option<String> {
        let addresses = self.lan_addresses();
        let certified = addresses.iter().find(|address| is_permitted(**address));
        let address = *certified.or_else(|| addresses.first())?;
        Some(format!("http://{}", SocketAddr::new(address, self.address.port())))
    }

    /// The URLs for other devices in the local network, most likely reachable first.
    pub fn lan_urls(&self) -> Vec<String> {
        let url = |address| format!("{}://{}", self.scheme(), SocketAddr::new(address, self.address.port()));
        self.lan_addresses().into_iter().map(url).collect()
    }

    fn lan_addresses(&self) -> Vec<IpAddr> {
        match self.address.ip() {
            _ if !self.listens_to_others() => Vec::new(),
            address if address.is_unspecified() => lan_addresses(),
            address => vec![address],
        }
    }

    fn scheme(&self) -> &'static str {
        if self.is_https { "https" } else { "http" }
    }
}

/// The addresses of this computer's network interfaces, most likely reachable first.
pub(super) fn lan_addresses() -> Vec<IpAddr> {
    let all = if_addrs::get_if_addrs().unwrap_or_default();
    let all = all.into_iter().filter(|one| !one.is_loopback() && !one.is_link_local()).map(|one| one.ip());
    let (mut four, six): (Vec<IpAddr>, Vec<IpAddr>) = all.partition(IpAddr::is_ipv4);
    four.sort_by_key(score);
    if four.is_empty() { six } else { four }
}

/// Sort key: lower is more likely reachable. Home routers assign 192.168.…; 172.16.… is mostly used by
/// containers and virtual machines.
fn score(address: &IpAddr) -> u8 {
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
    use crate::config::Settings;

    fn endpoints(address: &str, is_https: bool, is_encrypted: bool) -> Endpoints {
        Endpoints::new(address.parse().expect("an address"), is_https, is_encrypted)
    }

    #[test]
    fn unencrypted_public_addresses_are_insecure() {
        let plain = |address| endpoints(address, false, false);
        assert!(!plain("127.0.0.1:80").is_public() && !plain("[::1]:80").is_insecure());
        assert!(plain("0.0.0.0:80").is_insecure() && plain("192.168.0.5:80").is_insecure());
        let proxied = |address| endpoints(address, false, true);
        assert!(proxied("[::]:80").is_public() && !proxied("0.0.0.0:80").is_insecure());
    }

    #[test]
    fn proxy_on_this_computer_lets_other_devices_in() {
        let config = |arguments: Settings| Config::load(arguments, |_| None).expect("sound settings");
        let loopback = Endpoints::of(&config(Settings::default()));
        assert!(!loopback.is_public() && !loopback.is_insecure());
        let encrypted = Endpoints::of(&config(Settings { behind_tls: Some(true), ..Settings::default() }));
        assert!(encrypted.is_public() && !encrypted.is_insecure() && !encrypted.listens_to_others());
        let trusted = Some(vec!["127.0.0.1".parse().expect("an address")]);
        let plain = Endpoints::of(&config(Settings { trusted_proxies: trusted, ..Settings::default() }));
        assert!(plain.is_public() && plain.is_insecure());
        let below = Endpoints::of(&config(Settings { base_path: Some("/oms".to_owned()), ..Settings::default() }));
        assert!(below.is_public() && below.lan_urls().is_empty());
    }

    #[test]
    fn urls_have_scheme_host_and_port() {
        assert_eq!(endpoints("0.0.0.0:8080", false, false).local_url(), "http://localhost:8080");
        assert_eq!(endpoints("127.0.0.1:8080", false, false).lan_urls(), Vec::<String>::new());
        assert_eq!(endpoints("192.168.0.5:8080", false, false).lan_urls(), ["http://192.168.0.5:8080"]);
        assert_eq!(endpoints("[2001:db8::1]:8443", true, true).lan_urls(), ["https://[2001:db8::1]:8443"]);
    }

    #[test]
    fn home_network_addresses_are_listed_first() {
        let mut found = ["172.17.0.1", "203.0.113.1", "10.0.0.2", "192.168.0.5"].map(|one| one.parse().expect("one"));
        found.sort_by_key(score);
        assert_eq!(found.map(|one: IpAddr| one.to_string()), ["192.168.0.5", "10.0.0.2", "203.0.113.1", "172.17.0.1"]);
    }
}

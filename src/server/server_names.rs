//! The names and addresses under which clients reach this computer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use x509_parser::extensions::GeneralName;
use x509_parser::prelude::X509Certificate;

use super::public_urls::lan_addresses;
use super::shop_ca::is_permitted;

/// The names and addresses that a certificate covers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ServerNames {
    /// host names in lower case, the computer's own one first
    pub(super) hosts: Vec<String>,
    pub(super) addresses: Vec<IpAddr>,
}

impl ServerNames {
    /// Those of this computer at present.
    pub(super) fn of_this_computer() -> Self {
        let host = gethostname::gethostname().to_string_lossy().to_lowercase();
        let addresses = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
        Self { hosts: host_names(&host), addresses: addresses.into_iter().chain(lan_addresses()).collect() }
    }

    /// Those of a certificate.
    pub(super) fn of(certificate: &X509Certificate<'_>) -> Self {
        let mut names = Self::default();
        let extension = certificate.subject_alternative_name().ok().flatten();
        for name in extension.iter().flat_map(|extension| &extension.value.general_names) {
            match name {
                GeneralName::DNSName(host) => names.hosts.push((*host).to_owned()),
                GeneralName::IPAddress(bytes) => names.addresses.extend(address(bytes)),
                _ => {}
            }
        }
        names
    }

    /// Those of them that a CA with these permitted host names may certify.
    pub(super) fn permitted(&self, permitted_hosts: &[String]) -> Self {
        let is_below = |host: &str, permitted: &String| {
            host.strip_suffix(permitted.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        let is_host_permitted = |host: &&String| permitted_hosts.iter().any(|permitted| is_below(host, permitted));
        Self {
            hosts: self.hosts.iter().filter(is_host_permitted).cloned().collect(),
            addresses: self.addresses.iter().copied().filter(|address| is_permitted(*address)).collect(),
        }
    }

    /// Whether these include all of `names`.
    pub(super) fn contain(&self, names: &Self) -> bool {
        names.hosts.iter().all(|host| self.hosts.contains(host))
            && names.addresses.iter().all(|address| self.addresses.contains(address))
    }

    /// As texts.
    pub(super) fn to_vec(&self) -> Vec<String> {
        self.hosts.iter().cloned().chain(self.addresses.iter().map(ToString::to_string)).collect()
    }
}

/// `shop-pc`, `shop-pc.local` and `localhost` for the host name `shop-pc`. Names that are invalid in a certificate, such as
/// Korean ones, are left out.
fn host_names(host: &str) -> Vec<String> {
    let first_label = host.split('.').next().unwrap_or_default();
    let names = [host.to_owned(), format!("{first_label}.local"), "localhost".to_owned()];
    let mut names: Vec<String> = names.into_iter().filter(|name| is_host_name(name)).collect();
    names.dedup();
    names
}

/// Whether `name` is a host name of RFC 1123; an underscore is accepted as browsers do.
fn is_host_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte))
    };
    let ends_in_number = name.rsplit('.').next().is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
    name.len() <= 253 && !ends_in_number && name.split('.').all(is_label)
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    <[u8; 4]>::try_from(bytes).map(IpAddr::from).or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_are_valid_in_certificates() {
        assert_eq!(host_names("shop-pc"), ["shop-pc", "shop-pc.local", "localhost"]);
        assert_eq!(host_names("pc.example.com"), ["pc.example.com", "pc.local", "localhost"]);
        for host in ["가게-pc", "my pc", "", "-pc"] {
            assert_eq!(host_names(host), ["localhost"], "{host}");
        }
        assert_eq!(host_names("192.168"), ["192.local", "localhost"]);
    }

    #[test]
    fn names_outside_of_the_constraints_are_left_out() {
        let addresses = ["192.168.0.5", "203.0.113.1", "fd00::2", "2001:db8::1", "::1", "172.31.0.1", "172.32.0.1"];
        let names = ServerNames {
            hosts: ["renamed", "renamed.local", "local.example"].map(str::to_owned).to_vec(),
            addresses: addresses.map(|address| address.parse().expect("an address")).to_vec(),
        };
        let permitted = names.permitted(&["shop-pc".to_owned(), "local".to_owned()]);
        assert_eq!(permitted.to_vec(), ["renamed.local", "192.168.0.5", "fd00::2", "::1", "172.31.0.1"]);
        assert!(names.contain(&permitted) && !permitted.contain(&names));
    }
}

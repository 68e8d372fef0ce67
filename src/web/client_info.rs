//! Client information of a request: IP address behind trusted proxies, and user agent.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRef, FromRequestParts};
use axum::http::header::{self, AsHeaderName};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};

use super::{Error, user_agent};
use crate::config::{Config, TrustedProxies};
use crate::members::model::device::DeviceOrigin;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Headers that proxies add. Their presence means that the peer is not the client.
const FORWARDING_HEADERS: [&str; 3] = ["forwarded", "x-forwarded-for", "x-real-ip"];

/// The client that sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientInfo {
    /// IP address of the client, behind the configured trusted proxies
    pub address: IpAddr,
    /// Whether the request certainly comes from this computer: loopback peer, no proxy header, and a `Host` that names
    /// this computer (another host name that resolves to loopback is DNS rebinding).
    pub is_local: bool,
    /// device and browser by user agent: `윈도우 컴퓨터 · 크롬`
    pub description: String,
}

impl ClientInfo {
    /// Browser and address for the member's devices and login history.
    pub fn origin(&self) -> DeviceOrigin {
        DeviceOrigin { description: self.description.clone(), address: self.address.to_string() }
    }
}

impl<S: Sync> FromRequestParts<S> for ClientInfo
where
    Arc<Config>: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let config = Arc::<Config>::from_ref(state);
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
        let peer = peer.ok_or_else(|| Error::Internal("the peer's address is unknown".to_owned()))?.to_canonical();
        let is_proxied = FORWARDING_HEADERS.iter().any(|name| parts.headers.contains_key(*name));
        let user_agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Self {
            address: client_address(peer, &parts.headers, &config.trusted_proxies),
            is_local: peer.is_loopback() && !is_proxied && has_local_host(parts),
            description: user_agent::describe(user_agent.unwrap_or_default()),
        })
    }
}

/// The nearest address in the chain of proxies that is not a trusted proxy. A client may send any forwarding header, and a
/// proxy usually rewrites only one of them. If both are there and disagree, neither is believed.
fn client_address(peer: IpAddr, headers: &HeaderMap, trusted_proxies: &TrustedProxies) -> IpAddr {
    let walk = |chain: Vec<Option<IpAddr>>| {
        let mut client = peer;
        for address in chain.into_iter().rev().map_while(|address| address) {
            if !trusted_proxies.contains(client) {
                break;
            }
            client = address;
        }
        client
    };
    let [forwarded_for, forwarded] = [x_forwarded_for(headers), forwarded(headers)].map(walk);
    match (headers.contains_key(X_FORWARDED_FOR), headers.contains_key(header::FORWARDED)) {
        (_, false) => forwarded_for,
        (false, true) => forwarded,
        (true, true) if forwarded_for == forwarded => forwarded,
        (true, true) => peer,
    }
}

fn lines(headers: &HeaderMap, name: impl AsHeaderName) -> impl Iterator<Item = &str> {
    headers.get_all(name).iter().map(|line| line.to_str().unwrap_or_default())
}

/// The addresses of `X-Forwarded-For`; None for an entry that is no address (`unknown`).
fn x_forwarded_for(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    lines(headers, X_FORWARDED_FOR).flat_map(|line| line.split(',')).map(parse_node).collect()
}

/// The addresses of `Forwarded` (RFC 7239): `for=192.0.2.43;proto=https, for="[2001:db8::17]:4711"`. None for an entry
/// without an address.
fn forwarded(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let address = |element: &str| {
        let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
        pairs
            .into_iter()
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))
            .and_then(|(_, node)| parse_node(node))
    };
    lines(headers, header::FORWARDED).flat_map(|line| line.split(',')).map(address).collect()
}

/// Parses an address with or without quotes, brackets, port and zone: `192.0.2.1:80`, `"[2001:db8::1]:443"`, `fe80::1%eth0`.
fn parse_node(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"').trim();
    let host = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        // An IPv6 address without brackets has no port.
        None if text.bytes().filter(|byte| *byte == b':').count() == 1 => text.split_once(':')?.0,
        None => text,
    };
    let host = host.split_once('%').map_or(host, |(host, _zone)| host);
    host.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// Whether the request's host is `localhost` or a loopback address.
fn has_local_host(parts: &Parts) -> bool {
    let host = parts.uri.host().or_else(|| parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()));
    let Some(host) = host else { return false };
    let name = host
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
        .map_or(host, |(name, _)| name);
    name == "localhost" || name == "[::1]" || name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn client(proxies: &[&str], pairs: &[(&'static str, &'static str)]) -> String {
        let proxies = proxies.iter().map(|text| text.parse().expect("a network")).collect();
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        client_address([10, 0, 0, 1].into(), &headers, &TrustedProxies::new(proxies)).to_string()
    }

    #[test]
    fn forwarded_addresses_are_taken_from_trusted_proxies_only() {
        let chain = [("x-forwarded-for", "nonsense, 6.6.6.6, 1.2.3.4")];
        assert_eq!(client(&[], &chain), "10.0.0.1");
        assert_eq!(client(&["10.0.0.1"], &chain), "1.2.3.4");
        assert_eq!(client(&["10.0.0.0/8", "1.2.3.4"], &chain), "6.6.6.6");
        assert_eq!(client(&["0.0.0.0/0"], &chain), "6.6.6.6", "an unreadable entry ends the chain");
        assert_eq!(client(&["10.0.0.1"], &[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "1.2.3.4")]), "1.2.3.4");
    }

    #[test]
    fn forms_of_all_proxies_are_parsed() {
        for (text, address) in [
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.1:51234", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("\"[2001:db8::1]:443\"", "2001:db8::1"),
            ("fe80::1%eth0", "fe80::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            (" 192.0.2.1 ", "192.0.2.1"),
        ] {
            assert_eq!(parse_node(text).map(|node| node.to_string()).as_deref(), Some(address), "{text}");
        }
        for text in ["unknown", "_hidden", "", "[2001:db8::1", "1.2.3", "1.2.3.4:5:6"] {
            assert_eq!(parse_node(text), None, "{text}");
        }
    }

    #[test]
    fn forwarded_header_is_parsed() {
        let proxies = ["10.0.0.0/8"];
        let forwarded = |value| client(&proxies, &[("forwarded", value)]);
        assert_eq!(forwarded("for=192.0.2.43;proto=https;by=203.0.113.43"), "192.0.2.43");
        assert_eq!(forwarded("for=6.6.6.6, For=\"[2001:db8:cafe::17]:4711\""), "2001:db8:cafe::17");
        assert_eq!(forwarded("proto=https; FOR = 192.0.2.60 , for=10.0.0.9"), "192.0.2.60");
        assert_eq!(forwarded("for=6.6.6.6, for=unknown"), "10.0.0.1");
    }

    #[test]
    fn contradicting_headers_are_not_believed() {
        let both = |one, other| client(&["10.0.0.1"], &[("x-forwarded-for", one), ("forwarded", other)]);
        assert_eq!(both("192.0.2.1", "for=192.0.2.1"), "192.0.2.1");
        assert_eq!(both("6.6.6.6", "for=192.0.2.1"), "10.0.0.1");
    }
}

//! Client information of a request: IP address behind trusted proxies, and user agent.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::{Error, user_agent};
use crate::config::Config;
use crate::members::model::device::DeviceOrigin;

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

/// The nearest address in the chain of `X-Forwarded-For` that is not a trusted proxy.
fn client_address(peer: IpAddr, headers: &HeaderMap, trusted_proxies: &[IpAddr]) -> IpAddr {
    let lines = headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok());
    let chain: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    let mut client = peer;
    for address in chain.into_iter().rev().map_while(|address| address.parse::<IpAddr>().ok()) {
        if !trusted_proxies.contains(&client) {
            break;
        }
        client = address.to_canonical();
    }
    client
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

    #[test]
    fn forwarded_addresses_are_taken_from_trusted_proxies_only() {
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", HeaderValue::from_static("nonsense, 6.6.6.6, 1.2.3.4"));
        let proxy = address("10.0.0.1");
        assert_eq!(client_address(proxy, &headers, &[]), proxy);
        assert_eq!(client_address(proxy, &headers, &[proxy]), address("1.2.3.4"));
        assert_eq!(client_address(proxy, &headers, &[proxy, address("1.2.3.4")]), address("6.6.6.6"));
    }
}

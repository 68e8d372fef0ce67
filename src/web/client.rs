//! Where a request comes from.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::{AppState, Error, user_agent};
use crate::members::devices::Place;

/// Headers that a proxy adds; their presence means that somebody else is asking through it.
const FORWARDING: [&str; 3] = ["forwarded", "x-forwarded-for", "x-real-ip"];

/// The computer that asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// its address, behind the proxies that the settings name
    pub address: IpAddr,
    /// Whether it is surely this computer: a loopback peer, no proxy between, and asked for by a
    /// name of this computer (a foreign name that leads here is a trick of DNS).
    pub is_local: bool,
    /// what it says it is, in words: `윈도우 컴퓨터 · 크롬`
    pub description: String,
}

impl Client {
    /// Where the request comes from, for the member's list of devices.
    pub fn place(&self) -> Place {
        Place { description: self.description.clone(), address: self.address.to_string() }
    }
}

impl FromRequestParts<AppState> for Client {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Error> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
        let peer = peer.ok_or_else(|| Error::Internal("the peer's address is unknown".to_owned()))?.to_canonical();
        let proxied = FORWARDING.iter().any(|name| parts.headers.contains_key(*name));
        let user_agent = parts.headers.get(header::USER_AGENT).and_then(|words| words.to_str().ok());
        Ok(Self {
            address: behind(peer, &parts.headers, &state.config.trusted_proxies),
            is_local: peer.is_loopback() && !proxied && names_this_computer(parts),
            description: user_agent::describe(user_agent.unwrap_or_default()),
        })
    }
}

/// The last address that no trusted proxy vouches for.
fn behind(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    let lines = headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok());
    let chain: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    let mut client = peer;
    for address in chain.into_iter().rev().map_while(|address| address.parse::<IpAddr>().ok()) {
        if !trusted.contains(&client) {
            break;
        }
        client = address.to_canonical();
    }
    client
}

fn names_this_computer(parts: &Parts) -> bool {
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
    fn only_trusted_proxies_are_believed() {
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", HeaderValue::from_static("nonsense, 6.6.6.6, 1.2.3.4"));
        let proxy = address("10.0.0.1");
        assert_eq!(behind(proxy, &headers, &[]), proxy);
        assert_eq!(behind(proxy, &headers, &[proxy]), address("1.2.3.4"));
        assert_eq!(behind(proxy, &headers, &[proxy, address("1.2.3.4")]), address("6.6.6.6"));
    }
}

//! `mukkeum health`: checks whether the running server accepts requests, for the health check of a container
//! without an HTTP client.
//!
//! It requests `/health/ready` at the configured address of this computer. The certificate is not verified,
//! because the request does not leave the computer.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::{CliError, CommandResult, Outcome, block_on};
use crate::config::Config;

/// Timeout of the request. The readiness check itself waits up to two seconds for the database.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(4);

/// Prints the response of the readiness check.
///
/// # Errors
/// No server listens on the address, or it is not ready.
pub(super) fn run(config: &Config) -> CommandResult {
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{}/health/ready", connect_address(config.listen));
    let (is_ready, text) = block_on(async {
        // Installs the default TLS provider of the process; fails if it is already installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(RESPONSE_TIMEOUT).tls_danger_accept_invalid_certs(true);
        let response = client.no_proxy().build().map_err(unreachable(&url))?.get(&url).send().await;
        let response = response.map_err(unreachable(&url))?;
        let is_ready = response.status().is_success();
        Ok((is_ready, response.text().await.map_err(unreachable(&url))?))
    })?;
    if !is_ready {
        return Err(CliError(format!("아직 요청을 받지 못해요: {}", text.trim())));
    }
    writeln!(io::stdout().lock(), "{}", text.trim())?;
    Ok(Outcome::Complete)
}

fn unreachable(url: &str) -> impl Fn(reqwest::Error) -> CliError {
    move |error| {
        CliError(format!("프로그램이 응답하지 않아요: {url} ({error})\nmukkeum serve로 켜져 있는지 확인해 주세요."))
    }
}

/// The address to connect to: an unspecified address (`0.0.0.0`) is replaced by the loopback address.
fn connect_address(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unspecified_address_is_replaced_by_loopback() {
        let connect = |listen: &str| connect_address(listen.parse().expect("an address")).to_string();
        assert_eq!(connect("0.0.0.0:8080"), "127.0.0.1:8080");
        assert_eq!(connect("[::]:81"), "[::1]:81");
        assert_eq!(connect("192.0.2.7:8080"), "192.0.2.7:8080");
    }
}

//! `mukkeum health`: whether the running program accepts requests.
//!
//! For the health check of a container, which has no other program to ask with. It asks `/health/ready` on the address
//! of the settings, at this computer. The certificate is not verified: the request does not leave the computer.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::{CliError, CommandResult, Outcome, block_on};
use crate::config::Config;

/// Readiness waits two seconds for the database.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(4);

/// # Errors
/// Nothing listens on the address, or the program is starting, stopping or without its database.
pub(super) fn run(config: &Config) -> CommandResult {
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{}/health/ready", local(config.listen));
    let (is_ready, answer) = block_on(async {
        // The TLS provider of the whole program; a second call finds it installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(ANSWER_TIMEOUT).tls_danger_accept_invalid_certs(true);
        let response = client.no_proxy().build().map_err(unreachable(&url))?.get(&url).send().await;
        let response = response.map_err(unreachable(&url))?;
        let is_ready = response.status().is_success();
        Ok((is_ready, response.text().await.map_err(unreachable(&url))?))
    })?;
    if !is_ready {
        return Err(CliError(format!("아직 요청을 받지 못해요: {}", answer.trim())));
    }
    writeln!(io::stdout().lock(), "{}", answer.trim())?;
    Ok(Outcome::Complete)
}

fn unreachable(url: &str) -> impl Fn(reqwest::Error) -> CliError {
    move |error| {
        CliError(format!("프로그램이 응답하지 않아요: {url} ({error})\nmukkeum serve로 켜져 있는지 확인해 주세요."))
    }
}

/// The address as this computer reaches it: `0.0.0.0` accepts connections but is none to connect to.
fn local(listen: SocketAddr) -> SocketAddr {
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
    fn unspecified_addresses_are_asked_on_loopback() {
        let asked = |listen: &str| local(listen.parse().expect("an address")).to_string();
        assert_eq!(asked("0.0.0.0:8080"), "127.0.0.1:8080");
        assert_eq!(asked("[::]:81"), "[::1]:81");
        assert_eq!(asked("192.0.2.7:8080"), "192.0.2.7:8080");
    }
}

//! Cookies that we read and write ourselves; the session's is tower-sessions'.

use axum::http::{HeaderMap, HeaderValue, header};

use super::Error;
use crate::config::Config;

/// A cookie to be set.
pub(super) struct Cookie<'a> {
    /// its name
    pub(super) name: &'a str,
    /// its value; nothing in it needs quoting
    pub(super) value: &'a str,
    /// which requests of other sites bring it along: `Strict` or `Lax`
    pub(super) same_site: &'a str,
    /// for how many seconds; None: until the browser is closed; 0: it goes now
    pub(super) max_age: Option<i64>,
}

impl Cookie<'_> {
    /// The header that sets it.
    pub(super) fn header(&self, config: &Config) -> Result<HeaderValue, Error> {
        let Self { name, value, same_site, max_age } = self;
        let max_age = max_age.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        let secure = if config.behind_tls { "; Secure" } else { "" };
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite={same_site}{max_age}{secure}");
        HeaderValue::from_str(&text).map_err(|error| Error::Internal(error.to_string()))
    }
}

/// Every value the browser sent under that name.
pub(super) fn sent<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .filter(move |(sent, _)| *sent == name)
        .map(|(_, value)| value)
}

//! Cookies other than the session cookie, which `tower-sessions` handles.

use axum::http::{HeaderMap, HeaderValue, header};

use super::Error;
use crate::sessions::CookieOptions;
use crate::sessions::remember_me::RememberToken;

/// A cookie to set.
pub struct Cookie<'a> {
    /// its name
    pub name: &'a str,
    /// its value, of characters that need no quoting
    pub value: &'a str,
    /// the attribute `SameSite`: `Strict` or `Lax`
    pub same_site: &'a str,
    /// lifetime in seconds; None until the browser is closed, 0 deletes the cookie
    pub max_age: Option<i64>,
}

impl Cookie<'_> {
    /// The value of the `Set-Cookie` header.
    ///
    /// # Errors
    /// The cookie contains characters that a header cannot carry.
    pub fn header(&self, options: &CookieOptions) -> Result<HeaderValue, Error> {
        let Self { name, value, same_site, max_age } = self;
        let max_age = max_age.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        let secure = if options.is_secure { "; Secure" } else { "" };
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite={same_site}{max_age}{secure}");
        HeaderValue::from_str(&text).map_err(Error::internal)
    }
}

/// Every value that the browser sent under `name`.
pub fn values<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .filter(move |(sent, _)| *sent == name)
        .map(|(_, value)| value)
}

/// Sets the remember-me cookie.
pub(super) fn set_remember_me(
    options: &CookieOptions,
    token: &RememberToken,
    max_age: i64,
) -> Result<HeaderValue, Error> {
    remember_me(options, &token.cookie(), max_age)
}

/// Deletes the remember-me cookie.
pub(super) fn clear_remember_me(options: &CookieOptions) -> Result<HeaderValue, Error> {
    remember_me(options, "", 0)
}

fn remember_me(options: &CookieOptions, value: &str, max_age: i64) -> Result<HeaderValue, Error> {
    Cookie { name: &options.remember_me_name(), value, same_site: "Lax", max_age: Some(max_age) }.header(options)
}

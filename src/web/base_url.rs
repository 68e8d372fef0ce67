//! The address under which a phone reaches the shop, for QR codes on paper.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::AppState;

/// Scheme and host of this request, for the QR code of a shop without a configured address: a phone in the same network
/// may reach the same host.
pub struct BaseUrl(pub String);

impl BaseUrl {
    /// The address that the shop has configured, or else this one.
    pub fn or_of_shop<'u>(&'u self, shop_address: &'u str) -> &'u str {
        if shop_address.is_empty() { &self.0 } else { shop_address }
    }

    /// That of a request with these headers.
    pub fn of(is_behind_tls: bool, headers: &HeaderMap) -> Self {
        let scheme = if is_behind_tls { "https" } else { "http" };
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
        Self(format!("{scheme}://{host}"))
    }
}

impl FromRequestParts<AppState> for BaseUrl {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        Ok(Self::of(state.config.behind_tls, &parts.headers))
    }
}

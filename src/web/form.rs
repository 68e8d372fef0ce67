//! Extractors for forms and query strings.

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::{AppState, AuthContext, Error, csrf};

/// Size limit of a form. A list of fifty orders with their memos takes some tens of kilobytes.
const MAX_FORM_BYTES: usize = 2 * 1024 * 1024;

/// A form whose CSRF token has been verified. Repeated fields are deserialized into a `Vec`; fields unknown to `T` are
/// ignored.
#[derive(Debug)]
pub struct Form<T>(pub T);

/// A verified form as name-value pairs in document order, for fields with row identifiers in their names (`memo-123`).
#[derive(Debug)]
pub struct FormPairs(pub Vec<(String, String)>);

/// The query string. Falls back to the default when it cannot be deserialized: a mistyped link still shows a page.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for Form<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &AppState) -> Result<Self, Error> {
        let body = verified_body(request).await?;
        serde_html_form::from_bytes(&body).map(Self).map_err(reject)
    }
}

impl FromRequest<AppState> for FormPairs {
    type Rejection = Error;

    async fn from_request(request: Request, _: &AppState) -> Result<Self, Error> {
        let body = verified_body(request).await?;
        serde_html_form::from_bytes(&body).map(Self).map_err(reject)
    }
}

impl<T: DeserializeOwned + Default, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(serde_html_form::from_str(parts.uri.query().unwrap_or_default()).unwrap_or_default()))
    }
}

/// Reads the body and verifies its CSRF token.
async fn verified_body(request: Request) -> Result<Bytes, Error> {
    let (mut parts, body) = request.into_parts();
    let auth = AuthContext::from_request_parts(&mut parts, &()).await?;
    let body = to_bytes(body, MAX_FORM_BYTES).await.map_err(|_| Error::TooLarge)?;
    let pairs: Vec<(String, String)> = serde_html_form::from_bytes(&body).map_err(reject)?;
    let token = pairs.iter().find(|(name, _)| name == csrf::FIELD).map_or("", |(_, token)| token);
    csrf::verify(&auth, token)?;
    Ok(body)
}

fn reject(_: serde_html_form::de::Error) -> Error {
    Error::BadRequest("보낸 양식을 읽지 못했어요. 앞 화면을 새로 고친 다음 다시 보내 주세요.".to_owned())
}

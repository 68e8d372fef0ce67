//! Extractors for forms and query strings.

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use http_body_util::LengthLimitError;
use serde::de::DeserializeOwned;

use super::upload_form::UploadLimitError;
use super::{AppState, AuthContext, Error, csrf, unsent};
use crate::server::SlowBodyError;

/// Size limit of a member's form. A list of fifty orders with their memos takes some tens of kilobytes.
const MAX_FORM_BYTES: usize = 2 * 1024 * 1024;

/// Size limit of a form of a browser without a login: a username, a password and a token.
const MAX_ANONYMOUS_FORM_BYTES: usize = 16 * 1024;

/// Fields of a form. The largest form has a list of two hundred orders with some fields each.
const MAX_FIELDS: usize = 5_000;

/// Forms above this size are deserialized on a blocking thread, in bytes.
const MAX_INLINE_BYTES: usize = 64 * 1024;

/// A form whose CSRF token has been verified. Repeated fields are deserialized into a `Vec`; fields unknown to `T` are
/// ignored.
#[derive(Debug)]
pub struct Form<T>(pub T);

/// A verified form as name-value pairs in document order, for fields with row identifiers in their names (`memo-123`).
#[derive(Debug)]
pub struct FormPairs(pub Vec<(String, String)>);

/// The first value of the form field `name`, or an empty text.
pub fn first_value<'p>(pairs: &'p [(String, String)], name: &str) -> &'p str {
    pairs.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
}

/// The query string. Falls back to the default when it cannot be deserialized: a mistyped link still shows a page.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + Send + 'static> FromRequest<AppState> for Form<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &AppState) -> Result<Self, Error> {
        verified_fields(request).await.map(Self)
    }
}

impl FromRequest<AppState> for FormPairs {
    type Rejection = Error;

    async fn from_request(request: Request, _: &AppState) -> Result<Self, Error> {
        verified_fields(request).await.map(Self)
    }
}

impl<T: DeserializeOwned + Default, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(serde_html_form::from_str(parts.uri.query().unwrap_or_default()).unwrap_or_default()))
    }
}

/// The body of a form whose CSRF token is verified.
struct VerifiedBody {
    bytes: Bytes,
    /// whether it takes long to deserialize
    is_long: bool,
}

/// Reads the body and verifies its CSRF token. Nothing but the token is parsed before it is verified. Compiled once, not for
/// each form.
async fn verified_body(request: Request) -> Result<VerifiedBody, Error> {
    let (mut parts, body) = request.into_parts();
    let auth = AuthContext::from_request_parts(&mut parts, &()).await?;
    let max_bytes = if auth.current.is_some() { MAX_FORM_BYTES } else { MAX_ANONYMOUS_FORM_BYTES };
    if content_length(&parts.headers).is_some_and(|length| length > max_bytes as u64) {
        return Err(Error::TooLarge);
    }
    let bytes = to_bytes(body, max_bytes).await.map_err(|error| body_error(&error))?;
    if memchr::memchr_iter(b'&', &bytes).count() >= MAX_FIELDS {
        return Err(Error::TooLarge);
    }
    if csrf::verify(&auth, csrf_field(&bytes)).is_err() {
        return Err(unsent::reject_form(&auth, &parts, &bytes).await);
    }
    let is_long = content_length(&parts.headers).is_none_or(|length| length > MAX_INLINE_BYTES as u64);
    Ok(VerifiedBody { bytes, is_long })
}

/// Deserializes the body of a form once its CSRF token is verified.
async fn verified_fields<T: DeserializeOwned + Send + 'static>(request: Request) -> Result<T, Error> {
    let VerifiedBody { bytes, is_long } = verified_body(request).await?;
    let deserialize = move || serde_html_form::from_bytes(&bytes).map_err(reject);
    if is_long { tokio::task::spawn_blocking(deserialize).await.map_err(Error::internal)? } else { deserialize() }
}

/// The declared length of a body.
pub(super) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Why a body could not be read.
pub(super) fn body_error(error: &(dyn std::error::Error + 'static)) -> Error {
    if SlowBodyError::is_cause_of(error) {
        Error::RequestTimeout
    } else if has_limit_error(error) {
        Error::TooLarge
    } else {
        Error::BadRequest("보낸 내용을 끝까지 받지 못했어요. 다시 보내 주세요.".to_owned())
    }
}

fn has_limit_error(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source())
        .any(|error| error.is::<LengthLimitError>() || error.is::<UploadLimitError>())
}

/// The value of the first field with the token, which needs no decoding: tokens are base64url.
pub(super) fn csrf_field(body: &[u8]) -> &str {
    let mut fields = body.split(|byte| *byte == b'&');
    let token = fields.find_map(|field| field.strip_prefix(csrf::FIELD.as_bytes())?.strip_prefix(b"="));
    token.and_then(|token| std::str::from_utf8(token).ok()).unwrap_or_default()
}

fn reject(_: serde_html_form::de::Error) -> Error {
    Error::BadRequest("보낸 양식을 읽지 못했어요. 앞 화면을 새로고침한 다음 다시 보내 주세요.".to_owned())
}

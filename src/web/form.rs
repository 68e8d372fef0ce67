//! Reading what a browser sends.

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::{AppState, Error, Visitor, csrf};

/// The largest form, in bytes: a list of fifty orders with their memos is some tens of kilobytes.
const LARGEST: usize = 2 * 1024 * 1024;

/// A form of this application, its CSRF token checked. Repeated fields become a `Vec`; fields that
/// `T` does not name are left alone.
#[derive(Debug)]
pub struct Form<T>(pub T);

/// A form as its pairs in the order of the page, for fields named by row (`memo-123`).
#[derive(Debug)]
pub struct FormPairs(pub Vec<(String, String)>);

/// The part of the address after `?`. What cannot be understood makes the whole of it the
/// default, because a link somebody mistyped should still show a page.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for Form<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &AppState) -> Result<Self, Error> {
        let body = checked(request).await?;
        serde_html_form::from_bytes(&body).map(Self).map_err(unreadable)
    }
}

impl FromRequest<AppState> for FormPairs {
    type Rejection = Error;

    async fn from_request(request: Request, _: &AppState) -> Result<Self, Error> {
        let body = checked(request).await?;
        serde_html_form::from_bytes(&body).map(Self).map_err(unreadable)
    }
}

impl<T: DeserializeOwned + Default, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(serde_html_form::from_str(parts.uri.query().unwrap_or_default()).unwrap_or_default()))
    }
}

async fn checked(request: Request) -> Result<axum::body::Bytes, Error> {
    let (mut parts, body) = request.into_parts();
    let visitor = Visitor::from_request_parts(&mut parts, &()).await?;
    let body = to_bytes(body, LARGEST).await.map_err(|_| Error::TooLarge)?;
    let pairs: Vec<(String, String)> = serde_html_form::from_bytes(&body).map_err(unreadable)?;
    let token = pairs.iter().find(|(name, _)| name == csrf::FIELD).map_or("", |(_, token)| token);
    csrf::verify(&visitor, token)?;
    Ok(body)
}

fn unreadable(_: serde_html_form::de::Error) -> Error {
    Error::BadRequest("보낸 양식을 읽지 못했어요. 앞 화면을 새로 고친 다음 다시 보내 주세요.".to_owned())
}

//! Forms that arrived after the login had run out: what was typed waits for the next login of the same member.
//!
//! The token of a form proves which member's page it is from ([`csrf::owner`]), also when the session of that page is over. The
//! form is sealed and kept in the session of the browser, for an hour, and dropped when another member logs in. It is sent
//! again only by the member, with a button of the page `/account/unsent`. Files are not kept.

use std::fmt;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{Method, header, request::Parts};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt;
use tower_sessions::Session;

use super::form::csrf_field;
use super::{AuthContext, Error, csrf};
use crate::id::MemberId;
use crate::sessions::{self, UnsentForm};
use crate::time::Moment;
use crate::vault::Vault;

/// The page that offers to send the form.
pub const UNSENT_PATH: &str = "/account/unsent";

/// Larger forms are not kept, in bytes. A list of two hundred orders with their memos has less.
const MAX_UNSENT_BYTES: usize = 256 * 1024;

/// The token of a form is within its first bytes.
const MAX_BYTES_BEFORE_TOKEN: usize = 1024;

/// First word of the sealed text. The vault also seals other secrets.
const PURPOSE: &str = "unsent-form ";

/// What proves whose page a form is from, and seals it.
#[derive(Clone)]
pub(super) struct UnsentForms {
    pub(super) vault: Vault,
    /// the time of the request
    pub(super) now: Moment,
}

impl fmt::Debug for UnsentForms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnsentForms").field("now", &self.now).finish_non_exhaustive()
    }
}

impl UnsentForms {
    pub(super) const fn new(vault: Vault, now: Moment) -> Self {
        Self { vault, now }
    }

    /// The member from whose page a form with this token is.
    fn owner(&self, token: &str) -> Option<MemberId> {
        csrf::owner(&self.vault, token, self.now)
    }

    /// Keeps the form of a request without a login. Returns whether it did.
    pub(super) async fn keep_of_request(request: Request) -> bool {
        let (parts, body) = request.into_parts();
        let auth = parts.extensions.get::<AuthContext>();
        let forms = auth.and_then(|auth| auth.unsent.as_ref());
        let (Some(forms), Some(session)) = (forms, parts.extensions.get::<Session>()) else { return false };
        if !is_form(&parts) {
            return false;
        }
        match forms.read(body).await {
            Some((member_id, body)) => forms.keep(session, member_id, &parts, &body).await.is_ok_and(|kept| kept),
            None => false,
        }
    }

    /// The member and the form of a body. Nothing but its beginning is read unless that proves where it is from.
    async fn read(&self, mut body: Body) -> Option<(MemberId, Bytes)> {
        let (mut read, mut member_id) = (Vec::new(), None);
        while let Some(frame) = body.frame().await {
            if let Some(data) = frame.ok()?.data_ref() {
                read.extend_from_slice(data);
            }
            if read.len() > MAX_UNSENT_BYTES {
                return None;
            }
            if member_id.is_none() {
                // A token that is cut off is not valid; one that follows too late is not looked for.
                member_id = self.owner(csrf_field(&read));
                if member_id.is_none() && read.len() > MAX_BYTES_BEFORE_TOKEN {
                    return None;
                }
            }
        }
        Some((member_id.or_else(|| self.owner(csrf_field(&read)))?, read.into()))
    }

    /// Keeps a form of a member in the session, without its token. Returns whether it did.
    async fn keep(&self, session: &Session, member_id: MemberId, parts: &Parts, body: &[u8]) -> Result<bool, Error> {
        let action = parts.uri.path_and_query().map_or("/", |requested| requested.as_str()).to_owned();
        let fields: Vec<&[u8]> =
            body.split(|byte| *byte == b'&').filter(|field| !field.starts_with(b"csrf=")).collect();
        let Ok(fields) = String::from_utf8(fields.join(&b'&')) else { return Ok(false) };
        let Some(sealed) = self.vault.seal(&format!("{PURPOSE}{fields}")) else { return Ok(false) };
        let form = UnsentForm { member_id, received_at: self.now.0, action, sealed_fields: STANDARD.encode(sealed) };
        sessions::keep_unsent(session, &form).await?;
        Ok(true)
    }
}

fn is_form(parts: &Parts) -> bool {
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    parts.method == Method::POST
        && content_type.is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"))
}

/// The answer to a form of a logged-in member whose token is of another session. If it is from a page of the same member,
/// who has logged in again meanwhile, it is kept, and the member is asked whether to send it.
pub(super) async fn reject_form(auth: &AuthContext, parts: &Parts, body: &[u8]) -> Error {
    let (Some(session), Some(member), Some(forms)) =
        (parts.extensions.get::<Session>(), auth.member(), auth.unsent.as_ref())
    else {
        return Error::FormExpired;
    };
    if forms.owner(csrf_field(body)) != Some(member.id) || body.len() > MAX_UNSENT_BYTES {
        return Error::FormExpired;
    }
    match forms.keep(session, member.id, parts, body).await {
        Ok(true) => Error::FormUnsent,
        Ok(false) => Error::FormExpired,
        Err(error) => error,
    }
}

/// The fields of a kept form; none with another key.
pub fn unseal_fields(vault: &Vault, form: &UnsentForm) -> Option<Vec<(String, String)>> {
    let text = vault.unseal(&STANDARD.decode(&form.sealed_fields).ok()?)?;
    serde_html_form::from_str(text.strip_prefix(PURPOSE)?).ok()
}

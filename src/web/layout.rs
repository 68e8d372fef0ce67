//! The layout of every page: menu, flash message, CSRF token, banner.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::Deserialize;

use super::{AppState, AuthContext, Error, Member, Query, csrf};
use crate::audit::{self, AuditEntry};
use crate::help::model::topic_for;
use crate::id::parse_crockford;

/// The data of `templates/layout.html`; every page struct has it as its field `layout`.
#[derive(Clone, Debug)]
pub struct Layout {
    /// the logged-in member
    pub member: Option<Member>,
    /// the CSRF token for the forms of this page: `{% call web::csrf(layout) %}`
    pub csrf: String,
    /// the requested path
    pub path: String,
    /// the message of the action before the redirect
    pub flash: Option<Flash>,
    /// the banner above the page in a demo shop
    pub banner: Option<String>,
}

/// A flash message: the result of an action, shown once on the next page.
#[derive(Clone, Debug)]
pub struct Flash {
    /// colour and icon
    pub tone: Tone,
    /// the text; empty when the page itself shows the result
    pub message: String,
}

impl Flash {
    /// A message for a page that is rendered without a redirect.
    pub fn new(tone: Tone, message: &str) -> Self {
        Self { tone, message: message.to_owned() }
    }
}

/// Severity of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    /// the action succeeded
    #[default]
    Success,
    /// the action succeeded in part, or had no effect
    Warning,
    /// the action failed
    Danger,
}

impl Tone {
    /// The class in the style sheet.
    pub fn class(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Warning => "warning",
            Self::Danger => "danger",
        }
    }

    /// The icon beside the message.
    pub fn icon(self) -> &'static str {
        match self {
            Self::Success => "check-circle",
            Self::Warning => "exclamation-triangle",
            Self::Danger => "x-circle",
        }
    }
}

impl From<AuditEntry> for Flash {
    fn from(activity: AuditEntry) -> Self {
        let tone = activity.summary.get("tone").cloned().and_then(|tone| serde_json::from_value(tone).ok());
        let message =
            activity.summary.get("message").and_then(|message| message.as_str()).unwrap_or_default().to_owned();
        Self { tone: tone.unwrap_or_default(), message }
    }
}

impl Layout {
    /// A layout without a flash message, for error pages.
    pub(super) fn without_flash(state: &AppState, auth: Option<AuthContext>, path: &str) -> Self {
        let (member, csrf) = auth.map_or((None, String::new()), |auth| {
            let csrf = csrf::token(&auth.csrf_secret).unwrap_or_default();
            (auth.current.map(|current| current.member), csrf)
        });
        Self { member, csrf, path: path.to_owned(), flash: None, banner: state.banner() }
    }

    /// Whether an administrator is logged in.
    pub fn is_admin(&self) -> bool {
        self.member.as_ref().is_some_and(Member::is_admin)
    }

    /// The URL of this page's help topic.
    pub fn help_url(&self) -> String {
        topic_for(&self.path).map_or_else(|| "/help".to_owned(), |topic| format!("/help/{topic}"))
    }

    /// Whether this page is `prefix` or below it, so that the menu marks it.
    pub fn is_under(&self, prefix: &str) -> bool {
        self.path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

#[derive(Default, Deserialize)]
struct FlashQuery {
    /// identifier of the activity, from [`super::redirect_with_flash`]
    #[serde(default)]
    done: Option<String>,
}

impl FromRequestParts<AppState> for Layout {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Error> {
        let auth = AuthContext::from_request_parts(parts, state).await?;
        let Ok(Query(FlashQuery { done })) = Query::from_request_parts(parts, state).await;
        // A member sees the messages of their own activities only.
        let flash = match (done.as_deref().and_then(parse_crockford), auth.member().map(|member| member.id)) {
            (Some(id), Some(member_id)) => state.storage.read(move |tx| audit::find(tx, id, member_id)).await?,
            _ => None,
        };
        Ok(Self { flash: flash.map(Flash::from), ..Self::without_flash(state, Some(auth), parts.uri.path()) })
    }
}

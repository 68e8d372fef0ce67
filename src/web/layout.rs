//! What every page shows around its own content.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::Deserialize;

use super::{AppState, Error, Member, Query, Visitor, csrf};
use crate::audit::{self, Activity};
use crate::help::model::topic_for;
use crate::storage::parse_crockford;

/// What `templates/layout.html` needs; every page struct has it as its field `layout`.
#[derive(Clone, Debug)]
pub struct Layout {
    /// who is signed in
    pub member: Option<Member>,
    /// the token for this page's forms: `{% call web::csrf(layout) %}`
    pub csrf: String,
    /// the path that was asked for
    pub path: String,
    /// what the act before the redirect answered
    pub notice: Option<Notice>,
    /// a line above everything (a training shop says so here)
    pub banner: Option<String>,
}

/// The answer of the act that led here.
#[derive(Clone, Debug)]
pub struct Notice {
    /// its colour and icon
    pub tone: Tone,
    /// what is said; empty when the page says it itself
    pub message: String,
}

impl Notice {
    /// An answer that is given at once, without a redirect.
    pub fn said(tone: Tone, message: &str) -> Self {
        Self { tone, message: message.to_owned() }
    }
}

/// How an answer is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    /// it is done
    #[default]
    Success,
    /// done in part, or not needed
    Warning,
    /// not done
    Danger,
}

impl Tone {
    /// The word of the style sheet.
    pub fn class(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Warning => "warning",
            Self::Danger => "danger",
        }
    }

    /// The icon beside the words.
    pub fn icon(self) -> &'static str {
        match self {
            Self::Success => "check-circle",
            Self::Warning => "exclamation-triangle",
            Self::Danger => "x-circle",
        }
    }
}

impl From<Activity> for Notice {
    fn from(activity: Activity) -> Self {
        let tone = activity.summary.get("tone").cloned().and_then(|tone| serde_json::from_value(tone).ok());
        let message =
            activity.summary.get("message").and_then(|message| message.as_str()).unwrap_or_default().to_owned();
        Self { tone: tone.unwrap_or_default(), message }
    }
}

impl Layout {
    /// The layout of a page that is not asked for anything: errors.
    pub(super) fn bare(state: &AppState, visitor: Option<Visitor>, path: &str) -> Self {
        let (member, csrf) = visitor.map_or((None, String::new()), |visitor| {
            let csrf = csrf::token(&visitor.csrf_secret).unwrap_or_default();
            (visitor.present.map(|present| present.member), csrf)
        });
        Self { member, csrf, path: path.to_owned(), notice: None, banner: state.banner() }
    }

    /// Whether an administrator is signed in.
    pub fn is_admin(&self) -> bool {
        self.member.as_ref().is_some_and(Member::is_admin)
    }

    /// The page of 도움말 that tells of this one.
    pub fn help(&self) -> String {
        topic_for(&self.path).map_or_else(|| "/help".to_owned(), |topic| format!("/help/{topic}"))
    }

    /// Whether this page lies under `prefix`: the menu marks it.
    pub fn at(&self, prefix: &str) -> bool {
        self.path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

#[derive(Default, Deserialize)]
struct Done {
    done: Option<String>,
}

impl FromRequestParts<AppState> for Layout {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Error> {
        let visitor = Visitor::from_request_parts(parts, state).await?;
        let Ok(Query(Done { done })) = Query::from_request_parts(parts, state).await;
        let notice = match (done.as_deref().and_then(parse_crockford), visitor.member().map(|member| member.id)) {
            (Some(id), Some(member_id)) => state.storage.read(move |tx| audit::find(tx, id, member_id)).await?,
            _ => None,
        };
        Ok(Self { notice: notice.map(Notice::from), ..Self::bare(state, Some(visitor), parts.uri.path()) })
    }
}

//! The layout of every page: menu, flash message, CSRF token, banner.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use serde::Deserialize;

use super::{AppState, AuthContext, Error, Flash, FlashId, Member, PageAction, PageKind, Query, Role, csrf};
use crate::demo::Demo;
use crate::drive;
use crate::flash;
use crate::help::model::topic_for;
use crate::id::Id;
use crate::orders::store::file_jobs;
use crate::storage::Storage;
use crate::today::watch::Watch;

/// The data of `templates/layout.html`; every page struct has it as its field `layout`.
#[derive(Clone, Debug)]
pub struct Layout {
    /// the logged-in member
    pub member: Option<Member>,
    /// the CSRF token for the forms of this page: `{% call web::csrf(layout) %}`
    pub csrf: String,
    /// the requested path
    pub path: String,
    /// the message of the action before the redirect, or of this response
    pub flash: Option<Flash>,
    /// the banner above the page in a demo shop
    pub banner: Option<String>,
    /// how many notices wait for the member
    pub waiting: usize,
    /// whether the member has a tour of today, besides other work
    pub drives: bool,
    /// how many files of the member were made in the background and wait to be fetched
    pub ready_files: usize,
}

/// The banner above every page of a demo shop.
#[derive(Clone)]
pub(super) struct DemoBanner {
    demo: Option<Demo>,
    storage: Storage,
}

impl FromRef<AppState> for DemoBanner {
    fn from_ref(state: &AppState) -> Self {
        Self { demo: state.demo.clone(), storage: state.storage.clone() }
    }
}

impl DemoBanner {
    fn text(&self) -> Option<String> {
        self.demo.as_ref().map(|demo| demo.banner(self.storage.clock().now()))
    }
}

impl Layout {
    /// A layout without a flash message, for error pages.
    pub(super) fn without_flash(banner: &DemoBanner, auth: Option<AuthContext>, path: &str) -> Self {
        let (member, csrf) = auth.map_or((None, String::new()), |auth| {
            let csrf = csrf::token(&auth).unwrap_or_default();
            (auth.current.map(|current| current.member), csrf)
        });
        Self {
            member,
            csrf,
            path: path.to_owned(),
            flash: None,
            banner: banner.text(),
            waiting: 0,
            drives: false,
            ready_files: 0,
        }
    }

    /// Whether an administrator is logged in.
    pub fn is_admin(&self) -> bool {
        self.member.as_ref().is_some_and(Member::is_admin)
    }

    /// Whether the member has the first page with what waits.
    pub fn sees_today(&self) -> bool {
        self.member.as_ref().is_some_and(|member| matches!(member.role, Role::Admin | Role::Orders))
    }

    /// Whether the logged-in member may take the action on this kind of page.
    pub fn may(&self, page: PageKind, action: PageAction) -> bool {
        self.member.as_ref().is_some_and(|member| member.may(page, action))
    }

    /// The label of the member's role.
    pub fn role_label(&self) -> &'static str {
        self.member.as_ref().map_or("", |member| member.role.label())
    }

    /// Whether the member may look at orders.
    pub fn sees_orders(&self) -> bool {
        self.may(PageKind::Orders, PageAction::View)
    }

    /// Whether the member may add and change orders one by one.
    pub fn edits_orders(&self) -> bool {
        self.may(PageKind::Orders, PageAction::Edit)
    }

    /// Whether the member may change orders in bulk.
    pub fn processes_orders(&self) -> bool {
        self.may(PageKind::Orders, PageAction::Process)
    }

    /// Whether the member may take files of orders away.
    pub fn downloads_orders(&self) -> bool {
        self.may(PageKind::Orders, PageAction::Download)
    }

    /// Whether the member may look at files of channels, and apply them.
    pub fn sees_uploads(&self) -> bool {
        self.may(PageKind::Uploads, PageAction::View)
    }

    /// Whether the member may look at products.
    pub fn sees_products(&self) -> bool {
        self.may(PageKind::Products, PageAction::View)
    }

    /// Whether the member may change products.
    pub fn edits_products(&self) -> bool {
        self.may(PageKind::Products, PageAction::Edit)
    }

    /// Whether the member may complete deliveries and undo that.
    pub fn processes_deliveries(&self) -> bool {
        self.may(PageKind::Deliveries, PageAction::Process)
    }

    /// Whether the member may print slips.
    pub fn prints_slips(&self) -> bool {
        self.may(PageKind::Deliveries, PageAction::Print)
    }

    /// Whether the member may look at the days of the own trucks.
    pub fn sees_plans(&self) -> bool {
        self.may(PageKind::Plans, PageAction::View)
    }

    /// Whether the member may change jobs and promises.
    pub fn edits_plans(&self) -> bool {
        self.may(PageKind::Plans, PageAction::Edit)
    }

    /// Whether the member may correct districts.
    pub fn edits_districts(&self) -> bool {
        self.may(PageKind::Districts, PageAction::Edit)
    }

    /// Whether a driver is logged in, who has no other pages than those of the own day.
    pub fn is_driver(&self) -> bool {
        self.member.as_ref().is_some_and(|member| member.role == Role::Driver)
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

/// The flash message of what led to a page, as [`super::redirect_with_flash`] names it.
#[derive(Default, Deserialize)]
pub struct FlashQuery {
    #[serde(default)]
    done: Option<String>,
}

impl FlashQuery {
    /// The message; none where nothing led here.
    pub fn id(&self) -> Option<FlashId> {
        self.done.as_deref().and_then(Id::parse)
    }
}

impl FromRequestParts<AppState> for Layout {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Error> {
        let auth = AuthContext::from_request_parts(parts, state).await?;
        let Ok(Query(flash)): Result<Query<FlashQuery>, _> = Query::from_request_parts(parts, state).await;
        // A script that has followed the redirect opens the page once more, to show it.
        let is_fetched = parts.headers.contains_key("x-fetched");
        // A member sees their own messages only.
        let flash = match (flash.id(), auth.member().map(|member| member.id)) {
            (Some(id), Some(member_id)) if is_fetched => {
                state.storage.read(move |tx| flash::store::find(tx, id, member_id)).await?
            }
            (Some(id), Some(member_id)) => {
                match state.storage.write(move |tx| flash::store::take(tx, id, member_id)).await {
                    Ok(flash) => flash,
                    // Nothing can be written; a message that is repeated is better than no page.
                    Err(_) => state.storage.read(move |tx| flash::store::find(tx, id, member_id)).await?,
                }
            }
            _ => None,
        };
        let layout = Self::without_flash(&DemoBanner::from_ref(state), Some(auth), parts.uri.path());
        let waiting = match &layout.member {
            Some(member) if layout.sees_today() => Watch::from_ref(state).waiting(&state.storage, member.role).await?,
            _ => 0,
        };
        let ready_files = match &layout.member {
            Some(member) if layout.downloads_orders() => {
                let id = member.id;
                state.storage.read(move |tx| file_jobs::unfetched_count(tx, id)).await?
            }
            _ => 0,
        };
        let drives = match &layout.member {
            Some(member) if layout.sees_plans() => {
                let (id, today) = (member.id, state.storage.clock().now().date());
                state.storage.read(move |tx| drive::store::has_tour(tx, id, today)).await?
            }
            _ => false,
        };
        Ok(Self { flash, waiting, drives, ready_files, ..layout })
    }
}

//! One member as administrators see them: role, whether they may sign in, their password and their
//! sign-ins.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use serde::Deserialize;
use serde_json::json;

use super::add::issued;
use super::one_time_password;
use crate::audit;
use crate::demo::ACCOUNTS;
use crate::members::devices::{self, Device};
use crate::members::model::{Account, Role};
use crate::members::sign_ins::{self, SignIn};
use crate::members::store::{self, Unchanged};
use crate::storage::{Result, StorageError, Tx, parse_crockford};
use crate::web::paging::{PageBar, Paging};
use crate::web::{AppState, Error, Form, Layout, Member, Notice, PageResult, Query, Tone, done, page, page_with};

#[derive(Template)]
#[template(path = "members/show.html")]
struct MemberPage {
    layout: Layout,
    account: Account,
    is_self: bool,
    devices: Vec<Device>,
    sign_ins: Vec<SignIn>,
    pages: PageBar,
}

pub(super) async fn show(
    State(state): State<AppState>,
    layout: Layout,
    admin: Member,
    Path(id): Path<String>,
    Query(paging): Query<Paging>,
    uri: Uri,
) -> PageResult {
    member_page(&state, layout, &admin, number(&id)?, paging, &uri).await.map(page)
}

fn number(id: &str) -> PageResult<i64> {
    parse_crockford(id).ok_or(Error::NotFound)
}

async fn member_page(
    state: &AppState,
    layout: Layout,
    admin: &Member,
    id: i64,
    paging: Paging,
    uri: &Uri,
) -> PageResult<MemberPage> {
    let uri = uri.clone();
    let found = state
        .storage
        .read(move |tx| {
            let Some(account) = store::find(tx, id)? else {
                return Ok(None);
            };
            let pages = PageBar::new(&uri, paging, sign_ins::count(tx, id)?);
            let sign_ins = sign_ins::of_member(tx, id, pages.size, pages.offset())?;
            Ok::<_, StorageError>(Some((account, devices::of_member(tx, id)?, sign_ins, pages)))
        })
        .await?;
    let (account, devices, sign_ins, pages) = found.ok_or(Error::NotFound)?;
    Ok(MemberPage { layout, is_self: account.member.id == admin.id, account, devices, sign_ins, pages })
}

/// Everybody shares the accounts of a training shop.
const SHARED: &str = "교육용 아이디는 모두 함께 써서 바꿀 수 없어요.";

fn is_shared(state: &AppState, account: &Account) -> bool {
    state.demo.is_some() && ACCOUNTS.iter().any(|shared| shared.username == account.member.username)
}

/// One change of one member.
struct Act {
    admin: Member,
    id: i64,
    /// its word in the log of acts
    action: &'static str,
    /// what the page says afterwards
    message: String,
}

async fn change(
    state: &AppState,
    layout: Layout,
    act: Act,
    work: impl Fn(&mut dyn Tx) -> Result<Result<(), Unchanged>> + Send + 'static,
) -> PageResult {
    let Act { admin, id, action, message } = act;
    let here = Uri::try_from(format!("/members/{}", crate::storage::crockford(id)))
        .map_err(|error| Error::Internal(error.to_string()))?;
    let mut page = member_page(state, layout, &admin, id, Paging::default(), &here).await?;
    let refused = if is_shared(state, &page.account) {
        SHARED.to_owned()
    } else {
        let summary = json!({ "message": message, "username": page.account.member.username });
        let changed = state.storage.write(move |tx| match work(tx)? {
            Ok(()) => audit::record(tx, Some(admin.id), action, &summary).map(Ok),
            Err(unchanged) => Ok(Err(unchanged)),
        });
        match changed.await? {
            Ok(activity) => return Ok(done(here.path(), activity)),
            Err(unchanged) => unchanged.to_string(),
        }
    };
    page.layout.notice = Some(Notice::said(Tone::Danger, &refused));
    Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, page))
}

#[derive(Deserialize)]
pub(super) struct RoleForm {
    role: String,
}

pub(super) async fn set_role(
    State(state): State<AppState>,
    layout: Layout,
    admin: Member,
    Path(id): Path<String>,
    Form(form): Form<RoleForm>,
) -> PageResult {
    let id = number(&id)?;
    let role: Role = form
        .role
        .parse()
        .map_err(|unknown: crate::members::model::UnknownRole| Error::BadRequest(unknown.to_string()))?;
    let message = format!("이제 ‘{}’ 역할이에요. 회원이 다시 로그인하면 바뀐 메뉴가 보여요.", role.label());
    let act = Act { admin, id, action: "members.role", message };
    change(&state, layout, act, move |tx| store::set_role(tx, id, role)).await
}

#[derive(Deserialize)]
pub(super) struct EnabledForm {
    /// 1 or 0
    enabled: u8,
}

pub(super) async fn set_enabled(
    State(state): State<AppState>,
    layout: Layout,
    admin: Member,
    Path(id): Path<String>,
    Form(form): Form<EnabledForm>,
) -> PageResult {
    let id = number(&id)?;
    let enabled = form.enabled == 1;
    let (action, message) = if enabled {
        ("members.enabled", "이제 로그인할 수 있어요.")
    } else {
        ("members.disabled", "이제 로그인하지 못해요. 쓰던 기기에서도 바로 로그아웃됐어요.")
    };
    let act = Act { admin, id, action, message: message.to_owned() };
    change(&state, layout, act, move |tx| store::set_enabled(tx, id, enabled)).await
}

/// The form of a button alone.
#[derive(Deserialize)]
pub(super) struct Nothing {}

pub(super) async fn reset_password(
    State(state): State<AppState>,
    layout: Layout,
    admin: Member,
    Path(id): Path<String>,
    Form(Nothing {}): Form<Nothing>,
) -> PageResult {
    let id = number(&id)?;
    let account = state.storage.read(move |tx| store::find(tx, id)).await?.ok_or(Error::NotFound)?;
    if is_shared(&state, &account) {
        return Err(Error::BadRequest(SHARED.to_owned()));
    }
    let (password, hash) = one_time_password(&state).await?;
    let summary = json!({ "username": account.member.username });
    let reset = state.storage.write(move |tx| {
        if let Err(unknown) = store::set_password(tx, id, &hash)? {
            return Ok(Err(unknown));
        }
        store::make_one_time(tx, id)?;
        audit::record(tx, Some(admin.id), "members.password", &summary)?;
        Ok::<_, StorageError>(Ok(()))
    });
    reset.await?.map_err(|_| Error::NotFound)?;
    Ok(issued(layout, &account.member.username, id, password, false))
}

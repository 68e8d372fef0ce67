//! A member's page for administrators: role, enabling and disabling, one-time password, login history.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use serde::Deserialize;

use super::generate_password;
use super::new::issued_page;
use crate::audit::{self, Actor, AuditEvent, AuditObject, MemberActor};
use crate::demo::{ACCOUNTS, Demo};
use crate::drive::store::keys;
use crate::id::MemberId;
use crate::members::model::device::Device;
use crate::members::model::sign_in::SignIn;
use crate::members::model::{Account, Role, UnknownRole};
use crate::members::passwords::PasswordHasher;
use crate::members::store::{self, UpdateError, devices, second_factor, sign_ins};
use crate::storage::{Result, Storage, StorageError, Tx};
use crate::time::Moment;
use crate::web::paging::{PageBar, PageQuery};
use crate::web::{
    Error, Flash, Form, Layout, Member, PageResult, Query, Tone, page, page_with_status, parse_id, redirect_with_flash,
};

#[derive(Template)]
#[template(path = "members/show.html")]
struct MemberPage {
    layout: Layout,
    account: Account,
    /// whether the administrator views their own account
    is_self: bool,
    devices: Vec<Device>,
    sign_ins: Vec<SignIn>,
    pages: PageBar,
    /// grants and withdrawals of rights, newest first
    grants: Vec<GrantRow>,
    /// whether the member has not come for a long time
    is_absent: bool,
}

/// A grant or withdrawal of rights.
struct GrantRow {
    at: Moment,
    sentence: String,
    by: String,
}

/// Grants that the page shows.
const MAX_GRANT_ROWS: i64 = 100;

fn grants(tx: &mut dyn Tx, id: MemberId) -> Result<Vec<GrantRow>> {
    audit::grants(tx, id, MAX_GRANT_ROWS)?
        .into_iter()
        .map(|entry| {
            let by = match entry.actor {
                Actor::Member(actor) => store::find(tx, actor.id)?.map_or_else(String::new, |by| by.member.username),
                Actor::CommandLine | Actor::Program => "프로그램".to_owned(),
            };
            Ok(GrantRow { at: entry.at, sentence: entry.event.sentence(), by })
        })
        .collect()
}

pub(super) async fn show(
    State(storage): State<Storage>,
    layout: Layout,
    admin: Member,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
    uri: Uri,
) -> PageResult {
    member_page(&storage, layout, &admin, parse_id(&id)?, query, &uri).await.map(page)
}

async fn member_page(
    storage: &Storage,
    layout: Layout,
    admin: &Member,
    id: MemberId,
    query: PageQuery,
    uri: &Uri,
) -> PageResult<MemberPage> {
    let uri = uri.clone();
    let found = storage
        .read(move |tx| {
            let Some(account) = store::find(tx, id)? else {
                return Ok(None);
            };
            let pages = PageBar::new(&uri, query, sign_ins::count(tx, id)?);
            let sign_ins = sign_ins::of_member(tx, id, pages.size, pages.offset())?;
            let is_absent = store::absent(tx)?.iter().any(|absent| absent.member.id == id);
            let rights = (grants(tx, id)?, is_absent);
            Ok::<_, StorageError>(Some((account, devices::of_member(tx, id)?, sign_ins, pages, rights)))
        })
        .await?;
    let (account, devices, sign_ins, pages, (grants, is_absent)) = found.ok_or(Error::NotFound)?;
    Ok(MemberPage {
        layout,
        is_self: account.member.id == admin.id,
        account,
        devices,
        sign_ins,
        pages,
        grants,
        is_absent,
    })
}

/// The error of an update to one of the demo accounts, which all visitors share.
const SHARED_ACCOUNT: &str = "교육용 아이디는 모두 함께 써서 바꿀 수 없어요.";

fn is_shared(demo: Option<&Demo>, account: &Account) -> bool {
    demo.is_some() && ACCOUNTS.iter().any(|shared| shared.username == account.member.username)
}

/// An update of one member by an administrator.
struct MemberUpdate {
    admin: Member,
    actor: MemberActor,
    id: MemberId,
    /// the audit event, of a username
    event: Box<dyn Fn(String) -> AuditEvent + Send>,
    /// the flash message after success
    message: String,
}

async fn update(
    storage: &Storage,
    demo: Option<&Demo>,
    layout: Layout,
    update: MemberUpdate,
    write: impl Fn(&mut dyn Tx) -> Result<Result<(), UpdateError>> + Send + 'static,
) -> PageResult {
    let MemberUpdate { admin, actor, id, event, message } = update;
    let url = Uri::try_from(format!("/members/{id}")).map_err(Error::internal)?;
    let mut page = member_page(storage, layout, &admin, id, PageQuery::default(), &url).await?;
    let error = if is_shared(demo, &page.account) {
        SHARED_ACCOUNT.to_owned()
    } else {
        let event = event(page.account.member.username.clone());
        let updated = storage.write(move |tx| {
            if let Err(error) = write(tx)? {
                return Ok(Err(error));
            }
            audit::record(tx, actor, AuditObject::one(id), &event)?;
            Flash::success(message.as_str()).save(tx, actor.id).map(Ok)
        });
        match updated.await? {
            Ok(flash) => return Ok(redirect_with_flash(url.path(), flash)),
            Err(error) => error.to_string(),
        }
    };
    page.layout.flash = Some(Flash::new(Tone::Danger, &error));
    Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page))
}

#[derive(Deserialize)]
pub(super) struct RoleForm {
    role: String,
}

pub(super) async fn set_role(
    State(storage): State<Storage>,
    State(demo): State<Option<Demo>>,
    layout: Layout,
    admin: Member,
    actor: MemberActor,
    Path(id): Path<String>,
    Form(form): Form<RoleForm>,
) -> PageResult {
    let id = parse_id(&id)?;
    let role: Role = form.role.parse().map_err(|unknown: UnknownRole| Error::BadRequest(unknown.to_string()))?;
    let message = format!("이제 ‘{}’ 역할이에요. 회원이 다시 로그인하면 바뀐 메뉴가 보여요.", role.label());
    let event = Box::new(move |username| AuditEvent::RoleChanged { username, role: role.code().to_owned() });
    let change = MemberUpdate { admin, actor, id, event, message };
    update(&storage, demo.as_ref(), layout, change, move |tx| match store::set_role(tx, id, role)? {
        Ok(()) => keys::expire_of_member(tx, id).map(Ok),
        Err(error) => Ok(Err(error)),
    })
    .await
}

#[derive(Deserialize)]
pub(super) struct EnabledForm {
    /// 1 or 0
    enabled: u8,
}

pub(super) async fn set_enabled(
    State(storage): State<Storage>,
    State(demo): State<Option<Demo>>,
    layout: Layout,
    admin: Member,
    actor: MemberActor,
    Path(id): Path<String>,
    Form(form): Form<EnabledForm>,
) -> PageResult {
    let id = parse_id(&id)?;
    let enabled = form.enabled == 1;
    let event = move |username| {
        if enabled { AuditEvent::MemberEnabled { username } } else { AuditEvent::MemberDisabled { username } }
    };
    let message = if enabled {
        "이제 로그인할 수 있어요."
    } else {
        "이제 로그인하지 못해요. 쓰던 기기에서도 바로 로그아웃됐어요."
    };
    let change = MemberUpdate { admin, actor, id, event: Box::new(event), message: message.to_owned() };
    update(&storage, demo.as_ref(), layout, change, move |tx| match store::set_enabled(tx, id, enabled)? {
        Ok(()) => keys::expire_of_member(tx, id).map(Ok),
        Err(error) => Ok(Err(error)),
    })
    .await
}

/// Keeps a member who has not come for a long time.
pub(super) async fn keep(
    State(storage): State<Storage>,
    State(demo): State<Option<Demo>>,
    layout: Layout,
    admin: Member,
    actor: MemberActor,
    Path(id): Path<String>,
    Form(EmptyForm {}): Form<EmptyForm>,
) -> PageResult {
    let id = parse_id(&id)?;
    let event = |username| AuditEvent::MemberKept { username };
    let message = "그대로 두었어요. 90일 뒤에도 들어오지 않으면 다시 물어볼게요.".to_owned();
    let change = MemberUpdate { admin, actor, id, event: Box::new(event), message };
    update(&storage, demo.as_ref(), layout, change, move |tx| store::keep(tx, id)).await
}

#[derive(Deserialize)]
pub(super) struct TotpForm {
    /// demand, optional or reset
    act: String,
}

/// Demands a second factor of the member, or removes it: after a lost phone.
pub(super) async fn set_totp(
    State(storage): State<Storage>,
    State(demo): State<Option<Demo>>,
    layout: Layout,
    admin: Member,
    actor: MemberActor,
    Path(id): Path<String>,
    Form(form): Form<TotpForm>,
) -> PageResult {
    type Event = fn(String) -> AuditEvent;
    let id = parse_id(&id)?;
    let (event, message): (Event, &str) = match form.act.as_str() {
        "demand" => (|username| AuditEvent::TotpDemanded { username }, "다음에 들어올 때부터 인증 앱을 연결해야 해요."),
        "optional" => (|username| AuditEvent::TotpOptional { username }, "이제 인증 앱은 회원이 선택해요."),
        "reset" => (
            |username| AuditEvent::TotpDisabled { username },
            "인증 앱을 풀었어요. 비밀번호만으로 들어와서 다시 연결할 수 있어요.",
        ),
        _ => return Err(Error::BadRequest("어떤 작업인지 알 수 없어요. 새로고침한 뒤 다시 시도해 주세요.".to_owned())),
    };
    let change = MemberUpdate { admin, actor, id, event: Box::new(event), message: message.to_owned() };
    let act = form.act;
    update(&storage, demo.as_ref(), layout, change, move |tx| {
        let found = if act == "reset" {
            second_factor::disable(tx, id)?;
            true
        } else {
            second_factor::set_required(tx, id, act == "demand")?
        };
        Ok(if found { Ok(()) } else { Err(UpdateError::Unknown) })
    })
    .await
}

/// A form with a button only.
#[derive(Deserialize)]
pub(super) struct EmptyForm {}

/// Replaces the password by a one-time password and shows it.
pub(super) async fn reset_password(
    State(storage): State<Storage>,
    State(demo): State<Option<Demo>>,
    State(hasher): State<PasswordHasher>,
    layout: Layout,
    actor: MemberActor,
    Path(id): Path<String>,
    Form(EmptyForm {}): Form<EmptyForm>,
) -> PageResult {
    let id = parse_id(&id)?;
    let account = storage.read(move |tx| store::find(tx, id)).await?.ok_or(Error::NotFound)?;
    if is_shared(demo.as_ref(), &account) {
        return Err(Error::BadRequest(SHARED_ACCOUNT.to_owned()));
    }
    let (password, hash) = generate_password(&hasher).await?;
    let event = AuditEvent::OneTimePasswordIssued { username: account.member.username.clone() };
    let reset = storage.write(move |tx| {
        if let Err(unknown) = store::set_password(tx, id, &hash)? {
            return Ok(Err(unknown));
        }
        store::make_one_time(tx, id)?;
        audit::record(tx, actor, AuditObject::one(id), &event)?;
        Ok::<_, StorageError>(Ok(()))
    });
    reset.await?.map_err(|_| Error::NotFound)?;
    Ok(issued_page(layout, &account.member.username, id, password, None))
}

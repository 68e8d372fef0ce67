//! The member's own account: password, devices, recent logins.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use super::{OwnPassword, WRONG_PASSWORD};
use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::demo::Demo;
use crate::id::DeviceId;
use crate::members::field_errors::FieldErrors;
use crate::members::model::device::Device;
use crate::members::model::sign_in::SignIn;
use crate::members::model::{NewPassword, PasswordError};
use crate::members::passwords::PasswordHasher;
use crate::members::store::{self, CurrentMember, devices, sign_ins};
use crate::shop;
use crate::storage::{Storage, StorageError};
use crate::web::{
    AuthContext, BrowserSession, Error, Flash, Form, Layout, PageResult, page, page_with_status, redirect_with_flash,
};

/// Entries of the login history on the page.
const MAX_SIGN_INS: u32 = 10;

#[derive(Template)]
#[template(path = "members/account.html")]
struct AccountPage {
    layout: Layout,
    /// whether the password must be changed before anything else
    must_change_password: bool,
    /// whether a second factor must be set up before anything else
    must_enroll: bool,
    has_second_factor: bool,
    /// the device of this session
    current_device: DeviceId,
    devices: Vec<Device>,
    sign_ins: Vec<SignIn>,
    errors: FieldErrors,
}

#[derive(Deserialize)]
pub(super) struct PasswordForm {
    current: String,
    password: String,
    again: String,
}

pub(super) async fn show(
    State(storage): State<Storage>,
    current: CurrentMember,
    auth: AuthContext,
    layout: Layout,
) -> PageResult {
    account_page(&storage, &current, &auth, layout, FieldErrors::default()).await.map(page)
}

async fn account_page(
    storage: &Storage,
    current: &CurrentMember,
    auth: &AuthContext,
    layout: Layout,
    errors: FieldErrors,
) -> PageResult<AccountPage> {
    let id = current.member.id;
    let (devices, sign_ins) = storage
        .read(move |tx| {
            Ok::<_, StorageError>((devices::of_member(tx, id)?, sign_ins::of_member(tx, id, MAX_SIGN_INS, 0)?))
        })
        .await?;
    Ok(AccountPage {
        layout,
        must_change_password: current.must_change_password,
        must_enroll: auth.must_enroll && !current.must_change_password,
        has_second_factor: current.has_second_factor,
        current_device: current.device_id,
        devices,
        sign_ins,
        errors,
    })
}

/// Changes the password, which logs the member's other devices out.
#[expect(clippy::too_many_arguments, reason = "extractors")]
pub(super) async fn update(
    State(storage): State<Storage>,
    State(hasher): State<PasswordHasher>,
    State(demo): State<Option<Demo>>,
    browser: BrowserSession,
    own_password: OwnPassword,
    actor: MemberActor,
    auth: AuthContext,
    layout: Layout,
    Form(form): Form<PasswordForm>,
) -> PageResult {
    let current = &own_password.current;
    let mut errors = FieldErrors::default();
    let password = if demo.is_some() {
        errors.current = Some("교육용 아이디는 모두 함께 써서 비밀번호를 바꿀 수 없어요.".to_owned());
        None
    } else {
        if form.password == form.current {
            errors.add_password(PasswordError::Unchanged);
        }
        if !own_password.verify(form.current).await? {
            errors.current = Some(WRONG_PASSWORD.to_owned());
        }
        let shop = storage.read(shop::store::find).await?;
        let names = [current.member.username.as_str(), shop.name.as_str()];
        let password = NewPassword::repeated(form.password, &form.again, &names);
        password.map_err(|error| errors.add_password(error)).ok().filter(|_| !errors.any())
    };
    let Some(password) = password else {
        let page = account_page(&storage, current, &auth, layout, errors).await?;
        return Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page));
    };

    let hash = hasher.hash(password).await?;
    let (id, device_id) = (current.member.id, current.device_id);
    let event = AuditEvent::PasswordChanged { username: current.member.username.clone() };
    let updated = storage
        .write(move |tx| {
            let is_remembered = devices::remembered_until(tx, device_id)?.is_some();
            let Ok(epoch) = store::set_password(tx, id, &hash)? else {
                return Ok(None);
            };
            audit::record(tx, actor, AuditObject::one(id), &event)?;
            let flash = Flash::success("비밀번호를 바꿨어요. 다른 기기에서는 로그아웃됐어요.").save(tx, id)?;
            Ok::<_, Error>(Some((epoch, is_remembered, flash)))
        })
        .await?;
    let (epoch, is_remembered, flash) = updated.ok_or(Error::NotFound)?;
    let cookie = browser.log_in(id, epoch, is_remembered).await?;
    Ok(cookie.add_to(redirect_with_flash(current.member.role.home(), flash)))
}

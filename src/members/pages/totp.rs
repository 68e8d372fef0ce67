//! `/account/totp`: sets up and removes the authenticator app of the member.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use super::{OwnPassword, WRONG_PASSWORD};
use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::demo::Demo;
use crate::members::store::{CurrentMember, second_factor};
use crate::members::totp::TotpSecret;
use crate::random;
use crate::storage::Storage;
use crate::vault::Vault;
use crate::web::qr::{self, QrCode};
use crate::web::{Error, Flash, Form, Layout, PageResult, page, page_with_status, redirect_with_flash};

/// Recovery codes that a member gets.
const RECOVERY_CODES: usize = 10;

#[derive(Template)]
#[template(path = "members/totp.html")]
struct TotpPage {
    layout: Layout,
    username: String,
    is_enabled: bool,
    recovery_codes: i64,
    secret: String,
    qr_code: Option<QrCode>,
    code_error: Option<&'static str>,
    password_error: Option<&'static str>,
}

impl TotpPage {
    /// The secret in groups, to be typed into an app.
    fn groups(&self) -> Vec<&str> {
        self.secret.as_bytes().chunks(4).filter_map(|group| std::str::from_utf8(group).ok()).collect()
    }
}

#[derive(Template)]
#[template(path = "members/recovery_codes.html")]
struct RecoveryCodesPage {
    layout: Layout,
    codes: Vec<String>,
    home: &'static str,
}

async fn totp_page(
    storage: &Storage,
    layout: Layout,
    current: &CurrentMember,
    secret: TotpSecret,
) -> PageResult<TotpPage> {
    let (id, username) = (current.member.id, current.member.username.clone());
    let factor = storage.read(move |tx| second_factor::find(tx, id)).await?;
    Ok(TotpPage {
        layout,
        is_enabled: factor.is_some(),
        recovery_codes: factor.map_or(0, |factor| factor.recovery_codes),
        qr_code: qr::svg(&secret.uri(&username)),
        secret: secret.to_base32(),
        username,
        code_error: None,
        password_error: None,
    })
}

pub(super) async fn show(State(storage): State<Storage>, current: CurrentMember, layout: Layout) -> PageResult {
    totp_page(&storage, layout, &current, TotpSecret::generate()?).await.map(page)
}

#[derive(Deserialize)]
pub(super) struct EnableForm {
    /// the secret that the page showed
    secret: String,
    /// a code of the app, which proves that it has the secret
    code: String,
    /// the member's password: whoever sits at an open screen must not lock the member out
    #[serde(default)]
    password: String,
}

/// Connects the first app. One that is connected is removed before, with the password.
pub(super) async fn enable(
    State(storage): State<Storage>,
    State(vault): State<Vault>,
    State(demo): State<Option<Demo>>,
    own_password: OwnPassword,
    actor: MemberActor,
    layout: Layout,
    Form(form): Form<EnableForm>,
) -> PageResult {
    if demo.is_some() {
        return Err(Error::BadRequest("교육용 아이디는 모두 함께 써서 인증 앱을 연결할 수 없어요.".to_owned()));
    }
    let secret = TotpSecret::parse(&form.secret);
    let secret = secret.ok_or_else(|| Error::BadRequest("앞 화면에서 다시 해 주세요.".to_owned()))?;
    let step = secret.verify(&form.code, storage.clock().now(), 0);
    let is_own = own_password.verify(form.password).await?;
    let current = own_password.current;
    let Some(step) = step.filter(|_| is_own) else {
        let mut page = totp_page(&storage, layout, &current, secret).await?;
        page.password_error = (!is_own).then_some(WRONG_PASSWORD);
        page.code_error = step.is_none().then_some(
            "인증 번호가 맞지 않아요. 휴대전화의 시각이 맞는지 보고, 지금 나오는 여섯 자리를 입력해 주세요.",
        );
        return Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page));
    };
    let sealed = vault.seal(&secret.to_base32());
    let sealed = sealed.ok_or_else(|| Error::Internal("the secret could not be sealed".to_owned()))?;
    let codes = (0..RECOVERY_CODES).map(|_| random::long_code()).collect::<Result<Vec<_>, _>>()?;
    let (stored, event) = (codes.clone(), AuditEvent::TotpEnabled { username: current.member.username.clone() });
    let refused = storage
        .write(move |tx| {
            if second_factor::find(tx, actor.id)?.is_some() {
                return Flash::warning("이미 연결되어 있어요. 먼저 연결을 풀어 주세요.").save(tx, actor.id).map(Some);
            }
            second_factor::enable(tx, actor.id, &sealed, step, &stored)?;
            audit::record(tx, actor, AuditObject::one(actor.id), &event)?;
            Ok(None)
        })
        .await?;
    if let Some(flash) = refused {
        return Ok(redirect_with_flash("/account/totp", flash));
    }
    Ok(page(RecoveryCodesPage { layout, codes, home: current.member.role.home() }))
}

#[derive(Deserialize)]
pub(super) struct RemoveForm {
    password: String,
}

pub(super) async fn remove(
    State(storage): State<Storage>,
    own_password: OwnPassword,
    actor: MemberActor,
    layout: Layout,
    Form(form): Form<RemoveForm>,
) -> PageResult {
    if !own_password.verify(form.password).await? {
        let mut page = totp_page(&storage, layout, &own_password.current, TotpSecret::generate()?).await?;
        page.password_error = Some(WRONG_PASSWORD);
        return Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page));
    }
    let event = AuditEvent::TotpDisabled { username: own_password.current.member.username.clone() };
    let flash = storage
        .write(move |tx| {
            if second_factor::disable(tx, actor.id)? {
                audit::record(tx, actor, AuditObject::one(actor.id), &event)?;
            }
            Flash::success("인증 앱 연결을 풀었어요.").save(tx, actor.id)
        })
        .await?;
    Ok(redirect_with_flash("/account", flash))
}

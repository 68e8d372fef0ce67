//! Login by password.

use std::net::IpAddr;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use crate::access::AccessRecorder;
use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::demo::{self, Demo, DemoAccount};
use crate::id::{MemberId, SignInId};
use crate::members::known_browser::KnownBrowser;
use crate::members::model::Role;
use crate::members::model::device::DeviceOrigin;
use crate::members::model::sign_in::SignInOutcome;
use crate::members::passwords::PasswordHasher;
use crate::members::store::login_throttle::LoginThrottle;
use crate::members::store::{self, Credentials, second_factor, sign_ins};
use crate::sessions::PendingLogin;
use crate::storage::{Result, Storage, StorageError, Tx};
use crate::time::Moment;
use crate::web::{
    BrowserSession, Error, Flash, FlashId, Form, Layout, PageResult, Query, Tone, UNSENT_PATH, local_path, page,
    page_with_status, redirect, redirect_with_flash,
};

/// Wrong passwords since the last login of which a member is told.
const MIN_REPORTED_FAILURES: i64 = 5;

#[derive(Template)]
#[template(path = "members/login.html")]
struct LoginPage {
    layout: Layout,
    username: String,
    next: String,
    remember: bool,
    notice: Option<LoginNotice>,
    /// the public accounts of a demo shop; empty elsewhere
    demo_accounts: &'static [DemoAccount],
}

/// The notice above the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LoginNotice {
    /// the member has logged out
    LoggedOut,
    /// the login ran out while a form was filled in, which is kept
    FormKept,
    /// a remember-me token was stolen; all sessions were revoked
    TokenTheft,
    /// the login was rejected
    Rejected(SignInOutcome),
}

impl LoginNotice {
    fn tone(self) -> Tone {
        match self {
            Self::LoggedOut => Tone::Success,
            Self::FormKept => Tone::Warning,
            Self::TokenTheft | Self::Rejected(_) => Tone::Danger,
        }
    }

    /// The message. Reasons other than a wrong password are given only after the right one.
    fn message(self) -> &'static str {
        match self {
            Self::LoggedOut => "로그아웃했어요.",
            Self::FormKept => "로그인이 끊겼어요. 다시 로그인하면 입력한 내용을 마저 저장할 수 있어요.",
            Self::TokenTheft => {
                "이 아이디의 로그인 정보가 다른 곳에서 쓰인 것 같아 모든 기기에서 로그아웃했어요. 다시 로그인하고 비밀번호를 바꿔 주세요."
            }
            Self::Rejected(SignInOutcome::AccountDisabled) => "지금은 쓸 수 없는 아이디예요. 관리자에게 말씀해 주세요.",
            Self::Rejected(SignInOutcome::PasswordExpired) => {
                "임시 비밀번호의 기한이 지났어요. 관리자에게 새로 받아 주세요."
            }
            Self::Rejected(_) => "아이디나 비밀번호가 맞지 않아요. 다시 입력해 주세요.",
        }
    }
}

impl LoginPage {
    fn is_rejected(&self) -> bool {
        matches!(self.notice, Some(LoginNotice::Rejected(_)))
    }
}

#[derive(Default, Deserialize)]
pub(super) struct LoginQuery {
    #[serde(default)]
    next: String,
    bye: Option<String>,
    stolen: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct LoginForm {
    username: String,
    password: String,
    #[serde(default)]
    next: String,
    stay: Option<String>,
}

pub(super) async fn show(
    State(storage): State<Storage>,
    State(demo): State<Option<Demo>>,
    layout: Layout,
    Query(query): Query<LoginQuery>,
) -> PageResult {
    if let Some(member) = &layout.member {
        return Ok(redirect(local_path(&query.next).unwrap_or(member.role.home())));
    }
    if !storage.read(store::has_members).await? {
        return Ok(redirect("/setup"));
    }
    let notice = query.stolen.map(|_| LoginNotice::TokenTheft).or(query.bye.map(|_| LoginNotice::LoggedOut));
    let notice = notice.or((query.next == UNSENT_PATH).then_some(LoginNotice::FormKept));
    let (username, demo_accounts) = (String::new(), demo_accounts(demo.as_ref()));
    Ok(page(LoginPage { layout, username, next: query.next, remember: false, notice, demo_accounts }))
}

pub(super) async fn log_in(
    State(storage): State<Storage>,
    State(recorder): State<AccessRecorder>,
    State(hasher): State<PasswordHasher>,
    State(demo): State<Option<Demo>>,
    browser: BrowserSession,
    layout: Layout,
    Form(form): Form<LoginForm>,
) -> PageResult {
    let LoginForm { username, password, next, stay } = form;
    let (username, remember) = (username.trim().to_owned(), stay.is_some());
    let address = browser.client.address.to_string();
    let attempt = {
        let (username, known) = (username.clone(), browser.known().cloned());
        let (client, origin) = (browser.client.address, browser.client.origin());
        storage.write(move |tx| throttle_and_find(tx, &username, known.as_ref(), client, &origin)).await?
    };
    let account = match attempt {
        LoginAttempt::Throttled { minutes } => {
            recorder.record(sign_ins::access(None, &address, SignInOutcome::WrongPassword)).await;
            return Err(Error::TooManyAttempts { minutes });
        }
        LoginAttempt::UnknownUsername => None,
        LoginAttempt::Account(account) => Some(account),
    };
    let member_id = account.as_ref().map(|account| account.credentials.member.id);
    let hash = account.as_ref().map(|account| account.credentials.password_hash.clone());
    let matches = hasher.verify(password, hash).await?;
    let demo_accounts = demo_accounts(demo.as_ref());
    let render_with_error = |outcome, next| {
        let notice = Some(LoginNotice::Rejected(outcome));
        let page = LoginPage { layout, username, next, remember, notice, demo_accounts };
        Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page))
    };
    let Some(AttemptedAccount { credentials, sign_in_id, throttle }) = account.filter(|_| matches) else {
        tracing::warn!(address = %browser.client.address, "로그인하지 못했어요");
        recorder.record(sign_ins::access(member_id, &address, SignInOutcome::WrongPassword)).await;
        return render_with_error(SignInOutcome::WrongPassword, next);
    };
    if let Some(outcome) = rejection(&credentials, storage.clock().now()) {
        storage.write(move |tx| sign_ins::set_outcome(tx, sign_in_id, outcome)).await?;
        recorder.record(sign_ins::access(member_id, &address, outcome)).await;
        return render_with_error(outcome, next);
    }
    let Credentials { member, epoch, one_time_until, .. } = credentials;
    let id = member.id;
    let pending = PendingLogin {
        member_id: id,
        epoch,
        remember,
        next,
        sign_in_id,
        must_change_password: one_time_until.is_some(),
        started_at: storage.clock().now().0,
    };
    let has_second_factor = storage
        .write(move |tx| {
            let has_one = second_factor::find(tx, id)?.is_some();
            // Until the code is entered; the throttle goes on counting.
            let outcome = if has_one { SignInOutcome::WrongCode } else { SignInOutcome::Password };
            sign_ins::set_outcome(tx, sign_in_id, outcome)?;
            Ok::<_, StorageError>(has_one)
        })
        .await?;
    if has_second_factor {
        browser.begin_second_factor(&pending).await?;
        return Ok(redirect("/login/code"));
    }
    complete(&storage, &browser, throttle, pending, member.role).await
}

/// Logs the member in after all factors were right.
pub(super) async fn complete(
    storage: &Storage,
    browser: &BrowserSession,
    throttle: LoginThrottle,
    pending: PendingLogin,
    role: Role,
) -> PageResult {
    let PendingLogin { member_id: id, epoch, remember, next, sign_in_id, must_change_password, .. } = pending;
    let actor = MemberActor { id, address: browser.client.address };
    let warning = storage
        .write(move |tx| {
            throttle.reset(tx)?;
            sign_ins::set_outcome(tx, sign_in_id, SignInOutcome::Password)?;
            store::record_sign_in(tx, id)?;
            match warn_of_token_theft(tx, actor)? {
                None => warn_of_failures(tx, id, sign_in_id),
                warning => Ok(warning),
            }
        })
        .await?;
    let cookie = browser.log_in(id, epoch, remember).await?;
    let to = if must_change_password { "/account" } else { local_path(&next).unwrap_or(role.home()) };
    Ok(cookie.add_to(warning.map_or_else(|| redirect(to), |flash| redirect_with_flash(to, flash))))
}

/// Why a login with the right password is rejected.
fn rejection(credentials: &Credentials, now: Moment) -> Option<SignInOutcome> {
    if !credentials.enabled {
        Some(SignInOutcome::AccountDisabled)
    } else if credentials.one_time_until.is_some_and(|until| until < now) {
        Some(SignInOutcome::PasswordExpired)
    } else {
        None
    }
}

/// Saves a warning of a token theft; None without a theft since the last login.
fn warn_of_token_theft(tx: &mut dyn Tx, actor: MemberActor) -> Result<Option<FlashId>> {
    let Some(detected_at) = store::acknowledge_token_theft(tx, actor.id)? else {
        return Ok(None);
    };
    let event = AuditEvent::TokenTheftReported { detected_at };
    audit::record(tx, actor, AuditObject::one(actor.id), &event)?;
    let message = format!("{} 내 계정에서 비밀번호를 바꾸고 로그인 기록을 확인해 주세요.", event.sentence());
    Flash::new(Tone::Danger, message).save(tx, actor.id).map(Some)
}

/// Saves a warning of wrong passwords since the last login; None if there were few.
fn warn_of_failures(tx: &mut dyn Tx, member_id: MemberId, sign_in_id: SignInId) -> Result<Option<FlashId>> {
    let failures = sign_ins::failures_before(tx, member_id, sign_in_id)?;
    if failures < MIN_REPORTED_FAILURES {
        return Ok(None);
    }
    let message = format!(
        "지난 로그인 뒤로 누가 이 아이디의 비밀번호를 {failures}번 틀렸어요. 직접 틀린 것이 아니면 내 계정에서 로그인 기록을 확인해 주세요."
    );
    Flash::warning(message).save(tx, member_id).map(Some)
}

fn demo_accounts(demo: Option<&Demo>) -> &'static [DemoAccount] {
    if demo.is_some() { &demo::ACCOUNTS } else { &[] }
}

/// A login attempt before its password is verified.
enum LoginAttempt {
    Throttled { minutes: i64 },
    UnknownUsername,
    Account(AttemptedAccount),
}

/// The account of a login attempt.
struct AttemptedAccount {
    credentials: Credentials,
    /// the entry of the login history
    sign_in_id: SignInId,
    throttle: LoginThrottle,
}

/// Counts the attempt as failed and records a wrong password in the login history; both are corrected when the password
/// proves right.
fn throttle_and_find(
    tx: &mut dyn Tx,
    username: &str,
    known: Option<&KnownBrowser>,
    address: IpAddr,
    origin: &DeviceOrigin,
) -> Result<LoginAttempt> {
    let credentials = store::credentials(tx, username)?;
    let member_id = credentials.as_ref().map(|credentials| credentials.member.id);
    let throttle = LoginThrottle::of_attempt(known, member_id, username, address);
    if let Some(minutes) = throttle.record_attempt(tx)? {
        return Ok(LoginAttempt::Throttled { minutes });
    }
    let Some(credentials) = credentials else {
        return Ok(LoginAttempt::UnknownUsername);
    };
    let sign_in_id = sign_ins::record(tx, credentials.member.id, SignInOutcome::WrongPassword, origin)?;
    Ok(LoginAttempt::Account(AttemptedAccount { credentials, sign_in_id, throttle }))
}

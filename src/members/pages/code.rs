//! `/login/code`: the second factor of a login, after the password.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use super::login::complete;
use crate::access::AccessRecorder;
use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::members::model::sign_in::SignInOutcome;
use crate::members::store::login_throttle::LoginThrottle;
use crate::members::store::{self, second_factor, sign_ins};
use crate::members::totp::TotpSecret;
use crate::storage::{Result, Storage, Tx};
use crate::vault::Vault;
use crate::web::{BrowserSession, Error, Form, Layout, PageResult, page, page_with_status, redirect};

#[derive(Template)]
#[template(path = "members/code.html")]
struct CodePage {
    layout: Layout,
    error: Option<&'static str>,
}

#[derive(Deserialize)]
pub(super) struct CodeForm {
    code: String,
}

pub(super) async fn show(browser: BrowserSession, layout: Layout) -> PageResult {
    Ok(match browser.pending_login().await? {
        Some(_) => page(CodePage { layout, error: None }),
        None => redirect("/login"),
    })
}

pub(super) async fn verify(
    State(storage): State<Storage>,
    State(vault): State<Vault>,
    State(recorder): State<AccessRecorder>,
    browser: BrowserSession,
    layout: Layout,
    Form(form): Form<CodeForm>,
) -> PageResult {
    let Some(pending) = browser.pending_login().await? else {
        return Ok(redirect("/login"));
    };
    let id = pending.member_id;
    let account = storage.read(move |tx| store::find(tx, id)).await?.filter(|account| account.enabled);
    let Some(account) = account else { return Ok(redirect("/login")) };
    let (username, address) = (&account.member.username, browser.client.address);
    let throttle = LoginThrottle::of_attempt(browser.known(), Some(id), username, address);
    let attempt = throttle.clone();
    if let Some(minutes) = storage.write(move |tx| attempt.record_attempt(tx)).await? {
        return Err(Error::TooManyAttempts { minutes });
    }
    let (typed, actor) = (form.code, MemberActor { id, address: browser.client.address });
    let username = account.member.username.clone();
    let is_right = storage.write(move |tx| accept(tx, &vault, actor, &username, &typed)).await?;
    if !is_right {
        let address = browser.client.address.to_string();
        tracing::warn!(address, "로그인하지 못했어요: 인증 앱의 숫자가 틀렸어요");
        recorder.record(sign_ins::access(Some(id), &address, SignInOutcome::WrongCode)).await;
        let error = Some("인증 번호가 맞지 않아요. 앱에 지금 나오는 여섯 자리를 입력해 주세요.");
        return Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, CodePage { layout, error }));
    }
    complete(&storage, &browser, throttle, pending, account.member.role).await
}

/// Whether `typed` is the present code of the member's app, or a recovery code, which is used up.
fn accept(tx: &mut dyn Tx, vault: &Vault, actor: MemberActor, username: &str, typed: &str) -> Result<bool> {
    let Some(factor) = second_factor::find(tx, actor.id)? else { return Ok(true) };
    let secret = vault.unseal(&factor.sealed_secret).and_then(|secret| TotpSecret::parse(&secret));
    let step = secret.and_then(|secret| secret.verify(typed, tx.now(), factor.last_step));
    if let Some(step) = step {
        return second_factor::use_step(tx, actor.id, step);
    }
    if !second_factor::use_recovery_code(tx, actor.id, typed)? {
        return Ok(false);
    }
    let left = factor.recovery_codes - 1;
    let event = AuditEvent::RecoveryCodeUsed { username: username.to_owned(), left };
    audit::record(tx, actor, AuditObject::one(actor.id), &event)?;
    Ok(true)
}

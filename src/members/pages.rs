//! Pages of login and logout, one's own account, and the administration of members.

mod account;
mod code;
mod devices;
mod list;
mod login;
mod logout;
mod new;
mod password;
mod roles;
mod show;
#[cfg(test)]
mod tests;
mod totp;
mod unsent;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::model::NewPassword;
use super::passwords::PasswordHasher;
use super::store::login_throttle::LoginThrottle;
use super::store::{self, CurrentMember};
use crate::random;
use crate::storage::Storage;
use crate::web::{Access, AppState, Error, Routes};

/// The pages of members.
pub fn routes() -> Routes {
    Routes::new()
        .get("/login", Access::Public, login::show)
        .post("/login", Access::Public, login::log_in)
        .get("/login/code", Access::Public, code::show)
        .post("/login/code", Access::Public, code::verify)
        .post("/logout", Access::PasswordChange, logout::log_out)
        .get("/account", Access::PasswordChange, account::show)
        .post("/account", Access::PasswordChange, account::update)
        .post("/account/devices", Access::Driver, devices::revoke)
        .get("/account/unsent", Access::Driver, unsent::show)
        .post("/account/unsent", Access::Driver, unsent::answer)
        .get("/account/totp", Access::PasswordChange, totp::show)
        .post("/account/totp", Access::PasswordChange, totp::enable)
        .post("/account/totp/remove", Access::PasswordChange, totp::remove)
        .get("/members", Access::AdminReauthenticated, list::list)
        .post("/members", Access::AdminReauthenticated, new::create)
        .get("/members/new", Access::AdminReauthenticated, new::new)
        .get("/members/roles", Access::Admin, roles::show)
        .get("/members/{id}", Access::AdminReauthenticated, show::show)
        .post("/members/{id}/role", Access::AdminReauthenticated, show::set_role)
        .post("/members/{id}/enabled", Access::AdminReauthenticated, show::set_enabled)
        .post("/members/{id}/keep", Access::AdminReauthenticated, show::keep)
        .post("/members/{id}/password", Access::AdminReauthenticated, show::reset_password)
        .post("/members/{id}/totp", Access::AdminReauthenticated, show::set_totp)
        .get("/password", Access::Driver, password::show)
        .post("/password", Access::Driver, password::reauthenticate)
}

/// Generates a one-time password; returns it with its hash.
async fn generate_password(hasher: &PasswordHasher) -> Result<(String, String), Error> {
    let password = random::long_code()?;
    let hash = hasher.hash(NewPassword::of_program(&password)).await?;
    Ok((password, hash))
}

/// The message at the field of the current password.
const WRONG_PASSWORD: &str = "현재 비밀번호가 맞지 않아요. 다시 입력해 주세요.";

/// Verifies the password of the member who sent the request. Attempts are throttled: the person at an open screen may not
/// be the member.
struct OwnPassword {
    current: CurrentMember,
    storage: Storage,
    hasher: PasswordHasher,
}

impl FromRequestParts<AppState> for OwnPassword {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Error> {
        Ok(Self {
            current: CurrentMember::from_request_parts(parts, state).await?,
            storage: state.storage.clone(),
            hasher: state.passwords.clone(),
        })
    }
}

impl OwnPassword {
    /// Whether `typed` is the member's password.
    async fn verify(&self, typed: String) -> Result<bool, Error> {
        let username = self.current.member.username.clone();
        let throttle = LoginThrottle::of_session(&username);
        let attempt = throttle.clone();
        if let Some(minutes) = self.storage.write(move |tx| attempt.record_attempt(tx)).await? {
            return Err(Error::TooManyAttempts { minutes });
        }
        let now = self.storage.clock().now();
        let credentials = self.storage.read(move |tx| store::credentials(tx, &username)).await?;
        // A session may outlive the one-time password that began it.
        let credentials = credentials.filter(|credentials| credentials.one_time_until.is_none_or(|until| until >= now));
        let matches = self.hasher.verify(typed, credentials.map(|credentials| credentials.password_hash)).await?;
        if matches {
            self.storage.write(move |tx| throttle.reset(tx)).await?;
        }
        Ok(matches)
    }
}

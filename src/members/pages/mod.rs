//! Coming in, going out, one's own account, and the members as administrators see them.

mod account;
mod add;
mod confirm;
mod devices;
mod entering;
mod list;
mod login;
mod member;
#[cfg(test)]
mod member_tests;
mod restore;
mod setup;
#[cfg(test)]
mod staying_tests;
#[cfg(test)]
mod tests;

use super::limits::Subjects;
use super::model::{Member, NewPassword, Refusal};
use super::store;
use crate::web::client::Client;
use crate::web::{Access, AppState, Error, Routes, csrf};

/// The pages of members.
pub fn routes() -> Routes {
    Routes::new()
        .get("/setup", Access::Public, setup::show)
        .post("/setup", Access::Public, setup::make)
        .post("/setup/restore", Access::Public, restore::restore)
        .get("/login", Access::Public, login::show)
        .post("/login", Access::Public, login::sign_in)
        .post("/logout", Access::Arriving, login::sign_out)
        .get("/account", Access::Arriving, account::show)
        .post("/account", Access::Arriving, account::change)
        .post("/account/devices", Access::Signed, devices::sign_out)
        .get("/members", Access::AdminConfirmed, list::show)
        .post("/members", Access::AdminConfirmed, add::add)
        .get("/members/new", Access::AdminConfirmed, add::show)
        .get("/members/{id}", Access::AdminConfirmed, member::show)
        .post("/members/{id}/role", Access::AdminConfirmed, member::set_role)
        .post("/members/{id}/enabled", Access::AdminConfirmed, member::set_enabled)
        .post("/members/{id}/password", Access::AdminConfirmed, member::reset_password)
        .get("/password", Access::Admin, confirm::show)
        .post("/password", Access::Admin, confirm::confirm)
}

/// The messages at the fields of a form.
#[derive(Default)]
struct Problems {
    code: Option<String>,
    username: Option<String>,
    current: Option<String>,
    password: Option<String>,
    again: Option<String>,
}

impl Problems {
    fn add(&mut self, refusal: Refusal) {
        let field = match refusal {
            Refusal::Username | Refusal::UsernameTaken => &mut self.username,
            Refusal::PasswordShort | Refusal::PasswordLong | Refusal::PasswordSame => &mut self.password,
            Refusal::PasswordRepeat => &mut self.again,
        };
        *field = Some(refusal.to_string());
    }

    fn any(&self) -> bool {
        [&self.code, &self.username, &self.current, &self.password, &self.again].into_iter().any(Option::is_some)
    }
}

/// A one-time password and its hash.
async fn one_time_password(state: &AppState) -> Result<(String, String), Error> {
    let password = csrf::long_code()?;
    let checked = NewPassword::new(password.clone()).map_err(|refusal| Error::Internal(refusal.to_string()))?;
    let hash = state.passwords.hash(checked).await?;
    Ok((password, hash))
}

/// Said where the own password was asked for and another one came.
const WRONG_PASSWORD: &str = "지금 비밀번호가 맞지 않아요. 다시 적어 주세요.";

/// Whether `typed` is the member's password. Guesses are counted as sign-ins are: an open screen is
/// not the owner.
async fn is_own_password(state: &AppState, client: &Client, member: &Member, typed: String) -> Result<bool, Error> {
    let subjects = Subjects::new(&member.username, client.address);
    let (counted, username) = (subjects.clone(), member.username.clone());
    if let Some(minutes) = state.storage.write(move |tx| counted.count(tx)).await? {
        return Err(Error::TooMany { minutes });
    }
    let credentials = state.storage.read(move |tx| store::credentials(tx, &username)).await?;
    let right = state.passwords.verify(typed, credentials.map(|credentials| credentials.password_hash)).await?;
    if right {
        state.storage.write(move |tx| subjects.forgive(tx)).await?;
    }
    Ok(right)
}

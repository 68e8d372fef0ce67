//! Coming in, going out, and one's own password.

mod account;
mod confirm;
mod login;
mod setup;
#[cfg(test)]
mod tests;

use tower_sessions::Session;

use super::limits::Subjects;
use super::model::{Member, Refusal};
use super::store;
use crate::sessions;
use crate::web::client::Client;
use crate::web::{Access, AppState, Error, Routes, csrf};

/// The pages of members.
pub fn routes() -> Routes {
    Routes::new()
        .get("/setup", Access::Public, setup::show)
        .post("/setup", Access::Public, setup::make)
        .get("/login", Access::Public, login::show)
        .post("/login", Access::Public, login::sign_in)
        .post("/logout", Access::Signed, login::sign_out)
        .get("/account", Access::Signed, account::show)
        .post("/account", Access::Signed, account::change)
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
            Refusal::PasswordShort | Refusal::PasswordLong => &mut self.password,
            Refusal::PasswordRepeat => &mut self.again,
        };
        *field = Some(refusal.to_string());
    }

    fn any(&self) -> bool {
        [&self.code, &self.username, &self.current, &self.password, &self.again].into_iter().any(Option::is_some)
    }
}

async fn begin_session(state: &AppState, session: &Session, member_id: i64, epoch: i64) -> Result<(), Error> {
    let begun = sessions::begin(session, member_id, epoch, csrf::secret()?, state.now()).await;
    Ok(begun?)
}

/// Said where the own password was asked for and another one came.
const WRONG_PASSWORD: &str = "지금 비밀번호가 맞지 않아요. 다시 적어 주세요.";

/// Whether `typed` is the member's password. Guesses are counted as sign-ins are: an open screen is
/// not the owner.
async fn is_own_password(state: &AppState, client: Client, member: &Member, typed: String) -> Result<bool, Error> {
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

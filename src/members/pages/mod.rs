//! Coming in, going out, and one's own password.

mod account;
mod login;
mod setup;
#[cfg(test)]
mod tests;

use tower_sessions::Session;

use super::model::Refusal;
use super::store::{self, Credentials};
use crate::sessions;
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

async fn credentials(state: &AppState, username: String) -> Result<Option<Credentials>, Error> {
    Ok(state.storage.read(move |tx| store::credentials(tx, &username)).await?)
}

//! `/settings`: the settings that a shop's owner changes in the browser.
//!
//! A change is validated and tried (a port is bound, a backup target written to) before it is saved to
//! [`crate::config::PAGE_FILE`]. Then the server restarts in this process. Its listening socket stays open, so that the next
//! request waits in the backlog and is answered with the new settings.

mod folders;
mod limits;
mod network;
mod remove;
mod show;
mod stores;

use std::sync::Arc;

use axum::extract::FromRef;
use axum::response::Response;
use tokio::sync::Mutex;

use super::{Config, PageSettings};
use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::server::Endpoints;
use crate::storage::Storage;
use crate::vault::Vault;
use crate::web::{Access, AppState, Error, Flash, Restart, Routes, redirect_with_flash};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/settings", Access::AdminReauthenticated, show::show)
        .post("/settings/network", Access::AdminReauthenticated, network::update)
        .post("/settings/limits", Access::AdminReauthenticated, limits::update)
        .get("/settings/backup/folders", Access::AdminReauthenticated, folders::list)
        .post("/settings/backup/folders", Access::AdminReauthenticated, folders::create)
        .post("/settings/backup/stores", Access::AdminReauthenticated, stores::create)
        .post("/settings/backup/remove", Access::AdminReauthenticated, remove::remove)
}

/// Serialises changes: each reads the saved settings and writes them again.
static SAVE_LOCK: Mutex<()> = Mutex::const_new(());

/// What the pages of this room use.
#[derive(Clone)]
struct Context {
    storage: Storage,
    config: Arc<Config>,
    endpoints: Endpoints,
    vault: Vault,
    restart: Restart,
}

impl FromRef<AppState> for Context {
    fn from_ref(state: &AppState) -> Self {
        Self {
            storage: state.storage.clone(),
            config: Arc::clone(&state.config),
            endpoints: state.urls.clone(),
            vault: state.vault.clone(),
            restart: state.restart.clone(),
        }
    }
}

impl Context {
    /// # Errors
    /// `NotFound` in a demo shop, whose settings are not changed.
    fn check_real_shop(&self) -> Result<(), Error> {
        if self.config.demo.is_some() { Err(Error::NotFound) } else { Ok(()) }
    }

    /// Changes the saved settings, records the change, and requests the restart. The configuration that will be in force then;
    /// None if `change` changed nothing.
    ///
    /// # Errors
    /// A sentence for the form if the settings are invalid or cannot be written.
    async fn save(
        &self,
        actor: MemberActor,
        change: impl FnOnce(&mut PageSettings),
    ) -> Result<Result<Option<Config>, String>, Error> {
        let _guard = SAVE_LOCK.lock().await;
        let before = match PageSettings::load(&self.config.data) {
            Ok(before) => before,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let mut after = before.clone();
        change(&mut after);
        if before == after {
            return Ok(Ok(None));
        }
        let next = match self.config.with_page(after.clone()) {
            Ok(next) => next,
            Err(error) => return Ok(Err(error.to_string())),
        };
        if let Err(error) = after.save(&self.config.data) {
            let folder = self.config.data.display();
            return Ok(Err(format!(
                "설정을 저장하지 못했어요. 데이터 폴더에 쓸 수 있는지 확인해 주세요: {folder} ({error})"
            )));
        }
        let event = AuditEvent::SettingsSaved { changed: before.changes(&after) };
        self.storage.write(move |tx| audit::record(tx, actor, AuditObject::UNNUMBERED, &event)).await?;
        self.restart.request();
        Ok(Ok(Some(next)))
    }

    /// Redirects to the page, which waits for the restarted server.
    async fn redirect(&self, actor: MemberActor, message: &str) -> Result<Response, Error> {
        let flash = Flash::success(message.to_owned());
        let saved = self.storage.write(move |tx| flash.save(tx, actor.id)).await?;
        Ok(redirect_with_flash("/settings", saved))
    }
}

#[cfg(test)]
mod tests;

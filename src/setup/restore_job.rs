//! The restore of a backup instead of the creation of an administrator, as a job that outlives the tab that started it.
//!
//! The backup is restored to a file beside the empty database, with everything else of the shop before that file has its name. Then
//! the program shuts down gracefully, installs the file as its database ([`install_restored`]) and starts again (`cli::serve`).

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::backup::{self, KEY_FILE, Key, KeyError};
use crate::config::{Config, Database};
use crate::members::store;
use crate::objects::Target;
use crate::proofs::files::ProofFiles;
use crate::storage::{Storage, lock};
use crate::time::Moment;

/// How long the outcome is shown before the program restarts. The page asks every second.
const SHOWN_FOR: Duration = Duration::from_secs(3);

/// What to restore, and where to.
#[derive(Clone)]
pub struct RestoreRequest {
    /// the backup
    pub target: Target,
    /// its key; None: a backup that is not encrypted
    pub key: Option<Key>,
    /// the moment; None: the newest
    pub at: Option<Moment>,
    /// the file that the next start installs
    pub out: PathBuf,
    /// the file of the answered demands, which the next start compares with the database
    pub requests_file: PathBuf,
    /// the data folder
    pub data: PathBuf,
    /// the folder of the backup, for the way back; empty: a store
    pub folder: String,
}

/// What is known of the restore.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RestoreState {
    /// none was started
    #[default]
    None,
    /// bytes of the database, then photographs: so many, of so many
    Running {
        /// bytes of the database so far
        bytes: u64,
        /// bytes of the database; 0 before they are known
        all_bytes: u64,
        /// photographs so far and of all, once the database is whole
        photos: Option<(usize, usize)>,
    },
    /// the program restarts with it
    Done {
        /// time of the last commit
        at: Moment,
        /// number of orders
        orders: i64,
        /// number of photographs that the backup lacks
        missing_photos: usize,
        /// what has to be done again about demands of people
        requests: Vec<String>,
    },
    /// nothing was changed
    Failed {
        /// why, as a sentence
        reason: String,
        /// the folder of the backup
        folder: String,
    },
}

/// The restore of this run of the program; cheap to clone.
#[derive(Clone, Default)]
pub struct RestoreJob(Arc<Mutex<RestoreState>>);

impl RestoreJob {
    /// How far it is.
    pub fn state(&self) -> RestoreState {
        lock(&self.0).clone()
    }

    fn set(&self, state: RestoreState) {
        *lock(&self.0) = state;
    }

    /// Starts the restore, unless one runs or is done. `restart` is called after it.
    pub fn start(
        &self,
        request: RestoreRequest,
        storage: Storage,
        proofs: ProofFiles,
        restart: impl FnOnce() + Send + 'static,
    ) {
        {
            let mut state = lock(&self.0);
            if matches!(*state, RestoreState::Running { .. } | RestoreState::Done { .. }) {
                return;
            }
            *state = RestoreState::Running { bytes: 0, all_bytes: 0, photos: None };
        }
        let job = self.clone();
        tokio::spawn(async move {
            let folder = request.folder.clone();
            let work = job.clone();
            // A panic ends the inner task only.
            let ended = tokio::spawn(async move { work.run(&request, &storage, &proofs).await }).await;
            let ended = ended.unwrap_or_else(|error| {
                tracing::error!(%error, "백업을 복원하다 프로그램의 잘못으로 멈췄어요");
                Err("프로그램의 잘못으로 끝내지 못했어요. 다시 해 주세요.".to_owned())
            });
            match ended {
                Ok(done) => {
                    job.set(done);
                    tokio::time::sleep(SHOWN_FOR).await;
                    restart();
                }
                Err(reason) => {
                    tracing::warn!(reason, "백업을 복원하지 못했어요. 바뀐 것은 없어요");
                    job.set(RestoreState::Failed { reason, folder });
                }
            }
        });
    }

    async fn run(
        &self,
        request: &RestoreRequest,
        storage: &Storage,
        proofs: &ProofFiles,
    ) -> Result<RestoreState, String> {
        let mut all = 0;
        let mut on_step = |step: RestoreStep| match step {
            RestoreStep::Downloading { bytes, all_bytes } => {
                all = all_bytes;
                self.set(RestoreState::Running { bytes, all_bytes, photos: None });
            }
            RestoreStep::Photos { done, count } => {
                self.set(RestoreState::Running { bytes: all, all_bytes: all, photos: Some((done, count)) });
            }
            RestoreStep::Done(_) => {}
        };
        let restored = restore(request, storage, proofs, &mut on_step).await;
        if restored.is_err() {
            // The next start must not install it, and the key belongs to nothing here.
            let removed = backup::discard(&request.out).and_then(|()| remove_if_exists(&key_beside(&request.data)));
            removed.map_err(|error| error.to_string())?;
        }
        restored
    }
}

/// What a restore does, in this order. Everything is beside the shop until the database has its name, which is the last step: a
/// power failure or a kill before leaves an empty shop, and after it the next start finds a whole one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RestoreStep {
    Downloading { bytes: u64, all_bytes: u64 },
    Photos { done: usize, count: usize },
    Done(FinishedStep),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FinishedStep {
    Database,
    Photos,
    Requests,
    Key,
    Name,
}

async fn restore(
    request: &RestoreRequest,
    storage: &Storage,
    proofs: &ProofFiles,
    on_step: &mut (dyn FnMut(RestoreStep) + Send),
) -> Result<RestoreState, String> {
    let RestoreRequest { target, key, at, out, requests_file, data, .. } = request;
    let from = (target, key.as_ref());
    let mut of_database = |bytes, all_bytes| on_step(RestoreStep::Downloading { bytes, all_bytes });
    let restored = backup::restore_beside(target, key.as_ref(), *at, out, true, &mut of_database).await;
    let (restored, beside) = (restored.map_err(|error| error.to_string())?, backup::beside(out));
    on_step(RestoreStep::Done(FinishedStep::Database));
    let mut of_photos = |done, count| on_step(RestoreStep::Photos { done, count });
    let photos = backup::restore_proofs(from, &beside, proofs, &mut of_photos).await;
    let photos = photos.map_err(|error| error.to_string())?;
    on_step(RestoreStep::Done(FinishedStep::Photos));
    let requests = backup::restore_requests(from, &beside, requests_file).await.map_err(|error| error.to_string())?;
    on_step(RestoreStep::Done(FinishedStep::Requests));
    if storage.read(store::has_members).await.map_err(|error| error.to_string())? {
        return Err("복원하는 동안 첫 관리자를 만들어서 복원하지 않았어요. 로그인해 주세요.".to_owned());
    }
    save_key(key.as_ref(), data).map_err(|error| format!("백업 열쇠를 저장하지 못했어요: {error}"))?;
    on_step(RestoreStep::Done(FinishedStep::Key));
    backup::install(&beside, out).map_err(|error| format!("{}: {error}", out.display()))?;
    on_step(RestoreStep::Done(FinishedStep::Name));
    Ok(RestoreState::Done {
        at: restored.at,
        orders: restored.summary.orders,
        missing_photos: photos.missing.len(),
        requests: requests.sentences(),
    })
}

/// The key of a restored shop until its database is installed.
fn key_beside(data: &Path) -> PathBuf {
    data.join(KEY_FILE).with_added_extension("restored")
}

/// Keeps the key, so that the restored shop encrypts its backups with it.
fn save_key(key: Option<&Key>, data: &Path) -> Result<(), KeyError> {
    let beside = key_beside(data);
    remove_if_exists(&beside)?;
    key.map_or(Ok(()), |key| key.save_as(&beside))
}

fn remove_if_exists(file: &Path) -> io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Installs the shop that was restored on the setup page: first its key, unless the folder has one, then its database, which must
/// be closed. A key that a kill has left without a database is deleted.
///
/// # Errors
/// An I/O error of the disk. The next start tries again.
pub fn install_restored(config: &Config) -> io::Result<()> {
    let (Some(restored), Database::Sqlite(database)) = (config.restored(), &config.database) else { return Ok(()) };
    let (beside, key) = (key_beside(&config.data), config.data.join(KEY_FILE));
    if restored.exists() && beside.exists() && !key.exists() {
        std::fs::rename(&beside, key)?;
    }
    remove_if_exists(&beside)?;
    if restored.exists() { backup::install(&restored, database) } else { Ok(()) }
}

#[cfg(test)]
mod tests;

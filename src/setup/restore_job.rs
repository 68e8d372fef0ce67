//! The restore of a backup instead of the creation of an administrator, as a job that outlives the tab that started it.
//!
//! The backup is restored to a file beside the empty database. Then the program shuts down gracefully, installs the file
//! as its database and starts again (`cli::serve`).

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::backup::{self, KEY_FILE, Key};
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
        let RestoreRequest { target, key, at, out, data, .. } = request;
        let mut all = 0;
        let mut of_database = |bytes, all_bytes| {
            all = all_bytes;
            self.set(RestoreState::Running { bytes, all_bytes, photos: None });
        };
        let restored = backup::restore(target, key.as_ref(), *at, out, true, &mut of_database).await;
        let restored = restored.map_err(|error| error.to_string())?;
        let mut of_photos = |done, count| {
            self.set(RestoreState::Running { bytes: all, all_bytes: all, photos: Some((done, count)) });
        };
        let finished = async {
            let photos = backup::restore_proofs((target, key.as_ref()), out, proofs, &mut of_photos).await;
            let photos = photos.map_err(|error| error.to_string())?;
            if storage.read(store::has_members).await.map_err(|error| error.to_string())? {
                return Err("복원하는 동안 첫 관리자를 만들어서 복원하지 않았어요. 로그인해 주세요.".to_owned());
            }
            if let Some(key) = key
                && !data.join(KEY_FILE).exists()
            {
                // Keep the key, so that the restored shop encrypts its backups with it.
                key.save(data).map_err(|error| format!("백업 열쇠를 저장하지 못했어요: {error}"))?;
            }
            Ok(RestoreState::Done {
                at: restored.at,
                orders: restored.summary.orders,
                missing_photos: photos.missing.len(),
            })
        };
        let finished = finished.await;
        if finished.is_err() {
            // The next start must not install it.
            std::fs::remove_file(out).map_err(|error| format!("{}: {error}", out.display()))?;
        }
        finished
    }
}

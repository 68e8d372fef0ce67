//! Uploads: a file as a batch, from its bytes to the answer for each row.
//!
//! `read` turns bytes into checked rows (`check` says what is right and wrong with each), `plan`
//! says what they would do to the orders as they stand, `apply` does it, `store` keeps the file and
//! the answers, `conflicts` carries out what somebody decides about a row afterwards. [`Uploads`]
//! strings them together for the browser and the command line alike. A preview is read and planned;
//! applying reads and plans again inside the transaction that changes things, so that an upload is
//! whole or absent and sees what happened in between.

pub mod apply;
pub mod check;
pub mod conflicts;
mod figures;
pub mod model;
pub mod pages;
pub mod plan;
pub mod read;
pub mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::channels::store as channels;
use crate::channels::{FileError, FileKind, ProfileError, Profiles, rejected_rows};
use crate::config::Config;
use crate::districts::DistrictCache;
use crate::sheets::{Limits, SheetError};
use crate::storage::{Storage, StorageError};
use crate::vault::Vault;

use figures::counted;
pub use model::{KeptRow, Outcome, Report, RowReport, Stage, Upload};
pub use read::Request;
use read::{ReadFile, read};

/// Passwords of channels that are tried on a locked file; each costs a tenth of a second.
const PASSWORDS_TRIED: usize = 5;

/// Why an upload did not go on.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// the file as a whole cannot be used
    #[error(transparent)]
    Refused(#[from] FileError),
    /// the upload is not there, or not at that stage any more
    #[error("이미 처리된 업로드예요. 업로드 목록에서 확인해 주세요.")]
    Gone,
    /// the file was put away
    #[error("보관 기간이 지나 원본 파일이 없어요. 파일을 다시 올려 주세요.")]
    FileGone,
    /// the database failed
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// The way of a file through the house.
#[derive(Clone)]
pub struct Uploads {
    /// where everything is kept
    pub storage: Storage,
    /// the files that are known
    pub profiles: Arc<Profiles>,
    /// postal code → district
    pub districts: DistrictCache,
    /// keeps passwords of files
    pub vault: Vault,
    /// what a file may cost
    pub limits: Limits,
}

/// Why files cannot be taken at all.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// a profile of the shop's own is wrong
    #[error("판매채널 양식 파일을 쓸 수 없어요. {0}")]
    Profile(#[from] ProfileError),
    /// the key that seals passwords cannot be read or made
    #[error("{path} 파일을 쓸 수 없어요. 데이터 폴더의 권한을 확인해 주세요. ({reason})")]
    Key {
        /// the file
        path: String,
        /// what the system said
        reason: String,
    },
}

/// What became of a file that was read.
#[derive(Clone, Debug)]
pub struct Done {
    /// what the file was
    pub kind: FileKind,
    /// the answer to each row
    pub report: Report,
}

impl Uploads {
    /// With the profiles and the key of the data folder: `channels/*.toml` and `secret.key`.
    ///
    /// # Errors
    /// A profile is wrong, or the key cannot be read or made.
    pub fn open(storage: &Storage, config: &Config) -> Result<Self, OpenError> {
        let key = config.data.join("secret.key");
        let limits =
            Limits { bytes: usize::try_from(config.upload_max_bytes).unwrap_or(usize::MAX), ..Limits::default() };
        Ok(Self {
            storage: storage.clone(),
            profiles: Arc::new(Profiles::load(Some(&config.data.join("channels")))?),
            districts: DistrictCache::default(),
            vault: Vault::open(&key)
                .map_err(|error| OpenError::Key { path: key.display().to_string(), reason: error.to_string() })?,
            limits,
        })
    }

    /// Keeps a file as it came. It is not read yet.
    ///
    /// # Errors
    /// The file is too large, or the database failed.
    pub async fn receive(
        &self,
        member_id: Option<i64>,
        file_name: &str,
        bytes: impl Into<Arc<Vec<u8>>>,
        request: &Request,
    ) -> Result<i64, UploadError> {
        let bytes = bytes.into();
        if bytes.len() > self.limits.bytes {
            return Err(FileError::from(SheetError::TooLarge { limit_mib: (self.limits.bytes >> 20) as u64 }).into());
        }
        let (name, courier) = (file_name.to_owned(), request.courier.clone().unwrap_or_default());
        let sha256 = hex(&Sha256::digest(bytes.as_slice()));
        self.storage
            .write(move |tx| {
                let received =
                    store::Received { member_id, file_name: &name, bytes: &bytes, sha256: &sha256, courier: &courier };
                Ok(store::receive(tx, received)?)
            })
            .await
    }

    /// Keeps a file and carries it out; it is read while it is put away. Tells its number, and what
    /// became of it.
    ///
    /// # Errors
    /// As [`Uploads::receive`].
    pub async fn take(
        &self,
        member_id: Option<i64>,
        file_name: &str,
        bytes: Vec<u8>,
        password: Option<&str>,
        request: &Request,
    ) -> Result<(i64, Result<Done, UploadError>), UploadError> {
        let bytes = Arc::new(bytes);
        let reading = self.read(Arc::clone(&bytes), password, request);
        let (read, id) = tokio::join!(reading, self.receive(member_id, file_name, bytes, request));
        let id = id?;
        let done = match self.keep_what_was_read(id, read).await {
            Ok(file) => self.carry_out(id, member_id, file, request).await,
            Err(error) => Err(error),
        };
        Ok((id, counted("applied", request, done)))
    }

    /// Reads a kept file and shows what it would do.
    ///
    /// # Errors
    /// As [`Uploads::read`]; a refusal is also kept with the upload.
    pub async fn preview(&self, id: i64, password: Option<&str>, request: &Request) -> Result<Done, UploadError> {
        counted("previewed", request, self.preview_kept(id, password, request).await)
    }

    async fn preview_kept(&self, id: i64, password: Option<&str>, request: &Request) -> Result<Done, UploadError> {
        let file = self.read_kept(id, password, request).await?;
        self.storage
            .write(move |tx| {
                let upload = store::open(tx, id)?.ok_or(UploadError::Gone)?;
                let report = plan::plan(tx, &file)?.report;
                store::report(tx, &upload, (file.profile.kind, &file.profile.code), &report, Stage::Previewed)?;
                Ok(Done { kind: file.profile.kind, report })
            })
            .await
    }

    /// Reads a kept file and carries it out, in one transaction.
    ///
    /// # Errors
    /// As [`Uploads::read`]; a refusal is also kept with the upload.
    pub async fn apply(
        &self,
        id: i64,
        member_id: Option<i64>,
        password: Option<&str>,
        request: &Request,
    ) -> Result<Done, UploadError> {
        let done = match self.read_kept(id, password, request).await {
            Ok(file) => self.carry_out(id, member_id, file, request).await,
            Err(error) => Err(error),
        };
        counted("applied", request, done)
    }

    async fn carry_out(
        &self,
        id: i64,
        member_id: Option<i64>,
        file: Arc<ReadFile>,
        request: &Request,
    ) -> Result<Done, UploadError> {
        let (districts, courier) = (self.districts.clone(), request.courier.clone());
        self.storage
            .write(move |tx| {
                let upload = store::open(tx, id)?.ok_or(UploadError::Gone)?;
                if let Some(courier) = &courier {
                    store::set_courier(tx, &upload, courier)?;
                }
                let plan = plan::plan(tx, &file)?;
                let districts = districts.current(tx)?;
                apply::apply(tx, &plan, &file, &districts, id, member_id)?;
                store::close_earlier(tx, file.profile.kind, &plan.report, member_id)?;
                store::report(tx, &upload, (file.profile.kind, &file.profile.code), &plan.report, Stage::Applied)?;
                Ok(Done { kind: file.profile.kind, report: plan.report })
            })
            .await
    }

    /// Says what a file would do, and keeps nothing of it.
    ///
    /// # Errors
    /// As [`Uploads::read`].
    pub async fn dry_run(
        &self,
        bytes: Vec<u8>,
        password: Option<&str>,
        request: &Request,
    ) -> Result<Done, UploadError> {
        let (file, _) = self.read(Arc::new(bytes), password, request).await?;
        self.storage.read(move |tx| Ok(Done { kind: file.profile.kind, report: plan::plan(tx, &file)?.report })).await
    }

    /// Remembers the password for the files of the upload's channel, or forgets it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn keep_channel_password(&self, code: &str, name: &str, password: &str) -> Result<(), UploadError> {
        let (code, name) = (code.to_owned(), name.to_owned());
        let sealed = self.vault.seal(password);
        self.storage
            .write(move |tx| {
                channels::find_or_insert(tx, &code, &name)?;
                Ok(channels::set_sealed_password(tx, &code, sealed.as_deref())?)
            })
            .await
    }

    /// The rejected rows of an upload with the reasons beside the original columns, as .xlsx.
    ///
    /// # Errors
    /// The original is no longer kept, or cannot be read.
    pub async fn rejected(&self, id: i64) -> Result<Vec<u8>, UploadError> {
        let (file, rows, upload) = self
            .storage
            .read(move |tx| {
                let file = store::file(tx, id)?.ok_or(UploadError::FileGone)?;
                let rejected = store::RowFilter::Outcome(Outcome::Rejected);
                let rows = store::rows(tx, id, rejected, 0, i64::MAX)?;
                let upload = store::find(tx, id)?.ok_or(UploadError::Gone)?;
                Ok::<_, UploadError>((file, rows, upload))
            })
            .await?;
        let password = file.sealed_password.and_then(|sealed| self.vault.unseal(&sealed));
        let request = Request {
            kind: upload.kind,
            channel: (!upload.channel_code.is_empty()).then_some(upload.channel_code),
            courier: None,
        };
        let (profiles, limits) = (Arc::clone(&self.profiles), self.limits);
        blocking(move || {
            let (mut workbook, table) = read::open(&profiles, file.bytes, password.as_deref(), &request, limits)?;
            let reasons: Vec<(u32, String)> = rows.iter().map(|row| (row.report.row, sentences(&row.report))).collect();
            Ok(rejected_rows(&mut workbook, &table, &reasons).map_err(FileError::from)?)
        })
        .await
    }

    async fn read_kept(
        &self,
        id: i64,
        password: Option<&str>,
        request: &Request,
    ) -> Result<Arc<ReadFile>, UploadError> {
        let file = self
            .storage
            .read(move |tx| {
                store::open(tx, id)?.ok_or(UploadError::Gone)?;
                store::file(tx, id)?.ok_or(UploadError::FileGone)
            })
            .await?;
        let kept = file.sealed_password.and_then(|sealed| self.vault.unseal(&sealed));
        let read = self.read(Arc::new(file.bytes), password.or(kept.as_deref()), request).await;
        self.keep_what_was_read(id, read).await
    }

    /// Keeps the password that opened a file, or why it was refused.
    async fn keep_what_was_read(
        &self,
        id: i64,
        read: Result<(ReadFile, Option<String>), UploadError>,
    ) -> Result<Arc<ReadFile>, UploadError> {
        match read {
            Ok((file, used)) => {
                if let Some(sealed) = used.and_then(|password| self.vault.seal(&password)) {
                    self.storage.write(move |tx| store::keep_password(tx, id, &sealed)).await?;
                }
                Ok(Arc::new(file))
            }
            Err(UploadError::Refused(refusal)) => {
                let kept = refusal.clone();
                self.storage
                    .write(move |tx| {
                        // What was applied or discarded meanwhile stays so.
                        let upload = store::open(tx, id)?.ok_or(UploadError::Gone)?;
                        if kept.needs_password() {
                            return Ok(store::set_stage(tx, &upload, Stage::Locked, "")?);
                        }
                        store::set_stage(tx, &upload, Stage::Refused, &kept.to_string())?;
                        Ok::<_, UploadError>(store::forget_file(tx, id)?)
                    })
                    .await?;
                Err(refusal.into())
            }
            Err(error) => Err(error),
        }
    }

    /// Reads a file, trying the passwords kept for channels where none is given. Also tells the
    /// password that opened it.
    async fn read(
        &self,
        bytes: Arc<Vec<u8>>,
        password: Option<&str>,
        request: &Request,
    ) -> Result<(ReadFile, Option<String>), UploadError> {
        let mut passwords: Vec<Option<String>> = vec![password.map(str::to_owned)];
        if password.is_none() && crate::sheets::needs_password(&bytes) {
            let sealed = self.storage.read(|tx| channels::sealed_passwords(tx)).await?;
            let kept = sealed.iter().filter_map(|sealed| self.vault.unseal(sealed)).take(PASSWORDS_TRIED);
            passwords = kept.map(Some).chain([None]).collect();
        }
        let (profiles, request, limits) = (Arc::clone(&self.profiles), request.clone(), self.limits);
        blocking(move || {
            let Some((last, tried)) = passwords.split_last() else { return Err(UploadError::Gone) };
            for password in tried {
                match read(&profiles, Arc::clone(&bytes), password.as_deref(), &request, limits) {
                    Err(FileError::Sheet(SheetError::WrongPassword)) => {}
                    answer => return Ok((answer?, password.clone())),
                }
            }
            Ok((read(&profiles, bytes, last.as_deref(), &request, limits)?, last.clone()))
        })
        .await
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The reasons of a row as one text: `수량 '두개': 숫자가 아니에요`.
pub fn sentences(row: &RowReport) -> String {
    let one = |reason: &check::Reason| format!("{} '{}': {}", reason.column, reason.value, reason.message);
    row.reasons.iter().map(one).collect::<Vec<_>>().join(" / ")
}

/// Runs `work` on a thread that may block; a panic there is an error here.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, UploadError> + Send + 'static,
) -> Result<T, UploadError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(StorageError::Panicked(error.to_string()).into()))
}

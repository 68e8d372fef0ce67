//! Uploads: imports a file as a batch, with an answer for each row.
//!
//! - [`parse`] turns bytes into rows; [`check`] validates each.
//! - [`plan`] determines their effect on the stored orders. A preview ends here.
//! - [`apply`] executes the plan, which is made again inside the transaction that changes the orders: an upload is atomic
//!   and takes concurrent changes into account.
//! - [`ApplyQueue`] has the uploads whose plans are being executed in the background.
//! - [`store`] stores files and reports.
//! - [`conflicts`] resolves conflicting tracking numbers afterwards, [`decisions`] values of a channel that were not applied
//!   by themselves. [`undo`] takes an applied upload back.
//! - [`mapping`] makes a profile of a file that no profile matches.
//!
//! [`Uploads`] connects these steps, for the browser and the command line alike. A file is parsed while its bytes are stored.
//! It is read back only to preview it again, with the courier that its form states after several files.

pub mod apply;
mod apply_queue;
pub mod check;
pub mod claim_data;
pub mod conflicts;
pub mod decisions;
mod listed;
pub mod mapping;
mod metrics;
pub mod model;
pub mod pages;
pub mod parse;
mod password_tries;
mod pipeline;
pub mod plan;
pub mod store;
mod teaching;
#[cfg(test)]
mod tests;
pub mod undo;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::audit::Actor;
use crate::channels::store as channels;
use crate::channels::{FileError, FileKind, ProfileError, Profiles, Table, TeachError, write_rejected_rows};
use crate::config::Config;
use crate::districts::DistrictCache;
use crate::id::{MemberId, UploadId};
use crate::orders::follow::FieldChange;
use crate::orders::model::{ChargeType, OrderState, ShippingMethod};
use crate::sheets::Limits;
use crate::storage::{Storage, StorageError};
use crate::vault::Vault;

pub use apply_queue::{ApplyProgress, ApplyQueue, FOREGROUND_TIMEOUT};
pub use listed::ListedFile;
pub use model::{Report, RowOutcome, RowReport, Stage, StoredRow, Upload};
pub use parse::{ImportOptions, ParsedFile};
pub use password_tries::PasswordTries;
use pipeline::{OpenedFile, spawn_blocking};

/// Why an upload failed.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// the file as a whole is rejected
    #[error(transparent)]
    Refused(#[from] FileError),
    /// the upload does not exist, or is applied, refused or discarded
    #[error("이미 처리된 업로드예요. 업로드 목록에서 확인해 주세요.")]
    NotOpen,
    /// the original file was deleted after the retention period
    #[error("보관 기간이 지나 원본 파일이 없어요. 파일을 다시 올려 주세요.")]
    OriginalDeleted,
    /// the member has typed too many wrong passwords
    #[error("비밀번호를 여러 번 틀렸어요. 한 시간 뒤에 다시 해 주세요.")]
    TooManyPasswords,
    /// columns cannot be taught like this
    #[error(transparent)]
    Teach(#[from] TeachError),
    /// the database failed
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Imports files.
#[derive(Clone)]
pub struct Uploads {
    /// database
    pub storage: Storage,
    /// file layouts of the program; [`Self::profiles`] has those of the shop too
    pub shipped: Arc<Profiles>,
    /// postal code → district
    districts: DistrictCache,
    /// seals file passwords
    pub vault: Vault,
    /// resource limits of a file
    pub limits: Limits,
    /// files that are read at the same time
    pub turns: FileTurns,
    /// wrong passwords for files that are not stored
    pub password_tries: PasswordTries,
    /// uploads that are being applied
    pub queue: ApplyQueue,
    /// time that a request waits for them
    pub foreground: Duration,
}

/// Files read at the same time. A file of the largest permitted size takes some hundred megabytes while it is read; the
/// others wait on disk.
const MAX_CONCURRENT_FILES: usize = 2;

/// The turns of files to be read; clones share them.
#[derive(Clone, Debug)]
pub struct FileTurns(Arc<Semaphore>);

impl Default for FileTurns {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_CONCURRENT_FILES)))
    }
}

impl FileTurns {
    /// Waits for a turn, which ends when the permit is dropped.
    pub async fn wait(&self) -> Option<OwnedSemaphorePermit> {
        // None only if the semaphore were closed, which it never is.
        Arc::clone(&self.0).acquire_owned().await.ok()
    }
}

/// Why [`Uploads`] cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// a profile of the program is invalid
    #[error("판매채널 양식 파일을 쓸 수 없어요. {0}")]
    Profile(#[from] ProfileError),
    /// the key of the vault cannot be read or created
    #[error("{path} 파일을 쓸 수 없어요. 데이터 폴더의 권한을 확인해 주세요. ({source})")]
    Key {
        /// path of the key file
        path: String,
        /// error of the operating system
        source: io::Error,
    },
}

/// Result of a preview, dry run or import.
#[derive(Clone, Debug)]
pub struct ImportOutcome {
    /// kind of the file
    pub kind: FileKind,
    /// the answer to each row
    pub report: Report,
}

/// A stored upload with its preview.
#[derive(Debug)]
pub struct UploadPreview {
    /// id of the upload
    pub id: UploadId,
    /// the preview, or why there is none
    pub result: Result<ImportOutcome, UploadError>,
    /// the parsed tracking list if it names no courier; see [`Uploads::preview_with_courier`]
    pub without_courier: Option<ParsedFile>,
}

impl Uploads {
    /// Loads the profiles of the program, and the vault key of the data folder: `secret.key`.
    ///
    /// # Errors
    /// A profile is invalid, or the key cannot be read or created.
    pub fn open(storage: &Storage, config: &Config, districts: DistrictCache) -> Result<Self, OpenError> {
        Self::open_with(storage, config, districts, Vault::open)
    }

    /// As [`Self::open`] for [`Self::dry_run`] only: creates no key file.
    ///
    /// # Errors
    /// A profile is invalid, or the key cannot be read.
    pub fn open_for_dry_run(storage: &Storage, config: &Config, districts: DistrictCache) -> Result<Self, OpenError> {
        Self::open_with(storage, config, districts, Vault::open_read_only)
    }

    fn open_with(
        storage: &Storage,
        config: &Config,
        districts: DistrictCache,
        open_vault: fn(&Path) -> io::Result<Vault>,
    ) -> Result<Self, OpenError> {
        let key = config.secret_key_file();
        let limits =
            Limits { bytes: usize::try_from(config.upload_max_bytes).unwrap_or(usize::MAX), ..Limits::default() };
        Ok(Self {
            storage: storage.clone(),
            shipped: Arc::new(Profiles::shipped()?),
            districts,
            vault: open_vault(&key).map_err(|source| OpenError::Key { path: key.display().to_string(), source })?,
            limits,
            turns: FileTurns::default(),
            password_tries: PasswordTries::default(),
            queue: ApplyQueue::default(),
            foreground: FOREGROUND_TIMEOUT,
        })
    }

    /// Stores a new file and previews it. Parses while the bytes are being stored.
    ///
    /// # Errors
    /// The file exceeds the byte limit, or the database failed. Any other error of the file is stored with
    /// the upload and part of the result.
    pub async fn receive_and_preview(
        &self,
        member_id: Option<MemberId>,
        file_name: &str,
        bytes: Vec<u8>,
        options: &ImportOptions,
    ) -> Result<UploadPreview, UploadError> {
        self.receive_and_preview_locked(member_id, file_name, bytes, None, options).await
    }

    /// As [`Self::receive_and_preview`] for a file whose password was typed already.
    ///
    /// # Errors
    /// As [`Self::receive_and_preview`].
    pub async fn receive_and_preview_locked(
        &self,
        member_id: Option<MemberId>,
        file_name: &str,
        bytes: Vec<u8>,
        password: Option<&str>,
        options: &ImportOptions,
    ) -> Result<UploadPreview, UploadError> {
        let (id, opened) = self.receive(member_id, file_name, bytes, password, options).await?;
        let (result, file) = match opened {
            Ok(opened) => {
                let file = Arc::clone(&opened.file);
                (self.save_preview(id, opened, None).await, Some(file))
            }
            Err(error) => (Err(error), None),
        };
        let result = metrics::record("previewed", options, result);
        if let Err(UploadError::Storage(error)) = result {
            return Err(error.into());
        }
        let without_courier = file.filter(|file| file.lacks_courier()).map(Arc::unwrap_or_clone);
        Ok(UploadPreview { id, result, without_courier })
    }

    /// Stores a new file and applies it. Parses while the bytes are being stored. Returns the id of the
    /// upload and its result.
    ///
    /// # Errors
    /// As [`Uploads::receive_and_preview`].
    pub async fn receive_and_apply(
        &self,
        actor: Actor,
        file_name: &str,
        bytes: Vec<u8>,
        password: Option<&str>,
        options: &ImportOptions,
    ) -> Result<(UploadId, Result<ImportOutcome, UploadError>), UploadError> {
        let (id, opened) = self.receive(actor.member_id(), file_name, bytes, password, options).await?;
        let result = match opened {
            Ok(opened) => self.plan_and_apply(id, actor, opened, options).await,
            Err(error) => Err(error),
        };
        Ok((id, metrics::record("applied", options, result)))
    }

    /// Sets the courier of an open upload whose plan does not depend on it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn set_courier(&self, id: UploadId, courier: &str) -> Result<(), UploadError> {
        let courier = courier.to_owned();
        self.storage
            .write(move |tx| match store::find_open(tx, id)? {
                Some(upload) => Ok(store::set_courier(tx, &upload, &courier)?),
                None => Ok(()),
            })
            .await
    }

    /// Sets the courier of an open tracking list that names none, and previews it again: from the parsed
    /// `file`, or else from the stored original. A form states the courier after the files.
    ///
    /// # Errors
    /// The database failed.
    pub async fn preview_with_courier(
        &self,
        id: UploadId,
        file: Option<ParsedFile>,
        courier: &str,
    ) -> Result<(), UploadError> {
        let opened = if let Some(mut file) = file {
            file.set_courier(courier);
            Ok(OpenedFile { file: Arc::new(file), sealed_password: None })
        } else {
            let options = ImportOptions { courier: Some(courier.to_owned()), ..ImportOptions::default() };
            self.load_and_parse(id, None, &options).await
        };
        let result = match opened {
            Ok(opened) => self.save_preview(id, opened, Some(courier.to_owned())).await,
            Err(error) => Err(error),
        };
        match result {
            Err(error @ UploadError::Storage(_)) => Err(error),
            // The upload may have been applied or discarded meanwhile; the page of a refused one shows why.
            _ => Ok(()),
        }
    }

    /// Previews a stored file with the password that was typed for it.
    ///
    /// # Errors
    /// The upload is not open, its original was deleted, or the file is rejected, which is stored with the
    /// upload.
    pub async fn preview_stored(
        &self,
        id: UploadId,
        password: &str,
        options: &ImportOptions,
    ) -> Result<ImportOutcome, UploadError> {
        let result = match self.load_and_parse(id, Some(password), options).await {
            Ok(opened) => self.save_preview(id, opened, None).await,
            Err(error) => Err(error),
        };
        metrics::record("previewed", options, result)
    }

    /// Applies a stored file in one transaction. Loads and parses the original again: this is a later
    /// request than the preview, maybe on another node, and holding the rows of every preview in memory
    /// until then would be unbounded. The plan has to be made again anyway, since orders may have changed
    /// since the preview.
    ///
    /// # Errors
    /// The upload is not open, its original was deleted, or the file is rejected, which is stored with the
    /// upload.
    pub async fn apply_stored(
        &self,
        id: UploadId,
        actor: Actor,
        options: &ImportOptions,
    ) -> Result<ImportOutcome, UploadError> {
        let result = match self.load_and_parse(id, None, options).await {
            Ok(opened) => self.plan_and_apply(id, actor, opened, options).await,
            Err(error) => Err(error),
        };
        metrics::record("applied", options, result)
    }

    /// Stores the original of an upload as a new one, and previews it with the profiles of today. Returns its id.
    ///
    /// # Errors
    /// The upload does not exist, its original was deleted, or the database failed. A rejected file is no error: its page
    /// shows why.
    pub async fn replay(&self, id: UploadId, member_id: MemberId) -> Result<UploadId, UploadError> {
        let (original, courier) = self
            .storage
            .read(move |tx| {
                let upload = store::find(tx, id)?.ok_or(UploadError::NotOpen)?;
                let original = store::load_file(tx, id)?.ok_or(UploadError::OriginalDeleted)?;
                Ok::<_, UploadError>((original, upload.courier))
            })
            .await?;
        let password = original.sealed_password.as_ref().and_then(|sealed| self.vault.unseal(sealed));
        let courier = Some(courier).filter(|courier| !courier.is_empty());
        let options = ImportOptions { courier: courier.clone(), ..ImportOptions::default() };
        let (new, opened) =
            self.receive(Some(member_id), &original.file_name, original.bytes, password.as_deref(), &options).await?;
        let previewed = match opened {
            Ok(opened) => self.save_preview(new, opened, courier).await,
            Err(error) => Err(error),
        };
        match metrics::record("previewed", &options, previewed) {
            Err(UploadError::Storage(error)) => Err(error.into()),
            _ => Ok(new),
        }
    }

    /// Plans a file without storing anything.
    ///
    /// # Errors
    /// The file is rejected, or the database failed.
    pub async fn dry_run(
        &self,
        bytes: Vec<u8>,
        password: Option<&str>,
        options: &ImportOptions,
    ) -> Result<ImportOutcome, UploadError> {
        let file = self.parse(Arc::new(bytes), password, options).await?.result?;
        let districts = self.districts.clone();
        self.storage
            .read(move |tx| {
                let districts = districts.current(tx)?;
                let report = plan::plan_with_districts(tx, &file, &districts)?.report;
                Ok(ImportOutcome { kind: file.profile.kind, report })
            })
            .await
    }

    /// Stores the password for future files of a channel.
    ///
    /// # Errors
    /// The database failed.
    pub async fn set_channel_password(&self, code: &str, name: &str, password: &str) -> Result<(), UploadError> {
        let (code, name) = (code.to_owned(), name.to_owned());
        let sealed = self.vault.seal(password);
        self.storage
            .write(move |tx| {
                channels::find_or_insert(tx, &code, &name)?;
                Ok(channels::set_sealed_password(tx, &code, sealed.as_deref())?)
            })
            .await
    }

    /// The rejected rows of an upload as .xlsx: the original columns, and the reasons.
    ///
    /// # Errors
    /// The original was deleted, or cannot be read.
    pub async fn export_rejected(&self, id: UploadId) -> Result<Vec<u8>, UploadError> {
        let (original, rows, upload) = self
            .storage
            .read(move |tx| {
                let original = store::load_file(tx, id)?.ok_or(UploadError::OriginalDeleted)?;
                let rejected = store::RowFilter::Outcome(RowOutcome::Rejected);
                let rows = store::rows(tx, id, rejected, 0, i64::MAX)?;
                let upload = store::find(tx, id)?.ok_or(UploadError::NotOpen)?;
                Ok::<_, UploadError>((original, rows, upload))
            })
            .await?;
        let password = original.sealed_password.and_then(|sealed| self.vault.unseal(&sealed));
        let options = ImportOptions {
            kind: upload.kind,
            channel: (!upload.channel_code.is_empty()).then_some(upload.channel_code),
            ..ImportOptions::default()
        };
        let (profiles, limits) = (self.profiles().await?, self.limits);
        spawn_blocking(move || {
            let opened = parse::open(&profiles, original.bytes, password.as_deref(), &options, limits)?;
            let (mut workbook, is_only) = (opened.workbook, opened.tables.len() == 1);
            let reasons = |table: &Table| {
                let name = workbook.sheets().get(table.sheet).map_or("", |sheet| sheet.name.as_str());
                let rows = rows.iter().filter(|row| is_only || row.report.sheet == name);
                rows.map(|row| (row.report.row, error_messages(&row.report))).collect::<Vec<_>>()
            };
            let tables: Vec<_> = opened
                .tables
                .iter()
                .map(|table| (table, reasons(table)))
                .filter(|(_, reasons)| is_only || !reasons.is_empty())
                .collect();
            Ok(write_rejected_rows(&mut workbook, &tables).map_err(FileError::from)?)
        })
        .await
    }
}

/// The reasons of a row as one text: `수량 '두개': 숫자가 아니에요`.
pub fn error_messages(row: &RowReport) -> String {
    let message = |reason: &check::Reason| format!("{} '{}': {}", reason.column, reason.value, reason.message);
    row.reasons.iter().map(message).collect::<Vec<_>>().join(" / ")
}

/// The changed columns of a row as texts: `수량 2 → 1`.
pub fn change_texts(row: &RowReport) -> Vec<String> {
    change_texts_of(&row.changes)
}

/// Changed columns as texts: `수량 2 → 1`.
pub fn change_texts_of(changes: &[FieldChange]) -> Vec<String> {
    changes
        .iter()
        .map(|change| {
            let label = crate::orders::labels::field_label(&change.field).unwrap_or(&change.field);
            let text = |value: &str| match change_value(&change.field, value) {
                text if text.is_empty() => "없음".to_owned(),
                text => text,
            };
            format!("{label} {} → {}", text(&change.old), text(&change.new))
        })
        .collect()
}

/// A value of a changed column for people.
pub fn change_value(field: &str, value: &str) -> String {
    let label = match field {
        "state" => OrderState::parse(value).map(OrderState::label),
        "shipping_method" => ShippingMethod::from_code(value).map(ShippingMethod::label),
        "charge_type" => ChargeType::from_code(value).map(ChargeType::label),
        _ => None,
    };
    label.unwrap_or(value).to_owned()
}

//! The steps of an import, which the operations of [`Uploads`] combine: store and parse, save the preview or the
//! refusal, plan and apply.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{
    ImportOptions, ImportOutcome, ParsedFile, Stage, UploadError, Uploads, apply, claim_data, parse, plan, store,
};
use crate::audit::Actor;
use crate::channels::store as channels;
use crate::channels::store::profiles;
use crate::channels::{ColumnDrift, FileError, Profiles};
use crate::id::{MemberId, UploadId};
use crate::sheets::SheetError;
use crate::storage::StorageError;
use crate::text::hex;

/// Channel passwords that are tried on an encrypted file; each attempt takes 0.1 s.
const MAX_PASSWORD_ATTEMPTS: usize = 5;

/// Wrong passwords typed for one upload, after which it is closed: trying passwords of a file is slow on purpose.
pub(super) const MAX_WRONG_PASSWORDS: i64 = 10;

/// A parsed file and the sealed password that opened it.
pub(super) struct OpenedFile {
    pub(super) file: Arc<ParsedFile>,
    pub(super) sealed_password: Option<Vec<u8>>,
}

/// What parsing a file gave.
pub(super) struct ParseAttempt {
    pub(super) result: Result<ParsedFile, FileError>,
    /// password that opened it, or the last one that was tried
    password: Option<String>,
    /// how a file of an unknown form differs from the most similar profile
    columns: Option<ColumnDrift>,
}

impl Uploads {
    /// Stores a new file and parses it at the same time.
    pub(super) async fn receive(
        &self,
        member_id: Option<MemberId>,
        file_name: &str,
        bytes: Vec<u8>,
        password: Option<&str>,
        options: &ImportOptions,
    ) -> Result<(UploadId, Result<OpenedFile, UploadError>), UploadError> {
        if bytes.len() > self.limits.bytes {
            let error = SheetError::TooLarge { limit_mib: (self.limits.bytes >> 20) as u64 };
            return Err(FileError::from(error).into());
        }
        let bytes = Arc::new(bytes);
        let options = &ImportOptions { file_name: Some(file_name.to_owned()), ..options.clone() };
        let (parsed, id) = tokio::join!(
            self.parse(Arc::clone(&bytes), password, options),
            self.insert(member_id, file_name, bytes, options.courier.as_deref())
        );
        let id = id?;
        Ok((id, self.save_refusal(id, parsed).await))
    }

    async fn insert(
        &self,
        member_id: Option<MemberId>,
        file_name: &str,
        bytes: Arc<Vec<u8>>,
        courier: Option<&str>,
    ) -> Result<UploadId, UploadError> {
        let (file_name, courier) = (file_name.to_owned(), courier.unwrap_or_default().to_owned());
        let hashed = Arc::clone(&bytes);
        let sha256 = spawn_blocking(move || Ok(hex(&Sha256::digest(hashed.as_slice())))).await?;
        self.storage
            .write(move |tx| {
                let upload = store::NewUpload {
                    member_id,
                    file_name: &file_name,
                    bytes: &bytes,
                    sha256: &sha256,
                    courier: &courier,
                };
                Ok(store::insert(tx, upload)?)
            })
            .await
    }

    /// Loads a stored file and parses it, with the given password or the one stored for it.
    pub(super) async fn load_and_parse(
        &self,
        id: UploadId,
        password: Option<&str>,
        options: &ImportOptions,
    ) -> Result<OpenedFile, UploadError> {
        let original = self
            .storage
            .read(move |tx| {
                store::find_open(tx, id)?.ok_or(UploadError::NotOpen)?;
                store::load_file(tx, id)?.ok_or(UploadError::OriginalDeleted)
            })
            .await?;
        let stored = original.sealed_password.and_then(|sealed| self.vault.unseal(&sealed));
        let options = &ImportOptions { file_name: Some(original.file_name), ..options.clone() };
        let parsed = self.parse(Arc::new(original.bytes), password.or(stored.as_deref()), options).await;
        self.save_refusal(id, parsed).await
    }

    /// Stores why a file is rejected: a missing password locks the upload, any other error refuses it and
    /// deletes the file, unless its columns can be taught.
    async fn save_refusal(
        &self,
        id: UploadId,
        parsed: Result<ParseAttempt, UploadError>,
    ) -> Result<OpenedFile, UploadError> {
        let ParseAttempt { result, password, columns } = parsed?;
        let sealed_password = password.and_then(|password| self.vault.seal(&password));
        match result {
            Ok(file) => Ok(OpenedFile { file: Arc::new(file), sealed_password }),
            Err(error) => {
                let refusal = error.clone();
                self.storage
                    .write(move |tx| {
                        // The upload may have been applied or discarded while the file was parsed.
                        let upload = store::find_open(tx, id)?.ok_or(UploadError::NotOpen)?;
                        if refusal == FileError::Sheet(SheetError::WrongPassword)
                            && store::count_wrong_password(tx, &upload)? >= MAX_WRONG_PASSWORDS
                        {
                            let closed = format!(
                                "비밀번호를 {MAX_WRONG_PASSWORDS}번 틀려서 닫았어요. 비밀번호를 확인하고 파일을 다시 올려 주세요."
                            );
                            store::set_stage(tx, &upload, Stage::Refused, &closed)?;
                            return Ok(store::delete_file(tx, id)?);
                        }
                        if refusal.needs_password() {
                            return Ok(store::set_stage(tx, &upload, Stage::Locked, "")?);
                        }
                        store::set_stage(tx, &upload, Stage::Refused, &refusal.to_string())?;
                        if !refusal.is_unknown_form() {
                            return Ok(store::delete_file(tx, id)?);
                        }
                        if let Some(sealed) = &sealed_password {
                            store::set_sealed_password(tx, id, sealed)?;
                        }
                        Ok::<_, UploadError>(store::set_columns(tx, id, columns.as_ref())?)
                    })
                    .await?;
                Err(error.into())
            }
        }
    }

    /// Plans a parsed file and stores the report as its preview; also stores `courier` if given.
    pub(super) async fn save_preview(
        &self,
        id: UploadId,
        OpenedFile { file, sealed_password }: OpenedFile,
        courier: Option<String>,
    ) -> Result<ImportOutcome, UploadError> {
        let districts = self.districts.clone();
        self.storage
            .write(move |tx| {
                let upload = store::find_open(tx, id)?.ok_or(UploadError::NotOpen)?;
                if let Some(sealed) = &sealed_password {
                    store::set_sealed_password(tx, id, sealed)?;
                }
                if let Some(courier) = &courier {
                    store::set_courier(tx, &upload, courier)?;
                }
                let districts = districts.current(tx)?;
                let report = plan::plan_with_districts(tx, &file, &districts)?.report;
                store::save_report(tx, &upload, &file.profile, &report, Stage::Previewed)?;
                Ok(ImportOutcome { kind: file.profile.kind, report })
            })
            .await
    }

    /// Plans a parsed file and applies the plan, in one transaction.
    pub(super) async fn plan_and_apply(
        &self,
        id: UploadId,
        actor: Actor,
        OpenedFile { file, sealed_password }: OpenedFile,
        options: &ImportOptions,
    ) -> Result<ImportOutcome, UploadError> {
        let (districts, courier) = (self.districts.clone(), options.courier.clone());
        self.storage
            .write(move |tx| {
                let upload = store::find_open(tx, id)?.ok_or(UploadError::NotOpen)?;
                if let Some(sealed) = &sealed_password {
                    store::set_sealed_password(tx, id, sealed)?;
                }
                if let Some(courier) = &courier {
                    store::set_courier(tx, &upload, courier)?;
                }
                let districts = districts.current(tx)?;
                let plan = plan::plan_with_districts(tx, &file, &districts)?;
                apply::apply(tx, &plan, &file, &districts, id, actor)?;
                let source = (file.profile.kind, file.profile.code.as_str());
                store::resolve_earlier(tx, source, &plan.report, actor.member_id())?;
                store::save_report(tx, &upload, &file.profile, &plan.report, Stage::Applied)?;
                if file.has_claims {
                    let until = claim_data::known_until(&file, &plan.report, tx.now());
                    store::mark_claim_data(tx, id, until)?;
                }
                Ok(ImportOutcome { kind: file.profile.kind, report: plan.report })
            })
            .await
    }

    /// The channel passwords to try on an encrypted file without a given password.
    pub(super) async fn stored_passwords(
        &self,
        bytes: &[u8],
        password: Option<&str>,
    ) -> Result<Vec<Option<String>>, UploadError> {
        if password.is_some() || !crate::sheets::needs_password(bytes) {
            return Ok(Vec::new());
        }
        let sealed = self.storage.read(|tx| channels::sealed_passwords(tx)).await?;
        let stored = sealed.iter().filter_map(|sealed| self.vault.unseal(sealed));
        Ok(stored.take(MAX_PASSWORD_ATTEMPTS).map(Some).collect())
    }

    /// The profiles in use: those that the shop taught, and those of the program.
    ///
    /// # Errors
    /// The database failed.
    pub async fn profiles(&self) -> Result<Arc<Profiles>, UploadError> {
        let shipped = Arc::clone(&self.shipped);
        Ok(Arc::new(self.storage.read(move |tx| profiles::with_shipped(tx, &shipped)).await?))
    }

    /// Parses a file. Without a given password, the stored channel passwords are tried.
    pub(super) async fn parse(
        &self,
        bytes: Arc<Vec<u8>>,
        password: Option<&str>,
        options: &ImportOptions,
    ) -> Result<ParseAttempt, UploadError> {
        let mut attempts = self.stored_passwords(&bytes, password).await?;
        attempts.push(password.map(str::to_owned));
        let (profiles, options, limits) = (self.profiles().await?, options.clone(), self.limits);
        spawn_blocking(move || {
            let mut last = Err(FileError::NoHeader);
            let mut password = None;
            for attempt in attempts {
                last = parse::parse(&profiles, Arc::clone(&bytes), attempt.as_deref(), &options, limits);
                password = attempt;
                if !matches!(last, Err(FileError::Sheet(SheetError::WrongPassword))) {
                    break;
                }
            }
            let columns = match &last {
                Err(error) if error.is_unknown_form() => {
                    parse::nearest_drift(&profiles, bytes, password.as_deref(), &options, limits)
                }
                _ => None,
            };
            Ok(ParseAttempt { result: last, password, columns })
        })
        .await
    }
}

/// Runs `work` on a blocking thread; a panic becomes an error.
pub(super) async fn spawn_blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, UploadError> + Send + 'static,
) -> Result<T, UploadError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(StorageError::Panicked(error.to_string()).into()))
}

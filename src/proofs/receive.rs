//! Receipt of a photograph: for the tour of a day key, or from a form.

use super::files::{self, ProofFileError, ProofFiles};
use super::jpeg::{self, Photo, PhotoError};
use super::store::{self, NamingEvent};
use crate::id::TourId;
use crate::storage::{Storage, StorageError, Tx};

/// Why a photograph is not stored.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// No event of the tour names it; the event may still come.
    #[error("이 차의 기록에 없는 사진이에요.")]
    NotNamed,
    /// Its event names as many as it may already.
    #[error("사진은 {0}장까지 보낼 수 있어요.")]
    TooMany(usize),
    /// The bytes have another hash.
    #[error("사진이 오는 길에 바뀌었어요. 다시 보내요.")]
    WrongHash,
    /// The file is not allowed.
    #[error("{}", .0.sentence())]
    Photo(PhotoError),
    /// It cannot be written.
    #[error(transparent)]
    File(#[from] ProofFileError),
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Whether the photograph of this hash on a tour has come already; none: no event names it.
pub async fn is_received(storage: &Storage, tour_id: TourId, hash: &str) -> Result<Option<bool>, StorageError> {
    let hash = hash.to_owned();
    let rows = storage.read(move |tx| store::of_hash(tx, tour_id, &hash)).await?;
    Ok((!rows.is_empty()).then(|| rows.iter().all(|row| row.received_at.is_some())))
}

/// Stores the bytes that a phone sent as the photograph of this hash. The same bytes again change nothing.
///
/// # Errors
/// [`ReceiveError`].
pub async fn receive(
    storage: &Storage,
    files: &ProofFiles,
    tour_id: TourId,
    hash: &str,
    bytes: Vec<u8>,
) -> Result<(), ReceiveError> {
    match is_received(storage, tour_id, hash).await? {
        None => return Err(ReceiveError::NotNamed),
        Some(true) => return Ok(()),
        Some(false) => {}
    }
    if files::hash(&bytes) != hash {
        return Err(ReceiveError::WrongHash);
    }
    let photo = blocking(move || jpeg::check(bytes)).await?;
    save(storage, files, tour_id, photo).await
}

/// Stores the file of a camera as a photograph of an event, which may name `max` of them. It is re-encoded.
///
/// # Errors
/// [`ReceiveError`].
pub async fn receive_camera_file(
    storage: &Storage,
    files: &ProofFiles,
    (event, max): (NamingEvent<'_>, usize),
    bytes: Vec<u8>,
) -> Result<(), ReceiveError> {
    // A decoded file of a camera is large: one at a time.
    static DECODING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    if !files.is_available() {
        return Err(ProofFileError::NoPlace.into());
    }
    let photo = {
        let _guard = DECODING.lock().await;
        blocking(move || jpeg::reencode(&bytes)).await?
    };
    let hash = files::hash(&photo.bytes);
    let (tour_id, job_id, member_id) = (event.tour_id, event.job_id, event.member_id);
    let event_id = event.event_id.to_owned();
    let write = move |tx: &mut dyn Tx| {
        let now = tx.now();
        let others =
            store::of_job(tx, job_id)?.into_iter().filter(|proof| proof.event_id == event_id && proof.hash != hash);
        if others.count() >= max {
            return Ok(false);
        }
        store::name(tx, NamingEvent { tour_id, job_id, event_id: &event_id, member_id }, &hash, now)?;
        Ok::<_, StorageError>(true)
    };
    if !storage.write(write).await? {
        return Err(ReceiveError::TooMany(max));
    }
    save(storage, files, tour_id, photo).await
}

/// The file is written before the row says so: a row never promises what is not there.
async fn save(storage: &Storage, files: &ProofFiles, tour_id: TourId, photo: Photo) -> Result<(), ReceiveError> {
    let hash = files.put(photo.bytes.clone()).await?;
    storage.write(move |tx| store::receive(tx, tour_id, &hash, &photo)).await?;
    Ok(())
}

async fn blocking(work: impl FnOnce() -> Result<Photo, PhotoError> + Send + 'static) -> Result<Photo, ReceiveError> {
    let checked = tokio::task::spawn_blocking(work).await;
    // A decoder that panics has met no photograph.
    checked.unwrap_or(Err(PhotoError::NotAPhoto)).map_err(ReceiveError::Photo)
}

//! What both engines need to run closures on threads of their own.

use std::any::Any;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Result, StorageError};

/// Runs `work` on a thread that may wait.
pub(super) async fn on_a_thread<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<StorageError> + Send + 'static,
{
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(StorageError::Panicked(error.to_string()).into()))
}

/// What a panic said.
pub(super) fn panicked(panic: &(dyn Any + Send)) -> StorageError {
    let message = panic
        .downcast_ref::<&str>()
        .map(|message| (*message).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    StorageError::Panicked(message)
}

/// A panic while the lock was held has already been answered; what it guards is sound.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

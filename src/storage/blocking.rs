//! Helpers for running closures on blocking threads, shared by both engines.

use std::any::Any;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Result, StorageError};

/// Runs `work` on a thread of tokio's blocking pool; a panic becomes [`StorageError::Panicked`].
pub(super) async fn spawn_blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<StorageError> + Send + 'static,
{
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(StorageError::Panicked(error.to_string()).into()))
}

/// Converts the payload of a panic to an error with its message.
pub(super) fn panic_error(panic: &(dyn Any + Send)) -> StorageError {
    let message = panic
        .downcast_ref::<&str>()
        .map(|message| (*message).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    StorageError::Panicked(message)
}

/// Locks a mutex and ignores poisoning: the panic is reported elsewhere, and the guarded values are
/// valid after every statement.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

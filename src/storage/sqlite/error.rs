//! Maps errors of SQLite to [`StorageError`].

use rusqlite::ErrorCode;

use crate::storage::StorageError;

/// Classifies an error by its code, never by its text.
#[expect(clippy::needless_pass_by_value, reason = "the signature that map_err requires")]
pub(super) fn engine_error(error: rusqlite::Error) -> StorageError {
    let text = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => StorageError::Constraint(text),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StorageError::Unavailable(text),
        Some(ErrorCode::DiskFull) => StorageError::DiskFull(text),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::NotADatabase) => StorageError::CannotOpen(text),
        _ => StorageError::Engine(text),
    }
}

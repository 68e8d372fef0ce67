//! Errors of the storage.

/// Error of the storage.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The lock timed out, or the database cannot be reached. A later attempt may succeed.
    #[error("the database is busy or unreachable: {0}")]
    Unavailable(String),
    /// The connection was lost during a commit, and the outcome could not be determined before the
    /// deadline.
    #[error("the outcome of the commit is unknown: {0}")]
    CommitUnknown(String),
    /// A unique key, a foreign key or a check was violated.
    #[error("a constraint of the database was violated: {0}")]
    Constraint(String),
    /// The disk is full, or the file has reached its maximum size.
    #[error("the disk is full: {0}")]
    DiskFull(String),
    /// The file or the server cannot be opened or written; a person has to fix that.
    #[error("{0}")]
    CannotOpen(String),
    /// There is no database, or one without a schema, and the mode may not create it: see [`OpenMode`](super::OpenMode).
    #[error("there is no shop")]
    NoShop,
    /// The schema is older than this program's and must be migrated first.
    #[error("the data was written by an older version (schema {found}, this program needs {known})")]
    OlderSchema {
        /// version in the database
        found: i64,
        /// version of this program
        known: i64,
    },
    /// The schema is newer than this program's.
    #[error("the data was written by a newer version (schema {found}, this program knows {known})")]
    NewerSchema {
        /// version in the database
        found: i64,
        /// version of this program
        known: i64,
    },
    /// A stored value has the wrong type or format.
    #[error("a stored value is invalid: {0}")]
    Inconsistent(String),
    /// A closure panicked; its transaction was rolled back.
    #[error("a transaction panicked: {0}")]
    Panicked(String),
    /// Any other error of the engine.
    #[error("the database answered: {0}")]
    Engine(String),
}

/// Result of calls of a [`Tx`](super::Tx).
pub type Result<T, E = StorageError> = std::result::Result<T, E>;

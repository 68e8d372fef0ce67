//! Maps errors of MariaDB to [`StorageError`] and decides about retries, by their codes and never by
//! their texts.

use std::error::Error as _;
use std::io;
use std::path::Path;

use mysql::{DriverError, Error};

use crate::storage::StorageError;

/// Error of an attempt, and where a retry may succeed.
#[derive(Debug)]
pub(super) struct TxError {
    pub(super) error: StorageError,
    pub(super) retry: Retry,
}

/// Where the same transaction may succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    /// on the same server: deadlock, lock timeout
    SameHost,
    /// on the current primary: the connection is lost, or this server is no longer the primary
    OtherHost,
    /// nowhere
    Never,
}

impl TxError {
    /// The connection is lost or cannot be made.
    pub(super) fn connection_lost(reason: impl Into<String>) -> Self {
        Self { error: StorageError::Unavailable(reason.into()), retry: Retry::OtherHost }
    }

    /// The server has become read-only.
    pub(super) fn not_primary() -> Self {
        Self::connection_lost("this server is no longer the primary")
    }

    /// An error that a retry cannot fix.
    pub(super) fn permanent(error: StorageError) -> Self {
        Self { error, retry: Retry::Never }
    }

    fn cannot_open(reason: String) -> Self {
        Self::permanent(StorageError::CannotOpen(reason))
    }

    /// The CA file cannot be read.
    pub(super) fn unreadable(file: &Path, error: &io::Error) -> Self {
        Self::cannot_open(format!("{} 파일을 읽지 못했어요 ({error}).", file.display()))
    }

    /// Error of connecting to a server. Errors of TLS are permanent.
    pub(super) fn of_connecting(host: &str, error: Error) -> Self {
        if let Some(cause) = certificate_error(&error) {
            return Self::cannot_open(format!(
                "{host} 서버의 인증서를 믿을 수 없어요 ({cause}). ca=FILE이 그 인증서를 만든 기관의 것인지, \
                 인증서에 이 주소가 적혀 있고 기한이 남았는지 확인하세요."
            ));
        }
        match error {
            Error::TlsError(cause) => {
                Self::cannot_open(format!("ca=FILE에 쓸 수 있는 인증서가 들어 있지 않아요 ({cause})."))
            }
            Error::DriverError(DriverError::TlsNotSupported) => Self::cannot_open(format!(
                "{host} 서버가 TLS를 쓰지 않아요. 서버에 인증서를 두거나 tls=on과 ca를 빼세요."
            )),
            error => error.into(),
        }
    }
}

/// An invalid certificate is reported as `InvalidData`, a lost connection never is.
fn certificate_error(error: &Error) -> Option<&io::Error> {
    let cause = match error {
        Error::IoError(cause) => Some(cause),
        Error::CodecError(error) => error.source().and_then(|cause| cause.downcast_ref()),
        _ => None,
    };
    cause.filter(|cause| cause.kind() == io::ErrorKind::InvalidData)
}

impl From<Error> for TxError {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        let Error::MySqlError(answer) = &error else {
            return match error {
                // Wrong use of the driver, such as a wrong number of parameters. All other errors of the
                // driver leave the connection in an unknown state.
                Error::DriverError(DriverError::MismatchedStmtParams(..))
                | Error::FromValueError(_)
                | Error::FromRowError(_)
                | Error::UrlError(_) => Self::permanent(StorageError::Engine(text)),
                _ => Self::connection_lost(text),
            };
        };
        let (error, retry) = match answer.code {
            // duplicate key, not null, foreign keys, check, text longer than its column
            1062 | 1586 | 1048 | 1216 | 1217 | 1451 | 1452 | 4025 | 1264 | 1406 => {
                (StorageError::Constraint(text), Retry::Never)
            }
            // disk full, table full, error writing a file
            1021 | 1114 | 1026 => (StorageError::DiskFull(text), Retry::Never),
            // access denied (to the database, at all, by plugin), unknown database
            1044 | 1045 | 1698 | 1049 => (StorageError::CannotOpen(text), Retry::Never),
            // lock wait timeout, deadlock, the row has changed since it was read; too many connections
            1205 | 1213 | 1020 | 1040 | 1203 | 1226 => (StorageError::Unavailable(text), Retry::SameHost),
            // read-only, shutting down, aborted, killed or timed out
            1290 | 1836 | 1053 | 1079 | 1152 | 1159 | 1161 | 1317 | 1927 | 4031 => {
                (StorageError::Unavailable(text), Retry::OtherHost)
            }
            _ => (StorageError::Engine(text), Retry::Never),
        };
        Self { error, retry }
    }
}

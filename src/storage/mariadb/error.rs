//! Sorts what MariaDB says by its code, never by its text.

use std::error::Error as _;
use std::io;
use std::path::Path;

use mysql::{DriverError, Error};

use crate::storage::StorageError;

/// Something that went wrong, and whether the same transaction may be tried again.
#[derive(Debug)]
pub(super) struct TxError {
    pub(super) error: StorageError,
    pub(super) retry: Retry,
}

/// What may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    /// trying again on the same server: a deadlock, a lock that came too late
    SameHost,
    /// trying again where the primary is now: the line is lost, or this server is not it any more
    OtherHost,
    /// nothing
    Never,
}

impl TxError {
    /// The line is lost, or there is none.
    pub(super) fn connection_lost(reason: impl Into<String>) -> Self {
        Self { error: StorageError::Unavailable(reason.into()), retry: Retry::OtherHost }
    }

    /// A person has to put it right.
    fn permanent(reason: String) -> Self {
        Self { error: StorageError::CannotOpen(reason), retry: Retry::Never }
    }

    /// The file of the authority cannot be read.
    pub(super) fn unreadable(file: &Path, error: &io::Error) -> Self {
        Self::permanent(format!("{} 파일을 읽지 못했어요 ({error}).", file.display()))
    }

    /// A server that does not let in. What TLS refuses it will refuse again.
    pub(super) fn of_connecting(host: &str, error: Error) -> Self {
        if let Some(cause) = refused_by_tls(&error) {
            return Self::permanent(format!(
                "{host} 서버의 인증서를 믿을 수 없어요 ({cause}). ca=FILE이 그 인증서를 만든 기관의 것인지, \
                 인증서에 이 주소가 적혀 있고 기한이 남았는지 확인하세요."
            ));
        }
        match error {
            Error::TlsError(cause) => {
                Self::permanent(format!("ca=FILE에 쓸 수 있는 인증서가 들어 있지 않아요 ({cause})."))
            }
            Error::DriverError(DriverError::TlsNotSupported) => Self::permanent(format!(
                "{host} 서버가 TLS를 쓰지 않아요. 서버에 인증서를 두거나 tls=on과 ca를 빼세요."
            )),
            error => error.into(),
        }
    }
}

/// A line that is lost never holds invalid data; a certificate that is not good does.
fn refused_by_tls(error: &Error) -> Option<&io::Error> {
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
                // The driver's own refusals (a wrong number of parameters) are the program's error;
                // a line that speaks out of turn is lost.
                Error::DriverError(DriverError::MismatchedStmtParams(..))
                | Error::FromValueError(_)
                | Error::FromRowError(_)
                | Error::UrlError(_) => Self { error: StorageError::Engine(text), retry: Retry::Never },
                _ => Self::connection_lost(text),
            };
        };
        let (error, retry) = match answer.code {
            // duplicate key, not null, foreign keys, check
            1062 | 1586 | 1048 | 1216 | 1217 | 1451 | 1452 | 4025 => (StorageError::Constraint(text), Retry::Never),
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

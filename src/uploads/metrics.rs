//! Prometheus counters of uploads and their rows.

use super::{ImportOptions, ImportOutcome, RowOutcome, UploadError};
use crate::channels::FileKind;

/// Counts the result of an upload, and its rows when it was applied; passes the result through.
/// `success` is the label of a successful result: `previewed` or `applied`.
pub(super) fn record(
    success: &'static str,
    options: &ImportOptions,
    result: Result<ImportOutcome, UploadError>,
) -> Result<ImportOutcome, UploadError> {
    let kind = result.as_ref().ok().map(|outcome| outcome.kind).or(options.kind).map_or("unknown", FileKind::code);
    let label = match &result {
        Ok(_) => success,
        Err(UploadError::Refused(error)) if error.needs_password() => "locked",
        Err(UploadError::Refused(_) | UploadError::Teach(_) | UploadError::TooManyPasswords) => "refused",
        Err(UploadError::NotOpen | UploadError::OriginalDeleted) => "gone",
        Err(UploadError::Storage(_)) => "failed",
    };
    metrics::counter!("mukkeum_uploads_total", "kind" => kind, "outcome" => label).increment(1);
    if let (Ok(outcome), "applied") = (&result, success) {
        for row in RowOutcome::ALL {
            let rows = metrics::counter!("mukkeum_upload_rows_total", "kind" => kind, "outcome" => row.code());
            rows.increment(outcome.report.count(row) as u64);
        }
    }
    result
}

//! What `/metrics` tells of uploads.

use super::{Done, Outcome, Request, UploadError};
use crate::channels::FileKind;

/// Counts what became of a file, and its rows once they are applied.
pub(super) fn counted(
    done_as: &'static str,
    request: &Request,
    done: Result<Done, UploadError>,
) -> Result<Done, UploadError> {
    let kind = done.as_ref().ok().map(|done| done.kind).or(request.kind).map_or("unknown", FileKind::code);
    let outcome = match &done {
        Ok(_) => done_as,
        Err(UploadError::Refused(refusal)) if refusal.needs_password() => "locked",
        Err(UploadError::Refused(_)) => "refused",
        Err(UploadError::Gone | UploadError::FileGone) => "gone",
        Err(UploadError::Storage(_)) => "failed",
    };
    metrics::counter!("mukkeum_uploads_total", "kind" => kind, "outcome" => outcome).increment(1);
    if let (Ok(done), "applied") = (&done, done_as) {
        for outcome in Outcome::ALL {
            let rows = metrics::counter!("mukkeum_upload_rows_total", "kind" => kind, "outcome" => outcome.code());
            rows.increment(done.report.count(outcome) as u64);
        }
    }
    done
}

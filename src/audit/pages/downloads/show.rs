//! `/downloads/{id}`: the file of an earlier download.

use axum::extract::{Path, State};

use crate::audit::MemberActor;
use crate::id::parse_crockford;
use crate::storage::Storage;
use crate::web::{Error, FormPairs, PageResult, send_kept_file_again};

/// The file of an earlier download as it was. Recorded as a download of its own.
pub(in crate::audit::pages) async fn download(
    State(storage): State<Storage>,
    actor: MemberActor,
    Path(id): Path<String>,
    FormPairs(_): FormPairs,
) -> PageResult {
    let id = parse_crockford(&id).ok_or(Error::NotFound)?;
    send_kept_file_again(&storage, actor, id).await
}

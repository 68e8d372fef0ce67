//! `/downloads/{id}`: the file of an earlier download.

use axum::extract::{Path, State};

use crate::audit::MemberActor;
use crate::storage::Storage;
use crate::web::{FormPairs, PageResult, parse_id, send_kept_file_again};

/// The file of an earlier download as it was. Recorded as a download of its own.
pub(in crate::audit::pages) async fn download(
    State(storage): State<Storage>,
    actor: MemberActor,
    Path(id): Path<String>,
    FormPairs(_): FormPairs,
) -> PageResult {
    let id = parse_id(&id)?;
    send_kept_file_again(&storage, actor, id).await
}

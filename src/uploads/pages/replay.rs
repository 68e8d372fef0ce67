//! `POST /uploads/{id}/replay`: the stored original as a new upload with a preview, read with the profiles of today.

use axum::extract::{Path, State};

use super::{parse_id, redirect_with_error, upload_path};
use crate::audit::MemberActor;
use crate::demo::Demo;
use crate::storage::Storage;
use crate::uploads::{UploadError, Uploads};
use crate::web::{Error, FormPairs, PageResult, redirect};

pub(super) async fn replay(
    State(storage): State<Storage>,
    State(uploads): State<Uploads>,
    State(demo): State<Option<Demo>>,
    actor: MemberActor,
    Path(id): Path<String>,
    FormPairs(_): FormPairs,
) -> PageResult {
    let id = parse_id(&id)?;
    if let Some(demo) = &demo
        && let Some(message) = demo.file_refusal(&storage).await?
    {
        return Err(Error::BadRequest(message.to_owned()));
    }
    let _turn = uploads.turns.wait().await;
    match uploads.replay(id, actor.id).await {
        Ok(new) => Ok(redirect(&upload_path(new))),
        Err(error @ (UploadError::NotOpen | UploadError::OriginalDeleted)) => {
            redirect_with_error(&storage, actor.id, id, error).await
        }
        Err(error) => Err(error.into()),
    }
}

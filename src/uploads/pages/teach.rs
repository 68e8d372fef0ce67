//! `POST /uploads/{id}/teach`: teaches that columns of the file are columns of its channel, and reads the file again.

use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::show::reload_page;
use super::{redirect_with_error, upload_path};
use crate::audit::MemberActor;
use crate::storage::Storage;
use crate::uploads::{UploadError, Uploads};
use crate::web::{Flash, FormPairs, Layout, PageResult, parse_id, personal_page_with_status, redirect_with_flash};

/// Name of a field: this, and the header of the profile. The value is the header of the file.
pub(super) const FIELD_PREFIX: &str = "column-";

pub(super) async fn teach(
    State(storage): State<Storage>,
    State(uploads): State<Uploads>,
    layout: Layout,
    actor: MemberActor,
    Path(id): Path<String>,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let id = parse_id(&id)?;
    let chosen: Vec<(String, String)> = pairs
        .into_iter()
        .filter_map(|(name, value)| Some((name.strip_prefix(FIELD_PREFIX)?.to_owned(), value)))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let _turn = uploads.turns.wait().await;
    let taught = match uploads.teach_columns(id, actor.into(), chosen.clone()).await {
        Ok(taught) => uploads.read_again(id, actor.id).await.map(|id| (id, taught)),
        Err(UploadError::Teach(problem)) => {
            let mut page = reload_page(&storage, &uploads, layout, id).await?;
            page.teach_problem = Some(problem.to_string());
            page.chosen = Some(chosen);
            return Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page));
        }
        Err(error) => Err(error),
    };
    match taught {
        Ok((id, taught)) => {
            let flash = Flash::success(taught.event.sentence());
            let flash = storage.write(move |tx| flash.save(tx, actor.id)).await?;
            Ok(redirect_with_flash(&upload_path(id), flash))
        }
        Err(error @ (UploadError::NotOpen | UploadError::OriginalDeleted)) => {
            redirect_with_error(&storage, actor.id, id, error).await
        }
        Err(error) => Err(error.into()),
    }
}

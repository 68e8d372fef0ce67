//! `POST /uploads/{id}/apply`: applies a previewed upload.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::show::reload_page;
use super::{redirect_with_error, upload_path};
use crate::audit::MemberActor;
use crate::storage::Storage;
use crate::uploads::parse::parse_courier;
use crate::uploads::{ImportOptions, UploadError, Uploads, store};
use crate::web::{Error, Form, Layout, PageResult, parse_id, personal_page_with_status, redirect};

#[derive(Deserialize)]
pub(super) struct ApplyForm {
    #[serde(default)]
    courier: String,
}

pub(super) async fn apply(
    State(storage): State<Storage>,
    State(uploads): State<Uploads>,
    layout: Layout,
    actor: MemberActor,
    Path(id): Path<String>,
    Form(form): Form<ApplyForm>,
) -> PageResult {
    let id = parse_id(&id)?;
    let upload = storage.read(move |tx| store::find(tx, id)).await?.ok_or(Error::NotFound)?;
    let needs_courier = upload.findings.courier_missing && upload.stage.is_open();
    let courier = match parse_courier(&form.courier) {
        Ok(None) if needs_courier && upload.courier.is_empty() => {
            Err("파일에 택배사가 없어요. 택배사를 선택해 주세요.".to_owned())
        }
        Ok(None) => Ok(Some(upload.courier).filter(|courier| !courier.is_empty())),
        typed => typed,
    };
    let courier = match courier {
        Ok(courier) => courier,
        Err(problem) => {
            let mut page = reload_page(&storage, &uploads, layout, id).await?;
            page.courier_problem = Some(problem);
            return Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page));
        }
    };
    let options = ImportOptions { courier, ..ImportOptions::default() };
    let task = uploads.start_apply(id, actor.into(), options);
    let Ok(ended) = tokio::time::timeout(uploads.foreground, task).await else {
        // The page of the upload shows that it is under way.
        return Ok(redirect(&upload_path(id)));
    };
    match ended.map_err(Error::internal)? {
        // The page of the upload shows the report, the error, or the password form.
        Ok(_) | Err(UploadError::Refused(_)) => Ok(redirect(&upload_path(id))),
        Err(error @ (UploadError::NotOpen | UploadError::OriginalDeleted)) => {
            redirect_with_error(&storage, actor.id, id, error).await
        }
        Err(error) => Err(error.into()),
    }
}

//! `POST /uploads/{id}/open`: previews an encrypted file with its password.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::show::reload_page;
use super::{redirect_with_error, upload_path};
use crate::id::UploadId;
use crate::storage::Storage;
use crate::uploads::{ImportOptions, UploadError, Uploads, store};
use crate::web::{Error, Form, Layout, Member, PageResult, parse_id, personal_page_with_status, redirect};

#[derive(Deserialize)]
pub(super) struct PasswordForm {
    password: String,
    /// store the password for future files of the channel
    #[serde(default)]
    keep: Option<String>,
}

pub(super) async fn open(
    State(storage): State<Storage>,
    State(uploads): State<Uploads>,
    layout: Layout,
    member: Member,
    Path(id): Path<String>,
    Form(form): Form<PasswordForm>,
) -> PageResult {
    let id = parse_id(&id)?;
    let upload = storage.read(move |tx| store::find(tx, id)).await?.ok_or(Error::NotFound)?;
    let courier = (!upload.courier.is_empty()).then_some(upload.courier);
    let options = ImportOptions { courier, ..ImportOptions::default() };
    let _turn = uploads.turns.wait().await;
    match uploads.preview_stored(id, &form.password, &options).await {
        Ok(_) => {
            if form.keep.is_some() {
                store_channel_password(&storage, &uploads, id, &form.password).await?;
            }
            Ok(redirect(&upload_path(id)))
        }
        Err(UploadError::Refused(error)) if error.needs_password() => {
            let mut page = reload_page(&storage, &uploads, layout, id).await?;
            page.password_problem = Some(error.to_string());
            Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page))
        }
        Err(UploadError::Refused(_)) => Ok(redirect(&upload_path(id))),
        Err(error @ (UploadError::NotOpen | UploadError::OriginalDeleted)) => {
            redirect_with_error(&storage, member.id, id, error).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn store_channel_password(storage: &Storage, uploads: &Uploads, id: UploadId, password: &str) -> PageResult<()> {
    let upload = storage.read(move |tx| store::find(tx, id)).await?.ok_or(Error::NotFound)?;
    let profiles = uploads.profiles().await?;
    let profile = profiles.all().iter().find(|profile| profile.code == upload.channel_code);
    if let Some(profile) = profile {
        uploads.set_channel_password(&profile.code, &profile.name, password).await?;
    }
    Ok(())
}

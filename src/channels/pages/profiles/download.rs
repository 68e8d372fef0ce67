//! `GET /channels/profiles/{id}/download`: a profile as a file, for another shop.

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;

use crate::channels::FileKind;
use crate::channels::store::profiles;
use crate::storage::Storage;
use crate::uploads::Uploads;
use crate::web::{Error, PageResult, parse_id};

/// The identifier of a profile of the shop, or `KIND.CODE` of one of the program.
pub(in crate::channels::pages) async fn download(
    State(storage): State<Storage>,
    State(uploads): State<Uploads>,
    Path(id): Path<String>,
) -> PageResult {
    let (code, text) = if let Some((kind, code)) = id.split_once('.') {
        let profile = FileKind::from_code(kind).and_then(|kind| uploads.shipped.find(kind, code));
        let profile = profile.ok_or(Error::NotFound)?;
        (profile.code.clone(), profile.to_toml())
    } else {
        let id = parse_id(&id)?;
        let stored = storage.read(move |tx| profiles::find(tx, id)).await?.ok_or(Error::NotFound)?;
        (stored.code, stored.definition)
    };
    let disposition = format!("attachment; filename=\"{}.toml\"", code.to_lowercase());
    let headers = [
        (header::CONTENT_TYPE, "application/toml; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, text).into_response())
}

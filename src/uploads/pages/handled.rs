//! `POST /uploads/{id}/handled`: marks the remaining rejected rows of an upload as resolved.

use axum::extract::{Path, State};
use serde_json::json;

use super::{parse_id, upload_path};
use crate::audit;
use crate::id::crockford;
use crate::storage::Storage;
use crate::uploads::store;
use crate::web::{Error, FormPairs, Member, PageResult, redirect_with_flash};

pub(super) async fn resolve_all(
    State(storage): State<Storage>,
    member: Member,
    Path(id): Path<String>,
    FormPairs(_): FormPairs,
) -> PageResult {
    let id = parse_id(&id)?;
    let activity = storage
        .write(move |tx| {
            store::find(tx, id)?.ok_or(Error::NotFound)?;
            let rows = store::resolve_all(tx, id, member.id)?;
            let (message, tone) = match rows {
                0 => ("처리할 행이 남아 있지 않아요.".to_owned(), "warning"),
                rows => (format!("거절된 {rows}행을 처리함으로 표시했어요."), "success"),
            };
            let summary = json!({ "message": message, "tone": tone, "upload": crockford(id) });
            Ok::<_, Error>(audit::record(tx, Some(member.id), "uploads.handled", &summary)?)
        })
        .await?;
    Ok(redirect_with_flash(&upload_path(id), activity))
}

//! `POST /uploads/{id}/discard`: discards an upload that is not applied.

use axum::extract::{Path, State};
use serde_json::json;

use super::parse_id;
use crate::audit;
use crate::storage::Storage;
use crate::uploads::{Stage, store};
use crate::web::{FormPairs, Member, PageResult, redirect_with_flash};

pub(super) async fn discard(
    State(storage): State<Storage>,
    member: Member,
    Path(id): Path<String>,
    FormPairs(_): FormPairs,
) -> PageResult {
    let id = parse_id(&id)?;
    let activity = storage
        .write(move |tx| {
            let (message, tone) = match store::find_open(tx, id)? {
                Some(upload) => {
                    store::set_stage(tx, &upload, Stage::Discarded, "")?;
                    store::delete_file(tx, id)?;
                    ("올린 파일을 취소했어요. 바뀐 것은 없어요.", "success")
                }
                None => ("이미 처리된 업로드예요.", "warning"),
            };
            audit::record(tx, Some(member.id), "uploads.discarded", &json!({ "message": message, "tone": tone }))
        })
        .await?;
    Ok(redirect_with_flash("/uploads", activity))
}

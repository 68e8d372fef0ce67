//! `POST /uploads/{id}/discard`: discards an upload that is not applied.

use axum::extract::{Path, State};

use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::storage::Storage;
use crate::uploads::{Stage, store};
use crate::web::{Flash, FormPairs, PageResult, parse_id, redirect_with_flash};

pub(super) async fn discard(
    State(storage): State<Storage>,
    actor: MemberActor,
    Path(id): Path<String>,
    FormPairs(_): FormPairs,
) -> PageResult {
    let id = parse_id(&id)?;
    let flash = storage
        .write(move |tx| {
            // The file of a refused upload is kept while its columns can be taught.
            store::reopen(tx, id)?;
            let flash = match store::find_open(tx, id)? {
                Some(upload) => {
                    store::set_stage(tx, &upload, Stage::Discarded, "")?;
                    store::delete_file(tx, id)?;
                    let event = AuditEvent::UploadDiscarded { file_name: upload.file_name.clone() };
                    audit::record(tx, actor, AuditObject::one(id), &event)?;
                    Flash::success("올린 파일을 취소했어요. 바뀐 것은 없어요.")
                }
                None => Flash::warning("이미 처리된 업로드예요."),
            };
            flash.save(tx, actor.id)
        })
        .await?;
    Ok(redirect_with_flash("/uploads", flash))
}

//! `POST /uploads/{id}/handled`: marks the remaining rejected rows of an upload as resolved.

use axum::extract::{Path, State};

use super::upload_path;
use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::storage::Storage;
use crate::uploads::store;
use crate::web::{Error, Flash, FormPairs, PageResult, parse_id, redirect_with_flash};

pub(super) async fn resolve_all(
    State(storage): State<Storage>,
    actor: MemberActor,
    Path(id): Path<String>,
    FormPairs(_): FormPairs,
) -> PageResult {
    let id = parse_id(&id)?;
    let flash = storage
        .write(move |tx| {
            store::find(tx, id)?.ok_or(Error::NotFound)?;
            let rows = store::resolve_all(tx, id, actor.id)?;
            let flash = if rows == 0 {
                Flash::warning("처리할 행이 남아 있지 않아요.")
            } else {
                let event = AuditEvent::RejectedRowsResolved { rows };
                audit::record(tx, actor, AuditObject::one(id), &event)?;
                Flash::success(event.sentence())
            };
            Ok::<_, Error>(flash.save(tx, actor.id)?)
        })
        .await?;
    Ok(redirect_with_flash(&upload_path(id), flash))
}

//! `POST /channels/profiles/{id}/remove`: takes a profile of the shop back.

use axum::extract::{Path, State};

use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::channels::store::profiles;
use crate::id::ProfileId;
use crate::storage::{Storage, Tx};
use crate::web::{Error, Flash, FormPairs, PageResult, parse_id, redirect_with_flash};

pub(in crate::channels::pages) async fn remove(
    State(storage): State<Storage>,
    actor: MemberActor,
    Path(id): Path<String>,
    FormPairs(_): FormPairs,
) -> PageResult {
    set_removed(&storage, actor, parse_id(&id)?, true).await
}

/// Takes a profile back, or back into use, and records it.
pub(super) async fn set_removed(storage: &Storage, actor: MemberActor, id: ProfileId, is_removed: bool) -> PageResult {
    let work = move |tx: &mut dyn Tx| {
        let stored = profiles::find(tx, id)?.ok_or(Error::NotFound)?;
        let flash = if profiles::set_removed(tx, id, is_removed)? {
            let channel = stored.name;
            let event = if is_removed {
                AuditEvent::ProfileRemoved { channel }
            } else {
                AuditEvent::ProfileRestored { channel }
            };
            audit::record(tx, actor, AuditObject::one(id), &event)?;
            let more = if is_removed { " 아래에서 복원할 수 있어요." } else { "" };
            Flash::success(format!("{}{more}", event.sentence()))
        } else {
            Flash::warning("이미 처리된 양식이에요.")
        };
        Ok::<_, Error>(flash.save(tx, actor.id)?)
    };
    Ok(redirect_with_flash("/channels/profiles", storage.write(work).await?))
}

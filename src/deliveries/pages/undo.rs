//! 완료 되돌리기: reverts the completion of single deliveries. A whole completion is undone with its bulk action.

use axum::extract::State;

use super::ids;
use crate::audit::MemberActor;
use crate::deliveries::complete;
use crate::storage::{Result as StorageResult, Storage, Tx};
use crate::web::{Flash, FlashId, FormPairs, PageResult, first_value, local_path, redirect_with_flash};

pub(super) async fn undo(
    State(storage): State<Storage>,
    actor: MemberActor,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let deliveries = ids(&pairs, "delivery");
    let undo = move |tx: &mut dyn Tx| -> StorageResult<FlashId> {
        Flash::from(&complete::undo(tx, actor, &deliveries)?).save(tx, actor.id)
    };
    let flash = storage.write(undo).await?;
    Ok(redirect_with_flash(local_path(first_value(&pairs, "back")).unwrap_or("/deliveries"), flash))
}

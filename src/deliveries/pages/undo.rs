//! 완료 되돌리기: reverts the completion of single deliveries, or of all that one action completed.

use axum::extract::State;

use super::{ids, value};
use crate::deliveries::complete;
use crate::storage::{Result as StorageResult, Storage, Tx};
use crate::web::{FormPairs, Member, PageResult, local_path, redirect_with_flash};

pub(super) async fn undo(State(storage): State<Storage>, member: Member, FormPairs(pairs): FormPairs) -> PageResult {
    let (deliveries, activities) = (ids(&pairs, "delivery"), ids(&pairs, "activity"));
    let undo = move |tx: &mut dyn Tx| -> StorageResult<i64> {
        let mut deliveries = deliveries.clone();
        for activity in &activities {
            deliveries.extend(complete::undoable_deliveries(tx, *activity)?);
        }
        complete::undo(tx, member.id, &deliveries)
    };
    let activity = storage.write(undo).await?;
    Ok(redirect_with_flash(local_path(value(&pairs, "back")).unwrap_or("/deliveries"), activity))
}

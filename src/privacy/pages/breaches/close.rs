//! `/privacy/breaches/{id}/close`: the end of a case.

use axum::extract::{Path, State};

use crate::audit::{Actor, MemberActor};
use crate::privacy::store::breaches;
use crate::storage::{Storage, Tx};
use crate::web::{Flash, FormPairs, PageResult, parse_id, redirect_with_flash};

pub(crate) async fn close(
    State(storage): State<Storage>,
    actor: MemberActor,
    Path(id): Path<String>,
    FormPairs(_): FormPairs,
) -> PageResult {
    let number = parse_id(&id)?;
    let flash = storage
        .write(move |tx: &mut dyn Tx| {
            let missing = breaches::close(tx, Actor::from(actor), number)?;
            let flash = if missing.is_empty() {
                Flash::success("사건을 마쳤어요. 기록은 3년 동안 남아요.")
            } else {
                let labels: Vec<&str> = missing.iter().map(|step| step.label()).collect();
                Flash::warning(format!("아직 기록하지 않은 단계가 있어요: {}", labels.join(", ")))
            };
            flash.save(tx, actor.id)
        })
        .await?;
    Ok(redirect_with_flash(&format!("/privacy/breaches/{id}"), flash))
}

//! `POST /channels/profiles/{id}/restore`: takes a profile of the shop back into use.

use axum::extract::{Path, State};

use super::remove::set_removed;
use crate::audit::MemberActor;
use crate::storage::Storage;
use crate::web::{FormPairs, PageResult, parse_id};

pub(in crate::channels::pages) async fn restore(
    State(storage): State<Storage>,
    actor: MemberActor,
    Path(id): Path<String>,
    FormPairs(_): FormPairs,
) -> PageResult {
    set_removed(&storage, actor, parse_id(&id)?, false).await
}

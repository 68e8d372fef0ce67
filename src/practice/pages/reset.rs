//! `/practice/reset`: manual reset of the demo shop.

use axum::extract::State;
use axum::response::Response;

use crate::demo::Demo;
use crate::members::passwords::PasswordHasher;
use crate::proofs::files::ProofFiles;
use crate::storage::Storage;
use crate::web::{Error, FormPairs, PageResult, redirect};

/// Resets the demo shop and ends all sessions.
pub(super) async fn reset(
    State(storage): State<Storage>,
    State(passwords): State<PasswordHasher>,
    State(demo): State<Option<Demo>>,
    State(proofs): State<ProofFiles>,
    FormPairs(_): FormPairs,
) -> PageResult<Response> {
    let demo = demo.ok_or(Error::NotFound)?;
    if let Some(reason) = demo.reset_refusal(storage.clock().now()) {
        return Err(Error::BadRequest(reason.to_owned()));
    }
    demo.reset(&storage, &passwords).await.map_err(Error::internal)?;
    proofs.clear().await.map_err(Error::internal)?;
    Ok(redirect("/login"))
}

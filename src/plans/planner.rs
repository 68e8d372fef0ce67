//! Runs the route engine beside the requests: on a blocking thread, one plan at a time.

use tokio::sync::Semaphore;

use super::assign::{NewPlan, NotPlannable, Scope, plan};
use super::board::Board;
use crate::storage::StorageError;

/// Plans that this process computes at once. Each keeps a processor busy for a second.
static PERMITS: Semaphore = Semaphore::const_new(1);

/// Plans a board outside of any transaction.
///
/// # Errors
/// [`StorageError::Panicked`] when the engine panics.
pub async fn run(board: Board, scope: Scope) -> Result<Result<NewPlan, NotPlannable>, StorageError> {
    let panicked = |error: &dyn std::fmt::Display| StorageError::Panicked(error.to_string());
    let _permit = PERMITS.acquire().await.map_err(|error| panicked(&error))?;
    tokio::task::spawn_blocking(move || plan(&board, &scope)).await.map_err(|error| panicked(&error))
}

//! Runs the route engine beside the requests: on a blocking thread, one plan at a time.

use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::assign::{NewPlan, NotPlannable, Scope, plan};
use super::board::Board;
use crate::storage::StorageError;

/// Plans that this process computes at once. Each keeps a processor busy for some seconds at most.
static PERMITS: Semaphore = Semaphore::const_new(1);

/// How long a member waits for the plans of others: several of the largest, also on a slow computer.
const WAIT_TIMEOUT: Duration = Duration::from_mins(1);

/// Plans a board outside of any transaction.
///
/// # Errors
/// [`StorageError::Panicked`] when the engine panics.
pub async fn run(board: Board, scope: Scope) -> Result<Result<NewPlan, NotPlannable>, StorageError> {
    let panicked = |error: &dyn std::fmt::Display| StorageError::Panicked(error.to_string());
    let Ok(permit) = timeout(WAIT_TIMEOUT, PERMITS.acquire()).await else { return Ok(Err(NotPlannable::Busy)) };
    let permit = permit.map_err(|error| panicked(&error))?;
    // The permit is that of the computation, which goes on when the request that asked for it is dropped.
    let compute = move || {
        let _permit = permit;
        plan(&board, &scope)
    };
    tokio::task::spawn_blocking(compute).await.map_err(|error| panicked(&error))
}

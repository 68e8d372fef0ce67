//! What is done beside the requests for as long as the server runs.

use std::time::Duration;

use tokio::task::JoinSet;

use crate::backup::MariaDbDump;
use crate::config::Database;
use crate::demo::Demo;
use crate::members;
use crate::orders;
use crate::server::tls::Tls;
use crate::sessions::{self, staying};
use crate::storage::{Storage, lease};
use crate::uploads;
use crate::web::{self, AppState};

/// How often what has expired is deleted.
const SWEEP_EVERY: Duration = Duration::from_mins(10);

/// A node that has not swept for so long has died, and another one does.
const LEASE_MS: i64 = 25 * 60 * 1000;

/// The lease of who sweeps.
const LEASE: &str = "sweep";

/// How long it may take to give it back; who does not, is succeeded when it has run out.
const GIVEN_BACK_WITHIN: Duration = Duration::from_secs(2);

/// Originals of uploads that are put away in one sweep, so that no sweep holds the writer long.
const FILES_A_SWEEP: i64 = 100;

/// How often it is looked whether search terms are to be merged.
const TIDY_EVERY: Duration = Duration::from_secs(5);

/// How long others have the writer between two steps of a merge.
const TIDY_PAUSE: Duration = Duration::from_millis(20);

/// How often the training shop's age is looked at.
const AGE_EVERY: Duration = Duration::from_secs(5);

/// How often histograms are condensed.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Begins all of them. They end when the set is shut down.
pub(super) fn begin(state: &AppState, tls: Option<Tls>) -> JoinSet<()> {
    let mut chores = JoinSet::new();
    chores.spawn(sweep(state.clone()));
    chores.spawn(tidy(state.storage.clone()));
    chores.spawn(orders::classification::run(state.storage.clone(), state.uploads.districts.clone()));
    if let Some(demo) = state.demo.clone() {
        chores.spawn(keep_fresh(demo, state.clone()));
    }
    if let Some(backup) = state.backup.clone() {
        let every = state.config.backup.verify_every;
        chores.spawn(async move { backup.run_scheduled_verification(every).await });
    }
    if matches!(state.config.database, Database::MariaDb(_)) {
        chores.spawn(MariaDbDump::report_age(state.storage.clone()));
    }
    if let Some(tls) = tls {
        chores.spawn(tls.keep_current());
    }
    chores
}

/// Ends all of them, and leaves what one node does for all to another.
pub(super) async fn end(mut chores: JoinSet<()>, storage: &Storage) {
    chores.shutdown().await;
    let node = storage.node();
    let given_back = storage.write(move |tx| lease::release(tx, LEASE, node));
    match tokio::time::timeout(GIVEN_BACK_WITHIN, given_back).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the sweep was not left to another node"),
        Err(_) => tracing::warn!("the sweep was not left to another node in time"),
    }
}

/// Makes the training shop anew when its time comes.
async fn keep_fresh(demo: Demo, state: AppState) {
    let mut age = tokio::time::interval(AGE_EVERY);
    loop {
        age.tick().await;
        if let Err(error) = demo.reset_if_due(&state.storage, &state.passwords).await {
            tracing::error!(%error, "the training shop could not be made anew");
        }
    }
}

async fn sweep(state: AppState) {
    let kept_ms = i64::from(state.config.upload_keep_days) * 24 * 60 * 60 * 1000;
    let node = state.storage.node();
    let mut upkeep = tokio::time::interval(UPKEEP_EVERY);
    let mut expired = tokio::time::interval(SWEEP_EVERY);
    loop {
        tokio::select! {
            _ = upkeep.tick() => web::metrics::run_upkeep(),
            _ = expired.tick() => {
                let swept = state.storage.write(move |tx| {
                    if !lease::try_acquire(tx, LEASE, node, LEASE_MS)? {
                        return Ok(0);
                    }
                    sessions::delete_expired(tx)?;
                    staying::delete_expired(tx)?;
                    members::delete_expired(tx)?;
                    let before = tx.now().plus_ms(-kept_ms);
                    uploads::store::delete_old_files(tx, before, FILES_A_SWEEP)
                }).await;
                if let Err(error) = swept {
                    tracing::error!(%error, "what has expired could not be deleted");
                }
            }
        }
    }
}

/// Merges the search terms of uploads, a little at a time.
async fn tidy(storage: Storage) {
    let mut look = tokio::time::interval(TIDY_EVERY);
    loop {
        look.tick().await;
        loop {
            match storage.write(orders::store::terms::tidy).await {
                Ok(true) => tokio::time::sleep(TIDY_PAUSE).await,
                Ok(false) => break,
                Err(error) => {
                    tracing::error!(%error, "search terms could not be merged");
                    break;
                }
            }
        }
    }
}

//! The background job that destroys what is due, and moves the personal data of ended orders apart.

use std::time::Duration;

use super::destruction::destroy_due;
use super::seal::{is_due, seal_due};
use super::{RetentionYears, SealDays};
use crate::proofs::destroy::ProofRetention;
use crate::storage::{Result, Storage, StorageError, lease};

/// How often the job looks for due data. Data is due at midnight, so that it usually finds something once a day.
const INTERVAL: Duration = Duration::from_hours(1);

/// Name of the lease: one of several nodes destroys.
const LEASE: &str = "destruction";

/// Duration of the lease; another node takes over after a node with the lease has crashed.
const LEASE_MS: i64 = 3 * 60 * 60 * 1000;

/// Interval at which a long run renews its lease.
const RENEWAL_INTERVAL: Duration = Duration::from_mins(30);

/// Runs the job; it never returns. The first run is at the start: a restored backup may have data that was destroyed.
/// `seal_after` is none for a practice shop, whose orders are made up.
pub async fn run(storage: Storage, keep: RetentionYears, seal_after: Option<SealDays>, photos: ProofRetention) {
    let (mut interval, node) = (tokio::time::interval(INTERVAL), storage.node());
    loop {
        interval.tick().await;
        let run = async {
            if storage.write(move |tx| lease::try_acquire(tx, LEASE, node, LEASE_MS)).await? {
                let counts = tokio::select! {
                    counts = destroy_due(&storage, keep, &photos) => counts?,
                    error = renew_lease(&storage) => return Err(error),
                };
                if !counts.is_empty() {
                    tracing::info!(
                        orders = counts.orders,
                        uploads = counts.uploads,
                        photos = counts.photos,
                        "보관 기간이 지난 개인정보를 파기했어요"
                    );
                }
                if let Some(days) = seal_after
                    && is_due(&storage).await?
                {
                    let orders = tokio::select! {
                        orders = seal_due(&storage, days) => orders?,
                        error = renew_lease(&storage) => return Err(error),
                    };
                    if orders > 0 {
                        tracing::info!(orders, "끝난 주문의 개인정보를 분리 보관했어요");
                    }
                }
                storage.write(move |tx| lease::release(tx, LEASE, node)).await?;
            }
            Result::Ok(())
        };
        if let Err(error) = run.await {
            tracing::error!(%error, "보관 기간이 지난 개인정보를 파기하지 못했어요");
        }
    }
}

/// Renews the lease of a run; returns when that fails, which ends the run.
async fn renew_lease(storage: &Storage) -> StorageError {
    let (mut interval, node) = (tokio::time::interval(RENEWAL_INTERVAL), storage.node());
    interval.tick().await;
    loop {
        interval.tick().await;
        match storage.write(move |tx| lease::try_acquire(tx, LEASE, node, LEASE_MS)).await {
            Ok(true) => {}
            Ok(false) => return StorageError::Unavailable("another node has taken the destruction over".to_owned()),
            Err(error) => return error,
        }
    }
}

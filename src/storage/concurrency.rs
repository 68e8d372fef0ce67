//! Limits on concurrent transactions, with their metrics.

use std::sync::Arc;
use std::time::Instant;

use metrics::{Gauge, Histogram, gauge, histogram};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Result, StorageError};

/// Limits concurrent transactions of one kind (read or write). A permit is acquired before
/// `spawn_blocking`, so waiters hold no thread.
#[derive(Clone)]
pub(super) struct ConcurrencyLimit {
    semaphore: Arc<Semaphore>,
    waiting: Gauge,
    in_use: Gauge,
    wait: Histogram,
    duration: Histogram,
}

/// Permission to run one transaction; dropping it releases it and records its duration.
pub(super) struct Permit {
    acquired_at: Instant,
    duration: Histogram,
    _in_use: InFlight,
    _slot: OwnedSemaphorePermit,
}

/// Increments a gauge while it lives.
struct InFlight(Gauge);

impl ConcurrencyLimit {
    pub(super) fn new(engine: &'static str, kind: &'static str, permits: usize) -> Self {
        let labels = [("engine", engine), ("kind", kind)];
        gauge!("mukkeum_storage_permits", &labels).set(u32::try_from(permits).unwrap_or(u32::MAX));
        Self {
            semaphore: Arc::new(Semaphore::new(permits)),
            waiting: gauge!("mukkeum_storage_permit_waiters", &labels),
            in_use: gauge!("mukkeum_storage_permits_in_use", &labels),
            wait: histogram!("mukkeum_storage_wait_duration_seconds", &labels),
            duration: histogram!("mukkeum_storage_duration_seconds", &labels),
        }
    }

    /// Waits for a permit, first in, first out.
    pub(super) async fn acquire(&self) -> Result<Permit> {
        let requested_at = Instant::now();
        let waiting = InFlight::new(&self.waiting);
        let permit = Arc::clone(&self.semaphore).acquire_owned().await;
        drop(waiting);
        // The semaphore is never closed.
        let permit = permit.map_err(|error| StorageError::Unavailable(error.to_string()))?;
        let acquired_at = Instant::now();
        self.wait.record(acquired_at - requested_at);
        Ok(Permit { acquired_at, duration: self.duration.clone(), _in_use: InFlight::new(&self.in_use), _slot: permit })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.duration.record(self.acquired_at.elapsed());
    }
}

impl InFlight {
    fn new(gauge: &Gauge) -> Self {
        gauge.increment(1);
        Self(gauge.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}

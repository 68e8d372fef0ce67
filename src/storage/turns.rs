//! Turns at an engine: how many transactions of a kind run at once, counted for `/metrics`.

use std::sync::Arc;
use std::time::Instant;

use metrics::{Gauge, Histogram, gauge, histogram};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Result, StorageError};

/// The turns of readers or of writers. One is taken before a thread is: whoever waits for a turn
/// holds no thread.
#[derive(Clone)]
pub(super) struct Turns {
    free: Arc<Semaphore>,
    waiting: Gauge,
    in_use: Gauge,
    wait: Histogram,
    duration: Histogram,
}

/// A turn; it is over when this is dropped.
pub(super) struct Turn {
    began: Instant,
    duration: Histogram,
    _in_use: Counted,
    _permit: OwnedSemaphorePermit,
}

/// One more in a gauge, as long as it lives.
struct Counted(Gauge);

impl Turns {
    pub(super) fn new(engine: &'static str, kind: &'static str, count: usize) -> Self {
        let labels = [("engine", engine), ("kind", kind)];
        gauge!("mukkeum_storage_turns", &labels).set(u32::try_from(count).unwrap_or(u32::MAX));
        Self {
            free: Arc::new(Semaphore::new(count)),
            waiting: gauge!("mukkeum_storage_turns_waiting", &labels),
            in_use: gauge!("mukkeum_storage_turns_in_use", &labels),
            wait: histogram!("mukkeum_storage_wait_duration_seconds", &labels),
            duration: histogram!("mukkeum_storage_duration_seconds", &labels),
        }
    }

    pub(super) async fn take(&self) -> Result<Turn> {
        let asked = Instant::now();
        let waiting = Counted::new(&self.waiting);
        let permit = Arc::clone(&self.free).acquire_owned().await;
        drop(waiting);
        // Nobody closes the turns of an engine that lives.
        let permit = permit.map_err(|error| StorageError::Unavailable(error.to_string()))?;
        let began = Instant::now();
        self.wait.record(began - asked);
        Ok(Turn { began, duration: self.duration.clone(), _in_use: Counted::new(&self.in_use), _permit: permit })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.duration.record(self.began.elapsed());
    }
}

impl Counted {
    fn new(gauge: &Gauge) -> Self {
        gauge.increment(1);
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}

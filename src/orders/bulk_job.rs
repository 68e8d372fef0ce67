//! Bulk actions in the background: those of more orders than a request should wait for.
//!
//! A job is one transaction, so that a restart leaves all of it or nothing; nothing of a job is stored. A lease lets one job
//! of a shop run at a time, on whichever node. The page of the job may be left and opened again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::storage::{Result, Storage, StorageError, lease};
use crate::time::Moment;

/// A bulk action of more orders runs in the background.
const MAX_FOREGROUND_ORDERS: usize = 2_000;

/// Name of the lease.
const LEASE: &str = "bulk-job";

/// Lifetime of the lease, which is renewed: so long after a crash the next job waits.
const LEASE_MS: i64 = 2 * 60 * 1000;

/// Interval at which the lease is renewed.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(30);

/// A bulk action in the background.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkJob {
    /// who started it
    pub member_id: i64,
    /// what it does, a Korean phrase
    pub title: String,
    /// number of chosen orders
    pub order_count: usize,
    /// when it was started
    pub started_at: Moment,
    /// none while it runs
    pub outcome: Option<JobOutcome>,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobOutcome {
    /// it was done: URL of the page that says what was changed
    Done(String),
    /// nothing was changed; the Korean sentence says why
    Failed(String),
}

/// The job of this program: the running one, or the last. Clones share it.
#[derive(Clone, Debug)]
pub struct BulkJobs {
    /// an action of more orders runs in the background
    pub max_foreground_orders: usize,
    current: Arc<Mutex<Option<BulkJob>>>,
}

impl Default for BulkJobs {
    fn default() -> Self {
        Self { max_foreground_orders: MAX_FOREGROUND_ORDERS, current: Arc::default() }
    }
}

impl BulkJobs {
    /// The running job, or the last one since the start of the program.
    pub fn current(&self) -> Option<BulkJob> {
        self.locked(|current| current.clone())
    }

    /// Starts `work` as a job; false if the shop has one under way.
    ///
    /// # Errors
    /// The database failed.
    pub async fn start(
        &self,
        storage: &Storage,
        job: BulkJob,
        work: impl Future<Output = JobOutcome> + Send + 'static,
    ) -> Result<bool> {
        let acquire = storage.write(|tx| {
            let holder = tx.new_id();
            Ok::<_, StorageError>(lease::try_acquire(tx, LEASE, holder, LEASE_MS)?.then_some(holder))
        });
        let Some(holder) = acquire.await? else { return Ok(false) };
        self.locked(|current| *current = Some(job));
        let (jobs, storage) = (self.clone(), storage.clone());
        tokio::spawn(async move {
            // A panic ends the inner task only.
            let work = tokio::spawn(work);
            let outcome = tokio::select! {
                ended = work => ended.unwrap_or_else(|error| {
                    tracing::error!(%error, "a bulk action failed");
                    JobOutcome::Failed("프로그램의 잘못으로 끝내지 못했어요. 바뀐 것은 없어요.".to_owned())
                }),
                never = renew(&storage, holder) => match never {},
            };
            jobs.locked(|current| {
                if let Some(job) = current {
                    job.outcome = Some(outcome);
                }
            });
            if let Err(error) = storage.write(move |tx| lease::release(tx, LEASE, holder)).await {
                tracing::warn!(%error, "the lease of a bulk action expires by itself");
            }
        });
        Ok(true)
    }

    fn locked<T>(&self, work: impl FnOnce(&mut Option<BulkJob>) -> T) -> T {
        work(&mut self.current.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Renews the lease for ever. On SQLite it waits for the job's transaction, as everybody who would take the lease does.
async fn renew(storage: &Storage, holder: i64) -> std::convert::Infallible {
    loop {
        tokio::time::sleep(RENEWAL_INTERVAL).await;
        let renewed = storage.write(move |tx| lease::try_acquire(tx, LEASE, holder, LEASE_MS)).await;
        if let Err(error) = renewed {
            tracing::warn!(%error, "the lease of a bulk action was not renewed");
        }
    }
}

/// Whether a job runs on any node, or ended with a crash moments ago.
///
/// # Errors
/// The database failed.
pub async fn is_under_way(storage: &Storage) -> Result<bool> {
    storage.read(|tx| lease::is_held(tx, LEASE)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::StorageOptions;
    use crate::storage::testing::ScratchDatabase;
    use crate::time::ManualClock;

    fn job(title: &str) -> BulkJob {
        let (title, started_at) = (title.to_owned(), Moment(0));
        BulkJob { member_id: 1, title, order_count: 3, started_at, outcome: None }
    }

    async fn wait_for_end(jobs: &BulkJobs, storage: &Storage) -> JobOutcome {
        for _ in 0..500 {
            let ended = jobs.current().and_then(|job| job.outcome);
            if let (Some(outcome), false) = (ended, is_under_way(storage).await.expect("reads")) {
                return outcome;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the job does not end");
    }

    #[tokio::test]
    async fn one_job_runs_at_a_time() {
        let folder = ScratchDatabase::new();
        let storage = folder.open(&StorageOptions { clock: Arc::new(ManualClock::at(Moment(9))), readers: 1 });
        let (jobs, other_node) = (BulkJobs::default(), BulkJobs::default());
        let (finish, finished) = tokio::sync::oneshot::channel();
        let work = async move { finished.await.expect("a result") };
        assert!(jobs.start(&storage, job("one"), work).await.expect("starts"));
        let refused = async { JobOutcome::Failed(String::new()) };
        assert!(!other_node.start(&storage, job("two"), refused).await.expect("asks"));
        assert_eq!(jobs.current(), Some(job("one")));

        finish.send(JobOutcome::Done("/orders".to_owned())).expect("is waited for");
        assert_eq!(wait_for_end(&jobs, &storage).await, JobOutcome::Done("/orders".to_owned()));
        let panics = async { panic!("a bug") };
        assert!(other_node.start(&storage, job("two"), panics).await.expect("starts"));
        assert!(matches!(wait_for_end(&other_node, &storage).await, JobOutcome::Failed(_)));
    }

    #[tokio::test]
    async fn job_of_a_crashed_program_blocks_the_next_for_two_minutes() {
        let folder = ScratchDatabase::new();
        let clock = ManualClock::at(Moment(9));
        let storage = folder.open(&StorageOptions { clock: Arc::new(clock.clone()), readers: 1 });
        storage.write(|tx| lease::try_acquire(tx, LEASE, 1, LEASE_MS)).await.expect("writes");
        assert!(is_under_way(&storage).await.expect("reads"));
        clock.advance_ms(LEASE_MS);
        assert!(!is_under_way(&storage).await.expect("reads"));
        let work = async { JobOutcome::Done("/orders".to_owned()) };
        assert!(BulkJobs::default().start(&storage, job("next"), work).await.expect("starts"));
    }
}

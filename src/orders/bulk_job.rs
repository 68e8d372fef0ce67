//! Bulk actions in the background: those of more orders than a request should wait for.
//!
//! A job is one transaction, so that a restart leaves all of it or nothing; how it ended is stored in the same transaction,
//! for all nodes. How many orders it has saved is counted meanwhile, and stored each second by itself: other nodes read
//! that in MariaDB. SQLite has one writer, and one node, which knows the count. A lease lets one job of a shop run at a
//! time, on whichever node. The page of the job may be left and opened again.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::id::{BulkJobId, MemberId};
use crate::orders::store::bulk_jobs;
use crate::storage::{CountedTx, Result, RowCount, Storage, StorageError, Tx, lease, lock};
use crate::time::Moment;

/// A bulk action of more orders runs in the background.
const MAX_FOREGROUND_ORDERS: usize = 2_000;

/// URL of the page of the job.
pub const JOB_PATH: &str = "/orders/job";

/// Why a job was not started, in Korean.
pub const BUSY_MESSAGE: &str = "다른 작업이 많은 주문을 바꾸고 있어요. 끝난 다음 다시 해 주세요.";

/// Name of the lease.
const LEASE: &str = "bulk-job";

/// Lifetime of the lease, which is renewed: so long after a crash the next job waits.
const LEASE_MS: i64 = 2 * 60 * 1000;

/// Interval at which the lease is renewed.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(30);

/// Interval at which the number of saved orders is stored.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// A bulk action that is about to run in the background.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBulkJob {
    /// who starts it
    pub member_id: MemberId,
    /// what it does, a Korean phrase
    pub title: String,
    /// number of chosen orders
    pub order_count: usize,
}

/// A bulk action in the background.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkJob {
    /// generated identifier
    pub id: BulkJobId,
    /// who started it
    pub member_id: MemberId,
    /// what it does, a Korean phrase
    pub title: String,
    /// number of chosen orders
    pub order_count: usize,
    /// when it was started
    pub started_at: Moment,
    /// orders saved so far, while it runs; the rest of the work, such as their deliveries, follows the last
    pub saved_count: usize,
    /// none while it runs, and if its program stopped before its end
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

/// What starts jobs.
#[derive(Clone, Debug)]
pub struct BulkJobs {
    /// an action of more orders runs in the background
    pub max_foreground_orders: usize,
    /// the newest job of this node
    own: Arc<Mutex<Option<OwnJob>>>,
}

/// A job of this node, and how many orders it has saved.
#[derive(Clone, Debug)]
struct OwnJob {
    id: BulkJobId,
    saved: RowCount,
}

impl Default for BulkJobs {
    fn default() -> Self {
        Self { max_foreground_orders: MAX_FOREGROUND_ORDERS, own: Arc::default() }
    }
}

impl BulkJobs {
    /// Starts `act` as a job; false if the shop has one under way.
    ///
    /// # Errors
    /// The database failed.
    pub async fn start(
        &self,
        storage: &Storage,
        job: NewBulkJob,
        act: impl Fn(&mut dyn Tx) -> Result<JobOutcome> + Send + Sync + 'static,
    ) -> Result<bool> {
        let begin = storage.write(move |tx| {
            let holder = tx.new_number();
            if !lease::try_acquire(tx, LEASE, holder, LEASE_MS)? {
                return Ok::<_, StorageError>(None);
            }
            Ok(Some((holder, bulk_jobs::insert(tx, &job)?)))
        });
        let Some((holder, id)) = begin.await? else { return Ok(false) };
        let job = OwnJob { id, saved: RowCount::default() };
        *lock(&self.own) = Some(job.clone());
        let storage = storage.clone();
        tokio::spawn(async move {
            // A panic ends the inner task only.
            let work = tokio::spawn(run(storage.clone(), job.clone(), act));
            let failure = tokio::select! {
                ended = work => ended.unwrap_or_else(|error| {
                    tracing::error!(%error, "한꺼번에 바꾸는 작업을 끝내지 못했어요. 바뀐 것은 없어요");
                    Some("프로그램의 잘못으로 끝내지 못했어요. 바뀐 것은 없어요.".to_owned())
                }),
                never = renew(&storage, holder) => match never {},
                never = report(&storage, &job) => match never {},
            };
            let end = storage.write(move |tx| {
                if let Some(reason) = &failure {
                    bulk_jobs::finish(tx, id, &JobOutcome::Failed(reason.clone()))?;
                }
                lease::release(tx, LEASE, holder)
            });
            if let Err(error) = end.await {
                tracing::warn!(%error, "작업이 끝난 것을 저장하지 못해서 다음 작업은 2분 뒤에 시작해요");
            }
        });
        Ok(true)
    }

    /// How many orders a running job has saved: as this node knows it, or as another has stored it.
    pub fn saved_count(&self, job: &BulkJob) -> usize {
        let own = lock(&self.own).as_ref().filter(|own| own.id == job.id).map_or(0, |own| own.saved.get());
        own.max(job.saved_count).min(job.order_count)
    }
}

/// Does the work of a job and stores how it ended; answers why that was not possible.
async fn run(
    storage: Storage,
    OwnJob { id, saved }: OwnJob,
    act: impl Fn(&mut dyn Tx) -> Result<JobOutcome> + Send + Sync + 'static,
) -> Option<String> {
    let done = storage.write(move |tx| {
        let outcome = act(&mut CountedTx::new(tx, "orders", saved.clone()))?;
        bulk_jobs::finish(tx, id, &outcome)
    });
    let error = done.await.err()?;
    tracing::error!(%error, "한꺼번에 바꾸는 작업을 끝내지 못했어요. 바뀐 것은 없어요");
    Some("데이터베이스에 저장하지 못했어요. 바뀐 것은 없어요. 다시 해 주세요.".to_owned())
}

/// Renews the lease for ever. On SQLite it waits for the job's transaction, as everybody who would take the lease does.
async fn renew(storage: &Storage, holder: i64) -> Infallible {
    loop {
        tokio::time::sleep(RENEWAL_INTERVAL).await;
        let renewed = storage.write(move |tx| lease::try_acquire(tx, LEASE, holder, LEASE_MS)).await;
        if let Err(error) = renewed {
            tracing::warn!(%error, "작업이 진행 중인 것을 저장하지 못했어요. 곧 다시 해요");
        }
    }
}

/// Stores for ever how many orders the job has saved. On SQLite it waits for the job's transaction.
async fn report(storage: &Storage, OwnJob { id, saved }: &OwnJob) -> Infallible {
    let (id, mut stored) = (*id, 0);
    loop {
        tokio::time::sleep(REPORT_INTERVAL).await;
        let count = saved.get();
        if count == stored {
            continue;
        }
        match storage.write(move |tx| bulk_jobs::set_saved(tx, id, count)).await {
            Ok(()) => stored = count,
            Err(error) => {
                tracing::warn!(%error, "한꺼번에 바꾸는 작업이 얼마나 됐는지 저장하지 못했어요. 작업은 계속돼요");
            }
        }
    }
}

/// The job that began last, on whichever node, and whether one runs, or ended with a crash moments ago.
pub fn newest(tx: &mut dyn Tx) -> Result<(Option<BulkJob>, bool)> {
    Ok((bulk_jobs::newest(tx)?, lease::is_held(tx, LEASE)?))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::storage::StorageOptions;
    use crate::storage::testing::ScratchDatabase;
    use crate::time::ManualClock;

    fn job(title: &str) -> NewBulkJob {
        NewBulkJob { member_id: MemberId::from_raw(1), title: title.to_owned(), order_count: 3 }
    }

    async fn wait_for_end(storage: &Storage) -> JobOutcome {
        for _ in 0..500 {
            let (job, is_under_way) = storage.read(newest).await.expect("reads");
            if let (Some(outcome), false) = (job.and_then(|job| job.outcome), is_under_way) {
                return outcome;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the job does not end");
    }

    #[tokio::test]
    async fn one_job_runs_at_a_time_and_every_node_reads_its_end() {
        let folder = ScratchDatabase::new();
        let options = StorageOptions { clock: Arc::new(ManualClock::at(Moment(9))), readers: 1 };
        let storage = folder.open(&options);
        let (other_node, jobs) = (storage.clone(), BulkJobs::default());
        let holder = storage.write(|tx| Ok::<_, StorageError>((tx.new_number(), bulk_jobs::insert(tx, &job("one"))?)));
        let (holder, id) = holder.await.expect("writes");
        storage.write(move |tx| lease::try_acquire(tx, LEASE, holder, LEASE_MS)).await.expect("writes");
        assert!(!jobs.start(&other_node, job("two"), |_| panic!("is not done")).await.expect("asks"));
        let (running, is_under_way) = other_node.read(newest).await.expect("reads");
        let running = running.expect("a job");
        assert!(is_under_way && running.outcome.is_none() && running.title == "one");

        let done = JobOutcome::Done("/orders".to_owned());
        let end = move |tx: &mut dyn Tx| {
            bulk_jobs::finish(tx, id, &JobOutcome::Done("/orders".to_owned()))?;
            bulk_jobs::finish(tx, id, &JobOutcome::Failed("too late".to_owned()))?;
            lease::release(tx, LEASE, holder)
        };
        storage.write(end).await.expect("writes");
        assert_eq!(wait_for_end(&other_node).await, done);
        assert!(jobs.start(&other_node, job("two"), |_| panic!("a bug")).await.expect("starts"));
        assert!(matches!(wait_for_end(&storage).await, JobOutcome::Failed(_)));
        let done = JobOutcome::Done("/orders?done=1".to_owned());
        let answer = done.clone();
        assert!(jobs.start(&storage, job("three"), move |_| Ok(answer.clone())).await.expect("starts"));
        assert_eq!(wait_for_end(&other_node).await, done);
    }

    #[tokio::test]
    async fn job_of_a_crashed_program_blocks_the_next_for_two_minutes() {
        let folder = ScratchDatabase::new();
        let clock = ManualClock::at(Moment(9));
        let storage = folder.open(&StorageOptions { clock: Arc::new(clock.clone()), readers: 1 });
        storage.write(|tx| lease::try_acquire(tx, LEASE, 1, LEASE_MS)).await.expect("writes");
        assert_eq!(storage.read(newest).await.expect("reads"), (None, true));
        clock.advance_ms(LEASE_MS);
        assert_eq!(storage.read(newest).await.expect("reads"), (None, false));
        let act = |_: &mut dyn Tx| Ok(JobOutcome::Done("/orders".to_owned()));
        assert!(BulkJobs::default().start(&storage, job("next"), act).await.expect("starts"));
    }

    #[tokio::test]
    async fn saved_orders_are_counted_before_the_job_ends() {
        let folder = ScratchDatabase::new();
        let options = StorageOptions { clock: Arc::new(ManualClock::at(Moment(9))), readers: 1 };
        let storage = folder.open(&options);
        let (jobs, other_node) = (BulkJobs::default(), BulkJobs::default());
        let (goes_on, waits) = std::sync::mpsc::channel::<()>();
        let waits = Mutex::new(waits);
        let act = move |tx: &mut dyn Tx| {
            let mut rows = (1_i64..=2).map(|id| vec![id.into(), 0_i64.into(), 1_i64.into()]);
            tx.update_many("orders", &["id", "version"], &["version"], &mut rows)?;
            lock(&waits).recv().expect("is told to go on");
            Ok(JobOutcome::Done("/orders".to_owned()))
        };
        assert!(jobs.start(&storage, job("counts"), act).await.expect("starts"));
        let running = |storage: Storage| async move { storage.read(newest).await.expect("reads").0.expect("a job") };
        while jobs.saved_count(&running(storage.clone()).await) < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        goes_on.send(()).expect("sends");
        wait_for_end(&storage).await;
        let store = |tx: &mut dyn Tx| bulk_jobs::newest(tx)?.map_or(Ok(()), |job| bulk_jobs::set_saved(tx, job.id, 3));
        storage.write(store).await.expect("writes");
        let stored = running(storage).await;
        assert_eq!((other_node.saved_count(&stored), stored.saved_count), (3, 3), "other nodes read what was stored");
    }
}

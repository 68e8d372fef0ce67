//! Files of many orders, made in the background: the page says how far they are and may be left. A finished file is kept with
//! its download, so that `/orders/files` sends it on whichever node. One member has one file in the making, and a node makes
//! one at a time.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::id::{FileJobId, MemberId};
use crate::orders::store::file_jobs;
use crate::storage::{Result, RowCount, Storage, StorageError, Tx};
use crate::time::Moment;

/// A file of more orders is made in the background. 100,000 orders take four to ten seconds.
const MAX_DIRECT_ORDERS: usize = 10_000;

/// URL of the page of the files.
pub const FILES_PATH: &str = "/orders/files";

/// Why a file is not begun, in Korean.
pub const BUSY_MESSAGE: &str = "만들고 있는 파일이 있어요. 끝난 다음 받아 주세요.";

/// Interval at which a program says how far it is.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// A job that said nothing for so long has lost its program.
const MAX_SILENCE_MS: i64 = 2 * 60 * 1000;

/// A file that is about to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFileJob {
    /// who fetches it
    pub member_id: MemberId,
    /// what it is, a Korean phrase
    pub title: String,
    /// number of its orders
    pub order_count: usize,
}

/// A file that is made in the background.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileJob {
    /// generated identifier
    pub id: FileJobId,
    /// what the file is, a Korean phrase
    pub title: String,
    /// number of its orders
    pub order_count: usize,
    /// when it was begun
    pub started_at: Moment,
    /// how far it is
    pub state: FileJobState,
}

/// How far a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileJobState {
    /// so many orders are in it
    UnderWay(usize),
    /// it can be fetched
    Ready {
        /// whether the member has fetched it before
        is_fetched: bool,
    },
    /// there is none; the Korean sentence says why
    Failed(String),
    /// the program stopped before its end
    Lost,
}

/// What makes the files.
#[derive(Clone, Debug)]
pub struct FileJobs {
    /// a file of more orders is made in the background
    pub max_direct_orders: usize,
    /// one file at a time
    turn: Arc<Semaphore>,
}

impl Default for FileJobs {
    fn default() -> Self {
        Self { max_direct_orders: MAX_DIRECT_ORDERS, turn: Arc::new(Semaphore::new(1)) }
    }
}

impl FileJobs {
    /// Begins a file; false if the member has one in the making. `make` counts its orders, and stores the file with
    /// [`file_jobs::finish`] or answers why there is none.
    ///
    /// # Errors
    /// The database failed.
    pub async fn start<W>(
        &self,
        storage: &Storage,
        job: NewFileJob,
        make: impl FnOnce(FileJobId, RowCount) -> W + Send + 'static,
    ) -> Result<bool>
    where
        W: Future<Output = Option<String>> + Send + 'static,
    {
        let begin = storage.write(move |tx| {
            let silent_since = tx.now().plus_ms(-MAX_SILENCE_MS);
            if file_jobs::has_unfinished(tx, job.member_id, silent_since)? {
                return Ok::<_, StorageError>(None);
            }
            Ok(Some(file_jobs::insert(tx, &job)?))
        });
        let Some(id) = begin.await? else { return Ok(false) };
        let (storage, turn, written) = (storage.clone(), Arc::clone(&self.turn), RowCount::default());
        tokio::spawn(async move {
            let count = written.clone();
            // A panic ends the inner task only.
            let work = tokio::spawn(async move {
                let _turn = turn.acquire().await;
                make(id, count).await
            });
            let failure = tokio::select! {
                ended = work => ended.unwrap_or_else(|error| {
                    tracing::error!(%error, "파일을 만들지 못했어요");
                    Some("프로그램의 잘못으로 만들지 못했어요.".to_owned())
                }),
                never = report(&storage, id, &written) => match never {},
            };
            let Some(reason) = failure else { return };
            if let Err(error) = storage.write(move |tx| file_jobs::fail(tx, id, &reason)).await {
                tracing::warn!(%error, "파일을 만들지 못한 것을 저장하지 못했어요");
            }
        });
        Ok(true)
    }

    /// Waits until every file that this program makes is done: before it ends.
    pub async fn idle(&self) {
        let _ = self.turn.acquire().await;
    }
}

/// Stores for ever how many orders are in the file, which also says that its program is at work.
async fn report(storage: &Storage, id: FileJobId, written: &RowCount) -> Infallible {
    loop {
        tokio::time::sleep(REPORT_INTERVAL).await;
        let count = written.get();
        if let Err(error) = storage.write(move |tx| file_jobs::set_written(tx, id, count)).await {
            tracing::warn!(%error, "파일을 얼마나 만들었는지 저장하지 못했어요. 작업은 계속돼요");
        }
    }
}

/// The files of a member, newest first.
///
/// # Errors
/// The database failed.
pub fn of_member(tx: &mut dyn Tx, member_id: MemberId) -> Result<Vec<FileJob>> {
    let silent_since = tx.now().plus_ms(-MAX_SILENCE_MS);
    file_jobs::of_member(tx, member_id, silent_since)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::StorageOptions;
    use crate::storage::testing::ScratchDatabase;
    use crate::time::ManualClock;

    fn job(member_id: MemberId) -> NewFileJob {
        NewFileJob { member_id, title: "발주서".to_owned(), order_count: 3 }
    }

    async fn files(storage: &Storage, member_id: MemberId) -> Vec<FileJobState> {
        let jobs = storage.read(move |tx| of_member(tx, member_id)).await.expect("reads");
        jobs.into_iter().map(|job| job.state).collect()
    }

    async fn ended(storage: &Storage, member_id: MemberId) -> FileJobState {
        for _ in 0..500 {
            match files(storage, member_id).await.into_iter().next() {
                Some(FileJobState::UnderWay(_)) => tokio::time::sleep(Duration::from_millis(10)).await,
                state => return state.expect("a job"),
            }
        }
        panic!("the job does not end");
    }

    #[tokio::test]
    async fn member_has_one_file_in_the_making_and_a_node_makes_one_at_a_time() {
        let folder = ScratchDatabase::new();
        let options = StorageOptions { clock: Arc::new(ManualClock::at(Moment(9))), readers: 1 };
        let (storage, jobs) = (folder.open(&options), FileJobs::default());
        let (go, goes) = tokio::sync::oneshot::channel::<()>();
        let make = move |_, _| async move {
            goes.await.expect("is told to go on");
            Some("첫 번째".to_owned())
        };
        assert!(jobs.start(&storage, job(MemberId::from_raw(1)), make).await.expect("starts"));
        assert!(!jobs.start(&storage, job(MemberId::from_raw(1)), |_, _| async { None }).await.expect("asks"));
        assert!(
            jobs.start(&storage, job(MemberId::from_raw(2)), |_, _| async { Some("두 번째".to_owned()) })
                .await
                .expect("starts")
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(files(&storage, MemberId::from_raw(2)).await, [FileJobState::UnderWay(0)], "the first is not done");
        go.send(()).expect("sends");
        assert_eq!(ended(&storage, MemberId::from_raw(1)).await, FileJobState::Failed("첫 번째".to_owned()));
        assert_eq!(ended(&storage, MemberId::from_raw(2)).await, FileJobState::Failed("두 번째".to_owned()));
        assert!(
            jobs.start(&storage, job(MemberId::from_raw(1)), |_, _| async { panic!("a bug") }).await.expect("starts")
        );
        assert!(
            matches!(ended(&storage, MemberId::from_raw(1)).await, FileJobState::Failed(reason) if reason.contains("잘못"))
        );
    }

    #[tokio::test]
    async fn file_whose_program_stopped_is_lost_after_two_minutes_and_begun_again() {
        let folder = ScratchDatabase::new();
        let clock = ManualClock::at(Moment(9));
        let storage = folder.open(&StorageOptions { clock: Arc::new(clock.clone()), readers: 1 });
        let begin = |tx: &mut dyn Tx| {
            file_jobs::insert(tx, &job(MemberId::from_raw(1))).and_then(|id| file_jobs::set_written(tx, id, 2))
        };
        storage.write(begin).await.expect("writes");
        assert_eq!(files(&storage, MemberId::from_raw(1)).await, [FileJobState::UnderWay(2)]);
        clock.advance_ms(MAX_SILENCE_MS + 1);
        assert_eq!(files(&storage, MemberId::from_raw(1)).await, [FileJobState::Lost]);
        assert!(
            FileJobs::default()
                .start(&storage, job(MemberId::from_raw(1)), |_, _| async { None })
                .await
                .expect("starts")
        );
    }
}

//! The background jobs of a running server.

use std::time::Duration;

use tokio::task::JoinSet;

use crate::access;
use crate::audit::downloads;
use crate::backup::MariaDbDump;
use crate::config::Database;
use crate::demo::Demo;
use crate::members;
use crate::orders;
use crate::privacy::{self, LawScope};
use crate::proofs::destroy::ProofRetention;
use crate::reconcile;
use crate::search::Limits;
use crate::search::store::compact_step;
use crate::server::tls::Tls;
use crate::sessions::{self, remember_me};
use crate::storage::{Storage, StorageError, lease};
use crate::time::Moment;
use crate::uploads;
use crate::web::{self, AppState};

/// How often expired rows are deleted.
const EXPIRY_INTERVAL: Duration = Duration::from_mins(10);

/// Duration of the lease; another node takes over after a node with the lease has crashed.
const LEASE_MS: i64 = 25 * 60 * 1000;

/// Name of the lease: only one of several nodes deletes expired rows.
const LEASE: &str = "sweep";

/// Timeout of releasing the lease at a shutdown. If it is not released, it expires.
const LEASE_RELEASE_TIMEOUT: Duration = Duration::from_secs(2);

/// Maximum number of original files of uploads that one run deletes, which limits the write transaction.
const MAX_FILES_PER_RUN: i64 = 100;

/// How often the access records are checked for a day to seal.
const ACCESS_INTERVAL: Duration = Duration::from_mins(1);

/// Milliseconds between verifications of all access records.
const VERIFICATION_INTERVAL_MS: i64 = 6 * 60 * 60 * 1000;

/// Milliseconds between deletions of access records past their retention.
const ACCESS_DELETION_INTERVAL_MS: i64 = 12 * 60 * 60 * 1000;

/// How often the metrics of the law are measured.
const LAW_INTERVAL: Duration = Duration::from_hours(1);

/// How often the search index is checked for segments to compact.
const COMPACTION_INTERVAL: Duration = Duration::from_secs(5);

/// Delay between two compaction steps, so that other writers are not starved.
const COMPACTION_STEP_DELAY: Duration = Duration::from_millis(20);

/// How often the reset schedule of a demo is checked.
const RESET_CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// How often the histograms of the metrics are drained.
const METRICS_UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Spawns all background jobs; they end with the set.
pub(super) fn spawn(state: &AppState, tls: Option<Tls>) -> JoinSet<()> {
    let mut jobs = JoinSet::new();
    jobs.spawn(delete_expired(state.clone()));
    jobs.spawn(keep_access_records(state.clone()));
    jobs.spawn(run_metrics_upkeep());
    let photos = ProofRetention { files: state.proofs.clone(), days: state.config.proof_keep_days };
    let scope = LawScope::of(&state.config, state.urls.is_public(), state.urls.is_insecure());
    jobs.spawn(privacy::job::run(state.storage.clone(), scope.keep, scope.seal, photos));
    if state.config.demo.is_none() {
        jobs.spawn(privacy::answered::run(state.storage.clone(), state.config.requests_file()));
    }
    jobs.spawn(measure_law(state.storage.clone(), scope));
    jobs.spawn(compact_search_index(state.storage.clone()));
    jobs.spawn(orders::classification::run(state.storage.clone(), state.districts.clone()));
    if let Some(demo) = state.demo.clone() {
        jobs.spawn(reset_demo(demo, state.clone()));
    }
    if let Some(backup) = state.backup.clone() {
        let every = state.config.backup.verify_every;
        let (copies, files) = (backup.clone(), state.proofs.clone());
        jobs.spawn(async move { copies.run_copies(files).await });
        jobs.spawn(async move { backup.run_scheduled_verification(every).await });
    }
    if matches!(state.config.database, Database::MariaDb(_)) {
        jobs.spawn(MariaDbDump::report_age(state.storage.clone()));
    }
    if let Some(tls) = tls {
        jobs.spawn(tls.run_reloader(state.storage.clock().clone()));
    }
    jobs
}

/// Aborts all jobs, and releases the lease so that another node can take over at once.
pub(super) async fn stop(mut jobs: JoinSet<()>, storage: &Storage) {
    jobs.shutdown().await;
    let node = storage.node();
    let released = storage.write(move |tx| lease::release(tx, LEASE, node));
    match tokio::time::timeout(LEASE_RELEASE_TIMEOUT, released).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "정리하던 일을 다른 서버에 넘기지 못했어요. 잠시 뒤에 이어받아요"),
        Err(_) => tracing::warn!("정리하던 일을 제때 넘기지 못했어요. 다른 서버가 잠시 뒤에 이어받아요"),
    }
}

/// Exports what 법 점검 measures.
async fn measure_law(storage: Storage, scope: LawScope) {
    let mut interval = tokio::time::interval(LAW_INTERVAL);
    loop {
        interval.tick().await;
        if let Err(error) = privacy::measures::export(&storage, scope).await {
            tracing::warn!(%error, "법 점검의 지표를 재지 못했어요. 곧 다시 해요");
        }
    }
}

/// Resets a demo shop when its schedule is due.
async fn reset_demo(demo: Demo, state: AppState) {
    let mut interval = tokio::time::interval(RESET_CHECK_INTERVAL);
    loop {
        interval.tick().await;
        match demo.reset_if_due(&state.storage, &state.passwords).await {
            Ok(false) => {}
            Ok(true) => {
                if let Err(error) = state.proofs.clear().await {
                    tracing::error!(%error, "교육용 가게의 사진을 지우지 못했어요");
                }
            }
            Err(error) => tracing::error!(%error, "교육용 가게를 처음 상태로 되돌리지 못했어요"),
        }
    }
}

/// Seals the access records of each day, verifies them, and deletes those past their retention.
async fn keep_access_records(state: AppState) {
    let (storage, configured) = (&state.storage, state.config.access_keep_years);
    let mut interval = tokio::time::interval(ACCESS_INTERVAL);
    let (mut next_deletion, mut next_verification) = (Moment(0), Moment(0));
    loop {
        interval.tick().await;
        match storage.write(access::seal).await {
            Ok(Some(seal)) => {
                tracing::info!(day = %seal.day, last = seal.last_sequence, digest = seal.digest, "하루의 접속기록을 잠갔어요");
            }
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "접속기록을 잠그지 못했어요"),
        }
        let now = storage.clock().now();
        if now >= next_verification {
            next_verification = now.plus_ms(VERIFICATION_INTERVAL_MS);
            if let Err(error) = verify_access_records(storage).await {
                tracing::error!(%error, "접속기록을 확인하지 못했어요");
            }
        }
        if now < next_deletion {
            continue;
        }
        next_deletion = now.plus_ms(ACCESS_DELETION_INTERVAL_MS);
        if let Err(error) = delete_expired_access_records(storage, configured).await {
            tracing::error!(%error, "보관 기간이 지난 접속기록을 지우지 못했어요");
        }
    }
}

async fn verify_access_records(storage: &Storage) -> Result<(), StorageError> {
    let report = storage.read_replica(|tx| access::verify(tx, &[])).await?;
    if let Some(fault) = report.faults.first() {
        tracing::error!(faults = report.faults.len(), first = fault.sentence(), "접속기록이 바뀌었어요");
    }
    storage
        .write(move |tx| {
            let seal = access::list::newest_seals(tx, 1)?.pop();
            privacy::store::breaches::open_for_faults(tx, &report, seal.as_ref())?;
            access::law::save_verification(tx, &report)
        })
        .await
}

async fn delete_expired_access_records(storage: &Storage, configured: u32) -> Result<(), StorageError> {
    let years = if configured < 2 {
        access::effective_years(configured, storage.read(access::count_data_subjects).await?)
    } else {
        configured
    };
    while storage.write(move |tx| access::delete_expired(tx, years)).await? {}
    Ok(())
}

async fn run_metrics_upkeep() {
    let mut interval = tokio::time::interval(METRICS_UPKEEP_INTERVAL);
    loop {
        interval.tick().await;
        web::metrics::run_upkeep();
    }
}

/// Deletes expired sessions, remember-me tokens, old sign-ins, and old files of uploads and downloads.
async fn delete_expired(state: AppState) {
    let retention_ms = i64::from(state.config.upload_keep_days) * 24 * 60 * 60 * 1000;
    let node = state.storage.node();
    let mut interval = tokio::time::interval(EXPIRY_INTERVAL);
    loop {
        interval.tick().await;
        let deleted = state.storage.write(move |tx| {
            if !lease::try_acquire(tx, LEASE, node, LEASE_MS)? {
                return Ok(0);
            }
            sessions::delete_expired(tx)?;
            remember_me::delete_expired(tx)?;
            members::delete_expired(tx)?;
            let before = tx.now().plus_ms(-downloads::FILE_RETENTION_MS);
            downloads::delete_old_files(tx, before)?;
            orders::store::file_jobs::delete_old(tx, before)?;
            let old = tx.now().plus_ms(-reconcile::RETENTION_MS);
            reconcile::store::delete_old(tx, old, MAX_FILES_PER_RUN)?;
            let before = tx.now().plus_ms(-retention_ms);
            uploads::store::delete_old_files(tx, before, MAX_FILES_PER_RUN)
        });
        if let Err(error) = deleted.await {
            tracing::error!(%error, "보관 기간이 지난 데이터를 지우지 못했어요");
        }
    }
}

/// Compacts the segments of the search index, one small step per transaction.
async fn compact_search_index(storage: Storage) {
    let mut interval = tokio::time::interval(COMPACTION_INTERVAL);
    loop {
        interval.tick().await;
        loop {
            match storage.write(|tx| compact_step(tx, &Limits::DEFAULT)).await {
                Ok(true) => tokio::time::sleep(COMPACTION_STEP_DELAY).await,
                Ok(false) => break,
                Err(error) => {
                    tracing::error!(%error, "검색 색인을 정리하지 못했어요");
                    break;
                }
            }
        }
    }
}

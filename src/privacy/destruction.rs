//! Destroys what is due, in short transactions.
//!
//! 1. Search terms of the due orders, wherever the index has them. Until its row is deleted, an order without terms is
//!    only not found.
//! 2. The orders in batches: rows of upload reports, plans, deliveries, files that they went into, then the orders. Each
//!    batch records the access, and its numbers in the certificate.
//! 3. Photographs of deliveries past their own retention, and of the deliveries of due orders before these.
//! 4. Tours of which no delivery is left.
//! 5. Reports of old uploads, search words and notes of old downloads, saved searches for a word, old entries of the audit
//!    log, old cases of leaks and demands of people.
//! 6. Remains in the pages of the file, every few days, and in the write-ahead log.
//!
//! Each step finds what is left when it is repeated.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::model::{DestroyedCounts, RetentionYears, first_kept_audit_day};
use super::store;
use super::store::due::{DueOrder, due};
use crate::access::{self, AccessAction, Accessor, NewAccess};
use crate::audit;
use crate::audit::downloads;
use crate::deliveries;
use crate::drive;
use crate::id::{DestructionId, OrderId, ProofId};
use crate::masking;
use crate::notices;
use crate::orders::store::deliveries::delete_empty;
use crate::orders::store::{destroy, member_lists};
use crate::plans;
use crate::proofs;
use crate::proofs::destroy::{DestroyError, ProofRetention};
use crate::proofs::store::ProofRow;
use crate::search::store as index;
use crate::sites;
use crate::storage::{Result, Storage, StorageError, Tx};
use crate::time::Moment;
use crate::uploads::store::destruction as uploads;

/// Orders of one round: bounds the memory of a large shop's first run.
const ROUND_ORDERS: i64 = 20_000;

/// Orders of one transaction.
const BATCH_ORDERS: usize = 200;

/// Rows or blocks of one transaction of the search index.
const BATCH_TERMS: usize = 500;

/// Uploads, downloads or entries of one transaction.
const BATCH_ROWS: i64 = 500;

/// Searches of the index for terms that a compaction has moved meanwhile.
const MAX_INDEX_PASSES: u32 = 10;

/// Page of the access records.
const PAGE: &str = "/privacy/destructions";

/// Destroys everything that is due, and answers what it was. Nothing is written when nothing is due.
///
/// # Errors
/// The database failed, or photographs of due orders could not be removed, which does not keep the rest from being
/// destroyed. The next call continues.
pub async fn destroy_due(storage: &Storage, keep: RetentionYears, photos: &ProofRetention) -> Result<DestroyedCounts> {
    let today = storage.clock().now().date();
    let day = keep.first_kept_day(today);
    let before = Moment::start_of(day);
    let photos = photos.clone();
    let mut total =
        Run { storage: storage.clone(), photos, certificate: None, day, counts: DestroyedCounts::default() };
    total.destroy_photos().await?;
    let is_complete = loop {
        let orders = storage.read_replica(move |tx| due(tx, before, keep, ROUND_ORDERS)).await?;
        if orders.is_empty() {
            break true;
        }
        if !total.destroy_orders(&orders).await? {
            break false;
        }
    };
    total.destroy_tours().await?;
    total.destroy_rest(before, Moment::start_of(first_kept_audit_day(today))).await?;
    if !is_complete {
        return Err(StorageError::Unavailable("the photographs of due orders could not be removed".to_owned()));
    }
    total.finish().await
}

/// A run, whose certificate is written with its first destruction.
struct Run {
    storage: Storage,
    photos: ProofRetention,
    certificate: Option<DestructionId>,
    day: chrono::NaiveDate,
    counts: DestroyedCounts,
}

impl Run {
    /// Runs a transaction that destroys something, and adds its numbers to the certificate.
    async fn write(
        &mut self,
        work: impl Fn(&mut dyn Tx) -> Result<DestroyedCounts> + Send + 'static,
    ) -> Result<DestroyedCounts> {
        let (known, day) = (self.certificate, self.day);
        let write = move |tx: &mut dyn Tx| {
            let destroyed = work(tx)?;
            if destroyed.is_empty() {
                return Ok((known, destroyed));
            }
            let id = match known {
                Some(id) => id,
                None => store::start(tx, day)?,
            };
            store::add(tx, id, &destroyed)?;
            Ok::<_, StorageError>((Some(id), destroyed))
        };
        let (certificate, destroyed) = self.storage.write(write).await?;
        self.certificate = certificate;
        self.counts = sum(self.counts, destroyed);
        Ok(destroyed)
    }

    /// Returns false if photographs could not be removed: their orders stay until the next run.
    async fn destroy_orders(&mut self, orders: &[DueOrder]) -> Result<bool> {
        let ids: Arc<BTreeSet<OrderId>> = Arc::new(orders.iter().map(|order| order.id).collect());
        self.destroy_terms(&ids).await?;
        let numbers: BTreeSet<String> = orders.iter().map(|order| order.order_number.clone()).collect();
        let rows = self.storage.read_replica(move |tx| uploads::rows_of_orders(tx, &numbers)).await?;
        for rows in rows.chunks(BATCH_TERMS) {
            let rows = rows.to_vec();
            self.write(move |tx| {
                Ok(DestroyedCounts { upload_rows: uploads::delete_rows(tx, &rows)?, ..DestroyedCounts::default() })
            })
            .await?;
        }
        for batch in orders.chunks(BATCH_ORDERS) {
            let ids: Vec<OrderId> = batch.iter().map(|order| order.id).collect();
            if !self.destroy_photos_of(&ids).await? {
                return Ok(false);
            }
            self.write(move |tx| destroy_batch(tx, &ids)).await?;
        }
        // An order that was changed since the first search has terms again.
        self.destroy_terms(&ids).await?;
        Ok(true)
    }

    /// Destroys the photographs whose own retention has ended. A store that cannot be reached keeps nothing else from being
    /// destroyed; the next run tries again.
    async fn destroy_photos(&mut self) -> Result<()> {
        loop {
            let rows = proofs::destroy::due(&self.storage, &self.photos).await?;
            if rows.is_empty() || !self.destroy_rows(rows).await? {
                return Ok(());
            }
        }
    }

    /// Destroys the photographs of the deliveries of these orders, which are older than any photograph is kept. Returns
    /// false if they could not be removed.
    async fn destroy_photos_of(&mut self, orders: &[OrderId]) -> Result<bool> {
        let orders = orders.to_vec();
        let find = move |tx: &mut dyn Tx| {
            let jobs = plans::store::jobs_of_orders(tx, &orders)?;
            proofs::store::live_of_jobs(tx, &jobs)
        };
        let rows = self.storage.read(find).await?;
        if rows.is_empty() { Ok(true) } else { self.destroy_rows(rows).await }
    }

    /// Whether the files of these photographs were removed.
    async fn destroy_rows(&mut self, rows: Vec<ProofRow>) -> Result<bool> {
        match proofs::destroy::remove_files(&self.storage, &self.photos.files, &rows).await {
            Ok(()) => {}
            Err(DestroyError::Storage(error)) => return Err(error),
            Err(error @ DestroyError::File(_)) => {
                tracing::error!(%error, "보관 기간이 지난 배송 증빙 사진을 지우지 못했어요");
                return Ok(false);
            }
        }
        let ids: Vec<ProofId> = rows.iter().map(|row| row.id).collect();
        self.write(move |tx| {
            let photos = proofs::store::mark_destroyed(tx, &ids)?;
            Ok(DestroyedCounts { photos, ..DestroyedCounts::default() })
        })
        .await?;
        Ok(true)
    }

    async fn destroy_terms(&mut self, documents: &Arc<BTreeSet<OrderId>>) -> Result<()> {
        for _ in 0..MAX_INDEX_PASSES {
            let searched = Arc::clone(documents);
            let found = self.storage.read(move |tx| index::find_terms(tx, &searched)).await?;
            if found.is_empty() {
                return Ok(());
            }
            for rows in found.rows.chunks(BATCH_TERMS) {
                let rows = rows.to_vec();
                self.write(move |tx| Ok(terms(index::remove_rows(tx, &rows)?))).await?;
            }
            for blocks in found.blocks.chunks(BATCH_TERMS) {
                let (blocks, documents) = (blocks.to_vec(), Arc::clone(documents));
                self.write(move |tx| {
                    let mut removed = 0;
                    for block in &blocks {
                        removed += index::remove_from_block(tx, block, &documents)?;
                    }
                    Ok(terms(removed))
                })
                .await?;
            }
        }
        Err(StorageError::Unavailable("the search index was compacted during its destruction".to_owned()))
    }

    /// Tours of which no delivery is left, with what was counted at their end and the keys of their phones.
    async fn destroy_tours(&self) -> Result<()> {
        let day = self.day;
        while self.storage.write(move |tx| drive::store::delete_old_tours(tx, day, BATCH_ROWS)).await? > 0 {}
        Ok(())
    }

    async fn destroy_rest(&mut self, before: Moment, before_audit: Moment) -> Result<()> {
        let uploads = move |tx: &mut dyn Tx| {
            let (uploads, upload_rows) = uploads::destroy_old(tx, before, BATCH_ROWS)?;
            Ok(DestroyedCounts { uploads, upload_rows, ..DestroyedCounts::default() })
        };
        while !self.write(uploads).await?.is_empty() {}
        self.storage.write(move |tx| sites::store::delete_unused(tx, before)).await?;
        self.storage.write(sites::store::delete_old_codes).await?;
        self.storage.write(move |tx| member_lists::delete_old_searches(tx, before_audit)).await?;
        let notes = move |tx: &mut dyn Tx| {
            let download_notes = downloads::overwrite_notes(tx, before_audit, BATCH_ROWS)?;
            Ok(DestroyedCounts { download_notes, ..DestroyedCounts::default() })
        };
        while !self.write(notes).await?.is_empty() {}
        let entries = move |tx: &mut dyn Tx| {
            let log_entries = audit::delete_old(tx, before_audit, BATCH_ROWS)?;
            Ok(DestroyedCounts { log_entries, ..DestroyedCounts::default() })
        };
        while !self.write(entries).await?.is_empty() {}
        let cases = move |tx: &mut dyn Tx| {
            let log_entries =
                store::breaches::delete_old(tx, before_audit)? + store::requests::delete_old(tx, before_audit)?;
            Ok(DestroyedCounts { log_entries, ..DestroyedCounts::default() })
        };
        while !self.write(cases).await?.is_empty() {}
        Ok(())
    }

    async fn finish(self) -> Result<DestroyedCounts> {
        let certificate = self.certificate;
        let is_compaction_due = self
            .storage
            .write(move |tx| {
                store::save_check(tx)?;
                if let Some(id) = certificate {
                    store::finish(tx, id)?;
                }
                store::is_compaction_due(tx)
            })
            .await?;
        if is_compaction_due {
            let at = self.storage.clock().now();
            self.storage.compact().await?;
            self.storage.write(move |tx| store::save_compaction(tx, at)).await?;
        }
        if (certificate.is_some() || is_compaction_due) && !self.storage.erase_log().await? {
            tracing::warn!("파기한 것의 흔적을 아직 다 지우지 못했어요. 오래 걸리는 조회가 끝나면 지워요");
        }
        Ok(self.counts)
    }
}

const fn terms(search_terms: u64) -> DestroyedCounts {
    DestroyedCounts {
        search_terms,
        orders: 0,
        deliveries: 0,
        log_entries: 0,
        uploads: 0,
        upload_rows: 0,
        download_notes: 0,
        photos: 0,
    }
}

const fn sum(one: DestroyedCounts, other: DestroyedCounts) -> DestroyedCounts {
    DestroyedCounts {
        orders: one.orders + other.orders,
        deliveries: one.deliveries + other.deliveries,
        log_entries: one.log_entries + other.log_entries,
        search_terms: one.search_terms + other.search_terms,
        uploads: one.uploads + other.uploads,
        upload_rows: one.upload_rows + other.upload_rows,
        download_notes: one.download_notes + other.download_notes,
        photos: one.photos + other.photos,
    }
}

/// Destroys orders, and the deliveries that have no other order.
fn destroy_batch(tx: &mut dyn Tx, ids: &[OrderId]) -> Result<DestroyedCounts> {
    downloads::delete_orders(tx, ids)?;
    store::answered::delete_of(tx, ids)?;
    drive::store::delete_loads_of(tx, ids)?;
    plans::store::delete_job_orders_of(tx, ids)?;
    let destroyed = destroy(tx, ids)?;
    drive::store::delete_reports_of(tx, &destroyed.emptied)?;
    notices::store::delete_of(tx, &destroyed.emptied)?;
    plans::store::delete_jobs_of(tx, &destroyed.emptied)?;
    plans::store::promises::delete_of(tx, &destroyed.emptied)?;
    masking::store::delete_restrictions_of(tx, &destroyed.emptied)?;
    let delivery_events = deliveries::log::delete_of(tx, &destroyed.emptied)?;
    delete_empty(tx, &destroyed.emptied)?;
    let counts = DestroyedCounts {
        orders: destroyed.orders.len() as u64,
        deliveries: destroyed.emptied.len() as u64,
        log_entries: destroyed.events + delivery_events,
        ..DestroyedCounts::default()
    };
    if !destroyed.orders.is_empty() {
        let (accessor, action) = (Accessor::Program, AccessAction::Deleted);
        let orders = destroyed.orders.into_iter().collect();
        access::record(tx, NewAccess { accessor, action, page: PAGE.to_owned(), query: String::new(), orders })?;
    }
    Ok(counts)
}

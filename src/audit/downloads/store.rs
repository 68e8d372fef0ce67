//! SQL of the log of downloads.

use std::collections::{HashMap, HashSet};
use std::io::{self, Read};

use super::{DownloadRecord, DownloadRow, MAX_NOTE_CHARS, OrderFile, Purpose, SentTo};
use crate::id::{DownloadId, MemberId, OrderId};
use crate::storage::{Result, Row, StorageError, Tx};
use crate::time::Moment;

/// Logs a download and returns its identifier. `member_id` is `None` on the command line.
pub fn record(tx: &mut dyn Tx, member_id: Option<MemberId>, download: &DownloadRecord<'_>) -> Result<DownloadId> {
    let (id, now) = (tx.new_id::<DownloadId>(), tx.now());
    let note: String = download.note.chars().take(MAX_NOTE_CHARS).collect();
    tx.exec(
        "INSERT INTO downloads (id, downloaded_at, member_id, content, source, row_count, purpose, note, digest) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &[
            id.into(),
            now.into(),
            member_id.into(),
            download.content.into(),
            download.source.into(),
            i64::try_from(download.rows).unwrap_or(i64::MAX).into(),
            download.purpose.map(Purpose::code).into(),
            note.into(),
            download.digest.into(),
        ],
    )?;
    Ok(id)
}

/// Bytes in one row; MariaDB limits the size of a packet.
const CHUNK_BYTES: usize = 1024 * 1024;

/// Largest file that is kept.
const MAX_KEPT_BYTES: usize = 32 * 1024 * 1024;

/// A file whose orders are sent to someone.
#[derive(Clone, Copy, Debug)]
pub struct NewFile<'a> {
    /// name for display
    pub name: &'a str,
    /// the content
    pub bytes: &'a [u8],
    /// to whom it goes
    pub sent_to: SentTo,
    /// identifiers of its orders
    pub order_ids: &'a [OrderId],
}

/// A file that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptFile {
    /// name for display
    pub name: String,
    /// in bytes
    pub size: i64,
    /// smallest and largest identifier of its orders; none where each is remembered
    pub range: Option<(OrderId, OrderId)>,
}

/// Remembers which orders the file of a download has, and keeps the file for [`FILE_RETENTION_MS`](super::FILE_RETENTION_MS) unless it is very
/// large.
pub fn record_file(tx: &mut dyn Tx, download_id: DownloadId, file: NewFile<'_>) -> Result<()> {
    record_orders(tx, download_id, file.sent_to, file.order_ids)?;
    if file.bytes.len() > MAX_KEPT_BYTES {
        return Ok(());
    }
    insert_file(tx, download_id, file.name, None)?;
    for (position, bytes) in (0_i64..).zip(file.bytes.chunks(CHUNK_BYTES)) {
        insert_chunk(tx, download_id, position, bytes)?;
    }
    Ok(())
}

/// Remembers which orders the file of a download has.
pub fn record_orders(tx: &mut dyn Tx, download_id: DownloadId, sent_to: SentTo, ids: &[OrderId]) -> Result<()> {
    let code = sent_to.code();
    let mut rows = ids.iter().map(|id| vec![(*id).into(), code.into(), download_id.into()]);
    let sql = "INSERT INTO download_orders (order_id, sent_to, download_id) VALUES (?, ?, ?)";
    tx.exec_many(sql, &mut rows)
}

/// Keeps the file of a download, however large it is, for [`FILE_RETENTION_MS`](super::FILE_RETENTION_MS). `range` is the smallest and the
/// largest identifier of its orders.
///
/// # Errors
/// The database failed, or `content` could not be read.
pub fn keep_file<E>(
    tx: &mut dyn Tx,
    download_id: DownloadId,
    (name, range): (&str, Option<(OrderId, OrderId)>),
    mut content: impl Read,
) -> Result<(), E>
where
    E: From<StorageError> + From<io::Error>,
{
    insert_file(tx, download_id, name, range)?;
    let mut chunk = Vec::with_capacity(CHUNK_BYTES);
    for position in 0_i64.. {
        chunk.clear();
        content.by_ref().take(CHUNK_BYTES as u64).read_to_end(&mut chunk)?;
        if chunk.is_empty() {
            break;
        }
        insert_chunk(tx, download_id, position, &chunk)?;
    }
    Ok(())
}

fn insert_file(tx: &mut dyn Tx, download_id: DownloadId, name: &str, range: Option<(OrderId, OrderId)>) -> Result<()> {
    let name: String = name.chars().take(255).collect();
    let (first, last) = range.unzip();
    let sql = "INSERT INTO download_files (download_id, file_name, first_order_id, last_order_id) VALUES (?, ?, ?, ?)";
    tx.exec(sql, &[download_id.into(), name.into(), first.into(), last.into()]).map(drop)
}

fn insert_chunk(tx: &mut dyn Tx, download_id: DownloadId, position: i64, bytes: &[u8]) -> Result<()> {
    let sql = "INSERT INTO download_chunks (download_id, position, bytes) VALUES (?, ?, ?)";
    tx.exec(sql, &[download_id.into(), position.into(), bytes.into()]).map(drop)
}

/// Those of the orders that went to `sent_to` in an earlier file.
pub fn orders_in_files(tx: &mut dyn Tx, sent_to: SentTo, ids: &[OrderId]) -> Result<HashSet<OrderId>> {
    let (Some(first), Some(last)) = (ids.iter().min(), ids.iter().max()) else { return Ok(HashSet::new()) };
    let asked: HashSet<OrderId> = ids.iter().copied().collect();
    let mut sent = HashSet::new();
    let sql = "SELECT order_id FROM download_orders WHERE order_id BETWEEN ? AND ? AND sent_to = ?";
    tx.for_each(sql, &[(*first).into(), (*last).into(), sent_to.code().into()], &mut |row| {
        let id = row.id(0)?;
        if asked.contains(&id) {
            sent.insert(id);
        }
        Ok(())
    })?;
    Ok(sent)
}

/// The newest download of each of the orders for `sent_to`, by order.
pub fn newest_files(tx: &mut dyn Tx, sent_to: SentTo, ids: &[OrderId]) -> Result<HashMap<OrderId, DownloadId>> {
    let mut newest = HashMap::new();
    let sql = |ids: &str| {
        format!(
            "SELECT order_id, max(download_id) FROM download_orders WHERE sent_to = ? AND order_id IN ({ids}) \
             GROUP BY order_id"
        )
    };
    tx.for_ids(ids, &[sent_to.code().into()], sql, &mut |row| {
        newest.insert(row.id(0)?, row.id(1)?);
        Ok(())
    })?;
    Ok(newest)
}

/// The files that an order is in, newest first.
pub fn files_of_order(tx: &mut dyn Tx, order_id: OrderId) -> Result<Vec<OrderFile>> {
    let sql = "SELECT d.id, d.downloaded_at, m.username, o.sent_to, f.file_name FROM download_orders o \
               JOIN downloads d ON d.id = o.download_id LEFT JOIN members m ON m.id = d.member_id \
               LEFT JOIN download_files f ON f.download_id = d.id WHERE o.order_id = ? ORDER BY d.id DESC";
    let rows = tx.query(sql, &[order_id.into()])?;
    let files = rows.into_iter().map(|mut row| {
        Ok(OrderFile {
            download_id: row.id(0)?,
            at: row.moment(1)?,
            username: row.opt_text(2)?,
            sent_to: row.code(3, "download_orders.sent_to")?,
            file_name: row.opt_text(4)?,
        })
    });
    files.collect()
}

/// The orders in the file of a download.
pub fn orders_of(tx: &mut dyn Tx, download_id: DownloadId) -> Result<Vec<OrderId>> {
    let sql = "SELECT order_id FROM download_orders WHERE download_id = ?";
    tx.query(sql, &[download_id.into()])?.iter().map(|row| row.id(0)).collect()
}

/// The file of a download; none if it is not kept.
pub fn file(tx: &mut dyn Tx, download_id: DownloadId) -> Result<Option<KeptFile>> {
    let sql = "SELECT file_name, first_order_id, last_order_id FROM download_files WHERE download_id = ?";
    let Some(mut row) = tx.query_one(sql, &[download_id.into()])? else { return Ok(None) };
    let sql = "SELECT coalesce(sum(length(bytes)), 0) FROM download_chunks WHERE download_id = ?";
    let size = tx.scalar(sql, &[download_id.into()])?;
    Ok(Some(KeptFile { name: row.text(0)?, size, range: row.opt_id(1)?.zip(row.opt_id(2)?) }))
}

/// A part of the file of a download, from 0; none behind its end.
pub fn file_chunk(tx: &mut dyn Tx, download_id: DownloadId, position: i64) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT bytes FROM download_chunks WHERE download_id = ? AND position = ?";
    let row = tx.query_one(sql, &[download_id.into(), position.into()])?;
    row.map(|mut row| Ok(row.opt_blob(0)?.unwrap_or_default())).transpose()
}

/// Deletes files that were downloaded before `before`.
pub fn delete_old_files(tx: &mut dyn Tx, before: Moment) -> Result<()> {
    let sql = "SELECT f.download_id FROM download_files f JOIN downloads d ON d.id = f.download_id \
               WHERE d.downloaded_at < ?";
    for row in tx.query(sql, &[before.into()])? {
        let id = row.int(0)?;
        tx.exec("DELETE FROM download_chunks WHERE download_id = ?", &[id.into()])?;
        tx.exec("DELETE FROM download_files WHERE download_id = ?", &[id.into()])?;
    }
    Ok(())
}

/// Deletes which file these orders went into; the orders are destroyed.
pub fn delete_orders(tx: &mut dyn Tx, orders: &[OrderId]) -> Result<()> {
    tx.delete_ids("download_orders", "order_id", orders).map(drop)
}

/// Overwrites search words and notes of downloads before `before`, of at most `limit`; answers how many.
pub fn overwrite_notes(tx: &mut dyn Tx, before: Moment, limit: i64) -> Result<u64> {
    let sql = "SELECT id FROM downloads WHERE downloaded_at < ? AND (source <> '' OR note <> '') ORDER BY id LIMIT ?";
    let old = tx.query(sql, &[before.into(), limit.into()])?;
    for row in &old {
        tx.exec("UPDATE downloads SET source = '', note = '' WHERE id = ?", &[row.int(0)?.into()])?;
    }
    Ok(old.len() as u64)
}

const ROW: &str = "SELECT d.id, f.file_name, d.downloaded_at, m.username, d.content, d.source, d.row_count, d.purpose, \
                   d.note, d.digest FROM downloads d LEFT JOIN members m ON m.id = d.member_id \
                   LEFT JOIN download_files f ON f.download_id = d.id";

fn download_row(mut row: Row) -> Result<DownloadRow> {
    Ok(DownloadRow {
        id: row.id(0)?,
        file_name: row.opt_text(1)?,
        at: row.moment(2)?,
        username: row.opt_text(3)?,
        content: row.text(4)?,
        source: row.text(5)?,
        rows: row.int(6)?,
        purpose: row.opt_code(7, "downloads.purpose")?,
        note: row.text(8)?,
        digest: row.opt_text(9)?,
    })
}

/// The download with this identifier.
pub fn by_id(tx: &mut dyn Tx, id: DownloadId) -> Result<Option<DownloadRow>> {
    tx.query_one(&format!("{ROW} WHERE d.id = ?"), &[id.into()])?.map(download_row).transpose()
}

/// The downloads of documents with this SHA-256, oldest first: one, unless the same document was made twice in a second.
pub fn of_digest(tx: &mut dyn Tx, digest: &str) -> Result<Vec<DownloadRow>> {
    let rows = tx.query(&format!("{ROW} WHERE d.digest = ? ORDER BY d.id"), &[digest.into()])?;
    rows.into_iter().map(download_row).collect()
}

/// A page of the log, newest first, and the number of all rows.
pub fn page(tx: &mut dyn Tx, offset: i64, size: i64) -> Result<(Vec<DownloadRow>, i64)> {
    let total = tx.scalar("SELECT count(*) FROM downloads", &[])?;
    let sql = format!("{ROW} ORDER BY d.id DESC LIMIT ? OFFSET ?");
    let rows = tx.query(&sql, &[size.into(), offset.into()])?;
    Ok((rows.into_iter().map(download_row).collect::<Result<_>>()?, total))
}

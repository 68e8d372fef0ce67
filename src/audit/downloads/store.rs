//! SQL of the log of downloads.

use super::{DownloadRecord, DownloadRow, MAX_NOTE_CHARS, Purpose};
use crate::storage::{Result, Tx};

/// Logs a download. `member_id` is `None` on the command line.
pub fn record(tx: &mut dyn Tx, member_id: Option<i64>, download: &DownloadRecord<'_>) -> Result<()> {
    let (id, now) = (tx.new_id(), tx.now());
    let note: String = download.note.chars().take(MAX_NOTE_CHARS).collect();
    tx.exec(
        "INSERT INTO downloads (id, downloaded_at, member_id, content, source, row_count, purpose, note) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        &[
            id.into(),
            now.into(),
            member_id.into(),
            download.content.into(),
            download.source.into(),
            i64::try_from(download.rows).unwrap_or(i64::MAX).into(),
            download.purpose.map(Purpose::code).into(),
            note.into(),
        ],
    )
    .map(drop)
}

/// A page of the log, newest first, and the number of all rows.
pub fn page(tx: &mut dyn Tx, offset: i64, size: i64) -> Result<(Vec<DownloadRow>, i64)> {
    let total = tx.scalar("SELECT count(*) FROM downloads", &[])?;
    let sql = "SELECT d.downloaded_at, m.username, d.content, d.source, d.row_count, d.purpose, d.note FROM downloads d \
               LEFT JOIN members m ON m.id = d.member_id ORDER BY d.id DESC LIMIT ? OFFSET ?";
    let rows = tx.query(sql, &[size.into(), offset.into()])?;
    let downloads = rows.into_iter().map(|mut row| {
        Ok(DownloadRow {
            at: row.moment(0)?,
            username: row.opt_text(1)?,
            content: row.text(2)?,
            source: row.text(3)?,
            rows: row.int(4)?,
            purpose: row.opt_text(5)?.and_then(|code| Purpose::parse(&code)),
            note: row.text(6)?,
        })
    });
    Ok((downloads.collect::<Result<_>>()?, total))
}

//! Destruction of what uploads have of buyers: the rows of destroyed orders, and whole reports past their retention.

use std::collections::BTreeSet;

use crate::id::UploadId;
use crate::storage::{Result, StorageError, Tx};
use crate::time::Moment;

/// File name of an upload whose report is destroyed. That it is shows `file_sha256`, which is null then.
const DESTROYED_NAME: &str = "파기한 파일";

/// Key of a row of a report: upload and position.
pub type RowKey = (UploadId, i64);

/// The rows of reports about orders with these numbers. Reads all rows.
pub fn rows_of_orders(tx: &mut dyn Tx, numbers: &BTreeSet<String>) -> Result<Vec<RowKey>> {
    let mut found = Vec::new();
    tx.for_each("SELECT upload_id, position, order_number FROM upload_rows", &[], &mut |mut row| {
        if numbers.contains(&row.text(2)?) {
            found.push((row.id(0)?, row.int(1)?));
        }
        Ok(())
    })?;
    Ok(found)
}

/// Deletes rows of reports, and takes open ones off the count of their upload. Answers how many.
pub fn delete_rows(tx: &mut dyn Tx, rows: &[RowKey]) -> Result<u64> {
    let mut deleted = 0;
    for (upload_id, position) in rows {
        let sql = "DELETE FROM upload_rows WHERE upload_id = ? AND position = ?";
        deleted += tx.exec(sql, &[(*upload_id).into(), (*position).into()])?;
    }
    let uploads: BTreeSet<UploadId> = rows.iter().map(|(upload_id, _)| *upload_id).collect();
    for upload_id in uploads {
        let sql = "SELECT count(*) FROM upload_rows WHERE upload_id = ? AND open_order IS NOT NULL";
        let open = tx.scalar(sql, &[upload_id.into()])?;
        tx.exec("UPDATE uploads SET open_rows = ? WHERE id = ?", &[open.into(), upload_id.into()])?;
    }
    Ok(deleted)
}

/// Takes personal data out of rows of reports: the name of the recipient, the values of what was noted, changed and held.
/// What happened to the row remains.
pub fn empty_rows(tx: &mut dyn Tx, rows: &[RowKey]) -> Result<()> {
    for (upload_id, position) in rows {
        let sql = "SELECT reasons FROM upload_rows WHERE upload_id = ? AND position = ?";
        let Some(mut row) = tx.query_one(sql, &[(*upload_id).into(), (*position).into()])? else { continue };
        let mut reasons: Vec<serde_json::Map<String, serde_json::Value>> = row.json(0, "upload_rows.reasons")?;
        for reason in &mut reasons {
            reason.insert("value".to_owned(), "".into());
        }
        let reasons = serde_json::to_string(&reasons).map_err(|error| StorageError::Inconsistent(error.to_string()))?;
        tx.exec(
            "UPDATE upload_rows SET recipient = '', reasons = ?, changes = '[]', conflicts = '[]' \
             WHERE upload_id = ? AND position = ?",
            &[reasons.into(), (*upload_id).into(), (*position).into()],
        )?;
    }
    Ok(())
}

/// Number of uploads before `before` whose report has not been destroyed.
pub fn count_old(tx: &mut dyn Tx, before: Moment) -> Result<i64> {
    tx.scalar("SELECT count(*) FROM uploads WHERE created_at < ? AND file_sha256 IS NOT NULL", &[before.into()])
}

/// Destroys the original and the report of uploads before `before`, of at most `limit`; that there was an upload, and its
/// counts, remain. Answers the number of uploads and of rows.
pub fn destroy_old(tx: &mut dyn Tx, before: Moment, limit: i64) -> Result<(u64, u64)> {
    let sql = "SELECT id FROM uploads WHERE created_at < ? AND file_sha256 IS NOT NULL ORDER BY id LIMIT ?";
    let old = tx.query(sql, &[before.into(), limit.into()])?;
    let ids: Vec<UploadId> = old.iter().map(|row| row.id(0)).collect::<Result<_>>()?;
    tx.delete_ids("upload_chunks", "upload_id", &ids)?;
    let rows = tx.delete_ids("upload_rows", "upload_id", &ids)?;
    for id in &ids {
        tx.exec(
            "UPDATE uploads SET file_name = ?, file_sha256 = NULL, file_kept = 0, sealed_password = NULL, refusal = '', \
             findings = '', changes = '{}', open_rows = 0, version = version + 1 WHERE id = ?",
            &[DESTROYED_NAME.into(), (*id).into()],
        )?;
    }
    Ok((ids.len() as u64, rows))
}

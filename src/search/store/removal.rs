//! Removal of documents: their terms are deleted from the rows and from the blocks, where a tombstone would keep them.

use std::collections::BTreeSet;

use crate::id::OrderId;
use crate::search::postings::{BlockWriter, PostingReader};
use crate::storage::{Param, Result, Tx};

/// Where the terms of some documents are.
#[derive(Debug, Default)]
pub struct TermLocations {
    /// rows of `search_postings`: term and document
    pub rows: Vec<(String, i64)>,
    /// blocks of segments
    pub blocks: Vec<BlockKey>,
}

impl TermLocations {
    /// Whether the index has no term of the documents.
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.blocks.is_empty()
    }
}

/// Key of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockKey {
    segment_id: i64,
    last_term: String,
    position: i64,
}

/// Reads the whole index for the terms of these documents.
///
/// # Errors
/// A [`StorageError`](crate::storage::StorageError) of the engine, or of a corrupt block.
pub fn find_terms(tx: &mut dyn Tx, documents: &BTreeSet<OrderId>) -> Result<TermLocations> {
    let mut found = TermLocations::default();
    tx.for_each("SELECT document_id, term FROM search_postings", &[], &mut |mut row| {
        if documents.contains(&row.id(0)?) {
            found.rows.push((row.text(1)?, row.int(0)?));
        }
        Ok(())
    })?;
    tx.for_each("SELECT segment_id, last_term, position, bytes FROM search_blocks", &[], &mut |mut row| {
        let bytes = row.opt_blob(3)?.unwrap_or_default();
        let mut entries = PostingReader::of_block(&bytes)?;
        while let Some(entry) = entries.read()? {
            if documents.contains(&OrderId::from_raw(entry.document_id)) {
                let (segment_id, position) = (row.int(0)?, row.int(2)?);
                found.blocks.push(BlockKey { segment_id, last_term: row.text(1)?, position });
                break;
            }
        }
        Ok(())
    })?;
    Ok(found)
}

/// Deletes rows; answers how many.
pub fn remove_rows(tx: &mut dyn Tx, rows: &[(String, i64)]) -> Result<u64> {
    let mut removed = 0;
    for (term, document_id) in rows {
        let sql = "DELETE FROM search_postings WHERE term = ? AND document_id = ?";
        removed += tx.exec(sql, &[term.as_str().into(), (*document_id).into()])?;
    }
    Ok(removed)
}

/// Writes a block again without these documents; answers how many postings it lost. A block that a compaction has moved
/// meanwhile is left: the caller searches the index again.
pub fn remove_from_block(tx: &mut dyn Tx, key: &BlockKey, documents: &BTreeSet<OrderId>) -> Result<u64> {
    const BLOCK: &str = "FROM search_blocks WHERE segment_id = ? AND last_term = ? AND position = ?";
    let params: [Param<'_>; 3] = [key.segment_id.into(), key.last_term.as_str().into(), key.position.into()];
    let Some(mut row) = tx.query_one(&format!("SELECT bytes {BLOCK}"), &params)? else { return Ok(0) };
    let bytes = row.opt_blob(0)?.unwrap_or_default();
    let (mut rest, mut removed) = (BlockWriter::single_block(), 0);
    let mut entries = PostingReader::of_block(&bytes)?;
    while let Some(entry) = entries.read()? {
        if documents.contains(&OrderId::from_raw(entry.document_id)) {
            removed += 1;
        } else {
            rest.push(entry);
        }
    }
    if removed == 0 {
        return Ok(0);
    }
    tx.exec(&format!("DELETE {BLOCK}"), &params)?;
    // The last term may be of a removed document alone.
    for block in rest.finish() {
        let sql = "INSERT INTO search_blocks (segment_id, last_term, position, bytes) VALUES (?, ?, ?, ?)";
        let bytes = Param::Blob(block.bytes.into());
        tx.exec(sql, &[key.segment_id.into(), block.last_term.into(), key.position.into(), bytes])?;
    }
    Ok(removed)
}

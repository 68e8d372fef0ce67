//! Size-tiered compaction of the segments.

use std::collections::BTreeMap;

use super::insert_blocks;
use crate::search::Limits;
use crate::search::postings::{BlockWriter, PostingReader, PostingsBlock};
use crate::search::tokenizer::Postings;
use crate::storage::{Param, Result, Row, Tx};

/// Performs one step of size-tiered compaction; returns whether more work remains. Each step moves the smallest
/// terms of the input segments to the output segment in one transaction, so a crash leaves every term in
/// exactly one segment.
///
/// # Errors
/// A [`StorageError`](crate::storage::StorageError) of the engine, or of a corrupt block.
pub fn compact_step(tx: &mut dyn Tx, limits: &Limits) -> Result<bool> {
    let segments = tx.query("SELECT id, size, merges_into FROM search_segments ORDER BY id", &[])?;
    let merging = segments.iter().find_map(|row| row.opt_int(2).transpose()).transpose()?;
    let Some(target) = merging else { return start_compaction(tx, &segments, limits) };
    let mut sources = Vec::new();
    let mut end: Option<Place> = None;
    for row in &segments {
        if row.opt_int(2)? == Some(target) {
            let source = MergeCursor::of(tx, row.int(0)?, limits)?;
            end = [end, source.end(limits)?].into_iter().flatten().min();
            sources.push(source);
        }
    }
    let mut smallest = Postings::default();
    for source in sources {
        source.take(tx, end.as_ref(), &mut smallest)?;
    }
    let sql = "SELECT position FROM search_blocks WHERE segment_id = ? ORDER BY last_term DESC, position DESC LIMIT 1";
    let last = tx.query_one(sql, &[target.into()])?.map_or(Ok(0), |row| row.int(0))?;
    insert_blocks(tx, target, last + 1, smallest.to_blocks(limits))?;
    if end.is_none() {
        tx.exec("DELETE FROM search_segments WHERE merges_into = ?", &[target.into()])?;
    }
    Ok(true)
}

/// Starts to compact the oldest segments of the smallest size tier that has enough. Sizes of tiers differ by a
/// factor of four.
fn start_compaction(tx: &mut dyn Tx, segments: &[Row], limits: &Limits) -> Result<bool> {
    let mut by_size: BTreeMap<u32, Vec<(i64, i64)>> = BTreeMap::new();
    for row in segments {
        let (id, size) = (row.int(0)?, row.int(1)?);
        by_size.entry(size.max(1).ilog2() / 2).or_default().push((id, size));
    }
    let Some(chosen) = by_size.values().find_map(|segments| segments.get(..limits.segments_per_compaction)) else {
        return Ok(false);
    };
    let target = tx.new_number();
    let size: i64 = chosen.iter().map(|(_, size)| size).sum();
    tx.exec("INSERT INTO search_segments (id, size) VALUES (?, ?)", &[target.into(), size.into()])?;
    for (id, _) in chosen {
        tx.exec("UPDATE search_segments SET merges_into = ? WHERE id = ?", &[target.into(), (*id).into()])?;
    }
    Ok(true)
}

/// Place of a posting in a segment: term and document.
type Place = (String, i64);

/// First blocks of a segment that is being compacted.
struct MergeCursor {
    segment_id: i64,
    blocks: Vec<StoredBlock>,
}

struct StoredBlock {
    last_term: String,
    position: i64,
    bytes: Vec<u8>,
}

impl MergeCursor {
    fn of(tx: &mut dyn Tx, segment_id: i64, limits: &Limits) -> Result<Self> {
        let sql = "SELECT last_term, position, bytes FROM search_blocks WHERE segment_id = ? ORDER BY last_term, position LIMIT ?";
        let limit = i64::try_from(limits.blocks_per_step).unwrap_or(i64::MAX);
        let rows = tx.query(sql, &[segment_id.into(), limit.into()])?.into_iter();
        let blocks = rows.map(|mut row| {
            let bytes = row.opt_blob(2)?.unwrap_or_default();
            Ok(StoredBlock { last_term: row.text(0)?, position: row.int(1)?, bytes })
        });
        Ok(Self { segment_id, blocks: blocks.collect::<Result<_>>()? })
    }

    /// Place of the last posting; none if these are the last blocks of the segment.
    fn end(&self, limits: &Limits) -> Result<Option<Place>> {
        let Some(last) = self.blocks.last().filter(|_| self.blocks.len() == limits.blocks_per_step) else {
            return Ok(None);
        };
        let mut entries = PostingReader::of_block(&last.bytes)?;
        while entries.read()?.is_some() {}
        let entry = entries.entry();
        Ok(Some((entry.term.to_owned(), entry.document_id)))
    }

    /// Moves the postings up to and including `end` from the segment to `smallest`.
    fn take(self, tx: &mut dyn Tx, end: Option<&Place>, smallest: &mut Postings) -> Result<()> {
        const BLOCK: &str = "WHERE segment_id = ? AND last_term = ? AND position = ?";
        for block in self.blocks {
            let key = [self.segment_id.into(), block.last_term.into(), block.position.into()];
            let mut rest = BlockWriter::single_block();
            let mut entries = PostingReader::of_block(&block.bytes)?;
            while let Some(entry) = entries.read()? {
                if end
                    .is_some_and(|(term, document_id)| (term.as_str(), *document_id) < (entry.term, entry.document_id))
                {
                    rest.push(entry);
                } else {
                    smallest.push(entry);
                }
            }
            match rest.finish().pop() {
                None => tx.exec(&format!("DELETE FROM search_blocks {BLOCK}"), &key)?,
                Some(PostingsBlock { bytes, .. }) => {
                    let params: Vec<Param<'_>> = std::iter::once(Param::Blob(bytes.into())).chain(key).collect();
                    tx.exec(&format!("UPDATE search_blocks SET bytes = ? {BLOCK}"), &params)?;
                    break;
                }
            };
        }
        Ok(())
    }
}

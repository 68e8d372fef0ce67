//! Storage of the search index: postings of single documents as rows, those of many as segments; lookups read both.
//!
//! The postings of many new documents are an immutable *segment* (`search_segments`): sorted and compressed in blocks
//! (`search_blocks`). Those of single documents and of changes are rows of `search_postings`, which override the
//! segments; a row without field bits is a tombstone. A lookup reads its range in the rows and in every segment.
//! [`compact_step`] merges segments of similar size, so that few remain.

mod compaction;
mod removal;

use std::collections::HashMap;

pub use self::compaction::compact_step;
pub use self::removal::{TermLocations, find_terms, remove_from_block, remove_rows};
use super::Limits;
use super::planner::PRIMARY_KEY;
use super::postings::{CorruptBlock, PostingReader, PostingsBlock};
use super::tokenizer::{Postings, tail_prefix};
use crate::id::OrderId;
use crate::storage::{Param, Result, Row, StorageError, Tx, placeholders};

/// Segments read by one statement: engines limit the number of parts of a UNION.
const SEGMENTS_PER_STATEMENT: usize = 100;

/// Whether the terms of that many new documents should be written as a segment: there are enough of them, and
/// compaction is not behind.
pub fn should_write_segment(tx: &mut dyn Tx, documents: usize, limits: &Limits) -> Result<bool> {
    Ok(documents >= limits.min_segment_documents
        && tx.scalar("SELECT count(*) FROM search_segments", &[])? < limits.max_segments)
}

/// Writes the terms of new documents as a segment.
pub fn insert_segment(tx: &mut dyn Tx, blocks: Vec<PostingsBlock>) -> Result<()> {
    let segment_id = tx.new_number();
    let bytes: usize = blocks.iter().map(|block| block.bytes.len()).sum();
    let params = [segment_id.into(), i64::try_from(bytes).unwrap_or(i64::MAX).into()];
    tx.exec("INSERT INTO search_segments (id, size) VALUES (?, ?)", &params)?;
    insert_blocks(tx, segment_id, 0, blocks)
}

fn insert_blocks(tx: &mut dyn Tx, segment_id: i64, first_position: i64, blocks: Vec<PostingsBlock>) -> Result<()> {
    let mut rows = (first_position..).zip(blocks).map(|(position, block)| {
        vec![segment_id.into(), block.last_term.into(), position.into(), Param::Blob(block.bytes.into())]
    });
    tx.exec_many("INSERT INTO search_blocks (segment_id, last_term, position, bytes) VALUES (?, ?, ?, ?)", &mut rows)
}

/// Writes the terms of a new document as rows.
pub fn insert_rows(tx: &mut dyn Tx, document_id: OrderId, terms: &Postings) -> Result<()> {
    let terms = terms.by_term();
    let mut rows = terms.iter().map(|(term, fields)| vec![(*term).into(), document_id.into(), (*fields).into()]);
    tx.exec_many("INSERT INTO search_postings (term, document_id, fields) VALUES (?, ?, ?)", &mut rows)
}

/// Overrides the terms of changed documents, each with the terms before and after. A changed term gets a row with its new
/// fields, an obsolete one a row without fields, which hides the posting in the segments.
pub fn update_rows(tx: &mut dyn Tx, changes: &mut dyn Iterator<Item = (OrderId, Postings, Postings)>) -> Result<()> {
    let mut rows = changes.flat_map(|(document_id, was, is)| {
        let (was, is) = (was.by_term(), is.by_term());
        let gone = was.keys().filter(|term| !is.contains_key(*term)).map(|term| (term, &0));
        let new = is.iter().filter(|(term, fields)| was.get(*term) != Some(fields));
        let row = |(term, fields): (&&str, &i64)| vec![(*term).to_owned().into(), document_id.into(), (*fields).into()];
        gone.chain(new).map(row).collect::<Vec<Vec<Param<'static>>>>()
    });
    tx.upsert_many("search_postings", &["term", "document_id"], &["fields"], &mut rows)
}

/// The hint behind the name of a list's table that forces the engine to use the index of a path.
pub fn hint(tx: &dyn Tx, table: &str, index: &str) -> String {
    if index == PRIMARY_KEY { tx.primary_key_hint(table) } else { tx.index_hint(index) }
}

/// Documents with a term that starts with `word`, or a number that ends with it, in one of the fields, sorted; none if there
/// are more than [`Limits::max_postings_per_word`] postings.
pub fn lookup_word(tx: &mut dyn Tx, word: &str, fields: i64, limits: &Limits) -> Result<Option<Vec<OrderId>>> {
    let mut prefixes = vec![word.to_owned()];
    prefixes.extend(tail_prefix(word));
    let mut found = Vec::new();
    for prefix in prefixes {
        let Some(ids) = lookup_range(tx, &prefix, &format!("{prefix}\u{10FFFF}"), fields, limits)? else {
            return Ok(None);
        };
        found.extend(ids);
    }
    found.sort_unstable();
    found.dedup();
    Ok(Some(found))
}

/// As [`lookup_word`], for the exact term.
pub fn lookup_term(tx: &mut dyn Tx, term: &str, fields: i64, limits: &Limits) -> Result<Option<Vec<OrderId>>> {
    lookup_range(tx, term, &format!("{term}\0"), fields, limits)
}

fn lookup_range(tx: &mut dyn Tx, word: &str, end: &str, fields: i64, limits: &Limits) -> Result<Option<Vec<OrderId>>> {
    const ROWS: &str = "FROM search_postings WHERE term >= ? AND term < ?";
    // The one block that extends beyond the range. One subquery per segment: with a join MariaDB would read a
    // segment from its start.
    const BEYOND: &str = "SELECT (SELECT bytes FROM search_blocks WHERE segment_id = ? AND last_term >= ? \
                          ORDER BY last_term, position LIMIT 1)";
    let most = limits.max_postings_per_word;
    let range = [word.into(), end.into()];
    // Counting to the limit in the engine is much faster than fetching the rows.
    if tx.query_one(&format!("SELECT 1 {ROWS} LIMIT 1 OFFSET {most}"), &range)?.is_some() {
        return Ok(None);
    }
    let mut collector =
        PostingCollector { word, end, fields, most, entries: 0, ids: Vec::new(), changed: HashMap::new() };
    tx.for_each(&format!("SELECT document_id, fields, term {ROWS}"), &range, &mut |row| collector.row(row))?;
    let segments = tx.query("SELECT id FROM search_segments", &[])?;
    let segments: Vec<Param<'_>> = segments.iter().map(|row| row.int(0).map(Param::from)).collect::<Result<_>>()?;
    let blocks = i64::try_from(most / limits.min_postings_per_block() + 1).unwrap_or(i64::MAX);
    for segments in segments.chunks(SEGMENTS_PER_STATEMENT) {
        let within = format!(
            "SELECT bytes FROM search_blocks WHERE segment_id IN ({}) AND last_term >= ? AND last_term < ? LIMIT ?",
            placeholders(segments.len())
        );
        let params = [segments, &range, &[blocks.into()]].concat();
        tx.for_each(&within, &params, &mut |row| collector.block(row))?;
        let params: Vec<_> = segments.iter().flat_map(|segment| [segment.clone(), end.into()]).collect();
        tx.for_each(&vec![BEYOND; segments.len()].join(" UNION ALL "), &params, &mut |row| collector.block(row))?;
    }
    Ok(collector.finish().map(|ids| ids.into_iter().map(OrderId::from_raw).collect()))
}

/// Collects the documents of a lookup.
struct PostingCollector<'w> {
    word: &'w str,
    end: &'w str,
    fields: i64,
    most: usize,
    entries: usize,
    ids: Vec<i64>,
    /// terms stored as rows, by document; they override the segments
    changed: HashMap<i64, Vec<String>>,
}

impl PostingCollector<'_> {
    fn row(&mut self, mut row: Row) -> Result<()> {
        self.entries += 1;
        let document_id = row.int(0)?;
        if row.int(1)? & self.fields != 0 {
            self.ids.push(document_id);
        }
        self.changed.entry(document_id).or_default().push(row.text(2)?);
        Ok(())
    }

    fn block(&mut self, mut row: Row) -> Result<()> {
        let Some(bytes) = row.opt_blob(0)?.filter(|_| self.entries <= self.most) else { return Ok(()) };
        let mut entries = PostingReader::of_block(&bytes)?;
        while let Some(entry) = entries.read()? {
            if (self.word..self.end).contains(&entry.term) {
                self.entries += 1;
                let changed = self.changed.get(&entry.document_id);
                let is_changed = changed.is_some_and(|terms| terms.iter().any(|term| term == entry.term));
                if entry.fields & self.fields != 0 && !is_changed {
                    self.ids.push(entry.document_id);
                }
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Option<Vec<i64>> {
        self.ids.sort_unstable();
        self.ids.dedup();
        (self.entries <= self.most).then_some(self.ids)
    }
}

impl From<CorruptBlock> for StorageError {
    fn from(error: CorruptBlock) -> Self {
        Self::Inconsistent(error.to_string())
    }
}

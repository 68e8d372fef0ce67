//! Search index of orders.
//!
//! The terms of many new orders are stored as an immutable *segment* (`term_runs`): sorted and compressed in
//! blocks. Single orders and changes are rows of `order_terms`, which override the segments; a row without
//! field bits deletes the term of the order. A lookup reads its range in the rows and in every segment.
//! [`compact_step`] merges segments of similar size, so that few remain.

use std::collections::{BTreeMap, HashMap};

use crate::orders::search::postings_block::{
    BlockWriter, CorruptBlock, MIN_POSTINGS_PER_BLOCK, PostingReader, PostingsBlock,
};
use crate::orders::search::tokenizer::Postings;
use crate::storage::{Param, Result, Row, StorageError, Tx, placeholders};

/// Segments read by one statement: engines limit the number of parts of a UNION.
const SEGMENTS_PER_STATEMENT: usize = 100;

// Limits are smaller in tests, so that a few orders exceed them.

/// Minimum number of new orders for a segment; the terms of fewer are rows.
const MIN_SEGMENT_ORDERS: usize = if cfg!(test) { 4 } else { 100 };

/// Maximum number of segments. Beyond it compaction is behind, and new terms are written as rows.
const MAX_SEGMENTS: i64 = if cfg!(test) { 12 } else { 64 };

/// Segments of similar size per compaction: more mean fewer compactions, fewer mean faster lookups.
const SEGMENTS_PER_COMPACTION: usize = 4;

/// Blocks of each segment in one step of a compaction, some hundred kilobytes in total.
const BLOCKS_PER_STEP: usize = if cfg!(test) { 2 } else { 12 };

/// Whether the terms of that many new orders should be written as a segment.
pub(super) fn should_write_segment(tx: &mut dyn Tx, orders: usize) -> Result<bool> {
    Ok(orders >= MIN_SEGMENT_ORDERS && tx.scalar("SELECT count(*) FROM term_runs", &[])? < MAX_SEGMENTS)
}

/// Writes the terms of new orders as a segment.
pub(super) fn insert_segment(tx: &mut dyn Tx, blocks: Vec<PostingsBlock>) -> Result<()> {
    let run_id = tx.new_id();
    let bytes: usize = blocks.iter().map(|block| block.bytes.len()).sum();
    let params = [run_id.into(), i64::try_from(bytes).unwrap_or(i64::MAX).into()];
    tx.exec("INSERT INTO term_runs (id, size) VALUES (?, ?)", &params)?;
    insert_blocks(tx, run_id, 0, blocks)
}

fn insert_blocks(tx: &mut dyn Tx, run_id: i64, first_place: i64, blocks: Vec<PostingsBlock>) -> Result<()> {
    let mut rows = (first_place..).zip(blocks).map(|(place, block)| {
        vec![run_id.into(), block.last_term.into(), place.into(), Param::Blob(block.bytes.into())]
    });
    tx.exec_many("INSERT INTO term_blocks (run_id, last_term, place, bytes) VALUES (?, ?, ?, ?)", &mut rows)
}

/// Writes the terms of a new order as rows.
pub(super) fn insert_rows(tx: &mut dyn Tx, order_id: i64, terms: &Postings) -> Result<()> {
    let terms = terms.by_term();
    let mut rows = terms.iter().map(|(term, fields)| vec![(*term).into(), order_id.into(), (*fields).into()]);
    tx.exec_many("INSERT INTO order_terms (term, order_id, fields) VALUES (?, ?, ?)", &mut rows)
}

/// Overrides the terms of a changed order. A changed term gets a row with its new fields, an obsolete one a row without
/// fields, which hides the posting in the segments.
pub(super) fn update_rows(tx: &mut dyn Tx, order_id: i64, was: &Postings, is: &Postings) -> Result<()> {
    let (was, is) = (was.by_term(), is.by_term());
    let gone = was.keys().filter(|term| !is.contains_key(*term)).map(|term| (term, &0));
    let new = is.iter().filter(|(term, fields)| was.get(*term) != Some(fields));
    for (term, fields) in gone.chain(new) {
        let key = [("term", (*term).into()), ("order_id", order_id.into())];
        tx.upsert("order_terms", &key, &[("fields", (*fields).into())])?;
    }
    Ok(())
}

/// Orders with a term that starts with `word` in one of the fields, sorted; none if there are more than `most`
/// postings.
pub fn lookup_prefix(tx: &mut dyn Tx, word: &str, fields: i64, most: usize) -> Result<Option<Vec<i64>>> {
    lookup_range(tx, word, &format!("{word}\u{10FFFF}"), fields, most)
}

/// As [`lookup_prefix`], for the exact term.
pub fn lookup_term(tx: &mut dyn Tx, term: &str, fields: i64, most: usize) -> Result<Option<Vec<i64>>> {
    lookup_range(tx, term, &format!("{term}\0"), fields, most)
}

fn lookup_range(tx: &mut dyn Tx, word: &str, end: &str, fields: i64, most: usize) -> Result<Option<Vec<i64>>> {
    const ROWS: &str = "FROM order_terms WHERE term >= ? AND term < ?";
    // The one block that extends beyond the range. One subquery per segment: with a join MariaDB would read a
    // segment from its start.
    const BEYOND: &str = "SELECT (SELECT bytes FROM term_blocks WHERE run_id = ? AND last_term >= ? \
                          ORDER BY last_term, place LIMIT 1)";
    let range = [word.into(), end.into()];
    // Counting to the limit in the engine is much faster than fetching the rows.
    if tx.query_one(&format!("SELECT 1 {ROWS} LIMIT 1 OFFSET {most}"), &range)?.is_some() {
        return Ok(None);
    }
    let mut collector =
        PostingCollector { word, end, fields, most, entries: 0, ids: Vec::new(), changed: HashMap::new() };
    tx.for_each(&format!("SELECT order_id, fields, term {ROWS}"), &range, &mut |row| collector.row(row))?;
    let segments = tx.query("SELECT id FROM term_runs", &[])?;
    let segments: Vec<Param<'_>> = segments.iter().map(|row| row.int(0).map(Param::from)).collect::<Result<_>>()?;
    let blocks = i64::try_from(most / MIN_POSTINGS_PER_BLOCK + 1).unwrap_or(i64::MAX);
    for segments in segments.chunks(SEGMENTS_PER_STATEMENT) {
        let within = format!(
            "SELECT bytes FROM term_blocks WHERE run_id IN ({}) AND last_term >= ? AND last_term < ? LIMIT ?",
            placeholders(segments.len())
        );
        let params = [segments, &range, &[blocks.into()]].concat();
        tx.for_each(&within, &params, &mut |row| collector.block(row))?;
        let params: Vec<_> = segments.iter().flat_map(|run| [run.clone(), end.into()]).collect();
        tx.for_each(&vec![BEYOND; segments.len()].join(" UNION ALL "), &params, &mut |row| collector.block(row))?;
    }
    Ok(collector.finish())
}

/// Collects the orders of a lookup.
struct PostingCollector<'w> {
    word: &'w str,
    end: &'w str,
    fields: i64,
    most: usize,
    entries: usize,
    ids: Vec<i64>,
    /// terms stored as rows, by order; they override the segments
    changed: HashMap<i64, Vec<String>>,
}

impl PostingCollector<'_> {
    fn row(&mut self, mut row: Row) -> Result<()> {
        self.entries += 1;
        let order_id = row.int(0)?;
        if row.int(1)? & self.fields != 0 {
            self.ids.push(order_id);
        }
        self.changed.entry(order_id).or_default().push(row.text(2)?);
        Ok(())
    }

    fn block(&mut self, mut row: Row) -> Result<()> {
        let Some(bytes) = row.opt_blob(0)?.filter(|_| self.entries <= self.most) else { return Ok(()) };
        let mut entries = PostingReader::new(&bytes);
        while let Some(entry) = entries.read()? {
            if (self.word..self.end).contains(&entry.term) {
                self.entries += 1;
                let changed = self.changed.get(&entry.order_id);
                let is_changed = changed.is_some_and(|terms| terms.iter().any(|term| term == entry.term));
                if entry.fields & self.fields != 0 && !is_changed {
                    self.ids.push(entry.order_id);
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

/// Performs one step of size-tiered compaction; returns whether more work remains. Each step moves the smallest
/// terms of the input segments to the output segment in one transaction, so a crash leaves every term in
/// exactly one segment.
pub fn compact_step(tx: &mut dyn Tx) -> Result<bool> {
    let segments = tx.query("SELECT id, size, merges_into FROM term_runs ORDER BY id", &[])?;
    let merging = segments.iter().find_map(|row| row.opt_int(2).transpose()).transpose()?;
    let Some(target) = merging else { return start_compaction(tx, &segments) };
    let mut sources = Vec::new();
    let mut end: Option<Position> = None;
    for row in &segments {
        if row.opt_int(2)? == Some(target) {
            let source = MergeCursor::of(tx, row.int(0)?)?;
            end = [end, source.end()?].into_iter().flatten().min();
            sources.push(source);
        }
    }
    let mut smallest = Postings::default();
    for source in sources {
        source.take(tx, end.as_ref(), &mut smallest)?;
    }
    let sql = "SELECT place FROM term_blocks WHERE run_id = ? ORDER BY last_term DESC, place DESC LIMIT 1";
    let place = tx.query_one(sql, &[target.into()])?.map_or(Ok(0), |row| row.int(0))?;
    insert_blocks(tx, target, place + 1, smallest.to_blocks())?;
    if end.is_none() {
        tx.exec("DELETE FROM term_runs WHERE merges_into = ?", &[target.into()])?;
    }
    Ok(true)
}

/// Starts to compact the oldest segments of the smallest size tier that has enough. Sizes of tiers differ by a
/// factor of four.
fn start_compaction(tx: &mut dyn Tx, segments: &[Row]) -> Result<bool> {
    let mut by_size: BTreeMap<u32, Vec<(i64, i64)>> = BTreeMap::new();
    for row in segments {
        let (id, size) = (row.int(0)?, row.int(1)?);
        by_size.entry(size.max(1).ilog2() / 2).or_default().push((id, size));
    }
    let Some(chosen) = by_size.values().find_map(|segments| segments.get(..SEGMENTS_PER_COMPACTION)) else {
        return Ok(false);
    };
    let target = tx.new_id();
    let size: i64 = chosen.iter().map(|(_, size)| size).sum();
    tx.exec("INSERT INTO term_runs (id, size) VALUES (?, ?)", &[target.into(), size.into()])?;
    for (id, _) in chosen {
        tx.exec("UPDATE term_runs SET merges_into = ? WHERE id = ?", &[target.into(), (*id).into()])?;
    }
    Ok(true)
}

/// Position in a segment: term and order.
type Position = (String, i64);

/// First blocks of a segment that is being compacted.
struct MergeCursor {
    run_id: i64,
    blocks: Vec<StoredBlock>,
}

struct StoredBlock {
    last_term: String,
    place: i64,
    bytes: Vec<u8>,
}

impl MergeCursor {
    fn of(tx: &mut dyn Tx, run_id: i64) -> Result<Self> {
        let sql = "SELECT last_term, place, bytes FROM term_blocks WHERE run_id = ? ORDER BY last_term, place LIMIT ?";
        let limit = i64::try_from(BLOCKS_PER_STEP).unwrap_or(i64::MAX);
        let rows = tx.query(sql, &[run_id.into(), limit.into()])?.into_iter();
        let blocks = rows.map(|mut row| {
            let bytes = row.opt_blob(2)?.unwrap_or_default();
            Ok(StoredBlock { last_term: row.text(0)?, place: row.int(1)?, bytes })
        });
        Ok(Self { run_id, blocks: blocks.collect::<Result<_>>()? })
    }

    /// Position of the last posting; none if these are the last blocks of the segment.
    fn end(&self) -> Result<Option<Position>> {
        let Some(last) = self.blocks.last().filter(|_| self.blocks.len() == BLOCKS_PER_STEP) else { return Ok(None) };
        let mut entries = PostingReader::new(&last.bytes);
        while entries.read()?.is_some() {}
        let entry = entries.entry();
        Ok(Some((entry.term.to_owned(), entry.order_id)))
    }

    /// Moves the postings up to and including `end` from the segment to `smallest`.
    fn take(self, tx: &mut dyn Tx, end: Option<&Position>, smallest: &mut Postings) -> Result<()> {
        const BLOCK: &str = "WHERE run_id = ? AND last_term = ? AND place = ?";
        for block in self.blocks {
            let key = [self.run_id.into(), block.last_term.into(), block.place.into()];
            let mut rest = BlockWriter::single_block();
            let mut entries = PostingReader::new(&block.bytes);
            while let Some(entry) = entries.read()? {
                if end.is_some_and(|(term, order_id)| (term.as_str(), *order_id) < (entry.term, entry.order_id)) {
                    rest.push(entry);
                } else {
                    smallest.push(entry);
                }
            }
            match rest.finish().pop() {
                None => tx.exec(&format!("DELETE FROM term_blocks {BLOCK}"), &key)?,
                Some(PostingsBlock { bytes, .. }) => {
                    let params: Vec<Param<'_>> = std::iter::once(Param::Blob(bytes.into())).chain(key).collect();
                    tx.exec(&format!("UPDATE term_blocks SET bytes = ? {BLOCK}"), &params)?;
                    break;
                }
            };
        }
        Ok(())
    }
}

impl From<CorruptBlock> for StorageError {
    fn from(error: CorruptBlock) -> Self {
        Self::Inconsistent(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::search::tokenizer::SearchField;
    use crate::orders::testing::{Shop, all_orders, edit, new_order};
    use crate::storage::Tx;

    fn found(tx: &mut dyn Tx, word: &str) -> Result<usize> {
        let found = lookup_prefix(tx, word, SearchField::All.bits(), 1_000_000)?;
        Ok(found.expect("no limit").len())
    }

    fn segment_count(tx: &mut dyn Tx) -> Result<i64> {
        tx.scalar("SELECT count(*) FROM term_runs", &[])
    }

    #[test]
    fn lookups_are_unchanged_during_compaction() {
        let merged = Shop::open().write(|tx, files| {
            let (mut most, mut steps) = (0, 0);
            for upload in 0..20 {
                let orders = (0..6).map(|place| new_order(&format!("2026110{upload:02}0000{place:03}"))).collect();
                files.order(tx, "SMART_STORE", orders)?;
                most = most.max(segment_count(tx)?);
                let orders = all_orders(tx)?;
                assert!(edit(tx, &orders[0], |order| order.recipient.name = format!("이{upload}"))?);
                while compact_step(tx)? {
                    steps += 1;
                    assert_eq!(found(tx, "홍길동")?, orders.len());
                    assert_eq!(found(tx, "김견본")?, orders.len() - 1, "one recipient was renamed");
                    assert_eq!(found(tx, &format!("이{upload}"))?, 1);
                    assert_eq!(found(tx, &format!("2026110{upload:02}"))?, 6);
                }
            }
            Ok((most, steps, segment_count(tx)?))
        });
        let (most, steps, left) = merged.expect("merges");
        assert!(most <= 7 && left <= 6 && steps > 40, "{most} segments, {left} at the end, {steps} steps");
    }

    #[test]
    fn number_of_segments_is_bounded_without_compaction() {
        let shop = Shop::open();
        let segments = shop.write(|tx, files| {
            for upload in 0..MAX_SEGMENTS + 5 {
                let orders = (0..6).map(|place| new_order(&format!("2026110{upload:02}0000{place:03}"))).collect();
                files.order(tx, "SMART_STORE", orders)?;
            }
            assert_eq!(i64::try_from(found(tx, "홍길동")?), Ok(6 * (MAX_SEGMENTS + 5)));
            segment_count(tx)
        });
        assert_eq!(segments.expect("uploads"), MAX_SEGMENTS);
    }

    #[test]
    fn term_with_too_many_postings_returns_none() {
        let shop = Shop::open();
        let bounded = shop.write(|tx, files| {
            files.order(tx, "SMART_STORE", (0..30).map(|place| new_order(&format!("20261101{place:08}"))).collect())?;
            let all = SearchField::All.bits();
            Ok([29, 30].map(|most| lookup_prefix(tx, "홍길동", all, most).expect("reads").map(|ids| ids.len())))
        });
        assert_eq!(bounded.expect("reads"), [None, Some(30)]);
    }
}

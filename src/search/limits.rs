//! Limits of the index and of its queries.

/// Limits of the index and of its queries. A noun passes its own; tests pass small ones, so that a few documents exceed
/// them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Target size of a block in bytes. Small enough to read one for a rare term and for the limits of every engine;
    /// large enough that a million documents need some ten thousand. Lookups assume blocks of at least this size.
    pub block_bytes: usize,
    /// Minimum number of new documents for a segment; the terms of fewer are rows.
    pub min_segment_documents: usize,
    /// Documents of one segment: bounds the memory of a large upload and reuses warm buffers.
    pub documents_per_segment: usize,
    /// Maximum number of segments. Beyond it compaction is behind, and new terms are written as rows.
    pub max_segments: i64,
    /// Segments of similar size per compaction: more mean fewer compactions, fewer mean faster lookups.
    pub segments_per_compaction: usize,
    /// Blocks of each segment in one step of a compaction, some hundred kilobytes in total.
    pub blocks_per_step: usize,
    /// A word with more postings is compared with the texts of the rows instead.
    pub max_postings_per_word: usize,
    /// A set of at most this many documents is always sorted. Also the maximum length of an IN list.
    pub max_sorted_documents: i64,
    /// Rows that a scan checks against a set. A scan that is expected to be longer is not chosen; where the length
    /// cannot be estimated, the scan stops there.
    pub max_scanned_rows: i64,
    /// Rows of one step of such a scan.
    pub scan_step_rows: i64,
    /// Rows that a scan compares with the words by reading their texts, for one page.
    pub max_compared_rows: i64,
    /// Matching rows of a wide filter that show that it matches a large part of the list ([`Among::Dense`]): with fewer,
    /// the list may be one of few matching rows.
    ///
    /// [`Among::Dense`]: super::planner::Among::Dense
    pub min_dense_rows: i64,
    /// Matching rows that are counted; a list with more has a lower bound as its total.
    pub max_counted_rows: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Limits {
    /// The limits of a program in use, for constants.
    pub const DEFAULT: Self = Self {
        block_bytes: 8 << 10,
        min_segment_documents: 100,
        documents_per_segment: 2_500,
        max_segments: 64,
        segments_per_compaction: 4,
        blocks_per_step: 12,
        max_postings_per_word: 12_000,
        max_sorted_documents: 3_000,
        max_scanned_rows: 50_000,
        scan_step_rows: 10_000,
        max_compared_rows: 1_000,
        min_dense_rows: 1_000,
        max_counted_rows: 50_000,
    };

    /// Maximum number of identifiers of an IN list.
    pub fn ids_per_statement(&self) -> usize {
        usize::try_from(self.max_sorted_documents).unwrap_or(usize::MAX)
    }

    /// Minimum number of postings in a full block: a term has at most 24 characters of four bytes.
    pub(super) const fn min_postings_per_block(&self) -> usize {
        self.block_bytes / 128
    }
}

//! Search: a full-text index over the database, and lists that are filtered by it.
//!
//! # Index
//!
//! The [`tokenizer`] splits the texts of a document (an order, say) into terms. A posting is (term, document, fields),
//! where `fields` is a bit set of the document's fields that contain the term. Databases look up prefixes only, so the
//! suffixes of names and telephone numbers are terms too. The postings of an import are an immutable *segment* of
//! compressed [`postings`] blocks; those of single documents and changes are rows, which override the segments.
//! Compaction merges segments of similar size ([`store`]): a term is written `O(log n)` times in all, and a lookup
//! reads at most [`Limits::max_segments`] ranges.

pub mod limits;
pub mod postings;
pub mod store;
#[cfg(test)]
mod tests;
pub mod tokenizer;

pub use limits::Limits;

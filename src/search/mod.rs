//! Search: a full-text index over the database, and lists that are filtered by it.
//!
//! # Index
//!
//! The [`tokenizer`] splits the texts of a document (an order, say) into terms. A posting is (term, document, fields),
//! where `fields` is a bit set of the document's fields that contain the term. Databases look up prefixes only, so the
//! suffixes of names and telephone numbers are terms too. The postings of an import are an immutable *segment* of
//! compressed [`postings`] blocks; those of single documents and changes are rows, which override the segments.
//! Compaction merges segments of similar size ([`store`]): a term is written `O(log n)` times in all, and a lookup
//! reads at most [`Limits::max_segments`] ranges. Looking a word up costs `O(p)` for `p` postings, intersecting the
//! words `O(p log p)`.
//!
//! # Queries
//!
//! A noun implements [`SearchableList`]: its table, the indexes that sort it, its filters. [`page`](query::page) reads any
//! page of the list, with and without a search; the [`planner`] decides how:
//!
//! - without a search: scan an index in the order of the list until the page is full, or collect the rows of a
//!   selective filter and sort them, whichever costs less;
//! - a search with few documents: sort them, `O(n log n)`;
//! - with many: scan the list and keep the rows of the set, from the nearer end;
//! - only words with too many postings: scan the list and compare the texts of the rows.
//!
//! A total is exact unless counting or scanning was limited ([`Total::AtLeast`]); see [`query`].

pub mod limits;
pub mod pages;
pub mod planner;
pub mod postings;
pub mod query;
pub mod store;
#[cfg(test)]
mod tests;
pub mod tokenizer;

pub use limits::Limits;
pub use query::{IdPage, SearchTerms, SearchableList, Total, Window};

//! Full-text search over orders: tokenizer and compressed postings. The tables are in
//! [`store::segments`](super::store::segments), the queries in [`list`](super::list).

pub mod postings_block;
pub mod tokenizer;

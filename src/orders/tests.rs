//! Tests of the whole room against a database.

pub(crate) mod invariants;
mod list;

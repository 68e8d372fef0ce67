//! Orders: one product line of a purchase each.
//!
//! `model` has the types and rules of an order, `fields` the table of its fields, `filter` the query of the list, `list` its
//! pages, `list_column` their columns, `search` their
//! searchable texts, `export` the downloads, `store` the SQL. `edit` validates forms, `manual_order` is
//! an order taken in the shop, `findings` are missing products and variants, `claim` decides which orders wait for an
//! answer to their customer, `follow` how an order follows its channel, `bulk_action` changes many orders at once and
//! takes it back,
//! `bundle` decides which orders travel together and derives the summary of a
//! delivery, `classification` is the background job that reclassifies orders after a change of districts.

pub mod bulk_action;
pub mod bulk_set;
pub mod bundle;
pub mod claim;
pub mod classification;
pub mod edit;
pub mod export;
pub mod fields;
pub mod filter;
pub mod findings;
pub mod follow;
pub mod labels;
pub mod list;
pub mod list_column;
pub mod manual_order;
pub mod model;
pub mod pages;
pub mod search;
pub mod store;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
pub(crate) mod tests;

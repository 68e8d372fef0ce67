//! Orders: one product line of a purchase each.
//!
//! | module | content |
//! | --- | --- |
//! | [`model`] | the types and rules of an order |
//! | [`fields`] | the table of its fields: name, column, label, limit, who edits, exports, searches and logs it |
//! | [`filter`], [`list`], [`list_column`] | the query of the list, its pages, their columns |
//! | [`search`] | the searchable texts of an order |
//! | [`edit`], [`manual_order`] | forms: changes of an order, and an order taken in the shop |
//! | [`follow`] | how an order follows its channel |
//! | [`masked`] | an order as a member sees it from whom its data is hidden |
//! | [`claim`] | which orders wait for an answer to their customer |
//! | [`findings`] | missing products and variants |
//! | [`bundle`] | which orders travel together, and the summary of a delivery |
//! | [`bulk_action`], [`bulk_set`] | one act or one value for many orders, and its undo |
//! | [`facts`] | what an order says of itself, for documents |
//! | [`labels`] | the factory's words for options |
//! | [`classification`] | the background job that classifies orders again after a change of districts |
//! | [`export`], [`file_job`] | downloads, and those of many orders in the background |
//! | [`store`] | SQL |

pub mod bulk_action;
pub mod bulk_job;
pub mod bulk_set;
pub mod bundle;
pub mod claim;
pub mod classification;
pub mod edit;
pub mod export;
pub mod facts;
pub mod fields;
pub mod file_job;
pub mod filter;
pub mod findings;
pub mod follow;
pub mod labels;
pub mod list;
pub mod list_column;
pub mod manual_order;
pub mod masked;
pub mod model;
pub mod pages;
pub mod search;
pub mod search_field;
pub mod store;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
pub(crate) mod tests;

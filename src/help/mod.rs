//! 도움말: a page for each screen, inside the executable, searchable.
//!
//! The texts are `assets/help/*.md`, read once when they are first asked for. [`model::topic_of`] knows
//! which of them tells of a screen; the layout of every page leads there. Their pictures are made by
//! `tests/browser/pictures.mjs` of the training shop.

pub mod model;
pub mod pages;

//! Manual (도움말): one page per screen, embedded in the executable, with a full-text search.
//!
//! The texts are `assets/help/*.md`, parsed on first use. [`model::topic_for`] maps the path of a screen to its topic;
//! the layout links there from every page.

pub mod model;
pub mod pages;

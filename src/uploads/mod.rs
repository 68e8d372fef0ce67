//! An upload: read → check → apply → report.

pub mod check;

//! `/plans/jobs`: what a dispatcher knows of one delivery, and other jobs at its door (일감).

pub(super) mod form;
pub(super) mod new;
pub(super) mod show;

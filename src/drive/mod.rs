//! The driver's day (기사의 하루): what happened at the stops of a tour, handed in by a phone that may have no signal.
//!
//! | module | content |
//! | --- | --- |
//! | [`model`] | events of a stop, their details, what does not fit |
//! | [`clock`] | times of a phone whose clock was moved |
//! | [`fold`] | events → state of a stop |
//! | [`tour`] | a tour as its driver sees it: stops, goods, what they were when the phone saw them |
//! | [`hand_in`] | receipt of events, and what follows for deliveries and plans |
//! | [`hand_out`] | the steps of a tour: to the driver, loaded, left, back |
//! | [`close`] | 마감: every piece of a tour is accounted for |
//! | [`paper`] | the results of a whole tour as a paper list says them |
//! | [`site`] | the site card of a stop, and the code of its entrance on the day |
//! | [`evidence`] | what proves a delivery, with a digest |
//! | [`key`] | day keys of phones |
//! | [`store`] | SQL |
//!
//! The state of a stop is a fold over its events, not the last write. An event is always stored, even if the office changed
//! the stop meanwhile; a contradiction becomes a finding, which a member resolves. Events have no position: the office learns
//! what the driver reports, not where the truck is.

pub mod clock;
pub mod close;
pub mod evidence;
pub mod fold;
pub mod hand_in;
pub mod hand_out;
pub mod key;
pub mod model;
pub mod pages;
pub mod paper;
pub mod site;
pub mod store;
#[cfg(test)]
mod tests;
pub mod tour;

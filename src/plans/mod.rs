//! Plans of the own trucks (배차): which truck carries which delivery, in which order, at what time.
//!
//! | module | content |
//! | --- | --- |
//! | [`model`] | tours, stops and jobs |
//! | [`work`] | a delivery as it is planned: recipient, effort, changes since the plan was made |
//! | [`schedule`] | times and loads of a tour |
//! | [`sketch`] | a drawing of a route |
//! | [`board`] | the board of a day: columns of trucks and what is not planned |
//! | [`assign`] | the board as a problem of the route engine, and its answer |
//! | [`planner`] | runs the route engine on a blocking thread |
//! | [`edit`] | changes by a dispatcher or the route engine, with versions and audit entries |
//! | [`task`] | jobs beside a delivery (일감): made, cancelled, opened again |
//! | [`export`] | a day as data for other programs |
//! | [`promise`] | days that can be promised to a customer, and promises that can no longer be met |
//! | [`week`] | a week at a glance: trucks, minutes and room of each day |
//! | [`changes`] | stops that have changed since their tour was fixed or loaded |
//! | [`store`] | SQL |
//!
//! A tour is one truck on one round of a day. It is a draft while it is planned, fixed when the dispatcher says so, and
//! handed out to a driver: from then on (loading, out, closed) the room [`drive`](crate::drive) changes it.

pub mod assign;
pub mod board;
pub mod changes;
pub mod edit;
pub mod export;
pub mod model;
pub mod pages;
pub mod planner;
pub mod promise;
pub mod schedule;
pub mod sketch;
pub mod store;
pub mod task;
#[cfg(test)]
mod tests;
pub mod week;
pub mod work;

//! `/consumer/orders/{id}`: the dates of one order, its delay notices, the consent, and the cost of a cancellation.

pub(super) mod consent;
pub(super) mod notices;
pub(super) mod show;

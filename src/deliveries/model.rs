//! Rules of a delivery that need no database.

use crate::time::Moment;

/// Whether an order joined the delivery unnoticed by the team: after its slip was printed, or, without a slip, after
/// the delivery was ready for the first time.
pub fn joined_late(bundled_at: Moment, printed_at: Option<Moment>, ready_at: Option<Moment>) -> bool {
    printed_at.or(ready_at).is_some_and(|noticed_at| bundled_at > noticed_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_after_slip_or_readiness_joined_late() {
        let (before, at, after) = (Moment(1), Moment(2), Moment(3));
        assert!(!joined_late(after, None, None), "neither printed nor ready");
        assert!(joined_late(after, None, Some(at)) && joined_late(after, Some(at), None));
        assert!(!joined_late(at, Some(at), Some(before)), "the slip printed since has it");
        assert!(!joined_late(before, Some(at), None));
    }
}

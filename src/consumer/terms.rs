//! Deadlines of 전자상거래법 with Korean holidays, and interest on a late refund.
//!
//! A business day (영업일) is neither a Saturday, a Sunday nor a public holiday. The days are counted from the day after the
//! event (민법 제157조).

use chrono::{Datelike, Days, NaiveDate, Weekday};

use crate::orders::model::{Order, OrderState};
use crate::time::Moment;
use crate::time::holidays::public_holiday;

/// Business days within which supply begins after the payment (법 제15조 ①).
pub const SUPPLY_BUSINESS_DAYS: u32 = 3;

/// Days within which a buyer may withdraw after the receipt (법 제17조 ①).
pub const WITHDRAWAL_DAYS: u64 = 7;

/// Business days within which the money goes back after the return of the good (법 제18조 ②).
pub const REFUND_BUSINESS_DAYS: u32 = 3;

/// Interest of a late refund in percent a year (시행령 제21조의3).
pub const LATE_REFUND_PERCENT: i64 = 15;

/// Whether a day is a business day.
pub fn is_business_day(day: NaiveDate) -> bool {
    !matches!(day.weekday(), Weekday::Sat | Weekday::Sun) && public_holiday(day).is_none()
}

/// The last day of a term of business days that begins on the day after `day`.
pub fn after_business_days(day: NaiveDate, count: u32) -> NaiveDate {
    let (mut last, mut left) = (day, count);
    while left > 0 {
        let Some(next) = last.succ_opt() else { return last };
        last = next;
        left -= u32::from(is_business_day(last));
    }
    last
}

/// The first day whose payments are still in time on `today`: orders that were paid before it are late without an agreed
/// day.
pub fn first_timely_day(today: NaiveDate) -> NaiveDate {
    let mut day = today;
    while let Some(before) = day.pred_opt() {
        if after_business_days(before, SUPPLY_BUSINESS_DAYS) < today {
            break;
        }
        day = before;
    }
    day
}

/// Whether an order is supplied in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SupplyTerm {
    /// it left on that day
    Supplied(NaiveDate),
    /// it has to leave by that day
    Due(NaiveDate),
    /// it should have left on that day
    Late(NaiveDate),
    /// it was cancelled
    Ended,
}

/// The term of an order on a day. `agreed` is the day that was agreed with the buyer; without one the law's days count from
/// the payment.
pub fn supply_term(order: &Order, agreed: Option<NaiveDate>, today: NaiveDate) -> SupplyTerm {
    if matches!(order.state, OrderState::Cancelled | OrderState::Refunded) {
        return SupplyTerm::Ended;
    }
    let left = order.moments.of(OrderState::Dispatched).or(order.moments.of(OrderState::Shipped));
    if let Some(at) = left {
        return SupplyTerm::Supplied(at.date());
    }
    let paid = order.moments.of(OrderState::Placed).map(Moment::date);
    let due = agreed.or_else(|| paid.map(|day| after_business_days(day, SUPPLY_BUSINESS_DAYS)));
    match due {
        Some(due) if due < today => SupplyTerm::Late(due),
        Some(due) => SupplyTerm::Due(due),
        None => SupplyTerm::Due(today),
    }
}

/// The last day on which the buyer may withdraw; none before the delivery.
pub fn withdrawal_until(order: &Order) -> Option<NaiveDate> {
    let delivered = order.delivered_on()?;
    delivered.checked_add_days(Days::new(WITHDRAWAL_DAYS))
}

/// Whether a consent that the good is made for the buyer came after the work began, or the good had left: the buyer has to
/// know and agree before (시행령 제21조). On the same day it counts.
pub fn consent_is_late(order: &Order, given_on: NaiveDate) -> bool {
    let begun = [OrderState::Purchased, OrderState::Dispatched, OrderState::Shipped].into_iter();
    begun.filter_map(|state| order.moments.of(state)).min().is_some_and(|at| given_on > at.date())
}

/// The last day of the refund of a good that came back on that day.
pub fn refund_until(returned_on: NaiveDate) -> NaiveDate {
    after_business_days(returned_on, REFUND_BUSINESS_DAYS)
}

/// Interest in won on a refund that is paid on `paid_on`, rounded up; 0 in time.
pub fn late_refund_interest(amount: i64, due: NaiveDate, paid_on: NaiveDate) -> i64 {
    let days = (paid_on - due).num_days().max(0);
    let per_year = i128::from(amount.max(0)) * i128::from(LATE_REFUND_PERCENT) * i128::from(days);
    i64::try_from((per_year + 36_499) / 36_500).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::model::Moments;
    use crate::time::parse_moment;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn paid(text: &str) -> Order {
        Order { moments: Moments::placed(parse_moment(text).expect("a time")), ..Order::default() }
    }

    #[test]
    fn weekends_and_holidays_are_no_business_days() {
        for (from, count, last) in [
            ("2026-11-23", 3, "2026-11-26"), // Monday
            ("2026-11-26", 3, "2026-12-01"), // Thursday: over a weekend
            ("2026-11-28", 3, "2026-12-02"), // Saturday
            ("2026-12-23", 3, "2026-12-29"), // 성탄절 and a weekend
            ("2026-09-22", 3, "2026-09-29"), // 추석
        ] {
            assert_eq!(after_business_days(day(from), count), day(last), "{from}");
        }
    }

    #[test]
    fn order_paid_on_monday_leaves_by_thursday_unless_another_day_was_agreed() {
        let order = paid("2026-11-23 10:00:00");
        let term = |agreed: Option<&str>, today| supply_term(&order, agreed.map(day), day(today));
        assert_eq!(term(None, "2026-11-26"), SupplyTerm::Due(day("2026-11-26")));
        assert_eq!(term(None, "2026-11-27"), SupplyTerm::Late(day("2026-11-26")));
        assert_eq!(term(Some("2026-12-15"), "2026-11-27"), SupplyTerm::Due(day("2026-12-15")));
        assert_eq!(term(Some("2026-12-15"), "2026-12-16"), SupplyTerm::Late(day("2026-12-15")));
    }

    #[test]
    fn order_that_left_or_ended_is_not_late() {
        let mut order = paid("2026-11-23 10:00:00");
        order.moments.record_moment(OrderState::Dispatched, parse_moment("2026-11-30 09:00:00").expect("a time"));
        assert_eq!(supply_term(&order, None, day("2026-12-24")), SupplyTerm::Supplied(day("2026-11-30")));
        order.state = OrderState::Cancelled;
        assert_eq!(supply_term(&order, None, day("2026-12-24")), SupplyTerm::Ended);
    }

    #[test]
    fn first_timely_day_agrees_with_the_term_of_each_day() {
        for today in ["2026-11-26", "2026-11-30", "2026-12-29", "2026-09-30"].map(day) {
            let first = first_timely_day(today);
            assert!(after_business_days(first, SUPPLY_BUSINESS_DAYS) >= today, "{today}");
            assert!(after_business_days(first - Days::new(1), SUPPLY_BUSINESS_DAYS) < today, "{today}");
        }
    }

    #[test]
    fn buyer_may_withdraw_for_a_week_after_the_delivery() {
        let mut order = paid("2026-11-23 10:00:00");
        assert_eq!(withdrawal_until(&order), None);
        order.moments.record_moment(OrderState::Shipped, parse_moment("2026-11-30 15:00:00").expect("a time"));
        assert_eq!(withdrawal_until(&order), Some(day("2026-12-07")));
    }

    #[test]
    fn refund_is_due_three_business_days_after_the_return_and_bears_interest_then() {
        let due = refund_until(day("2026-11-27"));
        assert_eq!(due, day("2026-12-02"));
        assert_eq!(late_refund_interest(365_000, due, day("2026-12-02")), 0);
        assert_eq!(late_refund_interest(365_000, due, day("2026-12-12")), 1_500, "15 % a year for ten days");
        assert_eq!(late_refund_interest(100_000, due, day("2026-12-03")), 42, "rounded up");
    }
}

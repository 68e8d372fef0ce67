//! Another number for an order that has one: what somebody decides, row by row, once the rest of the
//! list is applied.

use super::model::{Handled, Handling, Parcel};
use super::store;
use crate::orders::model::{Order, OrderState};
use crate::orders::store::{self as orders, Action, Cause};
use crate::storage::{Result, StorageError, Tx};
use crate::time::Moment;

/// A decision about some rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// 새 번호로 바꾸기
    Replace,
    /// 그대로
    Keep,
}

/// A row that is decided about, and the number that the order had on the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// as the spreadsheet numbers it
    pub row: u32,
    /// 송장번호 as it was shown
    pub seen: String,
}

/// What became of the decisions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    /// rows that are dealt with
    pub rows: usize,
    /// rows that are not, and why
    pub refused: Vec<(u32, String)>,
}

/// Carries a decision about rows of an upload out. A row is left as it is, with the reason, when it
/// was dealt with before or its order changed since the page was made.
pub fn decide(
    tx: &mut dyn Tx,
    upload_id: i64,
    member_id: i64,
    decision: Decision,
    chosen: &[Chosen],
) -> Result<Decided> {
    let cause = Cause { member_id: Some(member_id), upload_id: Some(upload_id), action: Action::Tracked };
    let mut decided = Decided::default();
    orders::changing(tx, cause, |changes| {
        for Chosen { row, seen } in chosen {
            match decide_one(changes, upload_id, *row, decision, seen)? {
                Ok(how) => {
                    store::set_handled(changes.tx, upload_id, *row, how, Some(member_id))?;
                    decided.rows += 1;
                }
                Err(reason) => decided.refused.push((*row, reason)),
            }
        }
        Ok::<_, StorageError>(())
    })?;
    Ok(decided)
}

fn decide_one(
    changes: &mut orders::Changes<'_>,
    upload_id: i64,
    row: u32,
    decision: Decision,
    seen: &str,
) -> Result<Result<Handling, String>> {
    let Some(kept) = store::row(changes.tx, upload_id, row)? else {
        return Ok(Err("없는 행이에요.".to_owned()));
    };
    if let Some(handled) = &kept.handled {
        return Ok(Err(format!("이미 처리한 행이에요: {}.", said(handled))));
    }
    let Some(parcel) = kept.report.conflict else {
        return Ok(Err("송장번호가 서로 다른 행이 아니에요.".to_owned()));
    };
    let channel = store::channel_of(changes.tx, upload_id)?;
    let ids = store::orders_of(changes.tx, channel, &kept.report.order_number)?;
    let [order] = &orders::find(changes.tx, &ids)?[..] else {
        return Ok(Err("주문을 하나로 정할 수 없어요. 주문 화면에서 고쳐 주세요.".to_owned()));
    };
    if order.tracking_number != seen {
        let now = if order.tracking_number.is_empty() { "없어요" } else { &order.tracking_number };
        return Ok(Err(format!(
            "그 사이 송장번호가 바뀌었어요. 화면에서는 {seen}, 지금은 {now}. 확인하고 다시 골라 주세요."
        )));
    }
    if decision == Decision::Keep {
        return Ok(Ok(Handling::Kept));
    }
    match replaced(order, &parcel, changes.tx.now()) {
        Ok(after) if changes.save(order, &after)? => Ok(Ok(Handling::Replaced)),
        Ok(_) => Ok(Err("그 사이 다른 사람이 주문을 바꿨어요. 다시 골라 주세요.".to_owned())),
        Err(reason) => Ok(Err(reason)),
    }
}

/// How a row was dealt with, by whom and when.
pub fn said(handled: &Handled) -> String {
    format!("{} · {} · {}", handled.how.label(), handled.username.as_deref().unwrap_or("명령줄"), handled.at)
}

/// The order with the number of the file; a parcel on its way is delivered or handed to the courier.
fn replaced(order: &Order, parcel: &Parcel, now: Moment) -> Result<Order, String> {
    if matches!(order.state, OrderState::Cancelled | OrderState::Refunded) {
        return Err(format!("{}된 주문이라 송장번호를 바꾸지 않았어요.", order.state.label()));
    }
    let mut after = order.clone();
    after.tracking_number.clone_from(&parcel.tracking_number);
    if !parcel.courier.is_empty() {
        after.courier.clone_from(&parcel.courier);
    }
    after.proceed(OrderState::Shipped, now);
    Ok(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::model::tests::order;

    fn parcel(courier: &str) -> Parcel {
        Parcel { tracking_number: "45168301507".to_owned(), courier: courier.to_owned() }
    }

    #[test]
    fn the_new_number_brings_its_courier_and_the_order_is_shipped() {
        let mut order = order(OrderState::Purchased);
        "한진택배".clone_into(&mut order.courier);
        let after = replaced(&order, &parcel("로젠택배"), Moment(9)).expect("replaced");
        assert_eq!((after.tracking_number.as_str(), after.courier.as_str()), ("45168301507", "로젠택배"));
        assert_eq!((after.state, after.moments.of(OrderState::Shipped)), (OrderState::Shipped, Some(Moment(9))));
        let after = replaced(&order, &parcel(""), Moment(9)).expect("replaced");
        assert_eq!(after.courier, "한진택배", "a file that names no courier takes none away");
    }

    #[test]
    fn an_order_further_on_stays_there_and_one_that_is_over_is_left_alone() {
        let confirmed = order(OrderState::Confirmed);
        let after = replaced(&confirmed, &parcel(""), Moment(9)).expect("replaced");
        assert_eq!((after.state, after.moments), (OrderState::Confirmed, confirmed.moments));
        for over in [OrderState::Cancelled, OrderState::Refunded] {
            assert!(replaced(&order(over), &parcel(""), Moment(9)).is_err());
        }
    }
}

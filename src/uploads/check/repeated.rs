//! Rows of one order file that name the same order: what each says of its state and claim counts for all of them.
//!
//! A workbook may hold the morning's and the noon's list on two sheets. Its rows have one number and differ in the state;
//! which of them is newer is not known. The furthest state and any open claim are the safe reading: goods that are held
//! back can still be sent.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use super::{CheckedRow, Reason, RowCheck};
use crate::orders::follow::{FollowedField, RowStatement};
use crate::orders::model::{NewOrder, OrderState};

/// What the rows of an order say together.
#[derive(Clone, Debug)]
struct CommonStatus {
    claim: String,
    said: RowStatement,
}

/// Gives the rows of each order the furthest state and the open claim of all of them, with a warning where that changes
/// a row.
pub fn combine_repeated(rows: &mut [CheckedRow<NewOrder>], sheets: &[String]) {
    let mut first_rows: HashMap<&str, usize> = HashMap::with_capacity(rows.len());
    let mut repeated: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate().filter(|(_, row)| !row.key.is_empty() && content(row).is_some()) {
        match first_rows.entry(&row.key) {
            Entry::Occupied(first) => repeated.entry(*first.get()).or_insert_with(|| vec![*first.get()]).push(index),
            Entry::Vacant(first) => drop(first.insert(index)),
        }
    }
    for indexes in repeated.into_values() {
        let mut contents = indexes.iter().filter_map(|index| Some((*index, content(&rows[*index])?)));
        let Some((first, order)) = contents.next() else { continue };
        let mut combined = CommonStatus { claim: order.claim.clone(), said: order.said.clone() };
        let mut source = first;
        for (index, order) in contents {
            if combined.add(order) {
                source = index;
            }
        }
        let place = place(&rows[source], sheets);
        for index in indexes.into_iter().filter(|index| *index != source) {
            combined.give_to(&mut rows[index], &place);
        }
    }
}

/// Names a row in a sentence: `7행`, with its sheet if the file has several.
pub fn place<T>(row: &CheckedRow<T>, sheets: &[String]) -> String {
    match sheets.get(row.sheet).filter(|_| sheets.len() > 1) {
        Some(sheet) => format!("‘{sheet}’ 시트의 {}행", row.row),
        None => format!("{}행", row.row),
    }
}

fn content(row: &CheckedRow<NewOrder>) -> Option<&NewOrder> {
    match &row.outcome {
        RowCheck::Valid(order, _) => Some(order),
        _ => row.partial.as_deref(),
    }
}

impl CommonStatus {
    /// Adds what another row says. Returns whether it says more than those before it.
    fn add(&mut self, order: &NewOrder) -> bool {
        let before = (self.claim.clone(), self.said.clone());
        let (said, other) = (&mut self.said, &order.said);
        for field in [FollowedField::State, FollowedField::Claim] {
            if other.fields.contains(field) {
                said.fields = said.fields.with(field);
            }
        }
        let state = |said: &RowStatement| said.progress.map(|progress| progress.state);
        if state(other) > state(said) {
            said.progress = other.progress;
        }
        said.implies_shipped |= other.implies_shipped;
        let is_later = said.claim_as_of.zip(other.claim_as_of).is_some_and(|(own, other)| other > own);
        let is_opened =
            self.claim.is_empty() && !order.claim.is_empty() && (said.withdrawn.is_none() || !is_earlier(said, other));
        let is_withdrawn = other.withdrawn.is_some() && (self.claim.is_empty() || is_later);
        if is_opened || is_withdrawn {
            self.claim.clone_from(&order.claim);
            (said.withdrawn, said.claim_as_of) = (other.withdrawn.clone(), other.claim_as_of);
        }
        if state(said) >= Some(OrderState::Cancelled) {
            self.claim.clear();
        }
        (&before.0, &before.1) != (&self.claim, &self.said)
    }

    fn give_to(&self, row: &mut CheckedRow<NewOrder>, source: &str) {
        let order = match &mut row.outcome {
            RowCheck::Valid(order, _) => order.as_mut(),
            _ => match row.partial.as_deref_mut() {
                Some(order) => order,
                None => return,
            },
        };
        if order.claim == self.claim && order.said == self.said {
            return;
        }
        order.claim.clone_from(&self.claim);
        order.said.fields = FollowedField::ALL.into_iter().fold(order.said.fields, |fields, field| {
            let is_combined = matches!(field, FollowedField::State | FollowedField::Claim);
            if is_combined && self.said.fields.contains(field) { fields.with(field) } else { fields }
        });
        order.said = RowStatement { fields: order.said.fields, ..self.said.clone() };
        let state = self.said.progress.map_or("", |progress| progress.state.label());
        let reason = Reason {
            column: "주문상태".to_owned(),
            value: if self.claim.is_empty() { state.to_owned() } else { self.claim.clone() },
            message: format!("{source}에 같은 주문이 이 상태로 있어 함께 반영했어요"),
        };
        match &mut row.outcome {
            RowCheck::Valid(_, reasons) | RowCheck::Rejected(reasons) => reasons.push(reason),
            RowCheck::Skipped(_) | RowCheck::Ignored => {}
        }
    }
}

/// Whether a claim of `other` is known to be older than that of `said`.
fn is_earlier(said: &RowStatement, other: &RowStatement) -> bool {
    said.claim_as_of.zip(other.claim_as_of).is_some_and(|(own, other)| other < own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::follow::ChannelProgress;
    use crate::orders::testing::{checked, new_order};

    fn rows(orders: Vec<NewOrder>) -> Vec<CheckedRow<NewOrder>> {
        checked(orders.into_iter().map(|order| (order.order_number.clone(), order)))
    }

    fn of_claim(claim: &str) -> NewOrder {
        NewOrder { claim: claim.to_owned(), ..new_order("1") }
    }

    fn of_state(state: OrderState) -> NewOrder {
        let mut order = new_order("1");
        order.said.progress = Some(ChannelProgress { state, at: None, is_exchange: false });
        order
    }

    fn withdrawn() -> NewOrder {
        let mut order = new_order("1");
        order.said.withdrawn = Some("취소철회".to_owned());
        order
    }

    /// State and claim of all rows, which are the same afterwards.
    fn combined(orders: [NewOrder; 2]) -> (Option<OrderState>, String) {
        let mut rows = rows(orders.into());
        combine_repeated(&mut rows, &[]);
        let said = |row: &CheckedRow<NewOrder>| {
            let order = content(row).expect("is valid");
            (order.said.progress.map(|progress| progress.state), order.claim.clone())
        };
        assert_eq!(said(&rows[0]), said(&rows[1]));
        said(&rows[0])
    }

    #[test]
    fn claim_of_any_row_counts_for_all() {
        for orders in [[of_claim(""), of_claim("취소요청")], [of_claim("취소요청"), of_claim("")]] {
            assert_eq!(combined(orders), (None, "취소요청".to_owned()));
        }
        assert_eq!(combined([of_claim("취소요청"), withdrawn()]).1, "취소요청", "which is newer is not known");
        assert_eq!(combined([of_claim(""), withdrawn()]).1, "");
    }

    #[test]
    fn furthest_state_of_the_rows_counts_and_ends_a_claim() {
        for orders in [
            [of_state(OrderState::Placed), of_state(OrderState::Shipped)],
            [of_state(OrderState::Shipped), of_state(OrderState::Placed)],
        ] {
            assert_eq!(combined(orders), (Some(OrderState::Shipped), String::new()));
        }
        let cancelled = combined([of_claim("취소요청"), of_state(OrderState::Cancelled)]);
        assert_eq!(cancelled, (Some(OrderState::Cancelled), String::new()));
    }

    #[test]
    fn changed_row_names_the_other_one() {
        let mut rows = rows(vec![of_claim(""), new_order("2"), of_claim("취소요청")]);
        rows[2].sheet = 1;
        combine_repeated(&mut rows, &["9시".to_owned(), "12시".to_owned()]);
        let RowCheck::Valid(_, reasons) = &rows[0].outcome else { panic!("{:?}", rows[0]) };
        assert!(reasons[0].message.starts_with("‘12시’ 시트의 ") && reasons[0].value == "취소요청", "{reasons:?}");
        assert!([1, 2].iter().all(|row| matches!(&rows[*row].outcome, RowCheck::Valid(_, none) if none.is_empty())));
    }
}

//! Reconciliation of a channel's list with the shop. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use chrono::NaiveDate;
use serde::Serialize;

use crate::channels::{Profile, StatusEffect};
use crate::orders::claim::ClaimKind;
use crate::orders::model::OrderState;
use crate::sheets::values::kept_prefix;
use crate::text::coded;
use crate::time::Moment;
use crate::uploads::check::ListedRow;

coded! {
    /// What the comparison finds.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Discrepancy {
        /// the channel lists it, the shop has no such order
        MissingHere = "missing-here" "여기에 없음",
        /// the shop has it in the period, the channel does not list it
        MissingThere = "missing-there" "판매채널에 없음",
        /// both have it with different amounts
        AmountDiffers = "amount-differs" "금액 다름",
        /// both have it in different states
        StateDiffers = "state-differs" "상태 다름",
    }
}

/// An order of the shop, as far as it is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShopOrder {
    /// identifier
    pub id: i64,
    /// 정산예정금액
    pub amount: i64,
    /// state
    pub state: OrderState,
    /// open claim, or empty
    pub claim: String,
}

/// A row of the report: what differs, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DiscrepancyRow {
    /// what was found
    pub finding: Discrepancy,
    /// order number
    pub order_number: String,
    /// row in the list; none for an order that it lacks
    pub row: Option<u32>,
    /// identifier of the shop's order
    #[serde(skip)]
    pub order_id: Option<i64>,
    /// amount in the list
    pub listed_amount: Option<i64>,
    /// amount in the shop
    pub shop_amount: Option<i64>,
    /// state word of the list
    pub listed_state: String,
    /// label of the state in the shop
    pub shop_state: String,
}

/// How many orders, and their sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// number of orders
    pub orders: i64,
    /// sum of the amounts in the list
    pub listed_amount: i64,
    /// sum of the amounts in the shop
    pub shop_amount: i64,
}

impl Tally {
    fn add(&mut self, listed: Option<i64>, shop: Option<i64>) {
        self.orders += 1;
        self.listed_amount += listed.unwrap_or(0);
        self.shop_amount += shop.unwrap_or(0);
    }
}

/// The result of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconciliation {
    /// orders of the list
    pub listed: Tally,
    /// orders without any difference
    pub matched: Tally,
    /// rows that repeat an order of the list
    pub repeated: i64,
    /// what was found, by finding and then in the order of the list
    pub rows: Vec<DiscrepancyRow>,
}

impl Reconciliation {
    /// Number and sums of a finding.
    pub fn tally(&self, finding: Discrepancy) -> Tally {
        let mut tally = Tally::default();
        for row in self.rows.iter().filter(|row| row.finding == finding) {
            tally.add(row.listed_amount, row.shop_amount);
        }
        tally
    }
}

/// What a list says about the progress of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ListedState {
    /// paid, not sent yet
    Open,
    /// a claim waits for an answer
    Claimed,
    /// sent or delivered
    Sent,
    /// 구매확정
    Confirmed,
    /// 취소
    Cancelled,
    /// 반품, 교환
    Refunded,
}

/// The first word that has a meaning by the rules of the channel's profile, and the meaning. A word without a rule may
/// still name an open claim.
fn listed_state<'w>(words: &'w [String], profile: &Profile) -> Option<(&'w str, ListedState)> {
    words.iter().find_map(|word| {
        let state = match profile.status_rule(word).map(|rule| rule.change) {
            Some(StatusEffect::Ship) => ListedState::Sent,
            Some(StatusEffect::Confirm) => ListedState::Confirmed,
            Some(StatusEffect::Cancel) => ListedState::Cancelled,
            Some(StatusEffect::Refund | StatusEffect::Exchange) => ListedState::Refunded,
            Some(StatusEffect::SetClaim) => ListedState::Claimed,
            Some(StatusEffect::Nothing) => ListedState::Open,
            // The claim is gone; another column may have the state.
            Some(StatusEffect::ClearClaim) => return None,
            None => ClaimKind::of_open(word).map(|_| ListedState::Claimed)?,
        };
        Some((word.as_str(), state))
    })
}

/// Whether a state of the list and one of the shop say the same.
fn agrees(listed: ListedState, order: &ShopOrder) -> bool {
    match listed {
        ListedState::Open => order.state < OrderState::Shipped && order.claim.is_empty(),
        ListedState::Claimed => !order.claim.is_empty() && order.state < OrderState::Cancelled,
        ListedState::Sent => matches!(order.state, OrderState::Shipped | OrderState::Confirmed),
        ListedState::Confirmed => order.state == OrderState::Confirmed,
        ListedState::Cancelled => order.state == OrderState::Cancelled,
        ListedState::Refunded => order.state == OrderState::Refunded,
    }
}

/// An order of the list with all its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedOrder {
    /// its first row
    pub row: u32,
    /// sum of its rows in a settlement, which settles an order in parts; otherwise that of the first row
    pub amount: Option<i64>,
    words: Vec<String>,
}

/// The orders of a list by number, and the number of rows that repeat one.
pub fn merge_rows(rows: Vec<(u32, ListedRow)>, sums_rows: bool) -> (BTreeMap<String, ListedOrder>, i64) {
    let (mut orders, mut repeated) = (BTreeMap::new(), 0);
    for (row, listed) in rows {
        match orders.entry(listed.order_number) {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(ListedOrder { row, amount: listed.amount, words: listed.words });
            }
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                let order: &mut ListedOrder = entry.get_mut();
                if sums_rows {
                    order.amount = match (order.amount, listed.amount) {
                        (Some(one), Some(other)) => Some(one + other),
                        (one, other) => one.or(other),
                    };
                } else {
                    repeated += 1;
                }
            }
        }
    }
    (orders, repeated)
}

/// First and last day of the 주문일 in a list.
pub fn period_of(rows: &[(u32, ListedRow)]) -> Option<(NaiveDate, NaiveDate)> {
    let days = || rows.iter().filter_map(|(_, row)| row.placed_at).map(Moment::date);
    Some((days().min()?, days().max()?))
}

/// Order numbers of a list that a spreadsheet may have changed: the digits behind the 15th, or the first zeros.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InexactNumbers(BTreeSet<String>);

impl InexactNumbers {
    /// Adds a number.
    pub fn add(&mut self, number: &str) {
        self.0.insert(kept_prefix(number).unwrap_or(number).to_owned());
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them may mean the order with that number.
    pub fn may_mean(&self, number: &str) -> bool {
        let begins = |number: &str| {
            let before = self.0.range::<str, _>((Bound::Unbounded, Bound::Included(number))).next_back();
            before.is_some_and(|kept| number.starts_with(kept.as_str()))
        };
        begins(number) || begins(number.trim_start_matches('0'))
    }
}

/// Orders of the shop by their number.
pub type ShopOrders = HashMap<String, ShopOrder>;

/// Compares the orders of a list with those of the shop. `profile` has the state words of the list, `known` has the orders that the list names, `in_period` the
/// numbers of all orders of the channel in the period.
pub fn compare(
    profile: &Profile,
    listed: &BTreeMap<String, ListedOrder>,
    known: &ShopOrders,
    in_period: &BTreeSet<String>,
) -> Reconciliation {
    let mut comparison = Reconciliation::default();
    for (number, listed) in listed {
        comparison.listed.add(listed.amount, None);
        let state = listed_state(&listed.words, profile);
        let order = known.get(number);
        let row = |finding| DiscrepancyRow {
            finding,
            order_number: number.clone(),
            row: Some(listed.row),
            order_id: order.map(|order| order.id),
            listed_amount: listed.amount,
            shop_amount: order.map(|order| order.amount),
            listed_state: state.map_or_else(String::new, |(word, _)| word.to_owned()),
            shop_state: order.map_or_else(String::new, shop_state),
        };
        let Some(order) = order else {
            comparison.rows.push(row(Discrepancy::MissingHere));
            continue;
        };
        let amount_differs = listed.amount.is_some_and(|amount| amount != order.amount);
        let state_differs = state.is_some_and(|(_, state)| !agrees(state, order));
        comparison.rows.extend(amount_differs.then(|| row(Discrepancy::AmountDiffers)));
        comparison.rows.extend(state_differs.then(|| row(Discrepancy::StateDiffers)));
        if !amount_differs && !state_differs {
            comparison.matched.add(listed.amount, Some(order.amount));
        }
    }
    let mut missing: Vec<&String> = in_period.iter().filter(|number| !listed.contains_key(*number)).collect();
    missing.sort();
    for number in missing {
        let Some(order) = known.get(number) else { continue };
        comparison.rows.push(DiscrepancyRow {
            finding: Discrepancy::MissingThere,
            order_number: number.clone(),
            row: None,
            order_id: Some(order.id),
            listed_amount: None,
            shop_amount: Some(order.amount),
            listed_state: String::new(),
            shop_state: shop_state(order),
        });
    }
    comparison.rows.sort_by_key(|row| (row.finding, row.row));
    comparison
}

/// `주문`, or `주문 · 취소요청` with an open claim.
fn shop_state(order: &ShopOrder) -> String {
    let state = order.state.label();
    if order.claim.is_empty() { state.to_owned() } else { format!("{state} · {}", order.claim) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::{FileKind, Profiles};

    fn listed(number: &str, amount: i64, word: &str) -> ListedRow {
        let words = if word.is_empty() { Vec::new() } else { vec![word.to_owned()] };
        ListedRow { order_number: number.to_owned(), amount: Some(amount), words, placed_at: None }
    }

    fn shop(id: i64, amount: i64, state: OrderState, claim: &str) -> ShopOrder {
        ShopOrder { id, amount, state, claim: claim.to_owned() }
    }

    fn run(rows: Vec<ListedRow>, shop: Vec<(&str, ShopOrder)>) -> Reconciliation {
        run_of("SMART_STORE", rows, shop)
    }

    fn run_of(channel: &str, rows: Vec<ListedRow>, shop: Vec<(&str, ShopOrder)>) -> Reconciliation {
        let (orders, repeated) = merge_rows((2..).zip(rows).collect(), false);
        let known: ShopOrders = shop.into_iter().map(|(number, order)| (number.to_owned(), order)).collect();
        let in_period = known.keys().cloned().collect();
        let profiles = Profiles::shipped().expect("the embedded profiles");
        let is_orders = |profile: &&Profile| (profile.kind, &*profile.code) == (FileKind::Orders, channel);
        let profile = profiles.all().iter().find(is_orders).expect("a profile");
        Reconciliation { repeated, ..compare(profile, &orders, &known, &in_period) }
    }

    fn numbers(comparison: &Reconciliation, finding: Discrepancy) -> Vec<&str> {
        let rows = comparison.rows.iter().filter(|row| row.finding == finding);
        rows.map(|row| row.order_number.as_str()).collect()
    }

    #[test]
    fn every_order_is_matched_missing_or_different() {
        let comparison = run(
            vec![
                listed("1", 100, "결제완료"),
                listed("2", 200, "취소완료"),
                listed("3", 300, "배송중"),
                listed("4", 400, ""),
                listed("1", 100, "결제완료"),
            ],
            vec![
                ("1", shop(1, 100, OrderState::Purchased, "")),
                ("2", shop(2, 200, OrderState::Placed, "")),
                ("3", shop(3, 330, OrderState::Shipped, "")),
                ("9", shop(9, 900, OrderState::Placed, "")),
            ],
        );
        assert_eq!(numbers(&comparison, Discrepancy::MissingHere), ["4"]);
        assert_eq!(numbers(&comparison, Discrepancy::MissingThere), ["9"]);
        assert_eq!(numbers(&comparison, Discrepancy::AmountDiffers), ["3"]);
        assert_eq!(numbers(&comparison, Discrepancy::StateDiffers), ["2"]);
        assert_eq!(comparison.listed, Tally { orders: 4, listed_amount: 1000, shop_amount: 0 });
        assert_eq!(comparison.matched, Tally { orders: 1, listed_amount: 100, shop_amount: 100 });
        assert_eq!(
            comparison.tally(Discrepancy::AmountDiffers),
            Tally { orders: 1, listed_amount: 300, shop_amount: 330 }
        );
        assert_eq!(comparison.repeated, 1);
    }

    #[test]
    fn inexact_number_may_mean_every_order_with_its_first_digits() {
        let mut inexact = InexactNumbers::default();
        inexact.add("2026112700000010");
        inexact.add("7123-20261127012345600-30001");
        inexact.add("12345678901");
        for number in ["2026112700000013", "7123-20261127012345678-1", "012345678901"] {
            assert!(inexact.may_mean(number), "{number}");
        }
        for number in ["2026112700000021", "7124-20261127012345678-1", "22345678901", "2026"] {
            assert!(!inexact.may_mean(number), "{number}");
        }
    }

    #[test]
    fn states_are_compared_by_what_they_mean() {
        for (word, state, claim, is_equal) in [
            ("발송대기", OrderState::Dispatched, "", true),
            ("발송대기", OrderState::Shipped, "", false),
            ("배송완료", OrderState::Confirmed, "", true),
            ("구매확정", OrderState::Shipped, "", false),
            ("취소요청", OrderState::Placed, "", false),
            ("취소요청", OrderState::Placed, "취소처리중", true),
            ("결제완료", OrderState::Placed, "취소요청", false),
            ("반품완료", OrderState::Refunded, "", true),
            ("처음 보는 말", OrderState::Cancelled, "", true),
        ] {
            let comparison = run(vec![listed("1", 1, word)], vec![("1", shop(1, 1, state, claim))]);
            assert_eq!(comparison.rows.is_empty(), is_equal, "{word} {state:?} {claim}");
        }
    }

    #[test]
    fn words_are_those_of_the_channel() {
        for (channel, word, state, is_equal) in [
            ("COUPANG", "업체직송", OrderState::Placed, true),
            ("COUPANG", "배송지시", OrderState::Shipped, true),
            ("SMART_STORE", "배송지시", OrderState::Placed, true),
            ("ESM", "발송완료", OrderState::Placed, false),
            ("CAFE24", "배송중", OrderState::Shipped, true),
        ] {
            let comparison = run_of(channel, vec![listed("1", 1, word)], vec![("1", shop(1, 1, state, ""))]);
            assert_eq!(comparison.rows.is_empty(), is_equal, "{channel} {word} {state:?}");
        }
    }

    #[test]
    fn rows_of_a_settlement_add_up() {
        let rows = vec![(2, listed("1", 1000, "")), (3, listed("1", -30, ""))];
        let (orders, repeated) = merge_rows(rows, true);
        assert_eq!((orders["1"].amount, orders["1"].row, repeated), (Some(970), 2, 0));
    }
}

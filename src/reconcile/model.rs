//! Reconciliation of a channel's lists with the shop. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use chrono::NaiveDate;
use serde::Serialize;

use crate::channels::{FileKind, Profile, StatusEffect};
use crate::id::OrderId;
use crate::orders::claim::ClaimKind;
use crate::orders::model::OrderState;
use crate::sheets::values::kept_prefix;
use crate::text::coded;
use crate::time::Moment;
use crate::uploads::check::ListedRow;

coded! {
    /// What the comparison says of a row of a list, or of an order that the list lacks.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
    #[serde(rename_all = "snake_case")]
    pub enum ListFinding {
        /// the channel lists it, the shop has no such order
        MissingHere = "missing-here" "여기에 없음",
        /// the shop has it in the period, the channel does not list it
        MissingThere = "missing-there" "판매채널에 없음",
        /// both have it with different amounts
        AmountDiffers = "amount-differs" "금액 다름",
        /// both have it in different states
        StateDiffers = "state-differs" "상태 다름",
        /// both have it, and nothing differs
        Matched = "matched" "일치",
        /// the order number of the row cannot be read
        Unread = "unread" "읽지 못한 행",
        /// the row repeats an order of the list
        Repeated = "repeated" "되풀이된 행",
    }
}

impl ListFinding {
    /// The findings that are differences.
    pub const DIFFERENCES: [Self; 4] = [Self::MissingHere, Self::MissingThere, Self::AmountDiffers, Self::StateDiffers];
}

/// An order of the shop, as far as it is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShopOrder {
    /// identifier
    pub id: OrderId,
    /// 정산예정금액
    pub amount: i64,
    /// state
    pub state: OrderState,
    /// open claim, or empty
    pub claim: String,
}

/// A row of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReportRow {
    /// what was found
    pub finding: ListFinding,
    /// order number; empty if it cannot be read
    pub order_number: String,
    /// index of its file
    #[serde(skip)]
    pub file: usize,
    /// row in the list; none for an order that it lacks
    pub row: Option<u32>,
    /// identifier of the shop's order
    #[serde(skip)]
    pub order_id: Option<OrderId>,
    /// amount in the list
    pub listed_amount: Option<i64>,
    /// amount in the shop
    pub shop_amount: Option<i64>,
    /// state word of the list
    pub listed_state: String,
    /// label of the state in the shop
    pub shop_state: String,
    /// it stands for an order of the list, of which amount and state may both differ
    #[serde(skip)]
    pub is_listed: bool,
}

impl ReportRow {
    /// A row of a list that is not compared.
    fn uncompared(finding: ListFinding, (file, row): (usize, u32), listed: Option<&ListedRow>) -> Self {
        Self {
            finding,
            order_number: listed.map_or_else(String::new, |listed| listed.order_number.clone()),
            file,
            row: Some(row),
            order_id: None,
            listed_amount: listed.and_then(|listed| listed.amount),
            shop_amount: None,
            listed_state: listed.and_then(|listed| listed.words.first().cloned()).unwrap_or_default(),
            shop_state: String::new(),
            is_listed: false,
        }
    }
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
    /// orders of the lists
    pub listed: Tally,
    /// what was found, by finding and then in the order of the lists
    pub rows: Vec<ReportRow>,
}

impl Reconciliation {
    /// Number and sums of a finding.
    pub fn tally(&self, finding: ListFinding) -> Tally {
        let mut tally = Tally::default();
        for row in self.rows.iter().filter(|row| row.finding == finding) {
            tally.add(row.listed_amount, row.shop_amount);
        }
        tally
    }

    /// The rows that are differences.
    pub fn differences(&self) -> impl Iterator<Item = &ReportRow> {
        self.rows.iter().filter(|row| ListFinding::DIFFERENCES.contains(&row.finding))
    }
}

/// What a list says about the progress of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

impl ListedState {
    /// None: the claim is gone, and another column may have the state.
    const fn of(effect: StatusEffect) -> Option<Self> {
        match effect {
            StatusEffect::Ship => Some(Self::Sent),
            StatusEffect::Confirm => Some(Self::Confirmed),
            StatusEffect::Cancel => Some(Self::Cancelled),
            StatusEffect::Refund | StatusEffect::Exchange => Some(Self::Refunded),
            StatusEffect::SetClaim => Some(Self::Claimed),
            StatusEffect::Nothing => Some(Self::Open),
            StatusEffect::ClearClaim => None,
        }
    }
}

/// What the row says of its state: the first word that has a meaning by the rules of the channel's profile, and the meaning.
/// A word without a rule may still name an open claim. A date that says by itself what happened counts where it is further on
/// than a plain word; its column is told then.
fn listed_state(listed: &ListedRow, profile: &Profile) -> Option<(String, ListedState)> {
    let by_word = listed.words.iter().find_map(|word| {
        let state = match profile.status_rule(word) {
            Some(rule) => ListedState::of(rule.change)?,
            None => ClaimKind::of_open(word).map(|_| ListedState::Claimed)?,
        };
        Some((word.clone(), state))
    });
    let by_date = listed.dated.as_ref().and_then(|(header, effect)| Some((header.clone(), ListedState::of(*effect)?)));
    match (&by_word, &by_date) {
        (Some((_, ListedState::Open | ListedState::Sent)), Some((_, date))) => {
            if by_word.as_ref().is_some_and(|(_, word)| date > word) { by_date } else { by_word }
        }
        (Some(_), _) => by_word,
        (None, _) => by_date,
    }
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

/// An order of the lists with all its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedOrder {
    /// index of its file
    pub file: usize,
    /// its first row
    pub row: u32,
    /// sum of its rows in a settlement, which settles an order in parts; otherwise that of the first row
    pub amount: Option<i64>,
    /// word and meaning of its state
    state: Option<(String, ListedState)>,
}

/// A channel's list, its rows sorted by what is known of their order numbers.
#[derive(Clone, Debug)]
pub struct SortedList {
    /// the recognised profile
    pub profile: Arc<Profile>,
    /// rows with an order number, each with its row number
    pub rows: Vec<(u32, ListedRow)>,
    /// rows without a readable or exact order number
    pub unread: Vec<u32>,
    /// the inexact numbers
    pub inexact: InexactNumbers,
    /// which part of the file was read, in Korean sentences
    pub notes: Vec<String>,
}

/// Lists of one channel and kind as one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MergedLists {
    /// the orders by number
    pub orders: BTreeMap<String, ListedOrder>,
    /// rows that are not compared: without a readable order number, or repeating an order
    pub uncompared: Vec<ReportRow>,
    /// numbers that a spreadsheet may have changed
    pub inexact: InexactNumbers,
    /// first and last day of the 주문일
    pub period: Option<(NaiveDate, NaiveDate)>,
}

impl MergedLists {
    /// Adds the rows of a file. The first row of an order counts; in a settlement all its rows add up.
    pub fn add(&mut self, file: usize, list: &SortedList) {
        use std::collections::btree_map::Entry;
        let sums_rows = list.profile.kind == FileKind::Settlement;
        for (row, listed) in &list.rows {
            if let Some(day) = listed.placed_at.map(Moment::date) {
                let (first, last) = self.period.unwrap_or((day, day));
                self.period = Some((first.min(day), last.max(day)));
            }
            match self.orders.entry(listed.order_number.clone()) {
                Entry::Vacant(entry) => {
                    let state = listed_state(listed, &list.profile);
                    entry.insert(ListedOrder { file, row: *row, amount: listed.amount, state });
                }
                Entry::Occupied(mut entry) if sums_rows => {
                    let amount = &mut entry.get_mut().amount;
                    *amount = match (*amount, listed.amount) {
                        (Some(one), Some(other)) => Some(one + other),
                        (one, other) => one.or(other),
                    };
                }
                Entry::Occupied(_) => {
                    let repeated = ReportRow::uncompared(ListFinding::Repeated, (file, *row), Some(listed));
                    self.uncompared.push(repeated);
                }
            }
        }
        let unread = list.unread.iter().map(|row| ReportRow::uncompared(ListFinding::Unread, (file, *row), None));
        self.uncompared.extend(unread);
        self.inexact.0.extend(list.inexact.0.iter().cloned());
    }
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

/// Compares the orders of lists with those of the shop. `known` has the orders that the lists name, `in_period` the numbers of
/// all orders of the channel in the period.
pub fn compare(lists: &MergedLists, known: &ShopOrders, in_period: &BTreeSet<String>) -> Reconciliation {
    let MergedLists { orders, uncompared, .. } = lists;
    let mut missing: Vec<&String> = in_period.iter().filter(|number| !orders.contains_key(*number)).collect();
    missing.sort();
    let missing = missing.into_iter().filter_map(|number| {
        let order = known.get(number)?;
        Some(ReportRow {
            finding: ListFinding::MissingThere,
            order_number: number.clone(),
            file: 0,
            row: None,
            order_id: Some(order.id),
            listed_amount: None,
            shop_amount: Some(order.amount),
            listed_state: String::new(),
            shop_state: shop_state(order),
            is_listed: false,
        })
    });
    let mut comparison =
        Reconciliation { rows: missing.chain(uncompared.iter().cloned()).collect(), ..Reconciliation::default() };
    for (number, listed) in orders {
        comparison.listed.add(listed.amount, None);
        let order = known.get(number);
        let amount_differs = order.is_some_and(|order| listed.amount.is_some_and(|amount| amount != order.amount));
        let state_differs =
            order.is_some_and(|order| listed.state.as_ref().is_some_and(|(_, state)| !agrees(*state, order)));
        let finding = match (order, amount_differs, state_differs) {
            (None, ..) => ListFinding::MissingHere,
            (_, true, _) => ListFinding::AmountDiffers,
            (_, _, true) => ListFinding::StateDiffers,
            _ => ListFinding::Matched,
        };
        let row = ReportRow {
            finding,
            order_number: number.clone(),
            file: listed.file,
            row: Some(listed.row),
            order_id: order.map(|order| order.id),
            listed_amount: listed.amount,
            shop_amount: order.map(|order| order.amount),
            listed_state: listed.state.as_ref().map_or_else(String::new, |(word, _)| word.clone()),
            shop_state: order.map_or_else(String::new, shop_state),
            is_listed: true,
        };
        if amount_differs && state_differs {
            let second = ReportRow { finding: ListFinding::StateDiffers, is_listed: false, ..row.clone() };
            comparison.rows.push(second);
        }
        comparison.rows.push(row);
    }
    comparison.rows.sort_by_key(|row| (row.finding, row.file, row.row));
    comparison
}

/// `주문`, or `주문 · 취소요청` with an open claim.
fn shop_state(order: &ShopOrder) -> String {
    let state = order.state.label();
    if order.claim.is_empty() { state.to_owned() } else { format!("{state} · {}", order.claim) }
}

#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::*;
use crate::channels::Profiles;
use crate::id::OrderId;

fn listed(number: &str, amount: i64, word: &str) -> ListedRow {
    let words = if word.is_empty() { Vec::new() } else { vec![word.to_owned()] };
    ListedRow { order_number: number.to_owned(), amount: Some(amount), words, placed_at: None, dated: None, line: None }
}

fn shop(id: OrderId, amount: i64, state: OrderState, claim: &str) -> ShopOrder {
    ShopOrder { id, amount, state, claim: claim.to_owned() }
}

fn run(rows: Vec<ListedRow>, shop: Vec<(&str, ShopOrder)>) -> Reconciliation {
    run_of("SMART_STORE", vec![rows], shop)
}

fn file(kind: FileKind, channel: &str, rows: Vec<ListedRow>) -> SortedList {
    let profiles = Profiles::shipped().expect("the embedded profiles");
    let profile = Arc::new(profiles.find(kind, channel).expect("a profile").clone());
    SortedList {
        profile,
        rows: (2..).zip(rows).collect(),
        unread: Vec::new(),
        inexact: InexactNumbers::default(),
        notes: Vec::new(),
    }
}

fn run_of(channel: &str, files: Vec<Vec<ListedRow>>, shop: Vec<(&str, ShopOrder)>) -> Reconciliation {
    let mut lists = MergedLists::default();
    for (index, rows) in files.into_iter().enumerate() {
        lists.add(index, &file(FileKind::Orders, channel, rows));
    }
    let known: ShopOrders = shop.into_iter().map(|(number, order)| (number.to_owned(), order)).collect();
    let in_period = known.keys().cloned().collect();
    compare(&lists, &known, &in_period)
}

fn numbers(comparison: &Reconciliation, finding: ListFinding) -> Vec<&str> {
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
            ("1", shop(OrderId::from_raw(1), 100, OrderState::Purchased, "")),
            ("2", shop(OrderId::from_raw(2), 200, OrderState::Placed, "")),
            ("3", shop(OrderId::from_raw(3), 330, OrderState::Shipped, "")),
            ("9", shop(OrderId::from_raw(9), 900, OrderState::Placed, "")),
        ],
    );
    assert_eq!(numbers(&comparison, ListFinding::MissingHere), ["4"]);
    assert_eq!(numbers(&comparison, ListFinding::MissingThere), ["9"]);
    assert_eq!(numbers(&comparison, ListFinding::AmountDiffers), ["3"]);
    assert_eq!(numbers(&comparison, ListFinding::StateDiffers), ["2"]);
    assert_eq!(comparison.listed, Tally { orders: 4, listed_amount: 1000, shop_amount: 0 });
    assert_eq!(comparison.tally(ListFinding::Matched), Tally { orders: 1, listed_amount: 100, shop_amount: 100 });
    assert_eq!(comparison.tally(ListFinding::AmountDiffers), Tally { orders: 1, listed_amount: 300, shop_amount: 330 });
    assert_eq!(numbers(&comparison, ListFinding::Repeated), ["1"]);
    let listed: Vec<&str> =
        comparison.rows.iter().filter(|row| row.is_listed).map(|row| row.order_number.as_str()).collect();
    assert_eq!(listed, ["4", "3", "2", "1"], "each order of the list once");
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
        let comparison = run(vec![listed("1", 1, word)], vec![("1", shop(OrderId::from_raw(1), 1, state, claim))]);
        assert_eq!(comparison.differences().count() == 0, is_equal, "{word} {state:?} {claim}");
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
        let comparison =
            run_of(channel, vec![vec![listed("1", 1, word)]], vec![("1", shop(OrderId::from_raw(1), 1, state, ""))]);
        assert_eq!(comparison.differences().count() == 0, is_equal, "{channel} {word} {state:?}");
    }
}

#[test]
fn rows_of_a_settlement_add_up_over_its_files() {
    let mut lists = MergedLists::default();
    for (index, amount) in [(0, 1000), (1, -30)] {
        lists.add(index, &file(FileKind::Settlement, "SMART_STORE", vec![listed("1", amount, "")]));
    }
    let order = &lists.orders["1"];
    assert_eq!((order.amount, order.file, order.row, lists.uncompared.len()), (Some(970), 0, 2, 0));
}

#[test]
fn files_of_a_month_are_one_list() {
    let files = vec![vec![listed("1", 100, "")], vec![listed("2", 200, ""), listed("1", 100, "")]];
    let known = vec![
        ("1", shop(OrderId::from_raw(1), 100, OrderState::Placed, "")),
        ("2", shop(OrderId::from_raw(2), 200, OrderState::Placed, "")),
    ];
    let comparison = run_of("SMART_STORE", files, known);
    assert_eq!(comparison.differences().count(), 0, "no order of one file is missing in the other: {comparison:?}");
    assert_eq!(comparison.tally(ListFinding::Matched).orders, 2);
    let repeated = comparison.rows.iter().find(|row| row.finding == ListFinding::Repeated).expect("a row");
    assert_eq!((repeated.file, repeated.row), (1, Some(3)));
}

#[test]
fn date_of_the_list_says_the_state_where_no_word_does() {
    let on = |header: &str, effect, word: &str| ListedRow {
        dated: Some((header.to_owned(), effect)),
        ..listed("1", 1, word)
    };
    for (row, state, is_equal) in [
        (on("출고일(발송일)", StatusEffect::Ship, ""), OrderState::Placed, false),
        (on("출고일(발송일)", StatusEffect::Ship, ""), OrderState::Shipped, true),
        (on("구매확정일자", StatusEffect::Confirm, "배송완료"), OrderState::Shipped, false),
        (on("구매확정일자", StatusEffect::Confirm, "취소완료"), OrderState::Cancelled, true),
    ] {
        let label = format!("{row:?}");
        let comparison = run_of("COUPANG", vec![vec![row]], vec![("1", shop(OrderId::from_raw(1), 1, state, ""))]);
        assert_eq!(comparison.differences().count() == 0, is_equal, "{label} {state:?}");
    }
}

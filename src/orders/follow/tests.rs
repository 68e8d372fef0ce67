//! The rules, as the business would say them.

use super::*;
use crate::orders::model::NewOrder;
use crate::orders::model::tests::order as order_in;
use crate::orders::testing::new_order;

const MORNING: Moment = Moment(1_795_300_000_000);
const NOON: Moment = Moment(1_795_310_000_000);
const EVENING: Moment = Moment(1_795_320_000_000);

/// A stored order that equals the row, in that state.
fn order_of(new: &NewOrder, state: OrderState) -> Order {
    let mut order = order_in(state);
    for field in FollowedField::ALL {
        field.set(&mut order, &field.of_row(new));
    }
    order.cancelled_quantity = 0;
    order
}

fn said(values: &[&str]) -> Vec<Statement> {
    let statement = |value: &&str| Statement { value: (*value).to_owned(), as_of: None, said_at: NOON };
    values.iter().map(statement).collect()
}

fn effect_of(order: &Order, history: &[(FollowedField, Vec<Statement>)], new: &NewOrder, age: FileAge) -> RowEffect {
    let said = |field: FollowedField| {
        history.iter().find(|(of, _)| *of == field).map_or(&[][..], |(_, statements)| statements.as_slice())
    };
    follow(order, &said, &ChannelRow::of_order_file(new, false), &age, EVENING)
}

fn effect(order: &Order, new: &NewOrder) -> RowEffect {
    effect_of(order, &[], new, FileAge::default())
}

fn address_at(number: u8) -> NewOrder {
    let mut new = new_order("1");
    new.recipient.address1 = format!("경상북도 포항시 북구 예시로 {number}");
    new
}

#[test]
fn same_row_again_changes_nothing() {
    let new = new_order("1");
    for state in OrderState::ALL {
        let order = order_of(&new, state);
        let effect = effect(&order, &new);
        assert_eq!((&effect.after, effect.said.len(), effect.held.len()), (&order, 0, 0), "{state:?}");
    }
}

#[test]
fn an_edit_stays_while_the_channel_says_what_it_said() {
    let new = address_at(1);
    let mut order = order_of(&new, OrderState::Placed);
    let first = said(&[&FollowedField::RecipientAddress.of_row(&new)]);
    order.recipient.address1 = "서울특별시 중구 세종대로 110".to_owned();
    let effect = effect_of(&order, &[(FollowedField::RecipientAddress, first)], &new, FileAge::default());
    assert_eq!((effect.after, effect.held.len()), (order, 0));
}

#[test]
fn new_value_is_taken_where_nobody_edited() {
    let order = order_of(&address_at(1), OrderState::Placed);
    let effect = effect(&order, &address_at(2));
    assert_eq!(effect.after.recipient.address1, "경상북도 포항시 북구 예시로 2");
    assert_eq!((effect.said.len(), effect.is_older()), (1, false));
}

#[test]
fn new_value_of_an_edited_field_is_a_conflict() {
    let first = said(&[&FollowedField::RecipientAddress.of_row(&address_at(1))]);
    let order = order_of(&address_at(9), OrderState::Placed);
    let history = [(FollowedField::RecipientAddress, first)];
    let effect = effect_of(&order, &history, &address_at(2), FileAge::default());
    assert_eq!(effect.after, order);
    assert_eq!(effect.held[0].reason, HoldReason::Edited);
    let effect = effect_of(&order, &history, &address_at(9), FileAge::default());
    assert!(effect.held.is_empty(), "the channel says what was typed here");
}

#[test]
fn replaced_value_is_told_and_not_applied() {
    let values = [1, 2].map(|number| FollowedField::RecipientAddress.of_row(&address_at(number)).into_owned());
    let history = [(FollowedField::RecipientAddress, said(&[&values[0], &values[1]]))];
    let order = order_of(&address_at(2), OrderState::Placed);
    let effect = effect_of(&order, &history, &address_at(1), FileAge::default());
    assert_eq!((effect.held[0].reason, effect.after), (HoldReason::Older, order.clone()));
    let later = FileAge { newest_order: Some(EVENING), ..FileAge::default() };
    let effect = effect_of(&order, &history, &address_at(1), later);
    assert_eq!(
        effect.after.recipient.address1, "경상북도 포항시 북구 예시로 1",
        "an order of this evening is in the file"
    );
}

#[test]
fn an_older_file_changes_no_value_that_is_new_to_the_shop() {
    let order = order_of(&address_at(2), OrderState::Placed);
    let effect = effect_of(&order, &[], &address_at(3), FileAge { is_older: true, ..FileAge::default() });
    assert_eq!((effect.held[0].reason, effect.after), (HoldReason::Older, order));
}

#[test]
fn same_address_written_otherwise_is_no_change() {
    let new = new_order("1");
    let order = order_of(&new, OrderState::Placed);
    let mut joined = new.clone();
    joined.recipient.address1 = format!("{}  {}", new.recipient.address1, new.recipient.address2);
    joined.recipient.address2 = String::new();
    assert_eq!(effect(&order, &joined).after, order);
}

#[test]
fn masked_and_missing_values_say_nothing() {
    let new = new_order("1");
    let order = order_of(&new, OrderState::Placed);
    let mut masked = new.clone();
    masked.recipient.name = "김*본".to_owned();
    masked.recipient.tel1 = "010-****-5678".to_owned();
    masked.dispatch_deadline = None;
    masked.said.fields = FieldSet::ALL.without(FollowedField::CustomerMessage);
    masked.customer_message = "다른 메시지".to_owned();
    assert_eq!(effect(&order, &masked).after, order);
}

#[test]
fn smaller_quantity_keeps_the_cancelled_part() {
    let three = NewOrder { quantity: 3, ..new_order("1") };
    let mut two = NewOrder { quantity: 2, ..new_order("1") };
    two.claim = claim::QUANTITY_CLAIM.to_owned();
    let effect = effect(&order_of(&three, OrderState::Purchased), &two);
    let after = effect.after;
    assert_eq!((after.quantity, after.cancelled_quantity, after.claim.as_str()), (2, 1, ""), "the claim is settled");
}

#[test]
fn quantity_claim_stays_while_the_smaller_quantity_is_not_taken() {
    let three = NewOrder { quantity: 3, ..new_order("1") };
    let two = NewOrder { quantity: 2, claim: claim::QUANTITY_CLAIM.to_owned(), ..new_order("1") };
    let sent = effect(&order_of(&three, OrderState::Dispatched), &two);
    assert_eq!((sent.held[0].field, sent.held[0].reason), (FollowedField::Quantity, HoldReason::Late));
    assert_eq!((sent.after.quantity, sent.after.claim.as_str()), (3, claim::QUANTITY_CLAIM), "it has left");

    let unread = NewOrder { quantity: 0, ..two.clone() };
    let fields = FieldSet::ALL.without(FollowedField::Quantity);
    let unread = NewOrder { said: RowStatement { fields, ..RowStatement::default() }, ..unread };
    let order = order_of(&three, OrderState::Placed);
    assert_eq!(effect(&order, &unread).after.claim, claim::QUANTITY_CLAIM, "the quantity cannot be read");

    let other = ChannelRow::of_order_file(&two, true);
    let other = follow(&order, &|_| &[], &other, &FileAge::default(), EVENING);
    assert_eq!((other.after.quantity, other.after.claim.as_str()), (3, claim::QUANTITY_CLAIM), "another product");
}

#[test]
fn what_cannot_be_right_any_more_is_told() {
    let (one, two) = (new_order("1"), NewOrder { quantity: 2, ..new_order("1") });
    let held = |state, old: &NewOrder, new: &NewOrder| {
        let order = order_of(old, state);
        let effect = effect(&order, new);
        assert_eq!(effect.after, order);
        effect.held.iter().map(|held| (held.field, held.reason)).collect::<Vec<_>>()
    };
    assert_eq!(held(OrderState::Placed, &one, &two), [(FollowedField::Quantity, HoldReason::Late)], "it grew");
    assert_eq!(held(OrderState::Dispatched, &two, &one), [(FollowedField::Quantity, HoldReason::Late)], "it has left");
    let moved = held(OrderState::Shipped, &address_at(1), &address_at(2));
    assert_eq!(moved, [(FollowedField::RecipientAddress, HoldReason::Late)]);
}

fn progressed(state: OrderState) -> NewOrder {
    let mut new = new_order("1");
    new.said.progress = Some(ChannelProgress { state, at: Some(MORNING), is_exchange: false });
    new
}

#[test]
fn an_order_takes_the_state_of_its_channel_and_never_goes_back() {
    for (ours, theirs) in OrderState::ALL.into_iter().flat_map(|ours| OrderState::ALL.map(|theirs| (ours, theirs))) {
        let order = order_of(&new_order("1"), ours);
        let effect = effect(&order, &progressed(theirs));
        assert_eq!(effect.after.state, ours.max(theirs));
        if theirs > ours {
            assert_eq!(effect.after.moments.of(theirs), Some(MORNING));
        }
    }
}

#[test]
fn state_that_was_taken_back_here_stays_taken_back() {
    let order = order_of(&new_order("1"), OrderState::Purchased);
    let history = [(FollowedField::State, said(&["PLACED", "SHIPPED"]))];
    let again = effect_of(&order, &history, &progressed(OrderState::Shipped), FileAge::default());
    assert_eq!(again.after, order);
    let earlier = effect_of(&order, &history, &progressed(OrderState::Placed), FileAge::default());
    assert!(earlier.is_older() && earlier.after == order);
}

#[test]
fn state_that_the_channel_took_back_is_told_once() {
    let order = order_of(&new_order("1"), OrderState::Shipped);
    let newer = FileAge { newest_order: Some(EVENING), is_surely_newer: true, ..FileAge::default() };
    let history = [(FollowedField::State, said(&["PLACED", "SHIPPED"]))];
    let back = effect_of(&order, &history, &progressed(OrderState::Placed), newer);
    assert_eq!((back.taken_back, back.is_older(), &back.after), (Some(OrderState::Shipped), false, &order));
    let history = [(FollowedField::State, said(&["PLACED", "SHIPPED", "PLACED"]))];
    assert_eq!(effect_of(&order, &history, &progressed(OrderState::Placed), newer).taken_back, None);
}

#[test]
fn return_or_exchange_says_that_the_order_was_sent() {
    let mut returned = claimed("반품요청");
    returned.said.implies_shipped = true;
    let new = effect(&order_of(&new_order("1"), OrderState::Placed), &returned);
    assert_eq!((new.after.state, new.after.claim.as_str()), (OrderState::Shipped, "반품요청"));
    let history = [(FollowedField::State, said(&["PLACED", "CONFIRMED"]))];
    let confirmed = order_of(&new_order("1"), OrderState::Confirmed);
    let later = effect_of(&confirmed, &history, &returned, FileAge::default());
    assert!(!later.is_older() && later.after.state == OrderState::Confirmed && later.after.claim == "반품요청");
    let history = [(FollowedField::State, said(&["PLACED", "SHIPPED"]))];
    let taken_back = order_of(&new_order("1"), OrderState::Purchased);
    assert_eq!(effect_of(&taken_back, &history, &returned, FileAge::default()).after.state, OrderState::Purchased);
}

#[test]
fn postal_code_of_an_address_is_filled_later() {
    let mut without = new_order("1");
    without.recipient.zip_code = String::new();
    let order = order_of(&without, OrderState::Placed);
    assert_eq!(effect(&order, &new_order("1")).after.recipient.zip_code, "37683");
    let mut moved = new_order("1");
    moved.recipient.address1 = "부산광역시 해운대구 센텀로 9".to_owned();
    let shipped = order_of(&without, OrderState::Shipped);
    assert_eq!(effect(&shipped, &moved).after.recipient.zip_code, "", "another address is held");
    let whole = order_of(&new_order("1"), OrderState::Placed);
    assert_eq!(effect(&whole, &without).after, whole, "an empty code says nothing");
}

fn claimed(word: &str) -> NewOrder {
    NewOrder { claim: word.to_owned(), ..new_order("1") }
}

#[test]
fn claim_opens_and_closes_with_the_channel() {
    let order = order_of(&new_order("1"), OrderState::Placed);
    let opened = effect(&order, &claimed("취소요청"));
    assert_eq!(opened.after.claim, "취소요청");
    let history = [(FollowedField::Claim, said(&["", "취소요청"]))];
    let mut withdrawn = new_order("1");
    withdrawn.said.withdrawn = Some("취소철회".to_owned());
    assert_eq!(effect_of(&opened.after, &history, &withdrawn, FileAge::default()).after.claim, "");
    let older = effect_of(&opened.after, &history, &new_order("1"), FileAge::default());
    assert_eq!((older.after.claim.as_str(), older.held[0].reason), ("취소요청", HoldReason::Older));
    let later = FileAge { newest_order: Some(EVENING), ..FileAge::default() };
    assert_eq!(effect_of(&opened.after, &history, &new_order("1"), later).after.claim, "");
}

#[test]
fn claim_is_compared_by_its_own_date() {
    let mut order = order_of(&new_order("1"), OrderState::Placed);
    let at = |word: &str, as_of| Statement { value: word.to_owned(), as_of: Some(as_of), said_at: EVENING };
    let history = [at("취소요청", MORNING), at("-취소철회", NOON)];
    let decide = |order: &Order, now: ClaimStatement| decide_claim(&history, &now, order, &FileAge::default());
    assert_eq!(decide(&order, ClaimStatement::open("취소요청", Some(MORNING))), Decision::Hold(HoldReason::Older));
    assert_eq!(decide(&order, ClaimStatement::open("취소요청", Some(EVENING))), Decision::Take, "a second request");
    order.set_state(OrderState::Cancelled, EVENING);
    assert_eq!(decide(&order, ClaimStatement::open("취소요청", Some(EVENING))), Decision::Closed);
}

#[test]
fn claim_opens_even_by_an_older_file() {
    let order = order_of(&new_order("1"), OrderState::Placed);
    let older = FileAge { is_older: true, ..FileAge::default() };
    assert_eq!(effect_of(&order, &[], &claimed("취소요청"), older).after.claim, "취소요청");
}

#[test]
fn tracking_number_that_no_courier_can_have_waits_for_a_decision() {
    let numbered = NewOrder { tracking_number: "45168300137".into(), courier: "로젠택배".into(), ..new_order("1") };
    let order = order_of(&new_order("1"), OrderState::Dispatched);
    let asked = effect(&order, &numbered);
    assert_eq!((asked.held[0].reason, asked.after.tracking_number.as_str()), (HoldReason::Method, ""));
    let parcel = NewOrder { shipping_method: crate::orders::model::ShippingMethod::Parcel, ..numbered };
    let taken = effect(&order, &parcel);
    assert_eq!((taken.held.len(), taken.after.tracking_number.as_str()), (0, "45168300137"), "the file says so");
}

#[test]
fn values_are_written_and_read_alike() {
    let mut new = new_order("1");
    new.customer_message = "문 앞에\n놓아 주세요".to_owned();
    new.tracking_number = "45168300137".to_owned();
    new.courier = "로젠택배".to_owned();
    new.preferred_shipping_date = chrono::NaiveDate::from_ymd_opt(2026, 12, 3);
    let order = order_of(&new, OrderState::Placed);
    for field in FollowedField::ALL.into_iter().filter(|field| *field != FollowedField::State) {
        assert_eq!(field.of_order(&order), field.of_row(&new), "{field:?}");
        assert_eq!(FollowedField::from_code(field.code()), Some(field));
    }
    assert!(!FollowedField::Quantity.set(&mut order.clone(), "둘"));
}

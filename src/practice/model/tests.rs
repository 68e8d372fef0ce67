//! Completion rules: satisfied, and narrowly missed.

use serde_json::Value as Json;

use super::*;
use crate::id::{AuditEntryId, DeliveryEventId, DeliveryId, PracticeId, ProductId, UploadId, VariantId};
use crate::orders::model::Moments;
use crate::practice::exercises::PracticeSession;

const STARTED_AT: Moment = Moment(1_795_316_400_000);

fn exercises() -> ExerciseSet {
    ExerciseSet::for_session(PracticeSession { id: PracticeId::from_raw(812_345_678_901_234), at: STARTED_AT })
}

/// Observations with the task's orders in their initial bundles.
fn initial(exercises: &ExerciseSet, task: Task) -> Observations {
    let mut observed = Observations::default();
    for new in exercises.of_task(task) {
        let order = Order {
            order_number: new.order_number.clone(),
            delivery_id: DeliveryId::from_raw(new.bundle_number.parse().expect("digits")),
            moments: Moments::placed(new.placed_at),
            ..crate::orders::model::tests::order(OrderState::Placed)
        };
        observed.orders.insert(new.order_number.clone(), order);
    }
    observed
}

fn change(after_ms: i64, column: &str, value: Value) -> FieldChange {
    FieldChange { at: STARTED_AT.plus_ms(after_ms), column: column.to_owned(), value }
}

impl Observations {
    fn add_change(&mut self, order: &NewOrder, change: FieldChange) {
        self.changes.entry(order.order_number.clone()).or_default().push(change);
    }

    fn add_delivery_event(&mut self, order: &NewOrder, id: DeliveryEventId, action: DeliveryAction) {
        let delivery_id = self.orders[&order.order_number].delivery_id;
        let (at, details) = (STARTED_AT, Json::Null);
        self.delivery_events.push(log::DeliveryEvent {
            id,
            delivery_id,
            at,
            username: None,
            audit_entry_id: AuditEntryId::from_raw(id.raw()),
            action,
            details,
        });
    }

    fn merge_deliveries(&mut self) {
        self.orders.values_mut().for_each(|order| order.delivery_id = DeliveryId::from_raw(1));
    }
}

#[test]
fn no_task_is_done_at_the_start() {
    let exercises = exercises();
    for task in Task::ALL {
        assert!(!task.is_done(&exercises, &Observations::default()), "{task:?} of an empty shop");
        assert!(!task.is_done(&exercises, &initial(&exercises, task)), "{task:?}");
    }
}

#[test]
fn upload_is_done_when_the_member_uploaded_every_order() {
    let exercises = exercises();
    let mut observed = initial(&exercises, Task::Upload);
    observed.orders.values_mut().for_each(|order| order.upload_id = Some(UploadId::from_raw(5)));
    assert!(!Task::Upload.is_done(&exercises, &observed), "somebody else's upload");
    observed.uploads.insert(UploadId::from_raw(5));
    assert!(Task::Upload.is_done(&exercises, &observed));
    observed.orders.pop_first();
    assert!(!Task::Upload.is_done(&exercises, &observed), "an order is missing");
}

#[test]
fn label_is_done_when_the_member_labelled_every_variant() {
    let exercises = exercises();
    let variant = |label: &str| Variant {
        id: VariantId::from_raw(1),
        product_id: ProductId::from_raw(1),
        key: "색상".to_owned(),
        value: "월넛".to_owned(),
        label: label.to_owned(),
        version: 1,
    };
    let mut observed = Observations { variants: vec![variant("W"), variant("월넛")], ..Observations::default() };
    observed.verbs.insert(Verb::VariantsLabelled);
    assert!(!Task::Label.is_done(&exercises, &observed));
    observed.variants.pop();
    assert!(Task::Label.is_done(&exercises, &observed));
    observed.verbs.clear();
    assert!(!Task::Label.is_done(&exercises, &observed), "somebody else labelled them");
}

#[test]
fn purchase_is_done_by_a_download_after_the_last_state_change() {
    let exercises = exercises();
    let mut observed = initial(&exercises, Task::Purchase);
    let purchased = Value::Int(OrderState::Purchased.ordinal());
    observed.purchase_order_at = Some(STARTED_AT.plus_ms(5));
    for (after, order) in (1..).zip(exercises.of_task(Task::Purchase)) {
        assert!(!Task::Purchase.is_done(&exercises, &observed));
        observed.add_change(order, change(after, "state", purchased.clone()));
    }
    assert!(Task::Purchase.is_done(&exercises, &observed));
    observed.purchase_order_at = Some(STARTED_AT);
    assert!(!Task::Purchase.is_done(&exercises, &observed), "it cannot hold what was ordered later");
}

#[test]
fn claim_is_done_when_the_other_order_left_after_it_came() {
    let exercises = exercises();
    let mut observed = initial(&exercises, Task::Claim);
    let orders = exercises.of_task(Task::Claim);
    let sent = |after| change(after, "state", Value::Int(OrderState::Dispatched.ordinal()));
    observed.add_change(orders[1], sent(1));
    observed.add_change(orders[0], change(2, "claim", Value::Text("취소요청".to_owned())));
    assert!(!Task::Claim.is_done(&exercises, &observed), "it was sent before the claim was known");
    observed.changes.remove(&orders[1].order_number);
    observed.add_change(orders[1], sent(3));
    assert!(Task::Claim.is_done(&exercises, &observed));
    observed.orders.get_mut(&orders[0].order_number).expect("there").state = OrderState::Dispatched;
    assert!(!Task::Claim.is_done(&exercises, &observed), "the claimed order left too");
}

#[test]
fn courier_is_done_with_the_tracking_numbers_of_the_file() {
    let exercises = exercises();
    let mut observed = initial(&exercises, Task::Courier);
    for order in exercises.of_task(Task::Courier) {
        observed.add_change(order, change(1, "tracking_number", Value::Text("45168300137".to_owned())));
    }
    assert!(!Task::Courier.is_done(&exercises, &observed));
    for order in exercises.of_task(Task::Courier) {
        let number = Value::Text(ExerciseSet::tracking_number(&order.order_number));
        observed.add_change(order, change(2, "tracking_number", number));
    }
    assert!(Task::Courier.is_done(&exercises, &observed));
}

#[test]
fn return_is_done_when_only_the_first_order_is_refunded() {
    let exercises = exercises();
    let mut observed = initial(&exercises, Task::Return);
    let orders = exercises.of_task(Task::Return);
    let returned = || change(1, "state", Value::Int(OrderState::Refunded.ordinal()));
    observed.add_change(orders[1], returned());
    assert!(!Task::Return.is_done(&exercises, &observed), "the wrong one");
    observed.add_change(orders[0], returned());
    assert!(Task::Return.is_done(&exercises, &observed));
    observed.orders.get_mut(&orders[1].order_number).expect("there").state = OrderState::Refunded;
    assert!(!Task::Return.is_done(&exercises, &observed), "both of them");
}

#[test]
fn merge_and_address_need_one_bundle() {
    let exercises = exercises();
    let mut observed = initial(&exercises, Task::Merge);
    observed.add_change(exercises.of_task(Task::Merge)[1], change(1, "delivery_id", Value::Int(1)));
    assert!(!Task::Merge.is_done(&exercises, &observed), "it went elsewhere");
    observed.merge_deliveries();
    assert!(Task::Merge.is_done(&exercises, &observed));

    let mut observed = initial(&exercises, Task::Address);
    let correct = exercises.correct_address().replace(' ', "  ");
    for order in exercises.of_task(Task::Address) {
        assert!(!Task::Address.is_done(&exercises, &observed), "one of the two");
        observed.add_change(order, change(1, "recipient_address2", Value::Text(correct.clone())));
    }
    assert!(Task::Address.is_done(&exercises, &observed));
    observed
        .orders
        .values_mut()
        .zip(1..)
        .for_each(|(order, delivery)| order.delivery_id = DeliveryId::from_raw(delivery));
    assert!(!Task::Address.is_done(&exercises, &observed), "each in its own bundle");
}

#[test]
fn slips_need_both_prints_and_complete_needs_an_undo_afterwards() {
    let exercises = exercises();
    let mut observed = initial(&exercises, Task::Slips);
    for (id, order) in (1..).zip(exercises.of_task(Task::Slips)) {
        assert!(!Task::Slips.is_done(&exercises, &observed));
        observed.add_delivery_event(order, DeliveryEventId::from_raw(id), DeliveryAction::Printed);
    }
    assert!(Task::Slips.is_done(&exercises, &observed));

    let mut observed = initial(&exercises, Task::Complete);
    let order = exercises.of_task(Task::Complete)[0];
    observed.add_delivery_event(order, DeliveryEventId::from_raw(5), DeliveryAction::Completed);
    assert!(!Task::Complete.is_done(&exercises, &observed));
    observed.add_delivery_event(order, DeliveryEventId::from_raw(6), DeliveryAction::Undone);
    assert!(Task::Complete.is_done(&exercises, &observed));
}

#[test]
fn plan_is_done_when_a_day_is_assigned_and_fixed() {
    let exercises = exercises();
    let mut observed = initial(&exercises, Task::Plan);
    for (task, verbs) in
        [(Task::Plan, [Verb::StopsAssigned, Verb::ToursFixed]), (Task::Hold, [Verb::StopsMoved, Verb::StopsHeld])]
    {
        observed.verbs.insert(verbs[0]);
        assert!(!task.is_done(&exercises, &observed), "{task:?}");
        observed.verbs.insert(verbs[1]);
        assert!(task.is_done(&exercises, &observed), "{task:?}");
    }
}

#[test]
fn plans_are_practised_on_a_day_that_has_trucks() {
    for days in 0..14 {
        let at = Moment(1_795_316_400_000).plus_ms(days * 24 * 60 * 60 * 1000);
        let exercises = ExerciseSet::for_session(PracticeSession { id: PracticeId::from_raw(1), at });
        assert_ne!(chrono::Datelike::weekday(&exercises.plan_day()), chrono::Weekday::Sun);
    }
}

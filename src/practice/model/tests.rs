//! When a task counts as done, and what comes close without being it.

use serde_json::Value as Json;

use super::*;
use crate::orders::model::Moments;
use crate::orders::store;
use crate::practice::lesson::Round;

const BEGUN: Moment = Moment(1_795_316_400_000);

fn lesson() -> Lesson {
    Lesson::of(Round { id: 812_345_678_901_234, at: BEGUN })
}

/// The orders of a task in deliveries of their bundles' numbers.
fn there(lesson: &Lesson, task: Task) -> Evidence {
    let mut seen = Evidence::default();
    for new in lesson.of_task(task) {
        let order = Order {
            order_number: new.order_number.clone(),
            delivery_id: new.bundle_number.parse().expect("digits"),
            moments: Moments::placed(new.placed_at),
            ..crate::orders::model::tests::order(OrderState::Placed)
        };
        seen.orders.insert(new.order_number.clone(), order);
    }
    seen
}

fn event(after: i64, column: &str, is: Value) -> Event {
    let changes = vec![(column.to_owned(), Value::Null, is)];
    let at = BEGUN.plus_ms(after);
    Event { at, username: None, upload_id: None, action: store::Action::Edited, changes }
}

impl Evidence {
    fn note(&mut self, order: &NewOrder, event: Event) {
        self.events.entry(order.order_number.clone()).or_default().push(event);
    }

    fn note_deed(&mut self, order: &NewOrder, id: i64, action: Action) {
        let delivery_id = self.orders[&order.order_number].delivery_id;
        let (at, details) = (BEGUN, Json::Null);
        self.deeds.push(log::Event { id, delivery_id, at, username: None, activity_id: id, action, details });
    }

    fn merge_deliveries(&mut self) {
        self.orders.values_mut().for_each(|order| order.delivery_id = 1);
    }
}

#[test]
fn nothing_is_done_at_the_beginning() {
    let lesson = lesson();
    for task in Task::ALL {
        assert!(!task.is_done(&lesson, &Evidence::default()), "{task:?} of an empty shop");
        assert!(!task.is_done(&lesson, &there(&lesson, task)), "{task:?}");
    }
}

#[test]
fn the_file_counts_when_the_member_brought_all_of_it() {
    let lesson = lesson();
    let mut seen = there(&lesson, Task::Upload);
    seen.orders.values_mut().for_each(|order| order.upload_id = Some(5));
    assert!(!Task::Upload.is_done(&lesson, &seen), "somebody else's upload");
    seen.uploads.insert(5);
    assert!(Task::Upload.is_done(&lesson, &seen));
    seen.orders.pop_first();
    assert!(!Task::Upload.is_done(&lesson, &seen), "an order is missing");
}

#[test]
fn every_option_wants_a_label_of_its_own() {
    let lesson = lesson();
    let variant = |label: &str| Variant {
        id: 1,
        product_id: 1,
        key: "색상".to_owned(),
        value: "월넛".to_owned(),
        label: label.to_owned(),
        version: 1,
    };
    let mut seen = Evidence { variants: vec![variant("W"), variant("월넛")], ..Evidence::default() };
    seen.acts.insert("products.labelled".to_owned());
    assert!(!Task::Label.is_done(&lesson, &seen));
    seen.variants.pop();
    assert!(Task::Label.is_done(&lesson, &seen));
    seen.acts.clear();
    assert!(!Task::Label.is_done(&lesson, &seen), "somebody else labelled them");
}

#[test]
fn the_purchase_order_is_taken_after_all_was_ordered() {
    let lesson = lesson();
    let mut seen = there(&lesson, Task::Purchase);
    let purchased = Value::Int(OrderState::Purchased.rank());
    seen.purchase_order_at = Some(BEGUN.plus_ms(5));
    for (after, order) in (1..).zip(lesson.of_task(Task::Purchase)) {
        assert!(!Task::Purchase.is_done(&lesson, &seen));
        seen.note(order, event(after, "state", purchased.clone()));
    }
    assert!(Task::Purchase.is_done(&lesson, &seen));
    seen.purchase_order_at = Some(BEGUN);
    assert!(!Task::Purchase.is_done(&lesson, &seen), "it cannot hold what was ordered later");
}

#[test]
fn parcels_want_the_numbers_of_the_file() {
    let lesson = lesson();
    let mut seen = there(&lesson, Task::Courier);
    for order in lesson.of_task(Task::Courier) {
        seen.note(order, event(1, "tracking_number", Value::Text("45168300137".to_owned())));
    }
    assert!(!Task::Courier.is_done(&lesson, &seen));
    for order in lesson.of_task(Task::Courier) {
        let number = Value::Text(Lesson::tracking_number(&order.order_number));
        seen.note(order, event(2, "tracking_number", number));
    }
    assert!(Task::Courier.is_done(&lesson, &seen));
}

#[test]
fn one_order_of_the_bundle_comes_back_and_the_other_stays() {
    let lesson = lesson();
    let mut seen = there(&lesson, Task::Return);
    let orders = lesson.of_task(Task::Return);
    let returned = || event(1, "state", Value::Int(OrderState::Refunded.rank()));
    seen.note(orders[1], returned());
    assert!(!Task::Return.is_done(&lesson, &seen), "the wrong one");
    seen.note(orders[0], returned());
    assert!(Task::Return.is_done(&lesson, &seen));
    seen.orders.get_mut(&orders[1].order_number).expect("there").state = OrderState::Refunded;
    assert!(!Task::Return.is_done(&lesson, &seen), "both of them");
}

#[test]
fn merged_orders_travel_together_and_a_mended_bundle_still_does() {
    let lesson = lesson();
    let mut seen = there(&lesson, Task::Merge);
    seen.note(lesson.of_task(Task::Merge)[1], event(1, "delivery_id", Value::Int(1)));
    assert!(!Task::Merge.is_done(&lesson, &seen), "it went elsewhere");
    seen.merge_deliveries();
    assert!(Task::Merge.is_done(&lesson, &seen));

    let mut seen = there(&lesson, Task::Address);
    let right = lesson.right_address().replace(' ', "  ");
    for order in lesson.of_task(Task::Address) {
        assert!(!Task::Address.is_done(&lesson, &seen), "one of the two");
        seen.note(order, event(1, "recipient_address2", Value::Text(right.clone())));
    }
    assert!(Task::Address.is_done(&lesson, &seen));
    seen.orders.values_mut().zip(1..).for_each(|(order, delivery)| order.delivery_id = delivery);
    assert!(!Task::Address.is_done(&lesson, &seen), "each in its own bundle");
}

#[test]
fn slips_are_printed_for_both_and_a_completion_is_taken_back_after_it() {
    let lesson = lesson();
    let mut seen = there(&lesson, Task::Slips);
    for (id, order) in (1..).zip(lesson.of_task(Task::Slips)) {
        assert!(!Task::Slips.is_done(&lesson, &seen));
        seen.note_deed(order, id, Action::Printed);
    }
    assert!(Task::Slips.is_done(&lesson, &seen));

    let mut seen = there(&lesson, Task::Complete);
    let order = lesson.of_task(Task::Complete)[0];
    seen.note_deed(order, 5, Action::Completed);
    assert!(!Task::Complete.is_done(&lesson, &seen));
    seen.note_deed(order, 6, Action::Undone);
    assert!(Task::Complete.is_done(&lesson, &seen));
}

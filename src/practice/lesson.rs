//! What a round of practice is done with: people, orders and a new product, each its own.

use chrono::Duration;

use super::model::Task;
use crate::demo::{ITEMS, Item, Person, Random, people};
use crate::districts::Districts;
use crate::orders::model::{ChargeType, NewOrder, Order, OrderOption, OrderState, ShippingMethod};
use crate::time::Moment;

const HOUR_MS: i64 = 60 * 60 * 1000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Where the slips of one district go.
pub const POHANG: &str = "경상북도 포항시";

/// The options of the new product; the factory has words of its own for them.
const COLOURS: [&str; 2] = ["내추럴", "월넛"];

/// Where an order is said to go that goes elsewhere.
const WRONG_ADDRESS: &str = "옛집아파트 999동 101호";

/// A member's practice, from one beginning to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// the act that began it; everything of the round follows from it
    pub id: i64,
    /// when
    pub at: Moment,
}

/// An order of the round, and the task it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exercise {
    /// the task; those of [`Task::Upload`] come with the file, the others are in the shop
    pub task: Task,
    /// where it stands at the beginning
    pub state: OrderState,
    /// the order
    pub order: NewOrder,
}

/// The material of a round.
#[derive(Clone, Debug)]
pub struct Lesson {
    round: Round,
    exercises: Vec<Exercise>,
    /// 시/도 and 시/군/구 of [`POHANG`], as addresses of pages name them
    pub pohang: Option<(i64, i64)>,
}

/// The new product of a round: 판매자 상품코드 and 상품명, which no other round has.
fn product(round: Round) -> (String, String) {
    let code = seed(round) % 1_000_000;
    (format!("NEW-{code:06}"), format!("예시공방 신상품 벙커 침대 {code:06}"))
}

/// Twelve digits that follow from the round.
fn seed(round: Round) -> u64 {
    Random::new(round.id.unsigned_abs()).bits() % 1_000_000_000_000
}

fn known(number: &str) -> Item {
    ITEMS.iter().copied().find(|item| item.number == number).unwrap_or(ITEMS[0])
}

/// What the maker of orders keeps in mind.
struct Maker {
    round: Round,
    people: Vec<Person>,
    exercises: Vec<Exercise>,
    bundles: u32,
}

impl Maker {
    /// Adds a bundle of these products that goes to that person; a day in the past or today.
    fn bundle(&mut self, task: Task, (person, state, days): (usize, OrderState, i64), products: &[(&str, &str, u32)]) {
        let method = if task == Task::Courier { ShippingMethod::Parcel } else { ShippingMethod::Direct };
        self.bundles += 1;
        let Some(person) = self.people.get(person).cloned() else { return };
        let placed_at = self.round.at.plus_ms(-days * DAY_MS - HOUR_MS);
        for (number, name, price) in products {
            let place = self.exercises.len();
            let (bundle, seed) = (self.bundles, seed(self.round));
            self.exercises.push(Exercise {
                task,
                state,
                order: NewOrder {
                    // No date begins with 9: the shop's other numbers begin with theirs.
                    order_number: format!("9{seed:012}{place:03}"),
                    sales_channel: "SMART_STORE".to_owned(),
                    product_number: (*number).to_owned(),
                    product_name: (*name).to_owned(),
                    options_text: String::new(),
                    options: Vec::new(),
                    quantity: 1,
                    price: i64::from(*price),
                    customer: person.customer(),
                    recipient: person.recipient(person.tel.clone()),
                    customer_message: String::new(),
                    shipping_method: method,
                    shipping_method_word: method.label().to_owned(),
                    charge_type: ChargeType::Free,
                    bundle_number: format!("9{seed:012}{bundle:02}"),
                    placed_at,
                    dispatch_deadline: Some(placed_at.date() + Duration::days(10)),
                    preferred_shipping_date: None,
                    claim: String::new(),
                    courier: String::new(),
                    tracking_number: String::new(),
                },
            });
        }
    }

    /// As [`Self::bundle`], of products that the shop knows.
    fn known(&mut self, task: Task, goes: (usize, OrderState, i64), numbers: &[&str]) {
        let items: Vec<_> =
            numbers.iter().map(|number| known(number)).map(|item| (item.number, item.name, item.price)).collect();
        self.bundle(task, goes, &items);
        for exercise in self.exercises.iter_mut().rev().take(numbers.len()) {
            let first = |choice: &crate::demo::Choice| OrderOption {
                key: choice.key.to_owned(),
                value: choice.values.first().copied().unwrap_or_default().to_owned(),
            };
            let options = known(&exercise.order.product_number).choices.iter().map(first).collect();
            set_options(&mut exercise.order, options);
        }
    }
}

fn set_options(order: &mut NewOrder, options: Vec<OrderOption>) {
    let words: Vec<_> = options.iter().map(|option| format!("{}: {}", option.key, option.value)).collect();
    order.options_text = words.join(" / ");
    order.options = options;
}

impl Lesson {
    /// The material of that round, the same whenever it is asked for.
    pub fn of(round: Round) -> Self {
        use OrderState::{Dispatched, Placed, Purchased, Shipped};

        let districts = Districts::embedded();
        let mut people: Vec<Person> = people(seed(round)).take(11).collect();
        let pohang = districts.named(POHANG).and_then(|region| Some((region.parent_code?, region.code)));
        let zip = districts.postal_blocks().find(|(.., code)| Some(*code) == pohang.map(|(_, sigungu)| sigungu));
        for (person, place) in people.iter_mut().skip(5).take(2).zip(1..) {
            person.zip_code = format!("{:05}", zip.map_or(0, |(first, ..)| first + place));
            person.address1 = format!("{POHANG} 예시로 {place}");
        }

        let mut maker = Maker { round, people, exercises: Vec::new(), bundles: 0 };
        let (number, name) = product(round);
        let bunk = (number.as_str(), name.as_str(), 590_000);
        maker.bundle(Task::Upload, (0, Placed, 0), &[bunk, bunk]);
        maker.bundle(Task::Upload, (1, Placed, 0), &[bunk]);
        for (exercise, colour) in maker.exercises.iter_mut().zip(COLOURS.iter().cycle()) {
            set_options(&mut exercise.order, vec![OrderOption { key: "색상".to_owned(), value: (*colour).to_owned() }]);
        }
        maker.known(Task::Upload, (2, Placed, 0), &["PILLOW"]);
        maker.known(Task::Courier, (3, Dispatched, 4), &["TOPPER"]);
        maker.known(Task::Courier, (4, Dispatched, 4), &["DUVET"]);
        maker.known(Task::Slips, (5, Dispatched, 6), &["BED-LOW"]);
        maker.known(Task::Slips, (6, Dispatched, 6), &["MAT-POCKET"]);
        maker.known(Task::Return, (7, Shipped, 9), &["BED-STORAGE", "SIDE-TABLE"]);
        maker.known(Task::Merge, (8, Placed, 1), &["MAT-FOAM"]);
        maker.known(Task::Merge, (8, Placed, 0), &["PAD"]);
        maker.known(Task::Address, (9, Purchased, 3), &["SOFA-3", "TABLE-4"]);
        maker.known(Task::Complete, (10, Dispatched, 6), &["MAT-LATEX"]);

        let right = maker.people.get(9).map(|person| person.address2.clone()).unwrap_or_default();
        for Exercise { order, .. } in maker.exercises.iter_mut().filter(|exercise| exercise.task == Task::Address) {
            WRONG_ADDRESS.clone_into(&mut order.recipient.address2);
            order.customer_message = format!("상세주소를 옛집으로 적었어요. '{right}'로 보내 주세요.");
        }
        Self { round, exercises: maker.exercises, pohang }
    }

    /// The orders of the file that is uploaded.
    pub fn uploaded(&self) -> Vec<&NewOrder> {
        self.of_task(Task::Upload)
    }

    /// The orders that are put into the shop when the round begins.
    pub fn prepared(&self) -> Vec<&NewOrder> {
        self.exercises.iter().filter(|one| one.task != Task::Upload).map(|one| &one.order).collect()
    }

    /// The orders that the task is about. Those of the new product come with the file.
    pub fn of_task(&self, task: Task) -> Vec<&NewOrder> {
        let new = self.product_number();
        self.exercises
            .iter()
            .filter(|one| match task {
                Task::Label | Task::Purchase => one.order.product_number == new,
                task => one.task == task,
            })
            .map(|one| &one.order)
            .collect()
    }

    /// Every order's number.
    pub fn numbers(&self) -> impl Iterator<Item = &str> {
        self.exercises.iter().map(|one| one.order.order_number.as_str())
    }

    /// 판매자 상품코드 of the new product.
    pub fn product_number(&self) -> String {
        product(self.round).0
    }

    /// Brings a prepared order to where it stands at the beginning, a day a state.
    pub fn settle(&self, order: &mut Order) {
        let Some(exercise) = self.exercises.iter().find(|one| one.order.order_number == order.order_number) else {
            return;
        };
        let mut at = exercise.order.placed_at;
        for state in OrderState::ALL.into_iter().filter(|state| *state <= exercise.state).skip(1) {
            at = at.plus_ms(DAY_MS);
            order.put(state, at);
        }
    }

    /// The number that the courier gives an order: eleven digits.
    pub fn tracking_number(order_number: &str) -> String {
        format!("4{}", order_number.get(order_number.len().saturating_sub(10)..).unwrap_or(order_number))
    }

    /// The detail address that the customer wants for the orders of [`Task::Address`].
    pub fn right_address(&self) -> &str {
        let message = self.of_task(Task::Address).first().map_or("", |order| order.customer_message.as_str());
        message.split('\'').nth(1).unwrap_or_default()
    }

    /// The day of the round.
    pub fn today(&self) -> chrono::NaiveDate {
        self.round.at.date()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::districts::Place;

    const ROUND: Round = Round { id: 812_345_678_901_234, at: Moment(1_795_316_400_000) };

    #[test]
    fn a_round_has_its_own_orders_for_every_task_and_another_round_has_others() {
        let (lesson, other) = (Lesson::of(ROUND), Lesson::of(Round { id: ROUND.id + 1, ..ROUND }));
        assert_eq!(lesson.exercises, Lesson::of(ROUND).exercises);
        let numbers: BTreeSet<&str> = lesson.numbers().collect();
        assert_eq!(numbers.len(), lesson.exercises.len());
        assert!(numbers.iter().all(|number| number.len() == 16 && number.starts_with('9')));
        assert!(other.numbers().all(|number| !numbers.contains(number)));
        assert_ne!(lesson.product_number(), other.product_number());
        for task in Task::ALL.into_iter().filter(|task| *task != Task::Counter) {
            assert!(!lesson.of_task(task).is_empty(), "{task:?}");
        }
        let parcels = lesson.of_task(Task::Courier);
        let given: BTreeSet<String> = parcels.iter().map(|one| Lesson::tracking_number(&one.order_number)).collect();
        assert!(given.len() == parcels.len() && given.iter().all(|number| number.len() == 11));
    }

    #[test]
    fn slips_go_to_pohang_and_two_orders_of_one_recipient_may_be_merged() {
        let lesson = Lesson::of(ROUND);
        let districts = Districts::embedded();
        let slips = lesson.of_task(Task::Slips);
        assert!(slips.len() == 2 && slips[0].bundle_number != slips[1].bundle_number);
        for order in slips {
            let Place::District { code } = districts.lookup(&order.recipient.zip_code) else { panic!("nowhere") };
            assert_eq!(lesson.pohang.map(|(_, sigungu)| sigungu), Some(code));
        }
        let merged = lesson.of_task(Task::Merge);
        assert!(merged[0].recipient == merged[1].recipient && merged[0].bundle_number != merged[1].bundle_number);
        let wrong = lesson.of_task(Task::Address);
        assert!(wrong.len() == 2 && wrong[0].bundle_number == wrong[1].bundle_number);
        assert!(wrong.iter().all(|order| order.recipient.address2 != lesson.right_address()));
        assert!(lesson.right_address().ends_with('호'));
    }
}

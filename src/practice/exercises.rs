//! Exercises of a practice session: the people, orders and new product of each task, unique per session.

use chrono::{Datelike, Days, Duration, NaiveDate, Weekday};

use super::model::Task;
use crate::demo::files::purchase_number;
use crate::demo::{CATALOGUE, CatalogueItem, CatalogueOption, PLANNED_DAYS, Person, people};
use crate::districts::Districts;
use crate::id::PracticeId;
use crate::orders::model::{ChargeType, NewOrder, Order, OrderOption, OrderState, ShippingMethod};
use crate::random::seeded::Random;
use crate::time::Moment;

const HOUR_MS: i64 = 60 * 60 * 1000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Full name of the 시/군/구 of the slip exercise.
pub const POHANG: &str = "경상북도 포항시";

/// Option values of the new product, to be labelled by the member.
const COLOURS: [&str; 2] = ["내추럴", "월넛"];

/// Outdated detail address in the address exercise.
const WRONG_ADDRESS: &str = "옛집아파트 999동 101호";

/// One run of a member through the exercises, from start to restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PracticeSession {
    /// Identifier; seeds everything of the session.
    pub id: PracticeId,
    /// Start time.
    pub at: Moment,
}

/// Order of a session with its task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exercise {
    /// Task. Orders of [`Task::Upload`] come with the practice file; the others are inserted at the start.
    pub task: Task,
    /// State at the start.
    pub state: OrderState,
    /// Order data.
    pub order: NewOrder,
}

/// All exercises of a session.
#[derive(Clone, Debug)]
pub struct ExerciseSet {
    session: PracticeSession,
    exercises: Vec<Exercise>,
    /// Codes of the 시/도 and the 시/군/구 of [`POHANG`], for URLs.
    pub pohang: Option<(i64, i64)>,
}

/// 판매자 상품코드 and 상품명 of the new product, unique per session.
fn new_product(round: PracticeSession) -> (String, String) {
    let code = seed(round) % 1_000_000;
    (format!("NEW-{code:06}"), format!("예시공방 신상품 벙커 침대 {code:06}"))
}

/// Number of up to twelve digits, derived from the session id.
fn seed(round: PracticeSession) -> u64 {
    Random::new(round.id.raw().unsigned_abs()).next_u64() % 1_000_000_000_000
}

fn catalogue_item(number: &str) -> CatalogueItem {
    CATALOGUE.iter().copied().find(|item| item.number == number).unwrap_or(CATALOGUE[0])
}

/// Builder of the exercises.
struct ExerciseBuilder {
    session: PracticeSession,
    people: Vec<Person>,
    exercises: Vec<Exercise>,
    bundle_count: u32,
}

impl ExerciseBuilder {
    /// Adds a bundle with one order per product (number, name, price) for the `person`-th person, placed `days` ago.
    fn add_bundle(
        &mut self,
        task: Task,
        (person, state, days): (usize, OrderState, i64),
        products: &[(&str, &str, u32)],
    ) {
        let method = if task == Task::Courier { ShippingMethod::Parcel } else { ShippingMethod::Direct };
        self.bundle_count += 1;
        let Some(person) = self.people.get(person).cloned() else { return };
        let placed_at = self.session.at.plus_ms(-days * DAY_MS - HOUR_MS);
        for (number, name, price) in products {
            let index = self.exercises.len();
            let (bundle, seed) = (self.bundle_count, seed(self.session));
            let bundle_number = format!("9{seed:012}{bundle:02}");
            self.exercises.push(Exercise {
                task,
                state,
                order: NewOrder {
                    // Generated order numbers start with a date, never with 9, so the two cannot collide.
                    order_number: format!("9{seed:012}{index:03}"),
                    sales_channel: "SMART_STORE".to_owned(),
                    product_number: (*number).to_owned(),
                    product_name: (*name).to_owned(),
                    quantity: 1,
                    price: i64::from(*price),
                    customer: person.customer(),
                    recipient: person.recipient(person.tel.clone()),
                    shipping_method: method,
                    shipping_method_raw: method.label().to_owned(),
                    charge_type: ChargeType::Free,
                    channel_order_number: purchase_number(placed_at, &bundle_number),
                    bundle_number,
                    placed_at,
                    dispatch_deadline: Some(placed_at.date() + Duration::days(10)),
                    ..NewOrder::default()
                },
            });
        }
    }

    /// Like [`Self::add_bundle`], with products of the catalogue and the first value of each option.
    fn add_catalogue_bundle(&mut self, task: Task, target: (usize, OrderState, i64), numbers: &[&str]) {
        let items: Vec<_> = numbers
            .iter()
            .map(|number| catalogue_item(number))
            .map(|item| (item.number, item.name, item.price))
            .collect();
        self.add_bundle(task, target, &items);
        for exercise in self.exercises.iter_mut().rev().take(numbers.len()) {
            let first_value = |option: &CatalogueOption| OrderOption {
                key: option.key.to_owned(),
                value: option.values.first().copied().unwrap_or_default().to_owned(),
            };
            let options = catalogue_item(&exercise.order.product_number).options.iter().map(first_value).collect();
            set_options(&mut exercise.order, options);
        }
    }
}

fn set_options(order: &mut NewOrder, options: Vec<OrderOption>) {
    let texts: Vec<_> = options.iter().map(|option| format!("{}: {}", option.key, option.value)).collect();
    order.options_raw = texts.join(" / ");
    order.options = options;
}

impl ExerciseSet {
    /// Exercises of a session; deterministic.
    pub fn for_session(session: PracticeSession) -> Self {
        use OrderState::{Dispatched, Placed, Purchased, Shipped};

        let districts = Districts::embedded();
        let mut people: Vec<Person> = people(seed(session)).take(13).collect();
        let pohang = districts.find_by_name(POHANG).and_then(|region| Some((region.parent_code?, region.code)));
        let zip = districts.postal_blocks().find(|(.., code)| Some(*code) == pohang.map(|(_, sigungu)| sigungu));
        for (person, number) in people.iter_mut().skip(5).take(2).zip(1..) {
            person.zip_code = format!("{:05}", zip.map_or(0, |(first, ..)| first + number));
            person.address1 = format!("{POHANG} 예시로 {number}");
        }

        let mut builder = ExerciseBuilder { session, people, exercises: Vec::new(), bundle_count: 0 };
        let (number, name) = new_product(session);
        let bunk = (number.as_str(), name.as_str(), 590_000);
        builder.add_bundle(Task::Upload, (0, Placed, 0), &[bunk, bunk]);
        builder.add_bundle(Task::Upload, (1, Placed, 0), &[bunk]);
        for (exercise, colour) in builder.exercises.iter_mut().zip(COLOURS.iter().cycle()) {
            set_options(&mut exercise.order, vec![OrderOption { key: "색상".to_owned(), value: (*colour).to_owned() }]);
        }
        builder.add_catalogue_bundle(Task::Upload, (2, Placed, 0), &["PILLOW"]);
        builder.add_catalogue_bundle(Task::Courier, (3, Dispatched, 4), &["TOPPER"]);
        builder.add_catalogue_bundle(Task::Courier, (4, Dispatched, 4), &["DUVET"]);
        builder.add_catalogue_bundle(Task::Slips, (5, Dispatched, 6), &["BED-LOW"]);
        builder.add_catalogue_bundle(Task::Slips, (6, Dispatched, 6), &["MAT-POCKET"]);
        builder.add_catalogue_bundle(Task::Return, (7, Shipped, 9), &["BED-STORAGE", "SIDE-TABLE"]);
        builder.add_catalogue_bundle(Task::Merge, (8, Placed, 1), &["MAT-FOAM"]);
        builder.add_catalogue_bundle(Task::Merge, (8, Placed, 0), &["PAD"]);
        builder.add_catalogue_bundle(Task::Address, (9, Purchased, 3), &["SOFA-3", "TABLE-4"]);
        builder.add_catalogue_bundle(Task::Complete, (10, Dispatched, 6), &["MAT-LATEX"]);
        builder.add_catalogue_bundle(Task::Claim, (11, Purchased, 3), &["BED-LOW"]);
        builder.add_catalogue_bundle(Task::Claim, (12, Purchased, 3), &["MAT-FOAM"]);

        let correct = builder.people.get(9).map(|person| person.address2.clone()).unwrap_or_default();
        for Exercise { order, .. } in builder.exercises.iter_mut().filter(|exercise| exercise.task == Task::Address) {
            WRONG_ADDRESS.clone_into(&mut order.recipient.address2);
            order.customer_message = format!("상세주소를 옛집으로 적었어요. '{correct}'로 보내 주세요.");
        }
        Self { session, exercises: builder.exercises, pohang }
    }

    /// The day of the exercises about plans: the first that the demo shop has not planned and that is no Sunday, when no
    /// truck drives.
    pub fn plan_day(&self) -> NaiveDate {
        let day = self.session.at.date() + Days::new(PLANNED_DAYS);
        if day.weekday() == Weekday::Sun { day + Days::new(1) } else { day }
    }

    /// The day of the session, whose second truck a driver of the demo shop has.
    pub fn today(&self) -> NaiveDate {
        self.session.at.date()
    }

    /// Orders of the practice file.
    pub fn uploaded(&self) -> Vec<&NewOrder> {
        self.of_task(Task::Upload)
    }

    /// Orders inserted at the start of the session.
    pub fn prepared(&self) -> Vec<&NewOrder> {
        self.exercises.iter().filter(|one| one.task != Task::Upload).map(|one| &one.order).collect()
    }

    /// Orders of a task. [`Task::Label`] and [`Task::Purchase`] use the uploaded orders of the new product.
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

    /// Order numbers of all exercises.
    pub fn order_numbers(&self) -> impl Iterator<Item = &str> {
        self.exercises.iter().map(|one| one.order.order_number.as_str())
    }

    /// 판매자 상품코드 of the new product.
    pub fn product_number(&self) -> String {
        new_product(self.session).0
    }

    /// Sets an inserted order to its initial state, one day per state.
    pub fn set_initial_state(&self, order: &mut Order) {
        let Some(exercise) = self.exercises.iter().find(|one| one.order.order_number == order.order_number) else {
            return;
        };
        let mut at = exercise.order.placed_at;
        for state in OrderState::ALL.into_iter().filter(|state| *state <= exercise.state).skip(1) {
            at = at.plus_ms(DAY_MS);
            order.set_state(state, at);
        }
    }

    /// Tracking number of an order in the courier's file: eleven digits.
    pub fn tracking_number(order_number: &str) -> String {
        format!("4{}", order_number.get(order_number.len().saturating_sub(10)..).unwrap_or(order_number))
    }

    /// Detail address that the customer asks for in [`Task::Address`].
    pub fn correct_address(&self) -> &str {
        let message = self.of_task(Task::Address).first().map_or("", |order| order.customer_message.as_str());
        message.split('\'').nth(1).unwrap_or_default()
    }

    /// Start date of the session.
    pub fn start_date(&self) -> chrono::NaiveDate {
        self.session.at.date()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::districts::Classification;

    const SESSION: PracticeSession =
        PracticeSession { id: PracticeId::from_raw(812_345_678_901_234), at: Moment(1_795_316_400_000) };

    #[test]
    fn each_session_has_unique_orders_for_every_task() {
        let (exercises, other) = (
            ExerciseSet::for_session(SESSION),
            ExerciseSet::for_session(PracticeSession { id: PracticeId::from_raw(812_345_678_901_235), ..SESSION }),
        );
        assert_eq!(exercises.exercises, ExerciseSet::for_session(SESSION).exercises);
        let numbers: BTreeSet<&str> = exercises.order_numbers().collect();
        assert_eq!(numbers.len(), exercises.exercises.len());
        assert!(numbers.iter().all(|number| number.len() == 16 && number.starts_with('9')));
        assert!(other.order_numbers().all(|number| !numbers.contains(number)));
        assert_ne!(exercises.product_number(), other.product_number());
        let without_orders = [Task::Counter, Task::Plan, Task::Hold, Task::Drive];
        for task in Task::ALL.into_iter().filter(|task| !without_orders.contains(task)) {
            assert!(!exercises.of_task(task).is_empty(), "{task:?}");
        }
        let parcels = exercises.of_task(Task::Courier);
        let tracking_numbers: BTreeSet<String> =
            parcels.iter().map(|one| ExerciseSet::tracking_number(&one.order_number)).collect();
        assert!(tracking_numbers.len() == parcels.len() && tracking_numbers.iter().all(|number| number.len() == 11));
    }

    #[test]
    fn exercises_have_the_properties_their_tasks_need() {
        let exercises = ExerciseSet::for_session(SESSION);
        let districts = Districts::embedded();
        let slips = exercises.of_task(Task::Slips);
        assert!(slips.len() == 2 && slips[0].bundle_number != slips[1].bundle_number);
        for order in slips {
            let Classification::District { code } = districts.lookup(&order.recipient.zip_code) else {
                panic!("nowhere")
            };
            assert_eq!(exercises.pohang.map(|(_, sigungu)| sigungu), Some(code));
        }
        let merged = exercises.of_task(Task::Merge);
        assert!(merged[0].recipient == merged[1].recipient && merged[0].bundle_number != merged[1].bundle_number);
        let outdated = exercises.of_task(Task::Address);
        assert!(outdated.len() == 2 && outdated[0].bundle_number == outdated[1].bundle_number);
        assert!(outdated.iter().all(|order| order.recipient.address2 != exercises.correct_address()));
        assert!(exercises.correct_address().ends_with('호'));
    }
}

//! Own trucks of the demo shop, deliveries and other jobs that are due today and in the days to come, and the plans of these
//! days.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use chrono::{Days, NaiveDate};

use super::{driver_day, finished_days};
use crate::audit::{Actor, MemberActor};
use crate::districts::Districts;
use crate::districts::store::points as point_corrections;
use crate::id::{DeliveryId, MemberId, OrderId};
use crate::orders::bundle::DeliveryState;
use crate::orders::model::{Order, OrderState};
use crate::orders::store::{self as orders, Action, ChangeContext, with_changes};
use crate::plans::assign::plan_roughly;
use crate::plans::board::{self, BoardItem};
use crate::plans::edit::{self, EditContext, SeenVersions};
use crate::plans::model::{Job, JobKind, TourState};
use crate::plans::store::due;
use crate::plans::store::works::{whole_deliveries, works};
use crate::plans::task;
use crate::plans::work::DeliveryWork;
use crate::products::store as products;
use crate::routing::points::{PostalPoints, micro_degrees};
use crate::routing::travel::driving_seconds;
use crate::sites::address::building;
use crate::sites::model::{Elevator, LadderTruck, SiteFacts};
use crate::sites::store as sites;
use crate::storage::{Result, StorageError, Tx};
use crate::trucks::calendar::{SpecialDay, WorkingCalendar};
use crate::trucks::handling::PieceEffort;
use crate::trucks::model::Truck;
use crate::trucks::store::{self as trucks, HandlingKey};
use crate::trucks::weekdays::Weekdays;

/// Postal code of the depot: 경상북도 칠곡군.
const DEPOT_ZIP: &str = "39867";

/// Every so many open deliveries go to a building with a site card.
const EVERY_SITE: usize = 5;

/// Most deliveries that are due on one day.
const MAX_DUE_PER_DAY: usize = 24;

/// Days from today for the deliveries that are not due today, in turns: tomorrow has half of them.
const LATER_DAYS: [u64; 6] = [1, 2, 1, 3, 1, 4];

/// Days from today on which the trucks of the demo work, whatever weekday or holiday it is, so that every trainee finds them.
const WORKING_DAYS: u64 = 5;

/// Days from today that are planned.
pub const PLANNED_DAYS: u64 = 3;

/// Jobs beside deliveries: what is done, and days from today; none is without a day.
const JOBS: [(JobKind, Option<u64>); 10] = [
    (JobKind::Collect, Some(0)),
    (JobKind::Swap, Some(1)),
    (JobKind::Service, Some(1)),
    (JobKind::Collect, Some(2)),
    (JobKind::Swap, Some(3)),
    (JobKind::Collect, Some(3)),
    (JobKind::Service, Some(3)),
    (JobKind::Measure, Some(3)),
    (JobKind::Collect, Some(4)),
    (JobKind::Measure, None),
];

/// Weekdays of districts: the name, and numbers from Monday.
const WEEKDAYS: [(&str, [usize; 3]); 2] = [("강원특별자치도", [0, 2, 4]), ("전라남도", [1, 3, 5])];

/// A postal code near the depot whose point was corrected, and the one whose point it took.
const CORRECTED_POINT: (&str, &str) = ("39868", "39866");

/// Districts between which drives take another time than estimated: their names, percent of the estimate, and the drives
/// that it was learnt from; 0: set by hand.
const ROAD_FACTORS: [([&str; 2], i64, i64); 2] =
    [(["경상북도 칠곡군", "경상북도 성주군"], 115, 0), (["경상북도 칠곡군", "경상북도 구미시"], 108, 34)];

/// Inserts trucks, their settings, dates of deliveries and the plans of the next days, made by the member `admin_id`; a
/// tour of today is handed out to the member `driver_id`.
pub(super) fn insert(tx: &mut dyn Tx, (admin_id, driver_id): (MemberId, MemberId)) -> Result<()> {
    let districts = Districts::embedded();
    let crew = Truck::suggestion("1호차".to_owned());
    let small = Truck {
        crew: 1,
        volume: 600,
        pieces: 12,
        second_round_at: Some(13 * 60 + 30),
        ..Truck::suggestion("3호차".to_owned())
    };
    for truck in [crew.clone(), Truck { name: "2호차".to_owned(), ..crew }, small] {
        trucks::insert(tx, &truck)?;
    }
    let mut settings = trucks::settings(tx)?;
    DEPOT_ZIP.clone_into(&mut settings.depot_zip);
    trucks::save_settings(tx, &settings)?;
    for (name, days) in WEEKDAYS {
        if let Some(region) = districts.sidos().find(|sido| sido.full_name == name) {
            trucks::set_district_weekdays(tx, region.code, None, Some(Weekdays::from_numbers(days)))?;
        }
    }
    for product in products::all(tx)? {
        if let Some(handling) = handling(&product.name) {
            trucks::set_handling(tx, HandlingKey::Product(product.id), None, Some(handling))?;
        }
    }
    correct_estimates(tx, &districts, admin_id)?;
    finished_days::insert(tx, driver_id)?;
    work_in_spite_of_holidays(tx)?;
    set_due_dates(tx, &districts)?;
    let actor = MemberActor { id: admin_id, address: IpAddr::V4(Ipv4Addr::LOCALHOST) };
    insert_jobs(tx, actor)?;
    insert_sites(tx, admin_id)?;
    let today = tx.now().date();
    driver_day::hand_out(tx, &districts, (actor, today), driver_id)?;
    for days in 0..PLANNED_DAYS {
        plan_day(tx, &districts, actor, today + Days::new(days))?;
    }
    fix_day(tx, &districts, admin_id, today + Days::new(1))
}

/// Corrects a point and the factors of roads, as a dispatcher does who knows them better.
fn correct_estimates(tx: &mut dyn Tx, districts: &Districts, admin_id: MemberId) -> Result<()> {
    let (zip, like_zip) = CORRECTED_POINT;
    if let Some((point, _)) = PostalPoints::new(districts).locate(like_zip) {
        point_corrections::set(tx, zip, micro_degrees(point), like_zip, admin_id)?;
    }
    for (names, percent, drives) in ROAD_FACTORS {
        if let [Some(from), Some(to)] = names.map(|name| districts.find_by_name(name)) {
            trucks::set_road_factor(tx, (from.code, to.code), Some((percent, drives)), admin_id)?;
        }
    }
    Ok(())
}

/// Makes working days of the next days on which the trucks would not drive.
fn work_in_spite_of_holidays(tx: &mut dyn Tx) -> Result<()> {
    let today = tx.now().date();
    let trucks = trucks::all(tx)?;
    for day in (0..WORKING_DAYS).map(|days| today + Days::new(days)) {
        if trucks.iter().any(|truck| WorkingCalendar::default().day_off(truck, day).is_some()) {
            let special = SpecialDay { day, truck_id: None, is_off: false, name: "연습하는 날".to_owned() };
            trucks::set_special_day(tx, &special)?;
        }
    }
    Ok(())
}

/// Plans the deliveries of a day, if a truck drives then. What the trucks of an earlier day had no time for waits on the
/// board of that day: those who train find each kind of job on today's.
fn plan_day(tx: &mut dyn Tx, districts: &Districts, actor: MemberActor, day: NaiveDate) -> Result<()> {
    let mut board = board::load(tx, districts, day)?;
    let today = tx.now().date();
    board.pool.retain(|item| due_day(item).is_none_or(|due| due == day || due < today));
    let Ok(plan) = plan_roughly(&board) else { return Ok(()) };
    let context = EditContext { actor, day, seen: SeenVersions::default() };
    // A refusal would mean that another dispatcher has changed the plan, and there is none.
    edit::apply(tx, districts, &context, &plan).map(|_| ())
}

/// The day for which something waits; none if it may come on any.
fn due_day(item: &BoardItem) -> Option<NaiveDate> {
    let moved_to = item.job.as_ref().and_then(|job| job.day);
    moved_to.or(item.work.preferred_date.filter(|_| item.work.task.is_none()))
}

/// Cards of the buildings of some open deliveries. They have no codes of entrances: nobody lives there.
fn insert_sites(tx: &mut dyn Tx, admin_id: MemberId) -> Result<()> {
    let settings = trucks::settings(tx)?;
    let table = trucks::handling_table(tx, settings.default_handling)?;
    let open = due::open(tx)?;
    let facts = [
        SiteFacts { elevator: Some(Elevator::Fits), parking_metres: Some(40), ..SiteFacts::default() },
        SiteFacts { elevator: Some(Elevator::Missing), note: "뒷문이 넓어요".to_owned(), ..SiteFacts::default() },
        SiteFacts {
            elevator: Some(Elevator::TooSmall),
            ladder_truck: Some(LadderTruck::Needed),
            parking_metres: Some(120),
            ..SiteFacts::default()
        },
    ];
    let works = works(tx, &open, &table)?;
    for (work, facts) in works.iter().step_by(EVERY_SITE).zip(facts.iter().cycle()) {
        if let Some(key) = building(&work.recipient.address1, &work.recipient.address2) {
            // Two deliveries may go to one building.
            sites::save(tx, &key, (facts, None), 0, admin_id)?;
        }
    }
    Ok(())
}

/// Fixes the plan of a day, so that its customers can be told.
fn fix_day(tx: &mut dyn Tx, districts: &Districts, admin_id: MemberId, day: NaiveDate) -> Result<()> {
    let board = board::load(tx, districts, day)?;
    let seen: SeenVersions = board.columns.iter().map(|column| (column.key(), column.version())).collect();
    let actor = MemberActor { id: admin_id, address: IpAddr::V4(Ipv4Addr::LOCALHOST) };
    let context = EditContext { actor, day, seen };
    // Nothing is fixed where no truck drives.
    edit::set_state(tx, districts, &context, TourState::Fixed, None).map(|_| ())
}

/// Makes jobs beside deliveries that are over, the nearest to the depot first: goods taken back and swapped, a repair and a
/// measurement, in turns on the days that are planned and after them.
fn insert_jobs(tx: &mut dyn Tx, actor: MemberActor) -> Result<()> {
    let districts = Districts::embedded();
    let points = PostalPoints::new(&districts);
    let Some((depot, _)) = points.locate(DEPOT_ZIP) else { return Ok(()) };
    let settings = trucks::settings(tx)?;
    let table = trucks::handling_table(tx, settings.default_handling)?;
    let delivered = due::delivered(tx)?;
    let mut near: Vec<(i32, DeliveryWork)> = whole_deliveries(tx, &delivered, &table)?
        .into_iter()
        .filter(|work| work.orders.iter().all(|order| order.state == OrderState::Shipped))
        .filter_map(|work| {
            let (point, _) = points.locate(&work.recipient.zip_code)?;
            Some((driving_seconds(depot, point), work))
        })
        .collect();
    near.sort_by_key(|(seconds, work)| (*seconds, work.delivery_id));
    let today = tx.now().date();
    for ((_, work), (kind, days)) in near.into_iter().zip(JOBS) {
        let Some(order) = work.orders.first() else { continue };
        match kind {
            JobKind::Collect => set_claim(tx, order.id, "반품요청")?,
            JobKind::Swap => set_claim(tx, order.id, "교환요청")?,
            JobKind::Deliver | JobKind::Service | JobKind::Measure => {}
        }
        let mut task = task::suggestion(&work, kind, &[order.id]);
        match kind {
            JobKind::Service => task.goods = format!("{} 서랍 레일 교체", order.product_name),
            JobKind::Measure => "붙박이장 자리 실측".clone_into(&mut task.goods),
            JobKind::Deliver | JobKind::Collect | JobKind::Swap => {}
        }
        task.goods = task.goods.chars().take(task::MAX_GOODS_CHARS).collect();
        let (minutes, crew) = if kind.collects() { (Some(25), None) } else { (Some(40), Some(1)) };
        let day = days.map(|days| today + Days::new(days));
        let job = Job { delivery_id: work.delivery_id, day, minutes, crew, ..Job::default() };
        // A refusal would mean that the delivery has such a job, and there is none.
        task::create(tx, actor, &job, &task)?.ok();
    }
    Ok(())
}

/// Sets the claim of an order, as its channel would.
fn set_claim(tx: &mut dyn Tx, order_id: OrderId, claim: &str) -> Result<()> {
    let cause = ChangeContext { actor: Actor::Program, upload_id: None, action: Action::Edited };
    with_changes(tx, cause, |changes| {
        for order in orders::find(changes.tx, &[order_id])? {
            let claimed = Order { claim: claim.to_owned(), ..order.clone() };
            if claimed != order {
                changes.save(&order, &claimed)?;
            }
        }
        Ok::<_, StorageError>(())
    })
}

/// The handling of a product of the catalogue; small ones have the default of the shop.
fn handling(name: &str) -> Option<PieceEffort> {
    let rules = [
        ("프레임", 35, 2, 80),
        ("매트리스", 15, 1, 60),
        ("침대", 45, 2, 120),
        ("소파", 30, 2, 250),
        ("서랍장", 15, 2, 90),
    ];
    let (_, minutes, crew, volume) = rules.into_iter().find(|(word, ..)| name.contains(word))?;
    Some(PieceEffort { minutes, crew, volume, pieces: 1 })
}

/// An open delivery that gets a date. Its order is that of the distance.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct OpenDelivery {
    /// from the depot
    seconds: i32,
    id: DeliveryId,
    /// whether it has left the factory
    is_ready: bool,
    /// whether it has two orders that could come on different days
    is_divisible: bool,
}

/// Sets the 희망배송일 of the open deliveries, the nearest to the depot first: today for those that have left the factory,
/// one of the days to come for the others, so that every day has deliveries in several districts. As far as there are
/// enough, every day has one of several orders, for those who want to divide it.
fn set_due_dates(tx: &mut dyn Tx, districts: &Districts) -> Result<()> {
    let today = tx.now().date();
    let points = PostalPoints::new(districts);
    let Some((depot, _)) = points.locate(DEPOT_ZIP) else { return Ok(()) };
    let settings = trucks::settings(tx)?;
    let table = trucks::handling_table(tx, settings.default_handling)?;
    let open = due::open(tx)?;
    let mut near: Vec<OpenDelivery> = works(tx, &open, &table)?
        .into_iter()
        .filter_map(|work| {
            let (point, _) = points.locate(&work.recipient.zip_code)?;
            let waiting = work.orders.iter().filter(|order| order.state < OrderState::Shipped && !order.is_held);
            Some(OpenDelivery {
                seconds: driving_seconds(depot, point),
                id: work.delivery_id,
                is_ready: work.state == DeliveryState::ReadyToShip,
                is_divisible: waiting.count() > 1,
            })
        })
        .collect();
    near.sort_unstable();
    // A small shop may have nothing ready, and a driver who trains needs a stop.
    if near.iter().all(|one| !one.is_ready)
        && let Some(nearest) = near.first_mut()
    {
        nearest.is_ready = true;
    }
    let mut days: BTreeMap<NaiveDate, Vec<DeliveryId>> = BTreeMap::new();
    for offset in 0..WORKING_DAYS {
        let fits = |one: &OpenDelivery| one.is_divisible && (one.is_ready || offset > 0);
        if let Some(at) = near.iter().position(fits) {
            days.entry(today + Days::new(offset)).or_default().push(near.remove(at).id);
        }
    }
    let mut later = LATER_DAYS.into_iter().cycle();
    for OpenDelivery { id, is_ready, .. } in near {
        let is_for_today = is_ready && days.get(&today).is_none_or(|due| due.len() < MAX_DUE_PER_DAY);
        let day = if is_for_today { today } else { today + Days::new(later.next().unwrap_or(1)) };
        let due = days.entry(day).or_default();
        if due.len() < MAX_DUE_PER_DAY {
            due.push(id);
        }
    }
    let cause = ChangeContext { actor: Actor::Program, upload_id: None, action: Action::Edited };
    with_changes(tx, cause, |changes| {
        for (day, deliveries) in &days {
            for delivery in deliveries {
                for order in orders::bundles::orders_of(changes.tx, *delivery)? {
                    let dated = Order { preferred_shipping_date: Some(*day), ..order.clone() };
                    changes.save(&order, &dated)?;
                }
            }
        }
        Ok::<_, StorageError>(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{DemoPlan, ResetSchedule};
    use crate::demo::Demo;
    use crate::members::passwords::PasswordHasher;
    use crate::orders::testing::Shop;
    use crate::trucks::roads::road_name;

    #[test]
    fn demo_shows_a_corrected_point_and_roads_that_take_longer() {
        Shop::open()
            .write(|tx, _| {
                let districts = Districts::embedded();
                let admin_id = crate::members::store::add(tx, "admin", crate::members::model::Role::Admin, "hash")?;
                correct_estimates(tx, &districts, admin_id.expect("a free name"))?;
                let factors = trucks::road_factors(tx)?;
                let roads: Vec<String> = factors.iter().map(|factor| road_name(&districts, factor.areas)).collect();
                assert_eq!(roads, ["구미시 ↔ 칠곡군", "성주군 ↔ 칠곡군"]);
                let corrected = point_corrections::list(tx)?;
                assert_eq!(corrected.iter().map(|point| point.zip.as_str()).collect::<Vec<_>>(), [CORRECTED_POINT.0]);
                let points = PostalPoints::new(&districts);
                assert_ne!(points.locate(CORRECTED_POINT.0), points.locate(CORRECTED_POINT.1), "it moves");
                Ok(())
            })
            .expect("writes");
    }

    #[test]
    fn what_is_due_on_an_earlier_day_waits_on_its_board() {
        let shop = Shop::open();
        let demo = Demo::new(DemoPlan { orders: 300, reset_every: ResetSchedule::NEVER, is_public: false });
        shop.block_on(demo.reset(&shop.storage, &PasswordHasher::default())).expect("an empty shop");
        shop.write(|tx, _| {
            let (districts, day) = (Districts::embedded(), tx.now().date() + Days::new(PLANNED_DAYS + 1));
            let admin_id = MemberId::from_raw(tx.scalar("SELECT min(id) FROM members", &[])?);
            let actor = MemberActor { id: admin_id, address: IpAddr::V4(Ipv4Addr::LOCALHOST) };
            plan_day(tx, &districts, actor, day)?;
            let board = board::load(tx, &districts, day)?;
            let stops = board.columns.iter().flat_map(|column| &column.stops);
            let planned: Vec<Option<NaiveDate>> = stops.map(|stop| due_day(&stop.item)).collect();
            assert!(planned.iter().flatten().all(|due| *due == day), "{planned:?} on {day}");
            let waits = board.pool.iter().any(|item| due_day(item).is_some_and(|due| due < day));
            assert!(waits, "what was due the day before is still to be planned");
            Ok(())
        })
        .expect("plans");
    }
}

//! Own trucks of the demo shop, and deliveries that are due tomorrow.

use chrono::Days;

use crate::audit::Actor;
use crate::districts::Districts;
use crate::orders::model::Order;
use crate::orders::store::{self as orders, Action, ChangeContext, with_changes};
use crate::plans::store::due;
use crate::plans::store::works::works;
use crate::products::store as products;
use crate::routing::points::PostalPoints;
use crate::routing::travel::driving_seconds;
use crate::storage::{Result, StorageError, Tx};
use crate::trucks::handling::PieceEffort;
use crate::trucks::model::Truck;
use crate::trucks::store::{self as trucks, HandlingKey};
use crate::trucks::weekdays::Weekdays;

/// Postal code of the depot: 경상북도 칠곡군.
const DEPOT_ZIP: &str = "39867";

/// Deliveries that are due tomorrow, those nearest to the depot.
const DUE_TOMORROW: usize = 24;

/// Weekdays of districts: the name, and numbers from Monday.
const WEEKDAYS: [(&str, [usize; 3]); 2] = [("강원특별자치도", [0, 2, 4]), ("전라남도", [1, 3, 5])];

/// Inserts trucks, their settings, and dates of deliveries.
pub(super) fn insert(tx: &mut dyn Tx) -> Result<()> {
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
    set_due_dates(tx, &districts)
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

/// Sets the 희망배송일 of the open deliveries nearest to the depot to tomorrow.
fn set_due_dates(tx: &mut dyn Tx, districts: &Districts) -> Result<()> {
    let tomorrow = tx.now().date() + Days::new(1);
    let points = PostalPoints::new(districts);
    let Some((depot, _)) = points.locate(DEPOT_ZIP) else { return Ok(()) };
    let settings = trucks::settings(tx)?;
    let table = trucks::handling_table(tx, settings.default_handling)?;
    let open = due::open(tx)?;
    let mut near: Vec<(i32, i64)> = works(tx, &open, &table)?
        .into_iter()
        .filter_map(|work| {
            let (point, _) = points.locate(&work.recipient.zip_code)?;
            Some((driving_seconds(depot, point), work.delivery_id))
        })
        .collect();
    near.sort_unstable();
    let chosen: Vec<i64> = near.into_iter().take(DUE_TOMORROW).map(|(_, id)| id).collect();
    let cause = ChangeContext { actor: Actor::Program, upload_id: None, action: Action::Edited };
    with_changes(tx, cause, |changes| {
        for delivery in &chosen {
            for order in orders::bundles::orders_of(changes.tx, *delivery)? {
                let dated = Order { preferred_shipping_date: Some(tomorrow), ..order.clone() };
                changes.save(&order, &dated)?;
            }
        }
        Ok::<_, StorageError>(())
    })
}

//! SQL of trucks, weekdays of districts, special days, handling and settings.

use std::collections::HashMap;

use chrono::NaiveDate;

use super::calendar::SpecialDay;
use super::handling::{HandlingRow, HandlingTable, PieceEffort};
use super::model::Truck;
use super::service_area::ServiceArea;
use super::settings::{TruckSettings, ferry_text, parse_ferry_text};
use super::weekdays::Weekdays;
use crate::id::{MemberId, ProductId, TruckId, VariantId};
use crate::routing::travel::{self, Roads};
use crate::storage::{Param, Result, Row, StorageError, Tx};
use crate::time::Moment;

const COLUMNS: &str = "id, name, plate, enabled, crew, volume, pieces, weekdays, starts_at, shift_minutes, \
                       overtime_minutes, second_round_at, depot_zip, version";

fn truck(mut row: Row) -> Result<Truck> {
    let id = row.id(0)?;
    let inconsistent = || StorageError::Inconsistent(format!("trucks.weekdays of {id:?}"));
    Ok(Truck {
        id,
        name: row.text(1)?,
        plate: row.text(2)?,
        enabled: row.bool(3)?,
        crew: row.int(4)?,
        volume: row.int(5)?,
        pieces: row.int(6)?,
        weekdays: Weekdays::from_stored(row.int(7)?).ok_or_else(inconsistent)?,
        starts_at: row.int(8)?,
        shift_minutes: row.int(9)?,
        overtime_minutes: row.int(10)?,
        second_round_at: row.opt_int(11)?,
        depot_zip: row.text(12)?,
        version: row.int(13)?,
    })
}

/// All trucks, by name.
pub fn all(tx: &mut dyn Tx) -> Result<Vec<Truck>> {
    let mut trucks: Vec<Truck> =
        tx.query(&format!("SELECT {COLUMNS} FROM trucks"), &[])?.into_iter().map(truck).collect::<Result<_>>()?;
    trucks.sort_by(|one, other| (&one.name, one.id).cmp(&(&other.name, other.id)));
    Ok(trucks)
}

/// The truck of that identifier.
pub fn find(tx: &mut dyn Tx, id: TruckId) -> Result<Option<Truck>> {
    tx.query_one(&format!("SELECT {COLUMNS} FROM trucks WHERE id = ?"), &[id.into()])?.map(truck).transpose()
}

/// Identifier of the truck with that name.
pub fn id_by_name(tx: &mut dyn Tx, name: &str) -> Result<Option<TruckId>> {
    tx.query_one("SELECT id FROM trucks WHERE name = ?", &[name.into()])?.map(|row| row.id(0)).transpose()
}

fn values(truck: &Truck) -> [Param<'_>; 12] {
    [
        truck.name.as_str().into(),
        truck.plate.as_str().into(),
        truck.enabled.into(),
        truck.crew.into(),
        truck.volume.into(),
        truck.pieces.into(),
        truck.weekdays.stored().into(),
        truck.starts_at.into(),
        truck.shift_minutes.into(),
        truck.overtime_minutes.into(),
        truck.second_round_at.into(),
        truck.depot_zip.as_str().into(),
    ]
}

/// Inserts a truck; returns its identifier.
pub fn insert(tx: &mut dyn Tx, truck: &Truck) -> Result<TruckId> {
    let id = tx.new_id::<TruckId>();
    let sql = "INSERT INTO trucks (name, plate, enabled, crew, volume, pieces, weekdays, starts_at, shift_minutes, \
               overtime_minutes, second_round_at, depot_zip, id, version) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)";
    let params: Vec<Param<'_>> = values(truck).into_iter().chain([id.into()]).collect();
    tx.exec(sql, &params)?;
    Ok(id)
}

/// Updates a truck; false, without a change, if its stored version differs.
pub fn update(tx: &mut dyn Tx, truck: &Truck) -> Result<bool> {
    let sql = "UPDATE trucks SET name = ?, plate = ?, enabled = ?, crew = ?, volume = ?, pieces = ?, weekdays = ?, \
               starts_at = ?, shift_minutes = ?, overtime_minutes = ?, second_round_at = ?, depot_zip = ?, \
               version = version + 1 \
               WHERE id = ? AND version = ?";
    let params: Vec<Param<'_>> = values(truck).into_iter().chain([truck.id.into(), truck.version.into()]).collect();
    Ok(tx.exec(sql, &params)? > 0)
}

/// The weekdays of the districts that have their own, by code.
pub fn district_weekdays(tx: &mut dyn Tx) -> Result<Vec<(i64, Weekdays)>> {
    let rows = tx.query("SELECT region_code, weekdays FROM district_weekdays ORDER BY region_code", &[])?;
    let weekdays = rows.into_iter().map(|row| {
        let code = row.int(0)?;
        let inconsistent = || StorageError::Inconsistent(format!("district_weekdays {code}"));
        Ok((code, Weekdays::from_stored(row.int(1)?).ok_or_else(inconsistent)?))
    });
    weekdays.collect()
}

/// Sets the weekdays of a district; none deletes them. False, without a change, if the stored ones are not `was`.
pub fn set_district_weekdays(
    tx: &mut dyn Tx,
    region_code: i64,
    was: Option<Weekdays>,
    is: Option<Weekdays>,
) -> Result<bool> {
    let sql = "SELECT weekdays FROM district_weekdays WHERE region_code = ?";
    let stored = tx.query_one(sql, &[region_code.into()])?.map(|row| row.int(0)).transpose()?;
    if stored != was.map(Weekdays::stored) {
        return Ok(false);
    }
    match is {
        Some(weekdays) => tx.upsert(
            "district_weekdays",
            &[("region_code", region_code.into())],
            &[("weekdays", weekdays.stored().into())],
        )?,
        None => {
            tx.exec("DELETE FROM district_weekdays WHERE region_code = ?", &[region_code.into()])?;
        }
    }
    Ok(true)
}

/// The special days from one day to another, inclusive.
pub fn special_days(tx: &mut dyn Tx, from: NaiveDate, to: NaiveDate) -> Result<Vec<SpecialDay>> {
    let mut days = Vec::new();
    for (table, truck) in [("special_days", "NULL"), ("truck_special_days", "truck_id")] {
        let sql = format!("SELECT day, {truck}, is_off, name FROM {table} WHERE day BETWEEN ? AND ?");
        tx.for_each(&sql, &[from.into(), to.into()], &mut |mut row| {
            let day = row.opt_date(0)?;
            days.push(SpecialDay {
                day: day.ok_or_else(|| StorageError::Inconsistent(format!("{table}.day")))?,
                truck_id: row.opt_id(1)?,
                is_off: row.bool(2)?,
                name: row.text(3)?,
            });
            Ok(())
        })?;
    }
    days.sort_by_key(|special| (special.day, special.truck_id));
    Ok(days)
}

/// Sets a special day, replacing another one of that day and truck.
pub fn set_special_day(tx: &mut dyn Tx, special: &SpecialDay) -> Result<()> {
    let values = [("is_off", special.is_off.into()), ("name", special.name.as_str().into())];
    match special.truck_id {
        None => tx.upsert("special_days", &[("day", special.day.into())], &values),
        Some(id) => tx.upsert("truck_special_days", &[("day", special.day.into()), ("truck_id", id.into())], &values),
    }
}

/// Deletes a special day; false if there is none.
pub fn delete_special_day(tx: &mut dyn Tx, day: NaiveDate, truck_id: Option<TruckId>) -> Result<bool> {
    let deleted = match truck_id {
        None => tx.exec("DELETE FROM special_days WHERE day = ?", &[day.into()])?,
        Some(id) => {
            tx.exec("DELETE FROM truck_special_days WHERE day = ? AND truck_id = ?", &[day.into(), id.into()])?
        }
    };
    Ok(deleted > 0)
}

/// What a handling is stored for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandlingKey {
    /// the product of that identifier
    Product(ProductId),
    /// the variant of that identifier
    Variant(VariantId),
}

impl HandlingKey {
    const fn table(self) -> (&'static str, &'static str, i64) {
        match self {
            Self::Product(id) => ("product_handling", "product_id", id.raw()),
            Self::Variant(id) => ("variant_handling", "variant_id", id.raw()),
        }
    }
}

fn handling(row: &Row, from: usize) -> Result<PieceEffort> {
    Ok(PieceEffort {
        minutes: row.int(from)?,
        crew: row.int(from + 1)?,
        volume: row.int(from + 2)?,
        pieces: row.int(from + 3)?,
    })
}

/// The stored handling of products, by product.
pub fn product_handling(tx: &mut dyn Tx) -> Result<HashMap<ProductId, PieceEffort>> {
    let sql = "SELECT product_id, minutes, crew, volume, pieces FROM product_handling";
    tx.query(sql, &[])?.iter().map(|row| Ok((row.id(0)?, handling(row, 1)?))).collect()
}

/// A variant with a handling of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariantHandling {
    /// the variant
    pub variant_id: VariantId,
    /// its product, option and handling
    pub row: HandlingRow,
}

/// The stored handling of variants.
pub fn variant_handling(tx: &mut dyn Tx) -> Result<Vec<VariantHandling>> {
    let by_id = tx.primary_key_hint("variants");
    let sql = format!(
        "SELECT h.variant_id, v.product_id, v.option_key, v.option_value, h.minutes, h.crew, h.volume, h.pieces \
         FROM variant_handling h CROSS JOIN variants v {by_id} ON v.id = h.variant_id"
    );
    let mut found = Vec::new();
    tx.for_each(&sql, &[], &mut |mut row| {
        let option = Some((row.text(2)?, row.text(3)?));
        let stored = HandlingRow { product_id: row.id(1)?, option, handling: handling(&row, 4)? };
        found.push(VariantHandling { variant_id: row.id(0)?, row: stored });
        Ok(())
    })?;
    Ok(found)
}

/// Sets the handling of a product or variant; none deletes it. False, without a change, if the stored one is not `was`.
pub fn set_handling(
    tx: &mut dyn Tx,
    key: HandlingKey,
    was: Option<PieceEffort>,
    is: Option<PieceEffort>,
) -> Result<bool> {
    let (table, column, id) = key.table();
    let sql = format!("SELECT minutes, crew, volume, pieces FROM {table} WHERE {column} = ?");
    let stored = tx.query_one(&sql, &[id.into()])?.map(|row| handling(&row, 0)).transpose()?;
    if stored != was {
        return Ok(false);
    }
    match is {
        Some(PieceEffort { minutes, crew, volume, pieces }) => tx.upsert(
            table,
            &[(column, id.into())],
            &[("minutes", minutes.into()), ("crew", crew.into()), ("volume", volume.into()), ("pieces", pieces.into())],
        )?,
        None => {
            tx.exec(&format!("DELETE FROM {table} WHERE {column} = ?"), &[id.into()])?;
        }
    }
    Ok(true)
}

/// The handling of all products and options.
pub fn handling_table(tx: &mut dyn Tx, default: PieceEffort) -> Result<HandlingTable> {
    let products = product_handling(tx)?.into_iter();
    let products = products.map(|(product_id, handling)| HandlingRow { product_id, option: None, handling });
    let variants = variant_handling(tx)?.into_iter().map(|variant| variant.row);
    Ok(HandlingTable::new(default, products.chain(variants)))
}

const DEPOT_ZIP: &str = "trucks.depot_zip";
const FERRY_ZIPS: &str = "trucks.ferry_zips";
const LEAD_DAYS: &str = "trucks.lead_days";
const DEFAULT_HANDLING: [&str; 4] = ["trucks.minutes", "trucks.crew", "trucks.volume", "trucks.pieces"];

/// Loads the settings.
pub fn settings(tx: &mut dyn Tx) -> Result<TruckSettings> {
    let mut settings = TruckSettings::default();
    for mut row in tx.query("SELECT name, value FROM settings WHERE name LIKE 'trucks.%'", &[])? {
        let (name, value) = (row.text(0)?, row.text(1)?);
        let default = &mut settings.default_handling;
        let numbers = [&mut default.minutes, &mut default.crew, &mut default.volume, &mut default.pieces];
        let inconsistent = || StorageError::Inconsistent(format!("settings: {name}"));
        match name.as_str() {
            DEPOT_ZIP => settings.depot_zip = value,
            LEAD_DAYS => settings.lead_days = value.parse().map_err(|_| inconsistent())?,
            FERRY_ZIPS => settings.ferry_zips = parse_ferry_text(&value).map_err(|_| inconsistent())?,
            other => {
                if let Some((_, number)) = DEFAULT_HANDLING.iter().zip(numbers).find(|(known, _)| **known == other) {
                    *number = value.parse().map_err(|_| inconsistent())?;
                }
            }
        }
    }
    Ok(settings)
}

/// Saves the settings.
pub fn save_settings(tx: &mut dyn Tx, settings: &TruckSettings) -> Result<()> {
    let PieceEffort { minutes, crew, volume, pieces } = settings.default_handling;
    let numbers = DEFAULT_HANDLING.into_iter().zip([minutes, crew, volume, pieces].map(|number| number.to_string()));
    let texts = [
        (DEPOT_ZIP, settings.depot_zip.clone()),
        (FERRY_ZIPS, ferry_text(&settings.ferry_zips)),
        (LEAD_DAYS, settings.lead_days.to_string()),
    ];
    for (name, value) in texts.into_iter().chain(numbers) {
        tx.upsert("settings", &[("name", name.into())], &[("value", value.into())])?;
    }
    Ok(())
}

/// How much longer drives between two districts take, as the list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoadFactor {
    /// codes of the 시/군/구, the smaller first
    pub areas: (i64, i64),
    /// percent of the estimate
    pub percent: i64,
    /// drives that it was learnt from; 0: set by hand
    pub drives: i64,
    /// who saved it; none if the account is gone
    pub username: Option<String>,
    /// when
    pub saved_at: Moment,
}

/// The roads of the shop.
pub fn roads(tx: &mut dyn Tx) -> Result<Roads> {
    let mut factors = Vec::new();
    tx.for_each("SELECT from_code, to_code, percent FROM road_factors", &[], &mut |row| {
        factors.push(((row.int(0)?, row.int(1)?), row.int(2)?));
        Ok(())
    })?;
    Ok(Roads::new(factors))
}

/// The factors of the roads, by their districts.
pub fn road_factors(tx: &mut dyn Tx) -> Result<Vec<RoadFactor>> {
    let sql = "SELECT f.from_code, f.to_code, f.percent, f.drives, m.username, f.saved_at FROM road_factors f \
               LEFT JOIN members m ON m.id = f.member_id ORDER BY f.from_code, f.to_code";
    let rows = tx.query(sql, &[])?;
    rows.into_iter()
        .map(|mut row| {
            Ok(RoadFactor {
                areas: (row.int(0)?, row.int(1)?),
                percent: row.int(2)?,
                drives: row.int(3)?,
                username: row.opt_text(4)?,
                saved_at: row.moment(5)?,
            })
        })
        .collect()
}

/// Sets the percent of the estimate that drives between two districts take, with the drives that it was learnt from (0: by
/// hand); none deletes it.
pub fn set_road_factor(
    tx: &mut dyn Tx,
    areas: (i64, i64),
    factor: Option<(i64, i64)>,
    member_id: MemberId,
) -> Result<()> {
    let (from, to) = travel::pair(areas.0, areas.1);
    let Some((percent, drives)) = factor else {
        let sql = "DELETE FROM road_factors WHERE from_code = ? AND to_code = ?";
        return tx.exec(sql, &[from.into(), to.into()]).map(drop);
    };
    let now = tx.now();
    let source = if drives > 0 { "learnt" } else { "hand" };
    tx.upsert(
        "road_factors",
        &[("from_code", from.into()), ("to_code", to.into())],
        &[
            ("percent", percent.into()),
            ("source", source.into()),
            ("drives", drives.into()),
            ("member_id", member_id.into()),
            ("saved_at", now.into()),
        ],
    )
}

/// The area that the trucks serve.
pub fn service_area(tx: &mut dyn Tx, settings: &TruckSettings) -> Result<ServiceArea> {
    Ok(ServiceArea::new(district_weekdays(tx)?, settings.ferry_zips.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::testing::{Shop, new_order};
    use crate::time::parse_date;

    #[test]
    fn truck_is_stored_and_a_stale_form_is_refused() {
        Shop::open()
            .write(|tx, _| {
                let id = insert(tx, &Truck { second_round_at: Some(780), ..Truck::suggestion("1호차".to_owned()) })?;
                let stored = find(tx, id)?.expect("the truck");
                assert_eq!((stored.second_round_at, id_by_name(tx, "1호차")?), (Some(780), Some(id)));
                assert!(update(tx, &Truck { crew: 1, ..stored.clone() })?);
                assert!(!update(tx, &stored)?, "changed since");
                assert_eq!(all(tx)?.iter().map(|truck| truck.crew).collect::<Vec<_>>(), [1]);
                Ok(())
            })
            .expect("writes");
    }

    #[test]
    fn weekdays_days_and_settings_are_stored() {
        Shop::open()
            .write(|tx, _| {
                let days = Weekdays::from_numbers([1, 4]);
                assert!(set_district_weekdays(tx, 47_190, None, Some(days))?);
                assert!(!set_district_weekdays(tx, 47_190, None, None)?, "set by somebody else");
                assert_eq!(district_weekdays(tx)?, [(47_190, days)]);
                assert!(set_district_weekdays(tx, 47_190, Some(days), None)?);

                let day = parse_date("2026-12-24").expect("a date");
                let special = SpecialDay { day, truck_id: None, is_off: true, name: "임시공휴일".to_owned() };
                set_special_day(tx, &special)?;
                set_special_day(tx, &SpecialDay { name: "창립기념일".to_owned(), ..special })?;
                let found = special_days(tx, day, day)?;
                assert_eq!(found.iter().map(|day| day.name.as_str()).collect::<Vec<_>>(), ["창립기념일"]);
                assert!(delete_special_day(tx, day, None)? && !delete_special_day(tx, day, None)?);

                let mut changed = settings(tx)?;
                "39867".clone_into(&mut changed.depot_zip);
                changed.default_handling.minutes = 25;
                changed.ferry_zips.clear();
                save_settings(tx, &changed)?;
                assert_eq!(settings(tx)?, changed);
                Ok(())
            })
            .expect("writes");
    }

    #[test]
    fn factor_of_a_road_is_set_and_taken_back() {
        Shop::open()
            .write(|tx, _| {
                let member = crate::members::store::add(tx, "kim", crate::members::model::Role::Admin, "hash")?;
                let member = member.expect("a free name");
                set_road_factor(tx, (47_190, 47_150), Some((120, 0)), member)?;
                set_road_factor(tx, (47_150, 47_190), Some((130, 9)), member)?;
                let found = road_factors(tx)?;
                let [factor] = &found[..] else { panic!("one for both directions: {found:?}") };
                assert_eq!((factor.areas, factor.percent, factor.drives), ((47_150, 47_190), 130, 9));
                assert_eq!(roads(tx)?.percent(Some(47_190), Some(47_150)), 130);
                set_road_factor(tx, (47_190, 47_150), None, member)?;
                assert_eq!(roads(tx)?, Roads::default());
                Ok(())
            })
            .expect("writes");
    }

    #[test]
    fn handling_of_an_option_is_found_by_its_words() {
        Shop::open()
            .write(|tx, files| {
                files.order(tx, "SMART_STORE", vec![new_order("1")])?;
                let product = ProductId::from_raw(tx.scalar("SELECT id FROM products", &[])?);
                let variant = VariantId::from_raw(tx.scalar("SELECT id FROM variants", &[])?);
                let own = PieceEffort { minutes: 40, ..PieceEffort::INITIAL };
                let (product_key, variant_key) = (HandlingKey::Product(product), HandlingKey::Variant(variant));
                assert!(set_handling(tx, product_key, None, Some(PieceEffort::INITIAL))?);
                assert!(set_handling(tx, variant_key, None, Some(own))?);
                assert!(!set_handling(tx, variant_key, None, None)?, "set by somebody else");
                let table = handling_table(tx, PieceEffort::INITIAL)?;
                assert_eq!(table.effort(product, [("색상", "월넛")]).handling, own);
                assert_eq!((product_handling(tx)?.len(), variant_handling(tx)?.len()), (1, 1));
                assert!(set_handling(tx, variant_key, Some(own), None)?);
                assert_eq!(handling_table(tx, own)?.effort(product, [("색상", "월넛")]).handling, PieceEffort::INITIAL);
                Ok(())
            })
            .expect("writes");
    }
}

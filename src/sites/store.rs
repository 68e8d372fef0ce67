//! SQL of site cards.

use std::collections::HashMap;

use super::address::BuildingKey;
use super::model::{KEEP_CODE_MS, SiteFacts, SiteRates};
use crate::id::{MemberId, SiteId};
use crate::storage::{Param, Result, Row, StorageError, Tx};
use crate::time::Moment;

/// A stored card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteCard {
    /// what is known
    pub facts: SiteFacts,
    /// the code of the entrance, sealed
    pub sealed_code: Option<Vec<u8>>,
    /// username of who saved it last
    pub saved_by: Option<String>,
    /// when
    pub saved_at: Moment,
    /// version for optimistic locking
    pub version: i64,
}

const SITE: &str = "SELECT s.address_key, s.elevator, s.floor, s.ladder_truck, s.parking_metres, s.note, s.entry_code, \
                    m.username, s.saved_at, s.version FROM sites s LEFT JOIN members m ON m.id = s.saved_by";

fn card(mut row: Row) -> Result<(String, SiteCard)> {
    let key = row.text(0)?;
    let facts = SiteFacts {
        elevator: row.opt_code(1, "sites.elevator")?,
        floor: row.opt_int(2)?,
        ladder_truck: row.opt_code(3, "sites.ladder_truck")?,
        parking_metres: row.opt_int(4)?,
        note: row.text(5)?,
    };
    let card = SiteCard {
        facts,
        sealed_code: row.opt_blob(6)?,
        saved_by: row.opt_text(7)?,
        saved_at: row.moment(8)?,
        version: row.int(9)?,
    };
    Ok((key, card))
}

/// The card of a building.
pub fn find(tx: &mut dyn Tx, key: &BuildingKey) -> Result<Option<SiteCard>> {
    let row = tx.query_one(&format!("{SITE} WHERE s.address_key = ?"), &[key.as_str().into()])?;
    Ok(row.map(card).transpose()?.map(|(_, card)| card))
}

/// Whether any building has a card.
pub fn has_cards(tx: &mut dyn Tx) -> Result<bool> {
    Ok(tx.query_one("SELECT 1 FROM sites LIMIT 1", &[])?.is_some())
}

/// The cards of these buildings.
pub fn of_buildings(tx: &mut dyn Tx, keys: &[BuildingKey]) -> Result<HashMap<BuildingKey, SiteCard>> {
    let by_text: HashMap<&str, &BuildingKey> = keys.iter().map(|key| (key.as_str(), key)).collect();
    let values: Vec<Param<'_>> = by_text.keys().map(|key| (*key).into()).collect();
    let mut cards = HashMap::new();
    let sql = |values: &str| format!("{SITE} WHERE s.address_key IN ({values})");
    tx.for_values(&values, &[], sql, &mut |row| {
        let (key, card) = card(row)?;
        if let Some(key) = by_text.get(key.as_str()) {
            cards.insert((*key).clone(), card);
        }
        Ok(())
    })?;
    Ok(cards)
}

/// Saves the card of a building; false, without a change, if the stored one has another version. `version` is 0 for a
/// building without a card.
pub fn save(
    tx: &mut dyn Tx,
    key: &BuildingKey,
    (facts, sealed_code): (&SiteFacts, Option<&[u8]>),
    version: i64,
    member_id: MemberId,
) -> Result<bool> {
    let now = tx.now();
    let code_saved_at = sealed_code.map(|_| now);
    let mut values: Vec<Param<'_>> = vec![
        facts.elevator.map(super::model::Elevator::code).into(),
        facts.floor.into(),
        facts.ladder_truck.map(super::model::LadderTruck::code).into(),
        facts.parking_metres.into(),
        facts.note.as_str().into(),
        sealed_code.into(),
        code_saved_at.into(),
        now.into(),
        member_id.into(),
        now.into(),
    ];
    if version > 0 {
        values.extend([key.as_str().into(), version.into()]);
        let sql = "UPDATE sites SET elevator = ?, floor = ?, ladder_truck = ?, parking_metres = ?, note = ?, \
                   entry_code = ?, code_saved_at = ?, used_at = ?, saved_by = ?, saved_at = ?, version = version + 1 \
                   WHERE address_key = ? AND version = ?";
        return Ok(tx.exec(sql, &values)? > 0);
    }
    if tx.scalar("SELECT count(*) FROM sites WHERE address_key = ?", &[key.as_str().into()])? > 0 {
        return Ok(false);
    }
    values.extend([tx.new_id::<SiteId>().into(), key.as_str().into()]);
    let sql = "INSERT INTO sites (elevator, floor, ladder_truck, parking_metres, note, entry_code, code_saved_at, \
               used_at, saved_by, saved_at, id, address_key, version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)";
    tx.exec(sql, &values)?;
    Ok(true)
}

/// Deletes the code of an entrance after a delivery, and notes that the card was used.
pub fn forget_code(tx: &mut dyn Tx, key: &BuildingKey) -> Result<()> {
    let now = tx.now();
    let sql = "UPDATE sites SET entry_code = NULL, code_saved_at = NULL, used_at = ?, version = version + 1 \
               WHERE address_key = ?";
    tx.exec(sql, &[now.into(), key.as_str().into()]).map(drop)
}

/// Deletes codes that nothing was delivered with for a month. Returns how many.
pub fn delete_old_codes(tx: &mut dyn Tx) -> Result<u64> {
    let before = tx.now().plus_ms(-KEEP_CODE_MS);
    let sql = "UPDATE sites SET entry_code = NULL, code_saved_at = NULL, version = version + 1 WHERE code_saved_at < ?";
    tx.exec(sql, &[before.into()])
}

/// Deletes cards that nobody has used since `before`. Returns how many.
pub fn delete_unused(tx: &mut dyn Tx, before: Moment) -> Result<u64> {
    tx.exec("DELETE FROM sites WHERE used_at < ?", &[before.into()])
}

const RATES: [&str; 5] =
    ["sites.stairs_minutes", "sites.carry_minutes", "sites.ladder_minutes", "sites.stairs_fee", "sites.ladder_fee"];

/// Loads the rates.
pub fn rates(tx: &mut dyn Tx) -> Result<SiteRates> {
    let mut rates = SiteRates::INITIAL;
    for mut row in tx.query("SELECT name, value FROM settings WHERE name LIKE 'sites.%'", &[])? {
        let (name, value) = (row.text(0)?, row.text(1)?);
        let SiteRates { stairs_minutes, carry_minutes, ladder_minutes, stairs_fee, ladder_fee } = &mut rates;
        let numbers = [stairs_minutes, carry_minutes, ladder_minutes, stairs_fee, ladder_fee];
        if let Some((_, number)) = RATES.iter().zip(numbers).find(|(known, _)| **known == name) {
            *number = value.parse().map_err(|_| StorageError::Inconsistent(format!("settings: {name}")))?;
        }
    }
    Ok(rates)
}

/// Saves the rates.
pub fn save_rates(tx: &mut dyn Tx, rates: &SiteRates) -> Result<()> {
    let SiteRates { stairs_minutes, carry_minutes, ladder_minutes, stairs_fee, ladder_fee } = *rates;
    let numbers = [stairs_minutes, carry_minutes, ladder_minutes, stairs_fee, ladder_fee];
    for (name, number) in RATES.into_iter().zip(numbers) {
        tx.upsert("settings", &[("name", name.into())], &[("value", number.to_string().into())])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::testing::Shop;
    use crate::sites::address::building;
    use crate::sites::model::Elevator;

    #[test]
    fn card_is_found_for_the_next_order_to_the_building() {
        Shop::open()
            .write(|tx, _| {
                let first = building("경상북도 포항시 북구 예시로 12", "101동 1203호").expect("a building");
                let next = building("경북 포항시 북구 예시로 12 (덕수동)", "101동 502호").expect("a building");
                let other = building("경북 포항시 북구 예시로 12", "102동 502호").expect("a building");
                let facts = SiteFacts { elevator: Some(Elevator::Missing), floor: Some(3), ..SiteFacts::default() };
                assert!(save(tx, &first, (&facts, Some(b"sealed")), 0, MemberId::from_raw(1))?);
                assert!(!save(tx, &first, (&facts, None), 0, MemberId::from_raw(1))?, "another member was first");
                let found = find(tx, &next)?.expect("the card");
                assert_eq!((&found.facts, found.sealed_code.as_deref()), (&facts, Some(b"sealed".as_slice())));
                let cards = of_buildings(tx, &[next.clone(), other.clone()])?;
                assert_eq!((cards.len(), cards.contains_key(&next)), (1, true));
                assert_eq!(find(tx, &other)?, None);

                assert!(save(tx, &next, (&SiteFacts::default(), Some(b"new")), 1, MemberId::from_raw(1))?);
                assert!(!save(tx, &next, (&facts, None), 1, MemberId::from_raw(1))?, "changed since");
                forget_code(tx, &first)?;
                assert_eq!(find(tx, &next)?.expect("the card").sealed_code, None);
                Ok(())
            })
            .expect("writes");
    }

    #[test]
    fn old_codes_and_unused_cards_are_deleted() {
        Shop::open()
            .write(|tx, _| {
                let key = building("경북 포항시 북구 예시로 12", "101동").expect("a building");
                save(tx, &key, (&SiteFacts::default(), Some(b"sealed")), 0, MemberId::from_raw(1))?;
                assert_eq!(delete_old_codes(tx)?, 0);
                tx.exec("UPDATE sites SET code_saved_at = 1", &[])?;
                assert_eq!((delete_old_codes(tx)?, delete_old_codes(tx)?), (1, 0));
                let now = tx.now();
                assert_eq!((delete_unused(tx, now)?, delete_unused(tx, now.plus_ms(1))?), (0, 1));
                Ok(())
            })
            .expect("writes");
    }

    #[test]
    fn rates_are_stored() {
        Shop::open()
            .write(|tx, _| {
                assert_eq!(rates(tx)?, SiteRates::INITIAL);
                let own = SiteRates { stairs_fee: 10_000, ..SiteRates::INITIAL };
                save_rates(tx, &own)?;
                assert_eq!(rates(tx)?, own);
                Ok(())
            })
            .expect("writes");
    }
}

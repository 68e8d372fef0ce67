//! SQL of districts: imported editions, manual corrections, and the version that every node compares.

pub mod points;

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::edition::PostalRange;
use super::model::Districts;
use super::official::{ParseReport, ParsedList};
use super::region::Region;
use crate::id::{DeliveryId, EditionId, MemberId, OrderId};
use crate::storage::{Param, Result, StorageError, Tx};
use crate::text::coded;
use crate::time::Moment;

/// The version of editions and corrections: 0 before the first import or correction, then increasing.
pub fn version(tx: &mut dyn Tx) -> Result<i64> {
    tx.scalar("SELECT version FROM district_state WHERE id = 1", &[])
}

/// Sets a new version: every node reloads the districts, and every order under way is reclassified.
pub fn bump_version(tx: &mut dyn Tx) -> Result<()> {
    let version = tx.new_number();
    tx.upsert(
        "district_state",
        &[("id", 1_i64.into())],
        &[("version", version.into()), ("classified_to", 0_i64.into())],
    )
}

/// Sets a new version after a change that leaves the districts of orders as they are: every node reloads.
fn renew_version(tx: &mut dyn Tx) -> Result<()> {
    let version = tx.new_number();
    tx.upsert("district_state", &[("id", 1_i64.into())], &[("version", version.into())])
}

/// The progress of the reclassification of orders under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    version: i64,
    /// the last delivery done
    pub after: DeliveryId,
}

/// The progress of the reclassification; none if it is complete.
pub fn progress(tx: &mut dyn Tx) -> Result<Option<Progress>> {
    let row = tx.query_one("SELECT version, classified_to FROM district_state WHERE id = 1", &[])?;
    let Some(row) = row else { return Ok(None) };
    let version = row.int(0)?;
    Ok(row.opt_id(1)?.map(|after| Progress { version, after }))
}

/// Sets the progress from `from` to `to`, none for complete; false if another node has moved it or the version
/// has changed.
pub fn advance(tx: &mut dyn Tx, from: Progress, to: Option<DeliveryId>) -> Result<bool> {
    let sql = "UPDATE district_state SET classified_to = ? WHERE id = 1 AND version = ? AND classified_to = ?";
    Ok(tx.exec(sql, &[to.into(), from.version.into(), from.after.into()])? > 0)
}

/// The embedded table, overridden by the applied editions and the corrections.
pub fn load(tx: &mut dyn Tx) -> Result<Districts> {
    let mut districts = Districts::embedded().with_corrections(zip_corrections(tx)?).with_points(points::all(tx)?);
    for edition in editions(tx, EditionStage::Applied)?.iter().rev() {
        let valid_from = edition.valid_from.unwrap_or(NaiveDate::MIN);
        districts = overlay_edition(tx, districts, edition.id, valid_from)?;
    }
    Ok(districts)
}

/// `districts` overridden by a stored edition from `valid_from` on.
///
/// # Errors
/// [`StorageError::Inconsistent`] if the edition contradicts itself, or the database fails.
pub fn overlay_edition(
    tx: &mut dyn Tx,
    districts: Districts,
    id: EditionId,
    valid_from: NaiveDate,
) -> Result<Districts> {
    let (regions, ranges) = (regions(tx, id)?, ranges(tx, id)?);
    districts
        .with_list(&regions, &ranges, valid_from)
        .map_err(|error| StorageError::Inconsistent(format!("district_editions {id:?}: {error}")))
}

fn regions(tx: &mut dyn Tx, edition_id: EditionId) -> Result<Vec<Region>> {
    let sql = "SELECT code, level, parent_code, full_name, short_name FROM district_regions \
               WHERE edition_id = ? ORDER BY code";
    tx.query(sql, &[edition_id.into()])?
        .into_iter()
        .map(|mut row| {
            Ok(Region {
                code: row.int(0)?,
                level: u8::try_from(row.int(1)?).unwrap_or(u8::MAX),
                parent_code: row.opt_int(2)?,
                full_name: row.text(3)?,
                short_name: row.text(4)?,
            })
        })
        .collect()
}

fn ranges(tx: &mut dyn Tx, edition_id: EditionId) -> Result<Vec<PostalRange>> {
    let sql = "SELECT zip_start, zip_end, code FROM district_zips WHERE edition_id = ? ORDER BY zip_start";
    let zip = |number: i64| {
        u32::try_from(number).map_err(|_| StorageError::Inconsistent(format!("district_zips of {edition_id:?}")))
    };
    tx.query(sql, &[edition_id.into()])?
        .iter()
        .map(|row| Ok(PostalRange { start: zip(row.int(0)?)?, end: zip(row.int(1)?)?, code: row.int(2)? }))
        .collect()
}

coded! {
    /// The stage of an imported edition.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum EditionStage {
        /// parsed and stored for a preview, without effect
        Previewed = "previewed",
        /// in use from its date on
        Applied = "applied",
    }
}

/// An imported list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedEdition {
    /// generated identifier
    pub id: EditionId,
    /// its stage
    pub stage: EditionStage,
    /// counts of the parsed files
    pub report: ParseReport,
    /// first day of validity, once applied
    pub valid_from: Option<NaiveDate>,
    /// member who imported it; none is the command line
    pub username: Option<String>,
    /// time of the import
    pub created_at: Moment,
}

const EDITION: &str = "SELECT e.id, e.stage, e.report, e.valid_from, m.username, e.created_at \
                       FROM district_editions e LEFT JOIN members m ON m.id = e.member_id";

fn imported_edition(mut row: crate::storage::Row) -> Result<ImportedEdition> {
    Ok(ImportedEdition {
        id: row.id(0)?,
        stage: row.code(1, "district_editions.stage")?,
        report: row.json(2, "district_editions.report")?,
        valid_from: row.opt_date(3)?,
        username: row.opt_text(4)?,
        created_at: row.moment(5)?,
    })
}

/// The editions of that stage, highest precedence first.
pub fn editions(tx: &mut dyn Tx, stage: EditionStage) -> Result<Vec<ImportedEdition>> {
    let sql = format!("{EDITION} WHERE e.stage = ? ORDER BY e.valid_from DESC, e.applied_at DESC, e.id DESC");
    tx.query(&sql, &[stage.code().into()])?.into_iter().map(imported_edition).collect()
}

/// The imported edition of that identifier.
pub fn edition(tx: &mut dyn Tx, id: EditionId) -> Result<Option<ImportedEdition>> {
    tx.query_one(&format!("{EDITION} WHERE e.id = ?"), &[id.into()])?.map(imported_edition).transpose()
}

/// Stores a parsed list for a preview; answers its identifier.
pub fn insert_preview(tx: &mut dyn Tx, list: &ParsedList, member_id: Option<MemberId>) -> Result<EditionId> {
    let (id, now) = (tx.new_id::<EditionId>(), tx.now());
    let report = serde_json::to_string(&list.report).unwrap_or_default();
    tx.exec(
        "INSERT INTO district_editions (id, stage, report, member_id, created_at) VALUES (?, ?, ?, ?, ?)",
        &[id.into(), EditionStage::Previewed.code().into(), report.into(), member_id.into(), now.into()],
    )?;
    tx.exec_many(
        "INSERT INTO district_regions (edition_id, code, level, parent_code, full_name, short_name) \
         VALUES (?, ?, ?, ?, ?, ?)",
        &mut list.regions.iter().map(|region| {
            let level = u32::from(region.level);
            let names: [Param<'_>; 2] = [(&region.full_name).into(), (&region.short_name).into()];
            [id.into(), region.code.into(), level.into(), region.parent_code.into()].into_iter().chain(names).collect()
        }),
    )?;
    tx.exec_many(
        "INSERT INTO district_zips (edition_id, zip_start, zip_end, code) VALUES (?, ?, ?, ?)",
        &mut list.ranges.iter().map(|range| vec![id.into(), range.start.into(), range.end.into(), range.code.into()]),
    )?;
    Ok(id)
}

/// Applies a previewed edition and bumps the version; false if it is not previewed.
pub fn apply(tx: &mut dyn Tx, id: EditionId, valid_from: NaiveDate) -> Result<bool> {
    let now = tx.now();
    let sql = "UPDATE district_editions SET stage = ?, valid_from = ?, applied_at = ? WHERE id = ? AND stage = ?";
    let (applied, previewed) = (EditionStage::Applied.code(), EditionStage::Previewed.code());
    let found = tx.exec(sql, &[applied.into(), valid_from.into(), now.into(), id.into(), previewed.into()])?;
    if found > 0 {
        bump_version(tx)?;
    }
    Ok(found > 0)
}

/// Deletes an edition of that stage: a previewed one, or the newest applied one. False if it is neither.
pub fn delete_edition(tx: &mut dyn Tx, id: EditionId, stage: EditionStage) -> Result<bool> {
    if stage == EditionStage::Applied
        && editions(tx, EditionStage::Applied)?.first().is_none_or(|newest| newest.id != id)
    {
        return Ok(false);
    }
    let sql = "SELECT count(*) FROM district_editions WHERE id = ? AND stage = ?";
    if tx.scalar(sql, &[id.into(), stage.code().into()])? == 0 {
        return Ok(false);
    }
    for sql in [
        "DELETE FROM district_zips WHERE edition_id = ?",
        "DELETE FROM district_regions WHERE edition_id = ?",
        "DELETE FROM district_editions WHERE id = ?",
    ] {
        tx.exec(sql, &[id.into()])?;
    }
    if stage == EditionStage::Applied {
        bump_version(tx)?;
    }
    Ok(true)
}

/// A manual correction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    /// the order and its number; none applies to every order of the postal code
    pub order: Option<(OrderId, String)>,
    /// the postal code as in the order, or as [`super::postal_key`]
    pub zip_code: String,
    /// 시/군/구 code
    pub sigungu_code: i64,
    /// member who corrected it; none is the command line
    pub username: Option<String>,
    /// time of the correction
    pub corrected_at: Moment,
}

/// Longest postal code that a correction can have.
pub const MAX_ZIP_CHARS: usize = 10;

fn zip_corrections(tx: &mut dyn Tx) -> Result<BTreeMap<String, i64>> {
    tx.query("SELECT zip, sigungu_code FROM district_corrections", &[])?
        .into_iter()
        .map(|mut row| Ok((row.text(0)?, row.int(1)?)))
        .collect()
}

/// Assigns a postal code, given as [`super::postal_key`], to a 시/군/구 and bumps the version.
pub fn set_zip_correction(tx: &mut dyn Tx, key: &str, sigungu_code: i64, member_id: Option<MemberId>) -> Result<()> {
    let now = tx.now();
    let values = [("sigungu_code", sigungu_code.into()), ("member_id", member_id.into()), ("corrected_at", now.into())];
    tx.upsert("district_corrections", &[("zip", key.into())], &values)?;
    bump_version(tx)
}

/// Deletes the correction of a postal code and bumps the version; false if there is none.
pub fn delete_zip_correction(tx: &mut dyn Tx, key: &str) -> Result<bool> {
    let found = tx.exec("DELETE FROM district_corrections WHERE zip = ?", &[key.into()])? > 0;
    if found {
        bump_version(tx)?;
    }
    Ok(found)
}

/// Assigns one order to a 시/군/구, as long as the order keeps this postal code.
pub fn set_order_correction(
    tx: &mut dyn Tx,
    id: OrderId,
    zip_code: &str,
    sigungu_code: i64,
    member_id: Option<MemberId>,
) -> Result<()> {
    let now = tx.now();
    let values = [
        ("zip_code", zip_code.into()),
        ("sigungu_code", sigungu_code.into()),
        ("member_id", member_id.into()),
        ("corrected_at", now.into()),
    ];
    tx.upsert("order_districts", &[("order_id", id.into())], &values)
}

/// Deletes the correction of one order; false if there is none.
pub fn delete_order_correction(tx: &mut dyn Tx, id: OrderId) -> Result<bool> {
    Ok(tx.exec("DELETE FROM order_districts WHERE order_id = ?", &[id.into()])? > 0)
}

/// The manual corrections, newest first, at most `limit` of postal codes and `limit` of orders.
pub fn corrections(tx: &mut dyn Tx, limit: i64) -> Result<Vec<Correction>> {
    let zips = "SELECT c.zip, c.sigungu_code, m.username, c.corrected_at FROM district_corrections c \
                LEFT JOIN members m ON m.id = c.member_id ORDER BY c.corrected_at DESC LIMIT ?";
    let mut corrections = tx
        .query(zips, &[limit.into()])?
        .into_iter()
        .map(|mut row| {
            Ok(Correction {
                order: None,
                zip_code: row.text(0)?,
                sigungu_code: row.int(1)?,
                username: row.opt_text(2)?,
                corrected_at: row.moment(3)?,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let orders = "SELECT c.order_id, o.order_number, c.zip_code, c.sigungu_code, m.username, c.corrected_at \
                  FROM order_districts c JOIN orders o ON o.id = c.order_id \
                  LEFT JOIN members m ON m.id = c.member_id ORDER BY c.order_id DESC LIMIT ?";
    for mut row in tx.query(orders, &[limit.into()])? {
        corrections.push(Correction {
            order: Some((row.id(0)?, row.text(1)?)),
            zip_code: row.text(2)?,
            sigungu_code: row.int(3)?,
            username: row.opt_text(4)?,
            corrected_at: row.moment(5)?,
        });
    }
    corrections.sort_by_key(|correction| std::cmp::Reverse(correction.corrected_at));
    Ok(corrections)
}

//! The SQL of districts: editions that were loaded, corrections by hand, and the version that every
//! node compares.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::edition::Run;
use super::model::Districts;
use super::official::{Listing, Told};
use super::region::Region;
use crate::storage::{Param, Result, StorageError, Tx};
use crate::time::Moment;

/// Which state of the tables this is; 0 while nothing was ever loaded or corrected. A later one is
/// larger.
pub fn version(tx: &mut dyn Tx) -> Result<i64> {
    tx.number("SELECT version FROM district_state WHERE id = 1", &[])
}

/// Makes every node load the tables again, and has every order under way classified anew.
pub fn touch(tx: &mut dyn Tx) -> Result<()> {
    let version = tx.new_id();
    tx.upsert(
        "district_state",
        &[("id", 1_i64.into())],
        &[("version", version.into()), ("classified_to", 0_i64.into())],
    )
}

/// How far the classifying anew has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    version: i64,
    /// the delivery up to which all are done
    pub(super) after: i64,
}

/// How far orders under way are classified anew; none when all are.
pub(super) fn progress(tx: &mut dyn Tx) -> Result<Option<Progress>> {
    let row = tx.query_one("SELECT version, classified_to FROM district_state WHERE id = 1", &[])?;
    let Some(row) = row else { return Ok(None) };
    let version = row.int(0)?;
    Ok(row.opt_int(1)?.map(|after| Progress { version, after }))
}

/// Moves the mark on; false when somebody else did, or the tables changed.
pub(super) fn advance(tx: &mut dyn Tx, from: Progress, to: Option<i64>) -> Result<bool> {
    let sql = "UPDATE district_state SET classified_to = ? WHERE id = 1 AND version = ? AND classified_to = ?";
    Ok(tx.exec(sql, &[to.into(), from.version.into(), from.after.into()])? > 0)
}

/// The embedded table with everything over it that the database holds.
pub fn load(tx: &mut dyn Tx) -> Result<Districts> {
    let mut districts = Districts::embedded().with_corrections(corrected_zips(tx)?);
    for edition in editions(tx, Stage::Applied)?.iter().rev() {
        let valid_from = edition.valid_from.unwrap_or(NaiveDate::MIN);
        districts = laid_over(tx, districts, edition.id, valid_from)?;
    }
    Ok(districts)
}

/// `districts` with a stored edition over them from `valid_from` on.
pub fn laid_over(tx: &mut dyn Tx, districts: Districts, id: i64, valid_from: NaiveDate) -> Result<Districts> {
    let (regions, runs) = (regions(tx, id)?, runs(tx, id)?);
    districts
        .with_list(&regions, &runs, valid_from)
        .map_err(|error| StorageError::Inconsistent(format!("district_editions {id}: {error}")))
}

fn regions(tx: &mut dyn Tx, edition_id: i64) -> Result<Vec<Region>> {
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

fn runs(tx: &mut dyn Tx, edition_id: i64) -> Result<Vec<Run>> {
    let sql = "SELECT zip_start, zip_end, code FROM district_zips WHERE edition_id = ? ORDER BY zip_start";
    let zip = |number: i64| {
        u32::try_from(number).map_err(|_| StorageError::Inconsistent(format!("district_zips of {edition_id}")))
    };
    tx.query(sql, &[edition_id.into()])?
        .iter()
        .map(|row| Ok(Run { start: zip(row.int(0)?)?, end: zip(row.int(1)?)?, code: row.int(2)? }))
        .collect()
}

/// Where a list that was brought stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// read, and waiting for somebody's word
    Previewed,
    /// in force from its day on
    Applied,
}

impl Stage {
    const fn code(self) -> &'static str {
        match self {
            Self::Previewed => "previewed",
            Self::Applied => "applied",
        }
    }
}

/// A list that was brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brought {
    /// identifier made here
    pub id: i64,
    /// where it stands
    pub stage: Stage,
    /// how it was read
    pub told: Told,
    /// the day from which it holds, once it is applied
    pub valid_from: Option<NaiveDate>,
    /// who brought it; none is the command line
    pub username: Option<String>,
    /// when it came
    pub created_at: Moment,
}

const BROUGHT: &str = "SELECT e.id, e.stage, e.told, e.valid_from, m.username, e.created_at \
                       FROM district_editions e LEFT JOIN members m ON m.id = e.member_id";

fn brought(mut row: crate::storage::Row) -> Result<Brought> {
    let id = row.int(0)?;
    let inconsistent = |column: &str| StorageError::Inconsistent(format!("district_editions.{column} of {id}"));
    let stage = row.text(1)?;
    Ok(Brought {
        id,
        stage: [Stage::Previewed, Stage::Applied]
            .into_iter()
            .find(|known| known.code() == stage)
            .ok_or_else(|| inconsistent("stage"))?,
        told: serde_json::from_str(&row.text(2)?).map_err(|_| inconsistent("told"))?,
        valid_from: row.opt_date(3)?,
        username: row.opt_text(4)?,
        created_at: row.moment(5)?,
    })
}

/// The lists at that stage, the one that counts most first.
pub fn editions(tx: &mut dyn Tx, stage: Stage) -> Result<Vec<Brought>> {
    let sql = format!("{BROUGHT} WHERE e.stage = ? ORDER BY e.valid_from DESC, e.applied_at DESC, e.id DESC");
    tx.query(&sql, &[stage.code().into()])?.into_iter().map(brought).collect()
}

/// One list that was brought.
pub fn edition(tx: &mut dyn Tx, id: i64) -> Result<Option<Brought>> {
    tx.query_one(&format!("{BROUGHT} WHERE e.id = ?"), &[id.into()])?.map(brought).transpose()
}

/// Keeps a list for somebody to look at.
pub fn keep(tx: &mut dyn Tx, listing: &Listing, member_id: Option<i64>) -> Result<i64> {
    let (id, now) = (tx.new_id(), tx.now());
    let told = serde_json::to_string(&listing.told).unwrap_or_default();
    tx.exec(
        "INSERT INTO district_editions (id, stage, told, member_id, created_at) VALUES (?, ?, ?, ?, ?)",
        &[id.into(), Stage::Previewed.code().into(), told.into(), member_id.into(), now.into()],
    )?;
    tx.exec_many(
        "INSERT INTO district_regions (edition_id, code, level, parent_code, full_name, short_name) \
         VALUES (?, ?, ?, ?, ?, ?)",
        &mut listing.regions.iter().map(|region| {
            let level = u32::from(region.level);
            let names: [Param<'_>; 2] = [(&region.full_name).into(), (&region.short_name).into()];
            [id.into(), region.code.into(), level.into(), region.parent_code.into()].into_iter().chain(names).collect()
        }),
    )?;
    tx.exec_many(
        "INSERT INTO district_zips (edition_id, zip_start, zip_end, code) VALUES (?, ?, ?, ?)",
        &mut listing.runs.iter().map(|run| vec![id.into(), run.start.into(), run.end.into(), run.code.into()]),
    )?;
    Ok(id)
}

/// Puts a list in force. Orders under way are classified anew from here on.
pub fn apply(tx: &mut dyn Tx, id: i64, valid_from: NaiveDate) -> Result<bool> {
    let now = tx.now();
    let sql = "UPDATE district_editions SET stage = ?, valid_from = ?, applied_at = ? WHERE id = ? AND stage = ?";
    let (applied, previewed) = (Stage::Applied.code(), Stage::Previewed.code());
    let found = tx.exec(sql, &[applied.into(), valid_from.into(), now.into(), id.into(), previewed.into()])?;
    if found > 0 {
        touch(tx)?;
    }
    Ok(found > 0)
}

/// Forgets a list: one that nobody applied, or the newest in force.
pub fn forget(tx: &mut dyn Tx, id: i64, stage: Stage) -> Result<bool> {
    if stage == Stage::Applied && editions(tx, Stage::Applied)?.first().is_none_or(|newest| newest.id != id) {
        return Ok(false);
    }
    let sql = "SELECT count(*) FROM district_editions WHERE id = ? AND stage = ?";
    if tx.number(sql, &[id.into(), stage.code().into()])? == 0 {
        return Ok(false);
    }
    for sql in [
        "DELETE FROM district_zips WHERE edition_id = ?",
        "DELETE FROM district_regions WHERE edition_id = ?",
        "DELETE FROM district_editions WHERE id = ?",
    ] {
        tx.exec(sql, &[id.into()])?;
    }
    if stage == Stage::Applied {
        touch(tx)?;
    }
    Ok(true)
}

/// Something that was corrected by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    /// the order it is for; none is for every order of the postal code
    pub order: Option<(i64, String)>,
    /// the postal code, as the order has it or as [`super::postal_key`]
    pub zip_code: String,
    /// 시/군/구
    pub sigungu: i64,
    /// who; none is the command line
    pub username: Option<String>,
    /// when
    pub corrected_at: Moment,
}

/// The longest postal code that can be taught.
pub const LONGEST_ZIP: usize = 10;

fn corrected_zips(tx: &mut dyn Tx) -> Result<BTreeMap<String, i64>> {
    tx.query("SELECT zip, sigungu FROM district_corrections", &[])?
        .into_iter()
        .map(|mut row| Ok((row.text(0)?, row.int(1)?)))
        .collect()
}

/// Teaches that a postal code ([`super::postal_key`]) lies in a 시/군/구.
pub fn correct_zip(tx: &mut dyn Tx, key: &str, sigungu: i64, member_id: Option<i64>) -> Result<()> {
    let now = tx.now();
    let values = [("sigungu", sigungu.into()), ("member_id", member_id.into()), ("corrected_at", now.into())];
    tx.upsert("district_corrections", &[("zip", key.into())], &values)?;
    touch(tx)
}

/// Forgets what was taught of a postal code.
pub fn forget_zip(tx: &mut dyn Tx, key: &str) -> Result<bool> {
    let found = tx.exec("DELETE FROM district_corrections WHERE zip = ?", &[key.into()])? > 0;
    if found {
        touch(tx)?;
    }
    Ok(found)
}

/// Says where one order goes. It holds as long as the order keeps its postal code.
pub fn correct_order(tx: &mut dyn Tx, id: i64, zip_code: &str, sigungu: i64, member_id: Option<i64>) -> Result<()> {
    let now = tx.now();
    let values = [
        ("zip_code", zip_code.into()),
        ("sigungu", sigungu.into()),
        ("member_id", member_id.into()),
        ("corrected_at", now.into()),
    ];
    tx.upsert("order_districts", &[("order_id", id.into())], &values)
}

/// Forgets what was said of one order.
pub fn forget_order(tx: &mut dyn Tx, id: i64) -> Result<bool> {
    Ok(tx.exec("DELETE FROM order_districts WHERE order_id = ?", &[id.into()])? > 0)
}

/// Everything that was corrected by hand, newest first, up to `most` of each kind.
pub fn corrections(tx: &mut dyn Tx, most: i64) -> Result<Vec<Correction>> {
    let zips = "SELECT c.zip, c.sigungu, m.username, c.corrected_at FROM district_corrections c \
                LEFT JOIN members m ON m.id = c.member_id ORDER BY c.corrected_at DESC LIMIT ?";
    let mut corrections = tx
        .query(zips, &[most.into()])?
        .into_iter()
        .map(|mut row| {
            Ok(Correction {
                order: None,
                zip_code: row.text(0)?,
                sigungu: row.int(1)?,
                username: row.opt_text(2)?,
                corrected_at: row.moment(3)?,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let orders = "SELECT c.order_id, o.order_number, c.zip_code, c.sigungu, m.username, c.corrected_at \
                  FROM order_districts c JOIN orders o ON o.id = c.order_id \
                  LEFT JOIN members m ON m.id = c.member_id ORDER BY c.order_id DESC LIMIT ?";
    for mut row in tx.query(orders, &[most.into()])? {
        corrections.push(Correction {
            order: Some((row.int(0)?, row.text(1)?)),
            zip_code: row.text(2)?,
            sigungu: row.int(3)?,
            username: row.opt_text(4)?,
            corrected_at: row.moment(5)?,
        });
    }
    corrections.sort_by_key(|correction| std::cmp::Reverse(correction.corrected_at));
    Ok(corrections)
}

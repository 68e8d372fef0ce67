//! SQL of access records: appending, seals, deletion at the end of the retention, verification.

use std::collections::{BTreeMap, HashSet};

use chrono::{Days, Months, NaiveDate};

use super::model::{
    AccessAction, AccessRecord, AccessedOrders, Accessor, ChainFault, MAX_QUERY_CHARS, NewAccess, Seal, UNCLEAN,
    seal_faults,
};
use crate::id::OrderId;
use crate::storage::{Param, Result, Row, StorageError, Tx, schema, text_limits};
use crate::time::Moment;

/// Records and days that one transaction deletes.
const DELETE_BATCH_ROWS: i64 = 2_000;

/// Faults that a report lists; damage of a whole table is not told row by row.
const MAX_FAULTS: usize = 100;

/// People from whose number on records are kept for two years (안전성 확보조치 기준 제8조 ①).
pub(super) const LONG_RETENTION_PEOPLE: i64 = 50_000;

/// Columns of a record, as [`record_of`] reads them.
pub(super) const COLUMNS: &str = "sequence, recorded_at, actor, member_id, address, action, page, query, order_count, \
                                  first_order_id, last_order_id, order_ids, digest";

/// The last record of the chain: its number and digest. Zero and an empty text before the first.
pub fn head(tx: &mut dyn Tx) -> Result<(i64, String)> {
    let row = tx.query_one("SELECT last_sequence, digest FROM access_chain WHERE id = 1", &[])?;
    row.map_or(Ok((0, String::new())), |mut row| Ok((row.int(0)?, row.text(1)?)))
}

/// Appends a record of an access that happens in this transaction.
pub fn record(tx: &mut dyn Tx, access: NewAccess) -> Result<()> {
    let now = tx.now();
    append(tx, vec![(now, access)])
}

/// Records a change of data about these orders that is not a change of the orders themselves: a memo of the team, a site
/// card. `page` is where it was made.
pub fn record_edit(
    tx: &mut dyn Tx,
    accessor: impl Into<Accessor>,
    page: String,
    orders: impl IntoIterator<Item = OrderId>,
) -> Result<()> {
    let (accessor, orders) = (accessor.into(), orders.into_iter().collect());
    record(tx, NewAccess { accessor, action: AccessAction::Edited, page, query: String::new(), orders })
}

/// Records a download or an export: `source` is the list that it was made from, `purpose` what the member stated.
pub fn record_download(
    tx: &mut dyn Tx,
    accessor: Accessor,
    source: &str,
    purpose: &str,
    orders: AccessedOrders,
) -> Result<()> {
    let (page, search) = source.split_once('?').unwrap_or((source, ""));
    let purpose = if purpose.is_empty() { String::new() } else { format!("purpose={purpose}") };
    let query = [search, &purpose].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("&");
    record(tx, NewAccess { accessor, action: AccessAction::Downloaded, page: page.to_owned(), query, orders })
}

/// Appends records, in this order.
pub fn append(tx: &mut dyn Tx, accesses: Vec<(Moment, NewAccess)>) -> Result<()> {
    let Some((mut sequence, mut digest)) = (!accesses.is_empty()).then(|| head(tx)).transpose()? else {
        return Ok(());
    };
    let mut records = Vec::with_capacity(accesses.len());
    for (at, mut access) in accesses {
        sequence += 1;
        access.query = text_limits::truncate(&access.query, MAX_QUERY_CHARS).into();
        access.page = text_limits::truncate(&access.page, 128).into();
        digest = AccessRecord::digest(sequence, at, &access, &digest);
        records.push(AccessRecord { sequence, at, access, digest: digest.clone() });
    }
    let encoded: Vec<Option<Vec<u8>>> = records.iter().map(|record| record.access.orders.encode()).collect();
    let mut rows = records.iter().zip(&encoded).map(|(record, order_ids)| {
        let NewAccess { accessor, action, page, query, orders } = &record.access;
        vec![
            record.sequence.into(),
            record.at.into(),
            accessor.code().into(),
            accessor.member_id().into(),
            accessor.address().into(),
            action.code().into(),
            page.into(),
            query.into(),
            i64::try_from(orders.count).unwrap_or(i64::MAX).into(),
            orders.range.map(|(first, _)| first).into(),
            orders.range.map(|(_, last)| last).into(),
            order_ids.as_deref().into(),
            (&record.digest).into(),
        ]
    });
    tx.exec_many(
        &format!("INSERT INTO access_records ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        &mut rows,
    )?;
    index_orders(tx, &records)?;
    tx.upsert("access_chain", &[("id", 1_i64.into())], &[("last_sequence", sequence.into()), ("digest", digest.into())])
}

/// Writes the days of the listed orders, and the ranges of the others.
fn index_orders(tx: &mut dyn Tx, records: &[AccessRecord]) -> Result<()> {
    let mut days = BTreeMap::new();
    for record in records {
        for id in record.access.orders.listed.iter().flatten() {
            days.insert((*id, record.at.date()), record.sequence);
        }
    }
    let mut rows = days.into_iter().map(|((id, day), sequence)| vec![id.into(), day.into(), sequence.into()]);
    tx.upsert_many("access_order_days", &["order_id", "accessed_on"], &["last_sequence"], &mut rows)?;
    let ranges = records.iter().filter(|record| record.access.orders.listed.is_none());
    let mut rows = ranges.filter_map(|record| {
        let (first, last) = record.access.orders.range?;
        Some(vec![record.sequence.into(), first.into(), last.into()])
    });
    let sql = "INSERT INTO access_ranges (sequence, first_order_id, last_order_id) VALUES (?, ?, ?)";
    tx.exec_many(sql, &mut rows)
}

/// A record from [`COLUMNS`].
pub(super) fn record_of(mut row: Row) -> Result<AccessRecord> {
    let sequence = row.int(0)?;
    let inconsistent = |what: &str| StorageError::Inconsistent(format!("access_records {sequence}: {what}"));
    let accessor = match (row.text(2)?.as_str(), row.opt_id(3)?, row.text(4)?) {
        ("member", Some(id), address) => Accessor::Member { id, address },
        ("unknown", None, address) => Accessor::Unknown { address },
        ("command-line", None, address) if address.is_empty() => Accessor::CommandLine,
        ("program", None, address) if address.is_empty() => Accessor::Program,
        _ => return Err(inconsistent("actor")),
    };
    let listed = match row.opt_blob(11)? {
        Some(bytes) => Some(AccessedOrders::decode(&bytes).ok_or_else(|| inconsistent("order_ids"))?),
        None => None,
    };
    Ok(AccessRecord {
        sequence,
        at: row.moment(1)?,
        access: NewAccess {
            accessor,
            action: row.code(5, "access_records.action")?,
            page: row.text(6)?,
            query: row.text(7)?,
            orders: AccessedOrders {
                count: u64::try_from(row.int(8)?).map_err(|_| inconsistent("order_count"))?,
                range: row.opt_id(9)?.zip(row.opt_id(10)?),
                listed,
            },
        },
        digest: row.text(12)?,
    })
}

/// Records the start of the program on `host`. After a start without a stop it is marked as unclean.
pub fn record_start(tx: &mut dyn Tx, host: &str) -> Result<()> {
    let page = format!("serve {host}");
    let sql = "SELECT action FROM access_records WHERE sequence = \
               (SELECT max(sequence) FROM access_records WHERE action IN ('start', 'stop') AND page = ?)";
    let last = tx.query_one(sql, &[(&page).into()])?.map(|mut row| row.text(0)).transpose()?;
    let is_unclean = last.as_deref() == Some(AccessAction::Started.code());
    let query = if is_unclean { UNCLEAN.to_owned() } else { String::new() };
    record(tx, lifecycle(AccessAction::Started, page, query))
}

/// Records the orderly stop of the program on `host`.
pub fn record_stop(tx: &mut dyn Tx, host: &str) -> Result<()> {
    record(tx, lifecycle(AccessAction::Stopped, format!("serve {host}"), String::new()))
}

fn lifecycle(action: AccessAction, page: String, query: String) -> NewAccess {
    NewAccess { accessor: Accessor::Program, action, page, query, orders: AccessedOrders::NONE }
}

/// Seals the days before today, if there are records since the last seal. Returns the new seal.
pub fn seal(tx: &mut dyn Tx) -> Result<Option<Seal>> {
    let Some(yesterday) = tx.now().date().checked_sub_days(Days::new(1)) else { return Ok(None) };
    let newest = seals(tx, "ORDER BY accessed_on DESC LIMIT 1", &[])?.pop();
    if newest.as_ref().is_some_and(|seal| seal.day >= yesterday) {
        return Ok(None);
    }
    // Views of the last second of a day may be written after midnight: a seal covers what is written.
    let before = Moment::start_of(tx.now().date());
    let sql = "SELECT sequence, digest FROM access_records WHERE sequence = \
               (SELECT max(sequence) FROM access_records WHERE recorded_at < ?)";
    let Some(mut row) = tx.query_one(sql, &[before.into()])? else { return Ok(None) };
    let seal =
        Seal { day: yesterday, last_sequence: row.int(0)?, digest: row.text(1)?, sealed_at: tx.now(), purged_at: None };
    if newest.is_some_and(|newest| newest.last_sequence >= seal.last_sequence) {
        return Ok(None);
    }
    tx.exec(
        "INSERT INTO access_seals (accessed_on, last_sequence, digest, sealed_at) VALUES (?, ?, ?, ?)",
        &[seal.day.into(), seal.last_sequence.into(), (&seal.digest).into(), seal.sealed_at.into()],
    )?;
    Ok(Some(seal))
}

pub(super) fn seals(tx: &mut dyn Tx, rest: &str, params: &[Param<'_>]) -> Result<Vec<Seal>> {
    let sql = format!("SELECT accessed_on, last_sequence, digest, sealed_at, purged_at FROM access_seals {rest}");
    let rows = tx.query(&sql, params)?.into_iter().map(|mut row| {
        Ok(Seal {
            day: row.opt_date(0)?.ok_or_else(|| StorageError::Inconsistent("access_seals.accessed_on".to_owned()))?,
            last_sequence: row.int(1)?,
            digest: row.text(2)?,
            sealed_at: row.moment(3)?,
            purged_at: row.opt_moment(4)?,
        })
    });
    rows.collect()
}

/// Orders that [`count_data_subjects`] reads at once.
const COUNTED_ORDERS: usize = 10_000;

/// Number of people whose data the shop has, by telephone number, up to [`LONG_RETENTION_PEOPLE`]: more change nothing. An
/// upper bound, since one person may have several numbers.
pub fn count_data_subjects(tx: &mut dyn Tx) -> Result<i64> {
    let most = usize::try_from(LONG_RETENTION_PEOPLE).unwrap_or(usize::MAX);
    let mut people = HashSet::new();
    // Sealed orders have masks, and their numbers as digits apart: a person with orders of both kinds counts twice.
    let sql = "SELECT DISTINCT name FROM sealed_names WHERE name >= '0' AND name < ':' LIMIT ?";
    tx.for_each(sql, &[LONG_RETENTION_PEOPLE.into()], &mut |mut row| {
        people.insert(row.text(0)?);
        Ok(())
    })?;
    let sql = format!(
        "SELECT id, customer_tel, recipient_tel1 FROM orders WHERE id > ? AND NOT EXISTS \
         (SELECT 1 FROM order_seals s WHERE s.order_id = orders.id AND s.opened_at IS NULL) ORDER BY id LIMIT {COUNTED_ORDERS}"
    );
    let (mut last, mut read) = (0, COUNTED_ORDERS);
    while people.len() < most && read == COUNTED_ORDERS {
        read = 0;
        tx.for_each(&sql, &[last.into()], &mut |mut row| {
            (last, read) = (row.int(0)?, read + 1);
            people.extend([row.text(1)?, row.text(2)?].into_iter().filter(|tel| !tel.is_empty()));
            Ok(())
        })?;
    }
    Ok(i64::try_from(people.len().min(most)).unwrap_or(LONG_RETENTION_PEOPLE))
}

/// Whether the triggers that refuse changes exist. An account of MariaDB may not be allowed to create them.
pub fn is_guarded(tx: &mut dyn Tx) -> Result<bool> {
    Ok(usize::try_from(tx.trigger_count()?).unwrap_or_default() >= schema::trigger_count())
}

/// All orders, for a copy of the whole database.
pub fn all_orders(tx: &mut dyn Tx) -> Result<AccessedOrders> {
    let row = tx.query_one("SELECT count(*), min(id), max(id) FROM orders", &[])?;
    row.map_or(Ok(AccessedOrders::NONE), |row| {
        let count = u64::try_from(row.int(0)?).unwrap_or_default();
        Ok(AccessedOrders { count, range: row.opt_id(1)?.zip(row.opt_id(2)?), listed: None })
    })
}

/// Years that records are kept: `configured`, but at least two with more than 50,000 people.
pub const fn effective_years(configured: u32, people: i64) -> u32 {
    if people >= LONG_RETENTION_PEOPLE && configured < 2 { 2 } else { configured }
}

/// Deletes a batch of records that are older than `years`, whole seals at a time, and then the inspections and seals that
/// are about deleted records only. Returns whether there may be more.
pub fn delete_expired(tx: &mut dyn Tx, years: u32) -> Result<bool> {
    let Some(before) = tx.now().date().checked_sub_months(Months::new(years.saturating_mul(12))) else {
        return Ok(false);
    };
    let now = tx.now();
    tx.exec(
        "UPDATE access_seals SET purged_at = ? WHERE accessed_on < ? AND purged_at IS NULL",
        &[now.into(), before.into()],
    )?;
    let last = tx.scalar("SELECT max(last_sequence) FROM access_seals WHERE purged_at IS NOT NULL", &[])?;
    let first = tx.scalar("SELECT min(sequence) FROM access_records", &[])?;
    if last == 0 {
        return Ok(false);
    }
    if first == 0 || first > last {
        // The newest of these seals has the digest that the first kept record builds on.
        tx.exec("DELETE FROM access_inspections WHERE last_sequence <= ?", &[last.into()])?;
        tx.exec("DELETE FROM access_seals WHERE purged_at IS NOT NULL AND last_sequence < ?", &[last.into()])?;
        return Ok(false);
    }
    let end = last.min(first + DELETE_BATCH_ROWS - 1);
    tx.exec("DELETE FROM access_ranges WHERE sequence <= ?", &[end.into()])?;
    tx.exec("DELETE FROM access_records WHERE sequence <= ?", &[end.into()])?;
    tx.exec(
        "DELETE FROM access_order_days WHERE accessed_on < ? AND last_sequence <= ?",
        &[before.into(), end.into()],
    )?;
    Ok(true)
}

/// Result of [`verify`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChainReport {
    /// records that were read
    pub records: i64,
    /// number of the first and of the last record; 0 without records
    pub first: i64,
    /// number of the last record
    pub last: i64,
    /// digest of the last record
    pub digest: String,
    /// seals that were compared
    pub seals: usize,
    /// what is not as it was written, in the order of the records; at most a hundred
    pub faults: Vec<ChainFault>,
}

/// Reads all records, computes their digests again, and compares them with the stored ones, with the seals, with those that
/// signed inspections have, with the end of the chain, and with digests that the caller knows from elsewhere (a printed
/// page, a backup). A purge is believed only when the retention of its day had ended.
pub fn verify(tx: &mut dyn Tx, known: &[(i64, String)]) -> Result<ChainReport> {
    let seals = seals(tx, "ORDER BY last_sequence", &[])?;
    let (purged, digest) = seals
        .iter()
        .rev()
        .find(|seal| seal.purged_at.is_some())
        .map_or((0, String::new()), |seal| (seal.last_sequence, seal.digest.clone()));
    let mut by_sequence: BTreeMap<i64, &Seal> = seals.iter().map(|seal| (seal.last_sequence, seal)).collect();
    by_sequence.retain(|sequence, _| *sequence > purged);
    let mut report = ChainReport { digest, seals: by_sequence.len(), ..ChainReport::default() };
    let (mut next, sql) = (purged + 1, format!("SELECT {COLUMNS} FROM access_records ORDER BY sequence"));
    let (mut faults, mut unindexed) = (seal_faults(&seals, tx.now()), HashSet::new());
    let inspected = inspected(tx)?;
    tx.for_each(&sql, &[], &mut |row| {
        let sequence = row.int(0)?;
        if sequence <= purged {
            // The job that deletes expired records has not reached it yet.
            return Ok(());
        }
        if sequence > next {
            faults.push(ChainFault::Missing { from: next, to: sequence - 1 });
        }
        report.first = if report.first == 0 { sequence } else { report.first };
        let stored = row.clone().text(12)?;
        // After a gap the digest of the record before is unknown.
        let record = record_of(row).ok();
        let expected =
            record.as_ref().map(|record| AccessRecord::digest(sequence, record.at, &record.access, &report.digest));
        if sequence == next && expected.as_ref() != Some(&stored) {
            faults.push(ChainFault::Changed { sequence });
        }
        if let Some(record) = record {
            let day = record.at.date();
            unindexed.extend(record.access.orders.listed.into_iter().flatten().map(|id| (id, day)));
        }
        if let Some(seal) = by_sequence.remove(&sequence).filter(|seal| seal.digest != stored) {
            faults.push(ChainFault::SealMismatch { day: seal.day });
        }
        let differs = inspected.iter().filter(|(_, number, digest)| *number == sequence && *digest != stored);
        faults.extend(differs.map(|(month, ..)| ChainFault::InspectionMismatch { month: *month }));
        if known.iter().any(|(number, digest)| *number == sequence && *digest != stored) {
            faults.push(ChainFault::OtherDigest { sequence });
        }
        (report.digest, report.last, next) = (stored, sequence, sequence + 1);
        report.records += 1;
        faults.truncate(MAX_FAULTS);
        Ok(())
    })?;
    let (last, digest) = head(tx)?;
    let known_last = known.iter().map(|(number, _)| *number).max().unwrap_or_default();
    let last_sealed = seals.last().map_or(0, |seal| seal.last_sequence);
    let last_inspected = inspected.iter().map(|(_, number, _)| *number).max().unwrap_or_default();
    let expected_last = last.max(last_sealed).max(last_inspected).max(known_last);
    if next <= expected_last {
        faults.push(ChainFault::Missing { from: next, to: expected_last });
    } else if last != next - 1 || (last > purged && digest != report.digest) {
        faults.push(ChainFault::Changed { sequence: next - 1 });
    }
    faults.extend(
        by_sequence
            .into_values()
            .filter(|seal| seal.last_sequence < next)
            .map(|seal| ChainFault::SealMismatch { day: seal.day }),
    );
    tx.for_each("SELECT order_id, accessed_on FROM access_order_days", &[], &mut |row| {
        if let Some(day) = row.opt_date(1)? {
            unindexed.remove(&(row.id(0)?, day));
        }
        Ok(())
    })?;
    if !unindexed.is_empty() {
        faults.push(ChainFault::Unindexed { orders: unindexed.len() });
    }
    faults.truncate(MAX_FAULTS);
    report.faults = faults;
    Ok(report)
}

/// First month, number of the last record, and digest of each signed inspection.
fn inspected(tx: &mut dyn Tx) -> Result<Vec<(NaiveDate, i64, String)>> {
    let rows = tx.query("SELECT inspected_month, last_sequence, digest FROM access_inspections", &[])?;
    let month =
        |day: Option<_>| day.ok_or_else(|| StorageError::Inconsistent("access_inspections.inspected_month".to_owned()));
    rows.into_iter().map(|mut row| Ok((month(row.opt_date(0)?)?, row.int(1)?, row.text(2)?))).collect()
}

//! SQL of the comparison, and of the tables `reconciliations` and `reconciliation_rows`.

use std::sync::Arc;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::model::{ListFinding, Reconciliation, ReportRow, ShopOrder, ShopOrders, Tally};
use crate::channels::FileKind;
use crate::channels::store as channels;
use crate::id::{ChannelId, MemberId, ReconciliationId, UploadId};
use crate::orders::model::OrderState;
use crate::orders::store as orders;
use crate::storage::text_limits;
use crate::storage::{Param, Result, Row, StorageError, Tx};
use crate::time::{Moment, day_range};
use crate::uploads::model::display_name;

const SHOP_COLUMNS: &str = "order_number, id, price, state, claim";

fn shop_order(row: &mut Row) -> Result<(String, ShopOrder)> {
    let number = row.text(0)?;
    let state = OrderState::from_ordinal(row.int(3)?)
        .ok_or_else(|| StorageError::Inconsistent(format!("orders.state of {number}")))?;
    let claim = if state < OrderState::Cancelled { row.text(4)? } else { String::new() };
    Ok((number, ShopOrder { id: row.id(1)?, amount: row.int(2)?, state, claim }))
}

/// Adds the orders of a channel that were placed in a period, by the index of the channel.
pub fn load_period(
    tx: &mut dyn Tx,
    channel_id: ChannelId,
    (from, to): (NaiveDate, NaiveDate),
    orders: &mut ShopOrders,
) -> Result<()> {
    let by_channel = tx.index_hint("orders_by_channel");
    let sql = format!(
        "SELECT {SHOP_COLUMNS} FROM orders {by_channel} WHERE channel_id = ? AND placed_at >= ? AND placed_at < ?"
    );
    let (from, to) = day_range(Some(from), Some(to));
    tx.for_each(&sql, &[channel_id.into(), from.into(), to.into()], &mut |mut row| {
        let (number, order) = shop_order(&mut row)?;
        orders.insert(number, order);
        Ok(())
    })
}

/// Adds the orders of a channel with these numbers, in batches by the index of the numbers.
pub fn load_by_number(tx: &mut dyn Tx, channel_id: ChannelId, numbers: &[&str], orders: &mut ShopOrders) -> Result<()> {
    let by_number = tx.index_hint("orders_by_number");
    let sql = |numbers: &str| {
        format!("SELECT {SHOP_COLUMNS} FROM orders {by_number} WHERE channel_id = ? AND order_number IN ({numbers})")
    };
    let numbers: Vec<Param<'_>> = numbers.iter().map(|number| (*number).into()).collect();
    tx.for_values(&numbers, &[channel_id.into()], sql, &mut |mut row| {
        let (number, order) = shop_order(&mut row)?;
        orders.insert(number, order);
        Ok(())
    })
}

/// A file of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportFile {
    /// its name
    pub name: String,
    /// the file as an upload, if orders of it are missing here
    pub upload_id: Option<UploadId>,
}

/// A report to keep.
#[derive(Clone, Debug)]
pub struct NewReport {
    /// member; none for the command line
    pub member_id: Option<MemberId>,
    /// code of the channel
    pub channel_code: String,
    /// name of the channel
    pub channel_name: String,
    /// kind of the list
    pub kind: FileKind,
    /// its files
    pub files: Vec<ReportFile>,
    /// first and last day, by 주문일
    pub period: Option<(NaiveDate, NaiveDate)>,
    /// which part of the files was read, in Korean sentences
    pub notes: Vec<String>,
    /// what was found
    pub comparison: Arc<Reconciliation>,
}

/// A kept report without its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReconcileReport {
    /// identifier
    pub id: ReconciliationId,
    /// when it was made
    pub created_at: Moment,
    /// by whom; none for the command line
    pub username: Option<String>,
    /// code of the channel
    pub channel_code: String,
    /// name of the channel
    pub channel_name: String,
    /// kind of the list
    pub kind: FileKind,
    /// its files
    pub files: Vec<ReportFile>,
    /// first and last day, by 주문일
    pub period: Option<(NaiveDate, NaiveDate)>,
    /// which part of the files was read, in Korean sentences
    pub notes: Vec<String>,
    /// orders of the lists
    pub listed: Tally,
    /// number and sums of each finding
    pub findings: Vec<(ListFinding, Tally)>,
}

impl ReconcileReport {
    /// Number and sums of a finding.
    pub fn tally(&self, finding: ListFinding) -> Tally {
        self.findings.iter().find(|(of, _)| *of == finding).map_or_else(Tally::default, |(_, tally)| *tally)
    }

    /// The names of its files on one line.
    pub fn file_names(&self) -> String {
        self.files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>().join(", ")
    }
}

const COLUMNS: &str = "r.id, r.created_at, m.username, r.channel_code, r.channel_name, r.kind, r.files, \
                       r.period_from, r.period_to, r.listed_orders, r.listed_amount, r.findings, r.notes";

/// Keeps a report with its rows; answers its identifier.
pub fn insert(tx: &mut dyn Tx, report: &NewReport) -> Result<ReconciliationId> {
    let (id, now, found) = (tx.new_id::<ReconciliationId>(), tx.now(), &report.comparison);
    let tallies: Vec<(&str, [i64; 3])> = ListFinding::ALL
        .into_iter()
        .map(|finding| (finding, found.tally(finding)))
        .map(|(finding, tally)| (finding.code(), [tally.orders, tally.listed_amount, tally.shop_amount]))
        .collect();
    let findings = serde_json::to_string(&tallies).unwrap_or_default();
    let files: Vec<ReportFile> = report
        .files
        .iter()
        .map(|file| ReportFile { name: display_name(&file.name), upload_id: file.upload_id })
        .collect();
    let (from, to) = report.period.unzip();
    tx.exec(
        "INSERT INTO reconciliations (id, created_at, member_id, channel_code, channel_name, kind, files, \
         period_from, period_to, listed_orders, listed_amount, findings, notes) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &[
            id.into(),
            now.into(),
            report.member_id.into(),
            report.channel_code.as_str().into(),
            report.channel_name.as_str().into(),
            report.kind.code().into(),
            serde_json::to_string(&files).unwrap_or_default().into(),
            from.into(),
            to.into(),
            found.listed.orders.into(),
            found.listed.listed_amount.into(),
            findings.into(),
            serde_json::to_string(&report.notes).unwrap_or_default().into(),
        ],
    )?;
    // The rows of the lists in their order: each order once.
    let mut listed: Vec<usize> = (0..found.rows.len()).filter(|index| found.rows[*index].is_listed).collect();
    listed.sort_by_key(|index| (found.rows[*index].file, found.rows[*index].row));
    let mut listed_at: Vec<Option<i64>> = vec![None; found.rows.len()];
    for (position, index) in (0_i64..).zip(listed) {
        listed_at[index] = Some(position);
    }
    let mut rows = (0_i64..).zip(&found.rows).map(|(position, row)| {
        vec![
            id.into(),
            row.finding.code().into(),
            position.into(),
            usize::try_from(position).ok().and_then(|position| listed_at[position]).into(),
            row.order_number.as_str().into(),
            i64::try_from(row.file).unwrap_or_default().into(),
            row.row.map(i64::from).into(),
            row.listed_amount.into(),
            row.shop_amount.into(),
            text_limits::truncate(&row.listed_state, text_limits::CLAIM).into(),
            row.shop_state.as_str().into(),
        ]
    });
    tx.exec_many(
        "INSERT INTO reconciliation_rows (reconciliation_id, finding, position, listed_position, order_number, file, \
         sheet_row, listed_amount, shop_amount, listed_state, shop_state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &mut rows,
    )?;
    Ok(id)
}

fn report(row: &mut Row) -> Result<ReconcileReport> {
    let tallies: Vec<(String, [i64; 3])> = row.json(11, "reconciliations.findings")?;
    let findings = tallies.into_iter().filter_map(|(code, [orders, listed_amount, shop_amount])| {
        Some((ListFinding::from_code(&code)?, Tally { orders, listed_amount, shop_amount }))
    });
    Ok(ReconcileReport {
        id: row.id(0)?,
        created_at: row.moment(1)?,
        username: row.opt_text(2)?,
        channel_code: row.text(3)?,
        channel_name: row.text(4)?,
        kind: row.code(5, "reconciliations.kind")?,
        files: row.json(6, "reconciliations.files")?,
        period: row.opt_date(7)?.zip(row.opt_date(8)?),
        listed: Tally { orders: row.int(9)?, listed_amount: row.int(10)?, shop_amount: 0 },
        notes: row.json(12, "reconciliations.notes")?,
        findings: findings.collect(),
    })
}

/// Finds a report.
pub fn find(tx: &mut dyn Tx, id: ReconciliationId) -> Result<Option<ReconcileReport>> {
    let sql =
        format!("SELECT {COLUMNS} FROM reconciliations r LEFT JOIN members m ON m.id = r.member_id WHERE r.id = ?");
    tx.query_one(&sql, &[id.into()])?.map(|mut row| report(&mut row)).transpose()
}

/// A page of the reports, newest first, and their number.
pub fn page(tx: &mut dyn Tx, offset: i64, size: i64) -> Result<(Vec<ReconcileReport>, i64)> {
    let total = tx.scalar("SELECT count(*) FROM reconciliations", &[])?;
    let sql = format!(
        "SELECT {COLUMNS} FROM reconciliations r LEFT JOIN members m ON m.id = r.member_id \
         ORDER BY r.id DESC LIMIT ? OFFSET ?"
    );
    let rows = tx.query(&sql, &[size.into(), offset.into()])?;
    Ok((rows.into_iter().map(|mut row| report(&mut row)).collect::<Result<_>>()?, total))
}

/// The rows of a report that a page shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportPart {
    /// every order of the lists, in their order
    Listed,
    /// the rows of a finding
    Found(ListFinding),
}

/// A page of the rows of a report, with the identifiers that their orders have now.
pub fn rows(
    tx: &mut dyn Tx,
    report: &ReconcileReport,
    part: ReportPart,
    offset: i64,
    size: i64,
) -> Result<Vec<ReportRow>> {
    const COLUMNS: &str = "SELECT order_number, file, sheet_row, listed_amount, shop_amount, listed_state, shop_state, \
                           finding, listed_position FROM reconciliation_rows WHERE reconciliation_id = ?";
    let rows = match part {
        ReportPart::Listed => {
            let sql = format!("{COLUMNS} AND listed_position >= ? AND listed_position < ? ORDER BY listed_position");
            tx.query(&sql, &[report.id.into(), offset.into(), offset.saturating_add(size).into()])?
        }
        ReportPart::Found(finding) => {
            let sql = format!("{COLUMNS} AND finding = ? ORDER BY position LIMIT ? OFFSET ?");
            tx.query(&sql, &[report.id.into(), finding.code().into(), size.into(), offset.into()])?
        }
    };
    let row = |mut row: Row| {
        Ok(ReportRow {
            finding: row.code(7, "reconciliation_rows.finding")?,
            order_number: row.text(0)?,
            file: usize::try_from(row.int(1)?).unwrap_or_default(),
            row: row.opt_int(2)?.and_then(|row| u32::try_from(row).ok()),
            order_id: None,
            listed_amount: row.opt_int(3)?,
            shop_amount: row.opt_int(4)?,
            listed_state: row.text(5)?,
            shop_state: row.text(6)?,
            is_listed: row.opt_int(8)?.is_some(),
        })
    };
    let mut rows: Vec<ReportRow> = rows.into_iter().map(row).collect::<Result<_>>()?;
    if let Some(channel) = channels::find_id(tx, &report.channel_code)? {
        let numbers = rows.iter().map(|row| row.order_number.as_str()).filter(|number| !number.is_empty());
        let numbers: Vec<&str> = numbers.collect();
        let ids = orders::ids_by_number(tx, Some(channel), &numbers)?;
        for row in &mut rows {
            row.order_id = ids.get(&row.order_number).and_then(|ids| ids.first().copied());
        }
    }
    Ok(rows)
}

/// Deletes up to `limit` reports that were made before `before`, with their rows; answers how many.
pub fn delete_old(tx: &mut dyn Tx, before: Moment, limit: i64) -> Result<usize> {
    let sql = "SELECT id FROM reconciliations WHERE created_at < ? ORDER BY id LIMIT ?";
    let old = tx.query(sql, &[before.into(), limit.into()])?;
    for row in &old {
        let id = row.int(0)?;
        tx.exec("DELETE FROM reconciliation_rows WHERE reconciliation_id = ?", &[id.into()])?;
        tx.exec("DELETE FROM reconciliations WHERE id = ?", &[id.into()])?;
    }
    Ok(old.len())
}

//! Runs a comparison and keeps its report.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::NaiveDate;

use super::model::{InexactNumbers, Reconciliation, ShopOrders, compare, merge_rows, period_of};
use super::store::{self, NewReport};
use crate::channels::store as channels;
use crate::channels::{FileError, FileKind};
use crate::orders::store as orders;
use crate::sheets::SheetError;
use crate::uploads::check::{CheckedRow, ListedRow, RowCheck};
use crate::uploads::{ImportOptions, UploadError, Uploads};

/// What the caller states about a list; the rest follows from the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReconcileOptions {
    /// code of the channel
    pub channel: Option<String>,
    /// first day of the period, by 주문일
    pub from: Option<NaiveDate>,
    /// last day of the period
    pub to: Option<NaiveDate>,
}

/// A kept report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReconcileOutcome {
    /// identifier of the report
    pub id: i64,
    /// code of the channel
    pub channel_code: String,
    /// rows whose order number is not exactly known, which were not compared
    pub unread: i64,
    /// which part of the file was read, in Korean sentences
    pub notes: Vec<String>,
    /// what was found
    pub comparison: Reconciliation,
}

/// Compares a list with the shop and keeps the report. If orders of an order list are missing here, the file is stored as
/// an upload too, previewed and not applied, so that they can be taken in.
///
/// # Errors
/// The file is rejected, or the database failed.
pub async fn reconcile(
    uploads: &Uploads,
    member_id: Option<i64>,
    file_name: &str,
    bytes: Vec<u8>,
    password: Option<&str>,
    options: &ReconcileOptions,
) -> Result<ReconcileOutcome, UploadError> {
    let bytes = Arc::new(bytes);
    let now = uploads.storage.clock().now();
    if member_id.is_some_and(|member_id| uploads.password_tries.are_used_up(member_id, now)) {
        return Err(UploadError::TooManyPasswords);
    }
    let file =
        uploads.read_list(Arc::clone(&bytes), password, options.channel.as_deref()).await.inspect_err(|error| {
            if let (UploadError::Refused(FileError::Sheet(SheetError::WrongPassword)), Some(member_id)) =
                (error, member_id)
            {
                uploads.password_tries.count(member_id, now);
            }
        })?;
    let (profile, mut notes) = (file.profile, file.notes);
    let SortedRows { rows, inexact, unread } = sort_rows(uploads, &profile.code, file.rows).await?;
    if !inexact.is_empty() {
        notes.push(
            "번호의 자리가 빠졌을 수 있는 행은 빼고 대조했어요. 받은 파일을 엑셀에서 저장하지 말고 그대로 올려 주세요"
                .to_owned(),
        );
    }
    let found = period_of(&rows);
    let (from, to) = (options.from.or(found.map(|days| days.0)), options.to.or(found.map(|days| days.1)));
    let (orders, repeated) = merge_rows(rows, profile.kind == FileKind::Settlement);
    let orders = Arc::new(orders);
    let (of_list, listed) = (Arc::clone(&profile), Arc::clone(&orders));
    let comparison = uploads
        .storage
        .read(move |tx| {
            let Some(channel) = channels::find_id(tx, &of_list.code)? else {
                return Ok(compare(&of_list, &listed, &ShopOrders::new(), &BTreeSet::new()));
            };
            let mut known = ShopOrders::new();
            // Without both days every older order would count as missing there.
            if let (Some(from), Some(to)) = (from, to) {
                store::load_period(tx, channel, (from, to), &mut known)?;
            }
            // An order that a row of an inexact number may mean is not missing there.
            let in_period: BTreeSet<String> =
                known.keys().filter(|number| !inexact.may_mean(number)).cloned().collect();
            let others: Vec<&str> = listed.keys().map(String::as_str).filter(|key| !known.contains_key(*key)).collect();
            store::load_by_number(tx, channel, &others, &mut known)?;
            Ok::<_, UploadError>(compare(&of_list, &listed, &known, &in_period))
        })
        .await?;
    let comparison = Reconciliation { repeated, ..comparison };
    let is_missing = comparison.rows.iter().any(|row| row.finding == super::model::Discrepancy::MissingHere);
    let upload_id = if is_missing && profile.kind == FileKind::Orders {
        let options = ImportOptions { channel: options.channel.clone(), ..ImportOptions::default() };
        let bytes = Arc::unwrap_or_clone(bytes);
        Some(uploads.receive_and_preview(member_id, file_name, bytes, &options).await?.id)
    } else {
        None
    };
    let report = NewReport {
        member_id,
        channel_code: profile.code.clone(),
        channel_name: profile.name.clone(),
        kind: profile.kind,
        file_name: file_name.to_owned(),
        period: from.zip(to),
        unread,
        notes: notes.clone(),
        upload_id,
        comparison: Arc::new(comparison.clone()),
    };
    let id = uploads.storage.write(move |tx| store::insert(tx, &report)).await?;
    Ok(ReconcileOutcome { id, channel_code: profile.code.clone(), unread, notes, comparison })
}

/// The rows of a list by what is known of their order numbers.
struct SortedRows {
    rows: Vec<(u32, ListedRow)>,
    inexact: InexactNumbers,
    /// rows that cannot be compared
    unread: i64,
}

/// Sorts the rows as an upload does: a number that a spreadsheet may have changed counts only if it surely is that of an
/// order.
async fn sort_rows(
    uploads: &Uploads,
    channel_code: &str,
    checked: Vec<CheckedRow<ListedRow>>,
) -> Result<SortedRows, UploadError> {
    let doubtful = checked.iter().filter(|row| row.is_inexact).map(|row| row.key.clone());
    let (doubtful, code): (BTreeSet<String>, _) = (doubtful.collect(), channel_code.to_owned());
    let known = uploads.storage.read(move |tx| match channels::find_id(tx, &code)? {
        Some(channel) => orders::surely_known_numbers(tx, Some(channel), doubtful.iter().map(String::as_str)),
        None => Ok(BTreeSet::new()),
    });
    let known = known.await?;
    let mut sorted = SortedRows { rows: Vec::new(), inexact: InexactNumbers::default(), unread: 0 };
    for row in checked {
        match row.outcome {
            RowCheck::Valid(..) | RowCheck::Rejected(_) if row.is_inexact && !known.contains(&row.key) => {
                sorted.inexact.add(&row.key);
                sorted.unread += 1;
            }
            RowCheck::Valid(listed, _) => sorted.rows.push((row.row, *listed)),
            RowCheck::Rejected(_) => sorted.unread += 1,
            RowCheck::Skipped(_) | RowCheck::Ignored => {}
        }
    }
    Ok(sorted)
}

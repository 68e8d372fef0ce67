//! Runs comparisons and keeps their reports.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::NaiveDate;

use super::model::{
    InexactNumbers, ListFinding, MergedLists, Reconciliation, ShopOrder, ShopOrders, SortedList, compare,
};
use super::store::{self, NewReport, ReportFile};
use crate::channels::store as channels;
use crate::channels::{FileError, FileKind, Profile};
use crate::id::{MemberId, ReconciliationId};
use crate::orders::model::OrderState;
use crate::orders::store as orders;
use crate::sheets::SheetError;
use crate::storage::{Result as StorageResult, StorageError, Tx};
use crate::uploads::check::RowCheck;
use crate::uploads::plan::{NumberedLine, orders_of_changed_options};
use crate::uploads::{ImportOptions, ListedFile, UploadError, Uploads};

/// What the caller states about the lists; the rest follows from the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReconcileOptions {
    /// code of the channel
    pub channel: Option<String>,
    /// first day of the period, by 주문일
    pub from: Option<NaiveDate>,
    /// last day of the period
    pub to: Option<NaiveDate>,
}

/// A channel's list as a file.
#[derive(Clone, Debug)]
pub struct ListFile {
    /// its name
    pub name: String,
    /// content
    pub bytes: Arc<Vec<u8>>,
}

/// A kept report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReconcileOutcome {
    /// identifier of the report
    pub id: ReconciliationId,
    /// code of the channel
    pub channel_code: String,
    /// which part of the files was read, in Korean sentences
    pub notes: Vec<String>,
    /// indexes of its files, in the order of [`ReportRow::file`](super::model::ReportRow::file)
    pub files: Vec<usize>,
    /// what was found
    pub comparison: Arc<Reconciliation>,
}

/// What became of several lists.
#[derive(Debug, Default)]
pub struct ReconcileResult {
    /// the kept reports, one for each channel and kind of list
    pub reports: Vec<ReconcileOutcome>,
    /// files that are rejected, by their index
    pub rejected: Vec<(usize, UploadError)>,
}

/// A file that was read.
struct ReadFile {
    index: usize,
    list: SortedList,
}

/// Compares lists with the shop and keeps the reports. Files of one channel and kind are one list: a month may have several.
/// A file that is given twice counts once. If orders of an order list are missing here, their files are stored as uploads
/// too, previewed and not applied, so that they can be taken in.
///
/// # Errors
/// The database failed.
pub async fn reconcile(
    uploads: &Uploads,
    member_id: Option<MemberId>,
    files: &[ListFile],
    password: Option<&str>,
    options: &ReconcileOptions,
) -> Result<ReconcileResult, UploadError> {
    let mut result = ReconcileResult::default();
    let mut groups: Vec<Vec<ReadFile>> = Vec::new();
    for (index, read) in read_all(uploads, member_id, files, password, options).await {
        let list = match read {
            Ok(list) => list,
            Err(error @ UploadError::Storage(_)) => return Err(error),
            Err(error) => {
                result.rejected.push((index, error));
                continue;
            }
        };
        let source = |list: &SortedList| (list.profile.kind, list.profile.code.clone());
        match groups.iter_mut().find(|group| group.iter().any(|read| source(&read.list) == source(&list))) {
            Some(group) => group.push(ReadFile { index, list }),
            None => groups.push(vec![ReadFile { index, list }]),
        }
    }
    for group in groups {
        result.reports.push(compare_group(uploads, member_id, (files, group), password, options).await?);
    }
    Ok(result)
}

/// Reads the files, one after another: they are limited together. A file that is given twice is read once.
async fn read_all(
    uploads: &Uploads,
    member_id: Option<MemberId>,
    files: &[ListFile],
    password: Option<&str>,
    options: &ReconcileOptions,
) -> Vec<(usize, Result<SortedList, UploadError>)> {
    let mut done = Vec::with_capacity(files.len());
    for (index, file) in files.iter().enumerate() {
        if !files[..index].iter().any(|earlier| earlier.bytes == file.bytes) {
            done.push((index, read(uploads, member_id, &file.bytes, password, options).await));
        }
    }
    done
}

async fn read(
    uploads: &Uploads,
    member_id: Option<MemberId>,
    bytes: &Arc<Vec<u8>>,
    password: Option<&str>,
    options: &ReconcileOptions,
) -> Result<SortedList, UploadError> {
    let now = uploads.storage.clock().now();
    if member_id.is_some_and(|member_id| uploads.password_tries.are_used_up(member_id, now)) {
        return Err(UploadError::TooManyPasswords);
    }
    let read = uploads.read_list(Arc::clone(bytes), password, options.channel.as_deref()).await;
    if let (Err(UploadError::Refused(FileError::Sheet(SheetError::WrongPassword))), Some(member_id)) =
        (&read, member_id)
    {
        uploads.password_tries.count(member_id, now);
    }
    sort_rows(uploads, read?).await
}

/// Sorts the rows as an upload does: a number that a spreadsheet may have changed counts only if it surely is that of an
/// order.
async fn sort_rows(uploads: &Uploads, file: ListedFile) -> Result<SortedList, UploadError> {
    let ListedFile { profile, rows: checked, notes } = file;
    let doubtful = checked.iter().filter(|row| row.is_inexact).map(|row| row.key.clone());
    let (doubtful, code): (BTreeSet<String>, _) = (doubtful.collect(), profile.code.clone());
    let known = uploads.storage.read(move |tx| match channels::find_id(tx, &code)? {
        Some(channel) => orders::surely_known_numbers(tx, Some(channel), doubtful.iter().map(String::as_str)),
        None => Ok(BTreeSet::new()),
    });
    let known = known.await?;
    let (rows, unread) = (Vec::new(), Vec::new());
    let mut sorted = SortedList { profile, rows, unread, inexact: InexactNumbers::default(), notes };
    for row in checked {
        match row.outcome {
            RowCheck::Valid(..) | RowCheck::Rejected(_) if row.is_inexact && !known.contains(&row.key) => {
                sorted.inexact.add(&row.key);
                sorted.unread.push(row.row);
            }
            RowCheck::Valid(listed, _) => sorted.rows.push((row.row, *listed)),
            RowCheck::Rejected(_) => sorted.unread.push(row.row),
            RowCheck::Skipped(_) | RowCheck::Ignored => {}
        }
    }
    if !sorted.inexact.is_empty() {
        sorted.notes.push(
            "번호의 자리가 빠졌을 수 있는 행은 빼고 대조했어요. 받은 파일을 엑셀에서 저장하지 말고 그대로 올려 주세요"
                .to_owned(),
        );
    }
    Ok(sorted)
}

/// Compares the files of one channel and kind.
async fn compare_group(
    uploads: &Uploads,
    member_id: Option<MemberId>,
    (files, group): (&[ListFile], Vec<ReadFile>),
    password: Option<&str>,
    options: &ReconcileOptions,
) -> Result<ReconcileOutcome, UploadError> {
    let mut lists = MergedLists::default();
    for (place, read) in group.iter().enumerate() {
        lists.add(place, &read.list);
    }
    let first = group.first().map(|read| Arc::clone(&read.list.profile));
    let profile = first.ok_or_else(|| StorageError::Inconsistent("a list without a file".to_owned()))?;
    let found = lists.period;
    let period = options.from.or(found.map(|days| days.0)).zip(options.to.or(found.map(|days| days.1)));
    let indexes: Vec<usize> = group.iter().map(|read| read.index).collect();
    let notes: Vec<String> = group
        .iter()
        .flat_map(|read| {
            let of_file = |note: &String| {
                if group.len() > 1 { format!("{}: {note}", files[read.index].name) } else { note.clone() }
            };
            read.list.notes.iter().map(of_file).collect::<Vec<_>>()
        })
        .collect();
    let (group, lists, of_list) = (Arc::new(group), Arc::new(lists), Arc::clone(&profile));
    let comparison = uploads
        .storage
        .read(move |tx| {
            let (known, in_period) = load_orders(tx, &of_list, (&group[..], &lists), period)?;
            Ok::<_, UploadError>(compare(&lists, &known, &in_period))
        })
        .await?;
    let mut report_files = Vec::with_capacity(indexes.len());
    for (place, index) in indexes.iter().enumerate() {
        let ListFile { name, bytes } = &files[*index];
        let is_missing = comparison.rows.iter().any(|row| row.finding == ListFinding::MissingHere && row.file == place);
        let upload_id = if is_missing && profile.kind == FileKind::Orders {
            let options = ImportOptions { channel: options.channel.clone(), ..ImportOptions::default() };
            let bytes = bytes.to_vec();
            Some(uploads.receive_and_preview_locked(member_id, name, bytes, password, &options).await?.id)
        } else {
            None
        };
        report_files.push(ReportFile { name: name.clone(), upload_id });
    }
    let comparison = Arc::new(comparison);
    let report = NewReport {
        member_id,
        channel_code: profile.code.clone(),
        channel_name: profile.name.clone(),
        kind: profile.kind,
        files: report_files,
        period,
        notes: notes.clone(),
        comparison: Arc::clone(&comparison),
    };
    let id = uploads.storage.write(move |tx| store::insert(tx, &report)).await?;
    Ok(ReconcileOutcome { id, channel_code: profile.code.clone(), notes, files: indexes, comparison })
}

/// The orders of the shop that the lists name, and those of the channel in the period, and the numbers of the latter.
fn load_orders(
    tx: &mut dyn Tx,
    profile: &Profile,
    (group, lists): (&[ReadFile], &MergedLists),
    period: Option<(NaiveDate, NaiveDate)>,
) -> StorageResult<(ShopOrders, BTreeSet<String>)> {
    let (mut known, mut in_period) = (ShopOrders::new(), BTreeSet::new());
    let Some(channel) = channels::find_id(tx, &profile.code)? else { return Ok((known, in_period)) };
    // Without both days every older order would count as missing there.
    if let Some(period) = period {
        store::load_period(tx, channel, period, &mut known)?;
        // An order that a row of an inexact number may mean is not missing there.
        in_period.extend(known.keys().filter(|number| !lists.inexact.may_mean(number)).cloned());
    }
    let others: Vec<&str> = lists.orders.keys().map(String::as_str).filter(|key| !known.contains_key(*key)).collect();
    store::load_by_number(tx, channel, &others, &mut known)?;
    let lines: Vec<NumberedLine<'_>> = group
        .iter()
        .flat_map(|read| &read.list.rows)
        .filter(|(_, row)| !known.contains_key(&row.order_number))
        .filter_map(|(_, row)| {
            let line = row.line.as_ref()?;
            Some(NumberedLine {
                number: &row.order_number,
                purchase: &line.channel_order_number,
                options: &line.options,
            })
        })
        .collect();
    if !lines.is_empty() {
        let is_named = |number: &str| lists.orders.contains_key(number);
        for (number, order) in orders_of_changed_options(tx, channel, profile, lines, is_named)? {
            // It has another number here, and is not missing there.
            in_period.remove(&order.order_number);
            let is_open = order.state < OrderState::Cancelled;
            let claim = if is_open { order.claim } else { String::new() };
            known.insert(number, ShopOrder { id: order.id, amount: order.price, state: order.state, claim });
        }
    }
    Ok((known, in_period))
}

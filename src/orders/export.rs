//! Export of a search as .xlsx, .csv or .json.
//!
//! [`ExportKind`] is the content: 검색 결과, 발주서 or 발송처리. `search_result`, `purchase_order` and `dispatch` define
//! the columns, `table` their types; `xlsx` and `csv` write them. `json` is for programs; its keys are stable.
//!
//! Orders are streamed, so memory does not grow with the export, except for the identifiers (eight bytes each).
//! [`save`] writes to a temporary file in the same folder and renames it on success, so a file under the final
//! name is always complete. A retried transaction starts a new file.

mod courier_order;
pub(crate) mod csv;
mod dispatch;
pub(crate) mod json;
mod kind;
mod purchase_order;
mod search_result;
mod sheets;
pub(crate) mod table;
#[cfg(test)]
mod tests;
pub(crate) mod xlsx;

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

pub use self::courier_order::Courier;
pub use self::kind::{ExportKind, SMART_STORE};
use self::table::{Table, TableStyle};
use super::claim::ClaimGate;
use super::filter::OrderFilter;
use super::list::{self, OrderRow};
use super::model::{Order, OrderState};
use super::store;
use super::store::{claims, log};
use crate::access::AccessedOrders;
use crate::audit::downloads::{self, SentTo};
use crate::districts::Districts;
use crate::id::crockford;
use crate::masking;
use crate::shop;
use crate::shop::model::Shop;
use crate::storage::{StorageError, Tx};

/// Orders in memory at once.
const ORDERS_PER_BATCH: usize = 500;

/// File format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Excel workbook
    Xlsx,
    /// for spreadsheet programs without .xlsx
    Csv,
    /// for programs
    Json,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Xlsx, Self::Csv, Self::Json];

    /// File extension.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Xlsx => "xlsx",
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }

    /// Content type in HTTP.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Json => "application/json",
        }
    }

    /// Format of a file name, by its extension.
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?;
        Self::ALL.into_iter().find(|format| format.extension().eq_ignore_ascii_case(extension))
    }
}

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// the database failed
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// the file could not be written
    #[error("파일을 쓰지 못했어요: {0}")]
    Write(#[from] io::Error),
    /// more products than a workbook may have sheets
    #[error("상품이 너무 많아 한 파일에 담을 수 없어요. 시트는 {most}개까지예요. 상품을 선택해 나누어 받아 주세요.")]
    TooManySheets {
        /// maximum number of sheets
        most: usize,
    },
}

/// Request for an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportRequest {
    /// content
    pub kind: ExportKind,
    /// file format
    pub format: Format,
    /// selected orders
    pub filter: OrderFilter,
    /// orders with an open cancellation that the member named: they go into the file all the same
    pub despite_claims: Vec<i64>,
    /// how old the claims of the channels are, in the properties of a workbook
    pub claim_note: String,
    /// Whether telephone numbers, addresses and memos are masked, because the purpose needs none.
    pub masks_contact: bool,
    /// whether orders go in that an earlier file of this kind has; the second batch of a day leaves them out
    pub repeats: bool,
}

/// A written export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportOutcome {
    /// orders in the file, in its order
    pub ids: Vec<i64>,
    /// number of orders that an earlier file of this kind has, and that are left out
    pub already_sent: usize,
    /// number of orders that do not belong into a file of this kind
    pub not_due: usize,
    /// orders that an open cancellation keeps out of the file
    pub held: Vec<Order>,
    /// orders in the file despite their cancellation, because the member named them
    pub despite_claim: Vec<Order>,
    /// orders in the file whose courier the channel does not know
    pub unknown_courier: Vec<Order>,
}

impl ExportOutcome {
    /// Number of orders in the file.
    pub fn orders(&self) -> u64 {
        self.ids.len() as u64
    }

    /// The orders in the file, for the access record.
    pub fn accessed(&self) -> AccessedOrders {
        self.ids.iter().copied().collect()
    }
}

/// Orders of a search that an open cancellation keeps out of a file of that kind.
///
/// # Errors
/// The database failed.
pub fn held(tx: &mut dyn Tx, kind: ExportKind, filter: &OrderFilter) -> Result<Vec<Order>, StorageError> {
    if !kind.is_held_by_claims() {
        return Ok(Vec::new());
    }
    let claimed = list::all_ids(tx, &OrderFilter { claim_open: true, ..filter.clone() })?;
    claims::held(tx, &claimed)
}

/// Orders of a search whose lines in a dispatch file the channel refuses, because it does not know their courier.
///
/// # Errors
/// The database failed.
pub fn unknown_courier(tx: &mut dyn Tx, kind: ExportKind, filter: &OrderFilter) -> Result<Vec<Order>, StorageError> {
    if kind != ExportKind::Dispatch {
        return Ok(Vec::new());
    }
    let ids = wanted_ids(tx, kind, filter)?;
    with_unknown_courier(tx, kind, &ids)
}

fn with_unknown_courier(tx: &mut dyn Tx, kind: ExportKind, ids: &[i64]) -> Result<Vec<Order>, StorageError> {
    let mut found = Vec::new();
    if kind == ExportKind::Dispatch {
        for some in ids.chunks(ORDERS_PER_BATCH) {
            found.extend(store::find(tx, some)?.into_iter().filter(dispatch::has_unknown_courier));
        }
    }
    Ok(found)
}

/// Numbers of orders of a search that are not in its file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// orders that an earlier file of this kind has
    pub already_sent: usize,
    /// orders that do not belong into a file of this kind
    pub not_due: usize,
}

impl LeftOut {
    /// Both numbers, for a form that confirms them.
    pub fn code(self) -> String {
        format!("{}.{}", self.already_sent, self.not_due)
    }
}

/// Numbers of orders of a search that its file leaves out, besides those with an open cancellation.
///
/// # Errors
/// The database failed.
pub fn left_out(tx: &mut dyn Tx, kind: ExportKind, filter: &OrderFilter) -> Result<LeftOut, StorageError> {
    let Some(recipient) = kind.recipient() else { return Ok(LeftOut::default()) };
    let mut ids = wanted_ids(tx, kind, filter)?;
    if kind.is_held_by_claims() {
        let held: HashSet<i64> = claims::held(tx, &ids)?.iter().map(|order| order.id).collect();
        ids.retain(|id| !held.contains(id));
    }
    let not_due = retain_due(tx, kind, &mut ids)?;
    Ok(LeftOut { already_sent: sent_before(tx, recipient, &ids)?.len(), not_due })
}

/// Those of the orders that are in an earlier file for the recipient. An order whose courier or tracking number was changed
/// since goes to the channel again.
///
/// # Errors
/// The database failed.
pub fn sent_before(tx: &mut dyn Tx, sent_to: SentTo, ids: &[i64]) -> Result<HashSet<i64>, StorageError> {
    let mut sent = downloads::orders_in_files(tx, sent_to, ids)?;
    if sent_to == SentTo::Channel {
        let asked: Vec<i64> = sent.iter().copied().collect();
        for corrected in log::corrected_since_dispatch_file(tx, &asked)? {
            sent.remove(&corrected);
        }
    }
    Ok(sent)
}

/// The orders of a search that a file of that kind is about, in its order.
fn wanted_ids(tx: &mut dyn Tx, kind: ExportKind, filter: &OrderFilter) -> Result<Vec<i64>, StorageError> {
    let mut ids = list::all_ids(tx, &kind.filter(filter))?;
    if kind == ExportKind::PurchaseOrder && filter.states.is_empty() {
        // The factory makes nothing for a cancelled order, unless somebody asks for these.
        let cancelled = OrderFilter { states: vec![OrderState::Cancelled], ..filter.clone() };
        let cancelled: HashSet<i64> = list::all_ids(tx, &cancelled)?.into_iter().collect();
        ids.retain(|id| !cancelled.contains(id));
    }
    Ok(ids)
}

/// Writes an export into `file`, in the order of the list. Temporary parts of a workbook are stored in `folder`.
///
/// # Errors
/// The database failed or the file could not be written.
pub fn write(
    tx: &mut dyn Tx,
    request: &ExportRequest,
    districts: &Districts,
    file: File,
    folder: &Path,
) -> Result<ExportOutcome, ExportError> {
    let mut ids = wanted_ids(tx, request.kind, &request.filter)?;
    let ClaimGate { held, despite_claim, .. } = if request.kind.is_held_by_claims() {
        ClaimGate::send(claims::held(tx, &ids)?, &request.despite_claims)
    } else {
        ClaimGate::default()
    };
    if !held.is_empty() {
        let held: HashSet<i64> = held.iter().map(|order| order.id).collect();
        ids.retain(|id| !held.contains(id));
    }
    let not_due = retain_due(tx, request.kind, &mut ids)?;
    let mut already_sent = 0;
    if let (Some(content), false) = (request.kind.recipient(), request.repeats) {
        let sent = sent_before(tx, content, &ids)?;
        already_sent = sent.len();
        ids.retain(|id| !sent.contains(id));
    }
    let sender = shop::store::find(tx)?;
    let masks_contact = request.masks_contact && request.kind == ExportKind::Orders;
    let orders = Orders { ids: &ids, districts, sender: &sender, masks_contact };
    match (request.format, request.kind) {
        (Format::Xlsx, kind) => {
            xlsx::catch_full_disk(|| xlsx::write(tx, (kind, &request.claim_note), &orders, file, folder))?;
        }
        (Format::Csv, kind) => csv::write(tx, kind, &orders, file)?,
        (Format::Json, ExportKind::Dispatch) => json::write_dispatch(tx, &orders, file)?,
        (Format::Json, ExportKind::Orders | ExportKind::PurchaseOrder | ExportKind::CourierOrder(_)) => {
            json::write(tx, &orders, file)?;
        }
    }
    let unknown_courier = with_unknown_courier(tx, request.kind, &ids)?;
    Ok(ExportOutcome { ids, already_sent, not_due, held, despite_claim, unknown_courier })
}

/// Leaves out the orders that do not belong into a file of that kind, and answers how many there were.
fn retain_due(tx: &mut dyn Tx, kind: ExportKind, ids: &mut Vec<i64>) -> Result<usize, StorageError> {
    let ExportKind::CourierOrder(_) = kind else { return Ok(0) };
    let (before, mut due) = (ids.len(), HashSet::new());
    for some in ids.chunks(ORDERS_PER_BATCH) {
        let orders = store::find(tx, some)?;
        due.extend(orders.iter().filter(|order| courier_order::is_due(order)).map(|order| order.id));
    }
    ids.retain(|id| due.contains(id));
    Ok(before - ids.len())
}

/// Writes an export to `path`.
///
/// # Errors
/// As [`write()`]. An existing file at `path` is then unchanged.
pub fn save(
    tx: &mut dyn Tx,
    request: &ExportRequest,
    districts: &Districts,
    path: &Path,
) -> Result<ExportOutcome, ExportError> {
    let temporary = AtomicFile::create_beside(path, tx.new_id())?;
    let folder = temporary.path.parent().map(Path::to_owned).unwrap_or_default();
    let outcome = write(tx, request, districts, temporary.file.try_clone()?, &folder)?;
    temporary.finish(path)?;
    Ok(outcome)
}

impl ExportKind {
    /// Columns and style of the kind.
    fn table(self) -> Table {
        match self {
            Self::Orders => Table { columns: &search_result::COLUMNS, look: TableStyle::Framed },
            Self::PurchaseOrder => {
                Table { columns: purchase_order::COLUMNS, look: TableStyle::Printed { header: 24, row: 36 } }
            }
            Self::Dispatch => Table { columns: dispatch::COLUMNS, look: TableStyle::Plain },
            Self::CourierOrder(courier) => Table { columns: &courier.file().columns, look: TableStyle::Plain },
        }
    }
}

/// Orders of an export, in order.
struct Orders<'a> {
    ids: &'a [i64],
    districts: &'a Districts,
    sender: &'a Shop,
    masks_contact: bool,
}

/// Visits the orders of these identifiers, in order, with their contacts masked if wanted. Those whose use was stopped on demand (처리정지) are masked.
fn each(
    tx: &mut dyn Tx,
    ids: &[i64],
    masks_contact: bool,
    visit: &mut dyn FnMut(&OrderRow) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    let restricted = masking::store::restricted(tx)?;
    for some in ids.chunks(ORDERS_PER_BATCH) {
        let rows = list::load_rows(tx, some)?.into_iter().map(|row| {
            let is_restricted = restricted.contains(&row.order.delivery_id);
            let mut row = row.masked_if(is_restricted);
            if masks_contact && !is_restricted {
                row.order.mask_contact();
            }
            row
        });
        for row in rows {
            visit(&row)?;
        }
    }
    Ok(())
}

/// Full names of 시/도 and 시/군/구 of an order: `경상북도`, `포항시`. None is 미분류. For 세종특별자치시 both are the same.
pub(crate) fn regions<'a>(districts: &'a Districts, order: &Order) -> Option<(&'a str, &'a str)> {
    let (sido, sigungu) = districts.names_on(order.sigungu_code?, order.delivered_on())?;
    let within = sigungu.strip_prefix(sido).map_or(sigungu, str::trim);
    Some((sido, if within.is_empty() { sigungu } else { within }))
}

/// Temporary file that replaces its target atomically; it is deleted unless finished.
pub(crate) struct AtomicFile {
    pub(crate) file: File,
    pub(crate) path: PathBuf,
}

impl AtomicFile {
    /// Creates a temporary file in the folder of `target`.
    pub(crate) fn create_beside(target: &Path, id: i64) -> io::Result<Self> {
        if target.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "폴더예요"));
        }
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let path = folder.join(format!(".mukkeum-{}.part", crockford(id)));
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        Ok(Self { file, path })
    }

    /// Syncs the file and renames it to `target`.
    pub(crate) fn finish(self, target: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        std::fs::rename(&self.path, target)
    }
}

impl Drop for AtomicFile {
    /// Has no effect after [`AtomicFile::finish`].
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

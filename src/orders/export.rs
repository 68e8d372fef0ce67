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
mod left_out;
mod purchase_order;
mod search_result;
mod sheets;
pub(crate) mod table;
#[cfg(test)]
mod tests;
pub(crate) mod xlsx;

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

pub use self::courier_order::Courier;
pub use self::kind::{ExportKind, SMART_STORE};
pub use self::left_out::{LeftOut, LeftOutReason};
use self::table::{Table, TableStyle};
use super::bundle::is_one_parcel;
use super::claim::ClaimGate;
use super::filter::OrderFilter;
use super::list::{self, OrderRow};
use super::model::{Order, OrderState};
use super::store;
use super::store::{claims, log};
use crate::access::AccessedOrders;
use crate::audit::downloads::{self, SentTo};
use crate::channels::store as channels;
use crate::districts::Districts;
use crate::id::{DeliveryId, OrderId};
use crate::masking;
use crate::shop;
use crate::shop::model::Shop;
use crate::storage::{RowCount, StorageError, Tx};

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
    pub despite_claims: Vec<OrderId>,
    /// how old the claims of the channels are, in the properties of a workbook
    pub claim_note: String,
    /// Whether telephone numbers, addresses and memos are masked, because the purpose needs none.
    pub masks_contact: bool,
    /// whether orders go in that an earlier file of this kind has; the second batch of a day leaves them out
    pub repeats: bool,
}

/// The orders of an export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportOutcome {
    /// orders in the file, in its order
    pub ids: Vec<OrderId>,
    /// orders of the search that are not in the file, besides the held ones; those that an earlier file has are named also
    /// if they are repeated
    pub left_out: LeftOut,
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

/// The orders of a search that its file has, and those that it leaves out. A file leaves out the orders that an earlier one
/// has, unless it `repeats` them.
///
/// # Errors
/// The database failed.
pub fn contents(
    tx: &mut dyn Tx,
    kind: ExportKind,
    filter: &OrderFilter,
    despite_claims: &[OrderId],
    repeats: bool,
) -> Result<ExportOutcome, StorageError> {
    let mut ids = list::all_ids(tx, &kind.filter(filter))?;
    let mut left_out = retain_fit(tx, kind, filter, &mut ids)?;
    let ClaimGate { held, despite_claim, .. } = if kind.is_held_by_claims() {
        ClaimGate::send(claims::held(tx, &ids)?, despite_claims)
    } else {
        ClaimGate::default()
    };
    if !held.is_empty() {
        let held: HashSet<OrderId> = held.iter().map(|order| order.id).collect();
        ids.retain(|id| !held.contains(id));
    }
    if let Some(recipient) = kind.recipient() {
        let sent = sent_before(tx, recipient, &ids)?;
        left_out.extend(LeftOutReason::Sent, ids.iter().filter(|id| sent.contains(*id)));
        ids.retain(|id| repeats || !sent.contains(id));
    }
    if let ExportKind::CourierOrder(_) = kind {
        ids = in_parcels(tx, &ids)?.concat();
    }
    let unknown_courier = with_unknown_courier(tx, kind, &ids)?;
    Ok(ExportOutcome { ids, left_out, held, despite_claim, unknown_courier })
}

/// Leaves out the orders that do not belong into a file of that kind.
fn retain_fit(
    tx: &mut dyn Tx,
    kind: ExportKind,
    filter: &OrderFilter,
    ids: &mut Vec<OrderId>,
) -> Result<LeftOut, StorageError> {
    let mut left_out = LeftOut::default();
    if kind == ExportKind::PurchaseOrder && filter.states.is_empty() {
        // Read from the index of the state: a whole shop is searched.
        let cancelled = OrderFilter { states: vec![OrderState::Cancelled], ..filter.clone() };
        let cancelled: HashSet<OrderId> = list::all_ids(tx, &cancelled)?.into_iter().collect();
        left_out.extend(LeftOutReason::Cancelled, ids.iter().filter(|id| cancelled.contains(*id)));
    }
    if kind.is_checked_by_order(filter) {
        let channel = channels::find_id(tx, SMART_STORE)?;
        for some in ids.chunks(ORDERS_PER_BATCH) {
            for order in store::find(tx, some)? {
                if let Some(reason) = kind.unfit(&order, channel) {
                    left_out.extend(reason, [&order.id]);
                }
            }
        }
    }
    let unfit: HashSet<OrderId> = left_out.by_reason().flat_map(|(_, ids)| ids.iter().copied()).collect();
    ids.retain(|id| !unfit.contains(id));
    Ok(left_out)
}

/// The orders by parcel, each parcel at the place of its first order.
fn in_parcels(tx: &mut dyn Tx, ids: &[OrderId]) -> Result<Vec<Vec<OrderId>>, StorageError> {
    let mut parcels: Vec<(Order, Vec<OrderId>)> = Vec::new();
    let mut of_delivery: HashMap<DeliveryId, Vec<usize>> = HashMap::new();
    for some in ids.chunks(ORDERS_PER_BATCH) {
        let mut found: HashMap<OrderId, Order> =
            store::find(tx, some)?.into_iter().map(|order| (order.id, order)).collect();
        for order in some.iter().filter_map(|id| found.remove(id)) {
            let known = of_delivery.entry(order.delivery_id).or_default();
            if let Some(parcel) = known.iter().find(|parcel| is_one_parcel(&parcels[**parcel].0, &order)) {
                parcels[*parcel].1.push(order.id);
            } else {
                known.push(parcels.len());
                let id = order.id;
                parcels.push((order, vec![id]));
            }
        }
    }
    Ok(parcels.into_iter().map(|(_, ids)| ids).collect())
}

fn with_unknown_courier(tx: &mut dyn Tx, kind: ExportKind, ids: &[OrderId]) -> Result<Vec<Order>, StorageError> {
    let mut found = Vec::new();
    if kind == ExportKind::Dispatch {
        for some in ids.chunks(ORDERS_PER_BATCH) {
            found.extend(store::find(tx, some)?.into_iter().filter(dispatch::has_unknown_courier));
        }
    }
    Ok(found)
}

/// Those of the orders that are in an earlier file for the recipient. An order whose courier or tracking number was changed
/// since goes to the channel again.
///
/// # Errors
/// The database failed.
pub fn sent_before(tx: &mut dyn Tx, sent_to: SentTo, ids: &[OrderId]) -> Result<HashSet<OrderId>, StorageError> {
    let mut sent = downloads::orders_in_files(tx, sent_to, ids)?;
    if sent_to == SentTo::Channel {
        let asked: Vec<OrderId> = sent.iter().copied().collect();
        for corrected in log::corrected_since_dispatch_file(tx, &asked)? {
            sent.remove(&corrected);
        }
    }
    Ok(sent)
}

/// Writes an export into `file`, in the order of the list. Temporary parts of a workbook are stored in `folder`. `written`
/// counts the orders, from 0.
///
/// # Errors
/// The database failed or the file could not be written.
pub fn write(
    tx: &mut dyn Tx,
    request: &ExportRequest,
    districts: &Districts,
    (file, folder): (File, &Path),
    written: &RowCount,
) -> Result<ExportOutcome, ExportError> {
    written.reset();
    let contents = contents(tx, request.kind, &request.filter, &request.despite_claims, request.repeats)?;
    let sender = shop::store::find(tx)?;
    let masks_contact = request.masks_contact && request.kind == ExportKind::Orders;
    let orders = Orders { ids: &contents.ids, districts, sender: &sender, masks_contact, written };
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
    Ok(contents)
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
    let temporary = AtomicFile::create_beside(path, &tx.new_code())?;
    let folder = temporary.path.parent().map(Path::to_owned).unwrap_or_default();
    let file = temporary.file.try_clone()?;
    let outcome = write(tx, request, districts, (file, &folder), &RowCount::default())?;
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
    ids: &'a [OrderId],
    districts: &'a Districts,
    sender: &'a Shop,
    masks_contact: bool,
    /// how many of them were written
    written: &'a RowCount,
}

/// Visits the orders of these identifiers, some of the export's, in order, with their contacts masked if wanted. Those whose
/// use was stopped on demand (처리정지) are masked.
fn each(
    tx: &mut dyn Tx,
    ids: &[OrderId],
    orders: &Orders<'_>,
    visit: &mut dyn FnMut(&OrderRow) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    let restricted = masking::store::restricted(tx)?;
    for some in ids.chunks(ORDERS_PER_BATCH) {
        let rows = list::load_rows(tx, some)?.into_iter().map(|row| {
            let is_restricted = restricted.contains(&row.order.delivery_id);
            let mut row = row.masked_if(is_restricted);
            if orders.masks_contact && !is_restricted {
                row.order.mask_contact();
            }
            row
        });
        for row in rows {
            visit(&row)?;
            orders.written.add_one();
        }
    }
    Ok(())
}

/// Visits the lines of a file: the order of each, or the orders of a parcel.
fn each_line(
    tx: &mut dyn Tx,
    kind: ExportKind,
    ids: &[OrderId],
    orders: &Orders<'_>,
    visit: &mut dyn FnMut(&[OrderRow]) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    let ExportKind::CourierOrder(_) = kind else {
        return each(tx, ids, orders, &mut |row| visit(std::slice::from_ref(row)));
    };
    let mut parcel: Vec<OrderRow> = Vec::new();
    each(tx, ids, orders, &mut |row| {
        if parcel.first().is_some_and(|first| !is_one_parcel(&first.order, &row.order)) {
            visit(&parcel)?;
            parcel.clear();
        }
        parcel.push(row.clone());
        Ok(())
    })?;
    if parcel.is_empty() { Ok(()) } else { visit(&parcel) }
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
    pub(crate) fn create_beside(target: &Path, code: &str) -> io::Result<Self> {
        if target.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "폴더예요"));
        }
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let path = folder.join(format!(".mukkeum-{code}.part"));
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

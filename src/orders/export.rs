//! Downloads: the orders of a search as .xlsx, .csv or .json.
//!
//! [`ExportKind`] says what a file holds: 검색 결과, 발주서 or 발송처리. `search_result`,
//! `purchase_order` and `dispatch` are its columns, `table` how they look, `xlsx` and `csv` write
//! them; `json` is for programs and its keys stay as they are.
//!
//! Orders are written as they are read, so a download of a million needs no more memory than one of
//! a hundred (but for their identifiers, eight bytes each). [`save`] writes under another name beside
//! the one that was asked for, and the file takes that name when it is complete: whoever finds it
//! finds all of it. A transaction that is run again begins a new file.

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

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

pub use self::kind::{ExportKind, SMART_STORE};
use self::table::{Table, TableStyle};
use super::filter::OrderFilter;
use super::list::{self, OrderRow};
use super::model::Order;
use crate::districts::Districts;
use crate::id::crockford;
use crate::storage::{StorageError, Tx};

/// Orders that are in memory at once.
const ORDERS_PER_BATCH: usize = 500;

/// The kinds of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// for people
    Xlsx,
    /// for people whose program reads no .xlsx
    Csv,
    /// for programs
    Json,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Xlsx, Self::Csv, Self::Json];

    /// The ending of its files' names.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Xlsx => "xlsx",
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }

    /// What HTTP calls it.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Json => "application/json",
        }
    }

    /// The format a file of that name has.
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?;
        Self::ALL.into_iter().find(|format| format.extension().eq_ignore_ascii_case(extension))
    }
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// the database failed
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// the file could not be written
    #[error("파일을 쓰지 못했어요: {0}")]
    Write(#[from] io::Error),
    /// more products than a workbook can have sheets for
    #[error("상품이 너무 많아 한 파일에 담을 수 없어요. 시트는 {most}개까지예요. 상품을 골라 나누어 받아 주세요.")]
    TooManySheets {
        /// sheets of one file
        most: usize,
    },
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportRequest {
    /// what it holds
    pub kind: ExportKind,
    /// in which format
    pub format: Format,
    /// of which orders
    pub filter: OrderFilter,
}

/// Writes a download into `file`, in the sequence of the list, and tells how many orders it has.
/// Parts of a workbook lie in `folder` until it is complete.
///
/// # Errors
/// The database failed or the file could not be written.
pub fn write(
    tx: &mut dyn Tx,
    wanted: &ExportRequest,
    districts: &Districts,
    file: File,
    folder: &Path,
) -> Result<u64, ExportError> {
    let ids = list::all_ids(tx, &wanted.kind.filter(&wanted.filter))?;
    let orders = Orders { ids: &ids, districts };
    match (wanted.format, wanted.kind) {
        (Format::Xlsx, kind) => xlsx::write(tx, kind, &orders, file, folder)?,
        (Format::Csv, kind) => csv::write(tx, kind, &orders, file)?,
        (Format::Json, ExportKind::Dispatch) => json::write_dispatch(tx, &orders, file)?,
        (Format::Json, ExportKind::Orders | ExportKind::PurchaseOrder) => json::write(tx, &orders, file)?,
    }
    Ok(ids.len() as u64)
}

/// Writes a download to `path`, and tells how many orders it has.
///
/// # Errors
/// As [`write`]. What was at `path` before is still there.
pub fn save(tx: &mut dyn Tx, wanted: &ExportRequest, districts: &Districts, path: &Path) -> Result<u64, ExportError> {
    let unfinished = AtomicFile::beside(path, tx.new_id())?;
    let folder = unfinished.path.parent().map(Path::to_owned).unwrap_or_default();
    let orders = write(tx, wanted, districts, unfinished.file.try_clone()?, &folder)?;
    unfinished.finish(path)?;
    Ok(orders)
}

impl ExportKind {
    /// Columns and style of the kind of file.
    const fn table(self) -> Table {
        match self {
            Self::Orders => Table { columns: search_result::COLUMNS, look: TableStyle::Framed },
            Self::PurchaseOrder => {
                Table { columns: purchase_order::COLUMNS, look: TableStyle::Printed { header: 24, row: 36 } }
            }
            Self::Dispatch => Table { columns: dispatch::COLUMNS, look: TableStyle::Plain },
        }
    }
}

/// The orders of a file, in its sequence.
struct Orders<'a> {
    ids: &'a [i64],
    districts: &'a Districts,
}

/// Hands over the orders of these identifiers, in their sequence.
fn each(
    tx: &mut dyn Tx,
    ids: &[i64],
    visit: &mut dyn FnMut(&OrderRow) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    for some in ids.chunks(ORDERS_PER_BATCH) {
        list::load_rows(tx, some)?.iter().try_for_each(&mut *visit)?;
    }
    Ok(())
}

/// 시/도 and 시/군/구 of an order, by their full names: `경상북도`, `포항시`. None is 미분류. In
/// 세종특별자치시 both are that.
pub(crate) fn regions<'a>(districts: &'a Districts, order: &Order) -> Option<(&'a str, &'a str)> {
    let (sido, sigungu) = districts.names_on(order.sigungu?, order.delivered_on())?;
    let within = sigungu.strip_prefix(sido).map_or(sigungu, str::trim);
    Some((sido, if within.is_empty() { sigungu } else { within }))
}

/// A file that is being written; it goes away when it is not finished.
pub(crate) struct AtomicFile {
    pub(crate) file: File,
    pub(crate) path: PathBuf,
}

impl AtomicFile {
    /// A new one in the folder of `target`.
    pub(crate) fn beside(target: &Path, id: i64) -> io::Result<Self> {
        if target.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "폴더예요"));
        }
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let path = folder.join(format!(".mukkeum-{}.part", crockford(id)));
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        Ok(Self { file, path })
    }

    /// All is written: it takes the name of `target`.
    pub(crate) fn finish(self, target: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        std::fs::rename(&self.path, target)
    }
}

impl Drop for AtomicFile {
    /// After [`AtomicFile::finish`] there is nothing of that name any more.
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

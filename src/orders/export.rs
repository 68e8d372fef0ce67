//! The download of a list (검색 결과): every order of a filter, as .xlsx, .csv or .json.
//!
//! Orders are written as they are read, so a download of a million needs no more memory than one of
//! a hundred (but for their identifiers, eight bytes each). The file is written under another name
//! beside the one that was asked for and takes that name when it is complete: whoever finds it finds
//! all of it. A transaction that is run again begins a new file.
//!
//! `table` says which columns a person gets, `xlsx` and `csv` write them; `json` is for programs and
//! its keys stay as they are.

mod csv;
mod json;
mod table;
#[cfg(test)]
mod tests;
mod xlsx;

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::filter::OrderFilter;
use super::list::{self, Listed};
use super::model::Order;
use crate::districts::Districts;
use crate::storage::{StorageError, Tx, crockford};

/// Orders that are in memory at once.
const AT_ONCE: usize = 500;

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
}

/// Writes the orders of the list into a file, in the sequence of the list, and tells how many.
///
/// # Errors
/// The database failed or the file could not be written. What was at `path` before is still there.
pub fn write(
    tx: &mut dyn Tx,
    filter: &OrderFilter,
    format: Format,
    districts: &Districts,
    path: &Path,
) -> Result<u64, ExportError> {
    let unfinished = Unfinished::beside(path, tx.new_id())?;
    let folder = unfinished.path.parent().map(Path::to_owned).unwrap_or_default();
    let file = unfinished.file.try_clone()?;
    let orders = match format {
        Format::Xlsx => xlsx::write(tx, filter, districts, file, &folder)?,
        Format::Csv => csv::write(tx, filter, districts, file)?,
        Format::Json => json::write(tx, filter, districts, file)?,
    };
    unfinished.finish(path)?;
    Ok(orders)
}

/// Hands over the orders of the list and tells how many there were.
fn each(
    tx: &mut dyn Tx,
    filter: &OrderFilter,
    visit: &mut dyn FnMut(&Listed) -> Result<(), ExportError>,
) -> Result<u64, ExportError> {
    let mut orders = 0;
    for some in list::every_id(tx, filter)?.chunks(AT_ONCE) {
        for order in &list::listed(tx, some)? {
            visit(order)?;
            orders += 1;
        }
    }
    Ok(orders)
}

/// 시/도 and 시/군/구 of an order, by their full names: `경상북도`, `포항시`. None is 미분류. In
/// 세종특별자치시 both are that.
fn regions<'a>(districts: &'a Districts, order: &Order) -> Option<(&'a str, &'a str)> {
    let code = order.sigungu?;
    let (sido, sigungu) = (&districts.sido(code)?.full_name, &districts.sigungu(code)?.full_name);
    let within = sigungu.strip_prefix(sido.as_str()).map_or(sigungu.as_str(), str::trim);
    Some((sido, if within.is_empty() { sigungu } else { within }))
}

/// A file that is being written; it goes away when it is not finished.
struct Unfinished {
    file: File,
    path: PathBuf,
}

impl Unfinished {
    fn beside(target: &Path, id: i64) -> io::Result<Self> {
        if target.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "폴더예요"));
        }
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let path = folder.join(format!(".mukkeum-{}.part", crockford(id)));
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        Ok(Self { file, path })
    }

    fn finish(self, target: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        std::fs::rename(&self.path, target)
    }
}

impl Drop for Unfinished {
    /// After [`Unfinished::finish`] there is nothing of that name any more.
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

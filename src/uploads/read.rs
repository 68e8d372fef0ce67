//! From the bytes of a file to its checked rows. No database: runs before the transaction.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::check::{self, Checked, StateRow, TrackingRow};
use crate::channels::{FileError, FileKind, Profile, Profiles, Table};
use crate::orders::model::NewOrder;
use crate::sheets::{self, Limits, Workbook};
use crate::storage::text_limits;
use crate::text::one_line;

/// What somebody said about a file; the rest is recognised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// what it brings
    pub kind: Option<FileKind>,
    /// code of its channel
    pub channel: Option<String>,
    /// courier of its parcels, where the file does not tell
    pub courier: Option<String>,
}

/// The name of a courier as it is typed; none where nothing is.
///
/// # Errors
/// What to mend, in Korean.
pub fn courier(typed: &str) -> Result<Option<String>, String> {
    let name = one_line(typed);
    match name.chars().count() {
        0 => Ok(None),
        length if length > text_limits::COURIER => {
            Err(format!("택배사 이름은 {}자까지 적을 수 있어요.", text_limits::COURIER))
        }
        _ => Ok(Some(name)),
    }
}

/// A file that was read.
#[derive(Clone, Debug)]
pub struct ReadFile {
    /// what it is
    pub profile: Arc<Profile>,
    /// its rows
    pub rows: Rows,
}

/// The rows of a file, checked.
#[derive(Clone, Debug)]
pub enum Rows {
    /// of an order file
    Orders(Vec<Checked<NewOrder>>),
    /// of a courier's list
    Tracking(Vec<Checked<TrackingRow>>),
    /// of a list of 구매확정, 취소, 반품 or 교환
    States(Vec<Checked<StateRow>>),
}

/// Reads a file as one of the profiles.
///
/// # Errors
/// The file as a whole cannot be used.
pub fn read(
    profiles: &Profiles,
    bytes: impl Into<Arc<Vec<u8>>>,
    password: Option<&str>,
    request: &Request,
    limits: Limits,
) -> Result<ReadFile, FileError> {
    let (mut workbook, table) = open(profiles, bytes, password, request, limits)?;
    let rows = match table.profile.kind {
        FileKind::Orders => {
            let mut rows = Vec::new();
            check::orders(&mut workbook, &table, &mut collect(&mut rows))?;
            Rows::Orders(rows)
        }
        FileKind::Tracking => {
            let mut rows = Vec::new();
            check::tracking(&mut workbook, &table, &mut collect(&mut rows))?;
            for row in &mut rows {
                if let check::Outcome::Ok(tracking, _) = &mut row.outcome
                    && tracking.courier.is_none()
                {
                    tracking.courier.clone_from(&request.courier);
                }
            }
            Rows::Tracking(rows)
        }
        FileKind::States => {
            let mut rows = Vec::new();
            check::states(&mut workbook, &table, &mut collect(&mut rows))?;
            Rows::States(rows)
        }
    };
    Ok(ReadFile { profile: table.profile, rows })
}

/// Opens a file and finds its table.
///
/// # Errors
/// The file as a whole cannot be used.
pub fn open(
    profiles: &Profiles,
    bytes: impl Into<Arc<Vec<u8>>>,
    password: Option<&str>,
    request: &Request,
    limits: Limits,
) -> Result<(Workbook, Table), FileError> {
    let mut workbook = sheets::open(bytes, password, limits)?;
    let channel = request.channel.as_deref();
    let table = match request.kind {
        Some(kind) => profiles.recognise(&mut workbook, kind, channel)?,
        None if channel.is_some() => profiles.recognise(&mut workbook, FileKind::Orders, channel)?,
        None => profiles.recognise_any(&mut workbook)?,
    };
    Ok((workbook, table))
}

fn collect<T>(rows: &mut Vec<Checked<T>>) -> impl FnMut(Checked<T>) -> ControlFlow<()> + '_ {
    |row| {
        if !matches!(row.outcome, check::Outcome::Ignored) {
            rows.push(row);
        }
        ControlFlow::Continue(())
    }
}

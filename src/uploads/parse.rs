//! Parsing of a file's bytes into checked rows. Uses no database and runs before any transaction.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::check::{self, CheckedRow, RowCheck, StateRow, TrackingRow};
use crate::channels::{FileError, FileKind, Profile, Profiles, Table};
use crate::orders::model::NewOrder;
use crate::sheets::{self, Limits, Workbook};
use crate::storage::text_limits;
use crate::text::one_line;

/// What the caller states about a file; the rest is recognised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// kind of the file
    pub kind: Option<FileKind>,
    /// code of its channel or courier
    pub channel: Option<String>,
    /// courier of a tracking list, used if the file names none
    pub courier: Option<String>,
}

/// Parses a typed courier name; none if it is blank.
///
/// # Errors
/// The name is too long, as a Korean sentence.
pub fn parse_courier(text: &str) -> Result<Option<String>, String> {
    let name = one_line(text);
    match name.chars().count() {
        0 => Ok(None),
        length if length > text_limits::COURIER => {
            Err(format!("택배사 이름은 {}자까지 적을 수 있어요.", text_limits::COURIER))
        }
        _ => Ok(Some(name)),
    }
}

/// A parsed file.
#[derive(Clone, Debug)]
pub struct ParsedFile {
    /// the recognised profile
    pub profile: Arc<Profile>,
    /// its rows
    pub rows: ParsedRows,
}

/// Checked rows by kind of file.
#[derive(Clone, Debug)]
pub enum ParsedRows {
    /// rows of an order file
    Orders(Vec<CheckedRow<NewOrder>>),
    /// rows of a tracking list
    Tracking(Vec<CheckedRow<TrackingRow>>),
    /// rows of a status file: 구매확정, 취소, 반품, 교환
    States(Vec<CheckedRow<StateRow>>),
}

impl ParsedFile {
    /// Whether this is a tracking list in which some rows have no courier.
    pub fn lacks_courier(&self) -> bool {
        let ParsedRows::Tracking(rows) = &self.rows else { return false };
        rows.iter().any(|row| matches!(&row.outcome, RowCheck::Valid(tracking, _) if tracking.courier.is_none()))
    }

    /// Sets the courier of the rows that have none.
    pub fn set_courier(&mut self, courier: &str) {
        let ParsedRows::Tracking(rows) = &mut self.rows else { return };
        for row in rows {
            if let RowCheck::Valid(tracking, _) = &mut row.outcome
                && tracking.courier.is_none()
            {
                tracking.courier = Some(courier.to_owned());
            }
        }
    }
}

/// Parses a file.
///
/// # Errors
/// The file as a whole is rejected.
pub fn parse(
    profiles: &Profiles,
    bytes: impl Into<Arc<Vec<u8>>>,
    password: Option<&str>,
    options: &ImportOptions,
    limits: Limits,
) -> Result<ParsedFile, FileError> {
    let (mut workbook, table) = open(profiles, bytes, password, options, limits)?;
    let rows = match table.profile.kind {
        FileKind::Orders => {
            let mut rows = Vec::new();
            check::orders(&mut workbook, &table, &mut collect(&mut rows))?;
            ParsedRows::Orders(rows)
        }
        FileKind::Tracking => {
            let mut rows = Vec::new();
            check::tracking(&mut workbook, &table, &mut collect(&mut rows))?;
            ParsedRows::Tracking(rows)
        }
        FileKind::States => {
            let mut rows = Vec::new();
            check::states(&mut workbook, &table, &mut collect(&mut rows))?;
            ParsedRows::States(rows)
        }
    };
    let mut file = ParsedFile { profile: table.profile, rows };
    if let Some(courier) = &options.courier {
        file.set_courier(courier);
    }
    Ok(file)
}

/// Opens a file and finds its table.
///
/// # Errors
/// The file as a whole is rejected.
pub fn open(
    profiles: &Profiles,
    bytes: impl Into<Arc<Vec<u8>>>,
    password: Option<&str>,
    options: &ImportOptions,
    limits: Limits,
) -> Result<(Workbook, Table), FileError> {
    let mut workbook = sheets::open(bytes, password, limits)?;
    let channel = options.channel.as_deref();
    let table = match options.kind {
        Some(kind) => profiles.recognise(&mut workbook, kind, channel)?,
        None if channel.is_some() => profiles.recognise(&mut workbook, FileKind::Orders, channel)?,
        None => profiles.recognise_any(&mut workbook)?,
    };
    Ok((workbook, table))
}

fn collect<T>(rows: &mut Vec<CheckedRow<T>>) -> impl FnMut(CheckedRow<T>) -> ControlFlow<()> + '_ {
    |row| {
        if !matches!(row.outcome, RowCheck::Ignored) {
            rows.push(row);
        }
        ControlFlow::Continue(())
    }
}

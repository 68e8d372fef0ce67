//! Reads a channel's own list for a comparison with the shop. Nothing is stored.

use std::sync::Arc;

use super::check::{self, CheckedRow, ListedRow};
use super::parse::{self, OpenedTables, RowTally};
use super::pipeline::spawn_blocking;
use super::{ImportOptions, UploadError, Uploads};
use crate::channels::{FileError, FileKind, Profile};
use crate::sheets::SheetError;

/// A channel's own list.
#[derive(Clone, Debug)]
pub struct ListedFile {
    /// the recognised profile
    pub profile: Arc<Profile>,
    /// its rows, in file order, without those that are no data
    pub rows: Vec<CheckedRow<ListedRow>>,
    /// which part of the file was read, in Korean sentences
    pub notes: Vec<String>,
}

impl Uploads {
    /// Reads a list: an order list, a list of claims, or a settlement list.
    ///
    /// # Errors
    /// The file is rejected, or the database failed.
    pub async fn read_list(
        &self,
        bytes: Arc<Vec<u8>>,
        password: Option<&str>,
        channel: Option<&str>,
    ) -> Result<ListedFile, UploadError> {
        let mut attempts = self.stored_passwords(&bytes, password).await?;
        attempts.push(password.map(str::to_owned));
        let (profiles, limits, channel) = (self.profiles().await?, self.limits, channel.map(str::to_owned));
        spawn_blocking(move || {
            let mut last = Err(FileError::NoHeader);
            for attempt in &attempts {
                let read = |kind| {
                    let options = ImportOptions { kind, channel: channel.clone(), ..ImportOptions::default() };
                    let opened = parse::open(&profiles, Arc::clone(&bytes), attempt.as_deref(), &options, limits)?;
                    read_tables(opened)
                };
                last = read(Some(FileKind::Settlement));
                // A file that cannot be opened is none of another kind either.
                if matches!(&last, Err(error) if !error.needs_password()) {
                    last = read(None);
                }
                if !matches!(last, Err(FileError::Sheet(SheetError::WrongPassword))) {
                    break;
                }
            }
            Ok(last?)
        })
        .await
    }
}

fn read_tables(OpenedTables { mut workbook, tables, others }: OpenedTables) -> Result<ListedFile, FileError> {
    let profile = Arc::clone(&tables.first().ok_or(FileError::NoHeader)?.profile);
    if profile.kind == FileKind::Tracking {
        return Err(FileError::TrackingList);
    }
    let mut tally = RowTally::default();
    let rows = parse::collect(&mut workbook, &tables, &mut tally, check::check_listed)?;
    let notes = parse::notes(&workbook, &tables, &others, &tally);
    Ok(ListedFile { profile, rows, notes })
}

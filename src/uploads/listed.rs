//! Reads a channel's own list for a comparison with the shop. Nothing is stored.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::check::{self, CheckedRow, ListedRow, RowCheck};
use super::pipeline::spawn_blocking;
use super::{ImportOptions, UploadError, Uploads, parse};
use crate::channels::{FileError, FileKind, Profile};
use crate::sheets::SheetError;

/// A channel's own list.
#[derive(Clone, Debug)]
pub struct ListedFile {
    /// the recognised profile
    pub profile: Arc<Profile>,
    /// its rows with an order number, in file order, each with its row number
    pub rows: Vec<(u32, ListedRow)>,
    /// rows whose order number cannot be read
    pub unread: Vec<u32>,
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
                last = read(Some(FileKind::Settlement)).or_else(|_| read(None));
                if !matches!(last, Err(FileError::Sheet(SheetError::WrongPassword))) {
                    break;
                }
            }
            Ok(last?)
        })
        .await
    }
}

fn read_tables(opened: parse::OpenedTables) -> Result<ListedFile, FileError> {
    let parse::OpenedTables { mut workbook, tables, .. } = opened;
    let profile = Arc::clone(&tables.first().ok_or(FileError::NoHeader)?.profile);
    if profile.kind == FileKind::Tracking {
        return Err(FileError::NoHeader);
    }
    let (mut rows, mut unread) = (Vec::new(), Vec::new());
    for table in &tables {
        check::check_listed(&mut workbook, table, &mut |row: CheckedRow<ListedRow>| {
            match row.outcome {
                RowCheck::Valid(listed, _) => rows.push((row.row, *listed)),
                RowCheck::Rejected(_) => unread.push(row.row),
                RowCheck::Skipped(_) | RowCheck::Ignored => {}
            }
            ControlFlow::Continue(())
        })?;
    }
    Ok(ListedFile { profile, rows, unread })
}

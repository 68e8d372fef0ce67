//! `mukkeum copy`: copies all data from one database to another and verifies it.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::{CliError, CommandResult, MAX_READERS, Outcome, block_on, folder};
use crate::config::{Config, Database, Settings};
use crate::storage::copy::{CopyError, copy};
use crate::storage::{OpenMode, Storage, StorageError, StorageOptions};
use crate::time::SystemClock;

#[derive(clap::Args)]
pub(super) struct Copy {
    /// 원본 데이터베이스, sqlite:PATH 또는 mysql://…
    #[arg(long, value_name = "URL", env = "MUKKEUM_COPY_FROM", hide_env_values = true)]
    from: String,
    /// 옮길 데이터베이스, 비어 있어야 해요
    #[arg(long, value_name = "URL", env = "MUKKEUM_COPY_TO", hide_env_values = true)]
    to: String,
    /// JSON으로 출력해요
    #[arg(long)]
    json: bool,
}

impl From<CopyError> for CliError {
    fn from(error: CopyError) -> Self {
        match error {
            CopyError::Storage(error) => error.into(),
            other => Self(other.to_string()),
        }
    }
}

impl Copy {
    pub(super) fn run(self) -> CommandResult {
        let (from, _from_lock) = open(self.from, OpenMode::ReadOnly)?;
        let (to, _to_lock) = open(self.to, OpenMode::Create)?;
        let copied = block_on(async {
            let copying = copy(&from, &to, |table, sum| {
                // The progress is optional: continue if stderr is closed.
                let _ = writeln!(io::stderr().lock(), "{table}: {}행", sum.rows);
            });
            Ok(copying.await?)
        })?;
        let mut out = io::stdout().lock();
        if self.json {
            let tables: Vec<_> = copied
                .iter()
                .map(|(table, sum)| json!({ "table": table, "rows": sum.rows, "checksum": format!("{:016x}", sum.checksum) }))
                .collect();
            writeln!(out, "{}", json!({ "tables": tables }))?;
        } else {
            let rows: u64 = copied.iter().map(|(_, sum)| sum.rows).sum();
            writeln!(out, "표 {}개, {rows}행을 옮기고 하나하나 맞춰 봤어요.", copied.len())?;
        }
        Ok(Outcome::Complete)
    }
}

/// Only the source has to be a shop.
fn open_error(error: StorageError) -> CliError {
    match error {
        StorageError::NoShop => CliError("--from의 데이터베이스에는 아직 가게가 없어요.".to_owned()),
        error => error.into(),
    }
}

/// Opens one of the two databases and locks its folder: writes of a running server would be lost. The source is opened
/// read-only.
fn open(url: String, mode: OpenMode) -> Result<(Storage, Option<File>), CliError> {
    let settings = Settings { database: Some(url), ..Settings::default() };
    let options = StorageOptions { clock: Arc::new(SystemClock), readers: MAX_READERS };
    let (storage, lock) = match Config::load(settings, |_| None)?.database {
        Database::MariaDb(address) => (Storage::open_mariadb_in(mode, &address, &options).map_err(open_error)?, None),
        Database::Sqlite(path) => {
            if mode == OpenMode::ReadOnly && !path.is_file() {
                return Err(CliError(format!("그런 파일이 없어요: {}", path.display())));
            }
            let data = path.parent().unwrap_or(Path::new("."));
            let lock = folder::lock_if_used(data, || {
                CliError(format!("프로그램이 켜져 있어요: {}\n끈 다음 다시 하세요.", data.display()))
            })?;
            (Storage::open_sqlite_in(mode, &path, &options).map_err(open_error)?, lock)
        }
    };
    storage.require_current_schema()?;
    Ok((storage, lock))
}

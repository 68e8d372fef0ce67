//! `mukkeum copy`: all data from one database to another.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::serve::LOCK_NAME;
use super::{Done, Failure, Outcome, READERS, block_on};
use crate::config::{Config, Database, Settings};
use crate::storage::copy::{CopyError, copy};
use crate::storage::{Storage, StorageOptions};
use crate::time::SystemClock;

#[derive(clap::Args)]
pub(super) struct Copy {
    /// 보내는 데이터베이스, sqlite:PATH 또는 mysql://…
    #[arg(long, value_name = "URL", env = "MUKKEUM_COPY_FROM", hide_env_values = true)]
    from: String,
    /// 받는 데이터베이스, 비어 있어야 해요
    #[arg(long, value_name = "URL", env = "MUKKEUM_COPY_TO", hide_env_values = true)]
    to: String,
    /// 다른 프로그램이 읽을 수 있게 JSON으로
    #[arg(long)]
    json: bool,
}

impl From<CopyError> for Failure {
    fn from(error: CopyError) -> Self {
        match error {
            CopyError::Storage(error) => error.into(),
            other => Self(other.to_string()),
        }
    }
}

impl Copy {
    pub(super) fn run(self) -> Outcome {
        let (from, _from) = open(self.from, true)?;
        let (to, _to) = open(self.to, false)?;
        let copied = block_on(async {
            let told = copy(&from, &to, |table, sum| {
                // Who looks on may have gone away.
                let _ = writeln!(io::stderr().lock(), "{table}: {}행", sum.rows);
            });
            Ok(told.await?)
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
        Ok(Done::Whole)
    }
}

/// Opens one side. A shop's file must not be in use meanwhile: what is written then would be left
/// behind.
fn open(url: String, must_exist: bool) -> Result<(Storage, Option<File>), Failure> {
    let settings = Settings { database: Some(url), ..Settings::default() };
    let options = StorageOptions { clock: Arc::new(SystemClock), readers: READERS };
    match Config::load(settings, |_| None)?.database {
        Database::MariaDb(address) => Ok((Storage::open_mariadb(&address, &options)?, None)),
        Database::Sqlite(path) => {
            if must_exist && !path.is_file() {
                return Err(Failure(format!("그런 파일이 없어요: {}", path.display())));
            }
            let lock = lock(path.parent().unwrap_or(Path::new(".")))?;
            Ok((Storage::open_sqlite(&path, &options)?, lock))
        }
    }
}

fn lock(folder: &Path) -> Result<Option<File>, Failure> {
    let Ok(file) = File::options().write(true).open(folder.join(LOCK_NAME)) else {
        return Ok(None);
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(_) => Err(Failure(format!("프로그램이 켜져 있어요: {}\n끈 다음 다시 하세요.", folder.display()))),
    }
}

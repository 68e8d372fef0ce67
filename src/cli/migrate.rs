//! `mukkeum migrate`: migrates the data of an older version to the schema of this program.
//!
//! `serve` and `demo` migrate when they start; other commands, except `doctor`, refuse older data and name this one. A
//! SQLite file is copied first, and instructions for a rollback are printed.

use std::io::{self, Write};

use serde::Serialize;

use super::{CliError, CommandResult, Outcome, folder, no_shop, open_read_only, open_with_wal};
use crate::config::{Config, Database};
use crate::storage::OpenMode;
use crate::storage::schema::{self, MigrationReport};

#[derive(clap::Args)]
pub(super) struct Migrate {
    /// 무엇을 할지 보여 주기만 하고 아무것도 바꾸지 않아요
    #[arg(long)]
    dry_run: bool,
    /// JSON으로 출력해요
    #[arg(long)]
    json: bool,
}

/// The result, as `--json` prints it.
#[derive(Serialize)]
struct MigrationResult {
    from: i64,
    to: i64,
    migrated: bool,
    /// copy of a SQLite file before its migration; with `--dry-run` the one that would be made
    copy: Option<String>,
}

impl Migrate {
    /// Migrates the configured database if it has an older schema.
    ///
    /// # Errors
    /// There is no shop, its data is newer, or a server runs on the data folder.
    pub(super) fn run(&self, config: &Config) -> CommandResult {
        let storage = open_read_only(config)?.ok_or_else(|| no_shop(config))?;
        let found = storage.schema_version();
        drop(storage);
        let report = if found == schema::VERSION {
            MigrationReport { from: found, to: found, copy: None }
        } else if self.dry_run {
            planned(config, found)
        } else {
            migrate(config, found)?
        };
        let is_older = report.from < report.to;
        let copy = report.copy.as_ref().map(|copy| copy.display().to_string());
        let result = MigrationResult { from: report.from, to: report.to, migrated: is_older && !self.dry_run, copy };
        self.print(&result)?;
        Ok(Outcome::Complete)
    }

    fn print(&self, result: &MigrationResult) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let MigrationResult { from, to, .. } = result;
        if self.json {
            return writeln!(out, "{}", serde_json::to_string(result).map_err(io::Error::from)?);
        }
        if from == to {
            return writeln!(out, "데이터가 이미 이 프로그램에 맞아요 (스키마 버전 {to}).");
        }
        if result.migrated {
            return writeln!(out, "데이터를 바꿨어요 (스키마 버전 {from}에서 {to}(으)로).");
        }
        writeln!(out, "데이터를 스키마 버전 {from}에서 {to}(으)로 바꿀 수 있어요. 아직 아무것도 바꾸지 않았어요.")?;
        match &result.copy {
            Some(copy) => writeln!(out, "  먼저 만들 사본  {copy}"),
            None => writeln!(out, "  MariaDB는 자동으로 만들지 않아요. 먼저 mariadb-dump로 만들어 주세요."),
        }
    }
}

/// The result of a migration, without performing it.
fn planned(config: &Config, found: i64) -> MigrationReport {
    let copy = match &config.database {
        Database::Sqlite(path) => Some(schema::pre_migration_copy(path, found)),
        Database::MariaDb(_) => None,
    };
    MigrationReport { from: found, to: schema::VERSION, copy }
}

/// Migrates the database. On SQLite no server may run on the folder, because it would be of an older version.
fn migrate(config: &Config, found: i64) -> Result<MigrationReport, CliError> {
    let _lock = match &config.database {
        Database::Sqlite(_) => Some(folder::lock(&config.data)?),
        Database::MariaDb(_) => None,
    };
    let (storage, _wal) = open_with_wal(config, OpenMode::Migrate)?;
    let nothing_to_do = || MigrationReport { from: found, to: found, copy: None };
    // Another program may have migrated the database since its version was read.
    Ok(storage.migration_report().cloned().unwrap_or_else(nothing_to_do))
}

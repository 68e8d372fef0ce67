//! Schema versions and migrations.
//!
//! `schema.sql` is the newest schema and builds an empty database. An older schema is migrated
//! by numbered migrations ([`Schema`]), forward only; a newer one is refused, because this program does not
//! maintain columns that it does not know. `serve` and `demo` migrate when they start, `mukkeum
//! migrate` migrates, `doctor` reads an older schema, and other commands refuse it ([`OpenMode`]). A SQLite file is
//! copied before ([`pre_migration_copy`]): that copy and the previous program allow a rollback.
//!
//! Migrations must be backward compatible with the previous release, because on MariaDB its instances
//! still run during a blue-green switch and after a rollback: add nullable or defaulted columns and
//! new tables only, and drop in the release after next (expand/contract). A breaking migration bumps
//! the version by two (the first of the two is empty), which makes older instances report not-ready
//! ([`is_compatible`]).

use std::path::{Path, PathBuf};

use super::{OpenMode, Result, StorageError, Tx};

/// The newest schema.
pub const SCHEMA: &str = include_str!("../../schema.sql");

/// Version of [`SCHEMA`].
pub const VERSION: i64 = 1;

/// A schema, and the migrations that lead to it. The tests have one with a further version.
#[derive(Clone, Copy)]
pub(super) struct Schema {
    /// version of `sql`, one more than there are migrations
    pub(super) version: i64,
    /// builds an empty database
    pub(super) sql: &'static str,
    /// Migration `n` of this list, counted from 1, leads from version n to n + 1.
    pub(super) migrations: &'static [&'static str],
}

/// The schema of this program.
pub(super) const NEWEST: Schema = Schema { version: VERSION, sql: SCHEMA, migrations: &[] };

/// Tables that the engines use themselves: schema versions, write lock and commit markers, leases.
const ENGINE_TABLES: [&str; 3] = ["schema_versions", "writers", "leases"];

/// Whether a running program stays ready when the database has the schema version `found`: its own
/// or the next one.
pub fn is_compatible(found: i64) -> bool {
    found == VERSION || found == VERSION + 1
}

/// Version of the schema in the database.
pub fn installed_version(tx: &mut dyn Tx) -> Result<i64> {
    tx.scalar("SELECT max(version) FROM schema_versions", &[])
}

/// The tables with the shop's data; in dependency order of their foreign keys.
pub fn tables() -> impl DoubleEndedIterator<Item = &'static str> {
    let names = SCHEMA.lines().filter_map(|line| line.strip_prefix("CREATE TABLE ")?.split([' ', '(']).next());
    names.filter(|name| !ENGINE_TABLES.contains(name))
}

/// Number of the schema's triggers.
pub fn trigger_count() -> usize {
    SCHEMA.lines().filter(|line| line.starts_with("CREATE TRIGGER ")).count()
}

/// Result of a migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationReport {
    /// version before
    pub from: i64,
    /// version after
    pub to: i64,
    /// copy of the SQLite file before the migration; None on MariaDB
    pub copy: Option<PathBuf>,
}

/// Path of the copy of a SQLite file before its migration from `version`: `mukkeum.db.schema-1`.
pub fn pre_migration_copy(database: &Path, version: i64) -> PathBuf {
    database.with_added_extension(format!("schema-{version}"))
}

impl Schema {
    /// The migrations that lead from version `found`, at least 1, to this one, each with the version after it.
    pub(super) fn migrations_after(&self, found: i64) -> impl Iterator<Item = (&'static str, i64)> {
        let applied = usize::try_from(found - 1).unwrap_or(usize::MAX);
        self.migrations.iter().skip(applied).copied().zip(found + 1..)
    }
}

impl OpenMode {
    /// Whether a database with the schema version `found`, 0 for none, may be opened by a program with the
    /// schema version `known`.
    ///
    /// # Errors
    /// [`StorageError::NoShop`], [`StorageError::OlderSchema`] or [`StorageError::NewerSchema`].
    pub(super) fn check_version(self, found: i64, known: i64) -> Result<()> {
        match self {
            _ if found > known => Err(StorageError::NewerSchema { found, known }),
            Self::Existing | Self::ReadOnly if found == 0 => Err(StorageError::NoShop),
            Self::Create | Self::Existing if (1..known).contains(&found) => {
                Err(StorageError::OlderSchema { found, known })
            }
            _ => Ok(()),
        }
    }
}

/// The schema of the tests: this program's, and a migration to the version after it.
#[cfg(test)]
pub(super) mod testing {
    use super::{NEWEST, SCHEMA, Schema, VERSION};

    /// Adds a column and a table, drops an index.
    const MIGRATION: &str = "ALTER TABLE members ADD COLUMN badge TEXT;\n\
        CREATE TABLE badges (\n    id INTEGER NOT NULL PRIMARY KEY,\n    name TEXT NOT NULL\n) STRICT;\n\
        DROP INDEX products_by_priority /* ON products */;\n";

    /// One version newer than [`NEWEST`].
    pub(in crate::storage) fn next() -> Schema {
        let migrations: Vec<&str> = NEWEST.migrations.iter().copied().chain([MIGRATION]).collect();
        Schema { version: VERSION + 1, sql: format!("{SCHEMA}{MIGRATION}").leak(), migrations: migrations.leak() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_lead_to_the_version_of_the_schema() {
        for schema in [NEWEST, testing::next()] {
            assert_eq!(schema.migrations_after(1).last().map_or(1, |(_, version)| version), schema.version);
            assert_eq!(schema.migrations_after(schema.version).count(), 0);
        }
    }

    #[test]
    fn only_migrate_mode_and_read_only_mode_open_an_older_schema() {
        let modes = [OpenMode::Migrate, OpenMode::Create, OpenMode::Existing, OpenMode::ReadOnly];
        let opens = |found: i64| modes.map(|mode| mode.check_version(found, 3).is_ok());
        assert_eq!(opens(0), [true, true, false, false]);
        assert_eq!(opens(2), [true, false, false, true]);
        assert_eq!(opens(3), [true; 4]);
        assert_eq!(opens(4), [false; 4]);
    }
}

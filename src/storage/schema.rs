//! Schema versions and migrations.
//!
//! `schema.sql` is the newest schema and builds an empty database. An older schema is migrated
//! by the numbered [`MIGRATIONS`], forward only; a newer one is refused, because this program does not
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
pub const VERSION: i64 = 2;

/// Migration `n` of this list, counted from 1, leads from version n to n + 1.
pub(super) const MIGRATIONS: &[&str] = &[include_str!("migrations/2.sql")];

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

/// The migrations that lead from version `found`, at least 1, to [`VERSION`], each with the version after it.
pub(super) fn migrations_after(found: i64) -> impl Iterator<Item = (&'static str, i64)> {
    let applied = usize::try_from(found - 1).unwrap_or(usize::MAX);
    MIGRATIONS.iter().skip(applied).copied().zip(found + 1..)
}

impl OpenMode {
    /// Whether a database with the schema version `found`, 0 for none, may be opened.
    ///
    /// # Errors
    /// [`StorageError::NoShop`], [`StorageError::OlderSchema`] or [`StorageError::NewerSchema`].
    pub(super) fn check_version(self, found: i64) -> Result<()> {
        match self {
            _ if found > VERSION => Err(StorageError::NewerSchema { found, known: VERSION }),
            Self::Existing | Self::ReadOnly if found == 0 => Err(StorageError::NoShop),
            Self::Create | Self::Existing if (1..VERSION).contains(&found) => {
                Err(StorageError::OlderSchema { found, known: VERSION })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_lead_to_the_version_of_the_schema() {
        assert_eq!(migrations_after(1).last().map(|(_, version)| version), Some(VERSION));
        assert_eq!(migrations_after(VERSION).count(), 0);
    }

    #[test]
    fn only_migrate_mode_and_read_only_mode_open_an_older_schema() {
        let modes = [OpenMode::Migrate, OpenMode::Create, OpenMode::Existing, OpenMode::ReadOnly];
        let opens = |found: i64| modes.map(|mode| mode.check_version(found).is_ok());
        assert_eq!(opens(0), [true, true, false, false]);
        assert_eq!(opens(VERSION - 1), [true, false, false, true]);
        assert_eq!(opens(VERSION), [true; 4]);
        assert_eq!(opens(VERSION + 1), [false; 4]);
    }
}

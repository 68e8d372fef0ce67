//! Builds and upgrades the schema.
//!
//! `schema.sql` is the schema of the newest version and builds an empty database. An older one is
//! brought up by the numbered [`MIGRATIONS`], forward only; a newer one is refused, because a program
//! that does not know a column cannot keep it right. Before a file of SQLite is brought up, it is
//! copied ([`pre_migration_copy`]): with that copy and the program before this one the way back is open.
//!
//! On MariaDB the next version's program upgrades while this one still serves, for as long as a switch
//! takes, and again after a way back. A step therefore only adds what the version before it can do without: a
//! column has a default, a table is one that nobody else has to keep right. What a version has stopped using
//! goes in the step after the next (expand, then contract). A step that cannot keep to this takes two numbers,
//! the first of them empty: then programs of the version before are not ready any more ([`is_compatible`]).

use std::path::{Path, PathBuf};

/// The schema of this program.
pub const SCHEMA: &str = include_str!("../../schema.sql");

/// The version `schema.sql` stands for.
pub const VERSION: i64 = 2;

/// Whether this program, when it runs already, goes on with the schema `found`: its own, or the next one's.
pub fn is_compatible(found: i64) -> bool {
    found == VERSION || found == VERSION + 1
}

/// What leads from version n to n + 1, starting at 1.
pub(super) const MIGRATIONS: &[&str] = &[include_str!("migrations/2.sql")];

/// The tables that hold the shop's data, none before those it refers to. What the engines keep for
/// themselves is left out.
pub fn tables() -> impl DoubleEndedIterator<Item = &'static str> {
    let names = SCHEMA.lines().filter_map(|line| line.strip_prefix("CREATE TABLE ")?.split([' ', '(']).next());
    names.filter(|name| !OF_THE_ENGINE.contains(name))
}

/// Which schema it is, whose turn to write, whose work.
const OF_THE_ENGINE: [&str; 3] = ["schema_versions", "writers", "leases"];

/// That data of an older program was brought up when it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationReport {
    /// the version it had
    pub from: i64,
    /// the file that has it as it was
    pub copy: PathBuf,
}

/// The file beside a database that has it as it was before it was brought up from `version`:
/// `mukkeum.db.schema-1`.
pub fn pre_migration_copy(database: &Path, version: i64) -> PathBuf {
    database.with_added_extension(format!("schema-{version}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_lead_to_the_version_of_the_schema() {
        assert_eq!(i64::try_from(MIGRATIONS.len()).expect("few"), VERSION - 1);
    }
}

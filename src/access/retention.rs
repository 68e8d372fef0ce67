//! Retention classes (`assets/retention.toml`): why each table and column is kept, and for how long. A test compares the
//! file with the schema, so that no column is added without the decision.

mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;

pub use self::store::unclassified;

const FILE: &str = include_str!("../../assets/retention.toml");

/// Why rows are kept, and for how long.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionClass {
    /// Korean name, with the rule
    pub label: String,
    /// days that a row is kept; 0 while it is in use, -1 without an end
    pub days: i64,
    /// what deletes it; empty if the program does not
    pub deleted_by: String,
}

/// The class of a table, and which of its columns have personal data.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableRetention {
    /// name of the class
    pub class: String,
    /// columns about buyers, recipients or members
    pub personal: Vec<String>,
    /// all other columns
    pub other: Vec<String>,
}

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionPlan {
    /// classes by name
    pub class: BTreeMap<String, RetentionClass>,
    /// tables by name
    pub table: BTreeMap<String, TableRetention>,
}

#[expect(clippy::expect_used, reason = "a test parses the embedded file")]
static PLAN: LazyLock<RetentionPlan> = LazyLock::new(|| toml::from_str(FILE).expect("assets/retention.toml"));

/// The plan of this program.
pub fn plan() -> &'static RetentionPlan {
    &PLAN
}

impl RetentionPlan {
    /// The columns of a table that have no class: `orders.colour`, or `orders` for a table without one.
    fn missing(&self, table: &str, columns: &[String]) -> Vec<String> {
        let Some(known) = self.table.get(table) else { return vec![table.to_owned()] };
        let known: BTreeSet<&String> = known.personal.iter().chain(&known.other).collect();
        columns.iter().filter(|column| !known.contains(column)).map(|column| format!("{table}.{column}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::testing::Shop;
    use crate::storage::Tx;

    #[test]
    fn every_table_and_column_has_a_class() {
        Shop::open()
            .write(|tx, _| {
                let tables: &mut dyn Tx = tx;
                assert_eq!(unclassified(tables)?, Vec::<String>::new(), "add them to assets/retention.toml");
                let existing: BTreeSet<String> = tables.tables()?.into_iter().collect();
                for (name, table) in &plan().table {
                    assert!(existing.contains(name), "{name} is no table any more");
                    let columns: BTreeSet<String> = tables.columns(name)?.into_iter().collect();
                    let listed = table.personal.iter().chain(&table.other);
                    assert!(listed.clone().all(|column| columns.contains(column)), "{name} has other columns");
                    assert_eq!(listed.count(), columns.len(), "{name} lists a column twice");
                }
                Ok(())
            })
            .expect("reads");
    }

    #[test]
    fn classes_exist_and_personal_data_has_one() {
        for (name, table) in &plan().table {
            assert!(plan().class.contains_key(&table.class), "{name}: {}", table.class);
            assert!(table.personal.is_empty() || table.class != "none", "{name} has personal data");
        }
        let used: BTreeSet<&String> = plan().table.values().map(|table| &table.class).collect();
        assert_eq!(used, plan().class.keys().collect());
    }

    #[test]
    fn column_without_a_class_is_found() {
        let columns = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(plan().missing("access_chain", &columns(&["id", "colour"])), ["access_chain.colour"]);
        assert_eq!(plan().missing("badges", &columns(&["id"])), ["badges"]);
    }
}

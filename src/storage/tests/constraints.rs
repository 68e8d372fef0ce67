//! Every CHECK and NOT NULL of `schema.sql` on both engines: a value that it forbids is refused, and the longest text
//! that it allows is accepted.
//!
//! The list of promises is read from the schema. A forbidden value follows from the form of a CHECK; a CHECK of
//! another form, or of several columns, has its row in [`FORBIDDEN_ROWS`].

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Result, Storage, StorageError, Tx, open};
use crate::storage::Param;
use crate::storage::schema::SCHEMA;
use crate::storage::testing::ScratchDatabase;

/// Values of valid rows where the form of the column's own CHECK does not give one: (table, column, value).
const VALID_VALUES: &[(&str, &str, &str)] = &[
    ("audit_entries", "member_id", "1"),
    ("channel_conflicts", "is_open", "1"),
    ("channel_conflicts", "resolution", "NULL"),
    ("channel_conflicts", "resolved_at", "NULL"),
    ("uploads", "undone_at", "NULL"),
    ("access_records", "member_id", "1"),
    ("bulk_action_orders", "version_before", "1"),
    ("bulk_action_orders", "version_after", "2"),
    ("jobs", "state", "NULL"),
    ("jobs", "ended_at", "NULL"),
    ("jobs", "left_out", "'shift'"),
    ("jobs", "left_out_day", "'2026-12-01'"),
    ("stop_events", "key_id", "1"),
    ("order_seals", "content", "'1'"),
    ("person_requests", "answer", "'done'"),
    ("person_requests", "answer_note", "'1'"),
    ("person_requests", "answered_at", "1"),
];

/// Values of columns, as SQL.
type RowValues = &'static [(&'static str, &'static str)];

/// Rows that violate a CHECK of several columns or of another form: (table, words of the CHECK, values).
const FORBIDDEN_ROWS: &[(&str, &str, RowValues)] = &[
    ("bulk_jobs", "answer_url IS NULL OR failure IS NULL", &[("answer_url", "'/orders'"), ("failure", "'1'")]),
    ("file_jobs", "download_id IS NULL OR failure IS NULL", &[("download_id", "1"), ("failure", "'1'")]),
    ("file_jobs", "fetched_at IS NULL OR download_id IS NOT NULL", &[("fetched_at", "1"), ("download_id", "NULL")]),
    ("bulk_actions", "(undone_at IS NULL) = (undone_by IS NULL)", &[("undone_at", "1")]),
    ("bulk_action_orders", "version_after > version_before", &[("version_before", "2"), ("version_after", "2")]),
    ("uploads", "unknown_orders <= skipped", &[("unknown_orders", "2"), ("skipped", "1")]),
    (
        "upload_rows",
        "is_unknown_order = 0 OR outcome = 'skipped'",
        &[("is_unknown_order", "1"), ("outcome", "'created'")],
    ),
    ("district_zips", "zip_start <= zip_end", &[("zip_start", "2"), ("zip_end", "1")]),
    ("audit_entries", "(actor = 'member') = (member_id IS NOT NULL)", &[("member_id", "NULL")]),
    ("uploads", "undone_at IS NULL OR stage = 'undone'", &[("undone_at", "1")]),
    ("channel_conflicts", "(is_open = 1) = (resolution IS NULL)", &[("is_open", "0")]),
    ("channel_conflicts", "(resolution IS NULL) = (resolved_at IS NULL)", &[("resolved_at", "1")]),
    (
        "trucks",
        "second_round_at IS NULL OR (second_round_at > starts_at AND second_round_at < starts_at + shift_minutes)",
        &[("second_round_at", "0")],
    ),
    ("road_factors", "from_code <= to_code", &[("from_code", "2"), ("to_code", "1")]),
    ("access_records", "(actor = 'member') = (member_id IS NOT NULL)", &[("member_id", "NULL")]),
    ("access_records", "(order_count = 0) = (first_order_id IS NULL)", &[("first_order_id", "1")]),
    ("access_records", "(order_count = 0) = (last_order_id IS NULL)", &[("last_order_id", "1")]),
    ("access_chain", "id = 1", &[("id", "2")]),
    ("jobs", "(state IS NULL) = (number = 0)", &[("state", "'open'")]),
    ("jobs", "kind = 'deliver' OR number > 0", &[("kind", "'service'")]),
    (
        "jobs",
        "pieces > 0 OR kind NOT IN ('collect', 'swap')",
        &[("kind", "'collect'"), ("number", "1"), ("state", "'open'"), ("pieces", "0")],
    ),
    ("jobs", "(ended_at IS NULL) = (state IS NULL OR state = 'open')", &[("ended_at", "1")]),
    ("jobs", "(window_from IS NULL) = (window_to IS NULL)", &[("window_from", "600")]),
    ("jobs", "window_from IS NULL OR window_from <= window_to", &[("window_from", "600"), ("window_to", "599")]),
    ("jobs", "(left_out IS NULL) = (left_out_day IS NULL)", &[("left_out", "NULL")]),
    ("sites", "(entry_code IS NULL) = (code_saved_at IS NULL)", &[("code_saved_at", "1")]),
    ("notices", "(window_from IS NULL) = (window_to IS NULL)", &[("window_from", "600")]),
    ("notices", "window_from IS NULL OR window_from <= window_to", &[("window_from", "600"), ("window_to", "599")]),
    ("notices", "(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", &[("withdrawn_at", "1")]),
    ("tours", "driver_id IS NOT NULL OR state IN ('draft', 'fixed')", &[("state", "'out'")]),
    ("loads", "(loaded IS NULL) = (loaded_at IS NULL)", &[("loaded", "1")]),
    ("drive_keys", "(revoked_at IS NULL) = (revoked_by IS NULL)", &[("revoked_at", "1")]),
    ("stop_events", "(source = 'phone') = (key_id IS NOT NULL)", &[("key_id", "NULL")]),
    ("stop_findings", "(resolved_at IS NULL) = (resolved_by IS NULL)", &[("resolved_at", "1")]),
    ("proofs", "(received_at IS NULL) = (bytes IS NULL)", &[("bytes", "1"), ("width", "1"), ("height", "1")]),
    ("proofs", "(bytes IS NULL) = (width IS NULL)", &[("received_at", "1"), ("bytes", "1"), ("height", "1")]),
    ("proofs", "(bytes IS NULL) = (height IS NULL)", &[("received_at", "1"), ("bytes", "1"), ("width", "1")]),
    ("person_requests", "(answer IS NULL) = (answered_at IS NULL)", &[("answered_at", "NULL")]),
    ("person_requests", "(answer IS NULL) = (answer_note IS NULL)", &[("answer_note", "NULL")]),
    ("order_seals", "(opened_at IS NULL) = (content IS NOT NULL)", &[("opened_at", "1")]),
    ("breaches", "from_at <= to_at", &[("from_at", "2"), ("to_at", "1")]),
    ("breaches", "(closed_at IS NULL) = (people IS NULL)", &[("closed_at", "1"), ("people", "NULL")]),
    ("audit_entries", "object_id IS NULL OR object_count = 1", &[("object_id", "1"), ("object_count", "2")]),
];

/// Identifier columns without a foreign key in any table: the entry of a log, or the origin of a row, outlives what it
/// names.
const LOGGED_IDS: &[&str] = &[
    "member_id",
    "upload_id",
    "audit_entry_id",
    "object_id",
    "promised_by",
    "printed_by",
    "resolved_by",
    "undone_by",
    "saved_by",
    "profile_id",
    "signed_by",
    "edited_by",
    "loaded_by",
    "revoked_by",
    "counted_by",
    "written_by",
    "withdrawn_by",
    "opened_by",
    "closed_by",
    "recorded_by",
    "answered_by",
    "request_id",
];

/// Further ones: rows that are derived from others in the same transaction, and event logs.
const DERIVED_IDS: &[(&str, &str)] = &[
    ("deliveries", "primary_order_id"),
    ("delivery_events", "delivery_id"),
    ("reveals", "delivery_id"),
    ("order_events", "order_id"),
    ("bulk_action_orders", "order_id"),
    ("download_orders", "order_id"),
    ("download_files", "first_order_id"),
    ("download_files", "last_order_id"),
    ("order_tallies", "channel_id"),
    ("order_tallies", "product_id"),
    ("access_records", "first_order_id"),
    ("access_records", "last_order_id"),
    ("access_order_days", "order_id"),
    ("access_ranges", "first_order_id"),
    ("access_ranges", "last_order_id"),
    ("restrictions", "delivery_id"),
    ("person_requests", "order_id"),
    ("person_request_orders", "order_id"),
    ("search_postings", "document_id"),
    ("proofs", "job_id"),
    ("proofs", "event_id"),
    ("search_blocks", "segment_id"),
];

/// A table of the schema.
struct Table {
    name: String,
    columns: Vec<Column>,
    /// conditions of the CHECKs of the table
    checks: Vec<String>,
}

/// A column with what its definition promises.
#[expect(clippy::struct_excessive_bools, reason = "independent facts of a definition")]
struct Column {
    name: String,
    is_text: bool,
    is_blob: bool,
    is_nullable: bool,
    is_key: bool,
    has_reference: bool,
    check: Option<String>,
}

/// Splits at the commas outside parentheses.
fn definitions(body: &str) -> Vec<String> {
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for letter in body.chars() {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        match letter {
            ',' if depth == 0 => parts.push(String::new()),
            letter => parts.last_mut().expect("a part").push(letter),
        }
    }
    parts.iter().map(|part| part.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// The condition of the CHECK in a definition.
fn condition(definition: &str) -> Option<String> {
    let from = definition.split_once("CHECK (")?.1;
    let mut depth = 1;
    let end = from.find(|letter| {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        depth == 0
    });
    Some(from[..end?].trim().to_owned())
}

fn tables() -> Vec<Table> {
    let code: String =
        SCHEMA.lines().map(|line| line.split_once("--").map_or(line, |(code, _)| code).to_owned() + "\n").collect();
    let statements = code.split("CREATE TABLE ").skip(1);
    statements
        .map(|statement| {
            let (name, rest) = statement.split_once(" (").expect("a body");
            let body = rest.split_once(") STRICT").expect("a strict table").0;
            let mut table = Table { name: name.to_owned(), columns: Vec::new(), checks: Vec::new() };
            for definition in definitions(body) {
                match definition.split(' ').next().expect("a word") {
                    "CHECK" => table.checks.push(condition(&definition).expect("a condition")),
                    "PRIMARY" | "UNIQUE" | "FOREIGN" => {}
                    column => table.columns.push(Column {
                        name: column.to_owned(),
                        is_text: definition.contains(" TEXT"),
                        is_blob: definition.contains(" BLOB"),
                        is_nullable: !definition.contains("NOT NULL"),
                        is_key: definition.contains("PRIMARY KEY"),
                        has_reference: definition.contains(" REFERENCES "),
                        check: condition(&definition),
                    }),
                }
            }
            table
        })
        .collect()
}

/// A CHECK of one column whose forbidden values follow from its form.
enum Rule {
    MaxChars(usize),
    Length(usize),
    Codes(String),
    Flags(i64),
    Range(i64, i64),
    AtLeast(i64),
    Pattern(String),
    Other,
}

impl Column {
    fn rule(&self) -> Option<Rule> {
        let check = self.check.as_deref()?;
        let number = |text: &str| text.trim().parse::<i64>().ok();
        let length = format!("length({})", self.name);
        let parse = || {
            if let Some(rest) = check.strip_prefix(&length) {
                let (sign, chars) = rest.trim().split_once(' ')?;
                let chars = usize::try_from(number(chars)?).ok()?;
                return match sign {
                    "<=" => Some(Rule::MaxChars(chars)),
                    "=" => Some(Rule::Length(chars)),
                    _ => None,
                };
            }
            let rest = check.strip_prefix(&self.name)?.trim();
            if let Some(list) = rest.strip_prefix("IN (").and_then(|list| list.strip_suffix(')')) {
                let first = list.split(',').next()?.trim();
                return Some(match number(first) {
                    Some(_) => Rule::Flags(list.split(',').filter_map(number).max()?),
                    None => Rule::Codes(first.to_owned()),
                });
            }
            if let Some((low, high)) = rest.strip_prefix("BETWEEN ").and_then(|range| range.split_once(" AND ")) {
                return Some(Rule::Range(number(low)?, number(high)?));
            }
            if let Some(least) = rest.strip_prefix(">= ").and_then(number) {
                return Some(Rule::AtLeast(least));
            }
            if let Some(below) = rest.strip_prefix("> ").and_then(number) {
                return Some(Rule::AtLeast(below + 1));
            }
            rest.strip_prefix("LIKE ").map(|pattern| Rule::Pattern(pattern.trim_matches('\'').to_owned()))
        };
        Some(parse().unwrap_or(Rule::Other))
    }

    /// SQL of a value that the column allows.
    fn valid(&self, table: &str) -> String {
        let given = VALID_VALUES.iter().find(|(of, column, _)| *of == table && *column == self.name);
        if let Some((_, _, value)) = given {
            return (*value).to_owned();
        }
        if self.is_nullable {
            return "NULL".to_owned();
        }
        match self.rule() {
            Some(Rule::Codes(first)) => first,
            Some(Rule::Flags(_)) => "0".to_owned(),
            Some(Rule::Range(low, _)) => low.to_string(),
            Some(Rule::AtLeast(least)) => least.to_string(),
            Some(Rule::Pattern(pattern)) => format!("'{}'", pattern.replace('_', "1")),
            Some(Rule::Length(chars)) => format!("'{}'", "1".repeat(chars)),
            _ if self.is_text => "'1'".to_owned(),
            _ if self.is_blob => "x'00'".to_owned(),
            _ => "1".to_owned(),
        }
    }

    /// SQL of values that the column's CHECK forbids.
    fn forbidden(&self) -> Vec<String> {
        let text = |chars: usize| format!("'{}'", "가".repeat(chars));
        match self.rule() {
            None | Some(Rule::Other) => Vec::new(),
            Some(Rule::MaxChars(chars)) => vec![text(chars + 1)],
            Some(Rule::Length(chars)) => vec![text(chars + 1), text(chars - 1)],
            Some(Rule::Codes(_)) => vec!["'no-such-code'".to_owned(), "''".to_owned()],
            Some(Rule::Flags(largest)) => vec![(largest + 1).to_string(), "-1".to_owned()],
            Some(Rule::Range(low, high)) => vec![(low - 1).to_string(), (high + 1).to_string()],
            Some(Rule::AtLeast(least)) => vec![(least - 1).to_string()],
            Some(Rule::Pattern(pattern)) => vec![format!("'{pattern}1'"), "''".to_owned()],
        }
    }

    /// SQL of the longest text that the column allows.
    fn longest(&self) -> Option<String> {
        match self.rule() {
            Some(Rule::MaxChars(chars)) if chars <= 1000 => Some(format!("'{}'", "가".repeat(chars))),
            _ => None,
        }
    }
}

impl Table {
    fn insert(&self, changed: &[(&str, &str)]) -> String {
        let mut values: BTreeMap<&str, String> =
            self.columns.iter().map(|column| (column.name.as_str(), column.valid(&self.name))).collect();
        for (column, value) in changed {
            assert!(values.insert(column, (*value).to_owned()).is_some(), "{}.{column} is no column", self.name);
        }
        let (mut names, mut list) = (String::new(), String::new());
        for (name, value) in values {
            write!(names, "{}\"{name}\"", if names.is_empty() { "" } else { ", " }).expect("writes");
            write!(list, "{}{value}", if list.is_empty() { "" } else { ", " }).expect("writes");
        }
        format!("INSERT INTO {} ({names}) VALUES ({list})", self.name)
    }
}

/// Executes an insert in a transaction that is rolled back, without foreign keys.
async fn attempt(storage: &Storage, table: &str, insert: String, is_mariadb: bool) -> Result<()> {
    let table = table.to_owned();
    let rolled_back = || StorageError::Inconsistent("rolled back".to_owned());
    let outcome: Result<()> = storage
        .write(move |tx: &mut dyn Tx| {
            let off = if is_mariadb { "SET foreign_key_checks = 0" } else { "PRAGMA defer_foreign_keys = ON" };
            tx.exec(off, &[] as &[Param<'_>])?;
            tx.exec(&format!("DELETE FROM {table}"), &[])?;
            tx.exec(&insert, &[])?;
            Err(rolled_back())
        })
        .await;
    match outcome {
        Err(StorageError::Inconsistent(_)) => Ok(()),
        other => other,
    }
}

#[test]
fn identifiers_reference_their_table_or_have_a_reason_not_to() {
    let mut without = Vec::new();
    for table in tables() {
        let ids = table.columns.iter().filter(|column| column.name.ends_with("_id") || column.name.ends_with("_by"));
        for column in ids.filter(|column| !column.has_reference && !LOGGED_IDS.contains(&column.name.as_str())) {
            without.push((table.name.clone(), column.name.clone()));
        }
    }
    let mut expected: Vec<_> =
        DERIVED_IDS.iter().map(|(table, column)| ((*table).to_owned(), (*column).to_owned())).collect();
    without.sort();
    expected.sort();
    assert_eq!(without, expected);
}

#[tokio::test]
async fn forbidden_values_are_refused() {
    let scratch = ScratchDatabase::new();
    let storage = open(&scratch);
    let is_mariadb = scratch.address().is_some();
    let mut faults = Vec::new();
    let mut used = 0;
    for table in tables() {
        // The engines write these two themselves in every transaction.
        if ["schema_versions", "writers"].contains(&table.name.as_str()) {
            continue;
        }
        let name = &table.name;
        if let Err(error) = attempt(&storage, name, table.insert(&[]), is_mariadb).await {
            faults.push(format!("{name}: the valid row is refused ({error}); give it values in VALID_VALUES"));
            continue;
        }
        let mut forbidden: Vec<(String, Vec<(&str, String)>)> = Vec::new();
        for column in &table.columns {
            let values = column.forbidden();
            if let (Some(check), true) = (&column.check, values.is_empty()) {
                forbidden.extend(given_rows(name, check, &mut used, &mut faults));
            }
            forbidden
                .extend(values.into_iter().map(|value| (column.name.clone(), vec![(column.name.as_str(), value)])));
            if !column.is_nullable && !column.is_key {
                forbidden.push((column.name.clone(), vec![(column.name.as_str(), "NULL".to_owned())]));
            }
            if let Some(longest) = column.longest() {
                let insert = table.insert(&[(column.name.as_str(), &longest)]);
                if let Err(error) = attempt(&storage, name, insert, is_mariadb).await {
                    faults.push(format!("{name}.{}: the longest text is refused ({error})", column.name));
                }
            }
        }
        for check in &table.checks {
            forbidden.extend(given_rows(name, check, &mut used, &mut faults));
        }
        for (what, row) in forbidden {
            let row: Vec<(&str, &str)> = row.iter().map(|(column, value)| (*column, value.as_str())).collect();
            match attempt(&storage, name, table.insert(&row), is_mariadb).await {
                Err(StorageError::Constraint(_)) => {}
                other => faults.push(format!("{name}: {what} accepts {row:?} ({other:?})")),
            }
        }
    }
    if used != FORBIDDEN_ROWS.len() {
        faults.push(format!("{used} of {} FORBIDDEN_ROWS belong to a CHECK", FORBIDDEN_ROWS.len()));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The rows of [`FORBIDDEN_ROWS`] for a CHECK; a fault if there is none.
fn given_rows<'t>(
    table: &str,
    check: &str,
    used: &mut usize,
    faults: &mut Vec<String>,
) -> Vec<(String, Vec<(&'t str, String)>)> {
    let rows: Vec<_> = FORBIDDEN_ROWS.iter().filter(|(of, words, _)| *of == table && *words == check).collect();
    if rows.is_empty() {
        faults.push(format!("{table}: FORBIDDEN_ROWS has no row that violates CHECK ({check})"));
    }
    *used += rows.len();
    rows.iter()
        .map(|(_, words, row)| {
            let row = row.iter().map(|(column, value)| (*column, (*value).to_owned())).collect();
            ((*words).to_owned(), row)
        })
        .collect()
}

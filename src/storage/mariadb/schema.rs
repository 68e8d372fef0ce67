//! Builds and migrates the schema of a MariaDB database, and translates its SQL from SQLite's dialect.
//!
//! MariaDB commits before and after each DDL statement, so a migration may be interrupted in the middle.
//! Every statement is therefore idempotent (`IF NOT EXISTS`), and the version is written last.

use std::time::Duration;

use mysql::Conn;
use mysql::prelude::Queryable;

use super::error::TxError;
use crate::storage::schema::{MigrationReport, SCHEMA, Schema};
use crate::storage::{Result, StorageError};
use crate::time::Moment;

/// How long a program waits for another one that builds or migrates the schema.
pub(super) const LOCK_TIMEOUT: Duration = Duration::from_mins(15);

/// Errors of a server that does not let this account create triggers: with a binary log it takes the right SUPER or
/// `log_bin_trust_function_creators`. Triggers guard against mistakes, so the program works without them.
const NO_TRIGGER: [u16; 3] = [1142, 1227, 1419];

/// Name of the advisory lock. MariaDB allows 64 characters; a database of the same server has another one.
const LOCK_NAME: &str = "left(concat('schema ', database()), 64)";

/// Builds a missing schema, migrates an older one. An advisory lock admits one program at a time; the
/// others wait for it up to `lock_timeout` and find the work done. The server releases the lock of a
/// crashed program. Returns None when there was nothing to migrate.
///
/// # Errors
/// [`StorageError::NewerSchema`]; [`StorageError::CannotOpen`] when the wait for the lock timed out. Neither
/// is retried.
pub(super) fn migrate(
    conn: &mut Conn,
    schema: &Schema,
    now: Moment,
    lock_timeout: Duration,
) -> Result<Option<MigrationReport>, TxError> {
    if version(conn)? == schema.version {
        return Ok(None);
    }
    lock_schema(conn, lock_timeout)?;
    let migrated = migrate_locked(conn, schema, now);
    conn.query_drop(format!("SELECT RELEASE_LOCK({LOCK_NAME})"))?;
    migrated
}

fn lock_schema(conn: &mut Conn, timeout: Duration) -> Result<(), TxError> {
    if try_lock_schema(conn, Duration::ZERO)? {
        return Ok(());
    }
    tracing::info!("다른 프로그램이 데이터를 바꾸고 있어 기다려요");
    if try_lock_schema(conn, timeout)? {
        return Ok(());
    }
    let minutes = timeout.as_secs().div_ceil(60);
    Err(TxError::permanent(StorageError::CannotOpen(format!(
        "다른 프로그램이 데이터를 새 버전으로 바꾸고 있어요. {minutes}분을 기다렸지만 끝나지 않았어요. \
         그 프로그램의 상태를 확인하고, 이 프로그램을 다시 켜 주세요."
    ))))
}

fn try_lock_schema(conn: &mut Conn, timeout: Duration) -> Result<bool, TxError> {
    let locked: Option<Option<i64>> =
        conn.query_first(format!("SELECT GET_LOCK({LOCK_NAME}, {})", timeout.as_secs()))?;
    Ok(locked.flatten() == Some(1))
}

fn migrate_locked(conn: &mut Conn, schema: &Schema, now: Moment) -> Result<Option<MigrationReport>, TxError> {
    let (found, known) = (version(conn)?, schema.version);
    if found > known {
        return Err(TxError::permanent(StorageError::NewerSchema { found, known }));
    }
    if found == 0 {
        return apply(conn, schema.sql, known, now).map(|()| None);
    }
    schema.migrations_after(found).try_for_each(|(migration, version)| apply(conn, migration, version, now))?;
    Ok((found < known).then_some(MigrationReport { from: found, to: known, copy: None }))
}

fn apply(conn: &mut Conn, sql: &str, version: i64, now: Moment) -> Result<(), TxError> {
    for statement in translate(sql) {
        match conn.query_drop(&statement) {
            Err(mysql::Error::MySqlError(error)) if is_trigger(&statement) && NO_TRIGGER.contains(&error.code) => {
                tracing::warn!(%error, "기록을 지키는 트리거를 만들지 못했어요. mukkeum doctor를 실행하면 할 일이 나와요");
            }
            executed => executed?,
        }
    }
    conn.exec_drop("INSERT INTO schema_versions (version, applied_at) VALUES (?, ?)", (version, now.0))?;
    Ok(())
}

/// Version of the schema in this database; 0 when it has none.
pub(super) fn version(conn: &mut Conn) -> Result<i64, TxError> {
    let tables: Option<i64> = conn.query_first(
        "SELECT count(*) FROM information_schema.tables \
         WHERE table_schema = database() AND table_name = 'schema_versions'",
    )?;
    if tables == Some(0) {
        return Ok(0);
    }
    Ok(conn.query_first("SELECT coalesce(max(version), 0) FROM schema_versions")?.unwrap_or(0))
}

/// When the database was created.
pub(super) fn created_at(conn: &mut Conn) -> Result<Moment, TxError> {
    let applied_at: Option<i64> = conn.query_first("SELECT coalesce(min(applied_at), 0) FROM schema_versions")?;
    Ok(Moment(applied_at.unwrap_or(0)))
}

/// Splits `sql` into statements and translates each to MariaDB's dialect. Quoted text is part of the
/// translated statement; a test checks that the translation changes none.
fn translate(sql: &str) -> Vec<String> {
    let (mut statements, mut current) = (Vec::new(), String::new());
    for token in tokenize(sql) {
        match token {
            Token::Comment => {}
            Token::Semicolon => statements.push(std::mem::take(&mut current)),
            Token::Code(text) | Token::Quoted(text) => current.push_str(text),
        }
    }
    statements.push(current);
    let statements = statements.iter().map(|sql| sql.trim()).filter(|sql| !["", TRIGGER_END].contains(sql));
    statements.map(|sql| translate_trigger(sql).unwrap_or_else(|| translate_statement(sql))).collect()
}

/// What remains of a trigger after its statement `SELECT RAISE(…);`.
const TRIGGER_END: &str = "END";

fn is_trigger(sql: &str) -> bool {
    sql.starts_with("CREATE TRIGGER")
}

/// Translates a trigger that refuses a statement: `CREATE TRIGGER … [WHEN condition] BEGIN SELECT RAISE(ABORT, 'message')`.
/// Conditions use differences of days only, so that it does not matter from which day `julianday` and `to_days` count.
fn translate_trigger(sql: &str) -> Option<String> {
    let (head, body) = sql.strip_prefix("CREATE TRIGGER ")?.split_once("BEGIN SELECT RAISE(ABORT, ")?;
    let (event, condition) = head.split_once("WHEN ").unwrap_or((head, "TRUE"));
    let (event, message) = (event.trim(), body.trim_end_matches(')'));
    let condition = condition.trim().replace("julianday(", "to_days(");
    Some(format!(
        "CREATE TRIGGER IF NOT EXISTS {event} FOR EACH ROW BEGIN IF {condition} THEN \
         SIGNAL SQLSTATE {REFUSED} SET MESSAGE_TEXT = {message}; END IF; END"
    ))
}

/// The state of an error that a trigger raises (SQL standard: unhandled user-defined exception).
const REFUSED: &str = "'45000'";

/// Token of SQL, as fine as splitting into statements requires.
#[derive(Debug, PartialEq, Eq)]
enum Token<'s> {
    /// from `--` to the end of the line
    Comment,
    /// `;`
    Semicolon,
    /// a string or identifier with its quotes
    Quoted(&'s str),
    /// everything else
    Code(&'s str),
}

fn tokenize(sql: &str) -> Vec<Token<'_>> {
    let (mut tokens, mut rest) = (Vec::new(), sql);
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            ';' => (Token::Semicolon, 1),
            '\'' | '"' => {
                let end = rest[1..].find(first).map_or(rest.len(), |end| end + 2);
                (Token::Quoted(&rest[..end]), end)
            }
            _ if rest.starts_with("--") => (Token::Comment, rest.find('\n').unwrap_or(rest.len())),
            _ => {
                let ends = [rest.find([';', '\'', '"']), rest.find("--")];
                let end = ends.into_iter().flatten().min().unwrap_or(rest.len());
                (Token::Code(&rest[..end]), end)
            }
        };
        tokens.push(token);
        rest = &rest[length..];
    }
    tokens
}

fn translate_statement(sql: &str) -> String {
    let mut sql = sql
        .replace("CREATE TABLE ", "CREATE TABLE IF NOT EXISTS ")
        .replace("CREATE INDEX ", "CREATE INDEX IF NOT EXISTS ")
        .replace("CREATE UNIQUE INDEX ", "CREATE UNIQUE INDEX IF NOT EXISTS ")
        .replace("ADD COLUMN ", "ADD COLUMN IF NOT EXISTS ")
        .replace("DROP COLUMN ", "DROP COLUMN IF EXISTS ")
        .replace("DROP INDEX ", "DROP INDEX IF EXISTS ")
        .replace("DROP TABLE ", "DROP TABLE IF EXISTS ")
        .replace(" WITHOUT ROWID", "")
        .replace(") STRICT,", ") STRICT")
        .replace(") STRICT", ") ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin");
    // `DROP INDEX name /* ON table */`: index names are per table in MariaDB.
    if let Some((drop, table)) = sql.split_once("/* ON ").filter(|_| sql.starts_with("DROP INDEX")) {
        sql = format!("{drop}ON {}", table.trim_end_matches("*/"));
    }
    // MariaDB has no partial indexes: the index then contains all rows.
    if sql.starts_with("CREATE INDEX") {
        sql = sql.split("WHERE").next().unwrap_or_default().trim_end().to_owned();
    }
    translate_types(&sql)
}

/// Longest text that becomes a VARCHAR; a longer one would be most of InnoDB's 65,535 bytes per row.
const MAX_VARCHAR_CHARS: usize = 1000;

/// Length of the VARCHAR of an enumeration: room for codes of later versions.
const MAX_CODE_CHARS: usize = 32;

/// Translates types: INTEGER to the shortest integer of the values that a CHECK of the column allows (which halves most
/// indexes), otherwise to BIGINT; BLOB to LONGBLOB; and TEXT to VARCHAR where a CHECK of the column states its
/// length (`length(name) <= n`), its form (`LIKE`) or its values (`IN`), otherwise to LONGTEXT. A CHECK of nothing but
/// the length is dropped with it: VARCHAR enforces it. `length` counts bytes in MariaDB and becomes `char_length`.
fn translate_types(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    let mut column = "";
    while let Some(at) = rest.find(|letter: char| letter.is_ascii_alphabetic() || letter == '_') {
        let (before, from) = rest.split_at(at);
        let end = from.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        out.push_str(before);
        rest = after;
        match word {
            "INTEGER" => out.push_str(integer_type(column, column_definition(after))),
            "BLOB" => out.push_str("LONGBLOB"),
            "length" if after.starts_with('(') => out.push_str("char_length"),
            "TEXT" => match max_chars(column, column_definition(after)) {
                Some(length) => {
                    out.extend(["VARCHAR(", &length.to_string(), ")"]);
                    if let Some((before, after)) = after.split_once(&format!(" CHECK (length({column}) <= {length})"))
                        && column_definition(rest).len() > before.len()
                    {
                        out.push_str(before);
                        rest = after;
                    }
                }
                None => out.push_str("LONGTEXT"),
            },
            other => out.push_str(other),
        }
        column = word;
    }
    out + rest
}

/// The rest of a column's definition: up to the comma or parenthesis that ends it.
fn column_definition(rest: &str) -> &str {
    let mut depth = 0;
    let end = rest.find(|letter| {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        depth < 0 || depth == 0 && letter == ','
    });
    &rest[..end.unwrap_or(rest.len())]
}

/// The type of an INTEGER column: by its CHECK, or that of the column that it references, as a foreign key demands.
fn integer_type(column: &str, definition: &str) -> &'static str {
    let largest = definition.split_once(&format!("CHECK ({column} ")).and_then(|(_, check)| {
        let (_, largest) =
            check.strip_prefix("BETWEEN ").or_else(|| check.strip_prefix("IN "))?.split_once([' ', ','])?;
        largest.trim_start_matches("AND ").trim().split_once(')')?.0.parse::<i64>().ok()
    });
    match largest {
        Some(..=0x7F) => "TINYINT",
        Some(..=0x7FFF) => "SMALLINT",
        Some(..=0x7FFF_FFFF) => "INT",
        Some(_) => "BIGINT",
        None => referenced_definition(definition).map_or("BIGINT", |definition| integer_type("id", definition)),
    }
}

/// The definition of the column `id` of the table that this column references.
fn referenced_definition(definition: &str) -> Option<&'static str> {
    let (table, _) = definition.split_once("REFERENCES ")?.1.split_once(" (id)")?;
    let columns = SCHEMA.split_once(&format!("\nCREATE TABLE {table} ("))?.1.trim_start();
    columns.strip_prefix("id ").map(column_definition)
}

/// Longest text that the CHECK of a TEXT column allows, in characters; None if that is no VARCHAR.
fn max_chars(column: &str, definition: &str) -> Option<usize> {
    let (_, check) = definition.split_once(" CHECK (")?;
    if let Some(length) = check.strip_prefix(&format!("length({column}) <= ")) {
        return length.split_once(')')?.0.parse().ok().filter(|length| *length <= MAX_VARCHAR_CHARS);
    }
    let check = check.strip_prefix(column)?;
    match check.strip_prefix(" LIKE '") {
        Some(form) => Some(form.split_once('\'')?.0.len()),
        None => check.starts_with(" IN (").then_some(MAX_CODE_CHARS),
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::Retry;
    use super::super::pool::ConnectionPool;
    use super::*;
    use crate::storage::schema::{self, NEWEST};
    use crate::storage::testing::ScratchDatabase;

    fn quoted(sql: &str) -> Vec<String> {
        let quoted = |token| if let Token::Quoted(text) = token { Some(text.to_owned()) } else { None };
        tokenize(sql).into_iter().filter_map(quoted).collect()
    }

    #[test]
    fn quoted_text_ends_no_statement_and_starts_no_comment() {
        let sql = "INSERT INTO t VALUES ('a;b -- c', 'it''s'); -- it's\nUPDATE \"a;b\" SET n = 1 - -1;";
        let statements = ["INSERT INTO t VALUES ('a;b -- c', 'it''s')", "UPDATE \"a;b\" SET n = 1 - -1"];
        assert_eq!(translate(sql), statements);
        assert_eq!(
            tokenize("a--b\n;'c"),
            [Token::Code("a"), Token::Comment, Token::Code("\n"), Token::Semicolon, Token::Quoted("'c"),]
        );
    }

    /// The translation replaces words also within quotes, so no quoted text may contain one.
    #[test]
    fn quoted_text_is_not_translated() {
        let next = schema::testing::next();
        for sql in next.migrations.iter().chain([&next.sql]) {
            let whole = translate(sql).join(";");
            let kept: Vec<String> = quoted(&whole).into_iter().filter(|text| text != REFUSED).collect();
            assert_eq!(kept, quoted(sql));
            for text in quoted(sql) {
                let (quote, inside) = (&text[..1], &text[1..text.len() - 1]);
                assert!(text.len() > 1 && text.ends_with(quote) && !inside.contains('\n'), "{text} is not closed");
                assert!(!inside.contains('\\'), "{text}: the engines parse a backslash differently");
            }
            assert!(!whole.contains("/*"), "every table name in such a comment is translated");
        }
    }

    /// Needs a MariaDB server, see `tests/with-mariadb`.
    #[test]
    fn wait_for_the_migration_of_another_program_times_out() {
        let scratch = ScratchDatabase::new();
        let Some(address) = scratch.address() else { return };
        let connect = || ConnectionPool::new(address.clone()).connect_without_timeout().expect("connects");
        let (mut other, mut own) = (connect(), connect());
        assert!(try_lock_schema(&mut other, Duration::ZERO).expect("locks"));
        let error = migrate(&mut own, &NEWEST, Moment(0), Duration::from_secs(1)).expect_err("waits in vain");
        assert_eq!(error.retry, Retry::Never);
        assert!(matches!(error.error, StorageError::CannotOpen(_)), "{error:?}");
        assert_eq!(version(&mut own).expect("the version"), 0);
        drop(other);
        assert_eq!(migrate(&mut own, &NEWEST, Moment(0), Duration::from_secs(5)).expect("builds"), None);
        assert_eq!(version(&mut own).expect("the version"), NEWEST.version);
    }

    /// Columns and indexes of all tables.
    fn structure(conn: &mut Conn) -> Vec<String> {
        let sql = "SELECT concat_ws(' ', table_name, column_name, column_type, is_nullable, column_default) \
                   FROM information_schema.columns WHERE table_schema = database() UNION ALL \
                   SELECT concat_ws(' ', table_name, index_name, seq_in_index, column_name) \
                   FROM information_schema.statistics WHERE table_schema = database() ORDER BY 1";
        conn.query(sql).expect("the structure")
    }

    /// Needs a MariaDB server, see `tests/with-mariadb`.
    #[test]
    fn one_of_several_programs_migrates_to_the_schema_that_a_new_database_has() {
        let (old, new) = (ScratchDatabase::new(), ScratchDatabase::new());
        let (Some(old), Some(new)) = (old.address(), new.address()) else { return };
        let connect = |address: &crate::storage::MariaDbAddress| {
            ConnectionPool::new(address.clone()).connect_without_timeout().expect("connects")
        };
        let (next, patience) = (schema::testing::next(), Duration::from_mins(1));
        migrate(&mut connect(&old), &NEWEST, Moment(0), patience).expect("builds");
        let programs: Vec<_> = (0..3)
            .map(|_| {
                let mut conn = connect(&old);
                std::thread::spawn(move || migrate(&mut conn, &next, Moment(1), patience).expect("migrates or waits"))
            })
            .collect();
        let reports = programs.into_iter().filter_map(|program| program.join().expect("ends"));
        let expected = MigrationReport { from: NEWEST.version, to: next.version, copy: None };
        assert_eq!(reports.collect::<Vec<_>>(), [expected]);
        migrate(&mut connect(&new), &next, Moment(0), patience).expect("builds");
        let structure = structure(&mut connect(&old));
        assert_eq!(structure, self::structure(&mut connect(&new)));
        assert!(structure.iter().any(|column| column.starts_with("badges name")), "{structure:?}");
    }

    #[test]
    fn refusing_trigger_is_translated_to_a_signal() {
        let sql = "CREATE TRIGGER kept BEFORE DELETE ON t\nWHEN OLD.n > 3\nBEGIN SELECT RAISE(ABORT, 'no'); END;\n\
                   CREATE TRIGGER fixed BEFORE UPDATE ON t\nBEGIN SELECT RAISE(ABORT, 'no'); END;\n";
        assert_eq!(
            translate(sql),
            [
                "CREATE TRIGGER IF NOT EXISTS kept BEFORE DELETE ON t FOR EACH ROW BEGIN IF OLD.n > 3 THEN \
                 SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'; END IF; END",
                "CREATE TRIGGER IF NOT EXISTS fixed BEFORE UPDATE ON t FOR EACH ROW BEGIN IF TRUE THEN \
                 SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'; END IF; END",
            ]
        );
    }

    #[test]
    fn sqlite_ddl_is_translated_to_mariadb() {
        let sql = "-- A comment; with a semicolon.\n\
                   CREATE TABLE terms (\n  term TEXT NOT NULL CHECK (length(term) <= 64), -- short\n  \
                   kind TEXT CHECK (kind IN ('a', 'b')), day TEXT CHECK (day LIKE '____-__-__'),\n  \
                   json TEXT CHECK (length(json) <= 65535), note TEXT, n INTEGER, b BLOB,\n  \
                   flag INTEGER NOT NULL CHECK (flag IN (0, 1)), hour INTEGER CHECK (hour BETWEEN 0 AND 2400),\n  \
                   product_id INTEGER REFERENCES products (id), member_id INTEGER REFERENCES members (id),\n  \
                   PRIMARY KEY (term)\n) STRICT, WITHOUT ROWID;\nCREATE INDEX terms_by_n ON terms (n)\n    WHERE n IS NOT NULL;\n\
                   ALTER TABLE terms ADD COLUMN context TEXT;\nDROP INDEX terms_by_n /* ON terms */;\n";
        assert_eq!(
            translate(sql),
            [
                "CREATE TABLE IF NOT EXISTS terms (\n  term VARCHAR(64) NOT NULL, \n  \
                 kind VARCHAR(32) CHECK (kind IN ('a', 'b')), day VARCHAR(10) CHECK (day LIKE '____-__-__'),\n  \
                 json LONGTEXT CHECK (char_length(json) <= 65535), note LONGTEXT, n BIGINT, b LONGBLOB,\n  \
                 flag TINYINT NOT NULL CHECK (flag IN (0, 1)), hour SMALLINT CHECK (hour BETWEEN 0 AND 2400),\n  \
                 product_id INT REFERENCES products (id), member_id BIGINT REFERENCES members (id),\n  \
                 PRIMARY KEY (term)\n) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin",
                "CREATE INDEX IF NOT EXISTS terms_by_n ON terms (n)",
                "ALTER TABLE terms ADD COLUMN IF NOT EXISTS context LONGTEXT",
                "DROP INDEX IF EXISTS terms_by_n ON terms ",
            ]
        );
    }
}

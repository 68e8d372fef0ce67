//! `schema.sql` in MariaDB's words, and the upgrades.
//!
//! MariaDB commits before and after each change of the schema, so an upgrade may end in its midst.
//! Every statement is therefore one that may be run again: what exists already is passed over, and
//! the version is written last.

use mysql::Conn;
use mysql::prelude::Queryable;

use super::error::TxError;
use crate::storage::schema::{MIGRATIONS, SCHEMA, VERSION};
use crate::storage::{Result, StorageError};
use crate::time::Moment;

/// Builds the schema or brings it up to date. One program at a time does; the others wait.
pub(super) fn upgrade(conn: &mut Conn, now: Moment) -> Result<(), TxError> {
    if version(conn)? == VERSION {
        return Ok(());
    }
    let lock = "concat('schema ', database())";
    conn.query_drop(format!("SELECT GET_LOCK({lock}, 3600)"))?;
    let upgraded = upgrade_alone(conn, now);
    conn.query_drop(format!("SELECT RELEASE_LOCK({lock})"))?;
    upgraded
}

fn upgrade_alone(conn: &mut Conn, now: Moment) -> Result<(), TxError> {
    let found = version(conn)?;
    if found > VERSION {
        let error = StorageError::NewerSchema { found, known: VERSION };
        return Err(TxError { error, retry: super::error::Retry::Never });
    }
    if found == 0 {
        return apply(conn, SCHEMA, VERSION, now);
    }
    let behind = usize::try_from(found - 1).unwrap_or(usize::MAX);
    MIGRATIONS.iter().skip(behind).zip(found + 1..).try_for_each(|(step, version)| apply(conn, step, version, now))
}

fn apply(conn: &mut Conn, sql: &str, version: i64, now: Moment) -> Result<(), TxError> {
    for statement in translated(sql) {
        conn.query_drop(statement)?;
    }
    conn.exec_drop("INSERT INTO schema_versions (version, applied_at) VALUES (?, ?)", (version, now.0))?;
    Ok(())
}

fn version(conn: &mut Conn) -> Result<i64, TxError> {
    let built: Option<i64> = conn.query_first(
        "SELECT count(*) FROM information_schema.tables \
         WHERE table_schema = database() AND table_name = 'schema_versions'",
    )?;
    if built == Some(0) {
        return Ok(0);
    }
    Ok(conn.query_first("SELECT coalesce(max(version), 0) FROM schema_versions")?.unwrap_or(0))
}

/// The statements of `sql`, in MariaDB's words. Texts in quotes pass as they are; that none of them holds
/// what is translated is for a test to say.
fn translated(sql: &str) -> Vec<String> {
    let (mut statements, mut bare) = (Vec::new(), String::new());
    for piece in pieces(sql) {
        match piece {
            Piece::Remark => {}
            Piece::End => statements.push(std::mem::take(&mut bare)),
            Piece::Words(text) | Piece::Quoted(text) => bare.push_str(text),
        }
    }
    statements.push(bare);
    statements.iter().map(|sql| sql.trim()).filter(|sql| !sql.is_empty()).map(statement).collect()
}

/// What SQL is made of, as far as it matters where a statement ends.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'s> {
    /// from `--` to the end of the line
    Remark,
    /// `;`
    End,
    /// a text or a name, with its quotes
    Quoted(&'s str),
    /// all between
    Words(&'s str),
}

fn pieces(sql: &str) -> Vec<Piece<'_>> {
    let (mut pieces, mut rest) = (Vec::new(), sql);
    while let Some(first) = rest.chars().next() {
        let (piece, length) = match first {
            ';' => (Piece::End, 1),
            '\'' | '"' => {
                let end = rest[1..].find(first).map_or(rest.len(), |end| end + 2);
                (Piece::Quoted(&rest[..end]), end)
            }
            _ if rest.starts_with("--") => (Piece::Remark, rest.find('\n').unwrap_or(rest.len())),
            _ => {
                let ends = [rest.find([';', '\'', '"']), rest.find("--")];
                let end = ends.into_iter().flatten().min().unwrap_or(rest.len());
                (Piece::Words(&rest[..end]), end)
            }
        };
        pieces.push(piece);
        rest = &rest[length..];
    }
    pieces
}

fn statement(sql: &str) -> String {
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
    // `DROP INDEX name /* ON table */`: SQLite's indexes are not within their table.
    if let Some((drop, table)) = sql.split_once("/* ON ").filter(|_| sql.starts_with("DROP INDEX")) {
        sql = format!("{drop}ON {}", table.trim_end_matches("*/"));
    }
    // MariaDB has no partial indexes: what SQLite leaves out of one stands in it.
    if sql.starts_with("CREATE INDEX") {
        sql = sql.split("WHERE").next().unwrap_or_default().trim_end().to_owned();
    }
    words(&sql)
}

/// Types: `TEXT /*n*/` is VARCHAR(n), TEXT without a length may be long, INTEGER has 64 bits.
fn words(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(at) = rest.find(|letter: char| letter.is_ascii_alphabetic() || letter == '_') {
        let (before, from) = rest.split_at(at);
        let end = from.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        out.push_str(before);
        rest = after;
        match word {
            "INTEGER" => out.push_str("BIGINT"),
            "BLOB" => out.push_str("LONGBLOB"),
            "TEXT" => match after.strip_prefix(" /*").and_then(|length| length.split_once("*/")) {
                Some((length, after)) => {
                    out.extend(["VARCHAR(", length, ")"]);
                    rest = after;
                }
                None => out.push_str("LONGTEXT"),
            },
            other => out.push_str(other),
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(sql: &str) -> Vec<String> {
        let quoted = |piece| if let Piece::Quoted(text) = piece { Some(text.to_owned()) } else { None };
        pieces(sql).into_iter().filter_map(quoted).collect()
    }

    #[test]
    fn what_stands_in_quotes_ends_no_statement_and_begins_no_remark() {
        let sql = "INSERT INTO t VALUES ('a;b -- c', 'it''s'); -- it's\nUPDATE \"a;b\" SET n = 1 - -1;";
        let statements = ["INSERT INTO t VALUES ('a;b -- c', 'it''s')", "UPDATE \"a;b\" SET n = 1 - -1"];
        assert_eq!(translated(sql), statements);
        assert_eq!(
            pieces("a--b\n;'c"),
            [Piece::Words("a"), Piece::Remark, Piece::Words("\n"), Piece::End, Piece::Quoted("'c"),]
        );
    }

    /// A word of SQLite's in quotes would be translated as well, `--` in words that are not a remark cut.
    #[test]
    fn nothing_in_quotes_is_translated() {
        for sql in MIGRATIONS.iter().chain([&SCHEMA]) {
            let whole = translated(sql).join(";");
            assert_eq!(quoted(&whole), quoted(sql));
            for text in quoted(sql) {
                let (quote, inside) = (&text[..1], &text[1..text.len() - 1]);
                assert!(text.len() > 1 && text.ends_with(quote) && !inside.contains('\n'), "{text} does not end");
                assert!(!inside.contains('\\'), "{text}: the engines read it differently");
            }
            assert!(!whole.contains("/*"), "every length and table in a remark of this kind is understood");
        }
    }

    #[test]
    fn a_table_of_sqlite_is_told_in_the_words_of_mariadb() {
        let sql = "-- A comment; with a semicolon.\n\
                   CREATE TABLE terms (\n  term TEXT /*64*/ NOT NULL, -- short\n  note TEXT, n INTEGER, b BLOB,\n  \
                   PRIMARY KEY (term)\n) STRICT, WITHOUT ROWID;\nCREATE INDEX terms_by_n ON terms (n)\n    WHERE n IS NOT NULL;\n\
                   ALTER TABLE terms ADD COLUMN context TEXT;\nDROP INDEX terms_by_n /* ON terms */;\n";
        assert_eq!(
            translated(sql),
            [
                "CREATE TABLE IF NOT EXISTS terms (\n  term VARCHAR(64) NOT NULL, \n  note LONGTEXT, n BIGINT, b LONGBLOB,\n  \
                 PRIMARY KEY (term)\n) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin",
                "CREATE INDEX IF NOT EXISTS terms_by_n ON terms (n)",
                "ALTER TABLE terms ADD COLUMN IF NOT EXISTS context LONGTEXT",
                "DROP INDEX IF EXISTS terms_by_n ON terms ",
            ]
        );
    }
}

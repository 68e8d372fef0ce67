//! All data from one storage to another: the way of a shop that outgrows its PC, and back.
//!
//! While it copies it holds a lease at the target, which is given back when all has arrived. A copy
//! that was killed leaves the lease behind: by it the target is known as unfinished, nobody opens it
//! as a shop, and the next copy empties it first.
//!
//! The source is read in one transaction, table by table in the sequence of `schema.sql`, so that
//! nothing comes before what it refers to. Then the target is read, and every table must have the
//! same number of rows and the same checksum as the source had.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest, Sha256};
use tokio::sync::mpsc::{Sender, channel};

use super::{Param, Result, Row, Storage, StorageError, Tx, Value, lease, placeholders, schema, text_limits};

/// Rows of one transaction at the target.
const BATCH_ROWS: usize = 5_000;

/// The lease of a target, and of what a copy left unfinished.
pub const COPY_LEASE: &str = "copy";

/// How long after its last step a copy is taken to be dead: longer than a step takes.
const COPY_LEASE_MS: i64 = 30_000;

/// Texts that are too long which a person is told one by one.
const MAX_LISTED_TEXTS: usize = 20;

/// Characters that are shown of such a text.
const MAX_SHOWN_CHARS: usize = 30;

/// By what a row is called, the first of them that its table has.
const ROW_NAME_COLUMNS: [(&str, &str); 6] = [
    ("order_number", "주문번호"),
    ("bundle_number", "배송번호"),
    ("number", "상품번호"),
    ("username", "회원"),
    ("file_name", "파일"),
    ("id", "번호"),
];

/// Why the data was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// a database failed
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// somebody's data is there already
    #[error("받는 쪽에 이미 데이터가 있어요 ({0}). 빈 데이터베이스로 옮겨 주세요.")]
    TargetNotEmpty(&'static str),
    /// another copy writes there, or has just been killed
    #[error(
        "다른 mukkeum copy가 여기로 옮기고 있어요. 그것이 끊겼다면 1분 뒤에 다시 해 주세요. 남은 것은 지우고 처음부터 옮겨요."
    )]
    InProgress,
    /// the source is itself what a copy left
    #[error("보내는 쪽이 옮기다 만 데이터베이스예요. 그쪽으로 옮기는 것부터 끝내 주세요.")]
    SourceIncomplete,
    /// one of the two was upgraded by another version of the program
    #[error("두 데이터베이스의 {0} 표가 서로 달라요. 같은 버전의 프로그램으로 한 번씩 켠 다음 다시 해 주세요.")]
    SchemaMismatch(&'static str),
    /// texts that the target's columns do not take: SQLite holds them, MariaDB would not
    #[error("받는 쪽에 들어가지 않는 긴 값이 {count}개 있어요. 보내는 쪽을 mukkeum serve로 열어 줄인 다음 다시 해 주세요.\n{}", .some.join("\n"))]
    TextTooLong {
        /// where the first of them stand: table, row, column, length
        some: Vec<String>,
        /// how many there are
        count: usize,
    },
    /// what arrived is not what was sent
    #[error("{table} 표가 다르게 옮겨졌어요: 보낸 것 {sent}, 받은 것 {arrived}. 받는 쪽을 비웠어요.")]
    ChecksumMismatch {
        /// the table
        table: &'static str,
        /// what was read
        sent: TableChecksum,
        /// what is there now
        arrived: TableChecksum,
    },
}

/// The rows of a table, in whatever sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableChecksum {
    /// how many
    pub rows: u64,
    /// of their contents
    pub checksum: u64,
}

impl std::fmt::Display for TableChecksum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}행 ({:016x})", self.rows, self.checksum)
    }
}

impl TableChecksum {
    fn add(&mut self, row: &Row) {
        let mut hash = Sha256::new();
        for value in &row.0 {
            let (kind, bytes): (u8, &[u8]) = match value {
                Value::Null => (0, &[]),
                Value::Int(number) => (1, &number.to_be_bytes()),
                Value::Text(text) => (2, text.as_bytes()),
                Value::Blob(bytes) => (3, bytes),
            };
            hash.update([kind]);
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        }
        let of_row = hash.finalize().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
        self.rows += 1;
        self.checksum = self.checksum.wrapping_add(of_row);
    }
}

/// Copies everything, tells `progress` about each table that has arrived, and answers with what
/// each held. After an error the target is empty again.
///
/// # Errors
/// A [`CopyError`]; the source is never changed.
pub async fn copy(
    from: &Storage,
    to: &Storage,
    mut progress: impl FnMut(&'static str, TableChecksum),
) -> Result<Vec<(&'static str, TableChecksum)>, CopyError> {
    let columns = Arc::new(columns(from, to).await?);
    if to.enforces_text_limits() {
        check_text_limits(from).await?;
    }
    let holder = acquire_target(to).await?;
    let sums = match transfer(from, to, holder, &columns, &mut progress).await {
        Ok(sums) => verify(to, holder, &columns, sums).await,
        Err(error) => Err(error),
    };
    if sums.is_err() {
        clear(to, holder).await?;
    }
    to.write(move |tx| {
        renew_lease(tx, holder)?;
        lease::release(tx, COPY_LEASE, holder)
    })
    .await?;
    sums
}

/// Takes the target for this copy, and empties it of what an earlier one left. Answers with the holder
/// of the lease.
async fn acquire_target(to: &Storage) -> Result<i64, CopyError> {
    let claimed = to.write(|tx| {
        let (holder, is_left) = (tx.new_id(), lease::exists(tx, COPY_LEASE)?);
        let filled = if is_left { None } else { first_populated_table(tx)? };
        match filled {
            Some(table) => Err(CopyError::TargetNotEmpty(table)),
            None if lease::try_acquire(tx, COPY_LEASE, holder, COPY_LEASE_MS)? => Ok((holder, is_left)),
            None => Err(CopyError::InProgress),
        }
    });
    let (holder, is_left) = claimed.await?;
    if is_left {
        clear(to, holder).await?;
    }
    Ok(holder)
}

/// A table with rows.
fn first_populated_table(tx: &mut dyn Tx) -> Result<Option<&'static str>> {
    for table in schema::tables() {
        if tx.query_one(&format!("SELECT 1 FROM {table} LIMIT 1"), &[])?.is_some() {
            return Ok(Some(table));
        }
    }
    Ok(None)
}

/// Prolongs the lease; without it the target is another copy's.
fn renew_lease(tx: &mut dyn Tx, holder: i64) -> Result<()> {
    if lease::try_acquire(tx, COPY_LEASE, holder, COPY_LEASE_MS)? {
        return Ok(());
    }
    Err(StorageError::Unavailable("another copy has taken the target".to_owned()))
}

type Columns = Vec<(&'static str, String)>;

/// The columns of every table, joined by commas; the target has the same ones.
async fn columns(from: &Storage, to: &Storage) -> Result<Columns, CopyError> {
    if from.read(|tx| lease::exists(tx, COPY_LEASE)).await? {
        return Err(CopyError::SourceIncomplete);
    }
    let all = |tx: &mut dyn Tx| schema::tables().map(|table| names(tx, table)).collect::<Result<Vec<_>>>();
    let (source, target) = (from.read(all).await?, to.read(all).await?);
    schema::tables()
        .zip(source.into_iter().zip(target))
        .map(
            |(table, (one, other))| if one == other { Ok((table, one)) } else { Err(CopyError::SchemaMismatch(table)) },
        )
        .collect()
}

fn names(tx: &mut dyn Tx, table: &str) -> Result<String> {
    let mut names = tx.columns(table)?;
    names.sort_unstable();
    Ok(names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", "))
}

/// Finds the texts that are longer than their columns.
async fn check_text_limits(from: &Storage) -> Result<(), CopyError> {
    let found = from.read(|tx| {
        let (mut some, mut count) = (Vec::new(), 0);
        for table in schema::tables() {
            for_each_over_long_text(tx, table, &mut |told| {
                count += 1;
                if some.len() < MAX_LISTED_TEXTS {
                    some.push(told);
                }
            })?;
        }
        Ok::<_, StorageError>((some, count))
    });
    match found.await? {
        (_, 0) => Ok(()),
        (some, count) => Err(CopyError::TextTooLong { some, count }),
    }
}

fn for_each_over_long_text(tx: &mut dyn Tx, table: &str, tell: &mut dyn FnMut(String)) -> Result<()> {
    let bounded: Vec<(&str, usize)> = text_limits::of_table(table).collect();
    if bounded.is_empty() {
        return Ok(());
    }
    let known = tx.columns(table)?;
    let (name, called) = ROW_NAME_COLUMNS
        .into_iter()
        .find(|(name, _)| known.iter().any(|known| known == name))
        .unwrap_or((bounded[0].0, ""));
    let columns: Vec<String> = bounded.iter().map(|(column, _)| format!("\"{column}\"")).collect();
    let long: Vec<String> = bounded.iter().map(|(column, most)| format!("length(\"{column}\") > {most}")).collect();
    let sql = format!("SELECT {name}, {} FROM {table} WHERE {}", columns.join(", "), long.join(" OR "));
    tx.for_each(&sql, &[], &mut |row| {
        let row_name = match row.0.first() {
            Some(Value::Text(text)) => text_limits::truncate(text, MAX_SHOWN_CHARS).to_owned(),
            Some(Value::Int(number)) => number.to_string(),
            _ => String::new(),
        };
        for (value, (column, most)) in row.0.iter().skip(1).zip(&bounded) {
            let Value::Text(text) = value else { continue };
            let length = text.chars().count();
            if length > *most {
                let shown = text_limits::truncate(text, MAX_SHOWN_CHARS);
                tell(format!("{table} 표의 {called} {row_name}: {column} {length}자 ({most}자까지), ‘{shown}…’"));
            }
        }
        Ok(())
    })
}

/// Reads on one thread and writes on another, a few thousand rows at a time.
async fn transfer(
    from: &Storage,
    to: &Storage,
    holder: i64,
    columns: &Arc<Columns>,
    progress: &mut impl FnMut(&'static str, TableChecksum),
) -> Result<Vec<(&'static str, TableChecksum)>, CopyError> {
    let (give, mut take) = channel(2);
    let (columns, begun) = (Arc::clone(columns), AtomicBool::new(false));
    let (source, columns_too) = (from.clone(), Arc::clone(&columns));
    let reading = tokio::spawn(async move {
        source
            .read(move |tx| {
                if begun.swap(true, Ordering::Relaxed) {
                    return Err(StorageError::Unavailable("the source was lost while it was read".to_owned()));
                }
                (0..columns_too.len()).try_for_each(|table| read_table(tx, &columns_too, table, &give))
            })
            .await
    });
    let mut sums: Vec<(&'static str, TableChecksum)> =
        columns.iter().map(|(table, _)| (*table, TableChecksum::default())).collect();
    let mut last = None;
    while let Some((table, rows)) = take.recv().await {
        if let Some(done) = last.filter(|last| *last != table) {
            let (name, sum): (&str, TableChecksum) = sums[done];
            progress(name, sum);
        }
        last = Some(table);
        for row in &rows {
            sums[table].1.add(row);
        }
        let (name, names) = columns[table].clone();
        to.write(move |tx| {
            renew_lease(tx, holder)?;
            insert(tx, name, &names, &rows)
        })
        .await?;
    }
    reading.await.map_err(|error| StorageError::Panicked(error.to_string()))??;
    Ok(sums)
}

type Chunk = (usize, Vec<Row>);

fn read_table(tx: &mut dyn Tx, columns: &Columns, table: usize, give: &Sender<Chunk>) -> Result<()> {
    let (name, names) = &columns[table];
    let mut piece = Vec::new();
    let hand_over = |piece: &mut Vec<Row>| {
        let stopped = |_| StorageError::Unavailable("nobody takes the rows any more".to_owned());
        give.blocking_send((table, std::mem::take(piece))).map_err(stopped)
    };
    tx.for_each(&format!("SELECT {names} FROM {name}"), &[], &mut |row| {
        piece.push(row);
        if piece.len() == BATCH_ROWS { hand_over(&mut piece) } else { Ok(()) }
    })?;
    hand_over(&mut piece)
}

fn insert(tx: &mut dyn Tx, table: &str, names: &str, rows: &[Row]) -> Result<()> {
    let count = names.split(", ").count();
    let sql = format!("INSERT INTO {table} ({names}) VALUES ({})", placeholders(count));
    tx.exec_many(&sql, &mut rows.iter().map(|row| row.0.iter().map(bind).collect()))
}

fn bind(value: &Value) -> Param<'_> {
    match value {
        Value::Null => Param::Null,
        Value::Int(number) => (*number).into(),
        Value::Text(text) => text.into(),
        Value::Blob(bytes) => bytes.as_slice().into(),
    }
}

async fn verify(
    to: &Storage,
    holder: i64,
    columns: &Columns,
    sums: Vec<(&'static str, TableChecksum)>,
) -> Result<Vec<(&'static str, TableChecksum)>, CopyError> {
    for ((table, names), (_, sent)) in columns.iter().zip(&sums) {
        to.write(move |tx| renew_lease(tx, holder)).await?;
        let sql = format!("SELECT {names} FROM {table}");
        let read = to.read(move |tx| {
            let mut sum = TableChecksum::default();
            tx.for_each(&sql, &[], &mut |row| {
                sum.add(&row);
                Ok(())
            })?;
            Ok::<_, StorageError>(sum)
        });
        let arrived = read.await?;
        if *sent != arrived {
            return Err(CopyError::ChecksumMismatch { table, sent: *sent, arrived });
        }
    }
    Ok(sums)
}

async fn clear(to: &Storage, holder: i64) -> Result<()> {
    for table in schema::tables().rev() {
        let some = move |tx: &mut dyn Tx| {
            renew_lease(tx, holder)?;
            tx.delete_batch(table)
        };
        while to.write(some).await? > 0 {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::generate;
    use crate::storage::StorageOptions;
    use crate::storage::testing::Scratch;
    use crate::time::{ManualClock, Moment, SystemClock};

    fn options() -> StorageOptions {
        StorageOptions { clock: Arc::new(SystemClock), readers: 2 }
    }

    #[tokio::test]
    async fn what_a_killed_copy_left_is_nobodys_shop_and_the_next_one_begins_anew() {
        let (from, to) = (Scratch::new(), Scratch::new());
        let clock = ManualClock::at(Moment(1_795_316_400_000));
        let (from, to) =
            (from.open(&options()), to.open(&StorageOptions { clock: Arc::new(clock.clone()), readers: 2 }));
        generate(&from, 1, 50, Moment(1_795_316_400_000), |_| ()).await.expect("fills");
        let killed = acquire_target(&to).await.expect("an empty target");
        generate(&to, 2, 7, Moment(1_795_316_400_000), |_| ()).await.expect("some rows arrive");

        assert!(matches!(copy(&from, &to, |_, _| ()).await, Err(CopyError::InProgress)));
        assert!(matches!(copy(&to, &from, |_, _| ()).await, Err(CopyError::SourceIncomplete)));
        clock.advance_ms(COPY_LEASE_MS);
        let sums = copy(&from, &to, |_, _| ()).await.expect("copies");
        assert!(sums.iter().any(|(table, sum)| *table == "orders" && sum.rows == 50), "{sums:?}");
        assert!(!to.read(|tx| lease::exists(tx, COPY_LEASE)).await.expect("reads"), "finished");
        assert!(to.write(move |tx| renew_lease(tx, killed)).await.is_ok(), "nobody holds it any more");
    }

    /// With MariaDB under the tests, there and back; without it, from file to file.
    #[tokio::test]
    async fn a_shop_arrives_whole_and_only_where_nothing_is() {
        let (there, back) = (Scratch::new(), tempfile::tempdir().expect("a folder"));
        let first = Storage::open_sqlite(&back.path().join("first.db"), &options()).expect("opens");
        generate(&first, 1, 400, Moment(1_795_316_400_000), |_| ()).await.expect("fills");
        first
            .write(|tx| {
                tx.exec("UPDATE sales_channels SET sealed_password = ?", &[[0_u8, 255, 92, 39].as_slice().into()])
            })
            .await
            .expect("writes");
        let second = there.open(&options());
        let third = Storage::open_sqlite(&back.path().join("third.db"), &options()).expect("opens");

        let mut told = Vec::new();
        let sent = copy(&first, &second, |table, _| told.push(table)).await.expect("copies");
        assert!(sent.contains(&(
            "orders",
            *sent.iter().find(|(_, sum)| sum.rows == 400).map(|(_, sum)| sum).expect("400 orders")
        )));
        assert!(told.contains(&"orders"), "{told:?}");
        let returned = copy(&second, &third, |_, _| ()).await.expect("copies back");
        assert_eq!(sent, returned);
        assert!(matches!(
            copy(&first, &second, |_, _| ()).await,
            Err(CopyError::TargetNotEmpty("sales_channels" | "members"))
        ));
    }

    #[tokio::test]
    async fn a_text_that_the_target_does_not_take_is_named_before_anything_is_copied() {
        let (from, to) = (tempfile::tempdir().expect("a folder"), Scratch::new());
        let (from, target) =
            (Storage::open_sqlite(&from.path().join("old.db"), &options()).expect("opens"), to.open(&options()));
        generate(&from, 1, 50, Moment(1_795_316_400_000), |_| ()).await.expect("fills");
        let number = from.write(|tx| {
            let mut row =
                tx.query_one("SELECT order_number, id FROM orders ORDER BY id LIMIT 1", &[])?.expect("an order");
            let (name, id) = ("가".repeat(150), row.int(1)?);
            tx.exec("UPDATE orders SET recipient_name = ? WHERE id = ?", &[name.into(), id.into()])?;
            row.text(0)
        });
        let number = number.await.expect("writes");
        match (check_text_limits(&from).await, copy(&from, &target, |_, _| ()).await) {
            (Err(CopyError::TextTooLong { some, count: 1 }), copied) => {
                let told = format!("orders 표의 주문번호 {number}: recipient_name 150자 (100자까지)");
                assert!(some[0].starts_with(&told), "{some:?}");
                assert_eq!(copied.is_ok(), !target.enforces_text_limits(), "{copied:?}");
                let refused = matches!(copied, Err(CopyError::TextTooLong { .. }));
                assert_eq!(refused, target.enforces_text_limits());
            }
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn what_does_not_arrive_leaves_nothing_behind() {
        let (from, to) = (Scratch::new(), Scratch::new());
        let (from, to) = (from.open(&options()), to.open(&options()));
        generate(&from, 1, 50, Moment(1_795_316_400_000), |_| ()).await.expect("fills");
        // A program of another version added a column that only the source has.
        from.write(|tx| tx.exec("ALTER TABLE orders ADD COLUMN colour TEXT", &[])).await.expect("alters");
        let refused = copy(&from, &to, |_, _| ()).await;
        assert!(matches!(refused, Err(CopyError::SchemaMismatch("orders"))), "{refused:?}");
        let orders = to.read(|tx| tx.scalar("SELECT count(*) FROM products", &[])).await;
        assert_eq!(orders.expect("counts"), 0);
    }
}

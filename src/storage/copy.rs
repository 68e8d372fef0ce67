//! Copies all data between two databases, for example from SQLite to MariaDB and back.
//!
//! The copy holds a lease in the target and releases it when it is complete. The lease of a crashed copy
//! remains and marks the target as incomplete: the program refuses to open it as a shop, and the next
//! copy clears it first.
//!
//! The source is read in one transaction, table by table in the order of `schema.sql`, so that foreign
//! keys hold. Then the target is read, and every table must have the row count and the checksum of the
//! source.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest, Sha256};
use tokio::sync::mpsc::{Sender, channel};

use super::{Param, Result, Row, Storage, StorageError, Tx, Value, lease, placeholders, schema};

/// Rows per transaction of the target.
const BATCH_ROWS: usize = 5_000;

/// Lease of a target, which also marks an incomplete copy.
pub const COPY_LEASE: &str = "copy";

/// Validity of the lease after each renewal; longer than a batch takes.
const COPY_LEASE_MS: i64 = 30_000;

/// Why the data was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// a database failed
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// the target has data
    #[error("받는 쪽에 이미 데이터가 있어요 ({0}). 빈 데이터베이스로 옮겨 주세요.")]
    TargetNotEmpty(&'static str),
    /// another copy writes to the target, or crashed within the lease time
    #[error(
        "다른 mukkeum copy가 여기로 옮기고 있어요. 그것이 끊겼다면 1분 뒤에 다시 해 주세요. 남은 것은 지우고 처음부터 옮겨요."
    )]
    InProgress,
    /// the source is itself an incomplete copy
    #[error("보내는 쪽이 옮기다 만 데이터베이스예요. 그쪽으로 옮기는 것부터 끝내 주세요.")]
    SourceIncomplete,
    /// a table has other columns in the target than in the source
    #[error("두 데이터베이스의 {0} 표가 서로 달라요. 같은 버전의 프로그램으로 한 번씩 켠 다음 다시 해 주세요.")]
    SchemaMismatch(&'static str),
    /// the target's rows differ from the source's
    #[error("{table} 표가 다르게 옮겨졌어요: 보낸 것 {sent}, 받은 것 {received}. 받는 쪽을 비웠어요.")]
    ChecksumMismatch {
        /// the table
        table: &'static str,
        /// checksum of the source
        sent: TableChecksum,
        /// checksum of the target
        received: TableChecksum,
    },
}

/// Row count and checksum of a table, independent of the order of the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableChecksum {
    /// number of rows
    pub rows: u64,
    /// sum of the hashes of all rows, modulo 2^64
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
        let row_hash = hash.finalize().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
        self.rows += 1;
        self.checksum = self.checksum.wrapping_add(row_hash);
    }
}

/// Copies all tables, reports each finished table to `progress` and returns all checksums. The source is
/// not changed.
///
/// # Errors
/// A [`CopyError`]; the target is then empty again, unless it had data before.
pub async fn copy(
    from: &Storage,
    to: &Storage,
    mut progress: impl FnMut(&'static str, TableChecksum),
) -> Result<Vec<(&'static str, TableChecksum)>, CopyError> {
    let columns = Arc::new(matching_columns(from, to).await?);
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

/// Acquires the lease of the target and clears an earlier incomplete copy. Returns the holder of the
/// lease.
async fn acquire_target(to: &Storage) -> Result<i64, CopyError> {
    let acquired = to.write(|tx| {
        let (holder, is_incomplete) = (tx.new_number(), lease::exists(tx, COPY_LEASE)?);
        let populated = if is_incomplete { None } else { first_populated_table(tx)? };
        match populated {
            Some(table) => Err(CopyError::TargetNotEmpty(table)),
            None if lease::try_acquire(tx, COPY_LEASE, holder, COPY_LEASE_MS)? => Ok((holder, is_incomplete)),
            None => Err(CopyError::InProgress),
        }
    });
    let (holder, is_incomplete) = acquired.await?;
    if is_incomplete {
        clear(to, holder).await?;
    }
    Ok(holder)
}

/// First table that has rows.
fn first_populated_table(tx: &mut dyn Tx) -> Result<Option<&'static str>> {
    for table in schema::tables() {
        if tx.query_one(&format!("SELECT 1 FROM {table} LIMIT 1"), &[])?.is_some() {
            return Ok(Some(table));
        }
    }
    Ok(None)
}

/// Renews the lease; fails when another copy has it.
fn renew_lease(tx: &mut dyn Tx, holder: i64) -> Result<()> {
    if lease::try_acquire(tx, COPY_LEASE, holder, COPY_LEASE_MS)? {
        return Ok(());
    }
    Err(StorageError::Unavailable("another copy has acquired the target".to_owned()))
}

/// Table name, and its quoted column names joined by commas.
type Columns = Vec<(&'static str, String)>;

/// The columns of all tables; checks that source and target have the same ones.
async fn matching_columns(from: &Storage, to: &Storage) -> Result<Columns, CopyError> {
    if from.read(|tx| lease::exists(tx, COPY_LEASE)).await? {
        return Err(CopyError::SourceIncomplete);
    }
    let all = |tx: &mut dyn Tx| schema::tables().map(|table| column_list(tx, table)).collect::<Result<Vec<_>>>();
    let (source, target) = (from.read(all).await?, to.read(all).await?);
    schema::tables()
        .zip(source.into_iter().zip(target))
        .map(
            |(table, (one, other))| if one == other { Ok((table, one)) } else { Err(CopyError::SchemaMismatch(table)) },
        )
        .collect()
}

fn column_list(tx: &mut dyn Tx, table: &str) -> Result<String> {
    let mut names = tx.columns(table)?;
    names.sort_unstable();
    Ok(names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", "))
}

/// Reads batches on one thread and writes them on another.
async fn transfer(
    from: &Storage,
    to: &Storage,
    holder: i64,
    columns: &Arc<Columns>,
    progress: &mut impl FnMut(&'static str, TableChecksum),
) -> Result<Vec<(&'static str, TableChecksum)>, CopyError> {
    let (sender, mut receiver) = channel(2);
    let (columns, has_started) = (Arc::clone(columns), AtomicBool::new(false));
    let (source, for_reader) = (from.clone(), Arc::clone(&columns));
    let reading = tokio::spawn(async move {
        source
            .read(move |tx| {
                if has_started.swap(true, Ordering::Relaxed) {
                    return Err(StorageError::Unavailable("the connection to the source was lost".to_owned()));
                }
                (0..for_reader.len()).try_for_each(|table| read_table(tx, &for_reader, table, &sender))
            })
            .await
    });
    let mut sums: Vec<(&'static str, TableChecksum)> =
        columns.iter().map(|(table, _)| (*table, TableChecksum::default())).collect();
    let mut last = None;
    while let Some((table, rows)) = receiver.recv().await {
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

/// Index of a table, and a batch of its rows.
type Chunk = (usize, Vec<Row>);

fn read_table(tx: &mut dyn Tx, columns: &Columns, table: usize, sender: &Sender<Chunk>) -> Result<()> {
    let (name, names) = &columns[table];
    let mut batch = Vec::new();
    let send = |batch: &mut Vec<Row>| {
        let closed = |_| StorageError::Unavailable("the target failed".to_owned());
        sender.blocking_send((table, std::mem::take(batch))).map_err(closed)
    };
    tx.for_each(&format!("SELECT {names} FROM {name}"), &[], &mut |row| {
        batch.push(row);
        if batch.len() == BATCH_ROWS { send(&mut batch) } else { Ok(()) }
    })?;
    send(&mut batch)
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

/// Compares the target's checksums with the source's.
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
        let received = read.await?;
        if *sent != received {
            return Err(CopyError::ChecksumMismatch { table, sent: *sent, received });
        }
    }
    Ok(sums)
}

/// Deletes all rows of all tables.
async fn clear(to: &Storage, holder: i64) -> Result<()> {
    for table in schema::tables().rev() {
        let delete = move |tx: &mut dyn Tx| {
            renew_lease(tx, holder)?;
            tx.delete_batch(table)
        };
        while to.write(delete).await? > 0 {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::generate;
    use crate::storage::StorageOptions;
    use crate::storage::testing::ScratchDatabase;
    use crate::time::{ManualClock, Moment, SystemClock};

    fn options() -> StorageOptions {
        StorageOptions { clock: Arc::new(SystemClock), readers: 2 }
    }

    #[tokio::test]
    async fn incomplete_copy_is_no_shop_and_is_cleared_by_the_next() {
        let (from, to) = (ScratchDatabase::new(), ScratchDatabase::new());
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
        assert!(to.write(move |tx| renew_lease(tx, killed)).await.is_ok(), "the lease is free");
    }

    /// With MariaDB under the tests, to MariaDB and back; without it, between files.
    #[tokio::test]
    async fn copy_is_complete_and_needs_an_empty_target() {
        let (there, back) = (ScratchDatabase::new(), tempfile::tempdir().expect("a folder"));
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

        let mut reported = Vec::new();
        let sent = copy(&first, &second, |table, _| reported.push(table)).await.expect("copies");
        assert!(sent.contains(&(
            "orders",
            *sent.iter().find(|(_, sum)| sum.rows == 400).map(|(_, sum)| sum).expect("400 orders")
        )));
        assert!(reported.contains(&"orders"), "{reported:?}");
        let returned = copy(&second, &third, |_, _| ()).await.expect("copies back");
        assert_eq!(sent, returned);
        assert!(matches!(
            copy(&first, &second, |_, _| ()).await,
            Err(CopyError::TargetNotEmpty("sales_channels" | "members"))
        ));
    }

    #[tokio::test]
    async fn failed_copy_leaves_the_target_empty() {
        let (from, to) = (ScratchDatabase::new(), ScratchDatabase::new());
        let (from, to) = (from.open(&options()), to.open(&options()));
        generate(&from, 1, 50, Moment(1_795_316_400_000), |_| ()).await.expect("fills");
        // As a program of another version would.
        from.write(|tx| tx.exec("ALTER TABLE orders ADD COLUMN colour TEXT", &[])).await.expect("alters");
        let refused = copy(&from, &to, |_, _| ()).await;
        assert!(matches!(refused, Err(CopyError::SchemaMismatch("orders"))), "{refused:?}");
        let orders = to.read(|tx| tx.scalar("SELECT count(*) FROM products", &[])).await;
        assert_eq!(orders.expect("counts"), 0);
    }
}

//! Guarantees of the storage on both engines.

mod constraints;

use std::sync::Arc;
use std::time::Duration;

use super::testing::ScratchDatabase;
use super::{Result, Storage, StorageError, StorageOptions, Tx, lease};
use crate::time::{ManualClock, Moment, SystemClock};

fn open(scratch: &ScratchDatabase) -> Storage {
    scratch.open(&StorageOptions { clock: Arc::new(SystemClock), readers: 2 })
}

fn channels(tx: &mut dyn Tx) -> Result<i64> {
    tx.scalar("SELECT count(*) FROM sales_channels", &[])
}

fn add_channel(tx: &mut dyn Tx, code: &str) -> Result<u64> {
    let id = tx.scalar("SELECT max(id) FROM sales_channels", &[])? + 1;
    tx.exec("INSERT INTO sales_channels (id, code, name) VALUES (?, ?, ?)", &[id.into(), code.into(), code.into()])
}

#[tokio::test]
async fn error_or_panic_rolls_back_its_transaction() {
    let scratch = ScratchDatabase::new();
    let storage = open(&scratch);
    let before = storage.read(channels).await.expect("counts");

    let refused: Result<()> = storage
        .write(|tx| {
            add_channel(tx, "A")?;
            Err(StorageError::Inconsistent("changed my mind".to_owned()))
        })
        .await;
    assert!(refused.is_err());
    let panicked: Result<()> = storage
        .write(|tx| {
            add_channel(tx, "B")?;
            panic!("in the middle");
        })
        .await;
    assert!(matches!(panicked, Err(StorageError::Panicked(message)) if message == "in the middle"));
    assert_eq!(storage.read(channels).await.expect("counts"), before);

    storage.write(|tx| add_channel(tx, "C")).await.expect("the writer lives on");
    assert_eq!(storage.read(channels).await.expect("counts"), before + 1);
}

#[tokio::test]
async fn write_completes_after_its_caller_is_dropped() {
    let scratch = ScratchDatabase::new();
    let storage = open(&scratch);
    let before = storage.read(channels).await.expect("counts");
    let write = storage.write(|tx| {
        std::thread::sleep(Duration::from_millis(50));
        add_channel(tx, "GONE")
    });
    let _ = tokio::time::timeout(Duration::from_millis(10), write).await;
    // Waits until the abandoned write has finished.
    storage.write(|tx| add_channel(tx, "NEXT")).await.expect("writes");
    assert_eq!(storage.read(channels).await.expect("counts"), before + 2);
}

#[tokio::test]
async fn read_cannot_write_and_constraint_violation_is_distinguished() {
    let scratch = ScratchDatabase::new();
    let storage = open(&scratch);
    assert!(storage.read(|tx| add_channel(tx, "X")).await.is_err());
    let twice: Result<u64> = storage
        .write(|tx| {
            add_channel(tx, "X")?;
            add_channel(tx, "X")
        })
        .await;
    assert!(matches!(twice, Err(StorageError::Constraint(_))));
}

/// String literals of the source that look like SQL statements. Format strings are excluded: other tests
/// execute them.
fn statements() -> Vec<String> {
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the source").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                // This room has SQL of one engine only.
                folders.extend((!entry.ends_with("storage")).then_some(entry));
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                found.extend(literals(&std::fs::read_to_string(entry).expect("text")));
            }
        }
    }
    let verbs = ["SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM "];
    found.retain(|text| verbs.iter().any(|verb| text.starts_with(verb)) && !text.contains('{'));
    found
}

fn literals(source: &str) -> Vec<String> {
    let (mut found, mut letters) = (Vec::new(), source.chars().peekable());
    while letters.by_ref().any(|letter| letter == '"') {
        let mut text = String::new();
        while let Some(letter) = letters.next() {
            match letter {
                '"' => break,
                '\\' => match letters.next() {
                    Some('\n') => while letters.next_if(|letter| letter.is_whitespace()).is_some() {},
                    escaped => text.extend(escaped),
                },
                letter => text.push(letter),
            }
        }
        found.push(text);
    }
    found
}

/// Errors of the engine when it prepares the statements.
async fn invalid_statements(storage: &Storage) -> Vec<String> {
    let explained = storage.write(|tx| {
        let mut wrong = Vec::new();
        for sql in statements() {
            let params = vec![1_i64.into(); sql.matches('?').count()];
            wrong.extend(tx.query(&format!("EXPLAIN {sql}"), &params).err().map(|error| error.to_string()));
        }
        Ok::<_, StorageError>(wrong)
    });
    explained.await.expect("explains")
}

#[tokio::test]
async fn every_statement_is_valid() {
    assert!(statements().len() > 60, "too few statements are found: {}", statements().len());
    let scratch = ScratchDatabase::new();
    assert_eq!(invalid_statements(&open(&scratch)).await, Vec::<String>::new());
}

#[tokio::test]
async fn every_statement_is_valid_when_the_next_version_has_added_columns() {
    let scratch = ScratchDatabase::new();
    let storage = open(&scratch);
    for table in storage.read(|tx| tx.tables()).await.expect("tables") {
        let add = format!("ALTER TABLE {table} ADD COLUMN later INTEGER");
        storage.write(move |tx| tx.exec(&add, &[])).await.expect("adds");
    }
    assert_eq!(invalid_statements(&storage).await, Vec::<String>::new());
}

#[tokio::test]
async fn lease_has_one_holder_until_it_expires() {
    let scratch = ScratchDatabase::new();
    let clock = ManualClock::at(Moment(1_710_464_400_000));
    let storage = scratch.open(&StorageOptions { clock: Arc::new(clock.clone()), readers: 1 });
    let holds = async |holder| {
        let held = storage.write(move |tx| lease::try_acquire(tx, "sweep", holder, 60_000)).await;
        held.expect("answers")
    };
    assert!(holds(1).await && !holds(2).await);
    clock.advance_ms(59_000);
    assert!(holds(1).await, "renewed");
    clock.advance_ms(59_000);
    assert!(!holds(2).await);
    clock.advance_ms(2_000);
    assert!(holds(2).await && !holds(1).await, "expired");
}

#[tokio::test]
async fn replica_reads_see_earlier_writes() {
    let scratch = ScratchDatabase::new();
    let storage = open(&scratch);
    let before = storage.read_replica(channels).await.expect("counts");
    storage.write(|tx| add_channel(tx, "NEW")).await.expect("writes");
    assert_eq!(storage.read_replica(channels).await.expect("counts"), before + 1);
}

#[tokio::test]
async fn file_with_a_maximum_size_is_full_and_stays_usable() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = StorageOptions { clock: Arc::new(SystemClock), readers: 2 };
    let storage = Storage::open_sqlite(&folder.path().join("shop.db"), &options).expect("opens");
    storage.set_max_size(4 << 20).expect("bounds");
    let fill =
        storage.write(|tx| (0..30_000).try_for_each(|number| add_channel(tx, &format!("{number:032}")).map(drop)));
    assert!(matches!(fill.await, Err(StorageError::DiskFull(_))));
    let before = storage.read(channels).await.expect("counts");
    storage.release_memory().await.expect("rests");
    storage.write(|tx| add_channel(tx, "LAST")).await.expect("writes");
    assert_eq!(storage.read(channels).await.expect("counts"), before + 1);
}

#[tokio::test]
async fn deleted_data_is_gone_from_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.db");
    let storage =
        Storage::open_sqlite(&path, &StorageOptions { clock: Arc::new(SystemClock), readers: 1 }).expect("opens");
    let value = "MARKER-of-a-customer ".repeat(500);
    let insert = move |tx: &mut dyn Tx| {
        for row in 0..50 {
            tx.exec("INSERT INTO settings (name, value) VALUES (?, ?)", &[format!("{row}").into(), (&value).into()])?;
        }
        Ok::<_, StorageError>(())
    };
    storage.write(insert).await.expect("writes");
    storage.write(|tx| tx.exec("DELETE FROM settings", &[])).await.expect("deletes");
    drop(storage);
    let file = std::fs::read(&path).expect("reads");
    assert_eq!(memchr::memmem::find_iter(&file, "MARKER-of-a-customer").count(), 0);
    assert!(!path.with_added_extension("wal").exists());
}

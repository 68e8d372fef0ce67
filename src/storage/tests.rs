//! What the seam promises, on either engine.

use std::sync::Arc;
use std::time::Duration;

use super::testing::Scratch;
use super::{Options, Result, Storage, StorageError, Tx};
use crate::time::SystemClock;

fn open(scratch: &Scratch) -> Storage {
    scratch.open(&Options { clock: Arc::new(SystemClock), readers: 2 })
}

fn channels(tx: &mut dyn Tx) -> Result<i64> {
    tx.number("SELECT count(*) FROM sales_channels", &[])
}

fn add_channel(tx: &mut dyn Tx, code: &str) -> Result<u64> {
    let id = tx.new_id();
    tx.exec("INSERT INTO sales_channels (id, code, name) VALUES (?, ?, ?)", &[id.into(), code.into(), code.into()])
}

#[tokio::test]
async fn an_error_undoes_everything_and_a_panic_costs_only_its_own_transaction() {
    let scratch = Scratch::new();
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
async fn a_write_completes_though_its_caller_went_away() {
    let scratch = Scratch::new();
    let storage = open(&scratch);
    let before = storage.read(channels).await.expect("counts");
    let write = storage.write(|tx| {
        std::thread::sleep(Duration::from_millis(50));
        add_channel(tx, "GONE")
    });
    let _ = tokio::time::timeout(Duration::from_millis(10), write).await;
    // The next write waits for its turn behind the abandoned one.
    storage.write(|tx| add_channel(tx, "NEXT")).await.expect("writes");
    assert_eq!(storage.read(channels).await.expect("counts"), before + 2);
}

#[tokio::test]
async fn readers_cannot_write_and_constraints_have_their_own_name() {
    let scratch = Scratch::new();
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

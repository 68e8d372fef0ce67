//! Access records against a database.

mod inspections;
mod routes;

use std::sync::Arc;

use super::list::{self, AccessFilter};
use super::*;
use crate::id::{MemberId, OrderId};
use crate::storage::testing::ScratchDatabase;
use crate::storage::{Result, Storage, StorageError, StorageOptions, Tx};
use crate::time::{ManualClock, Moment};

/// 2026-11-22 12:00 in Korea.
const NOON: Moment = Moment(1_795_316_400_000);
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

struct Records {
    storage: Storage,
    clock: ManualClock,
    _database: ScratchDatabase,
}

fn open() -> Records {
    let database = ScratchDatabase::new();
    let clock = ManualClock::at(NOON);
    let storage = database.open(&StorageOptions { clock: Arc::new(clock.clone()), readers: 1 });
    Records { storage, clock, _database: database }
}

fn view(ids: &[i64]) -> NewAccess {
    NewAccess {
        accessor: Accessor::Member { id: MemberId::from_raw(7), address: "192.168.0.20".to_owned() },
        action: AccessAction::Viewed,
        page: "/orders".to_owned(),
        query: String::new(),
        orders: ids.iter().copied().map(OrderId::from_raw).collect(),
    }
}

impl Records {
    async fn write<T: Send + 'static>(&self, work: impl Fn(&mut dyn Tx) -> Result<T> + Send + 'static) -> T {
        self.storage.write(work).await.expect("writes")
    }

    async fn append(&self, ids: &'static [i64]) {
        self.write(move |tx| record(tx, view(ids))).await;
    }

    async fn faults(&self) -> Vec<ChainFault> {
        self.storage.read(|tx| verify(tx, &[])).await.expect("reads").faults
    }

    /// Three days with two records each; the first two are sealed.
    async fn fill(&self) {
        for day in 0..3 {
            self.append(&[1, 2]).await;
            self.append(&[3]).await;
            if day < 2 {
                self.clock.advance_ms(DAY_MS);
                assert!(self.write(seal).await.is_some());
            }
        }
    }

    /// As somebody who has the database file.
    async fn tamper(&self, statements: &'static [&'static str]) {
        self.write(move |tx| {
            for trigger in [
                "access_records_no_update",
                "access_records_no_delete",
                "access_seals_no_delete",
                "access_seals_no_update",
                "access_inspections_no_update",
            ] {
                tx.exec(&format!("DROP TRIGGER IF EXISTS {trigger}"), &[])?;
            }
            statements.iter().try_for_each(|sql| tx.exec(sql, &[]).map(drop))
        })
        .await;
    }
}

#[tokio::test]
async fn intact_chain_has_no_fault() {
    let records = open();
    records.fill().await;
    let report = records.storage.read(|tx| verify(tx, &[])).await.expect("reads");
    assert_eq!((report.records, report.first, report.last, report.seals, report.faults), (6, 1, 6, 2, vec![]));
    let (last, digest) = records.storage.read(head).await.expect("reads");
    assert_eq!((last, &digest), (6, &report.digest));
    let known = vec![(6, digest)];
    assert!(records.storage.read(move |tx| verify(tx, &known)).await.expect("reads").faults.is_empty());
}

#[tokio::test]
async fn flipped_byte_is_found() {
    for column in ["address = '192.168.0.21'", "order_count = 3", "recorded_at = recorded_at + 1", "order_ids = NULL"] {
        let records = open();
        records.fill().await;
        let sql: &'static str = format!("UPDATE access_records SET {column} WHERE sequence = 3").leak();
        records.tamper(vec![sql].leak()).await;
        assert!(records.faults().await.contains(&ChainFault::Changed { sequence: 3 }), "{column}");
    }
}

#[tokio::test]
async fn removed_record_is_found_also_at_either_end() {
    for sequence in [1, 4, 6] {
        let records = open();
        records.fill().await;
        let sql: &'static str = format!("DELETE FROM access_records WHERE sequence = {sequence}").leak();
        records.tamper(vec![sql].leak()).await;
        assert!(records.faults().await.contains(&ChainFault::Missing { from: sequence, to: sequence }), "{sequence}");
    }
}

#[tokio::test]
async fn removed_day_is_found() {
    let records = open();
    records.fill().await;
    records
        .tamper(&[
            "DELETE FROM access_records WHERE sequence IN (3, 4)",
            "DELETE FROM access_seals WHERE last_sequence = 4",
        ])
        .await;
    assert_eq!(records.faults().await, [ChainFault::Missing { from: 3, to: 4 }]);
}

/// With the digests computed again, only a digest from elsewhere tells.
#[tokio::test]
async fn rewritten_chain_differs_from_a_digest_kept_elsewhere() {
    let records = open();
    records.append(&[1]).await;
    let known = records.storage.read(head).await.expect("reads");
    records.tamper(&["DELETE FROM access_records", "DELETE FROM access_chain", "DELETE FROM access_order_days"]).await;
    records.append(&[2]).await;
    assert_eq!(records.faults().await, []);
    let report = records.storage.read(move |tx| verify(tx, std::slice::from_ref(&known))).await.expect("reads");
    assert_eq!(report.faults, [ChainFault::OtherDigest { sequence: 1 }]);
}

#[tokio::test]
async fn hidden_access_is_found() {
    let records = open();
    records.fill().await;
    records.tamper(&["DELETE FROM access_order_days WHERE order_id = 2 AND accessed_on = '2026-11-23'"]).await;
    assert_eq!(records.faults().await, [ChainFault::Unindexed { orders: 1 }]);
}

#[tokio::test]
async fn records_and_seals_cannot_be_changed_or_deleted() {
    let records = open();
    records.fill().await;
    for sql in [
        "UPDATE access_records SET address = '' WHERE sequence = 1",
        "DELETE FROM access_records WHERE sequence = 6",
        "UPDATE access_seals SET digest = '' WHERE last_sequence = 2",
        "DELETE FROM access_seals WHERE last_sequence = 2",
        "UPDATE access_seals SET purged_at = 1 WHERE last_sequence = 4",
        "UPDATE access_seals SET purged_at = 1826809200000 WHERE last_sequence = 4", // 2027-11-22, a day early
    ] {
        let refused: Result<u64> = records.storage.write(move |tx| tx.exec(sql, &[])).await;
        assert!(refused.is_err(), "{sql}");
    }
    assert_eq!(records.faults().await, []);
}

/// Marking a day as purged and deleting its records needs no computation of digests.
#[tokio::test]
async fn records_that_are_deleted_before_their_retention_ends_are_found() {
    for purged_at in ["1", "1827000000000"] {
        let records = open();
        records.fill().await;
        let sql: &'static str =
            format!("UPDATE access_seals SET purged_at = {purged_at} WHERE last_sequence = 4").leak();
        records.tamper(vec![sql, "DELETE FROM access_records WHERE sequence <= 4"].leak()).await;
        let day = crate::time::parse_date("2026-11-23").expect("a date");
        assert_eq!(records.faults().await, [ChainFault::EarlyPurge { day }], "{purged_at}");
    }
}

#[tokio::test]
async fn rewritten_chain_differs_from_the_digest_of_a_signed_inspection() {
    let records = open();
    records.fill().await;
    records.clock.advance_ms(10 * DAY_MS);
    let month = inspection::InspectionMonth::parse("2026-11").expect("a month");
    assert!(records.write(move |tx| inspection::sign(tx, month, MemberId::from_raw(7), "이상 없음")).await.is_some());
    assert_eq!(records.faults().await, []);
    let tables = ["access_records", "access_chain", "access_order_days", "access_seals"];
    records.tamper(tables.map(|table| &*format!("DELETE FROM {table}").leak()).to_vec().leak()).await;
    for _ in 0..6 {
        records.append(&[9]).await;
    }
    assert_eq!(records.faults().await, [ChainFault::InspectionMismatch { month: month.first_day() }]);
}

#[tokio::test]
async fn inspections_and_seals_end_with_the_records_that_they_are_about() {
    let records = open();
    records.fill().await;
    records.clock.advance_ms(10 * DAY_MS);
    let month = inspection::InspectionMonth::parse("2026-11").expect("a month");
    records.write(move |tx| inspection::sign(tx, month, MemberId::from_raw(7), "이상 없음")).await;
    records.append(&[4]).await;
    records.clock.advance_ms(DAY_MS);
    records.write(seal).await;
    let counts = async || {
        let count =
            |table: &'static str| move |tx: &mut dyn Tx| tx.scalar(&format!("SELECT count(*) FROM {table}"), &[]);
        let inspections = records.storage.read(count("access_inspections")).await.expect("reads");
        (inspections, records.storage.read(count("access_seals")).await.expect("reads"))
    };
    // The records of the inspected month are deleted; the inspection covers later ones too.
    records.clock.advance_ms(357 * DAY_MS);
    while records.write(|tx| delete_expired(tx, 1)).await {}
    assert_eq!(counts().await, (1, 2));
    records.clock.advance_ms(30 * DAY_MS);
    while records.write(|tx| delete_expired(tx, 1)).await {}
    assert_eq!((counts().await, records.faults().await), ((0, 1), vec![]));
}

#[tokio::test]
async fn record_is_part_of_the_transaction() {
    let records = open();
    let failed: Result<()> = records
        .storage
        .write(|tx| {
            record(tx, view(&[1]))?;
            Err(StorageError::Inconsistent("the change failed".to_owned()))
        })
        .await;
    assert!(failed.is_err());
    assert_eq!(records.storage.read(head).await.expect("reads"), (0, String::new()));
}

#[tokio::test]
async fn expired_days_are_deleted_and_the_rest_verifies() {
    let records = open();
    records.fill().await;
    // The first day is older than a year, the second is not.
    records.clock.advance_ms(364 * DAY_MS);
    assert!(!records.write(|tx| delete_expired(tx, 2)).await);
    assert_eq!(records.storage.read(|tx| verify(tx, &[])).await.expect("reads").records, 6);
    while records.write(|tx| delete_expired(tx, 1)).await {}
    let report = records.storage.read(|tx| verify(tx, &[])).await.expect("reads");
    assert_eq!((report.records, report.first, report.faults), (4, 3, vec![]));
    let left = records.storage.read(|tx| tx.scalar("SELECT count(*) FROM access_order_days", &[])).await;
    assert_eq!(left.expect("reads"), 6, "three orders on two days");
}

#[test]
fn retention_is_at_least_two_years_with_many_people() {
    assert_eq!([effective_years(1, 49_999), effective_years(1, 50_000), effective_years(3, 50_000)], [1, 2, 3]);
}

#[tokio::test]
async fn accesses_of_an_order_are_found_by_list_and_by_range() {
    let records = open();
    records.append(&[1, 2]).await;
    records.clock.advance_ms(DAY_MS);
    records.append(&[3]).await;
    records
        .write(|tx| {
            let orders = (1..=1_000).map(OrderId::from_raw).collect();
            record(tx, NewAccess { action: AccessAction::Downloaded, orders, ..view(&[]) })
        })
        .await;
    let found = async |filter: AccessFilter| {
        let (rows, total) = records.storage.read(move |tx| list::page(tx, &filter, 0, 10)).await.expect("reads");
        assert_eq!(usize::try_from(total).expect("small"), rows.len());
        rows.into_iter().map(|row| (row.record.sequence, row.is_uncertain)).collect::<Vec<_>>()
    };
    let of = |orders: &[i64]| AccessFilter {
        orders: Some(orders.iter().copied().map(OrderId::from_raw).collect()),
        ..AccessFilter::default()
    };
    assert_eq!(found(of(&[2])).await, [(3, true), (1, false)]);
    assert_eq!(found(of(&[3, 5])).await, [(3, true), (2, false)]);
    assert_eq!(found(of(&[1_001])).await, []);
    assert_eq!(found(of(&[])).await, []);
    let viewed = AccessFilter { action: Some(AccessAction::Viewed), ..of(&[2]) };
    assert_eq!(found(viewed).await, [(1, false)]);
    let tomorrow = AccessFilter { from: crate::time::parse_date("2026-11-23"), ..AccessFilter::default() };
    assert_eq!(found(tomorrow).await, [(3, false), (2, false)]);
    let other = AccessFilter { member_id: Some(MemberId::from_raw(8)), ..AccessFilter::default() };
    assert_eq!(found(other).await, []);
}

#[tokio::test]
async fn start_after_a_kill_is_recorded_as_one() {
    let records = open();
    records.write(|tx| record_start(tx, "pc")).await;
    records.write(|tx| record_stop(tx, "pc")).await;
    records.write(|tx| record_start(tx, "pc")).await;
    records.write(|tx| record_start(tx, "other")).await;
    records.write(|tx| record_start(tx, "pc")).await;
    let (rows, _) = records.storage.read(|tx| list::page(tx, &AccessFilter::default(), 0, 10)).await.expect("reads");
    let unclean: Vec<bool> = rows.iter().rev().map(|row| row.record.access.query == UNCLEAN).collect();
    assert_eq!(unclean, [false, false, false, false, true]);
}

#[tokio::test]
async fn queued_views_are_written_together_and_in_order() {
    let records = open();
    let recorder = AccessRecorder::new(records.storage.clone());
    for id in 1..=3 {
        recorder.record(view(&[id])).await;
        records.clock.advance_ms(1_000);
    }
    recorder.flush().await.expect("writes");
    let (rows, _) = records.storage.read(|tx| list::page(tx, &AccessFilter::default(), 0, 10)).await.expect("reads");
    let times: Vec<i64> = rows.iter().rev().map(|row| row.record.at.0 - NOON.0).collect();
    assert_eq!(times, [0, 1_000, 2_000], "the times of the views, not of the write");
    assert_eq!(records.faults().await, []);
}

/// A client that goes away while its page waits for the write takes nobody's records with it.
#[tokio::test]
async fn dropped_request_loses_no_queued_view() {
    let records = open();
    let recorder = AccessRecorder::new(records.storage.clone());
    for id in 1..=3 {
        recorder.record(view(&[id])).await;
    }
    let mut dropped = Box::pin(recorder.flush());
    let polled =
        std::future::poll_fn(|context| std::task::Poll::Ready(dropped.as_mut().poll(context).is_ready())).await;
    assert!(!polled, "it waits for the database");
    drop(dropped);
    recorder.flush().await.expect("writes");
    let (_, total) = records.storage.read(|tx| list::page(tx, &AccessFilter::default(), 0, 10)).await.expect("reads");
    assert_eq!(total, 3);
}

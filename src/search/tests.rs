//! The index on a database: lookups over rows and segments, before, during and after compaction.

use std::sync::Arc;

use super::Limits;
use super::store::{compact_step, insert_rows, insert_segment, lookup_word, should_write_segment, update_rows};
use super::tokenizer::{FieldText, Postings, TextKind};
use crate::id::OrderId;
use crate::storage::testing::ScratchDatabase;
use crate::storage::{Result, StorageOptions, Tx};
use crate::time::{ManualClock, Moment};

/// So small that a few documents fill several blocks and segments.
const SMALL: Limits = Limits {
    block_bytes: 256,
    min_segment_documents: 4,
    max_segments: 12,
    blocks_per_step: 2,
    max_postings_per_word: 1_000_000,
    ..Limits::DEFAULT
};

const NUMBER: i64 = 0b001;
const CUSTOMER: i64 = 0b010;
const RECIPIENT: i64 = 0b100;
const ALL: i64 = 0b111;

fn on_a_database<T: Send + 'static>(work: impl Fn(&mut dyn Tx) -> Result<T> + Send + 'static) -> T {
    let folder = ScratchDatabase::new();
    let storage = folder.open(&StorageOptions { clock: Arc::new(ManualClock::at(Moment(1))), readers: 1 });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(storage.write(work)).expect("works")
}

/// Terms of a document that 홍길동 bought for `recipient`.
fn terms(documents: impl Iterator<Item = i64>, recipient: &str) -> Postings {
    let mut terms = Postings::default();
    for document in documents {
        // No tail of a number begins with its first digit.
        let number = format!("9{document:07}");
        let text = |kind, fields, text| FieldText { kind, fields, text };
        terms.add(
            document,
            &[
                text(TextKind::Number, NUMBER, &number),
                text(TextKind::Name, CUSTOMER, "홍길동"),
                text(TextKind::Name, RECIPIENT, recipient),
            ],
        );
    }
    terms
}

/// Writes six documents as a segment, or as rows if there are too many segments.
fn insert_six(tx: &mut dyn Tx, first: i64) -> Result<()> {
    if should_write_segment(tx, 6, &SMALL)? {
        return insert_segment(tx, terms(first..first + 6, "김견본").to_blocks(&SMALL));
    }
    (first..first + 6)
        .try_for_each(|document| insert_rows(tx, OrderId::from_raw(document), &terms(document..=document, "김견본")))
}

fn found(tx: &mut dyn Tx, fields: i64, word: &str) -> Result<usize> {
    Ok(lookup_word(tx, word, fields, &SMALL)?.expect("no limit").len())
}

fn segment_count(tx: &mut dyn Tx) -> Result<i64> {
    tx.scalar("SELECT count(*) FROM search_segments", &[])
}

#[test]
fn lookups_are_unchanged_during_compaction() {
    let (most, steps, left) = on_a_database(|tx| {
        let (mut most, mut steps) = (0, 0);
        for import in 1..=20_i64 {
            let (first, documents) = (import * 100, usize::try_from(import * 6).expect("small"));
            insert_six(tx, first)?;
            most = most.max(segment_count(tx)?);
            // One document of each import is renamed.
            let renamed = (
                OrderId::from_raw(first),
                terms(first..=first, "김견본"),
                terms(first..=first, &format!("이{import:02}")),
            );
            update_rows(tx, &mut std::iter::once(renamed))?;
            while compact_step(tx, &SMALL)? {
                steps += 1;
                assert_eq!(found(tx, ALL, "홍길동")?, documents);
                assert_eq!(found(tx, RECIPIENT, "홍길동")?, 0);
                assert_eq!(found(tx, RECIPIENT, "김견본")?, documents - usize::try_from(import).expect("small"));
                assert_eq!(found(tx, ALL, &format!("이{import:02}"))?, 1);
                assert_eq!(found(tx, NUMBER, &format!("9{import:05}"))?, 6);
            }
        }
        Ok((most, steps, segment_count(tx)?))
    });
    assert!(most <= 7 && left <= 6 && steps > 20, "{most} segments, {left} at the end, {steps} steps");
}

#[test]
fn number_of_segments_is_bounded_without_compaction() {
    let segments = on_a_database(|tx| {
        for import in 0..SMALL.max_segments + 5 {
            insert_six(tx, import * 100)?;
        }
        assert_eq!(i64::try_from(found(tx, ALL, "홍길동")?), Ok(6 * (SMALL.max_segments + 5)));
        segment_count(tx)
    });
    assert_eq!(segments, SMALL.max_segments);
}

#[test]
fn word_with_too_many_postings_is_not_looked_up() {
    let bounded = on_a_database(|tx| {
        insert_segment(tx, terms(0..20, "김견본").to_blocks(&SMALL))?;
        (20..30).try_for_each(|document| {
            insert_rows(tx, OrderId::from_raw(document), &terms(document..=document, "김견본"))
        })?;
        [29, 30]
            .map(|most| {
                let limits = Limits { max_postings_per_word: most, ..SMALL };
                Ok(lookup_word(tx, "홍길동", ALL, &limits)?.map(|ids| ids.len()))
            })
            .into_iter()
            .collect::<Result<Vec<_>>>()
    });
    assert_eq!(bounded, [None, Some(30)]);
}

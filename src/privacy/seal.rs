//! 분리 보관 of ended orders: moves their personal data apart once a day, and again what was opened.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::store::seals;
use crate::id::OrderId;
use crate::orders::store::{self as orders, seal};
use crate::storage::{Diagnostic, Result, Severity, Storage, StorageError, Tx};
use crate::time::Moment;
use crate::uploads::store::destruction as uploads;

/// Orders of one round.
const ROUND_ORDERS: i64 = 20_000;

/// Orders, and rows of upload reports, of one transaction.
const BATCH_ORDERS: usize = 200;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Days after which the personal data of ended orders is kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealDays(pub u32);

impl SealDays {
    /// Orders in which nothing happened since this moment are due.
    pub fn before(self, now: Moment) -> Moment {
        now.plus_ms(-i64::from(self.0) * DAY_MS)
    }
}

/// What was measured about 분리 보관.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SealStatus {
    /// when the program last looked for due orders
    pub checked_at: Option<Moment>,
    /// orders that are sealed
    pub sealed: i64,
    /// orders that are open for a while
    pub opened: i64,
}

impl SealStatus {
    /// The line of 법 점검 and of `mukkeum doctor`.
    pub fn check(&self, days: SealDays, now: Moment) -> Diagnostic {
        const SUBJECT: &str = "끝난 주문의 분리 보관";
        const ADVICE: &str =
            "프로그램을 켜 두면 하루에 한 번 확인해요. 켜 두었는데도 그대로면 기록(로그)의 오류를 확인하세요.";
        let Self { checked_at, sealed, opened } = *self;
        let kept = format!("끝난 지 {}일이 지난 주문 {sealed}건의 개인정보를 따로 보관해요", days.0);
        let out =
            if opened > 0 { format!(". {opened}건은 이유가 있어 꺼내 두었어요") } else { String::new() };
        match checked_at {
            Some(at) if now.0 - at.0 <= 2 * DAY_MS => {
                Diagnostic::ok(SUBJECT, format!("{at}에 확인했어요. {kept}{out}"))
            }
            Some(at) => {
                Diagnostic::problem(Severity::Warning, SUBJECT, format!("마지막으로 {at}에 확인했어요"), ADVICE)
            }
            None => Diagnostic::problem(Severity::Warning, SUBJECT, "아직 확인하지 않았어요", ADVICE),
        }
    }
}

/// Whether the program has to look today.
pub async fn is_due(storage: &Storage) -> Result<bool> {
    let checked = |tx: &mut dyn Tx| Ok::<_, StorageError>((seals::checked_at(tx)?, tx.now().date()));
    let (at, today) = storage.read(checked).await?;
    Ok(at.is_none_or(|at| at.date() < today))
}

/// Moves the personal data of due orders apart; answers how many.
///
/// # Errors
/// The database failed. The next call continues.
pub async fn seal_due(storage: &Storage, days: SealDays) -> Result<u64> {
    let mut total = 0;
    loop {
        let find = move |tx: &mut dyn Tx| {
            let before = days.before(tx.now());
            seals::due(tx, before, ROUND_ORDERS)
        };
        let due = storage.read_replica(find).await?;
        if due.is_empty() {
            break;
        }
        let count = seal_round(storage, &due).await?;
        total += count;
        if count == 0 {
            // All of them changed meanwhile.
            break;
        }
    }
    storage.write(seals::save_check).await?;
    Ok(total)
}

async fn seal_round(storage: &Storage, due: &[OrderId]) -> Result<u64> {
    let ids: Arc<[OrderId]> = due.into();
    let find_rows = move |tx: &mut dyn Tx| {
        let numbers: BTreeSet<String> = orders::numbers(tx, &ids)?.into_values().collect();
        uploads::rows_of_orders(tx, &numbers)
    };
    for rows in storage.read_replica(find_rows).await?.chunks(BATCH_ORDERS) {
        let rows = rows.to_vec();
        storage.write(move |tx| uploads::empty_rows(tx, &rows)).await?;
    }
    let mut count = 0;
    for batch in due.chunks(BATCH_ORDERS) {
        let ids = batch.to_vec();
        count += storage.write(move |tx| seal::seal(tx, &ids)).await?;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn program_that_does_not_look_is_reported() {
        let now = Moment(100 * DAY_MS);
        let severity = |checked_at| SealStatus { checked_at, sealed: 3, opened: 1 }.check(SealDays(90), now).severity;
        assert_eq!(severity(Some(now.plus_ms(-DAY_MS))), Severity::Good);
        assert_eq!(severity(Some(now.plus_ms(-3 * DAY_MS))), Severity::Warning);
        assert_eq!(severity(None), Severity::Warning);
        assert_eq!(SealDays(90).before(now), Moment(10 * DAY_MS));
    }
}

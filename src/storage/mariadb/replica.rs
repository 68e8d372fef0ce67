//! Reads from a replica, where the address allows it (`max_lag`).
//!
//! A replica is used only when it has every transaction that the primary has committed at this moment:
//! the read waits up to `max_lag` until the replica has reached the primary's GTID position, so that
//! reads always see earlier writes. A replica that lags or is unreachable is quarantined, which limits
//! its cost to one wait, and the primary answers.

use std::time::Instant;

use mysql::Conn;
use mysql::prelude::Queryable;

use super::error::TxError;
use super::pool::{IS_WRITABLE, ReplicaConnection};
use super::{MariaDbInner, START_READ, Work};
use crate::storage::{Result, StorageError};

impl MariaDbInner {
    pub(super) fn read_replica<T, E: From<StorageError>>(
        &self,
        work: Work<'_, T, E>,
        deadline: Instant,
    ) -> Result<T, E> {
        match self.try_replica(work, deadline) {
            Some(answer) => answer,
            None => self.read(work, deadline),
        }
    }

    fn try_replica<T, E: From<StorageError>>(&self, work: Work<'_, T, E>, deadline: Instant) -> Option<Result<T, E>> {
        let max_lag_seconds = self.pool.max_lag()?.as_secs_f64();
        let mut replica = self.on_primary(deadline, gtid_position).ok().flatten().and_then(|position| {
            let mut replica = self.pool.acquire_replica()?;
            if has_reached(&mut replica.conn, &position, max_lag_seconds) {
                return Some(replica);
            }
            self.pool.quarantine(&replica);
            None
        });
        let answer = replica.as_mut().and_then(|ReplicaConnection { conn, .. }| {
            conn.query_drop(START_READ).ok()?;
            self.finish_read(conn, work).ok()
        });
        match (&answer, replica) {
            (Some(_), Some(replica)) => {
                metrics::counter!("mukkeum_storage_replica_reads_total").increment(1);
                self.pool.release_replica(replica);
            }
            _ => metrics::counter!("mukkeum_storage_replica_misses_total").increment(1),
        }
        answer
    }
}

/// The primary's GTID position; None when it writes no binary log.
fn gtid_position(primary: &mut Conn) -> Result<Option<String>, TxError> {
    let row: Option<(i64, String)> = primary.query_first(format!("SELECT {IS_WRITABLE}, @@global.gtid_binlog_pos"))?;
    match row {
        Some((1, position)) => Ok((!position.is_empty()).then_some(position)),
        _ => Err(TxError::not_primary()),
    }
}

/// Waits until the replica has reached a GTID position; false after the timeout.
fn has_reached(replica: &mut Conn, position: &str, timeout_seconds: f64) -> bool {
    let reached: mysql::Result<Option<Option<i64>>> =
        replica.exec_first("SELECT MASTER_GTID_WAIT(?, ?)", (position, timeout_seconds));
    matches!(reached, Ok(Some(Some(0))))
}

//! Heavy reads from a replica, where the address allows it (`max_lag`).
//!
//! A replica is asked only when it has everything that the primary had at the moment of the question:
//! its position in the primary's log is waited for, up to `max_lag`. What a page has just written is
//! therefore in every page after it, whoever answers. A replica that is late or away is left alone for
//! a while, so that a broken one costs one wait and not one for each question; the primary answers.

use std::time::Instant;

use mysql::Conn;
use mysql::prelude::Queryable;

use super::error::TxError;
use super::pool::{IS_WRITABLE, Replica};
use super::{READ, Shared, Work};
use crate::storage::{Result, StorageError};

impl Shared {
    pub(super) fn read_replica<T, E: From<StorageError>>(&self, work: Work<'_, T, E>, until: Instant) -> Result<T, E> {
        match self.try_replica(work, until) {
            Some(answer) => answer,
            None => self.read(work, until),
        }
    }

    fn try_replica<T, E: From<StorageError>>(&self, work: Work<'_, T, E>, until: Instant) -> Option<Result<T, E>> {
        let wait = self.pool.max_lag()?.as_secs_f64();
        let mut replica = self.on_primary(until, position).ok().flatten().and_then(|position| {
            let mut replica = self.pool.replica()?;
            if has_reached(&mut replica.conn, &position, wait) {
                return Some(replica);
            }
            self.pool.quarantine(&replica);
            None
        });
        let answer = replica.as_mut().and_then(|Replica { conn, .. }| {
            conn.query_drop(READ).ok()?;
            self.finish_read(conn, work).ok()
        });
        match (&answer, replica) {
            (Some(_), Some(replica)) => {
                metrics::counter!("mukkeum_storage_replica_reads_total").increment(1);
                self.pool.give_back_replica(replica);
            }
            _ => metrics::counter!("mukkeum_storage_replica_misses_total").increment(1),
        }
        answer
    }
}

/// How far the primary's log has come; None where it keeps none, and so tells nothing.
fn position(primary: &mut Conn) -> Result<Option<String>, TxError> {
    let found: Option<(i64, String)> =
        primary.query_first(format!("SELECT {IS_WRITABLE}, @@global.gtid_binlog_pos"))?;
    match found {
        Some((1, position)) => Ok((!position.is_empty()).then_some(position)),
        _ => Err(TxError::connection_lost("this server is not the primary any more")),
    }
}

fn has_reached(replica: &mut Conn, position: &str, wait: f64) -> bool {
    let reached: mysql::Result<Option<Option<i64>>> =
        replica.exec_first("SELECT MASTER_GTID_WAIT(?, ?)", (position, wait));
    matches!(reached, Ok(Some(Some(0))))
}

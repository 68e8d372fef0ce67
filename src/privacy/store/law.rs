//! The lines of 법 점검: what [`crate::access::law`] measures, and what other rooms do.

use super::{breaches, requests, seals, status};
use crate::access::law::{self, Measurements};
use crate::consumer;
use crate::members;
use crate::privacy::LawScope;
use crate::storage::{Diagnostic, Result, Tx};

/// Measures what [`law::checks`] tells.
pub fn measure(tx: &mut dyn Tx, scope: LawScope) -> Result<Measurements> {
    let LawScope { access_years, is_public, is_insecure, .. } = scope;
    let idle_members = members::store::count_absent(tx)?;
    Ok(Measurements { idle_members, is_public, is_insecure, ..law::measure(tx, access_years)? })
}

/// The lines about buyers and about what is kept.
pub fn more_checks(tx: &mut dyn Tx, scope: LawScope) -> Result<Vec<Diagnostic>> {
    let now = tx.now();
    let mut checks = vec![
        consumer::store::check(tx)?,
        status(tx, scope.keep)?.check(now),
        breaches::check(tx)?,
        requests::check(tx)?,
    ];
    if let Some(days) = scope.seal {
        checks.push(seals::status(tx)?.check(days, now));
    }
    Ok(checks)
}

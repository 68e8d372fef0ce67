//! The lines of 법 점검 in `mukkeum doctor`, which verifies the access records by itself.

use crate::access::{self, ChainReport, law};
use crate::cli::{block_on, endpoints};
use crate::config::Config;
use crate::privacy::LawScope;
use crate::privacy::store::law as lines;
use crate::storage::{Diagnostic, Severity, Storage, StorageError};

/// Verifies the access records, and measures what 법 점검 tells.
pub(super) fn check(config: &Config, storage: &Storage) -> Vec<Diagnostic> {
    let endpoints = endpoints(config);
    let scope = LawScope::of(config, endpoints.is_public(), endpoints.is_insecure());
    let read = storage.read(move |tx| {
        let mut checks = vec![check_records(&access::verify(tx, &[])?)];
        checks.extend(law::checks_of_state(&lines::measure(tx, scope)?));
        checks.extend(lines::more_checks(tx, scope)?);
        Ok::<_, StorageError>(checks)
    });
    block_on(async { Ok(read.await?) }).unwrap_or_else(|error| {
        vec![Diagnostic::problem(Severity::Bad, "법 점검", error.to_string(), "데이터베이스를 확인하세요.")]
    })
}

fn check_records(report: &ChainReport) -> Diagnostic {
    const SUBJECT: &str = "접속기록의 지문";
    match report.faults.first() {
        None => Diagnostic::ok(SUBJECT, format!("{}개, 바뀌거나 빠진 것이 없어요", report.records)),
        Some(fault) => Diagnostic::problem(
            Severity::Bad,
            SUBJECT,
            fault.sentence(),
            "누가 데이터베이스를 수정했는지 알아보고, mukkeum audit verify와 백업으로 바뀐 곳을 찾으세요.",
        ),
    }
}

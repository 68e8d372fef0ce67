//! Whether the servers are set up so that nothing acknowledged is lost: for `mukkeum doctor`.

use mysql::Conn;
use mysql::prelude::Queryable;

use super::address::{Address, Tls};
use super::hosts::{IS_WRITABLE, connect_briefly};
use crate::storage::{Finding, Severity};

impl Address {
    /// Looks at every host.
    pub fn examine(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut primaries = 0;
        for (place, (host, port)) in self.hosts.iter().enumerate() {
            let subject = format!("MariaDB {host}:{port}");
            match connect_briefly(self, place).map_err(|fault| fault.error.to_string()) {
                Ok(mut conn) => {
                    let is_primary = number(&mut conn, IS_WRITABLE) == 1;
                    primaries += u32::from(is_primary);
                    findings.extend(server(&mut conn, &subject, is_primary, self.hosts.len()));
                }
                Err(reason) => {
                    let advice = "서버와 네트워크를 확인하세요. 한 대로 일하는 동안은 고장을 견디지 못해요.";
                    findings.push(Finding::wrong(Severity::Warning, subject, reason, advice));
                }
            }
        }
        findings.push(match primaries {
            1 => Finding::good("주 서버", "한 대예요"),
            0 => {
                Finding::wrong(Severity::Bad, "주 서버", "쓸 수 있는 서버가 없어요", "복제본을 승격하세요 (deploy/ha).")
            }
            _ => Finding::wrong(
                Severity::Bad,
                "주 서버",
                "두 대 이상에 쓸 수 있어요. 데이터가 갈라져요",
                "맞는 서버 하나만 남기고 나머지는 멈추거나 read_only=1로 두세요.",
            ),
        });
        findings.extend(self.encryption());
        findings
    }

    fn encryption(&self) -> Option<Finding> {
        let is_here = |(host, _): &(String, u16)| host == "localhost" || host.starts_with("127.") || host == "[::1]";
        (self.tls == Tls::Off && !self.hosts.iter().all(is_here)).then(|| {
            let advice = "주소 뒤에 ?tls=on&ca=FILE을 붙이세요.";
            Finding::wrong(Severity::Warning, "암호화", "데이터베이스까지 암호화하지 않아요", advice)
        })
    }
}

fn number(conn: &mut Conn, expression: &str) -> i64 {
    conn.query_first::<Option<i64>, _>(format!("SELECT {expression}")).ok().flatten().flatten().unwrap_or(-1)
}

/// The settings of one server.
fn server(conn: &mut Conn, subject: &str, is_primary: bool, hosts: usize) -> Vec<Finding> {
    let version: String = conn.query_first("SELECT version()").ok().flatten().unwrap_or_default();
    let role = if is_primary { "주 서버" } else { "복제본" };
    let mut findings = vec![Finding::good(subject, format!("{role}, {version}"))];
    let mut must = |expression: &str, severity: Severity, advice: &str| {
        if number(conn, expression) != 1 {
            findings.push(Finding::wrong(severity, subject, format!("{expression} 아님"), advice));
        }
    };
    must("@@innodb_flush_log_at_trx_commit = 1", Severity::Bad, "정전에 저장한 것을 잃어요. 1로 바꾸세요.");
    if hosts > 1 {
        must("@@log_bin = 1", Severity::Bad, "복제하지 못해요. log_bin을 켜세요.");
        must("@@sync_binlog = 1", Severity::Bad, "정전에 복제본과 달라져요. 1로 바꾸세요.");
        must("@@binlog_format = 'ROW'", Severity::Warning, "ROW로 바꾸세요.");
        must("@@gtid_strict_mode = 1", Severity::Bad, "되돌아온 서버에서 조용히 행이 빠질 수 있어요. 1로 바꾸세요.");
        if is_primary {
            must(
                "@@rpl_semi_sync_master_enabled = 1",
                Severity::Bad,
                "고장 때 저장한 것을 잃을 수 있어요. 1로 바꾸세요.",
            );
            must("@@rpl_semi_sync_master_wait_point = 'AFTER_SYNC'", Severity::Bad, "AFTER_SYNC로 바꾸세요.");
        } else {
            must(
                "@@rpl_semi_sync_slave_enabled = 1",
                Severity::Bad,
                "주 서버가 이 복제본을 기다리지 않아요. 1로 바꾸세요.",
            );
            must(
                "@@rpl_semi_sync_master_enabled = 0",
                Severity::Bad,
                "복제가 10초씩 멈춰요. 복제본에서는 0으로 두세요.",
            );
        }
    }
    findings
}

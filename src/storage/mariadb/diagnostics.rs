//! Checks of the servers' settings and replication for `mukkeum doctor`: whether an acknowledged write can
//! be lost.

use mysql::prelude::Queryable;
use mysql::{Conn, Row};

use super::address::{MariaDbAddress, TlsMode};
use super::pool::{IS_WRITABLE, connect_briefly};
use crate::storage::diagnostic::human_size;
use crate::storage::{Diagnostic, Severity};
use crate::time::Clock;

/// Oldest version that this program is tested with.
const MIN_VERSION: (u32, u32) = (10, 11);

/// Lag above which a replica prolongs a failover, seconds.
const MAX_LAG_SECONDS: i64 = 30;

impl MariaDbAddress {
    /// Checks every host.
    pub fn diagnose(&self, clock: &dyn Clock) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        let mut primaries = 0;
        for (index, (host, port)) in self.hosts.iter().enumerate() {
            let subject = format!("MariaDB {host}:{port}");
            match connect_briefly(self, index).map_err(|error| error.error.to_string()) {
                Ok(mut conn) => {
                    let is_primary = query_number(&mut conn, IS_WRITABLE) == Some(1);
                    primaries += u32::from(is_primary);
                    diagnostics.push(version(&mut conn, &subject, is_primary));
                    diagnostics.extend(settings(&mut conn, &subject, is_primary, self.hosts.len() > 1));
                    diagnostics.extend((!is_primary).then(|| replication(&mut conn, &subject)));
                    diagnostics.extend(clock_offset(&mut conn, &subject, clock));
                    diagnostics.extend(disk_space(&mut conn, &subject));
                }
                Err(reason) => {
                    let advice = "서버와 네트워크를 확인하세요. 한 대로 일하는 동안은 고장을 견디지 못해요.";
                    diagnostics.push(Diagnostic::problem(Severity::Warning, subject, reason, advice));
                }
            }
        }
        diagnostics.push(match primaries {
            1 => Diagnostic::ok("주 서버", "한 대예요"),
            0 => Diagnostic::problem(
                Severity::Bad,
                "주 서버",
                "쓸 수 있는 서버가 없어요",
                "복제본을 승격하세요 (deploy/ha).",
            ),
            _ => Diagnostic::problem(
                Severity::Bad,
                "주 서버",
                "두 대 이상에 쓸 수 있어요. 데이터가 갈라져요",
                "맞는 서버 하나만 남기고 나머지는 멈추거나 read_only=1로 두세요.",
            ),
        });
        diagnostics.extend(self.encryption());
        diagnostics
    }

    fn encryption(&self) -> Option<Diagnostic> {
        let is_local = |(host, _): &(String, u16)| host == "localhost" || host.starts_with("127.") || host == "[::1]";
        (self.tls == TlsMode::Disabled && !self.hosts.iter().all(is_local)).then(|| {
            let advice = "주소 뒤에 ?tls=on&ca=FILE을 붙이세요.";
            Diagnostic::problem(Severity::Warning, "암호화", "데이터베이스까지 암호화하지 않아요", advice)
        })
    }
}

fn query_number(conn: &mut Conn, expression: &str) -> Option<i64> {
    conn.query_first::<Option<i64>, _>(format!("SELECT {expression}")).ok().flatten().flatten()
}

fn version(conn: &mut Conn, subject: &str, is_primary: bool) -> Diagnostic {
    let version: String = conn.query_first("SELECT version()").ok().flatten().unwrap_or_default();
    let role = if is_primary { "주 서버" } else { "복제본" };
    let found = format!("{role}, {version}");
    let mut numbers = version.split('.').map_while(|number| number.parse::<u32>().ok());
    let is_old = numbers.next().zip(numbers.next()).is_some_and(|numbers| numbers < MIN_VERSION);
    if is_old || !version.contains("MariaDB") {
        let advice = format!("MariaDB {}.{} 이상을 쓰세요.", MIN_VERSION.0, MIN_VERSION.1);
        return Diagnostic::problem(Severity::Warning, subject, found, advice);
    }
    Diagnostic::ok(subject, found)
}

/// Checks required settings: condition, severity if it is false, advice.
fn settings(conn: &mut Conn, subject: &str, is_primary: bool, is_replicated: bool) -> Vec<Diagnostic> {
    use Severity::{Bad, Warning};
    let always = [
        ("@@innodb_flush_log_at_trx_commit = 1", Bad, "정전에 저장한 것을 잃어요. 1로 바꾸세요."),
        (
            "@@log_bin = 0 OR @@binlog_expire_logs_seconds > 0",
            Warning,
            "파기한 개인정보가 바이너리 로그에 끝없이 남아요. binlog_expire_logs_seconds를 정하세요. 예: 604800 (7일).",
        ),
    ];
    let replicated = [
        ("@@log_bin = 1", Bad, "복제하지 못해요. log_bin을 켜세요."),
        ("@@log_slave_updates = 1", Bad, "승격된 뒤에 다른 복제본이 따라오지 못해요. 1로 바꾸세요."),
        ("@@sync_binlog = 1", Bad, "정전에 복제본과 달라져요. 1로 바꾸세요."),
        ("@@binlog_format = 'ROW'", Warning, "ROW로 바꾸세요."),
        ("@@gtid_strict_mode = 1", Bad, "되돌아온 서버에서 조용히 행이 빠질 수 있어요. 1로 바꾸세요."),
    ];
    let primary = [
        ("@@rpl_semi_sync_master_enabled = 1", Bad, "고장 때 저장한 것을 잃을 수 있어요. 1로 바꾸세요."),
        ("@@rpl_semi_sync_master_wait_point = 'AFTER_SYNC'", Bad, "AFTER_SYNC로 바꾸세요."),
        (
            "(SELECT variable_value FROM information_schema.global_status \
              WHERE variable_name = 'Rpl_semi_sync_master_clients') > 0",
            Bad,
            "저장할 때 기다려 주는 복제본이 없어, 고장 때 저장한 것을 잃을 수 있어요. 복제본을 켜세요.",
        ),
    ];
    let replica = [
        ("@@rpl_semi_sync_slave_enabled = 1", Bad, "주 서버가 이 복제본을 기다리지 않아요. 1로 바꾸세요."),
        ("@@rpl_semi_sync_master_enabled = 0", Bad, "복제가 10초씩 멈춰요. 복제본에서는 0으로 두세요."),
    ];
    let role = if is_primary { &primary[..] } else { &replica[..] };
    let replicated = replicated.iter().chain(role).filter(|_| is_replicated);
    let wrong = always.iter().chain(replicated).filter(|(condition, ..)| query_number(conn, condition) != Some(1));
    wrong
        .map(|(condition, severity, advice)| {
            Diagnostic::problem(*severity, subject, format!("{condition} 아님"), *advice)
        })
        .collect()
}

/// Checks the replication of a replica.
fn replication(conn: &mut Conn, subject: &str) -> Diagnostic {
    let wrong = |severity, found: String, advice: &str| Diagnostic::problem(severity, subject, found, advice);
    let status = match conn.query_first::<Row, _>("SHOW SLAVE STATUS") {
        Ok(Some(status)) => status,
        Ok(None) => {
            return wrong(
                Severity::Bad,
                "복제하고 있지 않아요".to_owned(),
                "CHANGE MASTER TO …로 주 서버를 따르게 하세요 (deploy/ha).",
            );
        }
        Err(error) => {
            let advice = "GRANT REPLICA MONITOR ON *.* TO 이 아이디를 주 서버에서 실행하세요.";
            return wrong(Severity::Warning, format!("복제 상태를 볼 수 없어요: {error}"), advice);
        }
    };
    let text = |name: &str| status.get_opt::<String, _>(name).and_then(Result::ok).unwrap_or_default();
    let lag = status.get_opt::<i64, _>("Seconds_Behind_Master").and_then(Result::ok);
    if text("Slave_IO_Running") != "Yes" || text("Slave_SQL_Running") != "Yes" {
        let why = [text("Last_IO_Error"), text("Last_SQL_Error")].join(" ");
        let advice =
            "주 서버와 네트워크를 확인한 다음 START SLAVE를 실행하세요. 그래도 멈추면 새로 복사하세요 (deploy/ha).";
        return wrong(Severity::Bad, format!("복제가 멈췄어요. {}", why.trim()), advice);
    }
    if text("Using_Gtid") == "No" {
        let advice = "STOP SLAVE; CHANGE MASTER TO MASTER_USE_GTID=slave_pos; START SLAVE를 실행하세요.";
        return wrong(Severity::Warning, "복제가 GTID를 쓰지 않아요".to_owned(), advice);
    }
    if let Some(..=MAX_LAG_SECONDS) = lag {
        return Diagnostic::ok(subject, "주 서버를 따라가고 있어요");
    }
    let found = lag.map_or("아직 따라잡지 못했어요".to_owned(), |lag| format!("주 서버보다 {lag}초 늦어요"));
    wrong(Severity::Warning, found, "따라잡는 동안 기다리세요. 계속 늦으면 이 서버의 디스크를 살펴보세요.")
}

fn clock_offset(conn: &mut Conn, subject: &str, clock: &dyn Clock) -> Option<Diagnostic> {
    let before = clock.now();
    let theirs = query_number(conn, "CAST(UNIX_TIMESTAMP(now(3)) * 1000 AS INTEGER)")?;
    Some(Diagnostic::clock_offset(format!("{subject} 시계"), theirs - i64::midpoint(before.0, clock.now().0)))
}

/// Size of the data, and free space of the disk if the server has the plugin `disks`.
fn disk_space(conn: &mut Conn, subject: &str) -> Vec<Diagnostic> {
    let bytes = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
    let used = query_number(
        conn,
        "CAST(coalesce(sum(data_length + index_length), 0) AS INTEGER) \
         FROM information_schema.tables WHERE table_schema = database()",
    );
    let left = query_number(
        conn,
        "Available * 1024 FROM information_schema.disks WHERE @@datadir LIKE concat(Path, '%') \
         ORDER BY length(Path) DESC LIMIT 1",
    );
    let used = bytes(used).map(|used| Diagnostic::ok(format!("{subject} 데이터"), human_size(used)));
    let left = bytes(left).map(|left| Diagnostic::free_space(format!("{subject} 디스크"), left));
    used.into_iter().chain(left).collect()
}

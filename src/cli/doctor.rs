//! `mukkeum doctor`: what is wrong here, and what to do about it.
//!
//! It looks and changes nothing, but that opening the data brings its schema up to date, as every
//! command does. The exit code is 1 when something should be mended soon, 2 when the shop cannot
//! work or may lose something.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{Done, Failure, Outcome, block_on, open_storage, service};
use crate::backup::{MariaDbDump, TargetStatus};
use crate::config::{Config, Database};
use crate::server::Reach;
use crate::server::tls::{self, Facts};
use crate::sessions::{Place, RedisStore};
use crate::storage::{Diagnostic, Severity, Storage, schema};
use crate::time::{Clock, Moment, SystemClock};

/// A copy that is older is worth a look: a running program copies at least twice a minute.
const STALE: Duration = Duration::from_mins(10);

#[derive(clap::Args)]
pub(super) struct Doctor {
    /// 다른 프로그램이 읽을 수 있게 JSON으로
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(super) fn run(&self, config: &Config) -> Outcome {
        let mut findings = data(config);
        if let Database::MariaDb(address) = &config.database {
            findings.extend(address.examine(&SystemClock));
        }
        findings.extend(folder(config));
        findings.extend(reach(config));
        findings.extend(service::examine());
        findings.extend(sessions(config)?);
        if let Database::Sqlite(path) = &config.database {
            findings.extend(before_upgrades(path));
            findings.extend(backups(config)?);
        }
        let worst = findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Good);
        self.say(&findings)?;
        match worst {
            Severity::Good => Ok(Done::Whole),
            Severity::Warning => Ok(Done::Part),
            Severity::Bad => Err(Failure("고쳐야 할 것이 있어요.".to_owned())),
        }
    }

    fn say(&self, findings: &[Diagnostic]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if self.json {
            return writeln!(out, "{}", serde_json::json!({ "findings": findings }));
        }
        for finding in findings {
            let mark = match finding.severity {
                Severity::Good => "좋아요",
                Severity::Warning => "살펴보세요",
                Severity::Bad => "고치세요",
            };
            writeln!(out, "[{mark}] {}: {}", finding.subject, finding.found)?;
            if !finding.advice.is_empty() {
                writeln!(out, "    → {}", finding.advice)?;
            }
        }
        Ok(())
    }
}

/// Whether the data can be opened, and whether the file of SQLite is sound.
fn data(config: &Config) -> Vec<Diagnostic> {
    const SUBJECT: &str = "데이터베이스";
    let storage = match open_storage(config) {
        Ok(storage) => storage,
        Err(failure) => {
            let advice = "주소와 비밀번호, 서버가 켜져 있는지를 확인하세요.";
            return vec![Diagnostic::problem(Severity::Bad, SUBJECT, failure.to_string(), advice)];
        }
    };
    let mut findings = vec![
        Diagnostic::ok(SUBJECT, storage.describe()),
        Diagnostic::ok("스키마", format!("{}판, 이 프로그램의 것이에요", schema::VERSION)),
    ];
    if matches!(config.database, Database::MariaDb(_)) {
        findings.push(dump(&storage));
    } else {
        let checked = block_on(async { Ok(storage.read(|tx| tx.query_one("PRAGMA quick_check(1)", &[])).await?) });
        let said = checked.ok().flatten().and_then(|mut row| row.text(0).ok()).unwrap_or_default();
        findings.push(if said == "ok" {
            Diagnostic::ok("데이터 파일", "온전해요")
        } else {
            let advice = "더 쓰지 말고, 백업에서 복구하세요 (mukkeum restore).";
            Diagnostic::problem(Severity::Bad, "데이터 파일", format!("망가졌어요: {said}"), advice)
        });
    }
    findings
}

/// How old the newest copy is that MariaDB's own tools made.
fn dump(storage: &Storage) -> Diagnostic {
    const SUBJECT: &str = "MariaDB의 사본";
    const ADVICE: &str = "밤마다 사본을 뜨게 하세요 (deploy/ha/mariadb/dump).";
    let wrong = |found| Diagnostic::problem(Severity::Warning, SUBJECT, found, ADVICE);
    match block_on(async { Ok(storage.read(MariaDbDump::newest).await?) }) {
        Ok(Some(dump)) if dump.is_stale(SystemClock.now()) => {
            wrong(format!("마지막 사본이 {}예요 ({})", Moment(dump.at), dump.name))
        }
        Ok(Some(dump)) => Diagnostic::ok(SUBJECT, format!("{}에 떴어요 ({})", Moment(dump.at), dump.name)),
        Ok(None) => wrong("아직 없어요".to_owned()),
        Err(failure) => wrong(failure.to_string()),
    }
}

/// Whether others can listen in, and until when the certificate is good.
fn reach(config: &Config) -> Vec<Diagnostic> {
    const SUBJECT: &str = "접속";
    let reach = Reach::new(config.listen, None, config);
    let mut findings = vec![match (reach.is_unsafe(), reach.is_open()) {
        (true, _) => Diagnostic::problem(
            Severity::Warning,
            SUBJECT,
            "다른 기기와 오가는 비밀번호와 주문이 암호화되지 않아요",
            "--tls(MUKKEUM_TLS)를 켜거나, HTTPS 프록시 뒤에 두고 --behind-tls를 켜세요.",
        ),
        (false, true) => Diagnostic::ok(SUBJECT, "다른 기기에서도 열리고 암호화해요"),
        (false, false) => Diagnostic::ok(SUBJECT, "이 컴퓨터에서만 열려요"),
    }];
    match config.tls.as_ref().map(tls::examine) {
        Some(Ok(Some(facts))) => findings.push(certificate(&facts, SystemClock.now(), config.is_self_signed())),
        Some(Err(error)) => {
            findings.push(Diagnostic::problem(Severity::Bad, "인증서", error.to_string(), "파일과 설정을 고치세요."));
        }
        Some(Ok(None)) | None => {}
    }
    findings
}

fn certificate(facts: &Facts, now: Moment, is_made_here: bool) -> Diagnostic {
    const SUBJECT: &str = "인증서";
    let found = format!("{}까지예요", facts.until);
    let advice = if is_made_here {
        "다시 켜면 새로 만들어요."
    } else {
        "새 인증서를 발급받아 파일을 바꾸세요."
    };
    match facts.days_left(now) {
        ..0 => Diagnostic::problem(Severity::Bad, SUBJECT, found, advice),
        0..14 => Diagnostic::problem(Severity::Warning, SUBJECT, found, advice),
        _ => Diagnostic::ok(SUBJECT, found),
    }
}

/// How old the copies are, and whether they were proven.
fn backups(config: &Config) -> Result<Vec<Diagnostic>, Failure> {
    const SUBJECT: &str = "백업";
    if !config.is_backed_up() {
        let advice = "--backup(MUKKEUM_BACKUP)으로 백업할 곳을 알려 주세요. 예: file:///media/usb/mukkeum";
        return Ok(vec![Diagnostic::problem(
            Severity::Warning,
            SUBJECT,
            "꺼져 있어요. 데이터가 이 컴퓨터에만 있어요",
            advice,
        )]);
    }
    let statuses = config.backup.statuses(&config.data)?;
    let (now, verify_every) = (SystemClock.now(), config.backup.verify_every);
    Ok(statuses.iter().map(|status| backup(status, now, verify_every)).collect())
}

fn backup(status: &TargetStatus, now: Moment, verify_every: Option<Duration>) -> Diagnostic {
    let wrong = |severity, found: &str, advice: &str| {
        Diagnostic::problem(severity, format!("백업 {}", status.target), found, advice)
    };
    let is_older = |at: i64, than: Duration| now.0 - at > i64::try_from(than.as_millis()).unwrap_or(i64::MAX);
    let proof = status.verification.as_ref();
    if let Some(trouble) = status.problem.as_ref().or(status.snapshot_problem.as_ref()) {
        return wrong(Severity::Bad, &trouble.to_string(), "고치면 밀린 것부터 저절로 복사해요.");
    }
    if let Some(failure) = proof.and_then(|proof| proof.failure.as_ref()) {
        return wrong(
            Severity::Bad,
            &format!("되살려 보지 못했어요: {failure}"),
            "mukkeum backup now로 전체 사본을 새로 뜨세요.",
        );
    }
    let Some(copied_at) = status.copied_at else {
        return wrong(Severity::Bad, "아직 아무것도 복사하지 않았어요", "프로그램을 켜고 잠시 뒤에 다시 살펴보세요.");
    };
    if is_older(copied_at, STALE) {
        let found = format!("마지막 복사가 {}예요", Moment(copied_at));
        return wrong(Severity::Warning, &found, "프로그램이 켜져 있는지 확인하세요.");
    }
    if verify_every.is_some_and(|every| is_older(proof.map_or(0, |proof| proof.at), 2 * every)) {
        return wrong(Severity::Warning, "오랫동안 되살려 보지 않았어요", "mukkeum backup verify로 되살려 확인하세요.");
    }
    if status.supports_conditional_put == Some(false) {
        let found = "조건부 쓰기를 하지 못하는 자리예요";
        return wrong(Severity::Warning, found, "다른 프로그램이 같은 자리에 쓰지 않게 하세요.");
    }
    Diagnostic::ok(format!("백업 {}", status.target), format!("{}까지 복사했어요", Moment(copied_at)))
}

/// Whether the folder of everything that is kept beside the data can be written and has room.
fn folder(config: &Config) -> Vec<Diagnostic> {
    const SUBJECT: &str = "데이터 폴더";
    let path = config.data.display();
    let can_write = match tempfile::tempfile_in(&config.data) {
        Ok(_) => Diagnostic::ok(SUBJECT, path.to_string()),
        Err(error) => {
            let advice = "폴더의 주인과 권한을 확인하세요.";
            Diagnostic::problem(Severity::Bad, SUBJECT, format!("{path}에 쓸 수 없어요: {error}"), advice)
        }
    };
    let left = fs4::available_space(&config.data).ok();
    [can_write].into_iter().chain(left.map(|left| Diagnostic::free_space("데이터 폴더의 디스크", left))).collect()
}

/// What was kept when this program brought the data up.
fn before_upgrades(database: &Path) -> Vec<Diagnostic> {
    let kept = (1..schema::VERSION).map(|version| (version, schema::pre_migration_copy(database, version)));
    let kept = kept.filter(|(_, copy)| copy.exists()).map(|(version, copy)| {
        Diagnostic::ok(
            "업그레이드 전 사본",
            format!("{} ({version}판). 되돌릴 일이 없으면 지워도 돼요", copy.display()),
        )
    });
    kept.collect()
}

fn sessions(config: &Config) -> Result<Vec<Diagnostic>, Failure> {
    let Place::Redis(address) = &config.sessions else {
        return Ok(vec![Diagnostic::ok("세션", "데이터베이스에 있어요")]);
    };
    let store = RedisStore::new(address, config.session_idle, Arc::new(SystemClock))
        .map_err(|error| Failure(error.to_string()))?;
    block_on(async { Ok(store.examine().await) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::{TargetProblem, Verification};

    #[test]
    fn a_certificate_is_told_before_its_end() {
        let facts = |days: i64| Facts { fingerprint: String::new(), until: Moment(days * 24 * 60 * 60 * 1000) };
        let of = |days| certificate(&facts(days), Moment(0), false).severity;
        assert_eq!([of(-1), of(13), of(14)], [Severity::Bad, Severity::Warning, Severity::Good]);
    }

    #[test]
    fn each_way_in_which_a_backup_may_be_wrong_is_told_and_one_that_is_right_is_good() {
        let now = Moment(1_795_316_400_000);
        let day = Duration::from_hours(24);
        let proven = |at: i64, failure: Option<&str>| {
            Some(Verification { at, restored_at: Some(at), orders: Some(1), failure: failure.map(str::to_owned) })
        };
        let right =
            TargetStatus { copied_at: Some(now.0), verification: proven(now.0, None), ..TargetStatus::default() };
        let of = |status: &TargetStatus| backup(status, now, Some(day));
        assert_eq!(of(&right).severity, Severity::Good);
        for (status, severity, words) in [
            (TargetStatus::default(), Severity::Bad, "아직"),
            (
                TargetStatus { problem: Some(TargetProblem::Message("멀어요".to_owned())), ..right.clone() },
                Severity::Bad,
                "멀어요",
            ),
            (
                TargetStatus { verification: proven(now.0, Some("깨졌어요")), ..right.clone() },
                Severity::Bad,
                "깨졌어요",
            ),
            (TargetStatus { copied_at: Some(now.0 - 3_600_000), ..right.clone() }, Severity::Warning, "마지막 복사"),
            (
                TargetStatus { verification: proven(now.0 - 200_000_000, None), ..right.clone() },
                Severity::Warning,
                "되살려",
            ),
            (TargetStatus { supports_conditional_put: Some(false), ..right.clone() }, Severity::Warning, "조건부"),
        ] {
            let finding = of(&status);
            assert!(finding.severity == severity && finding.found.contains(words), "{finding:?}");
            assert!(!finding.advice.is_empty());
        }
        assert_eq!(backup(&TargetStatus { verification: None, ..right }, now, None).severity, Severity::Good);
    }
}

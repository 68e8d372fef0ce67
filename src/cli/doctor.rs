//! `mukkeum doctor`: checks configuration and state, and prints advice for each problem.
//!
//! It changes nothing: it opens the database read-only, also beside a running server and with data of an
//! older version. Exit codes: 1 if there are warnings, 2 if the shop cannot work or may lose data.

mod law;
mod proofs;
mod store;

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::Datelike;

use super::{CliError, CommandResult, Outcome, block_on, no_shop, open_read_only, service};
use crate::backup::{self, MariaDbDump, TargetStatus};
use crate::config::{Config, Database, PAGE_FILE, SessionBackend, TlsSource};
use crate::server::certificate::CertificateInfo;
use crate::server::shop_ca::{self, CaCertificate};
use crate::server::tls::{self, TlsError};
use crate::sessions::RedisStore;
use crate::storage::{Diagnostic, Severity, Storage, schema};
use crate::time::{Clock, Moment, SystemClock, holidays};

/// A backup older than this is reported: a running server uploads at least twice a minute.
const STALE_AFTER: Duration = Duration::from_mins(10);

#[derive(clap::Args)]
pub(super) struct Doctor {
    /// JSON으로 출력해요
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(super) fn run(&self, config: &Config) -> CommandResult {
        let mut diagnostics = check_database(config);
        if let Database::MariaDb(address) = &config.database {
            diagnostics.extend(address.diagnose(&SystemClock));
        }
        diagnostics.extend(check_folder(config));
        diagnostics.push(check_holidays(config));
        diagnostics.extend(check_permissions(config));
        diagnostics.extend(check_certificates(config));
        diagnostics.extend(service::diagnose());
        diagnostics.extend(check_sessions(config)?);
        if let Database::Sqlite(path) = &config.database {
            diagnostics.extend(list_migration_copies(path));
            diagnostics.extend(check_backups(config)?);
        }
        let worst = diagnostics.iter().map(|diagnostic| diagnostic.severity).max().unwrap_or(Severity::Good);
        self.print(&diagnostics)?;
        match worst {
            Severity::Good => Ok(Outcome::Complete),
            Severity::Warning => Ok(Outcome::Partial),
            Severity::Bad => Err(CliError("수정해야 할 것이 있어요.".to_owned())),
        }
    }

    fn print(&self, diagnostics: &[Diagnostic]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if self.json {
            return writeln!(out, "{}", serde_json::json!({ "findings": diagnostics }));
        }
        for diagnostic in diagnostics {
            let mark = match diagnostic.severity {
                Severity::Good => "좋아요",
                Severity::Warning => "살펴보세요",
                Severity::Bad => "수정하세요",
            };
            writeln!(out, "[{mark}] {}: {}", diagnostic.subject, diagnostic.found)?;
            if !diagnostic.advice.is_empty() {
                writeln!(out, "    → {}", diagnostic.advice)?;
            }
        }
        Ok(())
    }
}

/// Checks that the database can be opened, and the integrity of a SQLite file.
fn check_database(config: &Config) -> Vec<Diagnostic> {
    const SUBJECT: &str = "데이터베이스";
    let storage = match open_read_only(config) {
        Ok(Some(storage)) => storage,
        Ok(None) => {
            let advice =
                "처음이라면 mukkeum serve로 켜세요. 아니라면 데이터 폴더(--data)와 데이터베이스 주소를 확인하세요.";
            return vec![Diagnostic::problem(Severity::Warning, SUBJECT, no_shop(config).to_string(), advice)];
        }
        Err(error) => {
            let advice = "주소와 비밀번호, 서버가 켜져 있는지를 확인하세요.";
            return vec![Diagnostic::problem(Severity::Bad, SUBJECT, error.to_string(), advice)];
        }
    };
    let mut diagnostics = vec![Diagnostic::ok(SUBJECT, storage.describe()), check_schema(storage.schema_version())];
    if storage.schema_version() == schema::VERSION {
        diagnostics.extend(law::check(config, &storage));
        diagnostics.extend(block_on(async { Ok(proofs::check(config, &storage).await) }).unwrap_or_default());
    }
    if matches!(config.database, Database::MariaDb(_)) {
        diagnostics.push(check_dump(&storage));
    } else {
        diagnostics.push(match block_on(async { Ok(storage.read(store::find_corruption).await?) }) {
            Ok(None) => Diagnostic::ok("데이터 파일", "온전해요"),
            corruption => {
                let reason = corruption.map_or_else(|error| error.to_string(), Option::unwrap_or_default);
                let advice = "더 쓰지 말고, 백업에서 복구하세요 (mukkeum restore).";
                Diagnostic::problem(Severity::Bad, "데이터 파일", format!("망가졌어요: {reason}"), advice)
            }
        });
    }
    diagnostics
}

/// Checks the file that renews the holidays.
fn check_holidays(config: &Config) -> Diagnostic {
    const SUBJECT: &str = "공휴일";
    match holidays::renew_from(&config.data) {
        Ok(()) => {
            let until = holidays::public_holidays().last().map_or(0, |(day, _)| day.year());
            Diagnostic::ok(SUBJECT, format!("{until}년까지 알고 있어요"))
        }
        Err(error) => {
            let found = format!("{}을 읽지 못했어요: {error}", holidays::HOLIDAY_FILE);
            Diagnostic::problem(Severity::Bad, SUBJECT, found, "이 파일이 있으면 켜지지 않아요. 수정하거나 지우세요.")
        }
    }
}

/// Checks the schema version of the data.
fn check_schema(found: i64) -> Diagnostic {
    const SUBJECT: &str = "스키마";
    if found == schema::VERSION {
        return Diagnostic::ok(SUBJECT, format!("버전 {found}, 이 프로그램의 것이에요"));
    }
    let state = format!("버전 {found}이에요. 이 프로그램은 버전 {}을 써요", schema::VERSION);
    let advice = "mukkeum migrate로 바꾸세요. mukkeum serve를 켜도 바뀌어요.";
    Diagnostic::problem(Severity::Warning, SUBJECT, state, advice)
}

/// Checks the age of the newest MariaDB dump.
fn check_dump(storage: &Storage) -> Diagnostic {
    const SUBJECT: &str = "MariaDB 백업";
    const ADVICE: &str = "밤마다 백업하게 하세요 (deploy/ha/mariadb/dump).";
    let problem = |found| Diagnostic::problem(Severity::Warning, SUBJECT, found, ADVICE);
    match block_on(async { Ok(storage.read(MariaDbDump::newest).await?) }) {
        Ok(Some(dump)) if dump.is_stale(SystemClock.now()) => {
            problem(format!("마지막 백업이 {}예요 ({})", Moment(dump.at), dump.name))
        }
        Ok(Some(dump)) => Diagnostic::ok(SUBJECT, format!("{}에 만들었어요 ({})", Moment(dump.at), dump.name)),
        Ok(None) => problem("아직 없어요".to_owned()),
        Err(failure) => problem(failure.to_string()),
    }
}

/// Checks the expiry date of the certificate. Whether connections are encrypted is a line of the law.
fn check_certificates(config: &Config) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    match config.tls.as_ref().map(tls::inspect) {
        Some(Ok(Some(certificate))) => {
            diagnostics.push(check_certificate(&certificate, SystemClock.now(), config.uses_shop_ca()));
        }
        Some(Err(error)) => {
            diagnostics.push(Diagnostic::problem(
                Severity::Bad,
                "인증서",
                error.to_string(),
                "파일과 설정을 수정하세요.",
            ));
        }
        Some(Ok(None)) | None => {}
    }
    if let Some(TlsSource::ShopCa(folder)) = &config.tls {
        diagnostics.extend(check_ca(CaCertificate::read(folder), SystemClock.now()));
    }
    diagnostics
}

/// Checks the expiry date of the shop's certificate authority. Nothing to say before the first start.
fn check_ca(ca: Result<Option<CaCertificate>, TlsError>, now: Moment) -> Option<Diagnostic> {
    const SUBJECT: &str = "가게 인증서(CA)";
    let ca = match ca {
        Ok(ca) => ca?,
        Err(error) => {
            let advice =
                "데이터 폴더의 tls 폴더를 지우고 다시 켜면 새로 만들어요. 그러면 휴대전화에 다시 설치해야 해요.";
            return Some(Diagnostic::problem(Severity::Bad, SUBJECT, error.to_string(), advice));
        }
    };
    let found = format!("{}, {}까지예요", ca.name, ca.info.expires_at);
    let advice = "기간이 끝나면 새로 만들어요. 그때 휴대전화마다 휴대전화 준비 화면에서 다시 설치하세요.";
    Some(match ca.info.days_left(now) {
        ..0 => Diagnostic::problem(Severity::Bad, SUBJECT, found, advice),
        0..90 => Diagnostic::problem(Severity::Warning, SUBJECT, found, advice),
        _ => Diagnostic::ok(SUBJECT, found),
    })
}

fn check_certificate(certificate: &CertificateInfo, now: Moment, uses_shop_ca: bool) -> Diagnostic {
    const SUBJECT: &str = "인증서";
    let found = format!("{}까지예요", certificate.expires_at);
    let advice = if uses_shop_ca {
        "프로그램이 켜져 있으면 끝나기 전에 새로 만들어요."
    } else {
        "새 인증서를 발급받아 파일을 바꾸세요."
    };
    match certificate.days_left(now) {
        ..0 => Diagnostic::problem(Severity::Bad, SUBJECT, found, advice),
        0..14 => Diagnostic::problem(Severity::Warning, SUBJECT, found, advice),
        _ => Diagnostic::ok(SUBJECT, found),
    }
}

/// Checks age and verification of the backup of each target.
fn check_backups(config: &Config) -> Result<Vec<Diagnostic>, CliError> {
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
    let statuses = backup::statuses(&config.backup, &config.data)?;
    let (now, verify_every) = (SystemClock.now(), config.backup.verify_every);
    Ok(statuses.iter().map(|status| check_backup(status, now, verify_every)).collect())
}

fn check_backup(status: &TargetStatus, now: Moment, verify_every: Option<Duration>) -> Diagnostic {
    let report = |severity, found: &str, advice: &str| {
        Diagnostic::problem(severity, format!("백업 {}", status.target), found, advice)
    };
    let is_older = |at: i64, than: Duration| now.0 - at > i64::try_from(than.as_millis()).unwrap_or(i64::MAX);
    let verification = status.verification.as_ref();
    if let Some(problem) = status.problem.as_ref().or(status.snapshot_problem.as_ref()) {
        let since = status.problem_since.map(|since| format!(" ({}부터)", Moment(since))).unwrap_or_default();
        return report(Severity::Bad, &format!("{problem}{since}"), "해결하면 밀린 것부터 자동으로 복사해요.");
    }
    if let Some(failure) = verification.and_then(|verification| verification.failure.as_ref()) {
        return report(
            Severity::Bad,
            &format!("복원해 보지 못했어요: {failure}"),
            "mukkeum backup now로 전체 백업을 새로 만드세요.",
        );
    }
    let Some(copied_at) = status.copied_at else {
        return report(Severity::Bad, "아직 아무것도 복사하지 않았어요", "프로그램을 켜고 잠시 뒤에 다시 살펴보세요.");
    };
    if is_older(copied_at, STALE_AFTER) {
        let found = format!("마지막 복사가 {}예요", Moment(copied_at));
        return report(Severity::Warning, &found, "프로그램이 켜져 있는지 확인하세요.");
    }
    if verify_every.is_some_and(|every| is_older(verification.map_or(0, |verification| verification.at), 2 * every)) {
        return report(
            Severity::Warning,
            "오랫동안 복원해 보지 않았어요",
            "mukkeum backup verify로 복원 테스트를 하세요.",
        );
    }
    if status.supports_conditional_put == Some(false) {
        let found = "동시 쓰기를 막지 못하는 저장소예요";
        return report(Severity::Warning, found, "다른 프로그램이 같은 곳에 백업하지 않게 하세요.");
    }
    Diagnostic::ok(format!("백업 {}", status.target), format!("{}까지 복사했어요", Moment(copied_at)))
}

/// Checks that the data folder is writable and has free space; a folder that does not exist is no error yet.
fn check_folder(config: &Config) -> Vec<Diagnostic> {
    const SUBJECT: &str = "데이터 폴더";
    let path = config.data.display();
    if matches!(config.data.try_exists(), Ok(false)) {
        let advice = "mukkeum serve가 처음 켤 때 만들어요.";
        return vec![Diagnostic::problem(Severity::Warning, SUBJECT, format!("{path}: 아직 없어요"), advice)];
    }
    // An empty file can be made on a full disk.
    let probe = || {
        let mut file = tempfile::tempfile_in(&config.data)?;
        file.write_all(&vec![1; 64 << 10])?;
        file.sync_all()
    };
    let writable = match probe() {
        Ok(()) => Diagnostic::ok(SUBJECT, path.to_string()),
        Err(error) => {
            let advice = "디스크에 자리가 있는지, 폴더의 주인과 권한이 맞는지 확인하세요.";
            Diagnostic::problem(Severity::Bad, SUBJECT, format!("{path}에 쓸 수 없어요: {error}"), advice)
        }
    };
    let free = fs4::available_space(&config.data).ok();
    [writable].into_iter().chain(free.map(|free| Diagnostic::free_space("데이터 폴더의 디스크", free))).collect()
}

/// Checks that other users of this computer cannot read the shop's data and keys, and that this user can write the data.
#[cfg(unix)]
fn check_permissions(config: &Config) -> Vec<Diagnostic> {
    use std::os::unix::fs::PermissionsExt;
    const SUBJECT: &str = "권한";
    let mut files = vec![config.secret_key_file(), config.data.join(backup::KEY_FILE)];
    files.extend(["mukkeum.toml", PAGE_FILE].map(|name| config.data.join(name)));
    if let Database::Sqlite(path) = &config.database {
        files.extend([path.clone(), path.with_added_extension("restored")]);
    }
    files.extend(config.tls.as_ref().map(|source| source.files().1));
    if let Some(TlsSource::ShopCa(folder)) = &config.tls {
        files.push(shop_ca::key_file(folder));
    }
    let mode = |path: &Path| std::fs::metadata(path).ok().map(|file| file.permissions().mode());
    let is_open = |path: &Path, bits: u32| mode(path).is_some_and(|mode| mode & bits != 0);
    // A folder that others cannot enter protects the files in it.
    let is_reachable =
        |path: &Path| path.parent().is_none_or(|folder| folder.as_os_str().is_empty() || is_open(folder, 0o011));
    let readable: Vec<String> = files
        .iter()
        .filter(|path| is_open(path, 0o044) && is_reachable(path))
        .map(|path| path.display().to_string())
        .collect();
    let mut diagnostics = vec![if readable.is_empty() {
        Diagnostic::ok(SUBJECT, "다른 사용자는 데이터와 열쇠를 읽지 못해요")
    } else {
        let found = format!("이 컴퓨터의 다른 사용자가 읽을 수 있어요: {}", readable.join(", "));
        let advice = format!(
            "chmod 700 {} 명령으로 폴더를 닫으세요. 다른 곳에 있는 파일은 chmod 600으로 닫으세요.",
            config.data.display()
        );
        Diagnostic::problem(Severity::Warning, SUBJECT, found, advice)
    }];
    if let Database::Sqlite(path) = &config.database
        && path.exists()
        && let Err(error) = std::fs::File::options().write(true).open(path)
    {
        let found = format!("데이터 파일에 쓸 수 없어요: {} ({error})", path.display());
        let advice = "파일의 주인을 프로그램을 켜는 사용자로 바꾸세요. 예: sudo chown --reference=폴더 파일";
        diagnostics.push(Diagnostic::problem(Severity::Bad, SUBJECT, found, advice));
    }
    diagnostics
}

#[cfg(not(unix))]
fn check_permissions(_: &Config) -> Vec<Diagnostic> {
    Vec::new()
}

/// Lists the copies that schema migrations have left.
fn list_migration_copies(database: &Path) -> Vec<Diagnostic> {
    let copies = (1..schema::VERSION).map(|version| (version, schema::pre_migration_copy(database, version)));
    let diagnostics = copies.filter(|(_, copy)| copy.exists()).map(|(version, copy)| {
        Diagnostic::ok(
            "업그레이드 전 사본",
            format!("{} (버전 {version}). 되돌릴 일이 없으면 지워도 돼요", copy.display()),
        )
    });
    diagnostics.collect()
}

fn check_sessions(config: &Config) -> Result<Vec<Diagnostic>, CliError> {
    let SessionBackend::Redis(address) = &config.sessions else {
        return Ok(vec![Diagnostic::ok("세션", "데이터베이스에 있어요")]);
    };
    let store = RedisStore::new(address, config.session_idle, Arc::new(SystemClock))
        .map_err(|error| CliError(error.to_string()))?;
    block_on(async { Ok(store.diagnose().await) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::{TargetProblem, Verification};

    #[test]
    fn certificate_that_expires_soon_is_reported() {
        let certificate =
            |days: i64| CertificateInfo { fingerprint: String::new(), expires_at: Moment(days * 24 * 60 * 60 * 1000) };
        let severity = |days| check_certificate(&certificate(days), Moment(0), false).severity;
        assert_eq!([severity(-1), severity(13), severity(14)], [Severity::Bad, Severity::Warning, Severity::Good]);
    }

    #[test]
    fn certificate_authority_that_expires_soon_is_reported() {
        let ca = |days: i64| CaCertificate {
            der: Vec::new(),
            name: "묶음 가게 인증서".to_owned(),
            info: CertificateInfo { fingerprint: String::new(), expires_at: Moment(days * 24 * 60 * 60 * 1000) },
        };
        let severity = |days| check_ca(Ok(Some(ca(days))), Moment(0)).map(|diagnostic| diagnostic.severity);
        assert_eq!([severity(-1), severity(89)], [Some(Severity::Bad), Some(Severity::Warning)]);
        assert_eq!(severity(90), Some(Severity::Good));
        assert!(check_ca(Ok(None), Moment(0)).is_none());
    }

    #[cfg(unix)]
    #[test]
    fn files_that_others_can_read_are_reported() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let config = Config::defaults(folder.path()).expect("valid");
        let key = folder.path().join("secret.key");
        std::fs::write(&key, "key").expect("writes");
        let check = |of_folder: u32, of_key: u32| {
            let set = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode));
            set(folder.path(), of_folder).and_then(|()| set(&key, of_key)).expect("sets");
            check_permissions(&config)[0].severity
        };
        assert_eq!(check(0o755, 0o644), Severity::Warning);
        assert_eq!(check(0o755, 0o600), Severity::Good);
        assert_eq!(check(0o700, 0o644), Severity::Good, "nobody else can enter the folder");
    }

    #[test]
    fn every_backup_problem_is_reported() {
        let now = Moment(1_795_316_400_000);
        let day = Duration::from_hours(24);
        let verification = |at: i64, failure: Option<&str>| {
            Some(Verification { at, restored_at: Some(at), orders: Some(1), failure: failure.map(str::to_owned) })
        };
        let right =
            TargetStatus { copied_at: Some(now.0), verification: verification(now.0, None), ..TargetStatus::default() };
        let of = |status: &TargetStatus| check_backup(status, now, Some(day));
        assert_eq!(of(&right).severity, Severity::Good);
        for (status, severity, words) in [
            (TargetStatus::default(), Severity::Bad, "아직"),
            (
                TargetStatus { problem: Some(TargetProblem::Message("멀어요".to_owned())), ..right.clone() },
                Severity::Bad,
                "멀어요",
            ),
            (
                TargetStatus { verification: verification(now.0, Some("깨졌어요")), ..right.clone() },
                Severity::Bad,
                "깨졌어요",
            ),
            (TargetStatus { copied_at: Some(now.0 - 3_600_000), ..right.clone() }, Severity::Warning, "마지막 복사"),
            (
                TargetStatus { verification: verification(now.0 - 200_000_000, None), ..right.clone() },
                Severity::Warning,
                "복원",
            ),
            (TargetStatus { supports_conditional_put: Some(false), ..right.clone() }, Severity::Warning, "동시 쓰기"),
        ] {
            let diagnostic = of(&status);
            assert!(diagnostic.severity == severity && diagnostic.found.contains(words), "{diagnostic:?}");
            assert!(!diagnostic.advice.is_empty());
        }
        assert_eq!(check_backup(&TargetStatus { verification: None, ..right }, now, None).severity, Severity::Good);
    }
}

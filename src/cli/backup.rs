//! `mukkeum backup`: status, contents, snapshots, verification, keys and ownership of the backup.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;

use super::{CliError, CommandResult, Outcome, block_on, folder, no_shop, open_existing, open_with_wal, require_shop};
use crate::backup::{self, DumpError, Key, KeyError, MariaDbDump, SnapshotRow, StartError, TargetError, TargetStatus};
use crate::config::{Config, Database};
use crate::storage::OpenMode;
use crate::time::Moment;

/// Timeout of a requested snapshot.
const SNAPSHOT_TIMEOUT: Duration = Duration::from_hours(1);

/// How often the status is polled while a snapshot is made.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

#[derive(clap::Subcommand)]
pub(super) enum Backup {
    /// 백업이 언제까지 되었는지 보여 줘요
    Status(OutputFormat),
    /// 백업에 있는 사본을 보여 줘요
    List(OutputFormat),
    /// 전체 백업을 지금 만들어요. 프로그램이 켜져 있으면 그 프로그램이 만들어요
    Now,
    /// 백업을 임시로 복원해서 지금 데이터와 맞는지 확인해요
    Verify(OutputFormat),
    /// 백업의 암호화 열쇠를 보여 줘요. 없으면 만들어요. 종이에 적어 가게 밖에도 보관하세요
    Key,
    /// 다른 컴퓨터가 쓰던 백업 위치를 넘겨받아요. 다음에 켤 때부터 여기에서 백업해요
    TakeOver,
    /// MariaDB 덤프(mariadb-dump, zstd)를 검사하고, 온전하면 그 시각을 기록해요
    Dumped {
        /// 덤프 파일
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

#[derive(clap::Args)]
pub(super) struct OutputFormat {
    /// JSON으로 출력해요
    #[arg(long)]
    json: bool,
}

impl From<TargetError> for CliError {
    fn from(error: TargetError) -> Self {
        Self(error.to_string())
    }
}

impl From<StartError> for CliError {
    fn from(error: StartError) -> Self {
        Self(error.to_string())
    }
}

impl From<DumpError> for CliError {
    fn from(error: DumpError) -> Self {
        Self(error.to_string())
    }
}

impl From<KeyError> for CliError {
    fn from(error: KeyError) -> Self {
        Self(error.to_string())
    }
}

impl Backup {
    pub(super) fn run(self, config: &Config) -> CommandResult {
        match self {
            Self::Key => show_key(config),
            Self::Dumped { file } => record_dump(config, &file),
            _ if !config.is_backed_up() => Err(CliError(
                "백업할 곳이 없어요. --backup으로 알려 주세요. 예: --backup file:///media/usb/backup".to_owned(),
            )),
            Self::Status(format) => status(config, format.json),
            Self::List(format) => list(config, format.json),
            Self::Now => make_snapshot(config),
            Self::Verify(format) => verify(config, format.json),
            Self::TakeOver => Ok(backup::take_over_at_start(&config.backup, &config.data).map(|()| Outcome::Complete)?),
        }
    }
}

fn format_time(at: Option<i64>) -> String {
    at.map_or_else(|| "아직 없음".to_owned(), |at| Moment(at).precise())
}

fn status(config: &Config, json: bool) -> CommandResult {
    let statuses = backup::statuses(&config.backup, &config.data)?;
    // The database is not opened: the status must be shown of a damaged one, too.
    if let Database::Sqlite(file) = &config.database
        && !file.exists()
    {
        return Err(no_shop(config));
    }
    let mut out = io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(&statuses).map_err(io::Error::other)?)?;
        return Ok(Outcome::Complete);
    }
    for status in statuses {
        print_status(&mut out, &status)?;
    }
    Ok(Outcome::Complete)
}

fn print_status(out: &mut impl Write, status: &TargetStatus) -> io::Result<()> {
    writeln!(out, "{}", status.target)?;
    writeln!(out, "  복사한 시각     {}", format_time(status.copied_at))?;
    writeln!(out, "  전체 백업       {}", format_time(status.snapshot_at))?;
    let verification = status.verification.as_ref();
    writeln!(out, "  복원 테스트     {}", format_time(verification.map(|verification| verification.at)))?;
    if let Some(failure) = verification.and_then(|verification| verification.failure.as_ref()) {
        writeln!(out, "  복원하지 못했어요: {failure}")?;
    }
    writeln!(out, "  증빙 사진       {}장 복사, {}장 기다림", status.proofs.copied, status.proofs.waiting)?;
    if let Some(problem) = &status.proofs.problem {
        writeln!(out, "  사진의 문제     {problem}")?;
    }
    writeln!(out, "  기다리는 양     {} 바이트", status.spool_bytes)?;
    writeln!(out, "  암호화          {}", status.key.as_ref().map_or("안 함".to_owned(), |id| format!("열쇠 {id}")))?;
    if status.supports_conditional_put == Some(false) {
        writeln!(out, "  이 저장소는 동시 쓰기를 막지 못해요. 다른 프로그램이 같은 곳에 백업하지 않게 해 주세요.")?;
    }
    for problem in [&status.problem, &status.snapshot_problem].into_iter().flatten() {
        writeln!(out, "  문제            {problem}")?;
    }
    Ok(())
}

fn list(config: &Config, json: bool) -> CommandResult {
    let targets = backup::targets(&config.backup)?;
    let lists: Vec<(String, Vec<SnapshotRow>)> = block_on(async {
        let mut lists = Vec::new();
        for target in targets {
            lists.push((target.shown.clone(), backup::list_snapshots(&target).await?));
        }
        Ok(lists)
    })?;
    let mut out = io::stdout().lock();
    if json {
        let lists: Vec<_> =
            lists.iter().map(|(target, copies)| json!({ "target": target, "snapshots": copies })).collect();
        writeln!(out, "{}", serde_json::Value::from(lists))?;
        return Ok(Outcome::Complete);
    }
    for (target, copies) in lists {
        writeln!(out, "{target}")?;
        for copy in copies {
            let verified = copy.verified_at.map_or("", |_| "  복원 테스트함");
            writeln!(
                out,
                "  {} 부터 {} 까지  전체 백업 {} 바이트, 조각 {}개{verified}",
                Moment(copy.at).precise(),
                Moment(copy.until).precise(),
                copy.bytes,
                copy.segments
            )?;
        }
    }
    Ok(Outcome::Complete)
}

/// Requests a snapshot from the running server, or makes one if no server runs.
fn make_snapshot(config: &Config) -> CommandResult {
    let before = Moment(
        backup::statuses(&config.backup, &config.data)?
            .iter()
            .filter_map(|status| status.snapshot_at)
            .max()
            .unwrap_or(0),
    );
    // Before the lock, which creates its file.
    require_shop(config)?;
    let Ok(lock) = folder::lock(&config.data) else {
        backup::request_snapshot(&config.data)?;
        return wait_for_snapshot(|| backup::statuses(&config.backup, &config.data).map_err(CliError::from), before);
    };
    let (storage, Some(wal)) = open_with_wal(config, OpenMode::Existing)? else { return Ok(Outcome::Complete) };
    if let Some(key) = ensure_key(config)? {
        write_key_sheet(&mut io::stdout().lock(), &key)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(async {
        let backup = backup::Backup::start(&config.backup, &config.data, &storage, wal)?;
        backup.snapshot();
        let outcome = wait_for_snapshot(|| Ok(backup.statuses()), before);
        backup.stop(config.shutdown).await;
        outcome
    });
    drop(lock);
    outcome
}

fn wait_for_snapshot(statuses: impl Fn() -> Result<Vec<TargetStatus>, CliError>, before: Moment) -> CommandResult {
    let deadline = Instant::now() + SNAPSHOT_TIMEOUT;
    loop {
        let statuses = statuses()?;
        if statuses.iter().all(|status| status.snapshot_at.is_some_and(|at| at > before.0)) {
            let mut out = io::stdout().lock();
            for status in &statuses {
                print_status(&mut out, status)?;
            }
            return Ok(Outcome::Complete);
        }
        if let Some(problem) =
            statuses.iter().find_map(|status| status.problem.as_ref().or(status.snapshot_problem.as_ref()))
        {
            return Err(CliError(problem.to_string()));
        }
        if Instant::now() > deadline {
            return Err(CliError("백업이 아직 다 가지 않았어요. mukkeum backup status로 살펴봐 주세요.".to_owned()));
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

fn verify(config: &Config, json: bool) -> CommandResult {
    let storage = open_existing(config)?;
    let key = Key::load(&config.data)?;
    let targets = backup::targets(&config.backup)?;
    let verifications = block_on(async {
        let mut verifications = Vec::new();
        for target in targets {
            verifications.push((
                target.shown.clone(),
                backup::verify_target(&target, key.as_ref(), &config.data, &storage).await,
            ));
        }
        Ok(verifications)
    })?;
    let mut out = io::stdout().lock();
    for (target, verification) in &verifications {
        if json {
            writeln!(out, "{}", json!({ "target": target, "verification": verification }))?;
        } else if let Some(failure) = &verification.failure {
            writeln!(out, "{target}: 복원하지 못했어요. {failure}")?;
        } else {
            writeln!(
                out,
                "{target}: {} 상태로 복원했고, 주문 {}건이 가게와 맞아요.",
                format_time(verification.restored_at),
                verification.orders.unwrap_or(0)
            )?;
        }
    }
    match verifications.iter().filter(|(_, verification)| verification.failure.is_some()).count() {
        0 => Ok(Outcome::Complete),
        failed => Err(CliError(format!("백업 {}곳 중 {failed}곳을 복원하지 못했어요.", verifications.len()))),
    }
}

fn record_dump(config: &Config, file: &Path) -> CommandResult {
    if let Database::Sqlite(_) = config.database {
        return Err(CliError("MariaDB를 쓰는 가게의 백업만 기억해요. SQLite는 --backup으로 복사하세요.".to_owned()));
    }
    let dump = MariaDbDump::verify_file(file)?;
    let (storage, record) = (open_existing(config)?, dump.clone());
    block_on(async { Ok(storage.write(move |tx| record.save(tx)).await?) })?;
    writeln!(io::stdout(), "{}: 온전한 백업이에요. {} 바이트, {}", dump.name, dump.bytes, Moment(dump.at))?;
    Ok(Outcome::Complete)
}

/// Prints the key of the shop, after creating one if there is none.
fn show_key(config: &Config) -> CommandResult {
    folder::create(&config.data, "--data")?;
    let (key, is_new) = Key::load_or_generate(&config.data)?;
    let mut out = io::stdout().lock();
    write_key_sheet(&mut out, &key)?;
    if is_new {
        writeln!(out, "다음에 프로그램을 켤 때부터 백업이 이 열쇠로 암호화돼요.")?;
    }
    Ok(Outcome::Complete)
}

/// Creates the key of the first backup, unless the shop has one or wants none. Returns a new key.
pub(super) fn ensure_key(config: &Config) -> Result<Option<Key>, CliError> {
    if config.backup.is_unsealed {
        return Ok(None);
    }
    let (key, is_new) = Key::load_or_generate(&config.data)?;
    Ok(is_new.then_some(key))
}

/// Writes the key with instructions, for paper.
pub(super) fn write_key_sheet(out: &mut impl Write, key: &Key) -> io::Result<()> {
    writeln!(out, "묶음 백업 열쇠 {}\n", key.id())?;
    for line in key.to_text().as_bytes().chunks(20) {
        writeln!(out, "  {}", String::from_utf8_lossy(line))?;
    }
    writeln!(out, "\n이 열쇠가 없으면 아무도 백업을 복원할 수 없어요. 종이에 적어서 가게 밖에도 보관해 주세요.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_is_printed_in_full() {
        let status = TargetStatus {
            target: "file:///usb".to_owned(),
            copied_at: Some(1_710_464_400_123),
            supports_conditional_put: Some(false),
            ..TargetStatus::default()
        };
        let mut printed = Vec::new();
        print_status(&mut printed, &status).expect("prints");
        let printed = String::from_utf8(printed).expect("text");
        assert!(
            printed.contains("2024-03-15 10:00:00.123")
                && printed.contains("아직 없음")
                && printed.contains("동시 쓰기"),
            "{printed}"
        );
    }
}

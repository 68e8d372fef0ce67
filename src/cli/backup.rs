//! `mukkeum backup`: how the backup stands, what it holds, and what to do with it now.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;

use super::{Done, Failure, Outcome, block_on, open_storage, open_with_log, restore, serve};
use crate::backup::{self, DumpError, Key, KeyError, MariaDbDump, SnapshotRow, StartError, TargetError, TargetStatus};
use crate::config::{Config, Database};
use crate::time::Moment;

/// How long a snapshot that was asked for may take.
const PATIENCE: Duration = Duration::from_hours(1);

#[derive(clap::Subcommand)]
pub(super) enum Backup {
    /// 백업이 어디까지 되었는지 알려 줘요
    Status(Form),
    /// 백업에 무엇이 있는지 보여 줘요
    List(Form),
    /// 전체 사본을 지금 떠요. 프로그램이 켜져 있으면 그 프로그램이 떠요
    Now,
    /// 백업을 임시로 되살려서 지금 데이터와 맞는지 확인해요
    Verify(Form),
    /// 암호화 열쇠를 만들어서 보여 줘요. 다음에 켤 때부터 백업이 암호화돼요
    Key,
    /// 다른 프로그램이 쓰던 백업 자리를 이어받아요. 다음에 켤 때 이어받아요
    TakeOver,
    /// MariaDB의 사본(mariadb-dump, zstd)을 읽어 보고, 온전하면 그때를 기억해요
    Dumped {
        /// 사본 파일
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

#[derive(clap::Args)]
pub(super) struct Form {
    /// 다른 프로그램이 읽을 수 있게 JSON으로
    #[arg(long)]
    json: bool,
}

impl From<TargetError> for Failure {
    fn from(error: TargetError) -> Self {
        Self(error.to_string())
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        Self(error.to_string())
    }
}

impl From<DumpError> for Failure {
    fn from(error: DumpError) -> Self {
        Self(error.to_string())
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        Self(error.to_string())
    }
}

impl Backup {
    pub(super) fn run(self, config: &Config) -> Outcome {
        match self {
            Self::Key => make_key(config),
            Self::Dumped { file } => dumped(config, &file),
            _ if !config.is_backed_up() => Err(Failure(
                "백업할 곳이 없어요. --backup으로 알려 주세요. 예: --backup file:///media/usb/backup".to_owned(),
            )),
            Self::Status(form) => status(config, form.json),
            Self::List(form) => list(config, form.json),
            Self::Now => now(config),
            Self::Verify(form) => verify(config, form.json),
            Self::TakeOver => Ok(backup::take_over_at_start(&config.backup, &config.data).map(|()| Done::Whole)?),
        }
    }
}

fn when(at: Option<i64>) -> String {
    at.map_or_else(|| "아직 없음".to_owned(), |at| Moment(at).precise())
}

fn status(config: &Config, json: bool) -> Outcome {
    let statuses = config.backup.statuses(&config.data)?;
    let mut out = io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(&statuses).map_err(io::Error::other)?)?;
        return Ok(Done::Whole);
    }
    for status in statuses {
        tell(&mut out, &status)?;
    }
    Ok(Done::Whole)
}

fn tell(out: &mut impl Write, status: &TargetStatus) -> io::Result<()> {
    writeln!(out, "{}", status.target)?;
    writeln!(out, "  복사한 시각     {}", when(status.copied_at))?;
    writeln!(out, "  전체 사본       {}", when(status.snapshot_at))?;
    let proven = status.verification.as_ref();
    writeln!(out, "  되살려 본 시각  {}", when(proven.map(|proof| proof.at)))?;
    if let Some(failure) = proven.and_then(|proof| proof.failure.as_ref()) {
        writeln!(out, "  되살리지 못했어요: {failure}")?;
    }
    writeln!(out, "  기다리는 양     {} 바이트", status.waiting_bytes)?;
    writeln!(out, "  암호화          {}", status.key.as_ref().map_or("안 함".to_owned(), |id| format!("열쇠 {id}")))?;
    if status.supports_conditional_put == Some(false) {
        writeln!(out, "  이 자리는 조건부 쓰기를 하지 못해요. 다른 프로그램이 같은 자리에 쓰지 않게 해 주세요.")?;
    }
    for trouble in [&status.problem, &status.snapshot_problem].into_iter().flatten() {
        writeln!(out, "  문제            {trouble}")?;
    }
    Ok(())
}

fn list(config: &Config, json: bool) -> Outcome {
    let targets = config.backup.targets()?;
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
        return Ok(Done::Whole);
    }
    for (target, copies) in lists {
        writeln!(out, "{target}")?;
        for copy in copies {
            let proven = copy.verified_at.map_or("", |_| "  되살려 봤어요");
            writeln!(
                out,
                "  {} 부터 {} 까지  전체 사본 {} 바이트, 조각 {}개{proven}",
                Moment(copy.at).precise(),
                Moment(copy.until).precise(),
                copy.bytes,
                copy.segments
            )?;
        }
    }
    Ok(Done::Whole)
}

/// Asks the running program for a snapshot, or makes one itself.
fn now(config: &Config) -> Outcome {
    let before =
        Moment(config.backup.statuses(&config.data)?.iter().filter_map(|status| status.snapshot_at).max().unwrap_or(0));
    let Ok(lock) = serve::lock(config) else {
        backup::request_snapshot(&config.data)?;
        return wait(|| config.backup.statuses(&config.data).map_err(Failure::from), before);
    };
    let (storage, Some(log)) = open_with_log(config)? else { return Ok(Done::Whole) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(async {
        let backup = backup::Backup::start(&config.backup, &config.data, &storage, log)?;
        backup.snapshot();
        let outcome = wait(|| Ok(backup.statuses()), before);
        backup.stop(config.shutdown).await;
        outcome
    });
    drop(lock);
    outcome
}

fn wait(statuses: impl Fn() -> Result<Vec<TargetStatus>, Failure>, before: Moment) -> Outcome {
    let until = Instant::now() + PATIENCE;
    loop {
        let statuses = statuses()?;
        if statuses.iter().all(|status| status.snapshot_at.is_some_and(|at| at > before.0)) {
            let mut out = io::stdout().lock();
            for status in &statuses {
                tell(&mut out, status)?;
            }
            return Ok(Done::Whole);
        }
        if let Some(trouble) =
            statuses.iter().find_map(|status| status.problem.as_ref().or(status.snapshot_problem.as_ref()))
        {
            return Err(Failure(trouble.to_string()));
        }
        if Instant::now() > until {
            return Err(Failure("사본이 아직 다 가지 않았어요. mukkeum backup status로 살펴봐 주세요.".to_owned()));
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn verify(config: &Config, json: bool) -> Outcome {
    let storage = open_storage(config)?;
    let key = restore::key(None, config)?;
    let targets = config.backup.targets()?;
    let proofs = block_on(async {
        let mut proofs = Vec::new();
        for target in targets {
            proofs.push((
                target.shown.clone(),
                backup::verify_target(&target, key.as_ref(), &config.data, &storage).await,
            ));
        }
        Ok(proofs)
    })?;
    let mut out = io::stdout().lock();
    for (target, proof) in &proofs {
        if json {
            writeln!(out, "{}", json!({ "target": target, "proof": proof }))?;
        } else if let Some(failure) = &proof.failure {
            writeln!(out, "{target}: 되살리지 못했어요. {failure}")?;
        } else {
            writeln!(
                out,
                "{target}: {} 상태로 되살렸고, 주문 {}건이 가게와 맞아요.",
                when(proof.restored_at),
                proof.orders.unwrap_or(0)
            )?;
        }
    }
    match proofs.iter().filter(|(_, proof)| proof.failure.is_some()).count() {
        0 => Ok(Done::Whole),
        failed => Err(Failure(format!("백업 {}곳 가운데 {failed}곳을 되살리지 못했어요.", proofs.len()))),
    }
}

fn dumped(config: &Config, file: &Path) -> Outcome {
    if let Database::Sqlite(_) = config.database {
        return Err(Failure("MariaDB를 쓰는 가게의 사본만 기억해요. SQLite는 --backup으로 복사하세요.".to_owned()));
    }
    let dump = MariaDbDump::verify_file(file)?;
    let (storage, remembered) = (open_storage(config)?, dump.clone());
    block_on(async { Ok(storage.write(move |tx| remembered.save(tx)).await?) })?;
    writeln!(io::stdout(), "{}: 온전한 사본이에요. {} 바이트, {}", dump.name, dump.bytes, Moment(dump.at))?;
    Ok(Done::Whole)
}

fn make_key(config: &Config) -> Outcome {
    super::make_folder(&config.data, "--data")?;
    if Key::load(&config.data)?.is_some() {
        return Err(Failure(format!(
            "열쇠가 이미 있어요: {}\n열쇠는 처음 만들 때 한 번만 보여 줘요.",
            config.data.join(backup::KEY_FILE).display()
        )));
    }
    let key = Key::generate(&config.data)?;
    let mut out = io::stdout().lock();
    writeln!(out, "묶음 백업 열쇠 {}\n", key.id())?;
    for line in key.to_text().as_bytes().chunks(20) {
        writeln!(out, "  {}", String::from_utf8_lossy(line))?;
    }
    writeln!(out, "\n이 열쇠가 없으면 아무도 백업을 되살릴 수 없어요. 종이에 적어서 가게 밖에도 보관해 주세요.")?;
    writeln!(out, "다음에 프로그램을 켤 때부터 백업이 이 열쇠로 암호화돼요.")?;
    Ok(Done::Whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_told_in_full() {
        let status = TargetStatus {
            target: "file:///usb".to_owned(),
            copied_at: Some(1_710_464_400_123),
            supports_conditional_put: Some(false),
            ..TargetStatus::default()
        };
        let mut told = Vec::new();
        tell(&mut told, &status).expect("tells");
        let told = String::from_utf8(told).expect("text");
        assert!(
            told.contains("2024-03-15 10:00:00.123") && told.contains("아직 없음") && told.contains("조건부 쓰기"),
            "{told}"
        );
    }
}

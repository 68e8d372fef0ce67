//! `mukkeum restore`: the data of a backup as a file, as it is now or as it was at any moment.

use std::fs::{File, TryLockError};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Done, Failure, Outcome, block_on, make_folder, serve};
use crate::backup::{self, Key, RestoreError, RestoreOutcome};
use crate::config::Config;
use crate::time::{Moment, parse_moment};

#[derive(clap::Args)]
pub(super) struct Restore {
    /// 백업이 있는 곳 [기본값: 설정한 백업의 첫 번째]
    #[arg(long, value_name = "URL")]
    from: Option<String>,
    /// 되살린 데이터베이스를 쓸 파일
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// 되살릴 시각(한국 시간): "2026-11-22 10:00" 또는 "2026-11-22 10:00:05.123" [기본값: 가장 새로운 것]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<Moment>,
    /// 백업 열쇠를 적은 파일 [기본값: 데이터 폴더의 backup.key]
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// 있는 파일을 바꿔도 돼요
    #[arg(long)]
    overwrite: bool,
    /// 다른 프로그램이 읽을 수 있게 JSON으로
    #[arg(long)]
    json: bool,
}

fn moment(text: &str) -> Result<Moment, String> {
    parse_moment(text).ok_or_else(|| "2026-11-22 10:00 모양으로 적어 주세요".to_owned())
}

impl From<RestoreError> for Failure {
    fn from(error: RestoreError) -> Self {
        Self(error.to_string())
    }
}

impl Restore {
    pub(super) fn run(self, config: &Config) -> Outcome {
        let from = self.from.clone().or_else(|| config.backup.targets.first().cloned());
        let from = from.ok_or_else(|| Failure("백업이 있는 곳을 --from으로 알려 주세요.".to_owned()))?;
        let target = backup::open_target(&from).map_err(|error| Failure(error.to_string()))?;
        let key = key(self.key_file.as_deref(), config)?;
        if let Some(folder) = self.out.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            make_folder(folder, "--out")?;
        }
        let _lock = not_in_use(&self.out)?;
        let shows = io::stderr().is_terminal() && !self.json;
        let mut shown = usize::MAX;
        let mut progress = |done: usize, all: usize| {
            let percent = done * 100 / all.max(1);
            if shows && percent != std::mem::replace(&mut shown, percent) {
                // Nobody looks when it cannot be shown.
                let _ = write!(io::stderr(), "\r되살리고 있어요 {percent}%");
            }
        };
        let work = backup::restore(&target, key.as_ref(), self.at, &self.out, self.overwrite, &mut progress);
        let restored = block_on(async { Ok(work.await?) })?;
        if shows {
            let _ = writeln!(io::stderr());
        }
        self.tell(&restored)?;
        Ok(Done::Whole)
    }

    fn tell(&self, restored: &RestoreOutcome) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if self.json {
            let answer = json!({
                "out": self.out.display().to_string(),
                "at": restored.at.iso(),
                "at_ms": restored.at.0,
                "snapshot_at": restored.snapshot_at.iso(),
                "segments": restored.segments,
                "bytes": restored.bytes,
                "orders": restored.summary.orders,
                "newer": restored.newer.map(Moment::iso),
            });
            return writeln!(out, "{answer}");
        }
        writeln!(out, "{} 상태로 되살렸어요: {}", restored.at.precise(), self.out.display())?;
        writeln!(out, "  주문 {}건, 확인을 마친 데이터예요.", restored.summary.orders)?;
        if let Some(newer) = restored.newer {
            writeln!(out, "  더 새로운 기록({})은 전체 사본이 아직 없어서 담지 못했어요.", newer.precise())?;
        }
        Ok(())
    }
}

/// The key that somebody brought, or the shop's own.
pub(super) fn key(file: Option<&Path>, config: &Config) -> Result<Option<Key>, Failure> {
    let words = |error: &dyn std::fmt::Display| Failure(error.to_string());
    match file {
        Some(file) => Ok(Some(Key::parse(&std::fs::read_to_string(file)?).map_err(|error| words(&error))?)),
        None => Key::load(&config.data).map_err(|error| words(&error)),
    }
}

/// Refuses the file of a running shop, and keeps one from starting on it meanwhile.
fn not_in_use(out: &Path) -> Result<Option<File>, Failure> {
    let lock = out.with_file_name(serve::LOCK_NAME);
    let Ok(file) = File::options().write(true).open(&lock) else { return Ok(None) };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => {
            Err(Failure("켜져 있는 가게의 데이터예요. 프로그램을 끈 다음 되살려 주세요.".to_owned()))
        }
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

//! `mukkeum restore`: restores a backup into a file, at the newest or at a given moment.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::{CliError, CommandResult, Outcome, block_on, folder};
use crate::backup::{
    self, Key, RestoreError, RestoreOutcome, RestoreProofsError, RestoreRequestsError, RestoredProofs,
};
use crate::config::{Config, REQUESTS_EXTENSION};
use crate::privacy::answered::RepeatedRequests;
use crate::proofs::files::{PROOFS_FOLDER, ProofFiles};
use crate::time::{Moment, parse_moment};

#[derive(clap::Args)]
pub(super) struct Restore {
    /// 백업 위치 [기본값: 설정한 첫 번째 백업]
    #[arg(long, value_name = "URL")]
    from: Option<String>,
    /// 복원한 데이터베이스를 저장할 파일
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// 복원할 시점(한국 시간): "2026-11-22 10:00" 또는 "2026-11-22 10:00:05.123" [기본값: 최신]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<Moment>,
    /// 백업 열쇠 파일 [기본값: 데이터 폴더의 backup.key]
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// 암호화하지 않은 백업을 복원해요. 누가 바꾸었는지 확인하지 못하니 믿을 수 있는 곳에서만 쓰세요
    #[arg(long, conflicts_with = "key_file")]
    unsealed: bool,
    /// 파일이 이미 있으면 덮어써요
    #[arg(long)]
    overwrite: bool,
    /// JSON으로 출력해요
    #[arg(long)]
    json: bool,
}

fn moment(text: &str) -> Result<Moment, String> {
    parse_moment(text).ok_or_else(|| "2026-11-22 10:00 모양으로 입력해 주세요".to_owned())
}

impl From<RestoreError> for CliError {
    fn from(error: RestoreError) -> Self {
        Self(error.to_string())
    }
}

impl From<RestoreProofsError> for CliError {
    fn from(error: RestoreProofsError) -> Self {
        Self(error.to_string())
    }
}

impl From<RestoreRequestsError> for CliError {
    fn from(error: RestoreRequestsError) -> Self {
        Self(error.to_string())
    }
}

impl Restore {
    pub(super) fn run(self, config: &Config) -> CommandResult {
        let from = self.from.clone().or_else(|| config.backup.targets.first().cloned());
        let from = from.ok_or_else(|| CliError("백업이 있는 곳을 --from으로 알려 주세요.".to_owned()))?;
        // What 설정 has saved for this address; nothing for another.
        let credentials = config.backup.credentials.of(from.trim_end_matches('/'));
        let target = backup::open_target_with(&from, credentials).map_err(|error| CliError(error.to_string()))?;
        let key = self.key(config)?;
        if let Some(folder) = self.out.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            folder::create(folder, "--out")?;
        }
        let _lock = lock_folder_of(&self.out)?;
        let shows = io::stderr().is_terminal() && !self.json;
        let mut shown = u64::MAX;
        let mut progress = |done: u64, all: u64| {
            let percent = done * 100 / all.max(1);
            if shows && percent != std::mem::replace(&mut shown, percent) {
                // The progress is optional: continue if stderr is closed.
                let _ = write!(io::stderr(), "\r복원하고 있어요 {percent}%");
            }
        };
        let files = self.proof_files(config)?;
        let work = backup::restore_beside(&target, key.as_ref(), self.at, &self.out, self.overwrite, &mut progress);
        let restored = block_on(async { Ok(work.await?) })?;
        // The database comes last: with it the shop is whole, and before nothing has changed.
        let (from, beside) = ((&target, key.as_ref()), backup::beside(&self.out));
        let requests_file = self.out.with_added_extension(REQUESTS_EXTENSION);
        let rest = block_on(async {
            let proofs = backup::restore_proofs(from, &beside, &files, &mut |_, _| ()).await?;
            let requests = backup::restore_requests(from, &beside, &requests_file).await?;
            backup::install(&beside, &self.out)?;
            Ok((proofs, requests))
        });
        if rest.is_err() {
            backup::discard(&self.out)?;
        }
        let (proofs, requests) = rest?;
        if shows {
            let _ = writeln!(io::stderr());
        }
        self.print(&restored, &proofs, &requests)?;
        Ok(if proofs.missing.is_empty() { Outcome::Complete } else { Outcome::Partial })
    }

    /// Where the photographs belong: the object store of the settings, or the folder of the database.
    fn proof_files(&self, config: &Config) -> Result<ProofFiles, CliError> {
        if config.proofs.is_some() {
            return ProofFiles::open(config).map_err(|error| CliError(error.to_string()));
        }
        Ok(ProofFiles::in_folder(self.out.parent().unwrap_or(Path::new("")).join(PROOFS_FOLDER)))
    }

    /// The key in the given file, or else the key of the data folder; None if the backup is to be restored unsealed.
    fn key(&self, config: &Config) -> Result<Option<Key>, CliError> {
        if self.unsealed {
            return Ok(None);
        }
        let failed = |error: &dyn std::fmt::Display| CliError(error.to_string());
        let key = match &self.key_file {
            Some(file) => Some(Key::parse(&std::fs::read_to_string(file)?).map_err(|error| failed(&error))?),
            None => Key::load(&config.data).map_err(|error| failed(&error))?,
        };
        key.map(Some).ok_or_else(|| {
            let advice = "종이에 적어 둔 열쇠를 파일에 저장해 --key-file로 알려 주세요. 암호화하지 않은 백업이면 --unsealed를 붙이세요.";
            CliError(format!("백업을 여는 열쇠가 없어요. {advice}"))
        })
    }

    fn print(&self, restored: &RestoreOutcome, proofs: &RestoredProofs, requests: &RepeatedRequests) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if self.json {
            let result = json!({
                "out": self.out.display().to_string(),
                "at": restored.at.iso(),
                "at_ms": restored.at.0,
                "snapshot_at": restored.snapshot_at.iso(),
                "segments": restored.segments,
                "bytes": restored.bytes,
                "orders": restored.summary.orders,
                "newer": restored.newer.map(Moment::iso),
                "photos": proofs.restored + proofs.present,
                "photos_missing": proofs.missing,
                "requests_repeated": requests.by_program.len(),
                "requests_to_repeat": requests.by_members.len(),
                "requests_unreadable": requests.is_unreadable,
            });
            return writeln!(out, "{result}");
        }
        writeln!(out, "{} 상태로 복원했어요: {}", restored.at.precise(), self.out.display())?;
        writeln!(out, "  주문 {}건, 확인을 마친 데이터예요.", restored.summary.orders)?;
        if proofs.restored > 0 {
            writeln!(out, "  배송 증빙 사진 {}장을 복원했어요.", proofs.restored)?;
        }
        if !proofs.missing.is_empty() {
            writeln!(
                out,
                "  백업에 없거나 깨진 사진이 {}장 있어요: {}",
                proofs.missing.len(),
                first_names(&proofs.missing)
            )?;
        }
        for sentence in requests.sentences() {
            writeln!(out, "  {sentence}")?;
        }
        if let Some(newer) = restored.newer {
            writeln!(out, "  더 새로운 기록({})은 전체 백업이 아직 없어서 담지 못했어요.", newer.precise())?;
        }
        Ok(())
    }
}

/// The first names of a list.
fn first_names(names: &[String]) -> String {
    let more = if names.len() > 5 { " …" } else { "" };
    format!("{}{more}", names.iter().take(5).cloned().collect::<Vec<_>>().join(", "))
}

/// Locks the folder of the output file, which may be the database of a shop.
fn lock_folder_of(out: &Path) -> Result<Option<File>, CliError> {
    let running = || CliError("켜져 있는 가게의 데이터예요. 프로그램을 끈 다음 복원해 주세요.".to_owned());
    folder::lock_if_used(out.parent().unwrap_or(Path::new("")), running)
}

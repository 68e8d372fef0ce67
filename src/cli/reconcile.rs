//! `mukkeum reconcile`: compares a channel's own list with the shop, as the page 마감 대조 does, and keeps the report.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use serde::Serialize;

use super::export::channel_code;
use super::import::first_line;
use super::{CliError, CommandResult, Outcome, block_on, open_existing};
use crate::config::Config;
use crate::districts::DistrictCache;
use crate::id::crockford;
use crate::reconcile::model::{Discrepancy, DiscrepancyRow, Tally};
use crate::reconcile::{ReconcileOptions, ReconcileOutcome, reconcile};
use crate::time::parse_date;
use crate::uploads::Uploads;

#[derive(clap::Args)]
pub(super) struct Reconcile {
    /// 판매채널에서 받은 주문 목록이나 정산 목록
    #[arg(required = true, value_name = "FILE")]
    paths: Vec<PathBuf>,
    /// 판매채널의 코드나 이름 [기본값: 파일에서 자동 인식]
    #[arg(long, value_name = "NAME")]
    channel: Option<String>,
    /// 첫 주문일(포함), YYYY-MM-DD [기본값: 파일의 첫 주문일]
    #[arg(long, value_name = "DATE", requires = "to")]
    from: Option<String>,
    /// 마지막 주문일(포함), YYYY-MM-DD [기본값: 파일의 마지막 주문일]
    #[arg(long, value_name = "DATE", requires = "from")]
    to: Option<String>,
    /// 첫 줄에 엑셀 파일의 비밀번호가 있는 파일. -는 표준 입력
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// JSON으로 출력해요
    #[arg(long)]
    json: bool,
}

/// The result for one file; also the JSON output.
#[derive(Serialize)]
#[serde(untagged)]
enum FileResult {
    Reconciled(Box<ReconciledFile>),
    Refused { file: String, refused: String },
}

#[derive(Serialize)]
struct ReconciledFile {
    file: String,
    report: String,
    sales_channel: String,
    listed: Tally,
    matched: Tally,
    repeated: i64,
    unread: i64,
    notes: Vec<String>,
    missing_here: Tally,
    missing_there: Tally,
    amount_differs: Tally,
    state_differs: Tally,
    rows: Vec<DiscrepancyRow>,
}

impl Reconcile {
    pub(super) fn run(self, config: &Config) -> CommandResult {
        let password = self.password_file.as_deref().map(first_line).transpose()?;
        let (from, to) = (day("from", self.from.as_deref())?, day("to", self.to.as_deref())?);
        if from.zip(to).is_some_and(|(from, to)| to < from) {
            return Err(CliError("--to: --from보다 빨라요.".to_owned()));
        }
        let uploads = Uploads::open(&open_existing(config)?, config, DistrictCache::default())?;
        let profiles = block_on(async { Ok(uploads.profiles().await?) })?;
        let channel = self.channel.map(|given| {
            let known = profiles.all().iter().map(|profile| (&*profile.code, &*profile.name));
            channel_code(known, &given).unwrap_or(given)
        });
        let options = ReconcileOptions { channel, from, to };
        let results = block_on(async {
            let mut results = Vec::with_capacity(self.paths.len());
            for path in &self.paths {
                results.push(compare_file(&uploads, path, password.as_deref(), &options).await);
            }
            Ok(results)
        })?;
        let mut out = io::stdout().lock();
        if self.json {
            match &results[..] {
                [one] => serde_json::to_writer(&mut out, one).map_err(io::Error::from)?,
                all => serde_json::to_writer(&mut out, all).map_err(io::Error::from)?,
            }
            writeln!(out)?;
        } else {
            results.iter().try_for_each(|result| print(&mut out, result))?;
        }
        outcome(&results)
    }
}

fn day(flag: &str, text: Option<&str>) -> Result<Option<NaiveDate>, CliError> {
    text.map(|text| {
        parse_date(text).ok_or_else(|| CliError(format!("--{flag} '{text}': 2024-03-15처럼 입력해 주세요.")))
    })
    .transpose()
}

async fn compare_file(
    uploads: &Uploads,
    path: &Path,
    password: Option<&str>,
    options: &ReconcileOptions,
) -> FileResult {
    let file = path.display().to_string();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return FileResult::Refused { file, refused: format!("파일을 읽지 못했어요: {error}") },
    };
    match reconcile(uploads, None, &name, bytes, password, options).await {
        Err(error) => FileResult::Refused { file, refused: CliError::from(error).to_string() },
        Ok(ReconcileOutcome { id, channel_code, unread, notes, comparison }) => {
            FileResult::Reconciled(Box::new(ReconciledFile {
                file,
                report: crockford(id),
                sales_channel: channel_code,
                listed: comparison.listed,
                matched: comparison.matched,
                repeated: comparison.repeated,
                unread,
                notes,
                missing_here: comparison.tally(Discrepancy::MissingHere),
                missing_there: comparison.tally(Discrepancy::MissingThere),
                amount_differs: comparison.tally(Discrepancy::AmountDiffers),
                state_differs: comparison.tally(Discrepancy::StateDiffers),
                rows: comparison.rows,
            }))
        }
    }
}

fn print(out: &mut impl Write, result: &FileResult) -> io::Result<()> {
    match result {
        FileResult::Refused { file, refused } => writeln!(out, "{file}: {refused}"),
        FileResult::Reconciled(found) => {
            writeln!(out, "{}: 목록 {}건, 일치 {}건", found.file, found.listed.orders, found.matched.orders)?;
            for note in &found.notes {
                writeln!(out, "  {note}")?;
            }
            if found.unread > 0 {
                writeln!(out, "  주문번호를 알 수 없는 {}행은 빼고 대조했어요", found.unread)?;
            }
            for (finding, tally) in [
                (Discrepancy::MissingHere, found.missing_here),
                (Discrepancy::MissingThere, found.missing_there),
                (Discrepancy::AmountDiffers, found.amount_differs),
                (Discrepancy::StateDiffers, found.state_differs),
            ] {
                writeln!(out, "{} {}건", finding.label(), tally.orders)?;
            }
            writeln!(out, "대조 결과는 마감 대조 화면에 있어요: /reconcile/{}", found.report)
        }
    }
}

/// Complete if every row of every list could be read and every order matches.
fn outcome(results: &[FileResult]) -> CommandResult {
    let refusals: Vec<String> = results
        .iter()
        .filter_map(|result| match result {
            FileResult::Refused { file, refused } => Some(format!("{file}: {refused}")),
            FileResult::Reconciled(_) => None,
        })
        .collect();
    if refusals.len() == results.len() {
        return Err(CliError(refusals.join("\n")));
    }
    let is_equal = results.iter().all(|result| match result {
        FileResult::Reconciled(found) => found.rows.is_empty() && found.unread == 0,
        FileResult::Refused { .. } => false,
    });
    Ok(if is_equal { Outcome::Complete } else { Outcome::Partial })
}

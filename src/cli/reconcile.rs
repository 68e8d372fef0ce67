//! `mukkeum reconcile`: compares a channel's own list with the shop, as the page 마감 대조 does, and keeps the report.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use chrono::NaiveDate;
use serde::Serialize;

use super::export::channel_code;
use super::import::first_line;
use super::{CliError, CommandResult, Outcome, block_on, open_existing};
use crate::config::Config;
use crate::districts::DistrictCache;
use crate::reconcile::model::{ListFinding, ReportRow, Tally};
use crate::reconcile::{ListFile, ReconcileOptions, ReconcileOutcome, reconcile};
use crate::time::parse_date;
use crate::uploads::Uploads;

#[derive(clap::Args)]
pub(super) struct Reconcile {
    /// 판매채널에서 받은 주문 목록이나 정산 목록. 같은 판매채널의 같은 목록은 하나로 이어서 대조해요
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

/// The result for the files of one channel and kind, or for a rejected file; also the JSON output.
#[derive(Serialize)]
#[serde(untagged)]
enum ListResult {
    Reconciled(Box<ReconciledList>),
    Refused { file: String, refused: String },
}

#[derive(Serialize)]
struct ReconciledList {
    /// the first file
    file: String,
    files: Vec<String>,
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
    rows: Vec<DifferenceRow>,
}

#[derive(Serialize)]
struct DifferenceRow {
    #[serde(flatten)]
    row: ReportRow,
    /// its file, of several
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
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
        let names: Vec<String> = self.paths.iter().map(|path| path.display().to_string()).collect();
        // Results in the order of their first files.
        let mut results: Vec<(usize, ListResult)> = Vec::new();
        let (mut files, mut read) = (Vec::new(), Vec::new());
        for (index, path) in self.paths.iter().enumerate() {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            match std::fs::read(path) {
                Ok(bytes) => {
                    files.push(ListFile { name, bytes: Arc::new(bytes) });
                    read.push(index);
                }
                Err(error) => {
                    let refused = format!("파일을 읽지 못했어요: {error}");
                    results.push((index, ListResult::Refused { file: names[index].clone(), refused }));
                }
            }
        }
        let done = block_on(async { Ok(reconcile(&uploads, None, &files, password.as_deref(), &options).await?) })?;
        for (index, error) in done.rejected {
            let refused = CliError::from(error).to_string();
            results.push((read[index], ListResult::Refused { file: names[read[index]].clone(), refused }));
        }
        for report in done.reports {
            let files: Vec<String> = report.files.iter().map(|index| names[read[*index]].clone()).collect();
            let first = report.files.first().map_or(0, |index| read[*index]);
            results.push((first, ListResult::Reconciled(Box::new(reconciled(files, &report)))));
        }
        results.sort_by_key(|(index, _)| *index);
        let results: Vec<ListResult> = results.into_iter().map(|(_, result)| result).collect();
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

fn reconciled(files: Vec<String>, report: &ReconcileOutcome) -> ReconciledList {
    let comparison = &report.comparison;
    let row = |row: &ReportRow| DifferenceRow {
        file: files.get(row.file).filter(|_| files.len() > 1 && row.row.is_some()).cloned(),
        row: row.clone(),
    };
    ReconciledList {
        file: files.first().cloned().unwrap_or_default(),
        report: report.id.to_string(),
        sales_channel: report.channel_code.clone(),
        listed: comparison.listed,
        matched: comparison.tally(ListFinding::Matched),
        repeated: comparison.tally(ListFinding::Repeated).orders,
        unread: comparison.tally(ListFinding::Unread).orders,
        notes: report.notes.clone(),
        missing_here: comparison.tally(ListFinding::MissingHere),
        missing_there: comparison.tally(ListFinding::MissingThere),
        amount_differs: comparison.tally(ListFinding::AmountDiffers),
        state_differs: comparison.tally(ListFinding::StateDiffers),
        rows: comparison.differences().map(row).collect(),
        files,
    }
}

fn print(out: &mut impl Write, result: &ListResult) -> io::Result<()> {
    match result {
        ListResult::Refused { file, refused } => writeln!(out, "{file}: {refused}"),
        ListResult::Reconciled(found) => {
            let files = found.files.join(", ");
            writeln!(out, "{files}: 목록 {}건, 일치 {}건", found.listed.orders, found.matched.orders)?;
            for note in &found.notes {
                writeln!(out, "  {note}")?;
            }
            for (label, rows) in [
                (ListFinding::MissingHere.label(), found.missing_here.orders),
                (ListFinding::MissingThere.label(), found.missing_there.orders),
                (ListFinding::AmountDiffers.label(), found.amount_differs.orders),
                (ListFinding::StateDiffers.label(), found.state_differs.orders),
            ] {
                writeln!(out, "{label} {rows}건")?;
            }
            for (finding, rows) in [(ListFinding::Unread, found.unread), (ListFinding::Repeated, found.repeated)] {
                if rows > 0 {
                    writeln!(out, "{} {rows}행은 빼고 대조했어요", finding.label())?;
                }
            }
            writeln!(out, "대조 결과는 마감 대조 화면에 있어요: /reconcile/{}", found.report)
        }
    }
}

/// Complete if every row of every list could be read and every order matches.
fn outcome(results: &[ListResult]) -> CommandResult {
    let refusals: Vec<String> = results
        .iter()
        .filter_map(|result| match result {
            ListResult::Refused { file, refused } => Some(format!("{file}: {refused}")),
            ListResult::Reconciled(_) => None,
        })
        .collect();
    if refusals.len() == results.len() {
        return Err(CliError(refusals.join("\n")));
    }
    let is_equal = results.iter().all(|result| match result {
        ListResult::Reconciled(found) => found.rows.is_empty() && found.unread == 0,
        ListResult::Refused { .. } => false,
    });
    Ok(if is_equal { Outcome::Complete } else { Outcome::Partial })
}

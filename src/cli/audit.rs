//! `mukkeum audit`: exports and verifies the access records ([`access`], not the audit log), also while
//! the server runs.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use super::{CliError, CommandResult, Outcome, block_on, no_shop, open_existing, open_read_only};
use crate::access::list::{self, AccessFilter};
use crate::access::{self, Accessor, ChainFault, ChainReport};
use crate::config::Config;
use crate::members::store;
use crate::storage::StorageError;
use crate::time::parse_date;

#[derive(Subcommand)]
pub(super) enum Audit {
    /// 접속기록을 한 줄에 하나씩 JSON으로 저장해요
    Export(Export),
    /// 모든 기록의 지문을 다시 계산해서, 바뀌거나 빠진 기록을 찾아요
    Verify(Verify),
}

#[derive(clap::Args)]
pub(super) struct Export {
    /// 첫날(포함), YYYY-MM-DD
    #[arg(long, value_name = "DATE")]
    from: Option<String>,
    /// 마지막 날(포함), YYYY-MM-DD
    #[arg(long, value_name = "DATE")]
    to: Option<String>,
    /// 이 회원의 기록만
    #[arg(long, value_name = "USERNAME")]
    member: Option<String>,
    /// 용도. 접속기록에 남아요
    #[arg(long, value_name = "WORDS", default_value = "")]
    purpose: String,
    /// 저장할 파일(.jsonl). -는 표준 출력
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(clap::Args)]
pub(super) struct Verify {
    /// 따로 적어 둔 지문과도 비교해요. 예: 1234:9f86d0…
    #[arg(long, value_name = "NUMBER:DIGEST")]
    digest: Vec<String>,
    /// JSON으로 출력해요
    #[arg(long)]
    json: bool,
}

impl Audit {
    pub(super) fn run(self, config: &Config) -> CommandResult {
        match self {
            Self::Export(export) => export.run(config),
            Self::Verify(verify) => verify.run(config),
        }
    }
}

impl Export {
    fn run(self, config: &Config) -> CommandResult {
        let day = |flag: &str, text: &Option<String>| match text {
            Some(text) => parse_date(text)
                .map(Some)
                .ok_or_else(|| CliError(format!("--{flag} '{text}': 2024-03-15처럼 입력해 주세요."))),
            None => Ok(None),
        };
        let (from, to) = (day("from", &self.from)?, day("to", &self.to)?);
        let storage = open_existing(config)?;
        let is_stdout = self.out.as_os_str() == "-";
        let path = self.out.display().to_string();
        let count = block_on(async {
            let member_id = match self.member {
                Some(name) => Some(storage.read(move |tx| store::find_id(tx, &name)).await??),
                None => None,
            };
            let filter = AccessFilter { member_id, from, to, ..AccessFilter::default() };
            let out = self.out.clone();
            let count = storage
                .read(move |tx| {
                    let file: Box<dyn Write> =
                        if is_stdout { Box::new(io::stdout().lock()) } else { Box::new(File::create(&out)?) };
                    let (mut file, mut count) = (BufWriter::new(file), 0_u64);
                    let mut failed = None;
                    list::for_each(tx, &filter, &mut |record, username| {
                        count += 1;
                        writeln!(file, "{}", record.to_json(username)).map_err(|error| {
                            let message = error.to_string();
                            failed = Some(error);
                            StorageError::CannotOpen(message)
                        })
                    })
                    .map_err(|error| failed.take().map_or_else(|| CliError::from(error), CliError::from))?;
                    file.flush()?;
                    Ok::<_, CliError>(count)
                })
                .await?;
            let (source, purpose) = (format!("audit export?rows={count}"), self.purpose);
            let record = move |tx: &mut dyn crate::storage::Tx| {
                access::record_download(tx, Accessor::CommandLine, &source, &purpose, access::AccessedOrders::NONE)
            };
            storage.write(record).await?;
            Ok(count)
        })?;
        if !is_stdout {
            writeln!(io::stdout().lock(), "기록 {count}개를 {path}에 저장했어요.")?;
        }
        Ok(Outcome::Complete)
    }
}

/// Parses `NUMBER:DIGEST`.
fn parse_digest(text: &str) -> Result<(i64, String), CliError> {
    let parsed = text.split_once(':').and_then(|(number, digest)| {
        let is_digest = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        Some((number.parse().ok()?, digest.to_ascii_lowercase())).filter(|_| is_digest)
    });
    parsed.ok_or_else(|| CliError(format!("--digest '{text}': 1234:9f86d0…처럼 번호와 지문 64자를 입력해 주세요.")))
}

impl Verify {
    fn run(&self, config: &Config) -> CommandResult {
        let known = self.digest.iter().map(|text| parse_digest(text)).collect::<Result<Vec<_>, _>>()?;
        let storage = open_read_only(config)?.ok_or_else(|| no_shop(config))?;
        storage.require_current_schema()?;
        let report = block_on(async { Ok(storage.read(move |tx| access::verify(tx, &known)).await?) })?;
        self.print(&report)?;
        match report.faults.len() {
            0 => Ok(Outcome::Complete),
            count => Err(CliError(format!("접속기록에서 잘못된 곳을 {count}군데 찾았어요."))),
        }
    }

    fn print(&self, report: &ChainReport) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if self.json {
            let faults: Vec<_> = report.faults.iter().map(json_of).collect();
            let report = json!({
                "records": report.records,
                "first": report.first,
                "last": report.last,
                "digest": report.digest,
                "seals": report.seals,
                "faults": faults,
            });
            return writeln!(out, "{report}");
        }
        for fault in &report.faults {
            writeln!(out, "{}", fault.sentence())?;
        }
        if report.faults.is_empty() {
            writeln!(
                out,
                "기록 {}개와 날마다의 지문 {}개를 확인했어요. 바뀌거나 빠진 것이 없어요.",
                report.records, report.seals
            )?;
            writeln!(out, "지금의 지문: {}:{}", report.last, report.digest)?;
        }
        Ok(())
    }
}

fn json_of(fault: &ChainFault) -> serde_json::Value {
    let (kind, details) = match fault {
        ChainFault::Missing { from, to } => ("missing", json!({ "from": from, "to": to })),
        ChainFault::Changed { sequence } => ("changed", json!({ "sequence": sequence })),
        ChainFault::SealMismatch { day } => ("seal", json!({ "day": day.to_string() })),
        ChainFault::EarlyPurge { day } => ("purge", json!({ "day": day.to_string() })),
        ChainFault::InspectionMismatch { month } => ("inspection", json!({ "month": month.to_string() })),
        ChainFault::Unindexed { orders } => ("unindexed", json!({ "orders": orders })),
        ChainFault::OtherDigest { sequence } => ("digest", json!({ "sequence": sequence })),
    };
    json!({ "kind": kind, "details": details, "message": fault.sentence() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_has_a_number_and_64_digits() {
        let digest = "AB".repeat(32);
        assert_eq!(parse_digest(&format!("12:{digest}")).expect("valid"), (12, digest.to_ascii_lowercase()));
        for invalid in ["12", "12:ab", &format!("x:{digest}"), &format!("12:{}", "zz".repeat(32))] {
            assert!(parse_digest(invalid).is_err(), "{invalid}");
        }
    }
}

//! `mukkeum import districts`: imports official postal code lists, as the page of lists does. All files
//! together are one list. Exit codes: 0 imported (or previewed with `--dry-run`), 2 rejected and nothing
//! changed.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use chrono::NaiveDate;
use serde::Serialize;
use serde_json::json;

use super::{CliError, CommandResult, Outcome, block_on, open_existing, open_storage};
use crate::audit::{self, Actor, AuditEvent, AuditObject};
use crate::config::Config;
use crate::districts::diff::TableDiff;
use crate::districts::official::{ListParser, ParseReport, ParsedList};
use crate::districts::{self, DistrictCache, store};
use crate::orders::classification;
use crate::orders::store::classification::affected;
use crate::storage::{Storage, StorageError};
use crate::time::parse_date;

/// Maximum number of regions of each kind that the text output lists.
const MAX_PRINTED_REGIONS: usize = 100;

#[derive(clap::Args)]
pub(super) struct Districts {
    /// 내려받은 .txt나 .zip 파일. 여러 파일은 한 목록으로 읽어요
    #[arg(required = true, value_name = "FILE")]
    paths: Vec<PathBuf>,
    /// 적용할 날짜 [기본값: 오늘]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    valid_from: Option<NaiveDate>,
    /// 바뀔 내용을 보여 주기만 해요
    #[arg(long)]
    dry_run: bool,
    /// JSON으로 출력해요
    #[arg(long)]
    json: bool,
}

fn day(text: &str) -> Result<NaiveDate, String> {
    parse_date(text).ok_or_else(|| "날짜를 2026-07-01처럼 입력해 주세요.".to_owned())
}

/// The result; also the JSON output.
#[derive(Serialize)]
struct ImportResult {
    kind: &'static str,
    #[serde(flatten)]
    report: ParseReport,
    valid_from: NaiveDate,
    codes_moved: u32,
    orders_affected: u64,
    applied: bool,
    #[serde(flatten)]
    change: TableDiff,
}

impl Districts {
    pub(super) fn run(self, config: &Config) -> CommandResult {
        let storage = if self.dry_run { open_existing(config)? } else { open_storage(config)? };
        let imported = block_on(async {
            let shared = DistrictCache::default();
            let cache = shared.clone();
            let known = storage.read(move |tx| cache.current(tx)).await?;
            let listing = self.read(&known)?;
            let valid_from = self.valid_from(&known, storage.clock().now().date())?;
            import(&storage, &shared, listing, valid_from, !self.dry_run).await
        });
        let result = match imported {
            Err(CliError(refused)) if self.json => {
                let files: Vec<String> = self.paths.iter().map(|path| path.display().to_string()).collect();
                writeln!(io::stdout().lock(), "{}", json!({ "files": files, "refused": refused }))?;
                return Err(CliError(refused));
            }
            imported => imported?,
        };
        let mut out = io::stdout().lock();
        let written = if self.json {
            writeln!(out, "{}", serde_json::to_string(&result).map_err(io::Error::from)?)
        } else {
            result.print(&mut out)
        };
        match written {
            // A closed pipe (`| head`) does not change the result.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(Outcome::Complete),
        }
    }

    fn read(&self, known: &districts::Districts) -> Result<ParsedList, CliError> {
        let mut parser = ListParser::new(known);
        for path in &self.paths {
            let failed = |reason: &dyn std::fmt::Display| CliError(format!("{}: {reason}", path.display()));
            let file = File::open(path).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => failed(&"파일이 없어요."),
                _ => failed(&format!("파일을 읽지 못했어요: {error}")),
            })?;
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            parser.parse(&name, file).map_err(|refusal| failed(&refusal))?;
        }
        parser.finish().map_err(|refusal| CliError(refusal.to_string()))
    }

    fn valid_from(&self, known: &districts::Districts, today: NaiveDate) -> Result<NaiveDate, CliError> {
        let (first, last) = known.valid_from_bounds(today);
        let day = self.valid_from.unwrap_or(last);
        if (first..=last).contains(&day) {
            Ok(day)
        } else {
            Err(CliError(format!("--valid-from {day}: {first}부터 {last} 사이의 날짜여야 해요.")))
        }
    }
}

/// Compares the list with the current table, and applies it if `apply` is true.
async fn import(
    storage: &Storage,
    shared: &DistrictCache,
    listing: ParsedList,
    valid_from: NaiveDate,
    apply: bool,
) -> Result<ImportResult, CliError> {
    let report = listing.report.clone();
    let known = shared.clone();
    let compared = storage
        .read(move |tx| {
            let before = known.current(tx)?;
            let after = (*before)
                .clone()
                .with_list(&listing.regions, &listing.ranges, valid_from)
                .map_err(|error| StorageError::Inconsistent(error.to_string()))?;
            let affected = affected(tx, &after)?;
            Ok::<_, StorageError>((listing.clone(), TableDiff::between(&before, &after), affected))
        })
        .await?;
    let (listing, change, orders_affected) = compared;
    if apply {
        storage
            .write(move |tx| {
                let id = store::insert_preview(tx, &listing, None)?;
                store::apply(tx, id, valid_from)?;
                let event = AuditEvent::DistrictListApplied { valid_from: valid_from.to_string() };
                audit::record(tx, Actor::CommandLine, AuditObject::one(id), &event)
            })
            .await?;
        classification::finish(storage, shared).await?;
    }
    let codes_moved = change.moved_codes();
    Ok(ImportResult { kind: "districts", report, valid_from, codes_moved, orders_affected, applied: apply, change })
}

impl ImportResult {
    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let Self { report, change, .. } = self;
        writeln!(out, "{}: 주소 {}개를 읽었어요.", report.files.join(", "), report.addresses)?;
        writeln!(
            out,
            "{}부터: 바뀌는 우편번호 {}개, 다시 분류할 주문 {}건",
            self.valid_from, self.codes_moved, self.orders_affected
        )?;
        for region in change.added_regions.iter().take(MAX_PRINTED_REGIONS) {
            writeln!(out, "  새 지역 {} {}", region.code, region.full_name)?;
        }
        for one in change.renamed.iter().take(MAX_PRINTED_REGIONS) {
            writeln!(out, "  이름 바뀜 {} → {}", one.was, one.is)?;
        }
        for region in change.removed_regions.iter().take(MAX_PRINTED_REGIONS) {
            writeln!(out, "  없어짐 {}", region.full_name)?;
        }
        for one in change.moved.iter().take(MAX_PRINTED_REGIONS) {
            let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "미분류".to_owned());
            writeln!(out, "  {} → {}: 우편번호 {}개 ({} …)", name(&one.was), name(&one.is), one.codes, one.example)?;
        }
        if change.general_gu > 0 {
            writeln!(out, "  일반구가 새로 정해지는 우편번호 {}개", change.general_gu)?;
        }
        for name in report.unknown.iter().take(MAX_PRINTED_REGIONS) {
            writeln!(out, "  모르는 지역 {name}: 넣지 않았어요")?;
        }
        writeln!(out, "{}", if self.applied { "적용했어요." } else { "미리 보기예요. 아무것도 바꾸지 않았어요." })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::districts::official::tests::{HEADER, postal};

    /// A configuration with an empty data folder, and a file with the list.
    fn shop(list: &str) -> (tempfile::TempDir, Config, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let config = Config::defaults(&folder.path().join("data")).expect("the defaults");
        let path = folder.path().join("경상북도.txt");
        std::fs::write(&path, list).expect("writes");
        (folder, config, path)
    }

    fn districts(path: &std::path::Path, dry_run: bool) -> Districts {
        Districts { paths: vec![path.to_owned()], valid_from: None, dry_run, json: true }
    }

    fn name(config: &Config) -> Option<String> {
        let storage = open_storage(config).map_err(|failure| failure.0).expect("opens");
        let found = block_on(async {
            Ok(storage
                .read(|tx| {
                    Ok::<_, StorageError>(DistrictCache::default().current(tx)?.full_name("37683").map(str::to_owned))
                })
                .await?)
        });
        found.map_err(|failure| failure.0).expect("reads")
    }

    #[test]
    fn dry_run_changes_nothing_and_import_applies_at_once() {
        let list = [HEADER.to_owned(), postal("37683", "경상북도", "새시", "47999")].join("\n");
        let (_folder, config, path) = shop(&list);
        assert!(districts(&path, true).run(&config).is_err(), "there is no shop");
        assert_eq!(name(&config).as_deref(), Some("경상북도 포항시 남구"));
        assert!(matches!(districts(&path, true).run(&config), Ok(Outcome::Complete)));
        assert_eq!(name(&config).as_deref(), Some("경상북도 포항시 남구"));
        assert!(matches!(districts(&path, false).run(&config), Ok(Outcome::Complete)));
        assert_eq!(name(&config).as_deref(), Some("경상북도 새시"));
    }

    #[test]
    fn other_file_is_rejected_with_its_name() {
        let (_folder, config, path) = shop("이름,전화\n홍길동,010-0000-0000\n");
        let refused = districts(&path, false).run(&config).map(|_| ()).expect_err("refused").0;
        assert!(refused.contains("경상북도.txt: 우체국 우편번호 DB"), "{refused}");
        let missing = districts(&path.with_extension("zip"), false).run(&config).map(|_| ()).expect_err("refused").0;
        assert!(missing.contains("파일이 없어요"), "{missing}");
    }
}

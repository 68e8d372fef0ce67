//! `mukkeum import`: uploads files, as the upload page does.
//!
//! Each file is a separate atomic upload, which the list of uploads shows. With `--json` stdout is one object
//! for one file, and an array in the given order for several files. Exit codes: 0 all rows accepted or
//! unchanged, 1 some rows or files rejected or values left to decide, 2 all files rejected.

mod undo;

use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde::Serialize;

use super::districts::Districts;
use super::export::{channel_code, resolve_numbers};
use super::progress::block_on_showing;
use super::{CliError, CommandResult, Outcome, block_on, open_existing, open_storage};
use crate::audit::Actor;
use crate::channels::{FileError, FileKind, Profiles};
use crate::config::Config;
use crate::districts::DistrictCache;
use crate::id::UploadId;
use crate::orders::findings::{FoundProduct, FoundVariant};
use crate::sheets::SheetError;
use crate::uploads::{self, ImportOptions, OpenError, Report, RowReport, Stage, UploadError, Uploads, parse, store};

/// Maximum number of rejected rows that the text output lists.
const MAX_PRINTED_ROWS: usize = 200;

#[derive(Subcommand)]
pub(super) enum Import {
    /// 판매채널의 주문 파일을 올려요
    Orders(Files),
    /// 택배사의 송장 파일을 올려요
    Tracking(TrackingFiles),
    /// 판매채널의 구매확정, 취소, 반품, 교환 파일을 올려요
    States(Files),
    /// 우체국 우편번호 DB나 도로명주소 변동분으로 지역을 갱신해요
    Districts(Districts),
    /// 적용한 업로드를 통째로 되돌려요
    Undo(undo::Undo),
}

#[derive(clap::Args)]
pub(super) struct Files {
    /// 올릴 파일
    #[arg(required = true, value_name = "FILE")]
    paths: Vec<PathBuf>,
    /// 판매채널의 코드나 이름(송장 파일은 택배사) [기본값: 파일에서 자동 인식]
    #[arg(long, value_name = "NAME")]
    channel: Option<String>,
    /// 파일에 택배사가 없을 때 쓸 택배사 이름
    #[arg(long, value_name = "NAME")]
    courier: Option<String>,
    /// 첫 줄에 엑셀 파일의 비밀번호가 있는 파일. -는 표준 입력
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// 바뀔 내용을 보여 주기만 해요
    #[arg(long)]
    dry_run: bool,
    /// JSON으로 출력해요
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(super) struct TrackingFiles {
    #[command(flatten)]
    files: Files,
    /// 취소 요청이 있지만 그래도 송장을 등록할 상품주문번호, 여러 번 쓸 수 있어요. 주문의 기록에 남아요
    #[arg(long, value_name = "NUMBER")]
    despite_claim: Vec<String>,
    /// 직접전달이나 퀵서비스, 방문수령 주문을 택배로 바꾸고 송장을 등록할 상품주문번호, 여러 번 쓸 수 있어요
    #[arg(long, value_name = "NUMBER")]
    as_parcel: Vec<String>,
}

impl From<OpenError> for CliError {
    fn from(error: OpenError) -> Self {
        Self(error.to_string())
    }
}

/// The result for one file; also the JSON output.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum FileResult {
    Applied {
        file: String,
        /// the upload, for `import undo`
        #[serde(skip_serializing_if = "Option::is_none")]
        upload: Option<String>,
        kind: &'static str,
        created: usize,
        updated: usize,
        skipped: usize,
        rejected: usize,
        ignored: usize,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        notes: Vec<String>,
        /// values of the channel that wait for a decision
        conflicts: usize,
        /// the file is older than what the shop has
        is_older_file: bool,
        products_created: Vec<FoundProduct>,
        variants_created: Vec<FoundVariant>,
        rows: Vec<RowReport>,
    },
    Rejected {
        file: String,
        refused: String,
    },
}

impl Import {
    pub(super) fn run(self, config: &Config) -> CommandResult {
        let (kind, files, [despite_claim, as_parcel]) = match self {
            Self::Orders(files) => (FileKind::Orders, files, [const { Vec::new() }; 2]),
            Self::Tracking(tracking) => {
                (FileKind::Tracking, tracking.files, [tracking.despite_claim, tracking.as_parcel])
            }
            Self::States(files) => (FileKind::States, files, [const { Vec::new() }; 2]),
            Self::Districts(districts) => return districts.run(config),
            Self::Undo(undo) => return undo.run(config),
        };
        let password = files.password_file.as_deref().map(first_line).transpose()?;
        let uploads = if files.dry_run {
            Uploads::open_for_dry_run(&open_existing(config)?, config, DistrictCache::default())?
        } else {
            Uploads::open(&open_storage(config)?, config, DistrictCache::default())?
        };
        let profiles = block_on(async { Ok(uploads.profiles().await?) })?;
        let request = ImportOptions {
            kind: Some(kind),
            channel: files.channel.as_deref().map(|given| profile_code(&profiles, kind, given)),
            courier: parse::parse_courier(files.courier.as_deref().unwrap_or_default()).map_err(CliError)?,
            file_name: None,
            despite_claim,
            as_parcel,
        };
        let results = block_on_showing("파일을 등록하고 있어요", files.json, async {
            let (despite_claim, as_parcel) = (request.despite_claim.clone(), request.as_parcel.clone());
            let resolve = move |tx: &mut dyn crate::storage::Tx| {
                resolve_numbers(tx, "despite-claim", &despite_claim)?;
                resolve_numbers(tx, "as-parcel", &as_parcel)
            };
            uploads.storage.read(resolve).await?;
            let mut results = Vec::with_capacity(files.paths.len());
            for path in &files.paths {
                let shop = (&uploads, &*profiles);
                results.push(import_file(shop, path, password.as_deref(), &request, files.dry_run).await);
            }
            Ok(results)
        })?;
        let printed = if files.json {
            print_json(&results)
        } else if results.iter().any(|result| matches!(result, FileResult::Applied { .. })) {
            print_summary(&mut io::stdout().lock(), &results, files.dry_run)
        } else {
            Ok(())
        };
        match printed {
            // A closed pipe (`| head`) does not change the result.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error.into()),
            _ => {}
        }
        outcome(&results)
    }
}

fn outcome(results: &[FileResult]) -> CommandResult {
    let refusals: Vec<String> = results
        .iter()
        .filter_map(|result| match result {
            FileResult::Rejected { file, refused } => Some(format!("{file}: {refused}")),
            FileResult::Applied { .. } => None,
        })
        .collect();
    if refusals.len() == results.len() {
        return Err(CliError(refusals.join("\n")));
    }
    let whole = results.iter().all(|result| matches!(result, FileResult::Applied { rejected: 0, conflicts: 0, .. }));
    Ok(if whole { Outcome::Complete } else { Outcome::Partial })
}

/// The code of the profile of this kind with this code or name. An unknown name is returned unchanged, and
/// rejected together with the file.
fn profile_code(profiles: &Profiles, kind: FileKind, given: &str) -> String {
    let given = given.trim();
    let of_kind = profiles.all().iter().filter(|profile| profile.kind == kind);
    channel_code(of_kind.map(|profile| (&*profile.code, &*profile.name)), given).unwrap_or_else(|| given.to_owned())
}

async fn import_file(
    (uploads, profiles): (&Uploads, &Profiles),
    path: &Path,
    password: Option<&str>,
    request: &ImportOptions,
    dry_run: bool,
) -> FileResult {
    let file = path.display().to_string();
    let read = bytes((uploads, profiles), path, request);
    let file_name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let request = &ImportOptions { file_name, ..request.clone() };
    let done = match read {
        Ok(bytes) if dry_run => {
            uploads.dry_run(bytes, password, request).await.map(|done| (None, done)).map_err(CliError::from)
        }
        Ok(bytes) => upload(uploads, path, bytes, password, request).await.map_err(CliError::from),
        Err(failure) => Err(failure),
    };
    match done {
        Ok((id, uploads::ImportOutcome { kind, report })) => applied(file, id, kind, report),
        Err(CliError(refused)) => FileResult::Rejected { file, refused },
    }
}

impl From<UploadError> for CliError {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Storage(error) => error.into(),
            other => Self(other.to_string()),
        }
    }
}

fn bytes(
    (uploads, profiles): (&Uploads, &Profiles),
    path: &Path,
    request: &ImportOptions,
) -> Result<Vec<u8>, CliError> {
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => CliError("파일이 없어요.".to_owned()),
        _ => CliError(format!("파일을 읽지 못했어요: {error}")),
    };
    if let (Some(kind), Some(code)) = (request.kind, &request.channel)
        && profiles.find(kind, code).is_none()
    {
        return Err(CliError(FileError::UnknownChannel(code.clone()).to_string()));
    }
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    let limit = uploads.limits.bytes as u64;
    if size > limit {
        return Err(CliError(SheetError::TooLarge { limit_mib: limit >> 20 }.to_string()));
    }
    std::fs::read(path).map_err(unreadable)
}

/// Stores the file as an upload and applies it. An encrypted file without the right password is closed as
/// rejected, because the command line cannot ask for the password later as the page does.
async fn upload(
    uploads: &Uploads,
    path: &Path,
    bytes: Vec<u8>,
    password: Option<&str>,
    request: &ImportOptions,
) -> Result<(Option<UploadId>, uploads::ImportOutcome), UploadError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (id, done) = uploads.receive_and_apply(Actor::CommandLine, &name, bytes, password, request).await?;
    if let Err(UploadError::Refused(refusal)) = &done
        && refusal.needs_password()
    {
        let refusal = refusal.to_string();
        let close = move |tx: &mut dyn crate::storage::Tx| {
            let Some(upload) = store::find_open(tx, id)? else { return Ok(()) };
            store::set_stage(tx, &upload, Stage::Refused, &refusal)?;
            store::delete_file(tx, id)
        };
        uploads.storage.write(close).await?;
    }
    done.map(|done| (Some(id), done))
}

fn applied(file: String, id: Option<UploadId>, kind: FileKind, report: Report) -> FileResult {
    let [created, updated, skipped, rejected] = uploads::RowOutcome::ALL.map(|outcome| report.count(outcome));
    FileResult::Applied {
        file,
        upload: id.map(|id| id.to_string()),
        kind: kind.code(),
        created,
        updated,
        skipped,
        rejected,
        ignored: report.findings.ignored,
        conflicts: report.conflict_count(),
        is_older_file: report.is_older_file,
        notes: report.findings.notes,
        products_created: report.findings.products_created,
        variants_created: report.findings.variants_created,
        rows: report.rows,
    }
}

fn print_json(results: &[FileResult]) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match results {
        [one] => serde_json::to_writer(&mut out, one)?,
        several => serde_json::to_writer(&mut out, several)?,
    }
    writeln!(out)?;
    out.flush()
}

fn print_summary(out: &mut impl Write, results: &[FileResult], dry_run: bool) -> io::Result<()> {
    for result in results {
        match result {
            FileResult::Rejected { file, refused } => writeln!(out, "{file}: 받지 않았어요. {refused}")?,
            FileResult::Applied {
                file,
                upload,
                created,
                updated,
                skipped,
                rejected,
                ignored,
                notes,
                conflicts,
                is_older_file,
                products_created,
                variants_created,
                rows,
                ..
            } => {
                writeln!(out, "{file}: 등록 {created}건, 반영 {updated}건, 변경 없음 {skipped}건, 오류 {rejected}건")?;
                for note in notes {
                    writeln!(out, "  {note}")?;
                }
                if *ignored > 0 {
                    writeln!(out, "  빈 줄·합계·안내문 {ignored}줄은 세지 않았어요")?;
                }
                if *is_older_file {
                    writeln!(out, "  더 오래된 파일 같아요. 판매채널이 그 뒤에 바꾼 값은 되돌리지 않았어요.")?;
                }
                let unknown_orders = rows.iter().filter(|row| row.is_unknown_order).count();
                if unknown_orders > 0 {
                    writeln!(out, "  모르는 주문 {unknown_orders}건: 그 주문 파일을 먼저 올린 다음 다시 올려 주세요.")?;
                }
                if *conflicts > 0 {
                    writeln!(out, "  결정할 값 {conflicts}개: 업로드 화면에서 어느 값을 쓸지 선택해 주세요.")?;
                }
                for product in products_created {
                    writeln!(out, "  새 상품 {} {}", product.product_number, product.product_name)?;
                }
                for variant in variants_created {
                    writeln!(out, "  새 옵션 {} {}: {}", variant.product_number, variant.key, variant.value)?;
                }
                print_rows(out, rows)?;
                if let Some(upload) = upload {
                    writeln!(out, "  업로드 번호 {upload} (되돌리기: mukkeum import undo {upload})")?;
                }
            }
        }
    }
    if dry_run {
        writeln!(out, "미리 보기예요. 아무것도 바꾸지 않았어요.")?;
    }
    Ok(())
}

fn print_rows(out: &mut impl Write, rows: &[RowReport]) -> io::Result<()> {
    let rejected = || rows.iter().filter(|row| row.outcome == uploads::RowOutcome::Rejected);
    for row in rejected().take(MAX_PRINTED_ROWS) {
        writeln!(out, "  {}행 {} 오류: {}", row.place(), row.order_number, uploads::error_messages(row))?;
    }
    let more = rejected().count().saturating_sub(MAX_PRINTED_ROWS);
    if more > 0 {
        writeln!(out, "  … 그 밖에 오류 {more}건")?;
    }
    let warned = |row: &&RowReport| {
        let is_imported = matches!(row.outcome, uploads::RowOutcome::Created | uploads::RowOutcome::Updated);
        (is_imported && !row.reasons.is_empty()) || !row.conflicts.is_empty()
    };
    for row in rows.iter().filter(|row| !row.changes.is_empty()).take(MAX_PRINTED_ROWS) {
        writeln!(out, "  {}행 {} 바뀜: {}", row.row, row.order_number, uploads::change_texts(row).join(", "))?;
    }
    for row in rows.iter().filter(warned).take(MAX_PRINTED_ROWS) {
        writeln!(out, "  {}행 {} 확인: {}", row.place(), row.order_number, uploads::error_messages(row))?;
    }
    Ok(())
}

pub(super) fn first_line(path: &Path) -> Result<String, CliError> {
    let mut line = String::new();
    if path == Path::new("-") {
        io::stdin().lock().read_line(&mut line)?;
    } else {
        let file = std::fs::File::open(path)
            .map_err(|error| CliError(format!("{} 파일을 읽지 못했어요: {error}", path.display())))?;
        io::BufReader::new(file).read_line(&mut line)?;
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::testing::all_orders;

    struct Shop {
        uploads: Uploads,
        config: Config,
        _folder: tempfile::TempDir,
    }

    impl Shop {
        fn open() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let config = Config::defaults(folder.path()).expect("the defaults");
            let storage = open_storage(&config).map_err(|failure| failure.0).expect("opens");
            Self {
                uploads: Uploads::open(&storage, &config, DistrictCache::default()).expect("opens"),
                config,
                _folder: folder,
            }
        }

        fn import(&self, kind: FileKind, name: &str, password: Option<&str>, dry_run: bool) -> FileResult {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
            let request = ImportOptions { kind: Some(kind), ..ImportOptions::default() };
            block_on(async {
                Ok(import_file((&self.uploads, &self.uploads.shipped), &path, password, &request, dry_run).await)
            })
            .map_err(|failure| failure.0)
            .expect("results")
        }

        fn orders(&self) -> usize {
            let storage = open_storage(&self.config).map_err(|failure| failure.0).expect("opens");
            let counted = block_on(async { Ok(storage.read(all_orders).await?) });
            counted.map_err(|failure| failure.0).expect("counts").len()
        }
    }

    fn counts(result: &FileResult) -> Option<[usize; 4]> {
        match result {
            FileResult::Applied { created, updated, skipped, rejected, .. } => {
                Some([*created, *updated, *skipped, *rejected])
            }
            FileResult::Rejected { .. } => None,
        }
    }

    #[test]
    fn dry_run_reports_the_same_and_changes_nothing() {
        let shop = Shop::open();
        let name = "01_smartstore_orders_72col.xlsx";
        let dry = shop.import(FileKind::Orders, name, None, true);
        assert_eq!((counts(&dry), shop.orders()), (Some([23, 0, 1, 0]), 0));
        let done = shop.import(FileKind::Orders, name, None, false);
        let mut json = serde_json::to_value(&done).expect("JSON");
        assert!(json.as_object_mut().expect("an object").remove("upload").is_some());
        assert_eq!(json, serde_json::to_value(&dry).expect("JSON"));
        assert_eq!(shop.orders(), 23);
        assert!(matches!(outcome(&[done]), Ok(Outcome::Complete)));
    }

    #[test]
    fn json_output_has_the_documented_keys() {
        let shop = Shop::open();
        let done = shop.import(FileKind::Orders, "B06_bad_values.xlsx", None, false);
        let json = serde_json::to_string(&done).expect("JSON");
        let mut rest = json.as_str();
        for key in ["file", "kind", "created", "updated", "skipped", "rejected", "products_created", "rows", "reasons"]
        {
            rest = rest.split_once(&format!("\"{key}\":")).unwrap_or_else(|| panic!("{key} in {rest}")).1;
        }
        let json: serde_json::Value = serde_json::from_str(&json).expect("an object");
        assert_eq!((&json["created"], &json["rejected"]), (&3.into(), &13.into()));
        let reason = &json["rows"][0]["reasons"][0];
        assert_eq!((&reason["column"], &reason["value"]), (&"수량".into(), &"두개".into()));
        assert!(matches!(outcome(&[done]), Ok(Outcome::Partial)));
    }

    #[test]
    fn rejected_file_does_not_affect_the_others() {
        let shop = Shop::open();
        let encrypted = "03_smartstore_encrypted_agile_aes128_sha1.xlsx";
        let locked = shop.import(FileKind::Orders, encrypted, None, false);
        let missing = shop.import(FileKind::Orders, "is-not-there.xlsx", None, false);
        for refused in [&locked, &missing] {
            let json = serde_json::to_value(refused).expect("JSON");
            assert_eq!(json.as_object().expect("an object").keys().collect::<Vec<_>>(), ["file", "refused"]);
        }
        assert!(outcome(&[locked, missing]).is_err());
        let opened = shop.import(FileKind::Orders, encrypted, Some("1234"), false);
        assert_eq!(counts(&opened), Some([12, 0, 0, 0]));
        let empty = shop.import(FileKind::Orders, "B15_zero_bytes.xlsx", None, false);
        assert!(matches!(outcome(&[opened, empty]), Ok(Outcome::Partial)));
    }
}

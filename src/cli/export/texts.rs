//! `mukkeum export texts`: prints the texts for customers of a day, or writes the file for a sender and records them.

use std::io::{self, Write};
use std::path::PathBuf;

use chrono::Days;
use serde::Serialize;

use super::{CliError, CommandResult, Outcome, block_on, export_error, open_existing};
use crate::access::{self, Accessor};
use crate::audit::Actor;
use crate::config::Config;
use crate::districts::DistrictCache;
use crate::id::{Id, TourId};
use crate::notices::export::{self, NoticeChannel, NoticeExport, NoticeRequest};
use crate::notices::model::NoticeBatch;
use crate::orders::export::{AtomicFile, ExportError, Format};
use crate::plans::store as plans;
use crate::storage::Tx;
use crate::time::parse_date;

#[derive(clap::Args)]
pub(in crate::cli) struct Texts {
    /// 날짜, YYYY-MM-DD [기본값: 내일]
    #[arg(long, value_name = "DATE", conflicts_with = "plan")]
    day: Option<String>,
    /// 배차표 하나만: 배차표 주소의 마지막 부분
    #[arg(long, value_name = "ID")]
    plan: Option<String>,
    /// 안내: visit(방문), again(다시), completion(완료)
    #[arg(long, value_name = "BATCH", default_value = "visit")]
    batch: String,
    /// 보내는 방법: text(문자), alimtalk(알림톡)
    #[arg(long, value_name = "CHANNEL", default_value = "text")]
    channel: String,
    /// 저장할 파일, .xlsx .csv 중 하나. 저장하면 안내한 것으로 적어요
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// 용도. 내려받기 기록과 접속기록에 남아요
    #[arg(long, value_name = "WORDS", default_value = "")]
    purpose: String,
    /// JSON으로 출력해요
    #[arg(long)]
    json: bool,
}

/// The answer of `--json`.
#[derive(Serialize)]
struct TextsReport {
    file: Option<String>,
    #[serde(flatten)]
    export: NoticeExport,
}

/// What the command line asks for.
struct TextsOptions {
    day: Option<chrono::NaiveDate>,
    plan: Option<TourId>,
    batch: NoticeBatch,
    channel: NoticeChannel,
    out: Option<(PathBuf, Format)>,
}

impl Texts {
    /// The options, or what is wrong with them.
    fn options(&self) -> Result<TextsOptions, CliError> {
        let mut problems = Vec::new();
        let mut invalid = |flag: &str, value: &str, expected: &str| {
            problems.push(format!("--{flag} '{value}': {expected}"));
        };
        let day = self.day.as_deref().and_then(|text| {
            let day = parse_date(text);
            if day.is_none() {
                invalid("day", text, "2026-12-01처럼 입력해 주세요.");
            }
            day
        });
        let plan = self.plan.as_deref().and_then(|text| {
            let plan = Id::parse(text);
            if plan.is_none() {
                invalid("plan", text, "배차표 주소의 마지막 부분을 입력해 주세요.");
            }
            plan
        });
        let batch = NoticeBatch::from_code(&self.batch);
        if batch.is_none() {
            invalid("batch", &self.batch, "visit, again, completion 중 하나여야 해요.");
        }
        let channel = NoticeChannel::from_code(&self.channel);
        if channel.is_none() {
            invalid("channel", &self.channel, "text, alimtalk 중 하나여야 해요.");
        }
        let out = self.out.clone().and_then(|path| {
            let format = Format::of(&path).filter(|format| *format != Format::Json);
            if format.is_none() {
                invalid("out", &path.display().to_string(), "파일 이름은 .xlsx나 .csv로 끝나야 해요.");
            }
            format.map(|format| (path, format))
        });
        match (batch, channel) {
            (Some(batch), Some(channel)) if problems.is_empty() => Ok(TextsOptions { day, plan, batch, channel, out }),
            _ => Err(CliError(problems.join("\n"))),
        }
    }

    pub(super) fn run(self, config: &Config) -> CommandResult {
        let options = self.options()?;
        let storage = open_existing(config)?;
        let tomorrow = storage.clock().now().date() + Days::new(1);
        let file = options.out.as_ref().map(|(path, _)| path.display().to_string());
        let shown = file.clone().unwrap_or_default();
        let (note, json) = (self.purpose.clone(), self.json);
        let export = block_on(async {
            let districts = DistrictCache::default();
            let written = storage.write(move |tx: &mut dyn Tx| {
                let day = match options.plan {
                    Some(id) => plans::day_of_tour(tx, id)?,
                    None => Some(options.day.unwrap_or(tomorrow)),
                };
                let Some(day) = day else { return Ok(None) };
                let (batch, channel) = (options.batch, options.channel);
                let request = NoticeRequest { day, batch, channel, tour_id: options.plan };
                let districts = districts.current(tx)?;
                let (notices, list) = export::list(tx, &districts, request)?;
                let source = format!("/notices?day={day}");
                match &options.out {
                    Some((path, format)) if !list.texts.is_empty() => {
                        let unfinished = AtomicFile::create_beside(path, &tx.new_code())?;
                        (&unfinished.file).write_all(&export::file(&list, channel, *format)?)?;
                        export::record(tx, Actor::CommandLine, request, &list, (None, &note))?;
                        unfinished.finish(path)?;
                    }
                    _ => access::record_download(tx, Accessor::CommandLine, &source, &note, list.accessed())?,
                }
                Ok::<_, ExportError>(Some(NoticeExport::new(&notices, batch, &list)))
            });
            written.await.map_err(|error| export_error(error, &shown))
        })?;
        let Some(export) = export else {
            return Err(CliError("--plan: 없는 배차표예요.".to_owned()));
        };
        let file = file.filter(|_| !export.texts.is_empty());
        report(&TextsReport { file, export }, json)
    }
}

fn report(report: &TextsReport, json: bool) -> CommandResult {
    let mut out = io::stdout().lock();
    if json {
        serde_json::to_writer(&mut out, report).map_err(io::Error::from)?;
        writeln!(out)?;
        return Ok(Outcome::Complete);
    }
    let TextsReport { file, export } = report;
    if let Some(file) = file {
        writeln!(out, "{}건을 {file}에 저장하고 안내한 것으로 적었어요.", export.texts.len())?;
    } else {
        for text in &export.texts {
            let (tel, name, form, bytes) = (&text.tel, &text.recipient_name, text.form, text.bytes);
            writeln!(out, "{tel} {name} {form} {bytes}바이트\n{}\n", text.message)?;
        }
        writeln!(out, "{} 문자 {}건", export.day, export.texts.len())?;
    }
    for left in &export.left_out {
        writeln!(out, "{} {}: {}.", left.delivery_number, left.recipient_name, left.reason)?;
    }
    if export.not_fixed > 0 {
        writeln!(out, "확정하지 않은 차의 {}곳은 아직 안내하지 않아요.", export.not_fixed)?;
    }
    Ok(Outcome::Complete)
}

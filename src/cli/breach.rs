//! `mukkeum breach`: the worksheets of leaks, as on the page 유출 대응. Also while the server runs.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{CliError, CommandResult, Outcome, block_on, open_existing};
use crate::access::{self, AccessedOrders, Accessor};
use crate::audit::Actor;
use crate::audit::downloads::{self, DownloadRecord, Purpose};
use crate::config::Config;
use crate::id::{BreachId, Id};
use crate::members::store as members;
use crate::privacy::breach::notice::{missing_items, notice_text};
use crate::privacy::breach::{
    Breach, BreachCause, BreachScope, BreachStep, MAX_STEP_NOTE_CHARS, MAX_STORY_CHARS, StepEntry, StepOutcome, file,
};
use crate::privacy::store::breaches::{self, BreachDraft};
use crate::shop;
use crate::storage::{Storage, Tx};
use crate::text::{FromCode, hex, multi_line, one_line};
use crate::time::{Moment, parse_moment};

#[derive(Subcommand)]
pub(super) enum BreachCommand {
    /// 유출 사건을 보여 줘요
    List {
        /// JSON으로 출력해요
        #[arg(long)]
        json: bool,
    },
    /// 새 사건을 열어요
    Open(Open),
    /// 사건의 대상 수와 남은 시간, 한 일, 안내문을 보여 줘요
    Show {
        /// 사건의 번호
        #[arg(value_name = "NUMBER")]
        number: String,
        /// JSON으로 출력해요
        #[arg(long)]
        json: bool,
    },
    /// 알려야 할 사람의 명단을 CSV로 저장해요
    People {
        /// 사건의 번호
        #[arg(value_name = "NUMBER")]
        number: String,
        /// 저장할 파일(.csv). -는 표준 출력
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// 한 일을 기록해요
    Step {
        /// 사건의 번호
        #[arg(value_name = "NUMBER")]
        number: String,
        /// contain(막기), preserve(증거), identify(대상 확인), notify(알리기), publish(게시), report(신고) 또는 prevent(재발 방지)
        #[arg(value_name = "STEP")]
        step: String,
        /// done(했어요) 또는 not-needed(필요 없어요) [기본값: done]
        #[arg(long, value_name = "OUTCOME", default_value = "done")]
        outcome: String,
        /// 무엇을 했는지, 필요 없으면 왜 그런지
        #[arg(long, value_name = "WORDS")]
        note: String,
    },
    /// 사건을 마쳐요. 모든 단계를 기록한 다음이에요
    Close {
        /// 사건의 번호
        #[arg(value_name = "NUMBER")]
        number: String,
    },
}

#[derive(clap::Args)]
pub(super) struct Open {
    /// outside(외부의 불법 접근), member(직원), device(잃어버린 기기), file(잘못 보낸 파일) 또는 tampering(위조·변조·훼손)
    #[arg(long, value_name = "CAUSE")]
    cause: String,
    /// 살펴볼 기간의 처음, "YYYY-MM-DD HH:MM"
    #[arg(long, value_name = "TIME")]
    from: String,
    /// 살펴볼 기간의 끝, "YYYY-MM-DD HH:MM"
    #[arg(long, value_name = "TIME")]
    to: String,
    /// 알게 된 때. 72시간을 세는 때예요 [기본값: 지금]
    #[arg(long, value_name = "TIME")]
    noticed: Option<String>,
    /// 이 회원의 접속만. 여러 번 쓸 수 있어요
    #[arg(long, value_name = "USERNAME")]
    member: Vec<String>,
    /// 이 주소에서 한 접속만. 여러 번 쓸 수 있어요
    #[arg(long, value_name = "ADDRESS")]
    address: Vec<String>,
    /// 유출된 것이 확실해요
    #[arg(long)]
    confirmed: bool,
    /// 무슨 일이 있었는지
    #[arg(long, value_name = "WORDS", default_value = "")]
    story: String,
    /// 가게가 한 일과 피해를 구제하는 방법
    #[arg(long, value_name = "WORDS", default_value = "")]
    measures: String,
    /// JSON으로 출력해요
    #[arg(long)]
    json: bool,
}

/// The value of a code, or an error that names the flag and the codes.
fn code<T: FromCode>(name: &str, text: &str, known: &[&str]) -> Result<T, CliError> {
    T::from_code(text).ok_or_else(|| CliError(format!("{name} '{text}': {} 가운데 하나예요.", known.join(", "))))
}

fn moment(flag: &str, text: &str) -> Result<Moment, CliError> {
    parse_moment(text).ok_or_else(|| CliError(format!("--{flag} '{text}': \"2026-11-22 10:00\"처럼 입력해 주세요.")))
}

fn id(number: &str) -> Result<BreachId, CliError> {
    Id::parse(number).ok_or_else(|| unknown(number))
}

fn unknown(number: &str) -> CliError {
    CliError(format!("'{number}' 사건이 없어요. mukkeum breach list로 번호를 확인하세요."))
}

impl BreachCommand {
    pub(super) fn run(self, config: &Config) -> CommandResult {
        let storage = open_existing(config)?;
        match self {
            Self::List { json } => list(&storage, json),
            Self::Open(open) => open.run(&storage),
            Self::Show { number, json } => show(&storage, &number, json),
            Self::People { number, out } => people(&storage, &number, &out),
            Self::Step { number, step, outcome, note } => record(&storage, &number, (&step, &outcome), &note),
            Self::Close { number } => close(&storage, &number),
        }
    }
}

fn summary(breach: &Breach, now: Moment) -> Value {
    json!({
        "number": breach.id.to_string(),
        "cause": breach.cause.code(),
        "is_confirmed": breach.is_confirmed,
        "noticed_at": breach.noticed_at.iso(),
        "due_at": breach.due_at().iso(),
        "hours_left": breach.closed.is_none().then(|| breach.hours_left(now)),
        "from": breach.window.0.iso(),
        "to": breach.window.1.iso(),
        "evidence": breach.evidence,
        "closed_at": breach.closed.map(|(at, _)| at.iso()),
        "people": breach.closed.map(|(_, people)| people),
    })
}

fn list(storage: &Storage, json: bool) -> CommandResult {
    let (breaches, now) = block_on(async {
        Ok(storage.read(|tx| Ok::<_, crate::storage::StorageError>((breaches::all(tx)?, tx.now()))).await?)
    })?;
    let mut out = io::stdout().lock();
    if json {
        let all: Vec<Value> = breaches.iter().map(|breach| summary(breach, now)).collect();
        writeln!(out, "{}", Value::from(all))?;
        return Ok(Outcome::Complete);
    }
    if breaches.is_empty() {
        writeln!(out, "유출 사건이 없어요.")?;
    }
    for breach in &breaches {
        let state = match breach.closed {
            Some((at, people)) => format!("{at}에 마침, 대상 {people}명"),
            None => format!("{}까지 알리세요", breach.due_at()),
        };
        writeln!(out, "{}  {}  {}  {state}", breach.id, breach.noticed_at, breach.cause.label())?;
    }
    Ok(Outcome::Complete)
}

impl Open {
    fn run(self, storage: &Storage) -> CommandResult {
        let cause: BreachCause = code("--cause", &self.cause, &BreachCause::ALL.map(BreachCause::code))?;
        let window = (moment("from", &self.from)?, moment("to", &self.to)?);
        if window.1 < window.0 {
            return Err(CliError("--to: --from보다 빨라요.".to_owned()));
        }
        let noticed = self.noticed.as_deref().map(|text| moment("noticed", text)).transpose()?;
        let addresses = self.address.iter().map(|text| {
            let address: std::net::IpAddr =
                text.parse().map_err(|_| CliError(format!("--address '{text}': 192.168.0.20처럼 입력해 주세요.")))?;
            Ok(address.to_string())
        });
        let addresses = addresses.collect::<Result<Vec<_>, CliError>>()?;
        let (story, measures) = (multi_line(&self.story), multi_line(&self.measures));
        if story.chars().count() > MAX_STORY_CHARS || measures.chars().count() > MAX_STORY_CHARS {
            return Err(CliError("설명은 2,000자까지 쓸 수 있어요.".to_owned()));
        }
        let (names, is_confirmed) = (self.member, self.confirmed);
        let breach = block_on(async {
            let write = move |tx: &mut dyn Tx| {
                let mut ids = Vec::with_capacity(names.len());
                for name in &names {
                    ids.push(members::find_id(tx, name)??);
                }
                let scope = BreachScope { members: ids, addresses: addresses.clone(), devices: Vec::new() };
                let noticed_at = noticed.unwrap_or_else(|| tx.now());
                let (story, measures) = (story.clone(), measures.clone());
                let draft = BreachDraft { cause, is_confirmed, noticed_at, window, scope, story, measures };
                let id = breaches::open(tx, Actor::CommandLine, &draft, None)?;
                Ok::<_, CliError>(breaches::find(tx, id)?.map(|breach| (breach, tx.now())))
            };
            storage.write(write).await
        })?;
        let (breach, now) = breach.ok_or_else(|| unknown(""))?;
        let mut out = io::stdout().lock();
        if self.json {
            writeln!(out, "{}", summary(&breach, now))?;
        } else {
            writeln!(out, "사건 {}: {}까지 알리세요.", breach.id, breach.due_at())?;
        }
        Ok(Outcome::Complete)
    }
}

fn step_json(entry: &StepEntry) -> Value {
    json!({
        "step": entry.step.code(),
        "outcome": entry.outcome.code(),
        "note": entry.note,
        "at": entry.at.iso(),
        "username": entry.username,
    })
}

fn show(storage: &Storage, number: &str, json: bool) -> CommandResult {
    let id = id(number)?;
    let found = block_on(async {
        let read = move |tx: &mut dyn Tx| {
            let Some(breach) = breaches::find(tx, id)? else { return Ok(None) };
            let exposed = breaches::exposed(tx, &breach)?;
            let affected = breaches::affected(tx, &exposed)?;
            let counts = (affected.people.into_list().len() as u64, affected.orders, affected.destroyed);
            let (steps, shop, now) = (breaches::steps(tx, id)?, shop::store::find(tx)?, tx.now());
            Ok::<_, CliError>(Some((breach, exposed.records, counts, steps, shop, now)))
        };
        storage.read(read).await
    })?;
    let (breach, records, (people, orders, destroyed), steps, shop, now) = found.ok_or_else(|| unknown(number))?;
    let (notice, missing) = (notice_text(&breach, &shop), missing_items(&breach, &shop));
    let duties = breach.open_duties(people, &steps);
    let mut out = io::stdout().lock();
    if json {
        let mut report = summary(&breach, now);
        report["records"] = records.into();
        report["people"] = people.into();
        report["orders"] = orders.into();
        report["destroyed_orders"] = destroyed.into();
        report["must_report"] = breach.must_report(people).into();
        report["due_steps"] = duties.iter().map(|step| step.code()).collect();
        report["steps"] = steps.iter().map(step_json).collect();
        report["notice"] = notice.into();
        report["missing_items"] = missing.into();
        writeln!(out, "{report}")?;
        return Ok(Outcome::Complete);
    }
    writeln!(out, "{}, {}에 알았어요.", breach.cause.label(), breach.noticed_at)?;
    writeln!(out, "대상 {people}명, 주문 {orders}건, 지금은 없는 주문 {destroyed}건, 접속기록 {records}개")?;
    if let Some((at, _)) = breach.closed {
        writeln!(out, "{at}에 마쳤어요.")?;
    } else {
        let labels: Vec<&str> = duties.iter().map(|step| step.label()).collect();
        writeln!(
            out,
            "{}까지 할 일: {}",
            breach.due_at(),
            if labels.is_empty() { "없음".to_owned() } else { labels.join(", ") }
        )?;
    }
    for entry in &steps {
        writeln!(out, "{}  {}: {} {}", entry.at, entry.step.label(), entry.outcome.label(), entry.note)?;
    }
    if !missing.is_empty() {
        writeln!(out, "안내문에 아직 입력하지 않은 것: {}", missing.join(", "))?;
    }
    writeln!(out, "\n{notice}")?;
    Ok(Outcome::Complete)
}

fn people(storage: &Storage, number: &str, out: &std::path::Path) -> CommandResult {
    let (id, source) = (id(number)?, format!("breach people {number}"));
    let found = block_on(async {
        let write = move |tx: &mut dyn Tx| {
            let Some(breach) = breaches::find(tx, id)? else { return Ok(None) };
            let exposed = breaches::exposed(tx, &breach)?;
            let people = breaches::affected(tx, &exposed)?.people.into_list();
            let note = "유출을 알리려고 받은 명단";
            let rows = people.len() as u64;
            let purpose = Some(Purpose::Customer);
            let csv = file::csv(&people);
            let digest = hex(&Sha256::digest(&csv));
            let (content, digest) = ("breach", Some(digest.as_str()));
            downloads::record(tx, None, &DownloadRecord { content, source: &source, rows, purpose, note, digest })?;
            let orders: AccessedOrders = people.iter().flat_map(|person| person.order_ids.iter().copied()).collect();
            access::record_download(tx, Accessor::CommandLine, &source, note, orders)?;
            Ok::<_, CliError>(Some((csv, people.len())))
        };
        storage.write(write).await
    })?;
    let (csv, count) = found.ok_or_else(|| unknown(number))?;
    if out.as_os_str() == "-" {
        io::stdout().lock().write_all(&csv)?;
    } else {
        File::create(out)?.write_all(&csv)?;
        writeln!(io::stdout().lock(), "대상 {count}명을 {}에 저장했어요.", out.display())?;
    }
    Ok(Outcome::Complete)
}

fn record(storage: &Storage, number: &str, (step, outcome): (&str, &str), note: &str) -> CommandResult {
    let step: BreachStep = code("STEP", step, &BreachStep::ALL.map(BreachStep::code))?;
    let outcome: StepOutcome = code("--outcome", outcome, &StepOutcome::ALL.map(StepOutcome::code))?;
    let (id, note) = (id(number)?, one_line(note));
    if note.is_empty() || note.chars().count() > MAX_STEP_NOTE_CHARS {
        return Err(CliError("--note: 무엇을 했는지 500자까지 입력해 주세요.".to_owned()));
    }
    let write = move |tx: &mut dyn Tx| breaches::add_step(tx, Actor::CommandLine, id, (step, outcome), &note);
    if !block_on(async { Ok(storage.write(write).await?) })? {
        return Err(CliError(format!("'{number}' 사건이 없거나 이미 끝났어요.")));
    }
    writeln!(io::stdout().lock(), "기록했어요: {} ({})", step.label(), outcome.label())?;
    Ok(Outcome::Complete)
}

fn close(storage: &Storage, number: &str) -> CommandResult {
    let id = id(number)?;
    let closed = block_on(async {
        let write = move |tx: &mut dyn Tx| {
            let missing = breaches::close(tx, Actor::CommandLine, id)?;
            Ok::<_, CliError>((missing, breaches::find(tx, id)?))
        };
        storage.write(write).await
    })?;
    let (missing, breach) = closed;
    let breach = breach.ok_or_else(|| unknown(number))?;
    if !missing.is_empty() {
        let labels: Vec<&str> = missing.iter().map(|step| step.label()).collect();
        return Err(CliError(format!("아직 기록하지 않은 단계가 있어요: {}", labels.join(", "))));
    }
    let people = breach.closed.map_or(0, |(_, people)| people);
    writeln!(io::stdout().lock(), "사건을 마쳤어요. 대상은 {people}명이에요.")?;
    Ok(Outcome::Complete)
}

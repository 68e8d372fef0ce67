//! `mukkeum person`: what the shop has of a person, and what the person may demand, as on the pages 본인 정보 열람 and 본인
//! 요구. Also while the server runs.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};

use super::{CliError, CommandResult, Outcome, block_on, open_existing};
use crate::access::{self, AccessAction, AccessedOrders, Accessor, NewAccess};
use crate::audit::Actor;
use crate::audit::downloads::{self, DownloadRecord, Purpose};
use crate::config::Config;
use crate::districts::DistrictCache;
use crate::id::{Id, OrderId, PersonRequestId};
use crate::orders::store as orders;
use crate::privacy::RetentionYears;
use crate::privacy::person::{KEPT_BECAUSE, PersonRecord, PersonRole};
use crate::privacy::request::{MAX_REQUEST_CHARS, PersonCorrection, PersonRequest, RequestAnswer, RequestKind};
use crate::privacy::store::people::{find_people, record_of};
use crate::privacy::store::requests;
use crate::storage::{Storage, StorageError, Tx, text_limits};
use crate::text::{FromCode, find_sensitive, one_line, parse_phone};
use crate::time::{Moment, parse_date};

/// A person, by an order.
#[derive(clap::Args)]
pub(super) struct PersonOf {
    /// 그 사람의 상품주문번호
    #[arg(value_name = "ORDER_NUMBER")]
    order_number: String,
    /// 그 주문에서 customer(구매자) 또는 recipient(수취인) [기본값: customer]
    #[arg(long, value_name = "ROLE", default_value = "customer")]
    role: String,
}

/// The demand that an act answers.
#[derive(clap::Args)]
pub(super) struct DemandOptions {
    /// 누가 무엇을 요구했는지. 기록에 남아요
    #[arg(long, value_name = "WORDS")]
    demand: String,
    /// 요구를 받은 날, YYYY-MM-DD [기본값: 오늘]
    #[arg(long, value_name = "DATE")]
    received: Option<String>,
    /// JSON으로 출력해요
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
pub(super) enum PersonCommand {
    /// 이름이나 전화번호로 사람을 찾아요
    Find {
        /// 이름이나 전화번호
        #[arg(value_name = "WORDS")]
        words: String,
        /// JSON으로 출력해요
        #[arg(long)]
        json: bool,
    },
    /// 한 사람의 주문과 비슷한 사람, 언제까지 왜 보관하는지 보여 줘요
    Show {
        #[command(flatten)]
        person: PersonOf,
        /// JSON으로 출력해요
        #[arg(long)]
        json: bool,
    },
    /// 한 사람의 모든 정보를 JSON 파일로 저장해요
    Export {
        #[command(flatten)]
        person: PersonOf,
        /// 누가 왜 요구했는지. 접속기록에 남아요
        #[arg(long, value_name = "WORDS")]
        purpose: String,
        /// 저장할 파일(.json). -는 표준 출력
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// 이름과 전화번호를 모든 주문에서 정정해요
    Correct {
        #[command(flatten)]
        person: PersonOf,
        /// 새 이름
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// 새 전화번호
        #[arg(long, value_name = "NUMBER")]
        tel: Option<String>,
        #[command(flatten)]
        demand: DemandOptions,
    },
    /// 끝난 주문의 처리를 정지해요
    Restrict {
        #[command(flatten)]
        person: PersonOf,
        #[command(flatten)]
        demand: DemandOptions,
    },
    /// 보관할 의무가 없는 것을 지우고, 나머지는 처리를 정지해요
    Delete {
        #[command(flatten)]
        person: PersonOf,
        /// 지우지 않고 무엇을 지울지만 보여 줘요
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        demand: DemandOptions,
    },
    /// 요구를 기한 순서로 보여 줘요
    Requests {
        /// JSON으로 출력해요
        #[arg(long)]
        json: bool,
    },
    /// 요구에 답을 기록해요
    Answer {
        /// 요구의 번호
        #[arg(value_name = "NUMBER")]
        number: String,
        /// done(들어줌), in-part(일부만) 또는 refused(거절함)
        #[arg(value_name = "ANSWER")]
        answer: String,
        /// 어떻게 답했는지
        #[arg(long, value_name = "WORDS")]
        note: String,
    },
}

impl PersonOf {
    /// The order and the role.
    fn find(&self, storage: &Storage) -> Result<(OrderId, PersonRole), CliError> {
        let role = PersonRole::from_code(&self.role)
            .ok_or_else(|| CliError(format!("--role '{}': customer와 recipient 가운데 하나예요.", self.role)))?;
        let number = self.order_number.clone();
        let ids = block_on(async { Ok(storage.read(move |tx| orders::find_by_number(tx, &number)).await?) })?;
        match ids[..] {
            [id] => Ok((id, role)),
            [] => Err(CliError(format!("상품주문번호 '{}'의 주문이 없어요.", self.order_number))),
            _ => Err(CliError(format!(
                "상품주문번호 '{}'의 주문이 여러 판매채널에 있어요. 화면에서 해 주세요.",
                self.order_number
            ))),
        }
    }
}

impl PersonCommand {
    pub(super) fn run(self, config: &Config) -> CommandResult {
        let (storage, keep) = (open_existing(config)?, RetentionYears::new(config.order_keep_years));
        match self {
            Self::Find { words, json } => find(&storage, &words, json),
            Self::Show { person, json } => show(&storage, &person, keep, json),
            Self::Export { person, purpose, out } => export(&storage, &person, keep, &purpose, &out),
            Self::Correct { person, name, tel, demand } => {
                let correction = correction(name.as_deref(), tel.as_deref())?;
                let act = move |tx: &mut dyn Tx, _, person| {
                    requests::correct(tx, Actor::CommandLine, person, &correction, keep)
                };
                execute(&storage, &person, RequestKind::Correct, &demand, act)
            }
            Self::Restrict { person, demand } => {
                let act =
                    move |tx: &mut dyn Tx, id, person| requests::restrict(tx, Actor::CommandLine, id, person, keep);
                execute(&storage, &person, RequestKind::Restrict, &demand, act)
            }
            Self::Delete { person, dry_run: true, demand } => preview(&storage, &person, keep, demand.json),
            Self::Delete { person, dry_run: false, demand } => {
                let act = move |tx: &mut dyn Tx, id, person| requests::delete(tx, Actor::CommandLine, id, person, keep);
                execute(&storage, &person, RequestKind::Delete, &demand, act)
            }
            Self::Requests { json } => list(&storage, json),
            Self::Answer { number, answer, note } => give_answer(&storage, &number, &answer, &note),
        }
    }
}

/// Records that the command line showed the data of these orders.
fn record_view(tx: &mut dyn Tx, page: &str, query: &str, orders: AccessedOrders) -> Result<(), StorageError> {
    let (accessor, action) = (Accessor::CommandLine, AccessAction::Viewed);
    access::record(tx, NewAccess { accessor, action, page: page.to_owned(), query: query.to_owned(), orders })
}

fn find(storage: &Storage, words: &str, json: bool) -> CommandResult {
    let asked = one_line(words);
    let (found, is_cut, numbers) = block_on(async {
        let write = move |tx: &mut dyn Tx| {
            let (found, is_cut) = find_people(tx, &asked)?;
            let ids: Vec<OrderId> = found.iter().map(|found| found.order_id).collect();
            record_view(tx, "person find", &asked, ids.iter().copied().collect())?;
            Ok::<_, CliError>((found, is_cut, orders::numbers(tx, &ids)?))
        };
        storage.write(write).await
    })?;
    let number = |id: OrderId| numbers.get(&id).cloned().unwrap_or_default();
    let mut out = io::stdout().lock();
    if json {
        let people = found.iter().map(|found| {
            json!({
                "name": found.person.name,
                "tels": found.person.tels,
                "role": found.role.code(),
                "order_number": number(found.order_id),
                "orders": found.orders,
                "newest": found.newest.map(Moment::iso),
            })
        });
        writeln!(out, "{}", json!({ "people": people.collect::<Vec<_>>(), "is_complete": !is_cut }))?;
        return Ok(Outcome::Complete);
    }
    if found.is_empty() {
        writeln!(out, "그런 이름이나 전화번호의 주문이 없어요.")?;
    }
    for found in &found {
        let (person, role) = (&found.person, found.role.label());
        writeln!(
            out,
            "{}  {}  {role}  주문 {}건  {}",
            person.name,
            person.tels.join(", "),
            found.orders,
            number(found.order_id)
        )?;
    }
    if is_cut {
        writeln!(out, "너무 많아서 일부만 찾았어요. 전화번호를 모두 입력하면 정확히 찾아요.")?;
    }
    Ok(Outcome::Complete)
}

fn order_ids(record: &PersonRecord) -> AccessedOrders {
    record.orders.iter().map(|record| record.row.order.id).collect()
}

fn show(storage: &Storage, person: &PersonOf, keep: RetentionYears, json: bool) -> CommandResult {
    let (order_id, role) = person.find(storage)?;
    let found = block_on(async {
        let write = move |tx: &mut dyn Tx| {
            let Some(record) = record_of(tx, order_id, role, keep)? else { return Ok(None) };
            record_view(tx, "person show", "", order_ids(&record))?;
            let districts = DistrictCache::default().current(tx)?;
            Ok::<_, CliError>(Some((record.to_json(&districts, tx.now()), record)))
        };
        storage.write(write).await
    })?;
    let (mut report, record) = found.ok_or_else(|| CliError("주문이 없어요.".to_owned()))?;
    let mut out = io::stdout().lock();
    if json {
        let similar =
            record.similar.iter().map(|(found, _)| json!({ "name": found.person.name, "tels": found.person.tels }));
        report["similar"] = similar.collect();
        writeln!(out, "{report}")?;
        return Ok(Outcome::Complete);
    }
    writeln!(out, "{}  {}", record.person.name, record.person.tels.join(", "))?;
    for one in &record.orders {
        let (order, roles) = (&one.row.order, one.roles.iter().map(|role| role.label()).collect::<Vec<_>>().join(", "));
        let kept = one.kept_until.map_or_else(|| "마무리한 다음까지".to_owned(), |day| format!("{day}까지"));
        writeln!(out, "{}  {}  {roles}  {kept} 보관", order.order_number, order.state.label())?;
    }
    writeln!(out, "왜 보관하나요: {KEPT_BECAUSE}")?;
    for (found, _) in &record.similar {
        writeln!(out, "비슷한 사람: {}  {}", found.person.name, found.person.tels.join(", "))?;
    }
    Ok(Outcome::Complete)
}

fn export(
    storage: &Storage,
    person: &PersonOf,
    keep: RetentionYears,
    purpose: &str,
    out: &std::path::Path,
) -> CommandResult {
    let ((order_id, role), note) = (person.find(storage)?, one_line(purpose));
    if note.is_empty() {
        return Err(CliError("--purpose: 누가 왜 요구했는지 입력해 주세요.".to_owned()));
    }
    let report = block_on(async {
        let write = move |tx: &mut dyn Tx| {
            let Some(record) = record_of(tx, order_id, role, keep)? else { return Ok(None) };
            let (source, rows) = ("person export", record.orders.len() as u64);
            let purpose = Some(Purpose::Customer);
            let (content, note, digest) = ("person", note.as_str(), None);
            downloads::record(tx, None, &DownloadRecord { content, source, rows, purpose, note, digest })?;
            access::record_download(tx, Accessor::CommandLine, source, note, order_ids(&record))?;
            let districts = DistrictCache::default().current(tx)?;
            Ok::<_, CliError>(Some(record.to_json(&districts, tx.now())))
        };
        storage.write(write).await
    })?;
    let report = report.ok_or_else(|| CliError("주문이 없어요.".to_owned()))?;
    if out.as_os_str() == "-" {
        writeln!(io::stdout().lock(), "{report}")?;
    } else {
        writeln!(File::create(out)?, "{report}")?;
        writeln!(io::stdout().lock(), "{}에 저장했어요.", out.display())?;
    }
    Ok(Outcome::Complete)
}

fn correction(name: Option<&str>, tel: Option<&str>) -> Result<PersonCorrection, CliError> {
    let name = name.map(one_line).filter(|name| !name.is_empty());
    if name.as_ref().is_some_and(|name| name.chars().count() > text_limits::PERSON_NAME) {
        return Err(CliError("--name: 100자까지 쓸 수 있어요.".to_owned()));
    }
    let tel = tel
        .map(|text| {
            parse_phone(text).map_err(|_| CliError(format!("--tel '{text}': 010-0000-0000처럼 입력해 주세요.")))
        })
        .transpose()?;
    let correction = PersonCorrection { name, tel };
    if correction.is_empty() {
        return Err(CliError("--name이나 --tel로 수정할 것을 알려 주세요.".to_owned()));
    }
    Ok(correction)
}

/// Writes the demand down, does it and answers it, in one transaction.
fn execute(
    storage: &Storage,
    person: &PersonOf,
    kind: RequestKind,
    demand: &DemandOptions,
    act: impl Fn(
        &mut dyn Tx,
        PersonRequestId,
        (OrderId, PersonRole),
    ) -> Result<Option<requests::RequestOutcome>, StorageError>
    + Send
    + 'static,
) -> CommandResult {
    let of = person.find(storage)?;
    let words = one_line(&demand.demand);
    if words.is_empty() || words.chars().count() > MAX_REQUEST_CHARS {
        return Err(CliError("--demand: 누가 무엇을 요구했는지 500자까지 입력해 주세요.".to_owned()));
    }
    if let Some(kind) = find_sensitive(&words) {
        return Err(CliError(format!("--demand: {}", kind.rejection())));
    }
    let received = demand
        .received
        .as_deref()
        .map(|text| {
            parse_date(text).ok_or_else(|| CliError(format!("--received '{text}': 2024-03-15처럼 입력해 주세요.")))
        })
        .transpose()?;
    let done = block_on(async {
        let write = move |tx: &mut dyn Tx| {
            let received_on = received.unwrap_or_else(|| tx.now().date());
            let Some(id) = requests::receive(tx, Actor::CommandLine, of, kind, received_on, &words)? else {
                return Ok(None);
            };
            let Some((answer, said)) = act(tx, id, of)? else { return Ok(None) };
            requests::answer(tx, Actor::CommandLine, id, answer, text_limits::truncate(&said, 1_000))?;
            Ok::<_, CliError>(Some((id, answer, said)))
        };
        storage.write(write).await
    })?;
    let (id, answer, said) = done.ok_or_else(|| CliError("주문이 없어요.".to_owned()))?;
    let mut out = io::stdout().lock();
    if demand.json {
        writeln!(out, "{}", json!({ "request": id.to_string(), "answer": answer.code(), "message": said }))?;
    } else {
        writeln!(out, "{said}")?;
    }
    Ok(if answer == RequestAnswer::Done { Outcome::Complete } else { Outcome::Partial })
}

fn preview(storage: &Storage, person: &PersonOf, keep: RetentionYears, json: bool) -> CommandResult {
    let (order_id, role) = person.find(storage)?;
    let plan = block_on(async {
        let read = move |tx: &mut dyn Tx| {
            let Some(record) = record_of(tx, order_id, role, keep)? else { return Ok(None) };
            requests::plan_deletion(tx, &record, keep).map(Some)
        };
        Ok(storage.read(read).await?)
    })?;
    let plan = plan.ok_or_else(|| CliError("주문이 없어요.".to_owned()))?;
    let mut out = io::stdout().lock();
    if json {
        let kept = plan
            .kept
            .iter()
            .map(|(day, ids)| json!({ "until": day.to_string(), "orders": ids.len(), "because": KEPT_BECAUSE }));
        let plan = json!({ "memos": plan.memos, "kept": kept.collect::<Vec<_>>(), "under_way": plan.under_way.len() });
        writeln!(out, "{plan}")?;
        return Ok(Outcome::Complete);
    }
    writeln!(out, "지우는 것: 주문 {}건의 메모와 그 로그", plan.memos)?;
    for (day, ids) in &plan.kept {
        writeln!(out, "{day}까지 따로 두는 것: 주문 {}건. {KEPT_BECAUSE}", ids.len())?;
    }
    if !plan.under_way.is_empty() {
        writeln!(out, "그대로 두는 것: 아직 끝나지 않은 주문 {}건", plan.under_way.len())?;
    }
    Ok(Outcome::Complete)
}

fn request_json(request: &PersonRequest) -> Value {
    let answer = request
        .answer
        .as_ref()
        .map(|(answer, note, at, by)| json!({ "answer": answer.code(), "note": note, "at": at.iso(), "username": by }));
    json!({
        "request": request.id.to_string(),
        "kind": request.kind.code(),
        "received_on": request.received_on.to_string(),
        "due_on": request.due_on.to_string(),
        "demand": request.demand,
        "answer": answer,
    })
}

fn list(storage: &Storage, json: bool) -> CommandResult {
    let (all, today) = block_on(async {
        let read =
            |tx: &mut dyn Tx| Ok::<_, StorageError>((requests::page(tx, 0, i64::from(u16::MAX))?.0, tx.now().date()));
        Ok(storage.read(read).await?)
    })?;
    let mut out = io::stdout().lock();
    if json {
        writeln!(out, "{}", Value::from(all.iter().map(request_json).collect::<Vec<_>>()))?;
        return Ok(Outcome::Complete);
    }
    if all.is_empty() {
        writeln!(out, "기록한 요구가 없어요.")?;
    }
    for request in &all {
        let state = match &request.answer {
            Some((answer, _, at, _)) => format!("{} ({})", answer.label(), at.date()),
            None if request.is_late(today) => format!("기한이 지났어요 ({})", request.due_on),
            None => format!("{}까지", request.due_on),
        };
        let (id, kind) = (request.id.to_string(), request.kind.label());
        writeln!(out, "{id}  {}  {kind}  {state}  {}", request.received_on, request.demand)?;
    }
    Ok(Outcome::Complete)
}

fn give_answer(storage: &Storage, number: &str, answer: &str, note: &str) -> CommandResult {
    let unknown = || CliError(format!("'{number}' 요구가 없거나 이미 답했어요. mukkeum person requests로 확인하세요."));
    let id = Id::parse(number).ok_or_else(unknown)?;
    let answer = <RequestAnswer as FromCode>::from_code(answer)
        .ok_or_else(|| CliError(format!("ANSWER '{answer}': done, in-part, refused 가운데 하나예요.")))?;
    let note = one_line(note);
    if note.is_empty() || note.chars().count() > MAX_REQUEST_CHARS {
        return Err(CliError("--note: 어떻게 답했는지 500자까지 입력해 주세요.".to_owned()));
    }
    let write = move |tx: &mut dyn Tx| requests::answer(tx, Actor::CommandLine, id, answer, &note);
    if !block_on(async { Ok(storage.write(write).await?) })? {
        return Err(unknown());
    }
    writeln!(io::stdout().lock(), "답을 기록했어요: {}", answer.label())?;
    Ok(Outcome::Complete)
}

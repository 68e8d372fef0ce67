//! `mukkeum export`: exports a list to a file, with the filters of its page.
//!
//! Invalid filter values are errors here (the page ignores them), and all are reported together, so that a
//! typo in a script cannot export the wrong rows.

mod deliveries;
mod plans;
mod texts;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use clap::Subcommand;

use super::progress::block_on_showing;
use super::{CliError, CommandResult, Outcome, block_on, open_existing};
use crate::access::{self, Accessor};
use crate::audit::Actor;
use crate::audit::downloads::{self, DownloadRecord, NewFile};
use crate::channels::{self, Profiles};
use crate::config::Config;
use crate::districts::DistrictCache;
use crate::id::OrderId;
use crate::orders;
use crate::orders::export::{self, ExportError, ExportKind, ExportOutcome, ExportRequest, Format, SMART_STORE};
use crate::orders::filter::{DateField, MAX_PASTED_NUMBERS, OrderFilter, OrderQuery, parts};
use crate::orders::model::{Order, OrderState};
use crate::orders::search_field::SearchField;
use crate::orders::store::claims;
use crate::products::store as products;
use crate::search::tokenizer::search_words;
use crate::storage::Tx;
use crate::time::{Moment, parse_date};
use crate::uploads::claim_data::ClaimDataSummary;
use crate::uploads::store as uploads;

#[derive(Subcommand)]
pub(super) enum Export {
    /// 주문을 파일로 저장해요. 검색 조건은 주문 화면과 같아요
    Orders(Orders),
    /// 공장에 보낼 발주서를 저장해요. 상품을 정하지 않으면 상품마다 시트를 나눠요
    PurchaseOrder(GatedOrders),
    /// 스마트스토어 발송처리 파일을 저장해요. 배송됨 상태인 스마트스토어 주문이에요
    Dispatch(GatedOrders),
    /// 배송을 파일로 저장해요. 검색 조건은 배송 화면과 같아요
    Deliveries(Box<deliveries::Deliveries>),
    /// 하루의 배차를 출력해요: 차마다 배송 순서와 시각, 그리고 미배차
    Plans(plans::Plans),
    /// 고객에게 보낼 안내 문자를 출력하거나, 문자 업체에 올릴 파일로 저장해요
    Texts(texts::Texts),
}

#[derive(clap::Args)]
pub(super) struct Orders {
    /// 검색 항목: all, order_number, customer_name, customer_tel, recipient_name, recipient_tel1, recipient_tel2, address, tracking_number, bundle_number [기본값: all]
    #[arg(long, value_name = "FIELD")]
    field: Option<String>,
    /// 검색어
    #[arg(long, value_name = "WORDS")]
    q: Option<String>,
    /// 기간을 정할 날짜: placed_at, dispatch_deadline, preferred_shipping_date, purchased_at, dispatched_at, shipped_at, confirmed_at, cancelled_at, refunded_at [기본값: placed_at]
    #[arg(long, value_name = "FIELD")]
    date: Option<String>,
    /// 첫날(포함), YYYY-MM-DD
    #[arg(long, value_name = "DATE")]
    from: Option<String>,
    /// 마지막 날(포함), YYYY-MM-DD
    #[arg(long, value_name = "DATE")]
    to: Option<String>,
    /// 주문상태: PLACED(주문), PURCHASED(발주), DISPATCHED(출고), SHIPPED(배송됨), CONFIRMED(확정), CANCELLED(취소됨), REFUNDED(반품)
    #[arg(long, value_name = "STATE")]
    state: Option<String>,
    /// 판매채널의 코드나 이름
    #[arg(long, value_name = "NAME")]
    channel: Option<String>,
    /// 상품번호
    #[arg(long, value_name = "NUMBER")]
    product: Option<String>,
    /// open: 처리할 클레임만
    #[arg(long, value_name = "open")]
    claim: Option<String>,
    /// 정렬, 날짜와 .desc(최근 먼저) 또는 .asc [기본값: placed_at.desc]
    #[arg(long, value_name = "DATE.DIRECTION")]
    sort: Option<String>,
    /// 용도. 내려받기 기록에 남아요
    #[arg(long, value_name = "WORDS")]
    purpose: Option<String>,
    /// 저장할 파일, .xlsx .csv .json 중 하나
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// 결과를 JSON으로
    #[arg(long)]
    json: bool,
}

/// Options of a file that leaves out orders with an open cancellation.
#[derive(clap::Args)]
pub(super) struct GatedOrders {
    #[command(flatten)]
    orders: Orders,
    /// 취소 요청이 있지만 그래도 넣을 상품주문번호, 여러 번 쓸 수 있어요. 주문의 기록에 남아요
    #[arg(long, value_name = "NUMBER")]
    despite_claim: Vec<String>,
    /// 아직 보내지 않은 주문만 넣어요. 쓰지 않으면 이미 파일로 받은 주문도 다시 넣어요
    #[arg(long)]
    unsent: bool,
}

/// The answer of `--json`.
#[derive(Serialize)]
struct ExportReport {
    file: String,
    rows: u64,
    left_out: Vec<ClaimedOrder>,
    /// number of orders that an earlier file has, and that `--unsent` left out
    already_sent: usize,
    despite_claim: Vec<ClaimedOrder>,
    unknown_courier: Vec<UnknownCourier>,
    claim_data: Vec<ClaimDataAge>,
    warnings: Vec<String>,
}

/// When the newest file that tells of cancellations was uploaded.
#[derive(Serialize)]
struct ClaimDataAge {
    sales_channel: String,
    newest_at: Option<String>,
}

/// An order whose courier the channel does not know.
#[derive(Serialize)]
struct UnknownCourier {
    order_number: String,
    courier: String,
}

/// An order with an open claim.
#[derive(Serialize)]
struct ClaimedOrder {
    order_number: String,
    claim: String,
}

impl ClaimedOrder {
    fn all(orders: Vec<Order>) -> Vec<Self> {
        orders.into_iter().map(|order| Self { order_number: order.order_number, claim: order.claim }).collect()
    }
}

impl Export {
    pub(super) fn run(self, config: &Config) -> CommandResult {
        match self {
            Self::Orders(orders) => orders.run(config, ExportKind::Orders, Vec::new(), false),
            Self::PurchaseOrder(gated) => gated.run(config, ExportKind::PurchaseOrder),
            Self::Dispatch(gated) => gated.run(config, ExportKind::Dispatch),
            Self::Deliveries(deliveries) => deliveries.run(config),
            Self::Plans(plans) => plans.run(config),
            Self::Texts(texts) => texts.run(config),
        }
    }
}

impl GatedOrders {
    fn run(self, config: &Config, content: ExportKind) -> CommandResult {
        self.orders.run(config, content, self.despite_claim, self.unsent)
    }
}

impl Orders {
    fn run(self, config: &Config, content: ExportKind, despite_claim: Vec<String>, unsent: bool) -> CommandResult {
        let path = self.out.display().to_string();
        let Some(format) = Format::of(&self.out) else {
            return Err(CliError(format!("{path}: 파일 이름은 .xlsx, .csv, .json 중 하나로 끝나야 해요.")));
        };
        let query = self.query(content);
        let problems = problems(&query);
        if !problems.is_empty() {
            return Err(CliError(problems.join("\n")));
        }
        let shipped = Profiles::shipped().map_err(|error| CliError(error.to_string()))?;
        let storage = open_existing(config)?;
        let (json, purpose) = (self.json, self.purpose.unwrap_or_default());
        let unresolved = query.clone();
        let resolve = move |tx: &mut dyn Tx| {
            let profiles = channels::store::profiles::with_shipped(tx, &shipped)?;
            let filter = resolve_names(tx, &unresolved, &profiles)?;
            let claims = if content.is_held_by_claims() {
                uploads::claim_data_of_search(tx, &filter)?
            } else {
                ClaimDataSummary::default()
            };
            Ok::<_, CliError>((filter, resolve_numbers(tx, "despite-claim", &despite_claim)?, claims))
        };
        let (filter, despite_claims, claims) = block_on(async { storage.read(resolve).await })?;
        if let Some(problem) = content.problem(&filter) {
            return Err(CliError(problem.to_owned()));
        }
        if !json {
            // Before the file is made: who reads it may still stop it.
            let mut out = io::stdout().lock();
            for warning in &claims.warnings {
                writeln!(out, "클레임 정보가 오래됐어요. {warning}")?;
            }
        }
        let written = block_on_showing("파일을 만들고 있어요", json, async {
            let request = ExportRequest {
                kind: content,
                format,
                filter,
                despite_claims,
                claim_note: claims.note(),
                masks_contact: false,
                repeats: !unsent,
            };
            let (districts, out) = (DistrictCache::default(), self.out);
            let written = storage.read_replica(move |tx| {
                let districts = districts.current(tx)?;
                export::save(tx, &request, &districts, &out)
            });
            let written = written.await.map_err(|error| export_error(error, &path))?;
            let source = format!("/orders?{}", query.to_query_string(&[]));
            let (rows, accessed, ids) = (written.orders(), written.accessed(), written.ids.clone());
            let despite: Vec<OrderId> = written.despite_claim.iter().map(|order| order.id).collect();
            let name = Path::new(&path).file_name().unwrap_or_default().to_string_lossy().into_owned();
            let bytes = match content.recipient() {
                Some(_) => std::fs::read(&path).map_err(|error| export_error(error.into(), &path))?,
                None => Vec::new(),
            };
            let record_download = move |tx: &mut dyn Tx| {
                if let (Some(sent_to), true) = (content.recipient(), unsent)
                    && !export::sent_before(tx, sent_to, &ids)?.is_empty()
                {
                    return Ok(false);
                }
                let download = DownloadRecord {
                    content: content.code(),
                    source: &source,
                    rows,
                    purpose: None,
                    note: &purpose,
                    digest: None,
                };
                let id = downloads::record(tx, None, &download)?;
                if let Some(sent_to) = content.recipient() {
                    let file = NewFile { name: &name, bytes: &bytes, sent_to, order_ids: &ids };
                    downloads::record_file(tx, id, file)?;
                }
                access::record_download(tx, Accessor::CommandLine, &source, &purpose, accessed.clone())?;
                claims::log_file_despite_claim(tx, Actor::CommandLine, &despite, &content.label())?;
                Ok::<_, CliError>(true)
            };
            if !storage.write(record_download).await? {
                let message = "그 사이 누가 같은 주문을 파일로 받았어요. 저장한 파일을 쓰지 말고 다시 해 주세요.";
                return Err(CliError(message.to_owned()));
            }
            Ok((written, claims))
        })?;
        report(path, written, unsent, json)
    }

    /// The filter as the page would receive it. For 발송처리, state and channel default to shipped orders of
    /// 스마트스토어.
    fn query(&self, content: ExportKind) -> OrderQuery {
        let or = |value: String, default: &str| if value.is_empty() { default.to_owned() } else { value };
        let (state, channel) =
            if content == ExportKind::Dispatch { (OrderState::Shipped.code(), SMART_STORE) } else { ("", "") };
        let value = |value: &Option<String>| value.as_deref().unwrap_or_default().trim().to_owned();
        OrderQuery {
            field: value(&self.field),
            q: value(&self.q),
            date: value(&self.date),
            from: value(&self.from),
            to: value(&self.to),
            state: or(value(&self.state), state),
            channel: or(value(&self.channel), channel),
            product: value(&self.product),
            claim: value(&self.claim),
            sort: value(&self.sort),
            ..OrderQuery::default()
        }
    }
}

/// Prints the result of an export, with the orders that an open cancellation keeps out of the file. The file is whole
/// without them, so a script that takes it on is not stopped.
fn report(
    file: String,
    (written, claims): (ExportOutcome, ClaimDataSummary),
    unsent: bool,
    json: bool,
) -> CommandResult {
    let rows = written.orders();
    let already_sent = if unsent { written.left_out.sent() } else { 0 };
    let ExportOutcome { held, despite_claim, unknown_courier, .. } = written;
    let claim_data = claims.channels.into_iter();
    let report = ExportReport {
        file,
        rows,
        left_out: ClaimedOrder::all(held),
        already_sent,
        despite_claim: ClaimedOrder::all(despite_claim),
        unknown_courier: unknown_courier
            .into_iter()
            .map(|order| UnknownCourier { order_number: order.order_number, courier: order.courier })
            .collect(),
        claim_data: claim_data
            .map(|data| ClaimDataAge { newest_at: data.newest_at.map(Moment::iso), sales_channel: data.channel_code })
            .collect(),
        warnings: claims.warnings,
    };
    let mut out = io::stdout().lock();
    if json {
        serde_json::to_writer(&mut out, &report).map_err(io::Error::from)?;
        writeln!(out)?;
        return Ok(Outcome::Complete);
    }
    writeln!(out, "{}건을 {}에 저장했어요.", report.rows, report.file)?;
    if report.already_sent > 0 {
        writeln!(out, "이미 파일로 받은 {}건은 뺐어요.", report.already_sent)?;
    }
    for (orders, what) in [
        (&report.left_out, "취소 요청이 있어 뺐어요. 그래도 넣으려면 --despite-claim 번호를 붙이세요"),
        (&report.despite_claim, "취소 요청이 있지만 넣었어요"),
    ] {
        for ClaimedOrder { order_number, claim } in orders {
            writeln!(out, "{order_number} {claim}: {what}.")?;
        }
    }
    for UnknownCourier { order_number, courier } in &report.unknown_courier {
        writeln!(
            out,
            "{order_number}: 판매채널이 모르는 택배사예요: '{courier}'. 수정하지 않으면 판매채널이 받지 않아요."
        )?;
    }
    Ok(Outcome::Complete)
}

/// The orders with these numbers, which a flag names.
pub(super) fn resolve_numbers(tx: &mut dyn Tx, flag: &str, numbers: &[String]) -> Result<Vec<OrderId>, CliError> {
    let asked: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let found = orders::store::ids_by_number(tx, None, &asked)?;
    let unknown = asked.iter().filter(|number| !found.contains_key(**number));
    let problems: Vec<String> = unknown.map(|number| format!("--{flag} '{number}': 없는 주문번호예요.")).collect();
    if problems.is_empty() { Ok(found.into_values().flatten().collect()) } else { Err(CliError(problems.join("\n"))) }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// The error message of an export to the file `path`.
fn export_error(error: ExportError, path: &str) -> CliError {
    match error {
        ExportError::Storage(error) => error.into(),
        ExportError::Write(error) if is_full(&error) => {
            CliError(format!("{path} 파일을 쓰지 못했어요. 디스크 공간이 없어요. 공간을 비운 뒤 다시 해 보세요."))
        }
        ExportError::Write(error) => CliError(format!("{path} 파일을 쓰지 못했어요: {error}")),
        error @ ExportError::TooManySheets { .. } => CliError(error.to_string()),
    }
}

/// Error messages for all invalid filter values that can be found without the database.
fn problems(query: &OrderQuery) -> Vec<String> {
    let filter = query.filter();
    let check = |flag: &str, value: &str, is_valid: bool, expected: &str| {
        (!value.is_empty() && !is_valid).then(|| format!("--{flag} '{value}': {expected}"))
    };
    let codes = |codes: &[&str]| format!("{} 중 하나여야 해요.", codes.join(", "));
    let dates = DateField::ALL.map(DateField::code);
    let states_are_known = parts(&query.state).all(|state| OrderState::parse(state).is_some());
    let (from, to) = (parse_date(&query.from), parse_date(&query.to));
    let is_reversed = from.zip(to).is_some_and(|(from, to)| to < from);
    [
        check(
            "field",
            &query.field,
            SearchField::from_code(&query.field).is_some(),
            &codes(&SearchField::ALL.map(SearchField::code)),
        ),
        check("q", &query.q, !search_words(&query.q).is_empty(), "찾을 글자나 숫자가 없어요."),
        check(
            "q",
            &query.q,
            query.numbers_beyond_limit().is_empty(),
            &format!("번호는 한 번에 {MAX_PASTED_NUMBERS}개까지 찾을 수 있어요."),
        ),
        check("date", &query.date, DateField::from_code(&query.date).is_some(), &codes(&dates)),
        check("from", &query.from, from.is_some(), "2024-03-15처럼 입력해 주세요."),
        check("to", &query.to, to.is_some(), "2024-03-15처럼 입력해 주세요."),
        check("to", &query.to, !is_reversed, "--from보다 빨라요."),
        check("state", &query.state, states_are_known, &codes(&OrderState::ALL.map(OrderState::code))),
        check("claim", &query.claim, filter.claim_open, "open이어야 해요."),
        check("sort", &query.sort, filter.sort.is_some(), "placed_at.desc처럼 날짜와 .desc 또는 .asc를 입력해 주세요."),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The filter, with the name of a channel replaced by its code. Channel and product must exist.
fn resolve_names(tx: &mut dyn Tx, query: &OrderQuery, profiles: &Profiles) -> Result<OrderFilter, CliError> {
    let mut filter = query.filter();
    let mut problems = Vec::new();
    let known = channels::store::all(tx)?;
    for name in &mut filter.channels {
        let known = known.iter().map(|(code, name)| (code.as_str(), name.as_str())).chain(profiles.channels());
        match channel_code(known, name) {
            Some(code) => *name = code,
            None => problems.push(format!("--channel '{name}': 모르는 판매채널이에요.")),
        }
    }
    if let Some(number) = &filter.product
        && products::by_number(tx, [number.as_str()])?.is_empty()
    {
        problems.push(format!("--product '{number}': 없는 상품번호예요."));
    }
    if problems.is_empty() { Ok(filter) } else { Err(CliError(problems.join("\n"))) }
}

/// The code of the channel with this code or name, case-insensitive.
pub(super) fn channel_code<'a>(channels: impl Iterator<Item = (&'a str, &'a str)>, given: &str) -> Option<String> {
    let given = given.to_lowercase();
    let mut channels = channels;
    channels
        .find(|(code, name)| code.to_lowercase() == given || name.to_lowercase() == given)
        .map(|(code, _)| code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(change: impl FnOnce(&mut OrderQuery)) -> OrderQuery {
        let mut query = OrderQuery::default();
        change(&mut query);
        query
    }

    #[test]
    fn all_invalid_filter_values_are_reported_together() {
        let wrong = query(|query| {
            "배달".clone_into(&mut query.state);
            "2024-02-30".clone_into(&mut query.from);
            "price.desc".clone_into(&mut query.sort);
            "()".clone_into(&mut query.q);
            "memo".clone_into(&mut query.field);
        });
        assert_eq!(problems(&wrong).len(), 5);
        let reversed = query(|query| {
            "2024-03-20".clone_into(&mut query.from);
            "2024-03-10".clone_into(&mut query.to);
        });
        assert_eq!(problems(&reversed).len(), 1);
    }

    #[test]
    fn states_are_parsed_from_code_and_label() {
        for state in ["PURCHASED", "purchased", "발주", "반품", ""] {
            assert!(problems(&query(|query| state.clone_into(&mut query.state))).is_empty(), "{state}");
        }
    }

    #[test]
    fn channels_are_found_by_code_and_name() {
        let channels = [("SMART_STORE", "스마트스토어"), ("LOTTE_ON", "롯데ON")];
        let code = |given| channel_code(channels.into_iter(), given);
        assert_eq!(code("smart_store").as_deref(), Some("SMART_STORE"));
        assert_eq!(code("롯데on").as_deref(), Some("LOTTE_ON"));
        assert_eq!(code("쿠팡"), None);
    }
}

//! `mukkeum export deliveries`: exports the list of deliveries.

use std::io::{self, Write};
use std::path::PathBuf;

use super::{CliError, CommandResult, Outcome, block_on, export_error, open_existing};
use crate::access::{self, Accessor};
use crate::audit::downloads::{self, DownloadRecord};
use crate::config::Config;
use crate::deliveries::export;
use crate::deliveries::filter::{DeliveryQuery, DeliverySearchField, NO_GU_SUFFIX, NONE, Sort};
use crate::districts::DistrictCache;
use crate::orders::bundle::DeliveryState;
use crate::orders::export::Format;
use crate::orders::model::ShippingMethod;
use crate::search::tokenizer::search_words;
use crate::storage::Tx;
use crate::time::parse_date;

#[derive(clap::Args)]
pub(in crate::cli) struct Deliveries {
    /// 검색 항목: all, delivery_number, recipient_name, recipient_tel1, recipient_tel2, address, address2 [기본값: all]
    #[arg(long, value_name = "FIELD", default_value = "")]
    field: String,
    /// 검색어
    #[arg(long, value_name = "WORDS", default_value = "")]
    q: String,
    /// 배송상태, 여러 번 쓸 수 있어요: PREPARING(준비), READY_TO_SHIP(대기), COMPLETED(완료), RETURNED(반품), CANCELLED(취소)
    #[arg(long, value_name = "STATE")]
    state: Vec<String>,
    /// 배송방법, 여러 번 쓸 수 있어요: DIRECT, PARCEL, QUICK, PICKUP, OTHER
    #[arg(long, value_name = "METHOD")]
    method: Vec<String>,
    /// 시/도 코드, 예: 47
    #[arg(long, value_name = "CODE", default_value = "")]
    sido: String,
    /// 시/군/구 코드, 예: 47110. none은 미분류
    #[arg(long, value_name = "CODE", default_value = "")]
    sigungu: String,
    /// none은 희망배송일 없음
    #[arg(long, value_name = "none", default_value = "")]
    date: String,
    /// 희망배송일 첫날(포함), YYYY-MM-DD
    #[arg(long, value_name = "DATE", default_value = "")]
    from: String,
    /// 희망배송일 마지막 날(포함), YYYY-MM-DD
    #[arg(long, value_name = "DATE", default_value = "")]
    to: String,
    /// 정렬: newest, direct, preferred_shipping_date.asc, sigungu.asc, state.asc, 그리고 .desc [기본값: newest]
    #[arg(long, value_name = "SORT", default_value = "")]
    sort: String,
    /// 용도. 내려받기 기록에 남아요
    #[arg(long, value_name = "WORDS", default_value = "")]
    purpose: String,
    /// 저장할 파일, .xlsx .csv .json 중 하나
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Deliveries {
    pub(super) fn run(self, config: &Config) -> CommandResult {
        let path = self.out.display().to_string();
        let Some(format) = Format::of(&self.out) else {
            return Err(CliError(format!("{path}: 파일 이름은 .xlsx, .csv, .json 중 하나로 끝나야 해요.")));
        };
        let query = self.query();
        let problems = problems(&query);
        if !problems.is_empty() {
            return Err(CliError(problems.join("\n")));
        }
        let storage = open_existing(config)?;
        let deliveries = block_on(async {
            let (page_query, districts, out) = (query.clone(), DistrictCache::default(), self.out);
            let saved = storage.read_replica(move |tx| {
                let districts = districts.current(tx)?;
                let filter = page_query.filter(Sort::default(), &districts);
                export::save(tx, &filter, format, &districts, &out)
            });
            let (rows, accessed) = saved.await.map_err(|error| export_error(error, &path))?;
            let (source, note) = (format!("/deliveries?{}", query.to_query_string(&query.sort)), self.purpose);
            let record_download = move |tx: &mut dyn Tx| {
                let download = DownloadRecord {
                    content: "deliveries",
                    source: &source,
                    rows,
                    purpose: None,
                    note: &note,
                    digest: None,
                };
                downloads::record(tx, None, &download)?;
                access::record_download(tx, Accessor::CommandLine, &source, &note, accessed.clone())
            };
            storage.write(record_download).await?;
            Ok::<_, CliError>(rows)
        })?;
        writeln!(io::stdout().lock(), "{deliveries}건을 {path}에 저장했어요.")?;
        Ok(Outcome::Complete)
    }

    fn query(&self) -> DeliveryQuery {
        let state = |word: &String| DeliveryState::parse(word).map_or(word.clone(), |state| state.code().to_owned());
        DeliveryQuery {
            field: self.field.clone(),
            q: self.q.trim().to_owned(),
            state: self.state.iter().map(state).collect(),
            method: self.method.clone(),
            sido: self.sido.clone(),
            sigungu: self.sigungu.clone(),
            date: self.date.clone(),
            date_from: self.from.clone(),
            date_to: self.to.clone(),
            action: String::new(),
            sort: self.sort.clone(),
        }
    }
}

/// Error messages for all invalid filter values.
fn problems(query: &DeliveryQuery) -> Vec<String> {
    let check = |flag: &str, value: &str, is_valid: bool, expected: &str| {
        (!value.is_empty() && !is_valid).then(|| format!("--{flag} '{value}': {expected}"))
    };
    let one_of = |codes: &[&str]| format!("{} 중 하나여야 해요.", codes.join(", "));
    let (from, to) = (parse_date(&query.date_from), parse_date(&query.date_to));
    let is_reversed = from.zip(to).is_some_and(|(from, to)| to < from);
    let code = |word: &str| word.parse::<u32>().is_ok();
    let states = query.state.iter().map(|word| {
        check(
            "state",
            word,
            DeliveryState::parse(word).is_some(),
            &one_of(&DeliveryState::ALL.map(DeliveryState::code)),
        )
    });
    let methods = query.method.iter().map(|word| {
        let known = ShippingMethod::from_code(word).is_some();
        check("method", word, known, &one_of(&ShippingMethod::ALL.map(ShippingMethod::code)))
    });
    [
        check(
            "field",
            &query.field,
            DeliverySearchField::from_code(&query.field).is_some(),
            &one_of(&DeliverySearchField::ALL.map(DeliverySearchField::code)),
        ),
        check("q", &query.q, !search_words(&query.q).is_empty(), "찾을 글자나 숫자가 없어요."),
        check("sido", &query.sido, code(&query.sido), "47처럼 시/도 코드를 입력해 주세요."),
        check(
            "sigungu",
            &query.sigungu,
            query.sigungu == NONE || code(query.sigungu.strip_suffix(NO_GU_SUFFIX).unwrap_or(&query.sigungu)),
            "47110처럼 시/군/구나 일반구 코드, 또는 none을 입력해 주세요.",
        ),
        check("date", &query.date, query.date == NONE, "none만 쓸 수 있어요. 날짜는 --from과 --to로 입력해 주세요."),
        check("from", &query.date_from, from.is_some(), "2024-03-15처럼 입력해 주세요."),
        check("to", &query.date_to, to.is_some(), "2024-03-15처럼 입력해 주세요."),
        check("to", &query.date_to, !is_reversed, "--from보다 빨라요."),
        check("sort", &query.sort, Sort::from_code(&query.sort).is_some(), &one_of(&Sort::ALL.map(Sort::code))),
    ]
    .into_iter()
    .chain(states)
    .chain(methods)
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_invalid_filter_values_are_reported_together() {
        let parse = |query: &str| serde_html_form::from_str::<DeliveryQuery>(query).expect("reads");
        let invalid =
            parse("state=배달&method=DRONE&sido=경북&date=today&date_from=2024-02-30&sort=price&q=()&field=memo");
        assert_eq!(problems(&invalid).len(), 8);
        assert_eq!(problems(&parse("date_from=2024-03-20&date_to=2024-03-10")).len(), 1);
        let valid = parse("state=완료&method=DIRECT&sido=47&sigungu=none&date=none&sort=sigungu.desc&q=김");
        assert!(problems(&valid).is_empty());
    }
}

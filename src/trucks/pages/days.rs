//! `/trucks/days`: the weekdays on which districts are served.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::districts::{DistrictCache, Districts};
use crate::storage::{Result as StorageResult, Storage, Tx};
use crate::trucks::store;
use crate::trucks::weekdays::{WEEKDAY_NAMES, Weekdays};
use crate::web::{Error, Flash, FlashId, Form, Layout, PageResult, Tone, page, page_with_status, redirect_with_flash};

/// A district with weekdays of its own.
struct DistrictRow {
    code: i64,
    name: String,
    weekdays: Weekdays,
}

#[derive(Template)]
#[template(path = "trucks/days.html")]
struct DaysPage {
    layout: Layout,
    rows: Vec<DistrictRow>,
    /// names of all districts, for the input
    names: Vec<String>,
    form: DaysForm,
    problem: Option<String>,
}

impl DaysPage {
    #[expect(clippy::unused_self, reason = "the template calls it")]
    fn numbers(&self) -> impl Iterator<Item = (usize, &'static str)> {
        WEEKDAY_NAMES.into_iter().enumerate()
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct DaysForm {
    /// `save` or `delete`
    act: String,
    /// code of a listed district; empty for a new one
    code: String,
    /// name of a new district
    district: String,
    weekday: Vec<usize>,
    /// the stored bits that the form was made from; empty for none
    was: String,
}

async fn load(storage: &Storage, districts: &DistrictCache, layout: Layout) -> PageResult<DaysPage> {
    let districts = districts.refresh(storage).await?;
    let stored = storage.read(store::district_weekdays).await?;
    let row = |(code, weekdays)| DistrictRow { code, name: region_name(&districts, code), weekdays };
    let names = region_names(&districts);
    Ok(DaysPage {
        layout,
        rows: stored.into_iter().map(row).collect(),
        names,
        form: DaysForm::default(),
        problem: None,
    })
}

/// Full names of all 시/도 and 시/군/구, for an input.
pub(super) fn region_names(districts: &Districts) -> Vec<String> {
    let names = districts.sidos().flat_map(|sido| {
        [sido.full_name.clone()]
            .into_iter()
            .chain(districts.children_of(sido.code).map(|region| region.full_name.clone()))
    });
    let mut names: Vec<String> = names.collect();
    names.dedup();
    names
}

fn region_name(districts: &Districts, code: i64) -> String {
    districts.region(code).map_or_else(|| code.to_string(), |region| region.full_name.clone())
}

/// The code of the 시/도 or 시/군/구 of that name.
fn region_code(districts: &Districts, name: &str) -> Option<i64> {
    let name = name.trim();
    let sido = || districts.sidos().find(|sido| sido.full_name == name || sido.short_name == name);
    districts.find_by_name(name).or_else(sido).map(|region| region.code)
}

pub(super) async fn show(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    layout: Layout,
) -> PageResult {
    Ok(page(load(&storage, &districts, layout).await?))
}

pub(super) async fn update(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    layout: Layout,
    actor: MemberActor,
    Form(form): Form<DaysForm>,
) -> PageResult {
    let table = districts.refresh(&storage).await?;
    let listed = form.code.parse::<i64>().ok().filter(|code| table.region(*code).is_some());
    let Some(code) = listed.or_else(|| region_code(&table, &form.district)) else {
        let problem = "시/군/구나 시/도의 이름을 목록에서 선택해 주세요. 예: 경상북도 구미시".to_owned();
        return refused(&storage, &districts, layout, form, Some(problem)).await;
    };
    let was = match form.was.as_str() {
        "" => None,
        bits => Some(bits.parse().ok().and_then(Weekdays::from_stored).ok_or_else(bad_request)?),
    };
    let is = match form.act.as_str() {
        "save" => Some(Weekdays::from_numbers(form.weekday.iter().copied())),
        "delete" => None,
        _ => return Err(bad_request()),
    };
    let name = region_name(&table, code);
    let saved = storage.write(move |tx| save(tx, actor, (code, &name), was, is)).await?;
    match saved {
        Some(flash) => Ok(redirect_with_flash("/trucks/days", flash)),
        None if form.code.is_empty() => {
            let problem = "이미 요일을 정한 지역이에요. 목록에서 바꿔 주세요.".to_owned();
            refused(&storage, &districts, layout, form, Some(problem)).await
        }
        None => refused(&storage, &districts, layout, DaysForm::default(), None).await,
    }
}

fn bad_request() -> Error {
    Error::BadRequest("어떤 작업인지 알 수 없어요. 새로고침한 뒤 다시 시도해 주세요.".to_owned())
}

/// The page with the form that was not saved, or, without a message at its field, after a conflict.
async fn refused(
    storage: &Storage,
    districts: &DistrictCache,
    layout: Layout,
    form: DaysForm,
    problem: Option<String>,
) -> PageResult {
    let mut days = load(storage, districts, layout).await?;
    let message = if problem.is_some() {
        "저장하지 못했어요. 표시된 곳을 확인해 주세요."
    } else {
        "그 사이 다른 사람이 이 지역의 요일을 바꿨어요. 지금 요일을 확인하고 다시 저장해 주세요."
    };
    days.layout.flash = Some(Flash::new(Tone::Warning, message));
    (days.form, days.problem) = (form, problem);
    Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, days))
}

/// Saves the weekdays; none if the stored ones are not `was`.
fn save(
    tx: &mut dyn Tx,
    actor: MemberActor,
    (code, name): (i64, &str),
    was: Option<Weekdays>,
    is: Option<Weekdays>,
) -> StorageResult<Option<FlashId>> {
    if !store::set_district_weekdays(tx, code, was, is)? {
        return Ok(None);
    }
    let event = AuditEvent::DistrictWeekdaysSaved { district: name.to_owned(), weekdays: is.map(Weekdays::label) };
    audit::record(tx, actor, AuditObject::UNNUMBERED, &event)?;
    Flash::success(event.sentence()).save(tx, actor.id).map(Some)
}

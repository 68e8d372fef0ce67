//! `/trucks/holidays`: public holidays, days off and extra working days of a year.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{Datelike, NaiveDate};
use serde::Deserialize;

use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::id::TruckId;
use crate::storage::{Result as StorageResult, Storage, StorageError, Tx};
use crate::text::one_line;
use crate::time::holidays::public_holidays;
use crate::time::parse_date;
use crate::trucks::calendar::SpecialDay;
use crate::trucks::model::Truck;
use crate::trucks::store;
use crate::web::{
    Error, Flash, FlashId, Form, Layout, PageResult, Query, Tone, page, page_with_status, parse_id, redirect_with_flash,
};

/// Maximum length of the name of a day.
const MAX_NAME_CHARS: usize = 40;

/// Years that have embedded holidays.
const YEARS: std::ops::RangeInclusive<i32> = 2026..=2035;

/// A holiday, a day off or an extra working day.
struct DayRow {
    day: NaiveDate,
    name: String,
    /// name of the truck; none is all of them
    truck: Option<String>,
    truck_id: Option<TruckId>,
    is_off: bool,
    /// whether the shop has set it, so that it can be deleted
    is_own: bool,
}

#[derive(Template)]
#[template(path = "trucks/holidays.html")]
struct HolidaysPage {
    layout: Layout,
    year: i32,
    rows: Vec<DayRow>,
    trucks: Vec<Truck>,
    form: HolidayForm,
    problem: Option<&'static str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct YearQuery {
    year: Option<i32>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct HolidayForm {
    /// `off`, `work` or `delete`
    act: String,
    day: String,
    /// identifier of the truck; empty for all of them
    truck: String,
    name: String,
}

async fn load(storage: &Storage, layout: Layout, year: i32) -> PageResult<HolidaysPage> {
    let (first, last) =
        NaiveDate::from_ymd_opt(year, 1, 1).zip(NaiveDate::from_ymd_opt(year, 12, 31)).ok_or(Error::NotFound)?;
    let (special, trucks) =
        storage.read(move |tx| Ok::<_, StorageError>((store::special_days(tx, first, last)?, store::all(tx)?))).await?;
    let is_overridden = |day: NaiveDate| special.iter().any(|special| special.day == day && special.truck_id.is_none());
    let public = public_holidays().iter().filter(|(day, _)| day.year() == year && !is_overridden(*day));
    let mut rows: Vec<DayRow> = public
        .map(|(day, name)| DayRow {
            day: *day,
            name: (*name).to_owned(),
            truck: None,
            truck_id: None,
            is_off: true,
            is_own: false,
        })
        .collect();
    let name =
        |id: TruckId| trucks.iter().find(|truck| truck.id == id).map(|truck| truck.name.clone()).unwrap_or_default();
    rows.extend(special.into_iter().map(|special| DayRow {
        day: special.day,
        name: special.name,
        truck: special.truck_id.map(name),
        truck_id: special.truck_id,
        is_off: special.is_off,
        is_own: true,
    }));
    rows.sort_by(|one, other| (one.day, &one.truck).cmp(&(other.day, &other.truck)));
    Ok(HolidaysPage { layout, year, rows, trucks, form: HolidayForm::default(), problem: None })
}

pub(super) async fn show(State(storage): State<Storage>, layout: Layout, Query(query): Query<YearQuery>) -> PageResult {
    let year = query.year.unwrap_or_else(|| storage.clock().now().date().year());
    Ok(page(load(&storage, layout, year).await?))
}

pub(super) async fn update(
    State(storage): State<Storage>,
    layout: Layout,
    actor: MemberActor,
    Form(form): Form<HolidayForm>,
) -> PageResult {
    let this_year = storage.clock().now().date().year();
    let Some(day) = parse_date(&form.day) else {
        return refused(&storage, layout, this_year, form, "날짜를 선택해 주세요.").await;
    };
    let truck_id = match form.truck.as_str() {
        "" => None,
        id => Some(parse_id(id)?),
    };
    let name = one_line(&form.name);
    if form.act != "delete" && (name.is_empty() || name.chars().count() > MAX_NAME_CHARS) {
        return refused(&storage, layout, day.year(), form, "이름을 40자까지 입력해 주세요. 예: 임시공휴일").await;
    }
    let to = format!("/trucks/holidays?year={}", day.year());
    let flash = match form.act.as_str() {
        "delete" => storage.write(move |tx| delete(tx, actor, day, truck_id)).await?,
        "off" | "work" => {
            let special = SpecialDay { day, truck_id, is_off: form.act == "off", name };
            storage.write(move |tx| save(tx, actor, &special)).await?
        }
        _ => {
            let message = "어떤 작업인지 알 수 없어요. 새로고침한 뒤 다시 시도해 주세요.";
            return Err(Error::BadRequest(message.to_owned()));
        }
    };
    Ok(redirect_with_flash(&to, flash))
}

async fn refused(storage: &Storage, layout: Layout, year: i32, form: HolidayForm, problem: &'static str) -> PageResult {
    let mut holidays = load(storage, layout, year).await?;
    (holidays.form, holidays.problem) = (form, Some(problem));
    holidays.layout.flash = Some(Flash::new(Tone::Warning, "저장하지 못했어요. 표시된 곳을 확인해 주세요."));
    Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, holidays))
}

fn save(tx: &mut dyn Tx, actor: MemberActor, special: &SpecialDay) -> StorageResult<FlashId> {
    let truck = match special.truck_id {
        None => None,
        Some(id) => store::find(tx, id)?.map(|truck| truck.name),
    };
    if special.truck_id.is_some() && truck.is_none() {
        return Flash::warning("차량을 찾지 못했어요. 다시 선택해 주세요.").save(tx, actor.id);
    }
    store::set_special_day(tx, special)?;
    let event = AuditEvent::SpecialDaySaved { day: special.day.to_string(), truck, is_off: special.is_off };
    let object = special.truck_id.map_or(AuditObject::UNNUMBERED, AuditObject::one);
    audit::record(tx, actor, object, &event)?;
    Flash::success(event.sentence()).save(tx, actor.id)
}

fn delete(tx: &mut dyn Tx, actor: MemberActor, day: NaiveDate, truck_id: Option<TruckId>) -> StorageResult<FlashId> {
    let event = AuditEvent::SpecialDayDeleted { day: day.to_string() };
    if store::delete_special_day(tx, day, truck_id)? {
        audit::record(tx, actor, truck_id.map_or(AuditObject::UNNUMBERED, AuditObject::one), &event)?;
    }
    Flash::success(event.sentence()).save(tx, actor.id)
}

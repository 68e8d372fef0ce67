//! `/trucks/roads`: how much longer drives between two 시/군/구, or within one, take than the estimate says.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use super::days::region_names;
use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::districts::{DistrictCache, Districts};
use crate::storage::{Result as StorageResult, Storage, Tx};
use crate::trucks::roads::{PERCENT, parse_percent, road_name};
use crate::trucks::store::{self, RoadFactor};
use crate::web::{Error, Flash, FlashId, Form, Layout, PageResult, Tone, page, page_with_status, redirect_with_flash};

/// A factor in words.
struct RoadRow {
    /// both codes: `47150-47190`
    areas: String,
    name: String,
    percent: i64,
    /// where it comes from, who and when
    by: String,
}

impl RoadRow {
    fn new(factor: &RoadFactor, districts: &Districts) -> Self {
        let source = match factor.drives {
            0 => "직접 입력".to_owned(),
            drives => format!("{drives}번 다녀온 것에서 배움"),
        };
        Self {
            areas: format!("{}-{}", factor.areas.0, factor.areas.1),
            name: road_name(districts, factor.areas),
            percent: factor.percent,
            by: format!("{source}, {}, {}", factor.username.as_deref().unwrap_or("탈퇴한 계정"), factor.saved_at),
        }
    }
}

#[derive(Template)]
#[template(path = "trucks/roads.html")]
struct RoadsPage {
    layout: Layout,
    rows: Vec<RoadRow>,
    /// names of all districts, for the inputs
    names: Vec<String>,
    form: RoadForm,
    /// field and message
    problem: Option<(&'static str, String)>,
}

impl RoadsPage {
    fn problem(&self, field: &str) -> Option<&str> {
        self.problem.as_ref().filter(|(of, _)| *of == field).map(|(_, message)| message.as_str())
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RoadForm {
    /// `save` or `delete`
    act: String,
    /// both codes of a listed road
    areas: String,
    from: String,
    /// empty: within the first
    to: String,
    percent: String,
}

async fn load(storage: &Storage, districts: &Districts, layout: Layout) -> PageResult<RoadsPage> {
    let factors = storage.read(store::road_factors).await?;
    Ok(RoadsPage {
        layout,
        rows: factors.iter().map(|factor| RoadRow::new(factor, districts)).collect(),
        names: region_names(districts),
        form: RoadForm::default(),
        problem: None,
    })
}

pub(super) async fn show(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    layout: Layout,
) -> PageResult {
    let districts = districts.refresh(&storage).await?;
    Ok(page(load(&storage, &districts, layout).await?))
}

/// The areas and the percent of a form; none deletes it.
type RoadChange = ((i64, i64), Option<i64>);

/// The change that a form asks for. Otherwise a field and its message.
fn parse(form: &RoadForm, districts: &Districts) -> Result<RoadChange, (&'static str, String)> {
    if form.act == "delete" {
        let listed = form.areas.split_once('-').and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
        return listed.map(|areas| (areas, None)).ok_or(("from", "목록에서 지울 길을 선택해 주세요.".to_owned()));
    }
    let code = |field, name: &str| {
        let district = districts.find_by_name(name.trim()).and_then(|region| districts.sigungu(region.code));
        let problem = || (field, "시/군/구의 이름을 목록에서 선택해 주세요. 예: 경상북도 구미시".to_owned());
        district.map(|region| region.code).ok_or_else(problem)
    };
    let from = code("from", &form.from)?;
    let to = if form.to.trim().is_empty() { from } else { code("to", &form.to)? };
    let problem = || {
        ("percent", format!("{}에서 {} 사이로 입력해 주세요. 100이 어림한 시간이에요.", PERCENT.start(), PERCENT.end()))
    };
    Ok(((from, to), Some(parse_percent(&form.percent).ok_or_else(problem)?)))
}

pub(super) async fn update(
    State(storage): State<Storage>,
    State(cache): State<DistrictCache>,
    layout: Layout,
    actor: MemberActor,
    Form(form): Form<RoadForm>,
) -> PageResult {
    if !["save", "delete"].contains(&form.act.as_str()) {
        return Err(Error::BadRequest("어떤 작업인지 알 수 없어요. 새로고침한 뒤 다시 시도해 주세요.".to_owned()));
    }
    let districts = cache.refresh(&storage).await?;
    match parse(&form, &districts) {
        Ok((areas, percent)) => {
            let write = move |tx: &mut dyn Tx| save(tx, actor, &districts, areas, percent);
            Ok(redirect_with_flash("/trucks/roads", storage.write(write).await?))
        }
        Err(problem) => {
            let mut roads = load(&storage, &districts, layout).await?;
            roads.layout.flash = Some(Flash::new(Tone::Warning, "저장하지 못했어요. 표시된 곳을 확인해 주세요."));
            (roads.form, roads.problem) = (form, Some(problem));
            Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, roads))
        }
    }
}

fn save(
    tx: &mut dyn Tx,
    actor: MemberActor,
    districts: &Districts,
    areas: (i64, i64),
    percent: Option<i64>,
) -> StorageResult<FlashId> {
    store::set_road_factor(tx, areas, percent.map(|percent| (percent, 0)), actor.id)?;
    let event = AuditEvent::RoadFactorSaved { districts: road_name(districts, areas), percent, drives: 0 };
    audit::record(tx, actor, AuditObject::UNNUMBERED, &event)?;
    Flash::success(event.sentence()).save(tx, actor.id)
}

//! `/trucks/points`: points of postal codes, corrected by hand. Nothing is loaded from a map server.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::districts::model::CorrectedPoint;
use crate::districts::store::points::{self, PointCorrection};
use crate::districts::{DistrictCache, Districts};
use crate::routing::points::{PointAccuracy, PostalPoints, micro_degrees};
use crate::storage::{Result as StorageResult, Storage, Tx};
use crate::text::parse_zip_code;
use crate::trucks::roads::{Location, parse_location};
use crate::web::{
    Error, Flash, FlashId, Form, Layout, PageResult, Query, Tone, page, page_with_status, redirect_with_flash,
};

/// A corrected point in words.
struct PointRow {
    zip: String,
    district: String,
    /// `39868의 위치`, or latitude and longitude
    location: String,
    /// who and when
    by: String,
}

impl PointRow {
    fn new(correction: PointCorrection, districts: &Districts) -> Self {
        let PointCorrection { zip, point, like_zip, username, corrected_at } = correction;
        Self {
            district: districts.full_name(&zip).unwrap_or_default().to_owned(),
            location: if like_zip.is_empty() { degrees_label(point) } else { format!("{like_zip}의 위치") },
            by: format!("{}, {corrected_at}", username.as_deref().unwrap_or("탈퇴한 계정")),
            zip,
        }
    }
}

/// `36.119500, 128.344600`
fn degrees_label(point: CorrectedPoint) -> String {
    let degrees = |micro: i64| format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000);
    format!("{}, {}", degrees(point.lat), degrees(point.lng))
}

#[derive(Template)]
#[template(path = "trucks/points.html")]
struct PointsPage {
    layout: Layout,
    rows: Vec<PointRow>,
    form: PointForm,
    /// field and message
    problem: Option<(&'static str, &'static str)>,
    /// what is known of the postal code of the form
    known: Option<&'static str>,
}

impl PointsPage {
    fn problem(&self, field: &str) -> Option<&str> {
        self.problem.filter(|(of, _)| *of == field).map(|(_, message)| message)
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PointForm {
    /// `save` or `delete`
    act: String,
    zip: String,
    location: String,
}

async fn load(storage: &Storage, districts: &Districts, layout: Layout, form: PointForm) -> PageResult<PointsPage> {
    let rows = storage.read(points::list).await?;
    let accuracy = PostalPoints::new(districts).locate(&form.zip).map(|(_, accuracy)| accuracy);
    let known = (!form.zip.is_empty()).then_some(match accuracy {
        None => "이 우편번호의 위치를 몰라요.",
        Some(PointAccuracy::Zone) => "이 우편번호는 구역 가운데로 알고 있어요.",
        Some(PointAccuracy::Neighbours) => "이 우편번호는 앞뒤 우편번호의 가운데로 어림해요.",
        Some(PointAccuracy::District) => "이 우편번호는 시/군/구의 가운데로 어림해요.",
        Some(PointAccuracy::Corrected) => "이 우편번호는 이미 바로잡았어요.",
    });
    let rows = rows.into_iter().map(|correction| PointRow::new(correction, districts)).collect();
    Ok(PointsPage { layout, rows, form, problem: None, known })
}

pub(super) async fn show(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    layout: Layout,
    Query(form): Query<PointForm>,
) -> PageResult {
    let districts = districts.refresh(&storage).await?;
    Ok(page(load(&storage, &districts, layout, PointForm { location: String::new(), ..form }).await?))
}

pub(super) async fn update(
    State(storage): State<Storage>,
    State(cache): State<DistrictCache>,
    layout: Layout,
    actor: MemberActor,
    Form(form): Form<PointForm>,
) -> PageResult {
    let districts = cache.refresh(&storage).await?;
    let zip = parse_zip_code(&form.zip).unwrap_or_default();
    let saved = match form.act.as_str() {
        "delete" => storage.write(move |tx| delete(tx, actor, &zip)).await?,
        "save" => {
            let located = match located(&districts, &zip, &form.location) {
                Ok(located) => located,
                Err(problem) => {
                    let mut page = load(&storage, &districts, layout, form).await?;
                    page.layout.flash =
                        Some(Flash::new(Tone::Warning, "저장하지 못했어요. 표시된 곳을 확인해 주세요."));
                    page.problem = Some(problem);
                    return Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page));
                }
            };
            storage.write(move |tx| save(tx, actor, &zip, &located)).await?
        }
        _ => {
            return Err(Error::BadRequest("어떤 작업인지 알 수 없어요. 새로고침한 뒤 다시 시도해 주세요.".to_owned()));
        }
    };
    Ok(redirect_with_flash("/trucks/points", saved))
}

/// The point of a form, and the postal code whose point it is; otherwise a field and its message.
fn located(
    districts: &Districts,
    zip: &str,
    location: &str,
) -> Result<(CorrectedPoint, String), (&'static str, &'static str)> {
    if zip.is_empty() {
        return Err(("zip", "우편번호 다섯 자리를 입력해 주세요."));
    }
    match parse_location(location) {
        Some(Location::Point(point)) => Ok((micro_degrees(point), String::new())),
        Some(Location::LikeZip(like)) if like != zip => match PostalPoints::new(districts).locate(&like) {
            Some((point, _)) => Ok((micro_degrees(point), like)),
            None => Err(("location", "그 우편번호의 위치도 몰라요. 다른 우편번호나 위도와 경도를 입력해 주세요.")),
        },
        Some(Location::LikeZip(_)) => Err(("location", "다른 우편번호나 위도와 경도를 입력해 주세요.")),
        None => Err(("location", "39867 같은 우편번호나 36.1195, 128.3446 같은 위도와 경도를 입력해 주세요.")),
    }
}

fn save(
    tx: &mut dyn Tx,
    actor: MemberActor,
    zip: &str,
    (point, like_zip): &(CorrectedPoint, String),
) -> StorageResult<FlashId> {
    points::set(tx, zip, *point, like_zip, actor.id)?;
    record(tx, actor, zip, false)
}

fn delete(tx: &mut dyn Tx, actor: MemberActor, zip: &str) -> StorageResult<FlashId> {
    if !points::delete(tx, zip)? {
        return Flash::warning("이미 되돌린 위치예요.").save(tx, actor.id);
    }
    record(tx, actor, zip, true)
}

fn record(tx: &mut dyn Tx, actor: MemberActor, zip: &str, is_undo: bool) -> StorageResult<FlashId> {
    let event = AuditEvent::PointCorrected { zip: zip.to_owned(), is_undo };
    audit::record(tx, actor, AuditObject::UNNUMBERED, &event)?;
    Flash::success(event.sentence()).save(tx, actor.id)
}

//! One imported list: preview of its changes, apply, discard, withdraw.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::districts::DistrictCache;
use crate::districts::diff::TableDiff;
use crate::districts::store::{self, EditionStage, ImportedEdition};
use crate::id::EditionId;
use crate::orders::classification;
use crate::orders::store::classification::affected;
use crate::storage::{Storage, StorageError};
use crate::time::{date_with_weekday, parse_date};
use crate::web::{
    Error, Flash, Form, FormPairs, Layout, PageResult, page, page_with_status, parse_id, redirect_with_flash,
};

/// Rows of each table of the preview.
const MAX_SHOWN_ROWS: usize = 300;

#[derive(Template)]
#[template(path = "districts/import/show.html")]
struct ShowPage {
    layout: Layout,
    edition: ImportedEdition,
    /// the changes of a previewed list; none once it is applied
    change: Option<TableDiff>,
    /// orders under way whose district would change
    affected: u64,
    /// the date as typed, and the problem with it
    valid_from: String,
    problem: Option<String>,
    /// only the newest applied list can be withdrawn
    can_be_withdrawn: bool,
}

impl ShowPage {
    fn id(&self) -> String {
        self.edition.id.to_string()
    }

    fn since(&self) -> String {
        self.edition.valid_from.map(date_with_weekday).unwrap_or_default()
    }
}

pub(in crate::districts::pages) async fn show(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    layout: Layout,
    Path(id): Path<String>,
) -> PageResult {
    show_page(&storage, &districts, layout, parse_id(&id)?).await.map(page)
}

async fn show_page(
    storage: &Storage,
    districts: &DistrictCache,
    layout: Layout,
    id: EditionId,
) -> PageResult<ShowPage> {
    let cache = districts.clone();
    let found = storage.read(move |tx| {
        let Some(edition) = store::edition(tx, id)? else { return Ok(None) };
        let districts = cache.current(tx)?;
        let (_, from) = districts.valid_from_bounds(tx.now().date());
        if edition.stage == EditionStage::Applied {
            let is_newest = store::editions(tx, EditionStage::Applied)?.first().is_some_and(|newest| newest.id == id);
            return Ok(Some((edition, None, 0, from, is_newest)));
        }
        let after = store::overlay_edition(tx, (*districts).clone(), id, from)?;
        let affected = affected(tx, &after)?;
        Ok::<_, StorageError>(Some((edition, Some(TableDiff::between(&districts, &after)), affected, from, false)))
    });
    let (edition, change, affected, from, can_be_withdrawn) = found.await?.ok_or(Error::NotFound)?;
    let valid_from = from.to_string();
    Ok(ShowPage { layout, edition, change, affected, valid_from, problem: None, can_be_withdrawn })
}

#[derive(serde::Deserialize)]
pub(in crate::districts::pages) struct ApplyForm {
    #[serde(default)]
    valid_from: String,
}

pub(in crate::districts::pages) async fn apply(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    layout: Layout,
    actor: MemberActor,
    Path(id): Path<String>,
    Form(form): Form<ApplyForm>,
) -> PageResult {
    let id = parse_id(&id)?;
    let (first, last) = districts.refresh(&storage).await?.valid_from_bounds(storage.clock().now().date());
    let Some(day) = parse_date(&form.valid_from).filter(|day| (first..=last).contains(day)) else {
        let mut answer = show_page(&storage, &districts, layout, id).await?;
        answer.valid_from = form.valid_from;
        answer.problem = Some(format!("{first}부터 {last} 사이의 날짜를 입력해 주세요."));
        return Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, answer));
    };
    let flash = storage
        .write(move |tx| {
            if !store::apply(tx, id, day)? {
                return Ok(None);
            }
            let event = AuditEvent::DistrictListApplied { valid_from: day.to_string() };
            audit::record(tx, actor, AuditObject::one(id), &event)?;
            let message =
                format!("{}부터의 지역으로 바꿨어요. 아직 배송하지 않은 주문은 새로 분류돼요.", date_with_weekday(day));
            Flash::success(message).save(tx, actor.id).map(Some)
        })
        .await?;
    classification::start(&storage, &districts).await;
    Ok(redirect_with_flash(&format!("/districts/import/{id}"), flash.ok_or(Error::NotFound)?))
}

pub(in crate::districts::pages) async fn discard(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    actor: MemberActor,
    Path(id): Path<String>,
    _: FormPairs,
) -> PageResult {
    let event = AuditEvent::DistrictListDiscarded {};
    let message = event.sentence();
    delete(&storage, &districts, actor, (parse_id(&id)?, EditionStage::Previewed), event, message).await
}

pub(in crate::districts::pages) async fn withdraw(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    actor: MemberActor,
    Path(id): Path<String>,
    _: FormPairs,
) -> PageResult {
    let event = AuditEvent::DistrictListWithdrawn {};
    let message = format!("{} 아직 배송하지 않은 주문은 앞의 목록으로 다시 분류돼요.", event.sentence());
    delete(&storage, &districts, actor, (parse_id(&id)?, EditionStage::Applied), event, message).await
}

async fn delete(
    storage: &Storage,
    districts: &DistrictCache,
    actor: MemberActor,
    (id, stage): (EditionId, EditionStage),
    event: AuditEvent,
    message: String,
) -> PageResult {
    let flash = storage
        .write(move |tx| {
            if !store::delete_edition(tx, id, stage)? {
                return Ok(None);
            }
            audit::record(tx, actor, AuditObject::one(id), &event)?;
            Flash::success(message.as_str()).save(tx, actor.id).map(Some)
        })
        .await?;
    classification::start(storage, districts).await;
    Ok(redirect_with_flash("/districts/import", flash.ok_or(Error::NotFound)?))
}

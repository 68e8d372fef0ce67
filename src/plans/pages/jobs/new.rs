//! `/plans/jobs/new`: a job beside a delivery (일감), by hand, from a claim with one click, or by dividing its orders.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use super::form::{JobForm, Problems};
use crate::audit::{AuditEvent, JobOfDelivery, MemberActor};
use crate::id::{DeliveryId, Id, OrderId};
use crate::masking;
use crate::members::model::rights::Surface;
use crate::orders::bundle::DeliveryState;
use crate::plans::model::JobKind;
use crate::plans::store::tasks;
use crate::plans::task::{self, TaskRefusal};
use crate::plans::work::DeliveryWork;
use crate::storage::{Storage, StorageError, Tx};
use crate::web::{
    Error, Flash, Form, Layout, PageResult, PersonalData, Query, Tone, parse_id, personal_page,
    personal_page_with_status, redirect_with_flash,
};

#[derive(Template)]
#[template(path = "plans/jobs/new.html")]
struct NewJobPage {
    layout: Layout,
    /// what was searched for
    number: String,
    /// the delivery; none before one is found
    work: Option<DeliveryWork>,
    form: JobForm,
    problems: Problems,
    is_masked: bool,
}

impl NewJobPage {
    fn problem(&self, field: &str) -> Option<&str> {
        self.problems.iter().find(|(other, _)| *other == field).map(|(_, message)| *message)
    }

    fn is_chosen(&self, order_id: OrderId) -> bool {
        self.form.orders().contains(&order_id)
    }

    fn is_kind(&self, code: &str) -> bool {
        self.form.kind == code
    }
}

impl PersonalData for NewJobPage {
    fn orders(&self) -> Vec<OrderId> {
        self.work.as_ref().map(|work| work.order_ids().collect()).unwrap_or_default()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::plans::pages) struct NewJobQuery {
    /// a delivery
    delivery: String,
    /// 묶음배송번호 or 상품주문번호
    number: String,
    kind: String,
    order: Vec<String>,
    day: String,
}

/// The page for a delivery, with its recipient as the member may see it.
async fn new_page(storage: &Storage, layout: Layout, delivery_id: Option<DeliveryId>) -> PageResult<NewJobPage> {
    let member = layout.member.clone();
    let mut page = NewJobPage {
        layout,
        number: String::new(),
        work: None,
        form: JobForm::default(),
        problems: Vec::new(),
        is_masked: false,
    };
    let Some(id) = delivery_id else { return Ok(page) };
    let read = storage.read(move |tx| {
        let masking = masking::of_member(tx, member.as_ref(), Surface::Plan)?;
        Ok::<_, StorageError>(task::whole_delivery(tx, id)?.map(|work| (work, masking)))
    });
    let (mut work, masking) = read.await?.ok_or(Error::NotFound)?;
    let is_due = masking.is_due(work.preferred_date, work.state == DeliveryState::ReadyToShip);
    page.is_masked = masking.hides(id, is_due);
    if page.is_masked {
        work.recipient.mask();
    }
    page.work = Some(work);
    Ok(page)
}

pub(in crate::plans::pages) async fn new(
    State(storage): State<Storage>,
    layout: Layout,
    Query(query): Query<NewJobQuery>,
) -> PageResult {
    let number = query.number.trim().to_owned();
    let searched = number.clone();
    let found = match Id::parse(&query.delivery) {
        Some(id) => vec![id],
        None if number.is_empty() => Vec::new(),
        None => storage.read(move |tx| tasks::find_deliveries(tx, &searched)).await?,
    };
    let mut page = new_page(&storage, layout, found.first().copied().filter(|_| found.len() == 1)).await?;
    match found.len() {
        0 if !number.is_empty() => page.problems.push(("number", "그런 번호의 배송이 없어요. 번호를 확인해 주세요.")),
        0 | 1 => {}
        _ => page.problems.push(("number", "같은 번호가 여럿이에요. 배송 화면에서 만들어 주세요.")),
    }
    page.number = number;
    if let Some(work) = &page.work {
        let kind = JobKind::from_code(&query.kind).filter(|kind| JobKind::BY_HAND.contains(kind));
        let chosen: Vec<OrderId> = query.order.iter().filter_map(|id| Id::parse(id)).collect();
        let suggested = task::suggestion(work, kind.unwrap_or(JobKind::Collect), &chosen);
        let form = JobForm { day: query.day, ..JobForm::default() };
        page.form = if chosen.is_empty() {
            JobForm { kind: suggested.kind.code().to_owned(), ..form }
        } else {
            form.with_task(&suggested)
        };
    }
    Ok(personal_page(page))
}

pub(in crate::plans::pages) async fn create(
    State(storage): State<Storage>,
    layout: Layout,
    actor: MemberActor,
    Form(mut form): Form<JobForm>,
) -> PageResult {
    let delivery_id = parse_id(&form.delivery)?;
    let mut page = new_page(&storage, layout, Some(delivery_id)).await?;
    let Some(work) = page.work.clone() else { return Err(Error::NotFound) };
    let kind = form.kind();
    let unknown_kind = || Error::BadRequest("어떤 일감인지 알 수 없어요. 화면의 버튼을 눌러 주세요.".to_owned());
    let kind = kind.ok_or_else(unknown_kind)?;
    let suggested = task::suggestion(&work, kind, &form.orders());
    if form.act == "claim" {
        form = JobForm { act: form.act, delivery: form.delivery, ..JobForm::default().with_task(&suggested) };
    } else {
        // What is left empty is that of the chosen orders.
        let fill = |field: &mut String, text: String| {
            if field.trim().is_empty() {
                *field = text;
            }
        };
        let suggested = JobForm::default().with_task(&suggested);
        fill(&mut form.goods, suggested.goods);
        if !form.order.is_empty() {
            fill(&mut form.pieces, suggested.pieces);
            fill(&mut form.volume, suggested.volume);
        }
    }
    let (job, task) = (form.job(delivery_id), form.task(kind, None));
    let problems = match (job, task) {
        (Ok(job), Ok(task)) => {
            let bundle_number = work.bundle_number.clone();
            let write = move |tx: &mut dyn Tx| {
                Ok::<_, StorageError>(match task::create(tx, actor, &job, &task)? {
                    Err(refusal) => Err(refusal),
                    Ok(id) => {
                        let event = AuditEvent::JobCreated(JobOfDelivery {
                            bundle_number: bundle_number.clone(),
                            kind: kind.code().to_owned(),
                        });
                        let advice = if job.day.is_none() {
                            " 날짜를 정하지 않으면 매일 미배차에 보여요."
                        } else {
                            ""
                        };
                        Ok((id, Flash::success(format!("{}{advice}", event.sentence())).save(tx, actor.id)?))
                    }
                })
            };
            match storage.write(write).await? {
                Ok((id, flash)) => return Ok(redirect_with_flash(&format!("/plans/jobs/{id}"), flash)),
                // Dividing is a form of the page of the delivery.
                Err(refusal) if kind == JobKind::Deliver || form.act == "claim" => {
                    let warn = move |tx: &mut dyn Tx| Flash::warning(refusal.sentence()).save(tx, actor.id);
                    let back = match kind {
                        JobKind::Deliver => format!("/plans/jobs/{delivery_id}"),
                        _ => format!("/deliveries/{delivery_id}"),
                    };
                    return Ok(redirect_with_flash(&back, storage.write(warn).await?));
                }
                Err(refusal) => vec![(field_of(refusal), refusal.sentence())],
            }
        }
        (job, task) => job.err().into_iter().chain(task.err()).flatten().collect(),
    };
    page.layout.flash = Some(Flash::new(Tone::Warning, "일감을 만들지 못했어요. 표시된 곳을 확인해 주세요."));
    (page.form, page.problems) = (form, problems);
    Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page))
}

/// The field that a refusal is shown at.
const fn field_of(refusal: TaskRefusal) -> &'static str {
    match refusal {
        TaskRefusal::NoGoods => "goods",
        _ => "order",
    }
}

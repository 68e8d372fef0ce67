//! `/plans/jobs/{id}`: what a dispatcher knows of a job: day, window, minutes and people; of a job beside a delivery also
//! what is done. `id` is that of the delivery for the delivery itself, which has no row before something of this is set.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono::NaiveDate;

use super::form::{JobForm, Problems};
use crate::access;
use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::id::{JobId, OrderId, WorkId};
use crate::masking::{self, mask};
use crate::members::model::rights::Surface;
use crate::orders::bundle::DeliveryState;
use crate::plans::model::{Attempt, ColumnKey, Job, JobKind, TaskState};
use crate::plans::store::works::divided_orders;
use crate::plans::store::{self, PlannedJob, tasks};
use crate::plans::task;
use crate::plans::work::{DeliveryWork, StopEffort};
use crate::storage::{Result as StorageResult, Storage, StorageError, Tx};
use crate::time::date_with_weekday;
use crate::web::{
    Error, Flash, FlashId, Form, Layout, PageResult, PersonalData, Tone, parse_id, personal_page,
    personal_page_with_status, redirect_with_flash,
};

/// An order that can come on another day.
struct DivisibleOrder {
    id: String,
    goods: String,
}

/// Another job of the same delivery.
struct OtherJob {
    id: String,
    label: &'static str,
    goods: String,
    state: &'static str,
    day: String,
}

impl OtherJob {
    fn new(planned: &PlannedJob, whole: &DeliveryWork) -> Option<Self> {
        let task = planned.job.task.as_ref()?;
        let own = whole.of_job(&planned.job);
        let day = planned.planned.map(|(day, _)| day).or(planned.job.day);
        Some(Self {
            id: planned.job.id.to_string(),
            label: kind_label(task.kind),
            goods: if task.kind == JobKind::Deliver { own.summary() } else { task.goods.clone() },
            state: task.state.label(),
            day: day.map(date_with_weekday).unwrap_or_default(),
        })
    }
}

/// Name of a job beside its delivery.
fn kind_label(kind: JobKind) -> &'static str {
    if kind == JobKind::Deliver { "나눈 배송" } else { kind.label() }
}

#[derive(Template)]
#[template(path = "plans/jobs/show.html")]
struct JobPage {
    layout: Layout,
    work: DeliveryWork,
    planned: Option<(NaiveDate, ColumnKey)>,
    /// time and people that its products need
    effort: StopEffort,
    attempts: Vec<Attempt>,
    /// orders that can come on another day, of the delivery itself
    divisible: Vec<DivisibleOrder>,
    others: Vec<OtherJob>,
    form: JobForm,
    problems: Problems,
    /// whether the recipient is masked
    is_masked: bool,
}

impl JobPage {
    fn id(&self) -> String {
        self.work.key.to_string()
    }

    fn delivery(&self) -> String {
        self.work.delivery_id.to_string()
    }

    /// Name of the kind, of a job beside the delivery.
    fn kind_label(&self) -> Option<&'static str> {
        self.work.task.as_ref().map(|task| kind_label(task.kind))
    }

    fn has_goods(&self) -> bool {
        self.work.kind() != JobKind::Deliver
    }

    fn collects(&self) -> bool {
        self.work.kind().collects()
    }

    fn is_state(&self, code: &str) -> bool {
        self.work.task.as_ref().is_some_and(|task| task.state.code() == code)
    }

    fn state_label(&self) -> &'static str {
        self.work.task.as_ref().map_or("", |task| task.state.label())
    }

    fn attempt_labels(&self) -> Vec<String> {
        self.attempts.iter().map(|attempt| format!("{} ({})", attempt.label(), attempt.truck)).collect()
    }

    fn problem(&self, field: &str) -> Option<&str> {
        self.problems.iter().find(|(other, _)| *other == field).map(|(_, message)| *message)
    }

    fn planned_day(&self) -> Option<(String, String)> {
        self.planned.map(|(day, _)| (day.to_string(), date_with_weekday(day)))
    }

    fn preferred_date(&self) -> String {
        self.work.preferred_date.map_or_else(|| "없음".to_owned(), date_with_weekday)
    }
}

impl PersonalData for JobPage {
    fn orders(&self) -> Vec<OrderId> {
        self.work.order_ids().collect()
    }
}

/// A job with its delivery.
struct LoadedJob {
    whole: DeliveryWork,
    work: DeliveryWork,
    stored: Option<PlannedJob>,
    attempts: Vec<Attempt>,
    apart: BTreeSet<OrderId>,
    others: Vec<PlannedJob>,
}

fn load(tx: &mut dyn Tx, key: WorkId) -> StorageResult<Option<LoadedJob>> {
    let beside = tasks::of_works(tx, &[key])?.pop();
    let delivery_id = beside.as_ref().map_or(key.as_delivery(), |planned| planned.job.delivery_id);
    let Some(whole) = task::whole_delivery(tx, delivery_id)? else { return Ok(None) };
    let apart = divided_orders(tx, &[delivery_id])?.remove(&delivery_id).unwrap_or_default();
    let (work, stored) = match beside {
        Some(planned) => (whole.of_job(&planned.job), Some(planned)),
        None => (whole.clone().without(&apart), store::jobs_of(tx, &[delivery_id])?.remove(&delivery_id)),
    };
    let attempts = match &stored {
        Some(planned) => store::attempts(tx, &[planned.job.id])?.remove(&planned.job.id).unwrap_or_default(),
        None => Vec::new(),
    };
    let mut others = tasks::of_delivery(tx, delivery_id)?;
    others.retain(|planned| planned.job.key() != key);
    Ok(Some(LoadedJob { whole, work, stored, attempts, apart, others }))
}

async fn job_page(storage: &Storage, layout: Layout, key: WorkId) -> PageResult<(JobPage, Option<Job>)> {
    let member = layout.member.clone();
    let read = storage.read(move |tx| {
        let masking = masking::of_member(tx, member.as_ref(), Surface::Plan)?;
        Ok::<_, StorageError>(load(tx, key)?.map(|found| (found, masking)))
    });
    let (loaded, masking) = read.await?.ok_or(Error::NotFound)?;
    let LoadedJob { whole, mut work, stored, attempts, apart, others } = loaded;
    let (job, planned) = stored.map_or((None, None), |stored| (Some(stored.job), stored.planned));
    let is_due = masking.is_due(work.preferred_date, work.state == DeliveryState::ReadyToShip);
    let is_masked = masking.hides(work.delivery_id, is_due);
    let divisible: Vec<DivisibleOrder> = task::divisible(&whole, &apart)
        .filter(|_| work.task.is_none())
        .map(|order| DivisibleOrder { id: order.id.to_string(), goods: order.goods() })
        .collect();
    let mut form = JobForm::new(job.as_ref());
    if is_masked {
        work.recipient.mask();
        form.note = form.note.map(|note| mask::memo(&note));
    }
    let page = JobPage {
        layout,
        effort: work.effort(None),
        work,
        planned,
        attempts,
        divisible: if divisible.len() > 1 { divisible } else { Vec::new() },
        others: others.iter().filter_map(|planned| OtherJob::new(planned, &whole)).collect(),
        form,
        problems: Vec::new(),
        is_masked,
    };
    Ok((page, job))
}

pub(in crate::plans::pages) async fn show(
    State(storage): State<Storage>,
    layout: Layout,
    Path(id): Path<String>,
) -> PageResult {
    let id = parse_id(&id)?;
    Ok(personal_page(job_page(&storage, layout, id).await?.0))
}

pub(in crate::plans::pages) async fn update(
    State(storage): State<Storage>,
    layout: Layout,
    actor: MemberActor,
    Path(id): Path<String>,
    Form(mut form): Form<JobForm>,
) -> PageResult {
    let key = parse_id(&id)?;
    let (mut shown, stored) = job_page(&storage, layout, key).await?;
    let here = format!("/plans/jobs/{key}");
    let beside = stored.filter(|job| job.task.is_some());
    if let (Some(job), "cancel" | "reopen") = (&beside, form.act.as_str()) {
        let (job, state) = (job.clone(), if form.act == "cancel" { TaskState::Cancelled } else { TaskState::Open });
        let write = move |tx: &mut dyn Tx| {
            match task::set_state(tx, actor, &job, state)? {
                Ok(event) => Flash::success(event.sentence()),
                Err(refusal) => Flash::warning(refusal.sentence()),
            }
            .save(tx, actor.id)
        };
        return Ok(redirect_with_flash(&here, storage.write(write).await?));
    }
    if shown.is_masked {
        form.note = None;
    }
    let task =
        beside.as_ref().and_then(|job| job.task.as_ref()).map(|task| form.task(task.kind, Some(task))).transpose();
    let problems = match (form.job(shown.work.delivery_id), task) {
        (Ok(job), Ok(task)) => {
            let (is_new, bundle) = (form.version.is_empty(), shown.work.bundle_number.clone());
            let (page, orders): (_, Vec<OrderId>) = (here.clone(), shown.work.order_ids().collect());
            let job = Job { id: beside.as_ref().map_or(JobId::UNSTORED, |job| job.id), task, ..job };
            let write = move |tx: &mut dyn Tx| {
                let saved = save(tx, actor, &job, is_new, &bundle)?;
                if saved.is_some() {
                    access::record_edit(tx, actor, page.clone(), orders.clone())?;
                }
                Ok::<_, StorageError>(saved)
            };
            let saved = storage.write(write).await?;
            if let Some(flash) = saved {
                return Ok(redirect_with_flash(&here, flash));
            }
            vec![("day", "그 사이 다른 사람이 배차 정보를 바꿨어요. 확인하고 다시 저장해 주세요.")]
        }
        (job, task) => job.err().into_iter().chain(task.err()).flatten().collect(),
    };
    let version = if form.version == shown.form.version { form.version.clone() } else { shown.form.version.clone() };
    let note = if shown.is_masked { shown.form.note.take() } else { form.note.take() };
    shown.layout.flash = Some(Flash::new(Tone::Warning, "저장하지 못했어요. 표시된 곳을 확인해 주세요."));
    (shown.form, shown.problems) = (JobForm { note, version, ..form }, problems);
    Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, shown))
}

/// Saves the job; none if another member has changed it since.
fn save(tx: &mut dyn Tx, actor: MemberActor, job: &Job, is_new: bool, bundle: &str) -> StorageResult<Option<FlashId>> {
    if let Some(task) = &job.task {
        if !store::update_job(tx, job)? {
            return Ok(None);
        }
        tasks::update(tx, job.id, task)?;
    } else {
        let stored = store::jobs_of(tx, &[job.delivery_id])?.remove(&job.delivery_id);
        match stored {
            None => store::insert_jobs(tx, &mut [job.clone()])?,
            // A plan stores the job of a delivery without changing what the form shows.
            Some(stored) => {
                let version = if is_new && stored.job.version == 0 { 0 } else { job.version };
                let job = Job { id: stored.job.id, version, ..job.clone() };
                if is_new && stored.job.version != 0 || !store::update_job(tx, &job)? {
                    return Ok(None);
                }
            }
        }
    }
    let event = AuditEvent::JobSaved { bundle_number: bundle.to_owned() };
    audit::record(tx, actor, AuditObject::one(job.delivery_id), &event)?;
    Flash::success(event.sentence()).save(tx, actor.id).map(Some)
}

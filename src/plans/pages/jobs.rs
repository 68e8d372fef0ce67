//! `/plans/jobs/{id}`, where `id` is that of the delivery: what a dispatcher knows of it: day, window, minutes and people.
//! A delivery has no job before something of this is set.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono::NaiveDate;
use serde::Deserialize;

use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::id::{crockford, parse_crockford};
use crate::masking;
use crate::members::model::rights::Surface;
use crate::orders::bundle::DeliveryState;
use crate::plans::model::{ColumnKey, Job};
use crate::plans::store::{self, PlannedJob, works};
use crate::plans::work::{DeliveryWork, StopEffort};
use crate::storage::{Result as StorageResult, Storage, StorageError, Tx};
use crate::text::nfkc;
use crate::time::{date_with_weekday, parse_date};
use crate::trucks::form::parse_clock;
use crate::trucks::model::clock_label;
use crate::trucks::store as trucks;
use crate::web::{
    Error, Flash, FlashId, Form, Layout, PageResult, PersonalData, personal_page, personal_page_with_status,
    redirect_with_flash,
};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct JobForm {
    day: String,
    from: String,
    to: String,
    minutes: String,
    crew: String,
    /// version that the form was made from; empty for a delivery without a job
    version: String,
}

impl JobForm {
    fn new(job: Option<&Job>) -> Self {
        let Some(job) = job else { return Self::default() };
        let text = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
        let clock = |minute: Option<i64>| minute.map(clock_label).unwrap_or_default();
        let (from, to) = job.window.unzip();
        Self {
            day: job.day.map(|day| day.to_string()).unwrap_or_default(),
            from: clock(from),
            to: clock(to),
            minutes: text(job.minutes),
            crew: text(job.crew),
            version: job.version.to_string(),
        }
    }

    /// The job with the fields of the form.
    ///
    /// # Errors
    /// Fields with their messages.
    fn job(&self, delivery_id: i64) -> Result<Job, Vec<(&'static str, &'static str)>> {
        let mut problems = Vec::new();
        let mut number = |field, text: &str, max: i64, message| {
            let text = nfkc(text).trim().to_owned();
            let number = text.parse::<i64>().ok().filter(|number| (1..=max).contains(number));
            if !text.is_empty() && number.is_none() {
                problems.push((field, message));
            }
            number
        };
        let minutes = number("minutes", &self.minutes, 600, "1에서 600분 사이로 입력해 주세요.");
        let crew = number("crew", &self.crew, 4, "1에서 4명 사이로 입력해 주세요.");
        let day = parse_date(&self.day);
        if !self.day.trim().is_empty() && day.is_none() {
            problems.push(("day", "날짜를 선택해 주세요."));
        }
        let window = parse_clock(&self.from).zip(parse_clock(&self.to)).filter(|(from, to)| from <= to);
        let is_without_window = self.from.trim().is_empty() && self.to.trim().is_empty();
        if window.is_none() && !is_without_window {
            problems.push(("from", "두 시각을 09:00, 12:00처럼 차례로 입력해 주세요."));
        }
        let version = self.version.parse().unwrap_or_default();
        let job = Job { id: 0, delivery_id, day, window, minutes, crew, left_out: None, version };
        if problems.is_empty() { Ok(job) } else { Err(problems) }
    }
}

#[derive(Template)]
#[template(path = "plans/jobs.html")]
struct JobPage {
    layout: Layout,
    work: DeliveryWork,
    planned: Option<(NaiveDate, ColumnKey)>,
    /// time and people that its products need
    effort: StopEffort,
    form: JobForm,
    problems: Vec<(&'static str, &'static str)>,
    /// whether the recipient is masked
    is_masked: bool,
}

impl JobPage {
    fn id(&self) -> String {
        crockford(self.work.delivery_id)
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
    fn orders(&self) -> Vec<i64> {
        self.work.order_ids().collect()
    }
}

fn load(tx: &mut dyn Tx, id: i64) -> StorageResult<Option<(DeliveryWork, Option<PlannedJob>)>> {
    let settings = trucks::settings(tx)?;
    let handling = trucks::handling_table(tx, settings.default_handling)?;
    let Some(work) = works::works(tx, &[id], &handling)?.pop() else { return Ok(None) };
    Ok(Some((work, store::jobs_of(tx, &[id])?.remove(&id))))
}

async fn job_page(storage: &Storage, layout: Layout, id: i64) -> PageResult<JobPage> {
    let member = layout.member.clone();
    let read = storage.read(move |tx| {
        let masking = masking::of_member(tx, member.as_ref(), Surface::Plan)?;
        Ok::<_, StorageError>(load(tx, id)?.map(|found| (found, masking)))
    });
    let ((mut work, stored), masking) = read.await?.ok_or(Error::NotFound)?;
    let (job, planned) = stored.map_or((None, None), |stored| (Some(stored.job), stored.planned));
    let is_due = masking.is_due(work.preferred_date, work.state == DeliveryState::ReadyToShip);
    let is_masked = masking.hides(id, is_due);
    if is_masked {
        work.recipient.mask();
    }
    let form = JobForm::new(job.as_ref());
    Ok(JobPage { layout, effort: work.effort(None), work, planned, form, problems: Vec::new(), is_masked })
}

pub(super) async fn show(State(storage): State<Storage>, layout: Layout, Path(id): Path<String>) -> PageResult {
    let id = parse_crockford(&id).ok_or(Error::NotFound)?;
    Ok(personal_page(job_page(&storage, layout, id).await?))
}

pub(super) async fn update(
    State(storage): State<Storage>,
    layout: Layout,
    actor: MemberActor,
    Path(id): Path<String>,
    Form(form): Form<JobForm>,
) -> PageResult {
    let id = parse_crockford(&id).ok_or(Error::NotFound)?;
    let mut shown = job_page(&storage, layout, id).await?;
    let problems = match form.job(id) {
        Err(problems) => problems,
        Ok(job) => {
            let (is_new, bundle) = (form.version.is_empty(), shown.work.bundle_number.clone());
            let saved = storage.write(move |tx| save(tx, actor, &job, is_new, &bundle)).await?;
            if let Some(flash) = saved {
                return Ok(redirect_with_flash(&format!("/plans/jobs/{}", crockford(id)), flash));
            }
            vec![("day", "그 사이 다른 사람이 배차 정보를 바꿨어요. 확인하고 다시 저장해 주세요.")]
        }
    };
    let version = if form.version == shown.form.version { form.version.clone() } else { shown.form.version.clone() };
    (shown.form, shown.problems) = (JobForm { version, ..form }, problems);
    Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, shown))
}

/// Saves the job; none if another member has changed it since.
fn save(tx: &mut dyn Tx, actor: MemberActor, job: &Job, is_new: bool, bundle: &str) -> StorageResult<Option<FlashId>> {
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
    let event = AuditEvent::JobSaved { bundle_number: bundle.to_owned() };
    audit::record(tx, actor, AuditObject::one(job.delivery_id), &event)?;
    Flash::success(event.sentence()).save(tx, actor.id).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_of_a_job_round_trips_and_names_its_mistakes() {
        let job = Job {
            delivery_id: 7,
            day: parse_date("2026-12-01"),
            window: Some((540, 720)),
            minutes: Some(90),
            crew: Some(1),
            ..Job::default()
        };
        assert_eq!(JobForm::new(Some(&job)).job(7), Ok(job));
        let empty = JobForm::default().job(7).expect("nothing is set");
        assert_eq!((empty.day, empty.window, empty.minutes), (None, None, None));
        let wrong =
            JobForm {
                day: "내일".to_owned(), from: "12:00".to_owned(), minutes: "0".to_owned(), ..JobForm::default()
            };
        let fields: Vec<_> = wrong.job(7).expect_err("mistakes").into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["minutes", "day", "from"]);
    }
}

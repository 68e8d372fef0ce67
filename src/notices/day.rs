//! The texts of a day: whom to tell what, and who is left out.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::model::{
    Notice, NoticeBatch, NoticeForm, NoticeKind, NoticeNeed, PlannedVisit, ToldVisit, day_label, need, window_to_tell,
};
use super::number::{NoNumber, TextNumber, text_number};
use super::store;
use super::wording::{MAX_LMS_BYTES, MAX_SMS_BYTES, NoticeValues, NoticeWording, WordingProblem, fill, text_bytes};
use crate::districts::Districts;
use crate::drive::fold::{StopState, fold};
use crate::drive::store::events;
use crate::id::{DeliveryId, JobId, OrderId};
use crate::masking::{MaskPolicy, mask};
use crate::orders::bundle::DeliveryState;
use crate::plans::board::{self, Board, BoardStop, Column};
use crate::plans::edit::column_name;
use crate::plans::model::{Job, TaskState, window_label};
use crate::plans::schedule::Visit;
use crate::plans::store::tasks;
use crate::plans::store::works::works_of_jobs;
use crate::plans::work::DeliveryWork;
use crate::shop::model::Shop;
use crate::shop::store as shop;
use crate::storage::{Result, Tx};
use crate::time::Moment;
use crate::trucks::store as trucks;

/// Why a customer gets no text although there is something to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// no telephone number takes it
    Number(NoNumber),
    /// the wording gives no text that can be sent
    NoticeWording(WordingProblem),
    /// every order has an open cancellation
    Claim,
    /// the plan breaks what was promised
    Late,
    /// a safe number takes no 알림톡
    SafeNumber,
}

impl LeftOut {
    /// Korean sentence.
    pub fn sentence(&self) -> String {
        match self {
            Self::Number(reason) => reason.label().to_owned(),
            Self::NoticeWording(problem) => problem.sentence(),
            Self::Claim => "취소 요청이 있어요".to_owned(),
            Self::Late => "약속한 시간에 가지 못해요. 배차를 먼저 수정해 주세요".to_owned(),
            Self::SafeNumber => "안심번호라 문자로만 보낼 수 있어요".to_owned(),
        }
    }
}

/// A text that can be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// to this number
    pub number: TextNumber,
    /// SMS or LMS, by its length
    pub form: NoticeForm,
    /// the text
    pub message: String,
    /// its bytes
    pub bytes: usize,
    /// first and last minute that it names
    pub window: Option<(i64, i64)>,
    /// what stands for the variables
    pub values: NoticeValues,
}

/// A visit of the day, or one that was told for the day and is not planned for it any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeRow {
    /// the job
    pub job_id: JobId,
    /// its delivery
    pub delivery_id: DeliveryId,
    /// 묶음배송번호
    pub bundle_number: String,
    /// identifiers of its orders
    pub order_ids: Vec<OrderId>,
    /// name of the recipient
    pub name: String,
    /// goods in short
    pub product: String,
    /// name of the truck; none if no truck goes there on the day
    pub column: Option<String>,
    /// whether the tour is not fixed, so that nobody is told yet
    pub is_draft: bool,
    /// minute of the day at which the work begins
    pub begins_at: Option<i64>,
    /// the day that it was moved to, on which it is told
    pub moved_to: Option<NaiveDate>,
    /// the last text about the visit
    pub told: Option<Notice>,
    /// what the customer needs to be told
    pub need: Option<NoticeNeed>,
    /// the text for it
    pub letter: Option<std::result::Result<Letter, LeftOut>>,
    /// whether the recipient is hidden from the member
    pub is_masked: bool,
}

impl NoticeRow {
    /// The batch that its text belongs to.
    pub fn batch(&self) -> Option<NoticeBatch> {
        let is_here = !self.is_draft && self.moved_to.is_none();
        self.need.filter(|_| is_here).map(|need| NoticeBatch::of(need.kind()))
    }

    /// Hides the recipient if the delivery is hidden on a page of `day`.
    pub fn mask(&mut self, masking: &MaskPolicy, day: NaiveDate) {
        if !masking.hides(self.delivery_id, masking.is_due_on(day)) {
            return;
        }
        self.is_masked = true;
        self.name = mask::name(&self.name);
        if let Some(told) = &mut self.told {
            told.message.clear();
        }
        if let Some(Ok(letter)) = &mut self.letter {
            letter.number.number = mask::telephone(&letter.number.number);
            letter.message.clear();
            letter.values = NoticeValues::default();
        }
    }
}

/// The texts of a day.
#[derive(Clone, Debug)]
pub struct NoticeDay {
    /// the day
    pub day: NaiveDate,
    /// visits, by truck and in order; then those that are not planned any more
    pub rows: Vec<NoticeRow>,
    /// stops of tours that are not fixed
    pub drafts: usize,
}

impl NoticeDay {
    /// The rows of a batch.
    pub fn batch(&self, batch: NoticeBatch) -> impl Iterator<Item = &NoticeRow> {
        self.rows.iter().filter(move |row| row.batch() == Some(batch))
    }

    /// Identifiers of all orders.
    pub fn order_ids(&self) -> Vec<OrderId> {
        self.rows.iter().flat_map(|row| row.order_ids.iter().copied()).collect()
    }
}

/// What all texts of a day are made from.
struct Composer {
    shop: Shop,
    wordings: BTreeMap<NoticeKind, NoticeWording>,
}

/// What a text is about.
struct Subject<'s> {
    work: &'s DeliveryWork,
    kind: NoticeKind,
    day: NaiveDate,
    window: Option<(i64, i64)>,
    told: Option<&'s Notice>,
    done_at: Option<Moment>,
}

impl Composer {
    fn load(tx: &mut dyn Tx) -> Result<Self> {
        let mut wordings = BTreeMap::new();
        for kind in NoticeKind::ALL {
            wordings.insert(kind, store::wording(tx, kind)?);
        }
        Ok(Self { shop: shop::find(tx)?, wordings })
    }

    fn values(&self, subject: &Subject<'_>) -> NoticeValues {
        let former = subject.told.map(|told| match told.window {
            Some(window) => format!("{} {}", day_label(told.day), window_label(window)),
            None => day_label(told.day),
        });
        NoticeValues {
            name: subject.work.recipient.name.clone(),
            day: day_label(subject.day),
            window: subject.window.map(window_label).unwrap_or_default(),
            product: subject.work.summary_with_kind(),
            former: former.unwrap_or_default(),
            done_at: subject.done_at.map(|at| at.kst().format("%H:%M").to_string()).unwrap_or_default(),
            shop: self.shop.name.clone(),
            shop_tel: self.shop.tel.clone(),
        }
    }

    fn letter(&self, subject: &Subject<'_>) -> std::result::Result<Letter, LeftOut> {
        if subject.work.is_held() {
            return Err(LeftOut::Claim);
        }
        if matches!(subject.kind, NoticeKind::Visit | NoticeKind::Change) && subject.window.is_none() {
            return Err(LeftOut::Late);
        }
        let recipient = &subject.work.recipient;
        let number = text_number([&recipient.tel1, &recipient.tel2]).map_err(LeftOut::Number)?;
        let wording = self.wordings.get(&subject.kind).cloned().unwrap_or_else(|| NoticeWording::initial(subject.kind));
        let values = self.values(subject);
        let (words, most) =
            if number.is_safe_number { (&wording.short_body, MAX_SMS_BYTES) } else { (&wording.body, MAX_LMS_BYTES) };
        let message = fill(subject.kind, words, &values).map_err(LeftOut::NoticeWording)?;
        let bytes = text_bytes(&message).map_err(LeftOut::NoticeWording)?;
        if bytes > most {
            return Err(LeftOut::NoticeWording(WordingProblem::TooLong { bytes, most }));
        }
        let form = if bytes <= MAX_SMS_BYTES { NoticeForm::Sms } else { NoticeForm::Lms };
        Ok(Letter { number, form, message, bytes, window: subject.window, values })
    }
}

/// The last text about a visit, and whether the goods were reported to be there.
fn last_told(notices: &[Notice]) -> (Option<&Notice>, bool) {
    let live = || notices.iter().filter(|notice| notice.withdrawn_at.is_none());
    let told = live().rfind(|notice| notice.kind != NoticeKind::Completion);
    (told, live().any(|notice| notice.kind == NoticeKind::Completion))
}

/// Loads the texts of a day.
pub fn notice_day(tx: &mut dyn Tx, districts: &Districts, day: NaiveDate) -> Result<NoticeDay> {
    let board = board::load_without_pool(tx, districts, day)?;
    let mut done = BTreeMap::new();
    for tour in board.columns.iter().filter_map(|column| column.tour.as_ref()).filter(|tour| tour.state.is_handed_out())
    {
        for (job_id, events) in events::of_tour(tx, tour.id)? {
            let status = fold(&events);
            if let (StopState::Delivered, Some(at)) = (&status.state, status.ended_at()) {
                done.insert(job_id, at);
            }
        }
    }
    let here: Vec<JobId> = board.columns.iter().flat_map(|column| &column.stops).map(|stop| stop.stop.job.id).collect();
    let mut elsewhere = store::jobs_of_day(tx, day)?;
    elsewhere.retain(|job_id| !here.contains(job_id));
    let elsewhere: Vec<JobId> = elsewhere.into_iter().collect();
    let all: Vec<JobId> = here.iter().chain(&elsewhere).copied().collect();
    let mut day_of_notices = Assembly {
        composer: Composer::load(tx)?,
        notices: store::of_jobs(tx, &all)?,
        day,
        today: tx.now().date(),
        done,
    };
    let ended = store::ended_visits(tx, &all)?;
    let is_over = |job_id: JobId, of: NaiveDate| ended.contains(&(job_id, of));

    let mut rows = Vec::new();
    for column in &board.columns {
        for (stop, visit) in column.visits() {
            rows.push(day_of_notices.planned_row(column, stop, *visit, &is_over));
        }
    }
    let drafts = rows.iter().filter(|row| row.is_draft).count();
    rows.extend(gone_rows(tx, &mut day_of_notices, &elsewhere, &is_over)?);
    Ok(NoticeDay { day, rows, drafts })
}

/// Rows of a day being made.
struct Assembly {
    composer: Composer,
    notices: BTreeMap<JobId, Vec<Notice>>,
    day: NaiveDate,
    today: NaiveDate,
    /// when the goods were handed over, by job
    done: BTreeMap<JobId, Moment>,
}

impl Assembly {
    /// The row of a stop.
    fn planned_row(
        &self,
        column: &Column,
        stop: &BoardStop,
        visit: Visit,
        is_over: &dyn Fn(JobId, NaiveDate) -> bool,
    ) -> NoticeRow {
        let (job, work) = (&stop.stop.job, &stop.item.work);
        let begins_at = visit.arrives_at + visit.waiting;
        let promised = job.window;
        let window = window_to_tell(begins_at, column.round.starts_at, promised);
        let is_planned = work.is_open();
        let planned = is_planned.then_some(PlannedVisit { day: self.day, begins_at });
        let row = NoticeRow {
            column: Some(column_name(column)),
            is_draft: !column.is_fixed(),
            begins_at: Some(begins_at),
            ..Self::row(job.id, work)
        };
        self.complete(row, work, (planned, window), is_over)
    }

    /// A row without what is planned.
    fn row(job_id: JobId, work: &DeliveryWork) -> NoticeRow {
        NoticeRow {
            job_id,
            delivery_id: work.delivery_id,
            bundle_number: work.bundle_number.clone(),
            order_ids: work.order_ids().collect(),
            name: work.recipient.name.clone(),
            product: work.summary_with_kind(),
            column: None,
            is_draft: false,
            begins_at: None,
            moved_to: None,
            told: None,
            need: None,
            letter: None,
            is_masked: false,
        }
    }

    /// Adds what was told and what is to be told.
    fn complete(
        &self,
        mut row: NoticeRow,
        work: &DeliveryWork,
        (planned, window): (Option<PlannedVisit>, Option<(i64, i64)>),
        is_over: &dyn Fn(JobId, NaiveDate) -> bool,
    ) -> NoticeRow {
        let notices = self.notices.get(&row.job_id).map(Vec::as_slice).unwrap_or_default();
        let (told, is_completion_told) = last_told(notices);
        let done_at = self.done.get(&row.job_id).copied();
        row.need = if done_at.is_some() {
            // The wording is that of a delivery; who gives goods back, or has a visitor, knows that it is done.
            let is_told = is_completion_told || !work.kind().delivers();
            (!is_told).then_some(NoticeNeed::Completion)
        } else {
            let visit = told.map(|told| ToldVisit {
                kind: told.kind,
                day: told.day,
                window: told.window,
                is_over: is_over(row.job_id, told.day),
            });
            need(visit.as_ref(), planned.as_ref(), self.today)
        };
        row.letter = row.need.map(|need| {
            let names_window = matches!(need.kind(), NoticeKind::Visit | NoticeKind::Change);
            let window = window.filter(|_| names_window);
            self.composer.letter(&Subject { work, kind: need.kind(), day: self.day, window, told, done_at })
        });
        row.told = told.cloned();
        row
    }
}

/// The rows of visits that were told for the day and are not planned for it any more.
fn gone_rows(
    tx: &mut dyn Tx,
    assembly: &mut Assembly,
    jobs: &[JobId],
    is_over: &dyn Fn(JobId, NaiveDate) -> bool,
) -> Result<Vec<NoticeRow>> {
    let day = assembly.day;
    let told_last_for_day = |job: &JobId| {
        let notices = assembly.notices.get(job).map(Vec::as_slice).unwrap_or_default();
        last_told(notices).0.is_some_and(|told| told.day == day)
    };
    let jobs: Vec<JobId> = jobs.iter().filter(|job| told_last_for_day(job) && !is_over(**job, day)).copied().collect();
    let planned = store::planned_days(tx, &jobs)?;
    let settings = trucks::settings(tx)?;
    let handling = trucks::handling_table(tx, settings.default_handling)?;
    let known: Vec<Job> = tasks::by_ids(tx, &jobs)?.into_iter().map(|planned| planned.job).collect();
    let own: Vec<DeliveryId> = known.iter().filter(|job| job.task.is_none()).map(|job| job.delivery_id).collect();
    let works = works_of_jobs(tx, &own, known.iter().filter(|job| job.task.is_some()), &handling)?;
    let mut rows = Vec::new();
    for job in &known {
        let job_id = job.id;
        let Some(work) = works.get(&job.key()) else { continue };
        let is_done = match &work.task {
            Some(task) => task.state == TaskState::Done,
            None => work.state == DeliveryState::Completed,
        };
        if is_done {
            continue;
        }
        let is_planned = work.is_open();
        let moved_to = planned.get(&job_id).filter(|to| to.is_fixed && is_planned).map(|to| to.day);
        let other = moved_to.map(|day| PlannedVisit { day, begins_at: 0 });
        let row = NoticeRow { moved_to, ..Assembly::row(job_id, work) };
        rows.push(assembly.complete(row, work, (other, None), is_over));
    }
    Ok(rows)
}

/// A visit whose text shows what a wording gives: the first one of a board that has a number and is not late.
pub fn preview_values(tx: &mut dyn Tx, board: &Board) -> Result<Option<(NoticeValues, DeliveryId, Vec<OrderId>)>> {
    let composer = Composer::load(tx)?;
    for column in &board.columns {
        for (stop, visit) in column.visits() {
            let begins_at = visit.arrives_at + visit.waiting;
            let Some(window) = window_to_tell(begins_at, column.round.starts_at, stop.stop.job.window) else {
                continue;
            };
            let work = &stop.item.work;
            let subject = Subject {
                work,
                kind: NoticeKind::Visit,
                day: board.day,
                window: Some(window),
                told: None,
                done_at: None,
            };
            let sample = NoticeValues::sample();
            let values = composer.values(&subject);
            // What has not happened yet is shown by an example.
            let values = NoticeValues { former: sample.former, done_at: sample.done_at, ..values };
            return Ok(Some((values, work.delivery_id, work.order_ids().collect())));
        }
    }
    Ok(None)
}

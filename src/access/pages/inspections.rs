//! `/access/inspections`: the inspection of the access records, and its period.

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;

use crate::access::AccessRecorder;
use crate::access::inspection::{
    self, InspectionLine, InspectionMonth, InspectionPeriod, InspectionReport, MAX_NOTE_CHARS, PERIOD_MONTHS,
    SignedInspection,
};
use crate::access::list::usernames;
use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::id::MemberId;
use crate::storage::{Result as StorageResult, Storage, StorageError, Tx};
use crate::web::{Error, Flash, Form, Layout, PageResult, disclosing, page, page_with_status, redirect_with_flash};

#[derive(Template)]
#[template(path = "access/inspections.html")]
struct ListPage {
    layout: Layout,
    due: Vec<InspectionPeriod>,
    signed: Vec<SignedInspection>,
    /// months of a period
    every: u32,
    names: HashMap<MemberId, String>,
}

#[derive(Template)]
#[template(path = "access/inspection.html")]
struct ShowPage {
    layout: Layout,
    month: InspectionMonth,
    period: InspectionPeriod,
    report: InspectionReport,
    signed: Option<SignedInspection>,
    names: HashMap<MemberId, String>,
    /// whether the period is over, so that it can be signed
    is_over: bool,
    note: String,
    problem: Option<&'static str>,
}

impl ListPage {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
    fn name(&self, id: &MemberId) -> &str {
        self.names.get(id).map_or("지워진 회원", String::as_str)
    }
}

impl ShowPage {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
    fn name(&self, id: &MemberId) -> &str {
        self.names.get(id).map_or("지워진 회원", String::as_str)
    }

    fn who(&self, line: &InspectionLine) -> &str {
        line.member_id.as_ref().map_or("모르는 아이디·프로그램", |id| self.name(id))
    }
}

pub(super) async fn list(State(storage): State<Storage>, layout: Layout) -> PageResult {
    let shown = storage
        .read(move |tx| {
            let (due, signed) = (inspection::due_periods(tx)?, inspection::signed(tx)?);
            let (every, names) = (inspection::period_months(tx)?, usernames(tx)?);
            Ok::<_, StorageError>(ListPage { layout: layout.clone(), due, signed, every, names })
        })
        .await?;
    Ok(page(shown))
}

fn load(tx: &mut dyn Tx, layout: Layout, month: InspectionMonth) -> StorageResult<ShowPage> {
    let signed = inspection::find(tx, month)?;
    let (period, report) = if let Some(signed) = &signed {
        (signed.period, signed.report.clone())
    } else {
        let period = InspectionPeriod::beginning(month, inspection::period_months(tx)?);
        (period, inspection::draft(tx, period)?)
    };
    let (is_over, names) = (period.moments().1 <= tx.now(), usernames(tx)?);
    Ok(ShowPage { layout, month, period, report, signed, names, is_over, note: String::new(), problem: None })
}

pub(super) async fn show(
    State(storage): State<Storage>,
    State(recorder): State<AccessRecorder>,
    layout: Layout,
    Path(month): Path<String>,
) -> PageResult {
    let month = InspectionMonth::parse(&month).ok_or(Error::NotFound)?;
    recorder.flush().await?;
    let shown = storage.read(move |tx| load(tx, layout.clone(), month)).await?;
    Ok(disclosing(page(shown), []))
}

#[derive(Deserialize)]
pub(super) struct SignForm {
    #[serde(default)]
    note: String,
}

pub(super) async fn sign(
    State(storage): State<Storage>,
    State(recorder): State<AccessRecorder>,
    layout: Layout,
    actor: MemberActor,
    Path(month): Path<String>,
    Form(form): Form<SignForm>,
) -> PageResult {
    let month = InspectionMonth::parse(&month).ok_or(Error::NotFound)?;
    let note = form.note.trim().replace("\r\n", "\n");
    if note.is_empty() || note.chars().count() > MAX_NOTE_CHARS {
        let shown = storage.read(move |tx| load(tx, layout.clone(), month)).await?;
        let problem = if note.is_empty() {
            "무엇을 확인했는지 입력해 주세요. 이상이 없으면 ‘이상 없음’이라고 입력하세요."
        } else {
            "2,000자까지 입력할 수 있어요."
        };
        let shown = ShowPage { note, problem: Some(problem), ..shown };
        return Ok(disclosing(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, shown), []));
    }
    recorder.flush().await?;
    let flash = storage
        .write(move |tx| {
            let Some(period) = inspection::sign(tx, month, actor.id, &note)? else {
                return Flash::warning("이미 확인했거나 아직 끝나지 않은 달이에요.").save(tx, actor.id);
            };
            let event = AuditEvent::AccessInspected { month: period.to_string() };
            audit::record(tx, actor, AuditObject::UNNUMBERED, &event)?;
            Flash::success(event.sentence()).save(tx, actor.id)
        })
        .await?;
    Ok(redirect_with_flash("/access/inspections", flash))
}

#[derive(Deserialize)]
pub(super) struct PeriodForm {
    #[serde(default)]
    months: u32,
}

/// Saves the period.
pub(super) async fn update(
    State(storage): State<Storage>,
    actor: MemberActor,
    Form(form): Form<PeriodForm>,
) -> PageResult {
    if !PERIOD_MONTHS.contains(&form.months) {
        return Err(Error::BadRequest("점검 주기를 선택해 주세요.".to_owned()));
    }
    let flash = storage
        .write(move |tx| {
            inspection::save_period_months(tx, form.months)?;
            let event = AuditEvent::SettingsSaved { changed: vec![format!("점검 주기 = {}개월", form.months)] };
            audit::record(tx, actor, AuditObject::UNNUMBERED, &event)?;
            Flash::success(event.sentence()).save(tx, actor.id)
        })
        .await?;
    Ok(redirect_with_flash("/access/inspections", flash))
}

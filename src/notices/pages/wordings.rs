//! `/notices/wordings`: the shop's wording of each kind of text, its variables and its length, shown with a visit of the plan.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::Days;
use serde::Deserialize;

use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::districts::{DistrictCache, Districts};
use crate::id::OrderId;
use crate::masking;
use crate::members::model::Member;
use crate::members::model::rights::Surface;
use crate::notices::day::preview_values;
use crate::notices::model::NoticeKind;
use crate::notices::store;
use crate::notices::wording::{
    MAX_LMS_BYTES, MAX_SHORT_WORDING_CHARS, MAX_SMS_BYTES, MAX_WORDING_CHARS, NoticeValues, NoticeWording, Variable,
    WordingProblem, check, fill, text_bytes, variables,
};
use crate::plans::board;
use crate::shop::store as shop;
use crate::storage::{Result as StorageResult, Storage, StorageError, Tx};
use crate::web::{
    Error, Flash, Form, Layout, PageAction, PageKind, PageResult, PersonalData, personal_page,
    personal_page_with_status, redirect_with_flash,
};

/// Days from today that are searched for a visit to show.
const PREVIEW_DAYS: u64 = 3;

/// What a wording gives.
struct Preview {
    text: String,
    bytes: usize,
    problem: Option<String>,
}

impl Preview {
    fn new(kind: NoticeKind, wording: &str, values: &NoticeValues, most: usize) -> Self {
        let filled = fill(kind, wording, values).and_then(|text| {
            let bytes = text_bytes(&text)?;
            Ok((text, bytes))
        });
        match filled {
            Ok((text, bytes)) => {
                let problem = (bytes > most).then(|| WordingProblem::TooLong { bytes, most }.sentence());
                Self { text, bytes, problem }
            }
            Err(problem) => Self { text: String::new(), bytes: 0, problem: Some(problem.sentence()) },
        }
    }

    fn form(&self) -> &'static str {
        if self.bytes <= MAX_SMS_BYTES { "SMS" } else { "LMS" }
    }
}

/// A kind of text with its fields.
struct WordingView {
    kind: NoticeKind,
    wording: NoticeWording,
    body: Preview,
    short_body: Preview,
    body_problem: Option<String>,
    short_problem: Option<String>,
}

impl WordingView {
    fn new(kind: NoticeKind, wording: NoticeWording, values: &NoticeValues) -> Self {
        Self {
            body: Preview::new(kind, &wording.body, values, MAX_LMS_BYTES),
            short_body: Preview::new(kind, &wording.short_body, values, MAX_SMS_BYTES),
            kind,
            wording,
            body_problem: None,
            short_problem: None,
        }
    }

    fn variables(&self) -> &'static [Variable] {
        variables(self.kind)
    }
}

#[derive(Template)]
#[template(path = "notices/wordings.html")]
struct WordingsPage {
    layout: Layout,
    views: Vec<WordingView>,
    /// whether a visit of the plan is shown
    is_real: bool,
    orders: Vec<OrderId>,
}

impl WordingsPage {
    fn may_edit(&self) -> bool {
        self.layout.may(PageKind::Plans, PageAction::Edit)
    }
}

impl PersonalData for WordingsPage {
    fn orders(&self) -> Vec<OrderId> {
        self.orders.clone()
    }
}

/// Values of a visit of the next days that the member may see; else of an example.
fn preview(
    tx: &mut dyn Tx,
    districts: &Districts,
    member: Option<&Member>,
) -> StorageResult<(NoticeValues, bool, Vec<OrderId>)> {
    let masking = masking::of_member(tx, member, Surface::Plan)?;
    let today = tx.now().date();
    for days in [1, 0].into_iter().chain(2..PREVIEW_DAYS) {
        let day = today + Days::new(days);
        let board = board::load_without_pool(tx, districts, day)?;
        let Some((values, delivery_id, orders)) = preview_values(tx, &board)? else { continue };
        if !masking.hides(delivery_id, masking.is_due_on(day)) {
            return Ok((values, true, orders));
        }
    }
    let shop = shop::find(tx)?;
    let sample = NoticeValues::sample();
    let or_sample = |value: String, sample: String| if value.is_empty() { sample } else { value };
    let values = NoticeValues {
        shop: or_sample(shop.name, sample.shop.clone()),
        shop_tel: or_sample(shop.tel, sample.shop_tel.clone()),
        ..sample
    };
    Ok((values, false, Vec::new()))
}

async fn load(
    storage: &Storage,
    districts: &DistrictCache,
    layout: Layout,
    typed: Option<(NoticeKind, NoticeWording)>,
) -> PageResult<WordingsPage> {
    let districts = districts.refresh(storage).await?;
    let member = layout.member.clone();
    let read = storage.read(move |tx| {
        let (values, is_real, orders) = preview(tx, &districts, member.as_ref())?;
        let mut views = Vec::new();
        for kind in NoticeKind::ALL {
            let stored = store::wording(tx, kind)?;
            let shown = match &typed {
                Some((of, wording)) if *of == kind => wording.clone(),
                _ => stored,
            };
            views.push(WordingView::new(kind, shown, &values));
        }
        Ok::<_, StorageError>((views, is_real, orders))
    });
    let (views, is_real, orders) = read.await?;
    Ok(WordingsPage { layout, views, is_real, orders })
}

pub(super) async fn show(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    layout: Layout,
) -> PageResult {
    Ok(personal_page(load(&storage, &districts, layout, None).await?))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WordingForm {
    kind: String,
    act: String,
    body: String,
    short_body: String,
    version: String,
}

/// What is wrong with a field.
fn problem_of(kind: NoticeKind, text: &str, most: usize) -> Option<String> {
    if text.chars().count() > most {
        return Some(format!("{most}자까지 입력할 수 있어요."));
    }
    check(kind, text).and_then(|()| text_bytes(text).map(drop)).err().map(|problem| problem.sentence())
}

pub(super) async fn update(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    layout: Layout,
    actor: MemberActor,
    Form(form): Form<WordingForm>,
) -> PageResult {
    let kind = NoticeKind::from_code(&form.kind).ok_or(Error::NotFound)?;
    let text = |text: &str| text.replace("\r\n", "\n").trim().to_owned();
    let typed = NoticeWording {
        body: text(&form.body),
        short_body: text(&form.short_body),
        version: form.version.parse().unwrap_or(-1),
    };
    let is_initial = form.act == "initial";
    let problems = [
        problem_of(kind, &typed.body, MAX_WORDING_CHARS),
        problem_of(kind, &typed.short_body, MAX_SHORT_WORDING_CHARS),
    ];
    let is_wrong = problems.iter().any(Option::is_some);
    if !is_initial && (form.act == "preview" || is_wrong) {
        let mut page = load(&storage, &districts, layout, Some((kind, typed))).await?;
        if let Some(view) = page.views.iter_mut().find(|view| view.kind == kind) {
            [view.body_problem, view.short_problem] = problems;
        }
        let status = if is_wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        return Ok(personal_page_with_status(status, page));
    }
    let write = move |tx: &mut dyn Tx| {
        if is_initial {
            store::delete_wording(tx, kind)?;
        } else if !store::save_wording(tx, kind, &typed, actor.id)? {
            let message = "그 사이 다른 사람이 문구를 바꿨어요. 지금 문구를 확인하고 다시 저장해 주세요.";
            return Flash::warning(message).save(tx, actor.id);
        }
        let event = AuditEvent::NoticeWordingSaved { kind: kind.code().to_owned(), is_initial };
        audit::record(tx, actor, AuditObject::UNNUMBERED, &event)?;
        Flash::success(event.sentence()).save(tx, actor.id)
    };
    let flash = storage.write(write).await?;
    Ok(redirect_with_flash("/notices/wordings", flash))
}

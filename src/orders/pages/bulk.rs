//! Bulk actions on the ticked orders of the list: 발주로, 출고로, 배송됨으로 바꾸기, 입력 저장, 한꺼번에 정하기.
//!
//! Every action also saves what was typed into its rows, in one transaction. If a typed value is wrong, 입력 저장 saves the
//! other rows, and the others do nothing at all; either way the page shows what was typed.

mod acts;
mod question;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;

use self::acts::{BulkOutcome, RejectedRow};
use super::held::{advance_act, held_url};
use super::list::{ListPage, RowView, list_page};
use crate::audit::MemberActor;
use crate::channels::TYPED_COURIER;
use crate::id::{Id, OrderId};
use crate::masking;
use crate::members::model::rights::Surface;
use crate::orders::bulk_job::{BUSY_MESSAGE, BulkJobs, JOB_PATH, JobOutcome, NewBulkJob};
use crate::orders::bulk_set::{BulkField, BulkValue};
use crate::orders::edit::RowForm;
use crate::orders::filter::{DEFAULT_PAGE_SIZE, OrderQuery, PAGE_SIZES};
use crate::orders::list::load_rows;
use crate::orders::model::OrderState;
use crate::storage::{Storage, Tx};
use crate::web::paging::{PageQuery, grouped};
use crate::web::{
    Answer, AppState, Error, Flash, FlashId, FormPairs, Layout, PageResult, Query, Tone, page, personal_page,
    personal_page_with_status, redirect, redirect_with_flash, url_with_flash,
};

/// What bulk actions and their jobs use.
#[derive(Clone)]
pub(super) struct BulkContext {
    pub(super) storage: Storage,
    pub(super) jobs: BulkJobs,
}

impl FromRef<AppState> for BulkContext {
    fn from_ref(state: &AppState) -> Self {
        Self { storage: state.storage.clone(), jobs: state.bulk_jobs.clone() }
    }
}

/// The form of the list.
struct BulkForm {
    act: String,
    /// `1`: everything found instead of the ticked orders
    all: bool,
    /// how many orders the member was told that there are, when everything found was asked about
    expected: Option<usize>,
    /// values of the form 한꺼번에 정하기
    values: BTreeMap<&'static str, String>,
    /// the state to move orders on to; none for 입력 저장 and 한꺼번에 정하기
    advance_to: Option<OrderState>,
    ticked: Vec<OrderId>,
    forms: Vec<(OrderId, RowForm)>,
}

impl BulkForm {
    fn parse(pairs: Vec<(String, String)>) -> Result<Self, Error> {
        let mut form = Self {
            act: String::new(),
            all: false,
            expected: None,
            values: BTreeMap::new(),
            advance_to: None,
            ticked: Vec::new(),
            forms: Vec::new(),
        };
        let mut act = None;
        for (name, value) in pairs {
            match name.as_str() {
                "act" => act = Some(value),
                "all" => form.all = value == "1",
                "expected" => form.expected = value.parse().ok(),
                "tick" => form.ticked.extend(OrderId::parse(&value)),
                _ => form.set_field(&name, value),
            }
        }
        form.ticked.sort_unstable();
        form.ticked.dedup();
        form.act = act.clone().unwrap_or_default();
        form.advance_to = match act.as_deref() {
            Some("edit") => None,
            Some(act) if bulk_field(act).is_some() => None,
            Some(act) if advance_act(act).is_some() => advance_act(act),
            _ => {
                return Err(Error::BadRequest(
                    "어떤 작업인지 알 수 없어요. 새로고침한 뒤 다시 시도해 주세요.".to_owned(),
                ));
            }
        };
        Ok(form)
    }

    /// Sets an input of a row, named `FIELD-ID`. Ignores other names.
    fn set_field(&mut self, name: &str, value: String) {
        if name == "set_courier_other" {
            // The text field beside the select box counts only where that says so.
            let courier = self.values.entry(BulkField::Courier.code()).or_default();
            if courier == TYPED_COURIER {
                *courier = value;
            }
            return;
        }
        if let Some(field) = name.strip_prefix("set_").and_then(BulkField::from_code) {
            self.values.insert(field.code(), value.replace("\r\n", "\n"));
            return;
        }
        let Some((field, id)) = name.split_once('-') else { return };
        let Some(id) = Id::parse(id) else { return };
        let existing = self.forms.iter().position(|(other, _)| *other == id);
        let index = existing.unwrap_or(self.forms.len());
        if existing.is_none() {
            self.forms.push((id, RowForm { version: -1, ..RowForm::default() }));
        }
        let Some((_, form)) = self.forms.get_mut(index) else { return };
        form.set(field, value);
    }

    fn row(&self, id: OrderId) -> Option<&RowForm> {
        self.forms.iter().find(|(other, _)| *other == id).map(|(_, form)| form)
    }

    /// Whether values were typed into a row.
    fn has_typed_rows(&self) -> bool {
        !self.forms.is_empty()
    }

    /// What the action changes: `발주`, `배송메모`; empty for 입력 저장.
    fn target(&self) -> &'static str {
        match (self.advance_to, bulk_field(&self.act)) {
            (Some(to), _) => to.label(),
            (None, Some(field)) => field.label(),
            (None, None) => "",
        }
    }

    /// The fields of the form, to be sent again with an answer.
    fn fields(&self, expected: Option<usize>) -> Vec<(String, String)> {
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let all = expected.map(|expected| [field("all", "1"), field("expected", &expected.to_string())]);
        let ticks = self.ticked.iter().filter(|_| !self.all).map(|id| field("tick", &id.to_string()));
        let typed = self.forms.iter().flat_map(|(id, form)| {
            let id = id.to_string();
            let version = (format!("version-{id}"), form.version.to_string());
            let sent: Vec<_> = form.sent().map(|(name, value)| (format!("{name}-{id}"), value.to_owned())).collect();
            [version].into_iter().chain(sent)
        });
        [field("act", &self.act)]
            .into_iter()
            .chain(all.into_iter().flatten())
            .chain(self.values.iter().map(|(name, value)| (format!("set_{name}"), value.clone())))
            .chain(ticks)
            .chain(typed)
            .collect()
    }
}

/// The list that an action is sent from.
struct Origin {
    storage: Storage,
    query: OrderQuery,
    paging: PageQuery,
    uri: Uri,
}

impl Origin {
    fn url(&self) -> String {
        format!("/orders?{}", self.query.to_query_string(&[]))
    }

    /// The list again, with the inputs and ticks of the form, except those of rows that were saved. `warning` says why.
    async fn with_inputs(
        &self,
        layout: Layout,
        form: &BulkForm,
        rejected: Option<&[RejectedRow]>,
        warning: Option<Flash>,
    ) -> PageResult<ListPage> {
        let layout = Layout { flash: warning.or(layout.flash.clone()), ..layout };
        let mut page = self.same_rows(layout, form).await?;
        restore_inputs(&mut page, form, rejected);
        Ok(page)
    }

    /// The list again. A row of the form that no longer matches the search, because another member has changed it, comes first
    /// with its problem and inputs.
    async fn same_rows(&self, layout: Layout, form: &BulkForm) -> PageResult<ListPage> {
        let max_rows = *PAGE_SIZES.iter().max().unwrap_or(&DEFAULT_PAGE_SIZE) as usize;
        let ids: Vec<OrderId> = form.forms.iter().map(|(id, _)| *id).take(max_rows).collect();
        let mut page = list_page(&self.storage, layout, self.query.clone(), self.paging, &self.uri).await?;
        if !ids.is_empty() {
            let rows = self.storage.read(move |tx| load_rows(tx, &ids)).await?;
            let listed: BTreeSet<OrderId> = page.rows.iter().map(|row| row.listed.order.id).collect();
            let left = rows.into_iter().filter(|row| !listed.contains(&row.order.id));
            let left: Vec<RowView> = left.map(|row| page.view(row)).collect();
            page.rows.splice(0..0, left);
        }
        Ok(page)
    }
}

pub(super) async fn apply(
    State(BulkContext { storage, jobs }): State<BulkContext>,
    layout: Layout,
    actor: MemberActor,
    Query(query): Query<OrderQuery>,
    Query(paging): Query<PageQuery>,
    uri: Uri,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let answer = Answer::of(&pairs);
    let form = Arc::new(BulkForm::parse(pairs)?);
    let origin = Origin { storage, query, paging, uri };
    if form.act == "edit" || form.has_typed_rows() {
        let member = layout.member.clone();
        let masking =
            origin.storage.read(move |tx| masking::of_member(tx, member.as_ref(), Surface::OrderList)).await?;
        if !masking.is_full() {
            let message = "가린 목록에서는 수정할 수 없어요. 주문을 열어 수정해 주세요.";
            return Err(Error::BadRequest(message.to_owned()));
        }
    }
    if answer == Some(Answer::Back) {
        return Ok(personal_page(origin.with_inputs(layout, &form, None, None).await?));
    }
    if form.ticked.is_empty() && !form.all {
        let none = Flash::warning("선택한 주문이 없어요. 주문을 먼저 선택해 주세요.");
        return refused(&origin, layout, &form, None, none).await;
    }
    let value = match bulk_field(&form.act) {
        Some(field) => match BulkValue::parse(field, form.values.get(field.code()).map_or("", String::as_str)) {
            Ok(value) => Some(value),
            Err(problem) => return refused(&origin, layout, &form, None, Flash::warning(problem)).await,
        },
        None => None,
    };
    let (submitted, filter) = (Arc::clone(&form), origin.query.filter());
    let act = move |tx: &mut dyn Tx| acts::perform(tx, actor, &submitted, &filter, value.as_ref(), answer);
    let expected = form.expected.filter(|_| form.all && answer.is_some());
    if let Some(order_count) = expected.filter(|count| *count > jobs.max_foreground_orders) {
        let storage = &origin.storage;
        let job = NewBulkJob { member_id: actor.id, title: question::doing(&form), order_count };
        let (to, here) = (form.advance_to, origin.url());
        let act = move |tx: &mut dyn Tx| act(tx).map(|outcome| job_outcome(outcome, to, &here));
        if !jobs.start(storage, job, act).await? {
            let flash = storage.write(move |tx| Flash::warning(BUSY_MESSAGE).save(tx, actor.id)).await?;
            return Ok(redirect_with_flash(JOB_PATH, flash));
        }
        return Ok(redirect(JOB_PATH));
    }
    match origin.storage.write(act).await? {
        BulkOutcome::Done { flash, held } => Ok(redirect(&answer_url(form.advance_to, &held, &origin.url(), flash))),
        BulkOutcome::Asked(asked) => Ok(page(question::page(layout, &form, &asked, origin.url()))),
        BulkOutcome::Refused { flash, rejected } => refused(&origin, layout, &form, Some(&rejected), flash).await,
    }
}

/// The list with the inputs of a form that was not done, or not wholly.
async fn refused(
    origin: &Origin,
    layout: Layout,
    form: &BulkForm,
    rejected: Option<&[RejectedRow]>,
    flash: Flash,
) -> PageResult<Response> {
    let warning = Flash { tone: Tone::Warning, ..flash };
    let page = origin.with_inputs(layout, form, rejected, Some(warning)).await?;
    Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page))
}

/// The page that says what was changed; orders that an open claim keeps where they are are asked about first.
fn answer_url(to: Option<OrderState>, held: &[OrderId], here: &str, flash: FlashId) -> String {
    let answer = url_with_flash(here, flash);
    match to {
        Some(to) if !held.is_empty() => url_with_flash(&held_url(to, held, &answer), flash),
        _ => answer,
    }
}

/// How a bulk action that ran as a job ended.
fn job_outcome(outcome: BulkOutcome, to: Option<OrderState>, here: &str) -> JobOutcome {
    match outcome {
        BulkOutcome::Done { flash, held } => JobOutcome::Done(answer_url(to, &held, here, flash)),
        BulkOutcome::Asked(asked) => JobOutcome::Failed(format!(
            "그 사이 검색한 주문이 {}건으로 바뀌어 하지 않았어요. 주문에서 다시 선택해 주세요.",
            grouped(asked.chosen)
        )),
        BulkOutcome::Refused { flash, .. } => JobOutcome::Failed(flash.message),
    }
}

/// The field that an act of the form 한꺼번에 정하기 sets: `set-courier`.
fn bulk_field(act: &str) -> Option<BulkField> {
    act.strip_prefix("set-").and_then(BulkField::from_code)
}

/// Restores the inputs and ticks of rows that were not saved: all of them, unless some are named as `rejected`. A row keeps
/// the version of its form; once its problems have shown the stored values, it takes the stored version.
fn restore_inputs(page: &mut ListPage, form: &BulkForm, rejected: Option<&[RejectedRow]>) {
    for row in &mut page.rows {
        let id = row.listed.order.id;
        let rejection = rejected.unwrap_or_default().iter().find(|row| row.id == id);
        // Only 입력 저장 saves the other rows when some are wrong.
        let saved = form.act == "edit" && form.ticked.contains(&id) && rejected.is_some() && rejection.is_none();
        if let Some(inputs) = form.row(id).filter(|inputs| inputs.differs(&row.listed.order) || rejection.is_some())
            && !saved
        {
            let version = rejection.map_or(inputs.version, |rejection| rejection.version);
            row.form = RowForm { version, ..inputs.completed(&row.listed.order) };
            row.is_open = true;
            row.is_typed = true;
        }
        row.ticked = form.ticked.contains(&id) && !saved;
        row.problems = rejection.map(|rejection| rejection.problems.clone()).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests;

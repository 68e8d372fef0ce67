//! Bulk actions on the ticked orders of the list: 선택발주, 선택출고, 선택배송, 선택수정.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::http::{StatusCode, Uri};

use super::held::{advance_act, held_url};
use super::job::JOB_PATH;
use super::list::{ListPage, RowView, list_page};
use crate::audit::{AuditEvent, MemberActor, NumberList};
use crate::id::{crockford, parse_crockford};
use crate::masking;
use crate::members::model::rights::Surface;
use crate::orders::bulk_action::{self, Advance, BulkQuestion};
use crate::orders::bulk_job::{BulkJob, BulkJobs, JobOutcome};
use crate::orders::bulk_set::{self, BulkField, BulkValue};
use crate::orders::edit::{Problem, RowForm, apply_row_form};
use crate::orders::filter::{DEFAULT_PAGE_SIZE, OrderFilter, OrderQuery, PAGE_SIZES};
use crate::orders::list::{self, load_rows};
use crate::orders::model::OrderState;
use crate::orders::store::{self, Action, bundles};
use crate::storage::{Result as StorageResult, Storage, Tx};
use crate::web::paging::{PageQuery, grouped};
use crate::web::{
    Answer, AppState, Error, Flash, FlashId, FormPairs, Layout, PageResult, Query, QuestionPage, Tone, page,
    personal_page_with_status, redirect, redirect_with_flash, url_with_flash,
};

/// What bulk actions use.
#[derive(Clone)]
pub(super) struct BulkContext {
    storage: Storage,
    jobs: BulkJobs,
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
    /// target state of 선택발주, 선택출고, 선택배송; none is 선택수정
    advance_to: Option<OrderState>,
    ticked: Vec<i64>,
    forms: Vec<(i64, RowForm)>,
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
                "tick" => form.ticked.extend(parse_crockford(&value)),
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
        if let Some(field) = name.strip_prefix("set_").and_then(BulkField::from_code) {
            self.values.insert(field.code(), value.replace("\r\n", "\n"));
            return;
        }
        let Some((field, id)) = name.split_once('-') else { return };
        let Some(id) = parse_crockford(id) else { return };
        let existing = self.forms.iter().position(|(other, _)| *other == id);
        let index = existing.unwrap_or(self.forms.len());
        if existing.is_none() {
            self.forms.push((id, RowForm { version: -1, ..RowForm::default() }));
        }
        let Some((_, form)) = self.forms.get_mut(index) else { return };
        form.set(field, value);
    }

    fn row(&self, id: i64) -> Option<&RowForm> {
        self.forms.iter().find(|(other, _)| *other == id).map(|(_, form)| form)
    }
}

/// An order that was not saved.
struct RejectedRow {
    id: i64,
    /// the stored version that the problems refer to
    version: i64,
    problems: Vec<Problem>,
}

/// The outcome of a bulk action.
enum BulkOutcome {
    /// it was done; the message for the next page, and the orders that an open claim keeps where they are
    Done { flash: FlashId, held: Vec<i64> },
    /// it was done except for these rows
    Partly { flash: Flash, rejected: Vec<RejectedRow> },
    /// nothing was done yet with so many orders, of which an open claim holds some
    Asked { chosen: usize, held: usize, questions: Vec<BulkQuestion> },
}

pub(super) async fn bulk(
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
    if form.act == "edit" {
        let member = layout.member.clone();
        let masking = storage.read(move |tx| masking::of_member(tx, member.as_ref(), Surface::OrderList)).await?;
        if !masking.is_full() {
            let message = "가린 목록에서는 수정할 수 없어요. 주문을 열어 수정해 주세요.";
            return Err(Error::BadRequest(message.to_owned()));
        }
    }
    if form.ticked.is_empty() && !form.all {
        let mut page = same_rows(&storage, layout, query, paging, &uri, &form).await?;
        restore_inputs(&mut page, &form, &[]);
        page.layout.flash = Some(Flash::new(Tone::Warning, "선택한 주문이 없어요. 주문을 먼저 선택해 주세요."));
        return Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page));
    }
    let value = match bulk_field(&form.act) {
        Some(field) => match BulkValue::parse(field, form.values.get(field.code()).map_or("", String::as_str)) {
            Ok(value) => Some(value),
            Err(problem) => {
                let layout = Layout { flash: Some(Flash::warning(problem)), ..layout };
                let mut page = same_rows(&storage, layout, query, paging, &uri, &form).await?;
                restore_inputs(&mut page, &form, &[]);
                return Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page));
            }
        },
        None => None,
    };
    let (submitted, filter) = (Arc::clone(&form), query.filter());
    let act = move |tx: &mut dyn Tx| {
        let chosen = chosen(tx, &submitted, &filter)?;
        // The member is asked again if another number of orders is found now.
        let answer = answer.filter(|_| !submitted.all || submitted.expected == Some(chosen.len()));
        match (submitted.advance_to, &value) {
            (Some(to), _) => advance(tx, actor, &chosen, to, answer, submitted.all),
            (None, Some(value)) => set(tx, actor, &chosen, value, answer, submitted.all),
            (None, None) => edit(tx, actor, &submitted),
        }
    };
    let here = format!("/orders?{}", query.to_query_string(&[]));
    let expected = form.expected.filter(|_| form.all && answer.is_some());
    if let Some(order_count) = expected.filter(|count| *count > jobs.max_foreground_orders) {
        let (title, started_at) = (format!("{} 바꾸기", target(&form)), storage.clock().now());
        let job = BulkJob { member_id: actor.id, title, order_count, started_at, outcome: None };
        let work = run_in_background(storage.clone(), act, form.advance_to, here);
        if !jobs.start(&storage, job, work).await? {
            let busy = "다른 작업이 많은 주문을 바꾸고 있어요. 끝난 다음 다시 해 주세요.";
            let flash = storage.write(move |tx| Flash::warning(busy).save(tx, actor.id)).await?;
            return Ok(redirect_with_flash(JOB_PATH, flash));
        }
        return Ok(redirect(JOB_PATH));
    }
    match storage.write(act).await? {
        BulkOutcome::Done { flash, held } => Ok(redirect(&answer_url(form.advance_to, &held, &here, flash))),
        BulkOutcome::Asked { chosen, held, questions } => {
            Ok(page(question(layout, &form, (chosen, held), &questions, here)))
        }
        BulkOutcome::Partly { flash, rejected } => {
            let layout = Layout { flash: Some(Flash { tone: Tone::Warning, ..flash }), ..layout };
            let mut page = same_rows(&storage, layout, query, paging, &uri, &form).await?;
            restore_inputs(&mut page, &form, &rejected);
            Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page))
        }
    }
}

/// The page that says what was changed; orders that an open claim keeps where they are are asked about first.
fn answer_url(to: Option<OrderState>, held: &[i64], here: &str, flash: FlashId) -> String {
    let answer = url_with_flash(here, flash);
    match to {
        Some(to) if !held.is_empty() => url_with_flash(&held_url(to, held, &answer), flash),
        _ => answer,
    }
}

/// A bulk action as a job.
async fn run_in_background(
    storage: Storage,
    act: impl Fn(&mut dyn Tx) -> StorageResult<BulkOutcome> + Send + 'static,
    to: Option<OrderState>,
    here: String,
) -> JobOutcome {
    match storage.write(act).await {
        Ok(BulkOutcome::Done { flash, held }) => JobOutcome::Done(answer_url(to, &held, &here, flash)),
        Ok(BulkOutcome::Asked { chosen, .. }) => JobOutcome::Failed(format!(
            "그 사이 검색한 주문이 {}건으로 바뀌어 하지 않았어요. 주문에서 다시 선택해 주세요.",
            grouped(chosen)
        )),
        Ok(BulkOutcome::Partly { flash, .. }) => JobOutcome::Failed(flash.message),
        Err(error) => {
            tracing::error!(%error, "a bulk action failed");
            JobOutcome::Failed("데이터베이스에 저장하지 못했어요. 바뀐 것은 없어요. 다시 해 주세요.".to_owned())
        }
    }
}

/// The field that an act of the form 한꺼번에 정하기 sets: `set-courier`.
fn bulk_field(act: &str) -> Option<BulkField> {
    act.strip_prefix("set-").and_then(BulkField::from_code)
}

/// The orders of a bulk action: the ticked ones, or everything found.
fn chosen(tx: &mut dyn Tx, form: &BulkForm, filter: &OrderFilter) -> StorageResult<Vec<i64>> {
    if !form.all || form.act == "edit" {
        return Ok(form.ticked.clone());
    }
    let mut ids = list::all_ids(tx, filter)?;
    ids.truncate(MAX_CHOSEN_ORDERS);
    Ok(ids)
}

/// Orders that one bulk action changes in its transaction.
const MAX_CHOSEN_ORDERS: usize = 50_000;

/// What the action changes: `발주 상태로`.
fn target(form: &BulkForm) -> String {
    match (form.advance_to, bulk_field(&form.act)) {
        (Some(to), _) => format!("{} 상태로", to.label()),
        (None, Some(field)) => format!("{}을(를) 한꺼번에", field.label()),
        (None, None) => String::new(),
    }
}

/// The page that asks before an unusual action, or names the number before everything found is changed.
fn question(
    layout: Layout,
    form: &BulkForm,
    (chosen, held): (usize, usize),
    questions: &[BulkQuestion],
    here: String,
) -> QuestionPage {
    let asked: BTreeSet<i64> = questions.iter().flat_map(|question| question.ids.iter().copied()).collect();
    // Held orders stay as they are, whatever is answered.
    let changing = chosen.saturating_sub(held);
    let all = (Answer::All, format!("{}건 모두 바꾸기", grouped(changing)));
    let choices = match changing.saturating_sub(asked.len()) {
        rest if rest == 0 || asked.is_empty() => vec![all],
        rest => vec![(Answer::Rest, format!("{}건 빼고 {}건만 바꾸기", asked.len(), grouped(rest))), all],
    };
    let found = form.all.then(|| match chosen {
        MAX_CHOSEN_ORDERS => {
            format!("검색한 주문 중 {}건을 바꿔요. 나머지는 이어서 한 번 더 해 주세요.", grouped(chosen))
        }
        _ => format!("검색한 주문 {}건을 모두 바꿔요.", grouped(chosen)),
    });
    let kept = (held > 0).then(|| format!("취소 요청이 들어온 {}건은 그대로 둬요.", grouped(held)));
    let ticks = form.ticked.iter().filter(|_| !form.all).map(|id| ("tick".to_owned(), crockford(*id)));
    let all = form.all.then(|| [("all".to_owned(), "1".to_owned()), ("expected".to_owned(), chosen.to_string())]);
    let values = form.values.iter().map(|(field, value)| (format!("set_{field}"), value.clone()));
    QuestionPage {
        layout,
        title: format!("{} 바꿀까요?", target(form)),
        reasons: found.into_iter().chain(kept).chain(questions.iter().map(BulkQuestion::sentence)).collect(),
        action: here.clone(),
        fields: [("act".to_owned(), form.act.clone())]
            .into_iter()
            .chain(all.into_iter().flatten())
            .chain(values)
            .chain(ticks)
            .collect(),
        choices,
        back: here,
    }
}

/// The list again. A row of the form that no longer matches the search, because another member has changed it, comes first
/// with its problem and inputs.
async fn same_rows(
    storage: &Storage,
    layout: Layout,
    query: OrderQuery,
    paging: PageQuery,
    uri: &Uri,
    form: &BulkForm,
) -> PageResult<ListPage> {
    let max_rows = *PAGE_SIZES.iter().max().unwrap_or(&DEFAULT_PAGE_SIZE) as usize;
    let ids: Vec<i64> = form.forms.iter().map(|(id, _)| *id).take(max_rows).collect();
    let mut page = list_page(storage, layout, query, paging, uri).await?;
    if !ids.is_empty() {
        let rows = storage.read(move |tx| load_rows(tx, &ids)).await?;
        let listed: BTreeSet<i64> = page.rows.iter().map(|row| row.listed.order.id).collect();
        let left = rows.into_iter().filter(|row| !listed.contains(&row.order.id));
        let left: Vec<RowView> = left.map(|row| page.view(row)).collect();
        page.rows.splice(0..0, left);
    }
    Ok(page)
}

/// Restores the inputs and ticks of rows that were not saved. A row keeps the version of its form; once its problems
/// have shown the stored values, it takes the stored version.
fn restore_inputs(page: &mut ListPage, form: &BulkForm, rejected: &[RejectedRow]) {
    for row in &mut page.rows {
        let id = row.listed.order.id;
        let rejection = rejected.iter().find(|row| row.id == id);
        let saved = form.ticked.contains(&id) && rejection.is_none();
        if let Some(inputs) = form.row(id)
            && !saved
        {
            let version = rejection.map_or(inputs.version, |rejection| rejection.version);
            row.form = RowForm { version, ..inputs.completed(&row.listed.order) };
            row.is_open = true;
        }
        row.ticked = form.ticked.contains(&id) && !saved;
        row.problems = rejection.map(|rejection| rejection.problems.clone()).unwrap_or_default();
    }
}

/// Moves the orders forward to `to`, unless there is something to ask first.
fn advance(
    tx: &mut dyn Tx,
    actor: MemberActor,
    ids: &[i64],
    to: OrderState,
    answer: Option<Answer>,
    is_all_found: bool,
) -> StorageResult<BulkOutcome> {
    let mut orders = store::find(tx, ids)?;
    orders.sort_by_key(|order| order.id);
    let questions = bulk_action::questions(&orders, to);
    match answer {
        None if is_all_found || !questions.is_empty() => {
            let held = orders.iter().filter(|order| order.is_held_from(to)).count();
            return Ok(BulkOutcome::Asked { chosen: orders.len(), held, questions });
        }
        Some(Answer::Rest) => orders.retain(|order| !questions.iter().any(|question| question.ids.contains(&order.id))),
        None | Some(Answer::All) => {}
    }
    let Advance { recorded, held } = bulk_action::advance(tx, actor, orders, to, &[])?;
    Ok(BulkOutcome::Done { flash: Flash::from(&recorded).save(tx, actor.id)?, held })
}

/// Sets one value for all orders, after the number of everything found was confirmed.
fn set(
    tx: &mut dyn Tx,
    actor: MemberActor,
    ids: &[i64],
    value: &BulkValue,
    answer: Option<Answer>,
    is_all_found: bool,
) -> StorageResult<BulkOutcome> {
    if is_all_found && answer.is_none() {
        return Ok(BulkOutcome::Asked { chosen: ids.len(), held: 0, questions: Vec::new() });
    }
    let mut orders = store::find(tx, ids)?;
    orders.sort_by_key(|order| order.id);
    let apart = match value {
        BulkValue::ShippingMethod(_) => bundles::torn_apart(tx, &orders)?,
        _ => Vec::new(),
    };
    let recorded = bulk_set::set(tx, actor, &orders, value, &apart)?;
    Ok(BulkOutcome::Done { flash: Flash::from(&recorded).save(tx, actor.id)?, held: Vec::new() })
}

/// Saves the inputs of the ticked rows.
fn edit(tx: &mut dyn Tx, actor: MemberActor, form: &BulkForm) -> StorageResult<BulkOutcome> {
    let orders = store::find(tx, &form.ticked)?;
    let now = tx.now();
    let (mut pairs, mut changed, mut unchanged) = (Vec::new(), NumberList::default(), NumberList::default());
    let mut rejected = Vec::new();
    for order in &orders {
        let Some(inputs) = form.row(order.id) else {
            unchanged.push(order.order_number.as_str());
            continue;
        };
        match apply_row_form(order, inputs, now) {
            Err(problems) => rejected.push(RejectedRow { id: order.id, version: order.version, problems }),
            Ok(after) if after == *order => unchanged.push(order.order_number.as_str()),
            Ok(after) => {
                changed.push(order.order_number.as_str());
                pairs.push((order.clone(), after));
            }
        }
    }
    let event = AuditEvent::OrdersEdited { changed, unchanged, rejected: rejected.len() };
    let flash = Flash::from(&bulk_action::save(tx, actor, Action::Edited, pairs, event)?);
    if rejected.is_empty() {
        return Ok(BulkOutcome::Done { flash: flash.save(tx, actor.id)?, held: Vec::new() });
    }
    Ok(BulkOutcome::Partly { flash, rejected })
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use crate::id::crockford;
    use crate::uploads::pages::tests::{ORDERS_FILE, upload_fixture};
    use crate::web::testing::TestApp;

    #[tokio::test]
    async fn form_without_versions_is_rejected() {
        let app = TestApp::as_admin().await;
        app.post_form(&format!("{}/apply", upload_fixture(&app, ORDERS_FILE).await), &[]).await;
        let (id, memo) = app
            .state
            .storage
            .read(|tx| {
                let row = tx.query_one("SELECT id FROM orders ORDER BY id LIMIT 1", &[])?;
                let id = row.map_or(Ok(0), |row| row.int(0))?;
                Ok::<_, crate::storage::StorageError>((crockford(id), format!("purchase_memo-{}", crockford(id))))
            })
            .await
            .expect("reads");
        let state = format!("state-{id}");
        let fields = [("act", "edit"), ("tick", id.as_str()), (&state, "SHIPPED"), (&memo, "x")];
        let answer = app.post_form("/orders", &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.text.contains("지금 ‘주문’, 입력 ‘배송됨’"), "{}", answer.text);
        assert!(app.get("/orders?state=SHIPPED").await.ok().contains("조건에 맞는 주문이 없어요"));
    }
}

//! `/privacy/requests/{id}`: a demand, what would be done about it, and the act.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono::NaiveDate;
use serde::Deserialize;

use crate::audit::{Actor, MemberActor};
use crate::config::Config;
use crate::id::{Id, OrderId};
use crate::masking;
use crate::privacy::RetentionYears;
use crate::privacy::person::{KEPT_BECAUSE, PersonRecord};
use crate::privacy::request::{PersonCorrection, PersonRequest, RequestAnswer, RequestKind};
use crate::privacy::store::people::record_of;
use crate::privacy::store::requests::{self, DeletionPlan};
use crate::storage::{Result as StorageResult, Storage, StorageError, Tx, text_limits};
use crate::text::{one_line, parse_phone};
use crate::web::{
    Error, Flash, Form, Layout, PageResult, PersonalData, parse_id, personal_page, personal_page_with_status,
    redirect_with_flash,
};

/// Maximum length of a stored answer in characters.
pub(super) const MAX_ANSWER_CHARS: usize = 1_000;

#[derive(Template)]
#[template(path = "privacy/requests/show.html")]
struct ShowPage {
    layout: Layout,
    id: String,
    today: NaiveDate,
    request: PersonRequest,
    /// none if the person has no order any more
    record: Option<PersonRecord>,
    plan: DeletionPlan,
    /// deliveries whose use the demand has stopped
    restricted: i64,
    form: ActForm,
    problem: Option<&'static str>,
}

impl ShowPage {
    /// The page of the person.
    fn person_href(&self) -> String {
        format!("/privacy/people/{}?role={}", self.request.order_id, self.request.role.code())
    }

    #[expect(clippy::unused_self, reason = "the template calls it")]
    const fn kept_because(&self) -> &'static str {
        KEPT_BECAUSE
    }
}

impl PersonalData for ShowPage {
    fn orders(&self) -> Vec<OrderId> {
        self.record.iter().flat_map(|record| &record.orders).map(|record| record.row.order.id).collect()
    }
}

fn load(
    tx: &mut dyn Tx,
    layout: Layout,
    id: &str,
    keep: RetentionYears,
    form: ActForm,
    problem: Option<&'static str>,
) -> StorageResult<Option<ShowPage>> {
    let Some(request) = Id::parse(id).map_or(Ok(None), |id| requests::find(tx, id))? else { return Ok(None) };
    let record = record_of(tx, request.order_id, request.role, keep)?;
    let plan = match &record {
        Some(record) if request.kind == RequestKind::Delete => requests::plan_deletion(tx, record, keep)?,
        _ => DeletionPlan::default(),
    };
    let restricted = masking::store::count_restricted(tx, request.id)?;
    let today = tx.now().date();
    Ok(Some(ShowPage { layout, id: id.to_owned(), today, request, record, plan, restricted, form, problem }))
}

pub(crate) async fn show(
    State(storage): State<Storage>,
    State(config): State<Arc<Config>>,
    layout: Layout,
    Path(id): Path<String>,
) -> PageResult {
    let keep = RetentionYears::new(config.order_keep_years);
    let read = move |tx: &mut dyn Tx| load(tx, layout.clone(), &id, keep, ActForm::default(), None);
    Ok(personal_page(storage.read(read).await?.ok_or(Error::NotFound)?))
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ActForm {
    /// `correct`, `restrict`, `delete` or `lift`
    act: String,
    name: String,
    tel: String,
}

impl ActForm {
    /// The correction that was entered, or what is wrong with it.
    fn correction(&self) -> Result<PersonCorrection, &'static str> {
        let name = Some(one_line(&self.name)).filter(|name| !name.is_empty());
        let tel = match self.tel.trim() {
            "" => None,
            text => Some(parse_phone(text).map_err(|_| "전화번호를 010-0000-0000처럼 입력해 주세요.")?),
        };
        if name.as_ref().is_some_and(|name| name.chars().count() > text_limits::PERSON_NAME) {
            return Err("이름은 100자까지 입력할 수 있어요.");
        }
        let correction = PersonCorrection { name, tel };
        if correction.is_empty() {
            Err("수정할 이름이나 전화번호를 입력해 주세요.")
        } else {
            Ok(correction)
        }
    }
}

/// Does what is demanded, and answers.
pub(crate) async fn update(
    State(storage): State<Storage>,
    State(config): State<Arc<Config>>,
    layout: Layout,
    actor: MemberActor,
    Path(id): Path<String>,
    Form(form): Form<ActForm>,
) -> PageResult {
    let (keep, number) = (RetentionYears::new(config.order_keep_years), parse_id(&id)?);
    let correction = if form.act == "correct" { Some(form.correction()) } else { None };
    if let Some(Err(problem)) = correction {
        let read = move |tx: &mut dyn Tx| load(tx, layout.clone(), &id, keep, form.clone(), Some(problem));
        let shown = storage.read(read).await?.ok_or(Error::NotFound)?;
        return Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, shown));
    }
    let correction = correction.and_then(Result::ok).unwrap_or_default();
    let act = form.act.clone();
    let write = move |tx: &mut dyn Tx| {
        let Some(request) = requests::find(tx, number)? else { return Ok(None) };
        let flash = act_on(tx, actor, &request, &act, &correction, keep)?;
        Ok::<_, StorageError>(Some(flash.save(tx, actor.id)?))
    };
    let flash = storage.write(write).await?.ok_or(Error::NotFound)?;
    Ok(redirect_with_flash(&format!("/privacy/requests/{id}"), flash))
}

fn act_on(
    tx: &mut dyn Tx,
    actor: MemberActor,
    request: &PersonRequest,
    act: &str,
    correction: &PersonCorrection,
    keep: RetentionYears,
) -> StorageResult<Flash> {
    let (person, actor) = ((request.order_id, request.role), Actor::from(actor));
    if act == "lift" {
        let lifted = requests::lift(tx, actor, request.id)?;
        return Ok(Flash::success(format!("배송 {lifted}건의 처리정지를 풀었어요.")));
    }
    if request.answer.is_some() {
        return Ok(Flash::warning("이미 답한 요구예요."));
    }
    let done = match act {
        "correct" => requests::correct(tx, actor, person, correction, keep)?,
        "restrict" => requests::restrict(tx, actor, request.id, person, keep)?,
        "delete" => requests::delete(tx, actor, request.id, person, keep)?,
        _ => None,
    };
    let Some((answer, words)) = done else {
        return Ok(Flash::warning("이 사람의 주문을 찾지 못했어요. 답을 입력해 주세요."));
    };
    requests::answer(tx, actor, request.id, answer, text_limits::truncate(&words, MAX_ANSWER_CHARS))?;
    Ok(Flash::success(words))
}

//! `/privacy/breaches/{id}`: the worksheet of a case.

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::{BreachForm, ScopeChoice};
use crate::access::AccessRecorder;
use crate::access::list::usernames;
use crate::audit::{Actor, MemberActor};
use crate::id::{Id, MemberId, OrderId};
use crate::privacy::breach::notice::{missing_items, notice_text};
use crate::privacy::breach::{
    AccessorLine, AffectedPerson, Breach, BreachCause, BreachStep, StepEntry, StepOutcome, missing_steps, newest,
};
use crate::privacy::store::breaches;
use crate::shop;
use crate::storage::{Result as StorageResult, Storage, StorageError, Tx};
use crate::time::Moment;
use crate::web::{
    Error, Flash, Form, Layout, PageResult, PersonalData, parse_id, personal_page, personal_page_with_status,
    redirect_with_flash,
};

/// People that the page lists; the file has all.
const SHOWN_PEOPLE: usize = 100;

#[derive(Template)]
#[template(path = "privacy/breaches/show.html")]
struct ShowPage {
    layout: Layout,
    id: String,
    now: Moment,
    breach: Breach,
    steps: Vec<StepEntry>,
    form: BreachForm,
    members: Vec<ScopeChoice>,
    devices: Vec<ScopeChoice>,
    /// accesses of the case, by account and address
    accessors: Vec<AccessorLine>,
    names: HashMap<MemberId, String>,
    records: u64,
    /// people, orders, and orders that do not exist any more
    counts: (u64, u64, u64),
    people: Vec<AffectedPerson>,
    notice: String,
    missing_items: Vec<&'static str>,
    problem: Option<&'static str>,
}

impl ShowPage {
    fn who(&self, line: &AccessorLine) -> &str {
        let unknown = if line.address.is_empty() { "프로그램" } else { "모르는 아이디" };
        line.member_id.map_or(unknown, |id| self.names.get(&id).map_or("지워진 회원", String::as_str))
    }

    fn entry(&self, step: BreachStep) -> Option<&StepEntry> {
        newest(&self.steps, step)
    }

    /// Whether the step has to be done within the 72 hours and is open.
    fn is_due(&self, step: BreachStep) -> bool {
        self.breach.open_duties(self.counts.0, &self.steps).contains(&step)
    }

    fn can_close(&self) -> bool {
        self.breach.closed.is_none() && missing_steps(&self.steps).is_empty()
    }

    fn opened_by(&self) -> &str {
        self.breach.opened_by.map_or("프로그램", |id| self.names.get(&id).map_or("지워진 회원", String::as_str))
    }
}

impl PersonalData for ShowPage {
    fn orders(&self) -> Vec<OrderId> {
        self.people.iter().flat_map(|person| person.order_ids.iter().copied()).collect()
    }
}

fn load(
    tx: &mut dyn Tx,
    layout: Layout,
    id: &str,
    form: Option<BreachForm>,
    problem: Option<&'static str>,
) -> StorageResult<Option<ShowPage>> {
    let Some(breach) = Id::parse(id).map_or(Ok(None), |id| breaches::find(tx, id))? else { return Ok(None) };
    let form = form.unwrap_or_else(|| BreachForm::of(&breach));
    let (members, devices) = form.choices(tx)?;
    let exposed = breaches::exposed(tx, &breach)?;
    let affected = breaches::affected(tx, &exposed)?;
    let mut people = affected.people.into_list();
    let counts = (people.len() as u64, affected.orders, affected.destroyed);
    people.truncate(SHOWN_PEOPLE);
    let shop = shop::store::find(tx)?;
    Ok(Some(ShowPage {
        layout,
        id: id.to_owned(),
        now: tx.now(),
        steps: breaches::steps(tx, breach.id)?,
        form,
        members,
        devices,
        accessors: exposed.accessor_lines(),
        names: usernames(tx)?,
        records: exposed.records,
        counts,
        people,
        notice: notice_text(&breach, &shop),
        missing_items: missing_items(&breach, &shop),
        breach,
        problem,
    }))
}

pub(crate) async fn show(
    State(storage): State<Storage>,
    State(recorder): State<AccessRecorder>,
    layout: Layout,
    Path(id): Path<String>,
) -> PageResult {
    recorder.flush().await?;
    let shown = storage.read_replica(move |tx| load(tx, layout.clone(), &id, None, None)).await?;
    Ok(personal_page(shown.ok_or(Error::NotFound)?))
}

pub(crate) async fn update(
    State(storage): State<Storage>,
    layout: Layout,
    actor: MemberActor,
    Path(id): Path<String>,
    Form(form): Form<BreachForm>,
) -> PageResult {
    let (entered, number) = (form.clone(), parse_id(&id)?);
    let write = move |tx: &mut dyn Tx| {
        let devices = breaches::devices(tx)?;
        let draft = match entered.draft(tx.now(), &devices) {
            Ok(draft) => draft,
            Err(problem) => return Ok(Err(problem)),
        };
        let flash = if breaches::save(tx, Actor::from(actor), number, &draft)? {
            Flash::success("저장했어요. 명단과 안내문이 새로 만들어졌어요.")
        } else {
            Flash::warning("끝난 사건은 수정할 수 없어요.")
        };
        Ok::<_, StorageError>(Ok(flash.save(tx, actor.id)?))
    };
    match storage.write(write).await? {
        Ok(flash) => Ok(redirect_with_flash(&format!("/privacy/breaches/{id}"), flash)),
        Err(problem) => refused(&storage, layout, id, Some(form), problem).await,
    }
}

/// The worksheet with what is wrong.
pub(super) async fn refused(
    storage: &Storage,
    layout: Layout,
    id: String,
    form: Option<BreachForm>,
    problem: &'static str,
) -> PageResult {
    let read = move |tx: &mut dyn Tx| load(tx, layout.clone(), &id, form.clone(), Some(problem));
    let shown = storage.read(read).await?.ok_or(Error::NotFound)?;
    Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, shown))
}

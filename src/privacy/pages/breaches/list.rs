//! `/privacy/breaches`: the cases, and the form of a new one.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;

use super::{BreachForm, ScopeChoice};
use crate::audit::{Actor, MemberActor};
use crate::privacy::breach::{Breach, BreachCause};
use crate::privacy::store::breaches;
use crate::storage::{Storage, StorageError, Tx};
use crate::time::Moment;
use crate::web::{Flash, Form, Layout, PageResult, page, page_with_status, redirect_with_flash};

#[derive(Template)]
#[template(path = "privacy/breaches/list.html")]
struct ListPage {
    layout: Layout,
    now: Moment,
    breaches: Vec<Breach>,
    form: BreachForm,
    members: Vec<ScopeChoice>,
    devices: Vec<ScopeChoice>,
    problem: Option<&'static str>,
}

async fn load(
    storage: &Storage,
    layout: Layout,
    form: Option<BreachForm>,
    problem: Option<&'static str>,
) -> PageResult<ListPage> {
    let shown = storage
        .read(move |tx| {
            let now = tx.now();
            let form = form.clone().unwrap_or_else(|| BreachForm::new(now));
            let (members, devices) = form.choices(tx)?;
            let breaches = breaches::all(tx)?;
            Ok::<_, StorageError>(ListPage { layout: layout.clone(), now, breaches, form, members, devices, problem })
        })
        .await?;
    Ok(shown)
}

pub(crate) async fn list(State(storage): State<Storage>, layout: Layout) -> PageResult {
    Ok(page(load(&storage, layout, None, None).await?))
}

pub(crate) async fn create(
    State(storage): State<Storage>,
    layout: Layout,
    actor: MemberActor,
    Form(form): Form<BreachForm>,
) -> PageResult {
    let entered = form.clone();
    let write = move |tx: &mut dyn Tx| {
        let devices = breaches::devices(tx)?;
        let draft = match entered.draft(tx.now(), &devices) {
            Ok(draft) => draft,
            Err(problem) => return Ok(Err(problem)),
        };
        let id = breaches::open(tx, Actor::from(actor), &draft, None)?;
        let flash = Flash::success("유출 사건을 열었어요. 명단을 확인하고 차례로 처리하세요.").save(tx, actor.id)?;
        Ok::<_, StorageError>(Ok((id, flash)))
    };
    match storage.write(write).await? {
        Ok((id, flash)) => Ok(redirect_with_flash(&format!("/privacy/breaches/{id}"), flash)),
        Err(problem) => {
            let shown = load(&storage, layout, Some(form), Some(problem)).await?;
            Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, shown))
        }
    }
}

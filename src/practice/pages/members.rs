//! `/practice/members`: the trainer's overview of all members' progress.

use askama::Template;
use axum::extract::{Path, State};

use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::demo::Demo;
use crate::districts::DistrictCache;
use crate::members::model::{Account, Role};
use crate::members::store as members;
use crate::practice::model::Task;
use crate::practice::store;
use crate::storage::Result as StorageResult;
use crate::storage::Storage;
use crate::web::{Error, Flash, FormPairs, Layout, PageResult, page, parse_id, redirect_with_flash};

/// Member with their progress.
struct Trainee {
    account: Account,
    tasks: Vec<(Task, bool)>,
    has_started: bool,
}

impl Trainee {
    fn finished(&self) -> usize {
        self.tasks.iter().filter(|(_, is_done)| *is_done).count()
    }
}

#[derive(Template)]
#[template(path = "practice/members.html")]
struct MembersPage {
    layout: Layout,
    trainees: Vec<Trainee>,
}

pub(super) async fn list(
    State(storage): State<Storage>,
    State(demo): State<Option<Demo>>,
    layout: Layout,
) -> PageResult {
    demo.ok_or(Error::NotFound)?;
    let trainees = storage
        .read(|tx| {
            // A driver has no pages of practice.
            let practises = |account: &Account| account.enabled && account.member.role != Role::Driver;
            let accounts = members::list(tx)?.into_iter().filter(practises);
            let trainee = |account: Account| {
                let progress = store::progress(tx, &account.member)?;
                let has_started = progress.is_some();
                let tasks = progress.map_or_else(
                    || Task::for_role(account.member.role).map(|task| (task, false)).collect(),
                    |progress| progress.tasks,
                );
                Ok(Trainee { account, tasks, has_started })
            };
            accounts.map(trainee).collect::<StorageResult<_>>()
        })
        .await?;
    Ok(page(MembersPage { layout, trainees }))
}

/// Starts a new session for a member.
pub(super) async fn restart(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    State(demo): State<Option<Demo>>,
    trainer: MemberActor,
    Path(id): Path<String>,
    FormPairs(_): FormPairs,
) -> PageResult {
    demo.ok_or(Error::NotFound)?;
    let id = parse_id(&id)?;
    let districts = districts.clone();
    let flash = storage
        .write(move |tx| {
            let Some(account) = members::find(tx, id)? else { return Ok(None) };
            let districts = districts.current(tx)?;
            store::start(tx, id, &districts)?;
            let event = AuditEvent::PracticeStarted { username: account.member.username };
            audit::record(tx, trainer, AuditObject::one(id), &event)?;
            Flash::success(event.sentence()).save(tx, trainer.id).map(Some)
        })
        .await?;
    Ok(redirect_with_flash("/practice/members", flash.ok_or(Error::NotFound)?))
}

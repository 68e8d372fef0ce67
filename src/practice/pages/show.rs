//! `/practice`: the member's tasks.

use askama::Template;
use axum::extract::State;

use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::demo::Demo;
use crate::districts::DistrictCache;
use crate::members::model::Role;
use crate::practice::exercises::ExerciseSet;
use crate::practice::files::PracticeFile;
use crate::practice::model::Task;
use crate::practice::store::{self, PracticeProgress};
use crate::storage::Storage;
use crate::web::{Error, Flash, FormPairs, Layout, Member, PageResult, page, redirect, redirect_with_flash};

/// Task as rendered.
struct TaskView {
    task: Task,
    is_done: bool,
    hint: String,
    /// URL of the screen where the task starts.
    href: String,
    /// The search of a later step: label and URL.
    search: Option<(&'static str, String)>,
    file: Option<PracticeFile>,
}

impl TaskView {
    fn new(exercises: &ExerciseSet, (task, is_done): (Task, bool), role: Role) -> Self {
        let (hint, href) = (task.hint(exercises), task.start_url(exercises));
        let file = PracticeFile::for_task(task).filter(|_| role == Role::Admin);
        Self { task, is_done, hint, href, search: task.search(exercises), file }
    }
}

#[derive(Template)]
#[template(path = "practice/show.html")]
struct ShowPage {
    layout: Layout,
    /// `None` before the first start.
    tasks: Option<Vec<TaskView>>,
    task_count: usize,
}

impl ShowPage {
    fn finished(&self) -> usize {
        self.tasks.iter().flatten().filter(|view| view.is_done).count()
    }
}

pub(super) async fn show(
    State(storage): State<Storage>,
    State(demo): State<Option<Demo>>,
    layout: Layout,
    member: Member,
) -> PageResult {
    demo.ok_or(Error::NotFound)?;
    let (role, task_count) = (member.role, Task::for_role(member.role).count());
    let progress = storage.read(move |tx| store::progress(tx, &member)).await?;
    let views = |PracticeProgress { exercises, tasks }| {
        tasks.into_iter().map(|task| TaskView::new(&exercises, task, role)).collect()
    };
    Ok(page(ShowPage { layout, tasks: progress.map(views), task_count }))
}

/// Starts a session, unless the member already has one.
pub(super) async fn start(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    State(demo): State<Option<Demo>>,
    member: Member,
    actor: MemberActor,
    FormPairs(_): FormPairs,
) -> PageResult {
    demo.ok_or(Error::NotFound)?;
    let districts = districts.clone();
    let started = storage
        .write(move |tx| {
            let districts = districts.current(tx)?;
            if store::current_session(tx, member.id)?.is_some() {
                return Ok(None);
            }
            store::start(tx, member.id, &districts)?;
            let event = AuditEvent::PracticeStarted { username: member.username.clone() };
            audit::record(tx, actor, AuditObject::one(member.id), &event)?;
            let message = "연습을 시작했어요. 연습에 쓸 주문을 가게에 넣어 두었어요.";
            Flash::success(message).save(tx, member.id).map(Some)
        })
        .await?;
    Ok(started.map_or_else(|| redirect("/practice"), |flash| redirect_with_flash("/practice", flash)))
}

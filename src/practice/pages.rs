//! The pages of 연습: the tasks, their files, and for a trainer who is how far.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::files::PracticeFile;
use super::lesson::Lesson;
use super::model::Task;
use super::store::{self, Progress};
use crate::audit;
use crate::demo::Demo;
use crate::members::model::{Account, Role};
use crate::members::store as members;
use crate::orders::model::NewOrder;
use crate::storage::{Result as StorageResult, parse_crockford};
use crate::web::{
    Access, AppState, Error, FormPairs, Layout, Member, PageResult, Routes, attachment, done, page, redirect,
};

/// The pages of this room; there is nothing behind them but in a training shop.
pub fn routes() -> Routes {
    Routes::new()
        .get("/practice", Access::Signed, show)
        .post("/practice", Access::Signed, begin)
        .get("/practice/files/{file}", Access::Admin, file)
        .get("/practice/members", Access::Admin, trainer)
        .post("/practice/members/{id}", Access::Admin, begin_anew)
        .post("/practice/reset", Access::Admin, reset)
}

fn training(state: &AppState) -> Result<&Demo, Error> {
    state.demo.as_ref().ok_or(Error::NotFound)
}

/// A task as it is shown.
struct TaskView {
    task: Task,
    is_done: bool,
    hint: String,
    /// where it begins
    href: String,
    file: Option<PracticeFile>,
}

impl TaskView {
    fn new(lesson: &Lesson, (task, is_done): (Task, bool), role: Role) -> Self {
        let (hint, href) = (task.hint(lesson), task.begins_at(lesson));
        let file = PracticeFile::of(task).filter(|_| role == Role::Admin);
        Self { task, is_done, hint, href, file }
    }
}

#[derive(Template)]
#[template(path = "practice/show.html")]
struct PracticePage {
    layout: Layout,
    /// none before the member has begun
    tasks: Option<Vec<TaskView>>,
    all: usize,
}

impl PracticePage {
    fn finished(&self) -> usize {
        self.tasks.iter().flatten().filter(|view| view.is_done).count()
    }
}

async fn show(State(state): State<AppState>, layout: Layout, member: Member) -> PageResult {
    training(&state)?;
    let (role, all) = (member.role, Task::of(member.role).count());
    let progress = state.storage.read(move |tx| store::progress(tx, &member)).await?;
    let views = |Progress { lesson, tasks }| tasks.into_iter().map(|task| TaskView::new(&lesson, task, role)).collect();
    Ok(page(PracticePage { layout, tasks: progress.map(views), all }))
}

async fn begin(State(state): State<AppState>, member: Member, FormPairs(_): FormPairs) -> PageResult {
    training(&state)?;
    let districts = state.uploads.districts.cached();
    let begun = state
        .storage
        .write(move |tx| match store::round(tx, member.id)? {
            Some(_) => Ok(None),
            None => store::begin(tx, member.id, &districts).map(Some),
        })
        .await?;
    Ok(begun.map_or_else(|| redirect("/practice"), |activity| done("/practice", activity)))
}

async fn file(State(state): State<AppState>, member: Member, Path(file): Path<String>) -> PageResult {
    training(&state)?;
    let file = PracticeFile::parse(&file).ok_or(Error::NotFound)?;
    let Some(round) = state.storage.read(move |tx| store::round(tx, member.id)).await? else {
        return Ok(redirect("/practice"));
    };
    let (lesson, now) = (Lesson::of(round), state.now());
    let bytes = file.write(&lesson, now).map_err(|error| Error::Internal(error.to_string()))?;
    let name = format!("{} {}.xlsx", file.stem(), lesson.today().format("%Y%m%d"));
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet".to_owned();
    let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, attachment(&name))];
    Ok((headers, bytes).into_response())
}

/// How far a member is.
struct Trainee {
    account: Account,
    tasks: Vec<(Task, bool)>,
    has_begun: bool,
}

impl Trainee {
    fn finished(&self) -> usize {
        self.tasks.iter().filter(|(_, is_done)| *is_done).count()
    }
}

#[derive(Template)]
#[template(path = "practice/members.html")]
struct TrainerPage {
    layout: Layout,
    trainees: Vec<Trainee>,
}

async fn trainer(State(state): State<AppState>, layout: Layout) -> PageResult {
    training(&state)?;
    let trainees = state
        .storage
        .read(|tx| {
            let accounts = members::all(tx)?.into_iter().filter(|account| account.enabled);
            let trainee = |account: Account| {
                let progress = store::progress(tx, &account.member)?;
                let has_begun = progress.is_some();
                let tasks = progress.map_or_else(
                    || Task::of(account.member.role).map(|task| (task, false)).collect(),
                    |progress| progress.tasks,
                );
                Ok(Trainee { account, tasks, has_begun })
            };
            accounts.map(trainee).collect::<StorageResult<_>>()
        })
        .await?;
    Ok(page(TrainerPage { layout, trainees }))
}

async fn begin_anew(
    State(state): State<AppState>,
    trainer: Member,
    Path(id): Path<String>,
    FormPairs(_): FormPairs,
) -> PageResult {
    training(&state)?;
    let id = parse_crockford(&id).ok_or(Error::NotFound)?;
    let districts = state.uploads.districts.cached();
    let told = state
        .storage
        .write(move |tx| {
            let Some(account) = members::find(tx, id)? else { return Ok(None) };
            store::begin(tx, id, &districts)?;
            let message = format!("{} 님의 연습을 새로 시작했어요.", account.member.username);
            audit::record(tx, Some(trainer.id), "practice.restarted", &json!({ "message": message })).map(Some)
        })
        .await?;
    Ok(done("/practice/members", told.ok_or(Error::NotFound)?))
}

/// The shop as it was at the beginning; everybody is signed out.
async fn reset(State(state): State<AppState>, FormPairs(_): FormPairs) -> PageResult<Response> {
    let demo = training(&state)?;
    if let Some(reason) = demo.keeps(state.now()) {
        return Err(Error::BadRequest(reason.to_owned()));
    }
    demo.remake(&state.storage, &state.passwords).await.map_err(|error| Error::Internal(error.to_string()))?;
    Ok(redirect("/login"))
}

/// `김서윤 님의 주문 9…001`
fn named(order: &NewOrder) -> String {
    format!("{} 님의 주문 {}", order.recipient.name, order.order_number)
}

impl Task {
    fn hint(self, lesson: &Lesson) -> String {
        let orders = lesson.of_task(self);
        let first = orders.first().map(|order| named(order)).unwrap_or_default();
        let name = orders.first().map_or("", |order| order.recipient.name.as_str());
        match self {
            Self::Upload => {
                "아침에 스마트스토어에서 받은 파일이에요. 내려받아 업로드에 올리고, 미리보기를 확인한 다음 적용하세요."
                    .to_owned()
            }
            Self::Label => format!(
                "주문 파일이 처음 보는 상품({})을 만들었어요. 상품을 눌러, 옵션마다 공장이 읽을 말을 레이블에 적고 선택수정하세요.",
                lesson.product_number()
            ),
            Self::Purchase => format!(
                "새 상품 {}의 주문 {}건을 골라 선택발주하고, 상태를 발주로 검색해 발주서를 내려받으세요.",
                lesson.product_number(),
                orders.len()
            ),
            Self::Courier => {
                "로젠택배에서 받은 파일이에요. 올리고 적용하면 송장번호가 들어가고 배송으로 바뀌어요.".to_owned()
            }
            Self::Slips => {
                let names: Vec<_> = orders.iter().map(|order| order.recipient.name.as_str()).collect();
                format!(
                    "배송에서 경상북도 포항시를 골라 {} 님의 배송을 선택하고, 전표를 열어 인쇄를 누르세요. 인쇄 창은 닫아도 돼요.",
                    names.join(", ")
                )
            }
            Self::Return => format!(
                "{first}은 둘이 함께 간 묶음이에요. 한 건만 돌아왔어요. 반품 파일을 올려 적용하고, 배송에서 묶음이 반품으로 보이는지 확인하세요."
            ),
            Self::Merge => format!("{first}을 열어, 같은 수취인의 다른 주문을 이 묶음으로 합치세요."),
            Self::Address => format!(
                "{first}을 여세요. 고객메모대로 상세주소를 고치고, ‘함께 가는 주문도 바꿔요’를 골라 저장하세요."
            ),
            Self::Complete => format!("{name} 님의 배송을 배송 완료하고, 잘못 눌렀다고 생각하고 되돌리세요."),
            Self::Counter => {
                "매장에 온 손님의 주문을 상담주문으로 받으세요. 이름과 주소는 마음대로 지어도 돼요.".to_owned()
            }
        }
    }

    fn begins_at(self, lesson: &Lesson) -> String {
        let orders = lesson.of_task(self);
        let first = orders.first();
        let (number, bundle) =
            first.map_or(("", ""), |order| (order.order_number.as_str(), order.bundle_number.as_str()));
        match self {
            Self::Upload | Self::Courier | Self::Return => "/uploads".to_owned(),
            Self::Label => format!("/products?q={}", lesson.product_number()),
            Self::Purchase => format!("/orders?state=PLACED&product={}", lesson.product_number()),
            Self::Slips => lesson.pohang.map_or_else(
                || "/deliveries".to_owned(),
                |(sido, sigungu)| format!("/deliveries?state=READY_TO_SHIP&sido={sido}&sigungu={sigungu}"),
            ),
            Self::Merge | Self::Address => format!("/orders?field=order_number&q={number}"),
            Self::Complete => format!("/deliveries?field=delivery_number&q={bundle}"),
            Self::Counter => "/orders/new".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;

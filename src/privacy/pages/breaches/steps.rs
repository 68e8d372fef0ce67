//! `/privacy/breaches/{id}/steps`: what was done about a case.

use axum::extract::{Path, State};
use serde::Deserialize;

use super::show::refused;
use crate::audit::{Actor, MemberActor};
use crate::privacy::breach::{BreachStep, MAX_STEP_NOTE_CHARS, StepOutcome};
use crate::privacy::store::breaches;
use crate::storage::{Storage, Tx};
use crate::text::one_line;
use crate::web::{Flash, Form, Layout, PageResult, parse_id, redirect_with_flash};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct StepForm {
    step: String,
    outcome: String,
    note: String,
}

pub(crate) async fn record(
    State(storage): State<Storage>,
    layout: Layout,
    actor: MemberActor,
    Path(id): Path<String>,
    Form(form): Form<StepForm>,
) -> PageResult {
    let number = parse_id(&id)?;
    let chosen = BreachStep::from_code(&form.step).zip(StepOutcome::from_code(&form.outcome));
    let note = one_line(&form.note);
    let problem = match chosen {
        None => Some("무엇을 했는지 선택해 주세요."),
        Some(_) if note.is_empty() => Some("무엇을 했는지, 필요 없으면 왜 그런지 입력해 주세요."),
        Some(_) if note.chars().count() > MAX_STEP_NOTE_CHARS => Some("500자까지 입력할 수 있어요."),
        Some(_) => None,
    };
    let step = match (chosen, problem) {
        (Some(step), None) => step,
        (_, problem) => {
            return refused(&storage, layout, id, None, problem.unwrap_or("무엇을 했는지 선택해 주세요.")).await;
        }
    };
    let flash = storage
        .write(move |tx: &mut dyn Tx| {
            let flash = if breaches::add_step(tx, Actor::from(actor), number, step, &note)? {
                Flash::success(format!("기록했어요: {} ({})", step.0.label(), step.1.label()))
            } else {
                Flash::warning("끝난 사건에는 더 기록할 수 없어요.")
            };
            flash.save(tx, actor.id)
        })
        .await?;
    Ok(redirect_with_flash(&format!("/privacy/breaches/{id}"), flash))
}

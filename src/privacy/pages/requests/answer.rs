//! `/privacy/requests/{id}/answer`: the answer to a demand that needs no act here, or is refused.

use axum::extract::{Path, State};
use serde::Deserialize;

use crate::audit::{Actor, MemberActor};
use crate::privacy::request::{MAX_REQUEST_CHARS, RequestAnswer};
use crate::privacy::store::requests;
use crate::storage::{Storage, Tx};
use crate::text::{SensitiveKind, find_sensitive, one_line};
use crate::web::{Flash, Form, PageResult, parse_id, redirect_with_flash};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AnswerForm {
    answer: String,
    note: String,
}

pub(crate) async fn answer(
    State(storage): State<Storage>,
    actor: MemberActor,
    Path(id): Path<String>,
    Form(form): Form<AnswerForm>,
) -> PageResult {
    let number = parse_id(&id)?;
    let note = one_line(&form.note);
    let answer = RequestAnswer::from_code(&form.answer);
    let flash = storage
        .write(move |tx: &mut dyn Tx| {
            let length = note.chars().count();
            let flash = match answer {
                None => Flash::warning("어떻게 답했는지 선택해 주세요."),
                Some(_) if length == 0 || length > MAX_REQUEST_CHARS => {
                    Flash::warning("어떻게 답했는지 500자까지 입력해 주세요. 거절했다면 이유도 입력하세요.")
                }
                Some(_) if find_sensitive(&note).is_some() => {
                    Flash::warning(find_sensitive(&note).map_or("", SensitiveKind::rejection))
                }
                Some(answer) if requests::answer(tx, Actor::from(actor), number, answer, &note)? => {
                    Flash::success("답을 기록했어요.")
                }
                Some(_) => Flash::warning("이미 답한 요구예요."),
            };
            flash.save(tx, actor.id)
        })
        .await?;
    Ok(redirect_with_flash(&format!("/privacy/requests/{id}"), flash))
}

//! `/consumer/orders/{id}/consent`: the buyer's consent, without which his withdrawal is not restricted.

use axum::extract::{Path, State};
use serde::Deserialize;

use super::show::{NoticeForm, refused};
use crate::audit::MemberActor;
use crate::consumer::model::{ConsentWay, MAX_REASON_CHARS};
use crate::consumer::store;
use crate::consumer::terms::consent_is_late;
use crate::orders::store as orders;
use crate::storage::{Storage, StorageError, Tx};
use crate::text::{SensitiveKind, find_sensitive, one_line};
use crate::time::parse_date;
use crate::web::{Error, Flash, Form, Layout, PageResult, parse_id, redirect_with_flash};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ConsentForm {
    given_on: String,
    way: String,
    proof: String,
}

pub(crate) async fn create(
    State(storage): State<Storage>,
    layout: Layout,
    actor: MemberActor,
    Path(id): Path<String>,
    Form(form): Form<ConsentForm>,
) -> PageResult {
    let order_id = parse_id(&id)?;
    let proof = one_line(&form.proof);
    let today = storage.clock().now().date();
    let order = storage.read(move |tx| orders::find(tx, &[order_id])).await?.pop();
    let given = parse_date(&form.given_on).zip(ConsentWay::from_code(&form.way));
    let problem = match given {
        None => Some("동의를 받은 날과 방법을 입력해 주세요."),
        Some((day, _)) if day > today => Some("동의를 받은 날이 아직 오지 않았어요."),
        Some(_) if proof.is_empty() => {
            Some("동의한 종이나 문자가 어디에 있는지 입력해 주세요. 없으면 청약철회를 제한할 수 없어요.")
        }
        Some(_) if proof.chars().count() > MAX_REASON_CHARS => Some("300자까지 입력할 수 있어요."),
        Some((day, _)) => find_sensitive(&proof).map(SensitiveKind::rejection).or_else(|| {
            let is_late = order.is_some_and(|order| consent_is_late(&order, day));
            is_late.then_some("발주하거나 배송한 다음에 받은 동의로는 청약철회를 제한할 수 없어요.")
        }),
    };
    let given = match (given, problem) {
        (Some(given), None) => given,
        (_, problem) => {
            let problem = problem.unwrap_or("동의를 받은 날과 방법을 입력해 주세요.");
            return refused(&storage, layout, id, NoticeForm::default(), problem).await;
        }
    };
    let write = move |tx: &mut dyn Tx| {
        let Some(number) = orders::numbers(tx, &[order_id])?.remove(&order_id) else { return Ok(None) };
        let flash = match store::add_consent(tx, actor, (order_id, &number), given, &proof)? {
            Some(event) => Flash::success(event.sentence()),
            None => Flash::warning("이미 기록한 동의가 있어요. 바꿀 수 없어요."),
        };
        Ok::<_, StorageError>(Some(flash.save(tx, actor.id)?))
    };
    let flash = storage.write(write).await?.ok_or(Error::NotFound)?;
    Ok(redirect_with_flash(&format!("/consumer/orders/{id}"), flash))
}

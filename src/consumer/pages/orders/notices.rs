//! `/consumer/orders/{id}/notices`: a delay of which the buyer was told.

use axum::extract::{Path, State};

use super::show::{NoticeForm, refused};
use crate::audit::MemberActor;
use crate::consumer::model::{MAX_REASON_CHARS, NoticeWay};
use crate::consumer::notice::delay_text;
use crate::consumer::store::{self, NewNotice};
use crate::orders::list::load_rows;
use crate::shop;
use crate::storage::{Storage, StorageError, Tx};
use crate::text::{SensitiveKind, find_sensitive, one_line};
use crate::time::parse_date;
use crate::web::{Error, Flash, Form, Layout, PageResult, parse_id, redirect_with_flash};

pub(crate) async fn create(
    State(storage): State<Storage>,
    layout: Layout,
    actor: MemberActor,
    Path(id): Path<String>,
    Form(form): Form<NoticeForm>,
) -> PageResult {
    let order_id = parse_id(&id)?;
    let (reason, way) = (one_line(&form.reason), NoticeWay::from_code(&form.way));
    let new_day = parse_date(&form.new_day);
    let today = storage.clock().now().date();
    let problem = match way {
        None => Some("어떻게 알렸는지 선택해 주세요."),
        Some(_) if reason.is_empty() => Some("왜 늦는지 입력해 주세요."),
        Some(_) if reason.chars().count() > MAX_REASON_CHARS => Some("이유는 300자까지 입력할 수 있어요."),
        Some(_) if find_sensitive(&reason).is_some() => find_sensitive(&reason).map(SensitiveKind::rejection),
        Some(_) if new_day.is_none() && !form.new_day.trim().is_empty() => Some("새로 약속한 날을 다시 입력해 주세요."),
        Some(_) if new_day.is_some_and(|day| day < today) => Some("새로 약속한 날이 이미 지났어요."),
        Some(_) => None,
    };
    let way = match (way, problem) {
        (Some(way), None) => way,
        (_, problem) => {
            let problem = problem.unwrap_or("어떻게 알렸는지 선택해 주세요.");
            return refused(&storage, layout, id, form, problem).await;
        }
    };
    let write = move |tx: &mut dyn Tx| {
        let Some(row) = load_rows(tx, &[order_id])?.pop() else { return Ok(None) };
        let (shop, number) = (shop::store::find(tx)?, row.order.order_number.clone());
        let text = delay_text(&shop, &number, &row.product_name, &reason, new_day);
        let notice = NewNotice { reason: reason.clone(), new_day, way, text };
        let event = store::add_notice(tx, actor, (order_id, &number), &notice)?;
        Ok::<_, StorageError>(Some(Flash::success(event.sentence()).save(tx, actor.id)?))
    };
    let flash = storage.write(write).await?.ok_or(Error::NotFound)?;
    Ok(redirect_with_flash(&format!("/consumer/orders/{id}"), flash))
}

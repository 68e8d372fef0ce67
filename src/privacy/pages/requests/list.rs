//! `/privacy/requests`: the demands, open ones first; and a new one of a person.

use askama::Template;
use axum::extract::State;
use axum::http::Uri;
use chrono::NaiveDate;
use serde::Deserialize;

use crate::audit::{Actor, MemberActor};
use crate::privacy::person::PersonRole;
use crate::privacy::request::{MAX_REQUEST_CHARS, PersonRequest, RequestKind};
use crate::privacy::store::requests;
use crate::storage::{Storage, StorageError, Tx};
use crate::text::{SensitiveKind, find_sensitive, one_line};
use crate::time::parse_date;
use crate::web::paging::{PageBar, PageQuery};
use crate::web::{Error, Flash, Form, Layout, PageResult, Query, disclosing, page, parse_id, redirect_with_flash};

#[derive(Template)]
#[template(path = "privacy/requests/list.html")]
struct ListPage {
    layout: Layout,
    today: NaiveDate,
    requests: Vec<PersonRequest>,
    pages: PageBar,
}

pub(crate) async fn list(
    State(storage): State<Storage>,
    layout: Layout,
    Query(paging): Query<PageQuery>,
    uri: Uri,
) -> PageResult {
    let (requests, pages, today) = storage
        .read(move |tx| {
            let (_, total) = requests::page(tx, 0, 0)?;
            let pages = PageBar::new(&uri, paging, u64::try_from(total).unwrap_or_default());
            let offset = i64::try_from(pages.offset()).unwrap_or_default();
            let rows = requests::page(tx, offset, pages.size.into())?.0;
            Ok::<_, StorageError>((rows, pages, tx.now().date()))
        })
        .await?;
    Ok(disclosing(page(ListPage { layout, today, requests, pages }), []))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RequestForm {
    /// identifier of an order of the person
    order: String,
    role: String,
    kind: String,
    received: String,
    demand: String,
}

pub(crate) async fn create(
    State(storage): State<Storage>,
    actor: MemberActor,
    Form(form): Form<RequestForm>,
) -> PageResult {
    let order_id = parse_id(&form.order)?;
    let role = PersonRole::from_code(&form.role).unwrap_or(PersonRole::Customer);
    let back = format!("/privacy/people/{}?role={}", order_id, role.code());
    let today = storage.clock().now().date();
    let demand = one_line(&form.demand);
    let entered = RequestKind::from_code(&form.kind).zip(parse_date(&form.received));
    let problem = match entered {
        None => Some("무엇을 요구했는지와 받은 날을 입력해 주세요."),
        Some((_, day)) if day > today => Some("받은 날이 아직 오지 않았어요."),
        Some(_) if demand.is_empty() => Some("누가 무엇을 요구했는지 입력해 주세요. 예: 본인이 전화로 삭제를 요구함"),
        Some(_) if demand.chars().count() > MAX_REQUEST_CHARS => Some("500자까지 입력할 수 있어요."),
        Some(_) => find_sensitive(&demand).map(SensitiveKind::rejection),
    };
    let write = move |tx: &mut dyn Tx| {
        if let Some(problem) = problem {
            return Ok((None, Flash::warning(problem).save(tx, actor.id)?));
        }
        let Some((kind, received_on)) = entered else { return Err(Error::NotFound) };
        let id = requests::receive(tx, Actor::from(actor), (order_id, role), kind, received_on, &demand)?
            .ok_or(Error::NotFound)?;
        let flash = Flash::success("요구를 기록했어요. 10일 안에 처리하고 답을 입력해 주세요.").save(tx, actor.id)?;
        Ok::<_, Error>((Some(id), flash))
    };
    let (id, flash) = storage.write(write).await?;
    let to = id.map_or(back, |id| format!("/privacy/requests/{id}"));
    Ok(redirect_with_flash(&to, flash))
}

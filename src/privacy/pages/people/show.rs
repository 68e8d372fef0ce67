//! `/privacy/people/{id}`: everything about the person in a role of that order, on a page for printing and as JSON.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::Deserialize;

use crate::access;
use crate::audit::downloads::{self, DownloadRecord, MAX_NOTE_CHARS, Purpose};
use crate::audit::{Actor, MemberActor};
use crate::config::Config;
use crate::districts::DistrictCache;
use crate::id::{crockford, parse_crockford};
use crate::orders::labels;
use crate::orders::model::OrderState;
use crate::privacy::KeepYears;
use crate::privacy::person::{FoundPerson, KEPT_BECAUSE, Likeness, OrderRecord, PersonRecord, PersonRole};
use crate::privacy::store::people;
use crate::storage::{Storage, StorageError};
use crate::time::Moment;
use crate::web::{
    Error, Form, Layout, PageResult, PersonalData, Query, content_disposition, personal_page, personal_page_with_status,
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ShowQuery {
    role: String,
    print: String,
}

#[derive(Template)]
#[template(path = "privacy/people/show.html")]
struct ShowPage {
    layout: Layout,
    id: String,
    role: PersonRole,
    record: PersonRecord,
    now: Moment,
    print_now: bool,
    note: String,
    problem: Option<&'static str>,
}

impl ShowPage {
    /// Label and text of what the order has, without empty texts.
    #[expect(clippy::unused_self, reason = "the template calls it")]
    fn facts(&self, record: &OrderRecord) -> Vec<(&'static str, String)> {
        let order = &record.row.order;
        let options: Vec<String> =
            order.options.iter().map(|option| format!("{}: {}", option.key, option.value)).collect();
        let recipient = &order.recipient;
        let texts = [
            ("상품", format!("{} {}개", record.row.product_name, order.quantity)),
            ("옵션", options.join(" / ")),
            ("금액", format!("{}원", crate::web::paging::grouped(order.price))),
            ("판매채널", record.row.channel_name.clone()),
            ("구매자", order.customer.name.clone()),
            ("구매자연락처", order.customer.tel.clone()),
            ("수취인", recipient.name.clone()),
            ("수취인연락처1", recipient.tel1.clone()),
            ("수취인연락처2", recipient.tel2.clone()),
            (
                "주소",
                [recipient.zip_code.as_str(), &recipient.address1, &recipient.address2].join(" ").trim().to_owned(),
            ),
            ("고객메시지", order.customer_message.clone()),
            ("발주메모", order.purchase_memo.clone()),
            ("배송메모", order.shipping_memo.clone()),
            ("관리자메모", order.admin_memo.clone()),
            ("송장번호", [order.courier.as_str(), &order.tracking_number].join(" ").trim().to_owned()),
        ];
        let moments = OrderState::ALL.into_iter().filter_map(|state| {
            let at = order.moments.of(state)?;
            Some((labels::field_label(state_column(state)).unwrap_or(state.label()), at.to_string()))
        });
        texts.into_iter().filter(|(_, text)| !text.is_empty()).chain(moments).collect()
    }

    #[expect(clippy::unused_self, reason = "the template calls it")]
    fn roles(&self, record: &OrderRecord) -> String {
        record.roles.iter().map(|role| role.label()).collect::<Vec<_>>().join(", ")
    }

    #[expect(clippy::unused_self, reason = "the template calls it")]
    fn href(&self, found: &FoundPerson) -> String {
        format!("/privacy/people/{}?role={}", crockford(found.order_id), found.role.code())
    }

    #[expect(clippy::unused_self, clippy::trivially_copy_pass_by_ref, reason = "the template calls it")]
    const fn likeness(&self, likeness: &Likeness) -> &'static str {
        match likeness {
            Likeness::SameTel => "전화번호가 같고 이름이 달라요",
            _ => "이름이 같고 전화번호가 달라요",
        }
    }

    #[expect(clippy::unused_self, reason = "the template calls it")]
    const fn kept_because(&self) -> &'static str {
        KEPT_BECAUSE
    }
}

/// Column of the moment of a state.
const fn state_column(state: OrderState) -> &'static str {
    match state {
        OrderState::Placed => "placed_at",
        OrderState::Purchased => "purchased_at",
        OrderState::Dispatched => "dispatched_at",
        OrderState::Shipped => "shipped_at",
        OrderState::Confirmed => "confirmed_at",
        OrderState::Cancelled => "cancelled_at",
        OrderState::Refunded => "refunded_at",
    }
}

impl PersonalData for ShowPage {
    fn orders(&self) -> Vec<i64> {
        let similar = self.record.similar.iter().map(|(found, _)| found.order_id);
        self.record.orders.iter().map(|record| record.row.order.id).chain(similar).collect()
    }
}

pub(crate) async fn show(
    State(storage): State<Storage>,
    State(config): State<Arc<Config>>,
    layout: Layout,
    Path(id): Path<String>,
    Query(query): Query<ShowQuery>,
) -> PageResult {
    let (order_id, role) = (
        parse_crockford(&id).ok_or(Error::NotFound)?,
        PersonRole::from_code(&query.role).unwrap_or(PersonRole::Customer),
    );
    let keep = KeepYears::new(config.order_keep_years);
    let read = move |tx: &mut dyn crate::storage::Tx| {
        Ok::<_, StorageError>((people::record_of(tx, order_id, role, keep)?, tx.now()))
    };
    let (record, now) = storage.read(read).await?;
    let record = record.ok_or(Error::NotFound)?;
    let print_now = query.print == "now";
    Ok(personal_page(ShowPage { layout, id, role, record, now, print_now, note: String::new(), problem: None }))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DownloadForm {
    role: String,
    note: String,
}

/// The record as JSON. The reason is required, and recorded before the file is sent.
pub(crate) async fn download(
    State(storage): State<Storage>,
    State(config): State<Arc<Config>>,
    State(districts): State<DistrictCache>,
    layout: Layout,
    actor: MemberActor,
    Path(id): Path<String>,
    Form(form): Form<DownloadForm>,
) -> PageResult {
    let (order_id, role) = (
        parse_crockford(&id).ok_or(Error::NotFound)?,
        PersonRole::from_code(&form.role).unwrap_or(PersonRole::Customer),
    );
    let keep = KeepYears::new(config.order_keep_years);
    let note = form.note.trim().to_owned();
    let problem = match note.chars().count() {
        0 => Some("누가 왜 요구했는지 입력해 주세요. 예: 본인이 전화로 열람을 요구함"),
        length if length > MAX_NOTE_CHARS => Some("너무 길어요. 250자까지 쓸 수 있어요."),
        _ => None,
    };
    if problem.is_some() {
        let read = move |tx: &mut dyn crate::storage::Tx| {
            Ok::<_, StorageError>((people::record_of(tx, order_id, role, keep)?, tx.now()))
        };
        let (record, now) = storage.read(read).await?;
        let record = record.ok_or(Error::NotFound)?;
        let page = ShowPage { layout, id, role, record, now, print_now: false, note, problem };
        return Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page));
    }
    let source = format!("/privacy/people/{id}?role={}", role.code());
    let written = storage
        .write(move |tx| {
            let Some(record) = people::record_of(tx, order_id, role, keep)? else { return Ok(None) };
            let orders: Vec<i64> = record.orders.iter().map(|record| record.row.order.id).collect();
            let logged = DownloadRecord {
                content: "person",
                source: &source,
                rows: orders.len() as u64,
                purpose: Some(Purpose::Customer),
                note: &note,
            };
            downloads::record(tx, Some(actor.id), &logged)?;
            access::record_download(tx, Actor::from(actor).into(), &source, &note, orders.into_iter().collect())?;
            let (districts, now) = (districts.current(tx)?, tx.now());
            Ok::<_, StorageError>(Some((record.to_json(&districts, now).to_string(), now.date())))
        })
        .await?;
    let (json, day) = written.ok_or(Error::NotFound)?;
    let headers = [
        (header::CONTENT_TYPE, "application/json; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, content_disposition(&format!("{day} 개인정보 열람.json"))),
    ];
    Ok((headers, json).into_response())
}

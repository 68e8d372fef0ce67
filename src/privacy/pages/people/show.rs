//! `/privacy/people/{id}`: everything about the person in a role of that order, on a page for printing and as JSON.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;

use crate::audit::MemberActor;
use crate::audit::downloads::{MAX_NOTE_CHARS, Purpose};
use crate::config::Config;
use crate::districts::DistrictCache;
use crate::drive::evidence::photo_files;
use crate::id::OrderId;
use crate::privacy::RetentionYears;
use crate::privacy::document::MAX_DOCUMENT_PHOTOS;
use crate::privacy::person::{FoundPerson, KEPT_BECAUSE, Likeness, PersonRecord, PersonRole};
use crate::privacy::store::people;
use crate::proofs::files::ProofFiles;
use crate::shop::store as shop;
use crate::storage::{Storage, StorageError};
use crate::time::Moment;
use crate::web::{
    Error, FileDownload, Form, Layout, PageResult, PersonalData, Query, parse_id, personal_page,
    personal_page_with_status,
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
    #[expect(clippy::unused_self, reason = "the template calls it")]
    fn href(&self, found: &FoundPerson) -> String {
        format!("/privacy/people/{}?role={}", found.order_id, found.role.code())
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

impl PersonalData for ShowPage {
    fn orders(&self) -> Vec<OrderId> {
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
    let (order_id, role) = (parse_id(&id)?, PersonRole::from_code(&query.role).unwrap_or(PersonRole::Customer));
    let keep = RetentionYears::new(config.order_keep_years);
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
    /// `json`; anything else is a PDF
    format: String,
}

/// The record as a PDF file, or as JSON for another program. The reason is required, and recorded before the file is sent.
#[expect(clippy::too_many_arguments, reason = "the states that it uses")]
pub(crate) async fn download(
    State(storage): State<Storage>,
    State(config): State<Arc<Config>>,
    State(districts): State<DistrictCache>,
    State(files): State<ProofFiles>,
    layout: Layout,
    actor: MemberActor,
    Path(id): Path<String>,
    Form(form): Form<DownloadForm>,
) -> PageResult {
    let (order_id, role) = (parse_id(&id)?, PersonRole::from_code(&form.role).unwrap_or(PersonRole::Customer));
    let keep = RetentionYears::new(config.order_keep_years);
    let note = form.note.trim().to_owned();
    let problem = match note.chars().count() {
        0 => Some("누가 왜 요구했는지 입력해 주세요. 예: 본인이 전화로 열람을 요구함"),
        length if length > MAX_NOTE_CHARS => Some("너무 길어요. 200자까지 쓸 수 있어요."),
        _ => None,
    };
    let read = move |tx: &mut dyn crate::storage::Tx| {
        Ok::<_, StorageError>((people::record_of(tx, order_id, role, keep)?, shop::find(tx)?, tx.now()))
    };
    let (record, shop, now) = storage.read(read).await?;
    let record = record.ok_or(Error::NotFound)?;
    if problem.is_some() {
        let page = ShowPage { layout, id, role, record, now, print_now: false, note, problem };
        return Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page));
    }
    let download = FileDownload {
        content: "person",
        source: format!("/privacy/people/{id}?role={}", role.code()),
        name: format!("{} 개인정보 열람", now.date()),
        purpose: Purpose::Customer,
        note,
        orders: record.orders.iter().map(|record| record.row.order.id).collect(),
    };
    let districts = districts.refresh(&storage).await?;
    if form.format == "json" {
        return download.send_json(&storage, actor, record.to_json(&districts, now)).await;
    }
    let mut photos = record.photos();
    photos.truncate(MAX_DOCUMENT_PHOTOS);
    let photos = photo_files(&files, photos).await.map_err(Error::internal)?;
    let username = layout.member.as_ref().map_or("", |member| &member.username);
    let footer = shop.document_footer(&format!("{now} {username}"));
    let document = move || Ok(record.to_document(&photos, &districts, &footer, now));
    download.send_document(&storage, actor, document).await
}

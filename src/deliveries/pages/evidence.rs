//! `/deliveries/{id}/evidence`: the evidence of a delivery, to print, or as a PDF file.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use crate::audit::MemberActor;
use crate::audit::downloads::{Purpose, PurposeProblems};
use crate::deliveries::list::load_rows;
use crate::documents::Document;
use crate::drive::evidence::{Evidence, photo_files};
use crate::id::OrderId;
use crate::masking;
use crate::members::model::rights::{self, Surface};
use crate::proofs::files::ProofFiles;
use crate::shop::model::Shop;
use crate::shop::store as shop;
use crate::storage::{Storage, StorageError};
use crate::time::Moment;
use crate::web::{
    Error, FileDownload, Form, Layout, Member, PageAction, PageKind, PageResult, PersonalData, parse_id, personal_page,
    personal_page_with_status, redirect,
};

#[derive(Template)]
#[template(path = "deliveries/evidence.html")]
struct EvidencePage {
    layout: Layout,
    id: String,
    shown: EvidenceData,
    /// who prints it, and when
    printed: String,
    /// whether the member may take the file away
    downloads: bool,
    form: DownloadForm,
    problems: PurposeProblems,
}

/// What the page and the file show.
struct EvidenceData {
    bundle_number: String,
    shop: Shop,
    evidence: Evidence,
    orders: Vec<OrderId>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct DownloadForm {
    purpose: String,
    note: String,
}

impl PersonalData for EvidencePage {
    fn orders(&self) -> Vec<OrderId> {
        self.shown.orders.clone()
    }
}

/// What the page and the file show of a delivery to a member. None if its recipient is masked: evidence of nobody proves nothing.
async fn load(storage: &Storage, member: &Member, id: &str) -> PageResult<Option<EvidenceData>> {
    let delivery_id = parse_id(id)?;
    let viewer = member.clone();
    let (row, shop, evidence) = storage
        .read(move |tx| {
            let masking = masking::store::load(tx, &viewer, Surface::Slip)?;
            let Some(row) = load_rows(tx, &[delivery_id])?.pop().map(|row| row.masked(&masking)) else {
                return Ok(None);
            };
            let evidence = Evidence::load(tx, &row)?;
            Ok::<_, StorageError>(Some((row, shop::find(tx)?, evidence)))
        })
        .await?
        .ok_or(Error::NotFound)?;
    if row.is_masked {
        return Ok(None);
    }
    Ok(Some(EvidenceData {
        bundle_number: row.delivery.bundle_number.clone(),
        shop,
        orders: row.order_ids().collect(),
        evidence,
    }))
}

/// To the page that opens the delivery with a reason.
fn reveal(id: &str) -> Response {
    redirect(&format!("/masking/reveal?delivery={id}&back=/deliveries/{id}/evidence"))
}

fn printed(now: Moment, member: &Member) -> String {
    format!("{now} {}", member.username)
}

impl EvidencePage {
    fn new(layout: Layout, member: &Member, id: String, shown: EvidenceData, now: Moment) -> Self {
        let form = DownloadForm { purpose: Purpose::Customer.code().to_owned(), note: String::new() };
        let downloads = rights::may(member.role, PageKind::Deliveries, PageAction::Download);
        let printed = printed(now, member);
        Self { layout, id, shown, printed, downloads, form, problems: PurposeProblems::default() }
    }
}

pub(super) async fn show(
    State(storage): State<Storage>,
    layout: Layout,
    member: Member,
    Path(id): Path<String>,
) -> PageResult {
    let Some(shown) = load(&storage, &member, &id).await? else { return Ok(reveal(&id)) };
    Ok(personal_page(EvidencePage::new(layout, &member, id, shown, storage.clock().now())))
}

pub(super) async fn download(
    State(storage): State<Storage>,
    State(files): State<ProofFiles>,
    layout: Layout,
    member: Member,
    actor: MemberActor,
    Path(id): Path<String>,
    Form(form): Form<DownloadForm>,
) -> PageResult {
    let Some(shown) = load(&storage, &member, &id).await? else { return Ok(reveal(&id)) };
    let now = storage.clock().now();
    let note = form.note.trim().to_owned();
    let purpose = match Purpose::stated(&form.purpose, &note) {
        Ok(purpose) => purpose,
        Err(problems) => {
            let page = EvidencePage { form, problems, ..EvidencePage::new(layout, &member, id, shown, now) };
            return Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page));
        }
    };
    let EvidenceData { bundle_number, shop, evidence, orders } = shown;
    let photos = photo_files(&files, evidence.photos.clone()).await.map_err(Error::internal)?;
    let title = format!("배송 증빙 {bundle_number}");
    let download = FileDownload {
        content: "delivery-evidence",
        source: format!("/deliveries/{id}/evidence"),
        name: format!("{} {title}", now.date()),
        purpose,
        note,
        orders,
    };
    let made = printed(now, &member);
    let document = move || {
        let mut document = Document::new(&title, &shop.document_footer(&made), now);
        evidence.write(&mut document, &photos);
        document.note(
            "표의 내용, 사진, 서명이 하나라도 다르면 표의 지문이 달라져요. 이 파일의 지문은 내려받기 기록에 있어요.",
        );
        Ok(document)
    };
    download.send_document(&storage, actor, document).await
}

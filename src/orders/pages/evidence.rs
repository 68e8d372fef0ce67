//! `/orders/{id}/evidence`: the evidence of an order as a PDF file, for a dispute.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use crate::audit::MemberActor;
use crate::audit::downloads::{Purpose, PurposeProblems};
use crate::districts::DistrictCache;
use crate::drive::evidence::photo_files;
use crate::evidence::{self, OrderEvidence};
use crate::members::model::rights::{Sight, Surface, sight};
use crate::proofs::files::ProofFiles;
use crate::shop::model::Shop;
use crate::shop::store as shop;
use crate::storage::{Storage, StorageError};
use crate::web::{Error, FileDownload, Form, Layout, Member, PageResult, page, page_with_status, parse_id, redirect};

#[derive(Template)]
#[template(path = "orders/evidence.html")]
struct EvidencePage {
    layout: Layout,
    id: String,
    order_number: String,
    /// what the file has, each with the number of its rows
    parts: Vec<(&'static str, usize)>,
    form: EvidenceForm,
    problems: PurposeProblems,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct EvidenceForm {
    purpose: String,
    note: String,
}

/// The evidence, for a member from whom nothing of it is hidden: masked evidence proves nothing.
async fn load(storage: &Storage, member: &Member, id: &str) -> PageResult<(OrderEvidence, Shop)> {
    let order_id = parse_id(id)?;
    if sight(member.role, Surface::Download, false) != Sight::Full {
        return Err(Error::Forbidden);
    }
    let read =
        move |tx: &mut dyn crate::storage::Tx| Ok::<_, StorageError>((evidence::load(tx, order_id)?, shop::find(tx)?));
    let (evidence, shop) = storage.read(read).await?;
    Ok((evidence.ok_or(Error::NotFound)?, shop))
}

/// To the page that opens an order that is kept apart, with a reason.
fn reveal(id: &str, evidence: &OrderEvidence) -> Response {
    let delivery = evidence.row.order.delivery_id.to_string();
    redirect(&format!("/masking/reveal?delivery={delivery}&back=/orders/{id}/evidence"))
}

impl EvidencePage {
    fn new(layout: Layout, id: String, evidence: &OrderEvidence) -> Self {
        let form = EvidenceForm { purpose: Purpose::Customer.code().to_owned(), note: String::new() };
        let order_number = evidence.row.order.order_number.clone();
        Self { layout, id, order_number, parts: evidence.parts(), form, problems: PurposeProblems::default() }
    }
}

pub(super) async fn show(
    State(storage): State<Storage>,
    layout: Layout,
    member: Member,
    Path(id): Path<String>,
) -> PageResult {
    let (evidence, _) = load(&storage, &member, &id).await?;
    if evidence.row.is_sealed {
        return Ok(reveal(&id, &evidence));
    }
    Ok(page(EvidencePage::new(layout, id, &evidence)))
}

#[expect(clippy::too_many_arguments, reason = "the states that it uses")]
pub(super) async fn download(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    State(files): State<ProofFiles>,
    layout: Layout,
    member: Member,
    actor: MemberActor,
    Path(id): Path<String>,
    Form(form): Form<EvidenceForm>,
) -> PageResult {
    let (evidence, shop) = load(&storage, &member, &id).await?;
    if evidence.row.is_sealed {
        return Ok(reveal(&id, &evidence));
    }
    let note = form.note.trim().to_owned();
    let purpose = match Purpose::stated(&form.purpose, &note) {
        Ok(purpose) => purpose,
        Err(problems) => {
            let page = EvidencePage { form, problems, ..EvidencePage::new(layout, id, &evidence) };
            return Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page));
        }
    };
    let now = storage.clock().now();
    let photos = evidence.delivery.as_ref().map(|delivery| delivery.photos.clone()).unwrap_or_default();
    let photos = photo_files(&files, photos).await.map_err(Error::internal)?;
    let districts = districts.refresh(&storage).await?;
    let download = FileDownload {
        content: "order-evidence",
        source: format!("/orders/{id}/evidence"),
        name: format!("{} 주문 증빙 {}", now.date(), evidence.row.order.order_number),
        purpose,
        note,
        orders: vec![evidence.row.order.id],
    };
    let footer = shop.document_footer(&format!("{now} {}", member.username));
    let document = move || Ok(evidence.to_document(&photos, &districts, &footer, now));
    download.send_document(&storage, actor, document).await
}

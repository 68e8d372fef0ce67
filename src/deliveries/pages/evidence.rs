//! `/deliveries/{id}/evidence`: the evidence of a delivery, to print or to save as a PDF.

use askama::Template;
use axum::extract::{Path, State};

use crate::deliveries::list::load_rows;
use crate::drive::evidence::Evidence;
use crate::drive::store::events as stop_events;
use crate::id::parse_crockford;
use crate::masking;
use crate::members::model::rights::Surface;
use crate::plans::store as plans;
use crate::proofs::store as proofs;
use crate::shop::model::Shop;
use crate::shop::store as shop;
use crate::storage::{Storage, StorageError};
use crate::web::{Error, Layout, Member, PageResult, PersonalData, personal_page, redirect};

#[derive(Template)]
#[template(path = "deliveries/evidence.html")]
struct EvidencePage {
    layout: Layout,
    id: String,
    bundle_number: String,
    shop: Shop,
    evidence: Evidence,
    /// who prints it, and when
    printed: String,
    orders: Vec<i64>,
}

impl PersonalData for EvidencePage {
    fn orders(&self) -> Vec<i64> {
        self.orders.clone()
    }
}

pub(super) async fn show(
    State(storage): State<Storage>,
    layout: Layout,
    member: Member,
    Path(id): Path<String>,
) -> PageResult {
    let delivery_id = parse_crockford(&id).ok_or(Error::NotFound)?;
    let viewer = member.clone();
    let (row, shop, (events, reporters, photos)) = storage
        .read(move |tx| {
            let masking = masking::store::load(tx, &viewer, Surface::Slip)?;
            let Some(row) = load_rows(tx, &[delivery_id])?.pop().map(|row| row.masked(&masking)) else {
                return Ok(None);
            };
            let reported = match plans::jobs_of(tx, &[delivery_id])?.remove(&delivery_id) {
                Some(known) => {
                    let events = stop_events::of_job(tx, known.job.id)?;
                    (events, stop_events::reporters(tx, known.job.id)?, proofs::of_job(tx, known.job.id)?)
                }
                None => Default::default(),
            };
            Ok::<_, StorageError>(Some((row, shop::find(tx)?, reported)))
        })
        .await?
        .ok_or(Error::NotFound)?;
    if row.is_masked {
        // Evidence of a masked recipient proves nothing: it is opened with a reason first.
        return Ok(redirect(&format!("/masking/reveal?delivery={id}&back=/deliveries/{id}/evidence")));
    }
    Ok(personal_page(EvidencePage {
        layout,
        id,
        bundle_number: row.delivery.bundle_number.clone(),
        shop,
        printed: format!("{} {}", storage.clock().now(), member.username),
        orders: row.order_ids().collect(),
        evidence: Evidence::new(&row, &events, &reporters, photos),
    }))
}

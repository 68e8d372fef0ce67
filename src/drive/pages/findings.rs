//! `/drive/findings`: what does not fit between the office and the phones (기사 기록 확인), until a member has looked.

use askama::Template;
use axum::extract::State;
use serde::Deserialize;

use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::deliveries::list::{DeliveryRow, load_rows};
use crate::drive::store::findings::{self, FindingRow};
use crate::drive::tour::stop_key;
use crate::id::{DeliveryId, OrderId};
use crate::masking;
use crate::members::model::rights::Surface;
use crate::storage::{Storage, StorageError, Tx};
use crate::web::{Flash, Form, Layout, PageResult, PersonalData, parse_id, personal_page, redirect_with_flash};

/// A finding with the recipient.
struct FindingView {
    row: FindingRow,
    name: String,
}

impl FindingView {
    fn id(&self) -> String {
        self.row.id.to_string()
    }

    fn stop(&self) -> String {
        stop_key(self.row.tour_id, self.row.job_id)
    }

    fn delivery(&self) -> String {
        self.row.delivery_id.to_string()
    }
}

#[derive(Template)]
#[template(path = "drive/findings.html")]
struct FindingsPage {
    layout: Layout,
    rows: Vec<FindingView>,
    orders: Vec<OrderId>,
}

impl PersonalData for FindingsPage {
    fn orders(&self) -> Vec<OrderId> {
        self.orders.clone()
    }
}

pub(super) async fn list(State(storage): State<Storage>, layout: Layout) -> PageResult {
    let member = layout.member.clone();
    let (rows, deliveries) = storage
        .read(move |tx| {
            let masking = masking::of_member(tx, member.as_ref(), Surface::DeliveryList)?;
            let rows = findings::open(tx)?;
            let mut ids: Vec<DeliveryId> = rows.iter().map(|row| row.delivery_id).collect();
            ids.sort_unstable();
            ids.dedup();
            let deliveries = load_rows(tx, &ids)?.into_iter().map(|row| row.masked(&masking));
            Ok::<_, StorageError>((rows, deliveries.collect::<Vec<DeliveryRow>>()))
        })
        .await?;
    let name = |id: DeliveryId| {
        let row = deliveries.iter().find(|row| row.delivery.id == id);
        row.and_then(DeliveryRow::primary).map(|primary| primary.order.recipient.name.clone()).unwrap_or_default()
    };
    let rows = rows.into_iter().map(|row| FindingView { name: name(row.delivery_id), row }).collect();
    let orders = deliveries.iter().flat_map(DeliveryRow::order_ids).collect();
    Ok(personal_page(FindingsPage { layout, rows, orders }))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct FindingForm {
    finding: String,
}

/// Marks a finding as looked at.
pub(super) async fn update(
    State(storage): State<Storage>,
    actor: MemberActor,
    Form(form): Form<FindingForm>,
) -> PageResult {
    let id = parse_id(&form.finding)?;
    let write = move |tx: &mut dyn Tx| {
        let Some(row) = findings::open(tx)?.into_iter().find(|row| row.id == id) else {
            return Flash::warning("이미 확인한 기록이에요.").save(tx, actor.id);
        };
        findings::resolve(tx, id, actor.id)?;
        let event =
            AuditEvent::FindingResolved { bundle_number: row.bundle_number, finding: row.finding.code().to_owned() };
        audit::record(tx, actor, AuditObject::one(row.tour_id), &event)?;
        Flash::success(event.sentence()).save(tx, actor.id)
    };
    Ok(redirect_with_flash("/drive/findings", storage.write(write).await?))
}

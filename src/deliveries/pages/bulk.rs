//! Bulk actions on the ticked deliveries of the list: 배송 완료, 희망배송일, 배송메모, and their slips.

use axum::extract::State;
use axum::http::{StatusCode, Uri};

use super::completion::complete_or_ask;
use super::ids;
use super::list::list_page;
use super::slips::slips_url;
use crate::audit::MemberActor;
use crate::deliveries::filter::DeliveryQuery;
use crate::districts::DistrictCache;
use crate::id::{DeliveryId, OrderId, WorkId};
use crate::orders;
use crate::orders::bulk_set::{self, BulkField, BulkValue};
use crate::orders::model::OrderState;
use crate::orders::store::bundles;
use crate::storage::{Result as StorageResult, Storage, Tx};
use crate::web::paging::PageQuery;
use crate::web::{
    Answer, Error, Flash, FlashId, FormPairs, Layout, Member, PageResult, Query, Tone, first_value,
    personal_page_with_status, redirect, redirect_with_flash,
};

#[expect(clippy::too_many_arguments, reason = "extractors")]
pub(super) async fn apply(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    layout: Layout,
    member: Member,
    actor: MemberActor,
    Query(query): Query<DeliveryQuery>,
    Query(paging): Query<PageQuery>,
    uri: Uri,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let only = ids(&pairs, "only");
    if !only.is_empty() {
        let here = uri.path_and_query().map_or("/deliveries", |here| here.as_str());
        return complete_or_ask(&storage, layout, actor, only, Answer::of(&pairs), here).await;
    }
    let ticked = ids(&pairs, "tick");
    if ticked.is_empty() {
        let mut page = list_page(&storage, &districts, layout, &member, query, paging, &uri).await?;
        page.layout.flash = Some(Flash::new(Tone::Warning, "선택한 배송이 없어요. 배송을 먼저 선택해 주세요."));
        return Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page));
    }
    match first_value(&pairs, "act") {
        "slips" => Ok(redirect(&slips_url(&WorkId::of_deliveries(&ticked)))),
        act @ ("date" | "memo") => {
            let here = uri.path_and_query().map_or("/deliveries", |here| here.as_str());
            let (field, name) = match act {
                "memo" => (BulkField::ShippingMemo, "set_memo"),
                _ => (BulkField::PreferredShippingDate, "set_date"),
            };
            let flash = match BulkValue::parse(field, &first_value(&pairs, name).replace("\r\n", "\n")) {
                Ok(value) => storage.write(move |tx| set(tx, actor, &ticked, &value)).await?,
                Err(problem) => {
                    let flash = Flash::warning(problem);
                    storage.write(move |tx| flash.save(tx, actor.id)).await?
                }
            };
            Ok(redirect_with_flash(here, flash))
        }
        "complete" => {
            let here = uri.path_and_query().map_or("/deliveries", |here| here.as_str());
            complete_or_ask(&storage, layout, actor, ticked, Answer::of(&pairs), here).await
        }
        _ => Err(Error::BadRequest("어떤 작업인지 알 수 없어요. 새로고침한 뒤 다시 시도해 주세요.".to_owned())),
    }
}

/// Sets 희망배송일 or 배송메모 of the orders of these deliveries; delivered and cancelled ones keep theirs.
fn set(tx: &mut dyn Tx, actor: MemberActor, deliveries: &[DeliveryId], value: &BulkValue) -> StorageResult<FlashId> {
    let ids: Vec<OrderId> = bundles::ids_of(tx, deliveries)?.into_iter().map(|(_, order)| order).collect();
    let mut orders = orders::store::find(tx, &ids)?;
    orders.retain(|order| order.state < OrderState::Shipped);
    orders.sort_by_key(|order| order.id);
    Flash::from(&bulk_set::set(tx, actor, &orders, value, &[])?).save(tx, actor.id)
}

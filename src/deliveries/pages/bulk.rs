//! Bulk actions on the ticked deliveries of the list: 배송 완료, and their slips.

use axum::extract::State;
use axum::http::{StatusCode, Uri};

use super::completion::complete_or_ask;
use super::list::list_page;
use super::slips::slips_url;
use super::{ids, value};
use crate::audit::MemberActor;
use crate::deliveries::filter::DeliveryQuery;
use crate::web::paging::PageQuery;
use crate::web::{
    Answer, AppState, Error, Flash, FormPairs, Layout, Member, PageResult, Query, Tone, personal_page_with_status,
    redirect,
};

#[expect(clippy::too_many_arguments, reason = "extractors")]
pub(super) async fn bulk(
    State(state): State<AppState>,
    layout: Layout,
    member: Member,
    actor: MemberActor,
    Query(query): Query<DeliveryQuery>,
    Query(paging): Query<PageQuery>,
    uri: Uri,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let ticked = ids(&pairs, "tick");
    if ticked.is_empty() {
        let mut page = list_page(&state.storage, &state.districts, layout, &member, query, paging, &uri).await?;
        page.layout.flash = Some(Flash::new(Tone::Warning, "선택한 배송이 없어요. 배송을 먼저 선택해 주세요."));
        return Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page));
    }
    match value(&pairs, "act") {
        "slips" => Ok(redirect(&slips_url(&ticked))),
        "complete" => {
            let here = uri.path_and_query().map_or("/deliveries", |here| here.as_str());
            complete_or_ask(&state.storage, layout, actor, ticked, Answer::of(&pairs), here).await
        }
        _ => Err(Error::BadRequest("무엇을 할지 알 수 없어요. 목록의 단추를 눌러 주세요.".to_owned())),
    }
}

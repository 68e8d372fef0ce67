//! `POST /products/{id}/variants`: adds a variant by hand.

use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use serde::Deserialize;

use super::show::{ShowRequest, VariantListQuery, show_page};
use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::id::ProductId;
use crate::products::model::{validate_label, validate_option_key, validate_option_value};
use crate::products::store::{self, NewVariant};
use crate::storage::{Result, Storage, Tx};
use crate::web::paging::PageQuery;
use crate::web::{Error, Flash, FlashId, Form, Layout, PageResult, page_with_status, parse_id, redirect_with_flash};

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct VariantForm {
    #[serde(default)]
    pub(super) key: String,
    #[serde(default)]
    pub(super) value: String,
    /// empty: the value is the label
    #[serde(default)]
    pub(super) label: String,
}

/// Error messages by field.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct VariantProblems {
    pub(super) key: Option<&'static str>,
    pub(super) value: Option<&'static str>,
    pub(super) label: Option<&'static str>,
}

pub(super) async fn create(
    State(storage): State<Storage>,
    layout: Layout,
    actor: MemberActor,
    Path(id): Path<String>,
    Form(form): Form<VariantForm>,
) -> PageResult {
    let id = parse_id(&id)?;
    let here = format!("/products/{id}");
    let typed = form.clone();
    let problems = match storage.write(move |tx| insert_variant(tx, id, actor, &typed)).await? {
        Ok(flash) => return Ok(redirect_with_flash(&here, flash)),
        Err(problems) => problems,
    };
    let uri = Uri::try_from(here).map_err(Error::internal)?;
    let request = ShowRequest { id, query: VariantListQuery::default(), paging: PageQuery::default(), uri };
    let mut page = show_page(&storage, layout, request).await?;
    (page.new, page.problems) = (form, problems);
    Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page))
}

/// Inserts the variant. Returns the flash message, or the error messages.
fn insert_variant(
    tx: &mut dyn Tx,
    product_id: ProductId,
    actor: MemberActor,
    form: &VariantForm,
) -> Result<Result<FlashId, VariantProblems>> {
    let mut problems = VariantProblems::default();
    let key = validate_option_key(&form.key).map_err(|problem| problems.key = Some(problem)).unwrap_or_default();
    let value =
        validate_option_value(&form.value).map_err(|problem| problems.value = Some(problem)).unwrap_or_default();
    let typed = if form.label.trim().is_empty() { &value } else { &form.label };
    let label = validate_label(typed).map_err(|problem| problems.label = Some(problem)).unwrap_or_default();
    if store::has_variant(tx, product_id, &key, &value)? {
        problems.value = Some("이 상품에 이미 있는 옵션 값이에요.");
    }
    if problems != VariantProblems::default() || store::find(tx, product_id)?.is_none() {
        return Ok(Err(problems));
    }
    store::insert_variant(tx, product_id, &NewVariant { key: &key, value: &value, label: &label }, None)?;
    let event = AuditEvent::VariantAdded { key, value };
    audit::record(tx, actor, AuditObject::one(product_id), &event)?;
    Flash::success(event.sentence()).save(tx, actor.id).map(Ok)
}

//! `/products/new`: adds a product by hand.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::id::ProductId;
use crate::products::model::{validate_name, validate_number};
use crate::products::store;
use crate::storage::{Result, Storage, Tx};
use crate::web::{Flash, FlashId, Form, Layout, PageResult, page, page_with_status, redirect_with_flash};

#[derive(Template)]
#[template(path = "products/new.html")]
struct NewPage {
    layout: Layout,
    form: ProductForm,
    problems: ProductProblems,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct ProductForm {
    #[serde(default)]
    number: String,
    #[serde(default)]
    name: String,
}

/// Error messages by field.
#[derive(Debug, Default, PartialEq, Eq)]
struct ProductProblems {
    number: Option<&'static str>,
    name: Option<&'static str>,
}

pub(super) async fn new(layout: Layout) -> PageResult {
    Ok(page(NewPage { layout, form: ProductForm::default(), problems: ProductProblems::default() }))
}

pub(super) async fn create(
    State(storage): State<Storage>,
    layout: Layout,
    actor: MemberActor,
    Form(form): Form<ProductForm>,
) -> PageResult {
    let typed = form.clone();
    match storage.write(move |tx| insert(tx, actor, &typed)).await? {
        Ok((id, flash)) => Ok(redirect_with_flash(&format!("/products/{id}"), flash)),
        Err(problems) => Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, NewPage { layout, form, problems })),
    }
}

/// Inserts the product. Returns its identifier and the flash message, or the error messages.
fn insert(
    tx: &mut dyn Tx,
    actor: MemberActor,
    form: &ProductForm,
) -> Result<Result<(ProductId, FlashId), ProductProblems>> {
    let mut problems = ProductProblems::default();
    let number = validate_number(&form.number).map_err(|problem| problems.number = Some(problem)).unwrap_or_default();
    let name = validate_name(&form.name).map_err(|problem| problems.name = Some(problem)).unwrap_or_default();
    if !store::by_number(tx, [number.as_str()])?.is_empty() {
        problems.number = Some("이미 있는 상품번호예요. 다른 번호를 입력해 주세요.");
    }
    if store::id_by_name(tx, &name)?.is_some() {
        problems.name = Some("같은 이름의 상품이 있어요. 다른 이름을 입력해 주세요.");
    }
    if problems != ProductProblems::default() {
        return Ok(Err(problems));
    }
    let product = store::insert(tx, &number, &name, None)?;
    let event = AuditEvent::ProductAdded { number, name };
    audit::record(tx, actor, AuditObject::one(product.id), &event)?;
    let flash = Flash::success(format!("{} 필요하면 옵션도 추가해 주세요.", event.sentence()));
    Ok(Ok((product.id, flash.save(tx, actor.id)?)))
}

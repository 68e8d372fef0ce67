//! `/products/new`: adds a product by hand.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use crate::audit;
use crate::id::crockford;
use crate::products::model::{validate_name, validate_number};
use crate::products::store;
use crate::storage::{Result, Storage, Tx};
use crate::web::{Form, Layout, Member, PageResult, page, page_with_status, redirect_with_flash};

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
    member: Member,
    Form(form): Form<ProductForm>,
) -> PageResult {
    let typed = form.clone();
    match storage.write(move |tx| insert(tx, member.id, &typed)).await? {
        Ok((id, activity)) => Ok(redirect_with_flash(&format!("/products/{}", crockford(id)), activity)),
        Err(problems) => Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, NewPage { layout, form, problems })),
    }
}

/// Inserts the product. Returns its identifier and that of the audit entry, or the error messages.
fn insert(tx: &mut dyn Tx, member: i64, form: &ProductForm) -> Result<Result<(i64, i64), ProductProblems>> {
    let mut problems = ProductProblems::default();
    let number = validate_number(&form.number).map_err(|problem| problems.number = Some(problem)).unwrap_or_default();
    let name = validate_name(&form.name).map_err(|problem| problems.name = Some(problem)).unwrap_or_default();
    if !store::by_number(tx, [number.as_str()])?.is_empty() {
        problems.number = Some("이미 있는 상품번호예요. 다른 번호를 써 주세요.");
    }
    if store::id_by_name(tx, &name)?.is_some() {
        problems.name = Some("같은 이름의 상품이 있어요. 다른 이름을 써 주세요.");
    }
    if problems != ProductProblems::default() {
        return Ok(Err(problems));
    }
    let product = store::insert(tx, &number, &name, None)?;
    let summary = json!({ "message": format!("‘{name}’ 상품을 추가했어요. 필요하면 옵션도 추가해 주세요.") });
    let activity = audit::record(tx, Some(member), "products.added", &summary)?;
    Ok(Ok((product.id, activity)))
}

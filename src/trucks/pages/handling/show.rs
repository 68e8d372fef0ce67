//! `/trucks/handling/{id}`: the handling of the options of a product.

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::{HandlingLine, parse_lines, save, show_rejected};
use crate::audit::MemberActor;
use crate::flash;
use crate::id::{ProductId, VariantId};
use crate::products::model::Product;
use crate::products::store as products;
use crate::storage::{Result as StorageResult, Storage, StorageError, Tx};
use crate::trucks::form::HandlingForm;
use crate::trucks::handling::PieceEffort;
use crate::trucks::store::{self, HandlingKey};
use crate::web::{Error, FormPairs, Layout, PageResult, page, page_with_status, parse_id, redirect_with_flash};

/// Options that the page shows; those with a handling of their own come first.
const MAX_OPTIONS: usize = 200;

#[derive(Template)]
#[template(path = "trucks/handling/show.html")]
struct OptionsPage {
    layout: Layout,
    product: Product,
    default: HandlingForm,
    lines: Vec<HandlingLine<VariantId>>,
    /// options beyond [`MAX_OPTIONS`]
    hidden: usize,
}

struct ProductOptions {
    product: Product,
    default: PieceEffort,
    lines: Vec<HandlingLine<VariantId>>,
    hidden: usize,
}

/// The handling of a product, which is the default of its options.
fn product_default(
    tx: &mut dyn Tx,
    product_id: ProductId,
) -> StorageResult<(PieceEffort, HashMap<VariantId, PieceEffort>)> {
    let default = store::settings(tx)?.default_handling;
    let own = store::product_handling(tx)?.remove(&product_id).unwrap_or(default);
    let variants = store::variant_handling(tx)?.into_iter().filter(|variant| variant.row.product_id == product_id);
    Ok((own, variants.map(|variant| (variant.variant_id, variant.row.handling)).collect()))
}

fn load(tx: &mut dyn Tx, product_id: ProductId) -> StorageResult<Option<ProductOptions>> {
    let Some(product) = products::find(tx, product_id)? else { return Ok(None) };
    let (default, own) = product_default(tx, product_id)?;
    let mut variants = products::variants(tx, product_id)?;
    variants.sort_by_key(|variant| !own.contains_key(&variant.id));
    let hidden = variants.len().saturating_sub(MAX_OPTIONS);
    let lines = variants.into_iter().take(MAX_OPTIONS).map(|variant| {
        HandlingLine::new(variant.id, format!("{}: {}", variant.key, variant.value), own.get(&variant.id).copied())
    });
    Ok(Some(ProductOptions { product, default, lines: lines.collect(), hidden }))
}

fn options_page(layout: Layout, loaded: ProductOptions) -> OptionsPage {
    let ProductOptions { product, default, lines, hidden } = loaded;
    OptionsPage { layout, product, default: default.into(), lines, hidden }
}

pub(in crate::trucks::pages) async fn show(
    State(storage): State<Storage>,
    layout: Layout,
    Path(id): Path<String>,
) -> PageResult {
    let id = parse_id(&id)?;
    let loaded = storage.read(move |tx| load(tx, id)).await?.ok_or(Error::NotFound)?;
    Ok(page(options_page(layout, loaded)))
}

pub(in crate::trucks::pages) async fn update(
    State(storage): State<Storage>,
    mut layout: Layout,
    actor: MemberActor,
    Path(id): Path<String>,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let id = parse_id(&id)?;
    let typed = parse_lines(pairs);
    let outcome = storage
        .write(move |tx| {
            let known: Vec<VariantId> = products::variants(tx, id)?.iter().map(|variant| variant.id).collect();
            let typed = typed.clone().into_iter().filter(|(variant, _)| known.contains(variant)).collect();
            let (default, _) = product_default(tx, id)?;
            save(tx, actor, &typed, default, (Some(id), HandlingKey::Variant))
        })
        .await?;
    if outcome.rejected.is_empty() {
        return Ok(redirect_with_flash(&format!("/trucks/handling/{id}"), outcome.flash));
    }
    let told = outcome.flash;
    let (loaded, flash) =
        storage.read(move |tx| Ok::<_, StorageError>((load(tx, id)?, flash::store::find(tx, told, actor.id)?))).await?;
    let mut loaded = loaded.ok_or(Error::NotFound)?;
    show_rejected(&mut loaded.lines, outcome.rejected);
    layout.flash = flash;
    Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, options_page(layout, loaded)))
}

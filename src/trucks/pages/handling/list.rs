//! `/trucks/handling`: the handling of all products.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;

use super::{HandlingLine, parse_lines, save, show_rejected};
use crate::audit::MemberActor;
use crate::flash;
use crate::id::ProductId;
use crate::products::store as products;
use crate::storage::{Result as StorageResult, Storage, StorageError, Tx};
use crate::trucks::form::HandlingForm;
use crate::trucks::handling::PieceEffort;
use crate::trucks::store::{self, HandlingKey};
use crate::web::{FormPairs, Layout, PageResult, page, page_with_status, redirect_with_flash};

#[derive(Template)]
#[template(path = "trucks/handling/list.html")]
struct HandlingPage {
    layout: Layout,
    default: HandlingForm,
    lines: Vec<HandlingLine<ProductId>>,
}

fn load(tx: &mut dyn Tx) -> StorageResult<(PieceEffort, Vec<HandlingLine<ProductId>>)> {
    let default = store::settings(tx)?.default_handling;
    let stored = store::product_handling(tx)?;
    let mut options = HashMap::<ProductId, usize>::new();
    for variant in store::variant_handling(tx)? {
        *options.entry(variant.row.product_id).or_default() += 1;
    }
    let lines = products::enabled(tx)?.into_iter().map(|product| HandlingLine {
        href: Some(format!("/trucks/handling/{}", product.id)),
        own_options: options.get(&product.id).copied().unwrap_or_default(),
        ..HandlingLine::new(product.id, product.name, stored.get(&product.id).copied())
    });
    Ok((default, lines.collect()))
}

pub(in crate::trucks::pages) async fn list(State(storage): State<Storage>, layout: Layout) -> PageResult {
    let (default, lines) = storage.read(load).await?;
    Ok(page(HandlingPage { layout, default: default.into(), lines }))
}

pub(in crate::trucks::pages) async fn update(
    State(storage): State<Storage>,
    mut layout: Layout,
    actor: MemberActor,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let typed = parse_lines(pairs);
    let outcome = storage
        .write(move |tx| {
            let default = store::settings(tx)?.default_handling;
            save(tx, actor, &typed, default, (None, HandlingKey::Product))
        })
        .await?;
    if outcome.rejected.is_empty() {
        return Ok(redirect_with_flash("/trucks/handling", outcome.flash));
    }
    let told = outcome.flash;
    let ((default, mut lines), flash) =
        storage.read(move |tx| Ok::<_, StorageError>((load(tx)?, flash::store::find(tx, told, actor.id)?))).await?;
    show_rejected(&mut lines, outcome.rejected);
    layout.flash = flash;
    Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, HandlingPage { layout, default: default.into(), lines }))
}

//! `POST /products`: saves the ticked rows of the list.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{StatusCode, Uri};

use super::list::{ListPage, ListQuery, list_page};
use super::{ProductUsage, RowForm, conflict_message, parse_rows, product_usage};
use crate::audit::{self, AuditEvent, AuditObject, MemberActor, NumberList};
use crate::id::ProductId;
use crate::orders::store::counts;
use crate::products::model::{Product, parse_priority, validate_name};
use crate::products::store;
use crate::storage::{Result as StorageResult, Storage, StorageError, Tx};
use crate::web::paging::PageQuery;
use crate::web::{Flash, FormPairs, Layout, PageResult, Query, Tone, page_with_status, redirect_with_flash};

/// A row that was not saved, with the reasons.
struct RejectedRow {
    id: ProductId,
    /// version of the stored values that the messages quote
    version: i64,
    /// field and message
    problems: Vec<(&'static str, String)>,
    usage: Vec<ProductUsage>,
}

pub(super) async fn apply(
    State(storage): State<Storage>,
    layout: Layout,
    actor: MemberActor,
    Query(query): Query<ListQuery>,
    Query(paging): Query<PageQuery>,
    uri: Uri,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let (ticked, rows) = parse_rows(pairs);
    if ticked.is_empty() {
        let mut answer = list_page(&storage, layout, query, paging, uri).await?;
        restore_input(&mut answer, &ticked, &rows, Vec::new());
        answer.layout.flash = Some(Flash::new(Tone::Warning, "선택한 상품이 없어요. 상품을 먼저 선택해 주세요."));
        return Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, answer));
    }
    let (wanted, work) = (ticked.clone(), rows.clone());
    let (event, rejected, flash) = storage
        .write(move |tx| {
            let (mut ids, mut saved, mut rejected) = (Vec::new(), NumberList::default(), Vec::new());
            for row in wanted.iter().filter_map(|id| work.get(id)) {
                let Some(stored) = store::find(tx, row.id)? else { continue };
                let number = stored.number.clone();
                match save_row(tx, stored, row)? {
                    None => {
                        ids.push(row.id);
                        saved.push(number);
                    }
                    Some(row) => rejected.push(row),
                }
            }
            let event = AuditEvent::ProductsEdited { saved, rejected: rejected.len() };
            if !ids.is_empty() {
                audit::record(tx, actor, AuditObject::of(&ids), &event)?;
            }
            let is_complete = rejected.is_empty();
            let flash = is_complete.then(|| Flash::success(event.sentence()).save(tx, actor.id)).transpose()?;
            Ok::<_, StorageError>((event, rejected, flash))
        })
        .await?;
    if let Some(flash) = flash {
        let here = uri.path_and_query().map_or("/products", |here| here.as_str());
        return Ok(redirect_with_flash(here, flash));
    }
    let mut answer = list_page(&storage, layout, query, paging, uri).await?;
    let message = format!("{} 표시된 곳을 확인해 주세요.", event.sentence());
    restore_input(&mut answer, &ticked, &rows, rejected);
    answer.layout.flash = Some(Flash::new(Tone::Warning, &message));
    Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, answer))
}

/// Saves a row; returns the reasons if it is rejected.
fn save_row(tx: &mut dyn Tx, stored: Product, typed: &RowForm<ProductId>) -> StorageResult<Option<RejectedRow>> {
    let (id, version) = (stored.id, stored.version);
    let rejected = |problems, usage| Ok(Some(RejectedRow { id, version, problems, usage }));
    if stored.version != typed.version {
        return rejected(conflicts(&stored, typed), Vec::new());
    }
    let mut problems = Vec::new();
    let name = validate_name(&typed.name).map_err(|problem| problems.push(("name", problem.to_owned()))).ok();
    let priority =
        parse_priority(&typed.priority).map_err(|problem| problems.push(("priority", problem.to_owned()))).ok();
    let (Some(name), Some(priority)) = (name, priority) else {
        return rejected(problems, Vec::new());
    };
    if store::id_by_name(tx, &name)?.is_some_and(|other| other != id) {
        return rejected(
            vec![("name", "같은 이름의 상품이 있어요. 다른 이름을 입력해 주세요.".to_owned())],
            Vec::new(),
        );
    }
    if stored.enabled && !typed.enabled && !typed.sure {
        let usage = product_usage(&stored.number, counts::by_state(tx, id)?);
        if !usage.is_empty() {
            return rejected(vec![("enabled", CONFIRM_DISABLING.to_owned())], usage);
        }
    }
    store::update(tx, &Product { name, priority, enabled: typed.enabled, ..stored })?;
    Ok(None)
}

/// Asks for a confirmation before a product with orders is disabled.
const CONFIRM_DISABLING: &str = "주문이 있는 상품이에요. 사용하지 않으면 이 주문들이 주문 목록에서 보이지 않아요. 그래도 바꾸려면 한 번 더 저장해 주세요.";

/// A message with both values at each field that differs from the stored one; at the name if none does.
fn conflicts(stored: &Product, typed: &RowForm<ProductId>) -> Vec<(&'static str, String)> {
    let label = |enabled| if enabled { "사용" } else { "사용 안 함" };
    let fields = [
        ("name", stored.name.clone(), typed.name.clone()),
        ("priority", stored.priority.to_string(), typed.priority.clone()),
        ("enabled", label(stored.enabled).to_owned(), label(typed.enabled).to_owned()),
    ];
    let differs = fields.iter().any(|(_, is, typed)| is != typed);
    let conflicting = fields.into_iter().filter(|(field, is, typed)| is != typed || (!differs && *field == "name"));
    conflicting.map(|(field, is, typed)| (field, conflict_message(&is, &typed))).collect()
}

/// Shows the typed values again in rows that were not saved. A row keeps the version that its page was
/// made from, unless its messages quote newer values.
fn restore_input(
    page: &mut ListPage,
    ticked: &[ProductId],
    rows: &BTreeMap<ProductId, RowForm<ProductId>>,
    mut rejected: Vec<RejectedRow>,
) {
    for row in &mut page.rows {
        let id = row.product.id;
        let rejection = rejected.iter().position(|row| row.id == id).map(|index| rejected.swap_remove(index));
        let saved = ticked.contains(&id) && rejection.is_none();
        if let (Some(typed), false) = (rows.get(&id), saved) {
            row.version = rejection.as_ref().map_or(typed.version, |rejection| rejection.version);
            row.name.clone_from(&typed.name);
            row.priority.clone_from(&typed.priority);
            row.enabled = typed.enabled;
        }
        if let Some(rejection) = rejection {
            row.ticked = true;
            (row.problems, row.usage) = (rejection.problems, rejection.usage);
        }
    }
}

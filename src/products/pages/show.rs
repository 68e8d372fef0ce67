//! `/products/{id}`: one product, its usage by orders, its variants and their labels.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use serde::Deserialize;

use super::variants::{VariantForm, VariantProblems};
use super::{ProductUsage, RowForm, conflict_message, parse_rows, product_usage};
use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::id::{ProductId, VariantId};
use crate::orders::store::counts;
use crate::products::model::{Product, Variant, validate_label};
use crate::products::store::{self, VariantQuery};
use crate::storage::{Result, Storage, StorageError, Tx};
use crate::web::paging::{PageBar, PageQuery};
use crate::web::{
    AppState, Error, Flash, FormPairs, Layout, PageResult, Query, Tone, page, page_with_status, parse_id,
    redirect_with_flash,
};

/// A row of the list of variants: the stored variant, its label as typed, and an error message.
struct VariantRow {
    variant: Variant,
    /// version that the typed label was made from
    version: i64,
    label: String,
    ticked: bool,
    problem: Option<String>,
}

impl VariantRow {
    fn id(&self) -> String {
        self.variant.id.to_string()
    }
}

#[derive(Template)]
#[template(path = "products/show.html")]
pub(super) struct ShowPage {
    layout: Layout,
    product: Product,
    usage: Vec<ProductUsage>,
    query: VariantListQuery,
    /// number of variants, without the search
    all: u64,
    unlabelled: u64,
    variants: Vec<VariantRow>,
    pages: PageBar,
    pub(super) new: VariantForm,
    pub(super) problems: VariantProblems,
}

impl ShowPage {
    fn id(&self) -> String {
        self.product.id.to_string()
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct VariantListQuery {
    /// substring of an option, its value or its label
    #[serde(default)]
    q: String,
    /// `missing` lists only unlabelled variants
    #[serde(default)]
    labels: String,
}

impl VariantListQuery {
    fn has_missing_labels(&self) -> bool {
        self.labels == "missing"
    }

    fn to_store_query(&self) -> VariantQuery {
        VariantQuery { text: self.q.trim().to_owned(), unlabelled: self.has_missing_labels() }
    }
}

/// The parameters of a page of variants.
pub(super) struct ShowRequest {
    pub(super) id: ProductId,
    pub(super) query: VariantListQuery,
    pub(super) paging: PageQuery,
    pub(super) uri: Uri,
}

impl FromRequestParts<AppState> for ShowRequest {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Error> {
        let Path(id): Path<String> = Path::from_request_parts(parts, state).await.map_err(|_| Error::NotFound)?;
        let Ok(Query(query)) = Query::from_request_parts(parts, state).await;
        let Ok(Query(paging)) = Query::from_request_parts(parts, state).await;
        Ok(Self { id: parse_id(&id)?, query, paging, uri: parts.uri.clone() })
    }
}

pub(super) async fn show(State(storage): State<Storage>, layout: Layout, request: ShowRequest) -> PageResult {
    show_page(&storage, layout, request).await.map(page)
}

pub(super) async fn show_page(storage: &Storage, layout: Layout, request: ShowRequest) -> PageResult<ShowPage> {
    let ShowRequest { id, query, paging, uri } = request;
    let wanted = query.to_store_query();
    let found = storage
        .read(move |tx| {
            let Some(product) = store::find(tx, id)? else {
                return Ok(None);
            };
            let all = VariantQuery::default();
            let unlabelled = VariantQuery { unlabelled: true, ..VariantQuery::default() };
            let counts = (store::count_variants(tx, id, &all)?, store::count_variants(tx, id, &unlabelled)?);
            let pages = PageBar::new(&uri, paging, store::count_variants(tx, id, &wanted)?);
            let variants = store::variants_page(tx, id, &wanted, pages.size, pages.offset())?;
            let usage = product_usage(&product.number, counts::by_state(tx, id)?);
            Ok::<_, StorageError>(Some((product, usage, counts, variants, pages)))
        })
        .await?;
    let (product, usage, (all, unlabelled), variants, pages) = found.ok_or(Error::NotFound)?;
    let variants = variants.into_iter().map(|variant| VariantRow {
        version: variant.version,
        label: variant.label.clone(),
        variant,
        ticked: false,
        problem: None,
    });
    let variants = variants.collect();
    let (new, problems) = (VariantForm::default(), VariantProblems::default());
    Ok(ShowPage { layout, product, usage, query, all, unlabelled, variants, pages, new, problems })
}

/// Labels that were not saved, by variant: the stored version that the message quotes, and the message.
type RejectedLabels = BTreeMap<VariantId, (i64, String)>;

pub(super) async fn update(
    State(storage): State<Storage>,
    layout: Layout,
    actor: MemberActor,
    request: ShowRequest,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let id = request.id;
    let (ticked, rows) = parse_rows(pairs);
    let (wanted, work) = (ticked.clone(), rows.clone());
    let (event, rejected, flash) = storage
        .write(move |tx| {
            let (saved, rejected) = save_labels(tx, id, wanted.iter().filter_map(|id| work.get(id)))?;
            let event = AuditEvent::VariantsLabelled { saved, rejected: rejected.len() };
            if saved > 0 {
                audit::record(tx, actor, AuditObject::one(id), &event)?;
            }
            let is_complete = rejected.is_empty() && !wanted.is_empty();
            let flash = is_complete.then(|| Flash::success(event.sentence()).save(tx, actor.id)).transpose()?;
            Ok::<_, StorageError>((event, rejected, flash))
        })
        .await?;
    if let Some(flash) = flash {
        return Ok(redirect_with_flash(request.uri.path_and_query().map_or("/products", |here| here.as_str()), flash));
    }
    let mut answer = show_page(&storage, layout, request).await?;
    restore_input(&mut answer, &ticked, &rows, &rejected);
    let message = if ticked.is_empty() {
        "선택한 옵션이 없어요. 옵션을 먼저 선택해 주세요.".to_owned()
    } else {
        format!("{} 표시된 곳을 확인해 주세요.", event.sentence())
    };
    answer.layout.flash = Some(Flash::new(Tone::Warning, &message));
    Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, answer))
}

/// Saves the labels of `rows`. Returns how many, and the rejected ones.
fn save_labels<'a>(
    tx: &mut dyn Tx,
    product_id: ProductId,
    rows: impl Iterator<Item = &'a RowForm<VariantId>>,
) -> Result<(u64, RejectedLabels)> {
    let (mut saved, mut rejected) = (0, RejectedLabels::new());
    for row in rows {
        let Some(variant) = store::find_variant(tx, product_id, row.id)? else { continue };
        let problem = match validate_label(&row.label) {
            Err(problem) => problem.to_owned(),
            Ok(label) if store::update_label(tx, row.id, row.version, &label)? => {
                saved += 1;
                continue;
            }
            Ok(label) => conflict_message(&variant.label, &label),
        };
        rejected.insert(row.id, (variant.version, problem));
    }
    Ok((saved, rejected))
}

/// Shows the typed labels again in rows that were not saved.
fn restore_input(
    page: &mut ShowPage,
    ticked: &[VariantId],
    rows: &BTreeMap<VariantId, RowForm<VariantId>>,
    rejected: &RejectedLabels,
) {
    for view in &mut page.variants {
        let id = view.variant.id;
        let rejection = rejected.get(&id);
        view.problem = rejection.map(|(_, problem)| problem.clone());
        let saved = ticked.contains(&id) && rejection.is_none();
        if let (Some(typed), false) = (rows.get(&id), saved) {
            view.version = rejection.map_or(typed.version, |(version, _)| *version);
            view.label.clone_from(&typed.label);
        }
        view.ticked = view.problem.is_some();
    }
}

//! `/products`: the list of products.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::http::Uri;
use serde::Deserialize;

use super::ProductUsage;
use crate::id::ProductId;
use crate::orders::store::counts;
use crate::products::model::Product;
use crate::products::store;
use crate::storage::{Result as StorageResult, Storage, StorageError, Tx};
use crate::web::paging::{PageBar, PageQuery};
use crate::web::{Layout, PageResult, Query, page};

/// A row of the list: the stored product, its fields as typed, and error messages.
pub(super) struct ProductRow {
    pub(super) product: Product,
    /// version that the typed values were made from
    pub(super) version: i64,
    pub(super) name: String,
    pub(super) priority: String,
    pub(super) enabled: bool,
    variants: i64,
    unlabelled: i64,
    orders: i64,
    pub(super) ticked: bool,
    /// field and message
    pub(super) problems: Vec<(&'static str, String)>,
    /// orders that disappear from the list when the product is disabled; empty before that is asked
    pub(super) usage: Vec<ProductUsage>,
}

impl ProductRow {
    fn id(&self) -> String {
        self.product.id.to_string()
    }

    fn problem(&self, field: &str) -> Option<&str> {
        self.problems.iter().find(|(other, _)| *other == field).map(|(_, message)| message.as_str())
    }
}

#[derive(Template)]
#[template(path = "products/list.html")]
pub(super) struct ListPage {
    pub(super) layout: Layout,
    query: ListQuery,
    enabled: usize,
    disabled: usize,
    pub(super) rows: Vec<ProductRow>,
    pages: PageBar,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct ListQuery {
    /// substring of a name or number
    #[serde(default)]
    q: String,
    /// `disabled`; anything else lists the enabled products
    #[serde(default)]
    show: String,
    /// `missing` lists only products with an unlabelled variant
    #[serde(default)]
    labels: String,
}

impl ListQuery {
    fn is_disabled(&self) -> bool {
        self.show == "disabled"
    }

    fn has_missing_labels(&self) -> bool {
        self.labels == "missing"
    }

    /// Link to the same search among the enabled (`""`) or the disabled products.
    fn tab_href(&self, show: &str) -> String {
        let pairs = [("q", self.q.as_str()), ("show", show), ("labels", self.labels.as_str())];
        let pairs: Vec<_> = pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        format!("/products?{}", serde_html_form::to_string(pairs).unwrap_or_default())
    }
}

pub(super) async fn list(
    State(storage): State<Storage>,
    layout: Layout,
    Query(query): Query<ListQuery>,
    Query(paging): Query<PageQuery>,
    uri: Uri,
) -> PageResult {
    list_page(&storage, layout, query, paging, uri).await.map(page)
}

pub(super) async fn list_page(
    storage: &Storage,
    layout: Layout,
    query: ListQuery,
    paging: PageQuery,
    uri: Uri,
) -> PageResult<ListPage> {
    let wanted = query.clone();
    let (enabled, disabled, rows, pages) = storage
        .read(move |tx| {
            let unlabelled = store::unlabelled_counts(tx)?;
            let text = wanted.q.trim().to_lowercase();
            let found = |product: &Product| {
                let has = |field: &str| field.to_lowercase().contains(&text);
                (has(&product.name) || has(&product.number))
                    && (!wanted.has_missing_labels() || unlabelled.contains_key(&product.id))
            };
            let (on, off): (Vec<_>, Vec<_>) = store::all(tx)?.into_iter().filter(found).partition(|one| one.enabled);
            let counts = (on.len(), off.len());
            let shown = if wanted.is_disabled() { off } else { on };
            let pages = PageBar::new(&uri, paging, shown.len() as u64);
            let offset = usize::try_from(pages.offset()).unwrap_or(usize::MAX);
            let some = shown.into_iter().skip(offset).take(pages.size as usize);
            Ok::<_, StorageError>((counts.0, counts.1, rows(tx, some, &unlabelled)?, pages))
        })
        .await?;
    Ok(ListPage { layout, query, enabled, disabled, rows, pages })
}

fn rows(
    tx: &mut dyn Tx,
    products: impl Iterator<Item = Product>,
    unlabelled: &BTreeMap<ProductId, i64>,
) -> StorageResult<Vec<ProductRow>> {
    let (variants, orders) = (store::variant_counts(tx)?, counts::by_product(tx)?);
    let count = |counts: &BTreeMap<ProductId, i64>, id: ProductId| counts.get(&id).copied().unwrap_or_default();
    let rows = products.map(|product| ProductRow {
        version: product.version,
        name: product.name.clone(),
        priority: product.priority.to_string(),
        enabled: product.enabled,
        variants: count(&variants, product.id),
        unlabelled: count(unlabelled, product.id),
        orders: count(&orders, product.id),
        ticked: false,
        problems: Vec::new(),
        usage: Vec::new(),
        product,
    });
    Ok(rows.collect())
}

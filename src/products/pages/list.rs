//! The list of products; ticked rows are saved.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use serde::Deserialize;
use serde_json::json;

use super::{Typed, Used, changed_meanwhile, typed, used};
use crate::audit;
use crate::products::model::{Product, checked_name, checked_priority};
use crate::products::store;
use crate::storage::{Result as StorageResult, StorageError, Tx, crockford};
use crate::web::paging::{PageBar, Paging};
use crate::web::{AppState, FormPairs, Layout, Member, Notice, PageResult, Query, Tone, done, page, page_with};

/// A product's row: what is stored, what is typed, what is wrong.
struct RowView {
    product: Product,
    /// what the typed values were made from
    version: i64,
    name: String,
    priority: String,
    enabled: bool,
    variants: i64,
    unlabelled: i64,
    orders: i64,
    ticked: bool,
    problems: Vec<(&'static str, String)>,
    /// what would no longer be listed; shown before the product is disabled
    used: Vec<Used>,
}

impl RowView {
    fn id(&self) -> String {
        crockford(self.product.id)
    }

    fn problem(&self, field: &str) -> Option<&str> {
        self.problems.iter().find(|(other, _)| *other == field).map(|(_, message)| message.as_str())
    }
}

#[derive(Template)]
#[template(path = "products/list.html")]
struct ListPage {
    layout: Layout,
    words: ListWords,
    enabled: usize,
    disabled: usize,
    rows: Vec<RowView>,
    pages: PageBar,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct ListWords {
    /// part of a name or number
    #[serde(default)]
    q: String,
    /// `disabled`, or the products in use
    #[serde(default)]
    show: String,
    /// `missing`: only products with variants whose label still is the value
    #[serde(default)]
    labels: String,
}

impl ListWords {
    fn disabled(&self) -> bool {
        self.show == "disabled"
    }

    fn missing(&self) -> bool {
        self.labels == "missing"
    }

    /// The same search among the products in use, or among the others.
    fn tab(&self, show: &str) -> String {
        let pairs = [("q", self.q.as_str()), ("show", show), ("labels", self.labels.as_str())];
        let pairs: Vec<_> = pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        format!("/products?{}", serde_html_form::to_string(pairs).unwrap_or_default())
    }
}

pub(super) async fn list(
    State(state): State<AppState>,
    layout: Layout,
    Query(words): Query<ListWords>,
    Query(paging): Query<Paging>,
    uri: Uri,
) -> PageResult {
    list_page(&state, layout, words, paging, uri).await.map(page)
}

async fn list_page(
    state: &AppState,
    layout: Layout,
    words: ListWords,
    paging: Paging,
    uri: Uri,
) -> PageResult<ListPage> {
    let wanted = words.clone();
    let (enabled, disabled, rows, pages) = state
        .storage
        .read(move |tx| {
            let unlabelled = store::unlabelled_counts(tx)?;
            let text = wanted.q.trim().to_lowercase();
            let found = |product: &Product| {
                let has = |field: &str| field.to_lowercase().contains(&text);
                (has(&product.name) || has(&product.number))
                    && (!wanted.missing() || unlabelled.contains_key(&product.id))
            };
            let (on, off): (Vec<_>, Vec<_>) = store::all(tx)?.into_iter().filter(found).partition(|one| one.enabled);
            let counts = (on.len(), off.len());
            let shown = if wanted.disabled() { off } else { on };
            let pages = PageBar::new(&uri, paging, shown.len() as u64);
            let offset = usize::try_from(pages.offset()).unwrap_or(usize::MAX);
            let some = shown.into_iter().skip(offset).take(pages.size as usize);
            Ok::<_, StorageError>((counts.0, counts.1, rows(tx, some, &unlabelled)?, pages))
        })
        .await?;
    Ok(ListPage { layout, words, enabled, disabled, rows, pages })
}

fn rows(
    tx: &mut dyn Tx,
    products: impl Iterator<Item = Product>,
    unlabelled: &BTreeMap<i64, i64>,
) -> StorageResult<Vec<RowView>> {
    let (variants, orders) = (store::variant_counts(tx)?, store::order_counts(tx)?);
    let count = |counts: &BTreeMap<i64, i64>, id: i64| counts.get(&id).copied().unwrap_or_default();
    let rows = products.map(|product| RowView {
        version: product.version,
        name: product.name.clone(),
        priority: product.priority.to_string(),
        enabled: product.enabled,
        variants: count(&variants, product.id),
        unlabelled: count(unlabelled, product.id),
        orders: count(&orders, product.id),
        ticked: false,
        problems: Vec::new(),
        used: Vec::new(),
        product,
    });
    Ok(rows.collect())
}

/// A row that was not saved.
struct Refused {
    id: i64,
    /// the version whose values the problems tell
    version: i64,
    problems: Vec<(&'static str, String)>,
    used: Vec<Used>,
}

pub(super) async fn save(
    State(state): State<AppState>,
    layout: Layout,
    member: Member,
    Query(words): Query<ListWords>,
    Query(paging): Query<Paging>,
    uri: Uri,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let (ticked, rows) = typed(pairs);
    if ticked.is_empty() {
        let mut answer = list_page(&state, layout, words, paging, uri).await?;
        retype(&mut answer, &ticked, &rows, Vec::new());
        answer.layout.notice = Some(Notice::said(Tone::Warning, "선택한 상품이 없어요. 상품을 먼저 선택해 주세요."));
        return Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, answer));
    }
    let (wanted, work) = (ticked.clone(), rows.clone());
    let (saved, refused, activity) = state
        .storage
        .write(move |tx| {
            let (mut saved, mut refused) = (0, Vec::new());
            for row in wanted.iter().filter_map(|id| work.get(id)) {
                let Some(stored) = store::find(tx, row.id)? else { continue };
                match save_row(tx, stored, row)? {
                    None => saved += 1,
                    Some(row) => refused.push(row),
                }
            }
            let summary = json!({ "message": format!("상품 {saved}개를 저장했어요."), "tone": "success" });
            let activity = audit::record(tx, Some(member.id), "products.edited", &summary)?;
            Ok::<_, StorageError>((saved, refused, activity))
        })
        .await?;
    if refused.is_empty() {
        let here = uri.path_and_query().map_or("/products", |here| here.as_str());
        return Ok(done(here, activity));
    }
    let mut answer = list_page(&state, layout, words, paging, uri).await?;
    let message =
        format!("상품 {saved}개를 저장했고, {}개는 저장하지 못했어요. 표시된 곳을 확인해 주세요.", refused.len());
    retype(&mut answer, &ticked, &rows, refused);
    answer.layout.notice = Some(Notice::said(Tone::Warning, &message));
    Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, answer))
}

/// Saves a row, or says why not.
fn save_row(tx: &mut dyn Tx, stored: Product, typed: &Typed) -> StorageResult<Option<Refused>> {
    let (id, version) = (stored.id, stored.version);
    let refused = |problems, used| Ok(Some(Refused { id, version, problems, used }));
    if stored.version != typed.version {
        return refused(conflicts(&stored, typed), Vec::new());
    }
    let mut problems = Vec::new();
    let name = checked_name(&typed.name).map_err(|problem| problems.push(("name", problem.to_owned()))).ok();
    let priority =
        checked_priority(&typed.priority).map_err(|problem| problems.push(("priority", problem.to_owned()))).ok();
    let (Some(name), Some(priority)) = (name, priority) else {
        return refused(problems, Vec::new());
    };
    if store::id_by_name(tx, &name)?.is_some_and(|other| other != id) {
        return refused(vec![("name", "같은 이름의 상품이 있어요. 다른 이름을 써 주세요.".to_owned())], Vec::new());
    }
    if stored.enabled && !typed.enabled && !typed.sure {
        let used = used(&stored.number, store::usage(tx, id)?);
        if !used.is_empty() {
            return refused(vec![("enabled", DISABLING.to_owned())], used);
        }
    }
    store::save(tx, &Product { name, priority, enabled: typed.enabled, ..stored })?;
    Ok(None)
}

/// Said before the orders of a product disappear from the list.
const DISABLING: &str = "주문이 있는 상품이에요. 사용하지 않으면 이 주문들이 주문 목록에서 보이지 않아요. 그래도 바꾸려면 한 번 더 저장해 주세요.";

/// Both values at each field that somebody else changed.
fn conflicts(stored: &Product, typed: &Typed) -> Vec<(&'static str, String)> {
    let word = |enabled| if enabled { "사용" } else { "사용 안 함" };
    let fields = [
        ("name", stored.name.clone(), typed.name.clone()),
        ("priority", stored.priority.to_string(), typed.priority.clone()),
        ("enabled", word(stored.enabled).to_owned(), word(typed.enabled).to_owned()),
    ];
    let differs = fields.iter().any(|(_, is, typed)| is != typed);
    let told = fields.into_iter().filter(|(field, is, typed)| is != typed || (!differs && *field == "name"));
    told.map(|(field, is, typed)| (field, changed_meanwhile(&is, &typed))).collect()
}

/// Puts back what was typed, where it was not saved. A row keeps the version its page was made
/// from, unless its problems have told what others wrote.
fn retype(page: &mut ListPage, ticked: &[i64], rows: &BTreeMap<i64, Typed>, mut refused: Vec<Refused>) {
    for row in &mut page.rows {
        let id = row.product.id;
        let refusal = refused.iter().position(|refused| refused.id == id).map(|place| refused.swap_remove(place));
        let saved = ticked.contains(&id) && refusal.is_none();
        if let (Some(typed), false) = (rows.get(&id), saved) {
            row.version = refusal.as_ref().map_or(typed.version, |refusal| refusal.version);
            row.name.clone_from(&typed.name);
            row.priority.clone_from(&typed.priority);
            row.enabled = typed.enabled;
        }
        if let Some(refusal) = refusal {
            row.ticked = true;
            (row.problems, row.used) = (refusal.problems, refusal.used);
        }
    }
}

//! The list of products and the page of one with its variants: good for correcting what an upload
//! made.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::model::{Product, Variant, checked_label, checked_name, checked_priority};
use super::store;
use crate::audit;
use crate::storage::{Result as StorageResult, StorageError, Tx, crockford, parse_crockford};
use crate::web::{
    Access, AppState, Error, FormPairs, Layout, Member, Notice, PageResult, Query, Routes, Tone, done, page, page_with,
};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/products", Access::Admin, list)
        .post("/products", Access::Admin, save)
        .get("/products/{id}", Access::Admin, show)
        .post("/products/{id}", Access::Admin, save_labels)
}

/// Said at a field whose row somebody else changed.
fn changed_meanwhile(is: &str, typed: &str) -> String {
    format!("그 사이 다른 사람이 바꿨어요. 지금 ‘{is}’, 입력 ‘{typed}’. 확인하고 다시 저장해 주세요.")
}

/// A product's row: what is stored, what is typed, what is wrong.
struct RowView {
    product: Product,
    /// what the typed values were made from
    version: i64,
    name: String,
    priority: String,
    enabled: bool,
    variants: i64,
    orders: i64,
    ticked: bool,
    problems: Vec<(&'static str, String)>,
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
    q: String,
    rows: Vec<RowView>,
}

#[derive(Default, Deserialize)]
struct ListQuery {
    #[serde(default)]
    q: String,
}

async fn list(State(state): State<AppState>, layout: Layout, Query(query): Query<ListQuery>) -> PageResult {
    list_page(&state, layout, query.q).await.map(page)
}

async fn list_page(state: &AppState, layout: Layout, q: String) -> PageResult<ListPage> {
    let wanted = q.trim().to_lowercase();
    let rows = state
        .storage
        .read(move |tx| {
            let (variants, orders) = (store::variant_counts(tx)?, store::order_counts(tx)?);
            let count = |counts: &BTreeMap<i64, i64>, id: i64| counts.get(&id).copied().unwrap_or_default();
            let shown = |product: &Product| {
                product.name.to_lowercase().contains(&wanted) || product.number.to_lowercase().contains(&wanted)
            };
            let rows = store::all(tx)?.into_iter().filter(shown).map(|product| RowView {
                version: product.version,
                name: product.name.clone(),
                priority: product.priority.to_string(),
                enabled: product.enabled,
                variants: count(&variants, product.id),
                orders: count(&orders, product.id),
                ticked: false,
                problems: Vec::new(),
                product,
            });
            Ok::<_, StorageError>(rows.collect())
        })
        .await?;
    Ok(ListPage { layout, q, rows })
}

/// A row of the form, as typed.
#[derive(Clone, Debug, Default)]
struct Typed {
    id: i64,
    version: i64,
    name: String,
    priority: String,
    enabled: bool,
    label: String,
}

/// Reads `name-ID`, `version-ID` … and the ticked rows.
fn typed(pairs: Vec<(String, String)>) -> (Vec<i64>, BTreeMap<i64, Typed>) {
    let (mut ticked, mut rows) = (Vec::new(), BTreeMap::<i64, Typed>::new());
    for (name, value) in pairs {
        if name == "tick" {
            ticked.extend(parse_crockford(&value));
            continue;
        }
        let Some((field, id)) = name.split_once('-') else { continue };
        let Some(id) = parse_crockford(id) else { continue };
        let row = rows.entry(id).or_insert_with(|| Typed { id, version: -1, ..Typed::default() });
        match field {
            "version" => row.version = value.parse().unwrap_or(-1),
            "name" => row.name = value,
            "priority" => row.priority = value,
            "enabled" => row.enabled = true,
            "label" => row.label = value,
            _ => {}
        }
    }
    (ticked, rows)
}

/// A row that was not saved.
struct Refused {
    id: i64,
    /// the version whose values the problems tell
    version: i64,
    problems: Vec<(&'static str, String)>,
}

async fn save(
    State(state): State<AppState>,
    layout: Layout,
    member: Member,
    Query(query): Query<ListQuery>,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let (ticked, rows) = typed(pairs);
    if ticked.is_empty() {
        let mut answer = list_page(&state, layout, query.q).await?;
        retype(&mut answer, &ticked, &rows, &[]);
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
                let version = stored.version;
                match save_row(tx, stored, row)? {
                    problems if problems.is_empty() => saved += 1,
                    problems => refused.push(Refused { id: row.id, version, problems }),
                }
            }
            let summary = json!({ "message": format!("상품 {saved}개를 저장했어요."), "tone": "success" });
            let activity = audit::record(tx, Some(member.id), "products.edited", &summary)?;
            Ok::<_, StorageError>((saved, refused, activity))
        })
        .await?;
    if refused.is_empty() {
        let query = serde_html_form::to_string([("q", &query.q)]).unwrap_or_default();
        return Ok(done(&format!("/products?{query}"), activity));
    }
    let mut answer = list_page(&state, layout, query.q).await?;
    retype(&mut answer, &ticked, &rows, &refused);
    let message =
        format!("상품 {saved}개를 저장했고, {}개는 저장하지 못했어요. 표시된 곳을 확인해 주세요.", refused.len());
    answer.layout.notice = Some(Notice::said(Tone::Warning, &message));
    Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, answer))
}

fn save_row(tx: &mut dyn Tx, stored: Product, typed: &Typed) -> StorageResult<Vec<(&'static str, String)>> {
    if stored.version != typed.version {
        return Ok(conflicts(&stored, typed));
    }
    let mut problems = Vec::new();
    let name = checked_name(&typed.name).unwrap_or_else(|problem| {
        problems.push(("name", problem.to_owned()));
        String::new()
    });
    let priority = checked_priority(&typed.priority).unwrap_or_else(|problem| {
        problems.push(("priority", problem.to_owned()));
        0
    });
    if problems.is_empty() && store::id_by_name(tx, &name)?.is_some_and(|other| other != typed.id) {
        problems.push(("name", "같은 이름의 상품이 있어요. 다른 이름을 써 주세요.".to_owned()));
    }
    if problems.is_empty() {
        store::save(tx, &Product { name, priority, enabled: typed.enabled, ..stored })?;
    }
    Ok(problems)
}

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
fn retype(page: &mut ListPage, ticked: &[i64], rows: &BTreeMap<i64, Typed>, refused: &[Refused]) {
    for row in &mut page.rows {
        let id = row.product.id;
        let refusal = refused.iter().find(|refused| refused.id == id);
        let saved = ticked.contains(&id) && refusal.is_none();
        if let (Some(typed), false) = (rows.get(&id), saved) {
            row.version = refusal.map_or(typed.version, |refusal| refusal.version);
            row.name.clone_from(&typed.name);
            row.priority.clone_from(&typed.priority);
            row.enabled = typed.enabled;
        }
        row.ticked = refusal.is_some();
        row.problems = refusal.map(|refusal| refusal.problems.clone()).unwrap_or_default();
    }
}

struct VariantView {
    variant: Variant,
    /// what the typed label was made from
    version: i64,
    label: String,
    ticked: bool,
    problem: Option<String>,
}

impl VariantView {
    fn id(&self) -> String {
        crockford(self.variant.id)
    }
}

#[derive(Template)]
#[template(path = "products/show.html")]
struct ShowPage {
    layout: Layout,
    product: Product,
    orders: i64,
    variants: Vec<VariantView>,
}

impl ShowPage {
    fn id(&self) -> String {
        crockford(self.product.id)
    }
}

async fn show(State(state): State<AppState>, layout: Layout, Path(id): Path<String>) -> PageResult {
    show_page(&state, layout, parse_crockford(&id).ok_or(Error::NotFound)?).await.map(page)
}

async fn show_page(state: &AppState, layout: Layout, id: i64) -> PageResult<ShowPage> {
    let (product, variants, orders) = state
        .storage
        .read(move |tx| {
            let orders = store::order_counts(tx)?.get(&id).copied().unwrap_or_default();
            Ok::<_, StorageError>((store::find(tx, id)?, store::variants(tx, id)?, orders))
        })
        .await?;
    let variants = variants
        .into_iter()
        .map(|variant| VariantView {
            version: variant.version,
            label: variant.label.clone(),
            variant,
            ticked: false,
            problem: None,
        })
        .collect();
    Ok(ShowPage { layout, product: product.ok_or(Error::NotFound)?, orders, variants })
}

async fn save_labels(
    State(state): State<AppState>,
    layout: Layout,
    member: Member,
    Path(id): Path<String>,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let id = parse_crockford(&id).ok_or(Error::NotFound)?;
    let (ticked, rows) = typed(pairs);
    let (wanted, work) = (ticked.clone(), rows.clone());
    let (saved, refused, activity) = state
        .storage
        .write(move |tx| {
            let (mut saved, mut refused) = (0, BTreeMap::new());
            let stored = store::variants(tx, id)?;
            for variant in stored.iter().filter(|variant| wanted.contains(&variant.id)) {
                let Some(row) = work.get(&variant.id) else { continue };
                let problem = match checked_label(&row.label) {
                    Err(problem) => problem.to_owned(),
                    Ok(label) if store::save_label(tx, row.id, row.version, &label)? => {
                        saved += 1;
                        continue;
                    }
                    Ok(label) => changed_meanwhile(&variant.label, &label),
                };
                refused.insert(row.id, (variant.version, problem));
            }
            let summary = json!({ "message": format!("레이블 {saved}개를 저장했어요."), "tone": "success" });
            let activity = audit::record(tx, Some(member.id), "products.labelled", &summary)?;
            Ok::<_, StorageError>((saved, refused, activity))
        })
        .await?;
    if refused.is_empty() && !ticked.is_empty() {
        return Ok(done(&format!("/products/{}", crockford(id)), activity));
    }
    let mut answer = show_page(&state, layout, id).await?;
    for view in &mut answer.variants {
        let id = view.variant.id;
        let refusal = refused.get(&id);
        view.problem = refusal.map(|(_, problem)| problem.clone());
        let saved = ticked.contains(&id) && refusal.is_none();
        if let (Some(typed), false) = (rows.get(&id), saved) {
            view.version = refusal.map_or(typed.version, |(version, _)| *version);
            view.label.clone_from(&typed.label);
        }
        view.ticked = view.problem.is_some();
    }
    let message = if ticked.is_empty() {
        "선택한 옵션이 없어요. 옵션을 먼저 선택해 주세요.".to_owned()
    } else {
        format!("레이블 {saved}개를 저장했고, {}개는 저장하지 못했어요. 표시된 곳을 확인해 주세요.", refused.len())
    };
    answer.layout.notice = Some(Notice::said(Tone::Warning, &message));
    Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, answer))
}

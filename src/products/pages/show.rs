//! One product: what uses it, its variants and their labels.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use serde::Deserialize;
use serde_json::json;

use super::{Typed, Used, changed_meanwhile, typed, used};
use crate::audit;
use crate::products::model::{Product, Variant, checked_label, checked_option_key, checked_option_value};
use crate::products::store::{self, VariantWords};
use crate::storage::{Result, StorageError, Tx, crockford, parse_crockford};
use crate::web::paging::{PageBar, Paging};
use crate::web::{
    AppState, Error, Form, FormPairs, Layout, Member, Notice, PageResult, Query, Tone, done, page, page_with,
};

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
    used: Vec<Used>,
    words: ShowWords,
    /// how many variants there are, whatever is searched for
    all: u64,
    unlabelled: u64,
    variants: Vec<VariantView>,
    pages: PageBar,
    new: NewVariant,
    problems: Problems,
}

impl ShowPage {
    fn id(&self) -> String {
        crockford(self.product.id)
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct ShowWords {
    /// part of an option, its value or its label
    #[serde(default)]
    q: String,
    /// `missing`: only variants whose label still is the value
    #[serde(default)]
    labels: String,
}

impl ShowWords {
    fn missing(&self) -> bool {
        self.labels == "missing"
    }

    fn wanted(&self) -> VariantWords {
        VariantWords { text: self.q.trim().to_owned(), unlabelled: self.missing() }
    }
}

/// Where a page of variants is.
pub(super) struct Place {
    id: i64,
    words: ShowWords,
    paging: Paging,
    uri: Uri,
}

impl FromRequestParts<AppState> for Place {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Error> {
        let Path(id): Path<String> = Path::from_request_parts(parts, state).await.map_err(|_| Error::NotFound)?;
        let Ok(Query(words)) = Query::from_request_parts(parts, state).await;
        let Ok(Query(paging)) = Query::from_request_parts(parts, state).await;
        Ok(Self { id: parse_crockford(&id).ok_or(Error::NotFound)?, words, paging, uri: parts.uri.clone() })
    }
}

pub(super) async fn show(State(state): State<AppState>, layout: Layout, place: Place) -> PageResult {
    show_page(&state, layout, place).await.map(page)
}

async fn show_page(state: &AppState, layout: Layout, place: Place) -> PageResult<ShowPage> {
    let Place { id, words, paging, uri } = place;
    let wanted = words.wanted();
    let found = state
        .storage
        .read(move |tx| {
            let Some(product) = store::find(tx, id)? else {
                return Ok(None);
            };
            let every = VariantWords::default();
            let unlabelled = VariantWords { unlabelled: true, ..VariantWords::default() };
            let counts = (store::count_variants(tx, id, &every)?, store::count_variants(tx, id, &unlabelled)?);
            let pages = PageBar::new(&uri, paging, store::count_variants(tx, id, &wanted)?);
            let variants = store::some_variants(tx, id, &wanted, pages.size, pages.offset())?;
            let used = used(&product.number, store::usage(tx, id)?);
            Ok::<_, StorageError>(Some((product, used, counts, variants, pages)))
        })
        .await?;
    let (product, used, (all, unlabelled), variants, pages) = found.ok_or(Error::NotFound)?;
    let variants = variants.into_iter().map(|variant| VariantView {
        version: variant.version,
        label: variant.label.clone(),
        variant,
        ticked: false,
        problem: None,
    });
    let variants = variants.collect();
    let (new, problems) = (NewVariant::default(), Problems::default());
    Ok(ShowPage { layout, product, used, words, all, unlabelled, variants, pages, new, problems })
}

/// A label that was not saved: the version whose value the problem tells.
type Refused = BTreeMap<i64, (i64, String)>;

pub(super) async fn save_labels(
    State(state): State<AppState>,
    layout: Layout,
    member: Member,
    place: Place,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let id = place.id;
    let (ticked, rows) = typed(pairs);
    let (wanted, work) = (ticked.clone(), rows.clone());
    let (saved, refused, activity) = state
        .storage
        .write(move |tx| {
            let (saved, refused) = save_ticked(tx, id, wanted.iter().filter_map(|id| work.get(id)))?;
            let summary = json!({ "message": format!("레이블 {saved}개를 저장했어요."), "tone": "success" });
            let activity = audit::record(tx, Some(member.id), "products.labelled", &summary)?;
            Ok::<_, StorageError>((saved, refused, activity))
        })
        .await?;
    if refused.is_empty() && !ticked.is_empty() {
        return Ok(done(place.uri.path_and_query().map_or("/products", |here| here.as_str()), activity));
    }
    let mut answer = show_page(&state, layout, place).await?;
    retype(&mut answer, &ticked, &rows, &refused);
    let message = if ticked.is_empty() {
        "선택한 옵션이 없어요. 옵션을 먼저 선택해 주세요.".to_owned()
    } else {
        format!("레이블 {saved}개를 저장했고, {}개는 저장하지 못했어요. 표시된 곳을 확인해 주세요.", refused.len())
    };
    answer.layout.notice = Some(Notice::said(Tone::Warning, &message));
    Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, answer))
}

fn save_ticked<'a>(tx: &mut dyn Tx, product_id: i64, rows: impl Iterator<Item = &'a Typed>) -> Result<(u64, Refused)> {
    let (mut saved, mut refused) = (0, Refused::new());
    for row in rows {
        let Some(variant) = store::find_variant(tx, product_id, row.id)? else { continue };
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
    Ok((saved, refused))
}

fn retype(page: &mut ShowPage, ticked: &[i64], rows: &BTreeMap<i64, Typed>, refused: &Refused) {
    for view in &mut page.variants {
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
}

/// A variant as typed.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct NewVariant {
    #[serde(default)]
    key: String,
    #[serde(default)]
    value: String,
    /// empty: the value
    #[serde(default)]
    label: String,
}

/// The messages at the fields of a new variant.
#[derive(Debug, Default, PartialEq, Eq)]
struct Problems {
    key: Option<&'static str>,
    value: Option<&'static str>,
    label: Option<&'static str>,
}

pub(super) async fn add_variant(
    State(state): State<AppState>,
    layout: Layout,
    member: Member,
    Path(id): Path<String>,
    Form(form): Form<NewVariant>,
) -> PageResult {
    let id = parse_crockford(&id).ok_or(Error::NotFound)?;
    let here = format!("/products/{}", crockford(id));
    let typed = form.clone();
    let problems = match state.storage.write(move |tx| insert_variant(tx, id, member.id, &typed)).await? {
        Ok(activity) => return Ok(done(&here, activity)),
        Err(problems) => problems,
    };
    let uri = Uri::try_from(here).map_err(|error| Error::Internal(error.to_string()))?;
    let place = Place { id, words: ShowWords::default(), paging: Paging::default(), uri };
    let page = ShowPage { new: form, problems, ..show_page(&state, layout, place).await? };
    Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, page))
}

/// The act's id, or what to mend.
fn insert_variant(tx: &mut dyn Tx, product_id: i64, member: i64, form: &NewVariant) -> Result<Result<i64, Problems>> {
    let mut problems = Problems::default();
    let key = checked_option_key(&form.key).map_err(|problem| problems.key = Some(problem)).unwrap_or_default();
    let value = checked_option_value(&form.value).map_err(|problem| problems.value = Some(problem)).unwrap_or_default();
    let typed = if form.label.trim().is_empty() { &value } else { &form.label };
    let label = checked_label(typed).map_err(|problem| problems.label = Some(problem)).unwrap_or_default();
    if store::has_variant(tx, product_id, &key, &value)? {
        problems.value = Some("이 상품에 이미 있는 옵션 값이에요.");
    }
    if problems != Problems::default() || store::find(tx, product_id)?.is_none() {
        return Ok(Err(problems));
    }
    store::insert_labelled(tx, product_id, [&key, &value, &label], None)?;
    let summary = json!({ "message": format!("‘{key}: {value}’ 옵션을 추가했어요.") });
    audit::record(tx, Some(member), "products.variant_added", &summary).map(Ok)
}

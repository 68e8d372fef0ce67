//! Orders that go nobody knows where, and what was corrected by hand.

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use serde_json::json;

use crate::audit;
use crate::deliveries::overview::{Unknown, unknown, unknown_count};
use crate::districts::store::{self, Correction, MAX_ZIP_CHARS};
use crate::districts::{Districts, postal_key};
use crate::id::{crockford, parse_crockford};
use crate::orders::classification;
use crate::orders::model::Order;
use crate::orders::store::classification::classify;
use crate::orders::store::{self as orders, Action, Cause};
use crate::storage::{Result as StorageResult, StorageError, Tx};
use crate::web::paging::{PageBar, PageQuery};
use crate::web::{
    AppState, Error, Flash, FormPairs, Layout, Member, PageResult, Query, Tone, page, page_with_status,
    redirect_with_flash,
};

/// Corrections of each kind that the page shows.
const CORRECTIONS: i64 = 200;

const CHANGED_MEANWHILE: &str = "그 사이 다른 사람이 주문을 바꿨어요. 새로 고친 다음 다시 해 주세요.";

/// What is typed for one order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Typed {
    id: i64,
    version: i64,
    zip_code: String,
    place: String,
    /// for every order of the postal code
    teach: bool,
}

/// A mistake at a field of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Problem {
    id: i64,
    field: &'static str,
    message: &'static str,
}

/// What is to be done for one order.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wish {
    /// its postal code was wrong
    ZipCode { zip_code: String, sigungu: i64 },
    /// its postal code lies there, for all orders
    Teach { key: String, sigungu: i64 },
    /// it alone goes there
    ThisOne { sigungu: i64 },
}

impl Typed {
    /// What is wished for `order`, as far as it can be understood.
    fn wish(&self, order: &Order, districts: &Districts) -> Result<Wish, Problem> {
        let problem = |field, message| Problem { id: self.id, field, message };
        if self.version != order.version {
            return Err(problem("place", CHANGED_MEANWHILE));
        }
        if self.zip_code != order.recipient.zip_code {
            let sigungu = districts.lookup(&self.zip_code).district();
            let sigungu = sigungu.ok_or_else(|| {
                problem("zip", "모르는 우편번호예요. 다섯 자리를 확인하거나, 그대로 두고 지역을 골라 주세요.")
            })?;
            return Ok(Wish::ZipCode { zip_code: self.zip_code.clone(), sigungu });
        }
        if self.place.is_empty() {
            return Err(problem("place", "지역을 고르거나 우편번호를 고쳐 주세요."));
        }
        let region = districts.find_by_name(&self.place);
        let sigungu = region.ok_or_else(|| problem("place", "목록에 있는 지역 이름으로 적어 주세요."))?.code;
        if !self.teach {
            return Ok(Wish::ThisOne { sigungu });
        }
        match postal_key(&self.zip_code).filter(|key| key.len() <= MAX_ZIP_CHARS) {
            Some(key) => Ok(Wish::Teach { key, sigungu }),
            None => Err(problem("teach", "우편번호가 없어서 기억할 수 없어요. 이 주문만 정해 주세요.")),
        }
    }
}

/// One order of the page.
struct RowView {
    unknown: Unknown,
    typed: Typed,
    ticked: bool,
    problems: Vec<Problem>,
}

impl RowView {
    fn new(unknown: Unknown, districts: &Districts) -> Self {
        let place =
            districts.guess_from_address(&unknown.address).map(|region| region.full_name.clone()).unwrap_or_default();
        let typed =
            Typed { id: unknown.id, version: unknown.version, zip_code: unknown.zip_code.clone(), place, teach: false };
        Self { unknown, typed, ticked: false, problems: Vec::new() }
    }

    fn id(&self) -> String {
        crockford(self.unknown.id)
    }

    fn problem(&self, field: &str) -> Option<&'static str> {
        self.problems.iter().find(|problem| problem.field == field).map(|problem| problem.message)
    }

    fn can_be_taught(&self) -> bool {
        postal_key(&self.unknown.zip_code).is_some_and(|key| key.len() <= MAX_ZIP_CHARS)
    }
}

struct CorrectionView {
    correction: Correction,
    place: String,
}

impl CorrectionView {
    fn order_id(&self) -> Option<String> {
        self.correction.order.as_ref().map(|(id, _)| crockford(*id))
    }
}

#[derive(Template)]
#[template(path = "districts/unknown.html")]
struct UnknownPage {
    layout: Layout,
    rows: Vec<RowView>,
    pages: PageBar,
    /// every name to choose from
    places: Vec<String>,
    corrections: Vec<CorrectionView>,
}

pub(super) async fn list(
    State(state): State<AppState>,
    layout: Layout,
    Query(paging): Query<PageQuery>,
    uri: Uri,
) -> PageResult {
    list_page(&state, layout, paging, &uri).await.map(page)
}

async fn list_page(state: &AppState, layout: Layout, paging: PageQuery, uri: &Uri) -> PageResult<UnknownPage> {
    let uri = uri.clone();
    let districts = state.uploads.districts.cached();
    let (unknowns, pages, corrections) = state
        .storage
        .read(move |tx| {
            let pages = PageBar::new(&uri, paging, u64::try_from(unknown_count(tx)?).unwrap_or_default());
            let offset = i64::try_from(pages.offset()).unwrap_or_default();
            let unknowns = unknown(tx, offset, pages.size.into())?;
            Ok::<_, StorageError>((unknowns, pages, store::corrections(tx, CORRECTIONS)?))
        })
        .await?;
    let regions = districts.current_edition().regions().iter().filter(|region| region.level == 1);
    Ok(UnknownPage {
        layout,
        rows: unknowns.into_iter().map(|unknown| RowView::new(unknown, &districts)).collect(),
        pages,
        places: regions.map(|region| region.full_name.clone()).collect(),
        corrections: corrections
            .into_iter()
            .map(|correction| CorrectionView {
                place: districts.display_name(correction.sigungu).unwrap_or_default(),
                correction,
            })
            .collect(),
    })
}

/// The rows that are ticked, as typed.
fn ticked(pairs: &[(String, String)]) -> Vec<Typed> {
    let ids = pairs.iter().filter(|(name, _)| name == "tick").map(|(_, id)| id.as_str());
    ids.filter_map(|id| {
        let field = |field: &str| {
            let name = format!("{field}-{id}");
            pairs.iter().find(|(other, _)| *other == name).map(|(_, value)| value.trim().to_owned())
        };
        Some(Typed {
            id: parse_crockford(id)?,
            version: field("version")?.parse().ok()?,
            zip_code: field("zip").unwrap_or_default(),
            place: field("place").unwrap_or_default(),
            teach: field("teach").is_some(),
        })
    })
    .collect()
}

/// Does what is wished for these orders, or tells every mistake and does nothing.
fn carry_out(tx: &mut dyn Tx, typed: &[Typed], member_id: i64) -> StorageResult<Result<i64, Vec<Problem>>> {
    let districts = store::load(tx)?;
    let ids: Vec<i64> = typed.iter().map(|typed| typed.id).collect();
    let found = orders::find(tx, &ids)?;
    let (mut wishes, mut problems) = (Vec::new(), Vec::new());
    for typed in typed {
        let Some(order) = found.iter().find(|order| order.id == typed.id) else { continue };
        match typed.wish(order, &districts) {
            Ok(wish) => wishes.push((order, wish)),
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Ok(Err(problems));
    }
    let cause = Cause { member_id: Some(member_id), upload_id: None, action: Action::Classified };
    orders::changing(tx, cause, |changes| {
        for (before, wish) in &wishes {
            let mut after = (*before).clone();
            match wish {
                Wish::ZipCode { zip_code, sigungu } => {
                    zip_code.clone_into(&mut after.recipient.zip_code);
                    after.sigungu = Some(*sigungu);
                }
                Wish::Teach { key, sigungu } => {
                    store::set_zip_correction(changes.tx, key, *sigungu, Some(member_id))?;
                    after.sigungu = Some(*sigungu);
                }
                Wish::ThisOne { sigungu } => {
                    let zip_code = &before.recipient.zip_code;
                    store::set_order_correction(changes.tx, before.id, zip_code, *sigungu, Some(member_id))?;
                    after.sigungu = Some(*sigungu);
                }
            }
            changes.save_current(before, &after)?;
        }
        Ok::<_, StorageError>(())
    })?;
    let message = format!("주문 {}건의 지역을 정했어요.", wishes.len());
    let summary = json!({ "message": message, "tone": "success", "orders": ids.len() });
    Ok(Ok(audit::record(tx, Some(member_id), "districts.corrected", &summary)?))
}

pub(super) async fn bulk(
    State(state): State<AppState>,
    mut layout: Layout,
    member: Member,
    Query(paging): Query<PageQuery>,
    uri: Uri,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let typed = ticked(&pairs);
    if typed.is_empty() {
        layout.flash = Some(Flash::new(Tone::Warning, "선택한 주문이 없어요. 고칠 주문을 먼저 선택해 주세요."));
        let answer = list_page(&state, layout, paging, &uri).await?;
        return Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, answer));
    }
    let wanted = typed.clone();
    let carried_out = state.storage.write(move |tx| carry_out(tx, &wanted, member.id)).await?;
    let problems = match carried_out {
        Ok(activity) => {
            classification::start(&state.storage, &state.uploads.districts).await;
            return Ok(redirect_with_flash(
                uri.path_and_query().map_or("/districts/unknown", |path| path.as_str()),
                activity,
            ));
        }
        Err(problems) => problems,
    };
    let message = "고치지 못한 주문이 있어요. 표시된 곳을 확인해 주세요. 아직 아무것도 바뀌지 않았어요.";
    layout.flash = Some(Flash::new(Tone::Danger, message));
    let mut answer = list_page(&state, layout, paging, &uri).await?;
    for row in &mut answer.rows {
        let Some(typed) = typed.iter().find(|typed| typed.id == row.unknown.id) else { continue };
        row.ticked = true;
        row.typed = Typed { version: row.unknown.version, ..typed.clone() };
        row.problems = problems.iter().filter(|problem| problem.id == typed.id).cloned().collect();
    }
    Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, answer))
}

/// Takes a correction back: `zip` of a postal code, or `order` of one order.
#[derive(serde::Deserialize)]
pub(super) struct Undo {
    #[serde(default)]
    zip: String,
    #[serde(default)]
    order: String,
}

pub(super) async fn undo(
    State(state): State<AppState>,
    member: Member,
    crate::web::Form(Undo { zip, order }): crate::web::Form<Undo>,
) -> PageResult {
    let order = match order.as_str() {
        "" => None,
        id => Some(parse_crockford(id).ok_or(Error::NotFound)?),
    };
    let activity = state
        .storage
        .write(move |tx| {
            let forgotten = match order {
                Some(id) => store::delete_order_correction(tx, id)?,
                None => store::delete_zip_correction(tx, &zip)?,
            };
            if let Some(id) = order {
                let districts = store::load(tx)?;
                let deliveries: Vec<i64> = orders::find(tx, &[id])?.iter().map(|order| order.delivery_id).collect();
                let cause = Cause { member_id: Some(member.id), upload_id: None, action: Action::Classified };
                classify(tx, cause, &districts, &deliveries)?;
            }
            let message = if forgotten { "고친 것을 되돌렸어요." } else { "이미 되돌렸어요." };
            let tone = if forgotten { "success" } else { "warning" };
            let summary = json!({ "message": message, "tone": tone });
            audit::record(tx, Some(member.id), "districts.correction_undone", &summary)
        })
        .await?;
    classification::start(&state.storage, &state.uploads.districts).await;
    Ok(redirect_with_flash("/districts/unknown", activity))
}

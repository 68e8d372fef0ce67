//! Orders without a district (미분류), and manual corrections.

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, Uri};

use crate::audit::{self, AuditEvent, AuditObject, MemberActor, NumberList};
use crate::deliveries::store::overview::{UnclassifiedOrder, count_unclassified, unclassified_orders};
use crate::districts::store::{self, Correction, MAX_ZIP_CHARS};
use crate::districts::{DistrictCache, Districts, postal_key};
use crate::id::{DeliveryId, Id, OrderId};
use crate::orders::classification;
use crate::orders::model::Order;
use crate::orders::store::classification::classify;
use crate::orders::store::{self as orders, Action, ChangeContext};
use crate::storage::{Result as StorageResult, Storage, StorageError, Tx};
use crate::web::paging::{PageBar, PageQuery};
use crate::web::{
    Flash, FlashId, FormPairs, Layout, PageResult, PersonalData, Query, Tone, parse_id, personal_page,
    personal_page_with_status, redirect_with_flash,
};

/// Corrections of postal codes, and of orders, that the page shows.
const MAX_SHOWN_CORRECTIONS: i64 = 200;

const CONFLICT_MESSAGE: &str = "그 사이 다른 사람이 주문을 바꿨어요. 새로고침한 다음 다시 해 주세요.";

/// The inputs of one order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct RowForm {
    order_id: OrderId,
    version: i64,
    zip_code: String,
    district: String,
    /// whether the district applies to every order of the postal code
    is_for_zip: bool,
}

/// A problem of a field of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
struct RowProblem {
    order_id: OrderId,
    field: &'static str,
    message: &'static str,
}

/// The correction of one order.
#[derive(Clone, Debug, PartialEq, Eq)]
enum RowCorrection {
    /// replaces its postal code
    NewZip { zip_code: String, sigungu: i64 },
    /// assigns its postal code to a 시/군/구
    Zip { key: String, sigungu: i64 },
    /// assigns only this order to a 시/군/구
    Order { sigungu: i64 },
}

impl RowForm {
    /// Validates the inputs against the stored order.
    fn validate(&self, order: &Order, districts: &Districts) -> Result<RowCorrection, RowProblem> {
        let problem = |field, message| RowProblem { order_id: self.order_id, field, message };
        if self.version != order.version {
            return Err(problem("place", CONFLICT_MESSAGE));
        }
        if self.zip_code != order.recipient.zip_code {
            let sigungu = districts.lookup(&self.zip_code).district();
            let sigungu = sigungu.ok_or_else(|| {
                problem("zip", "모르는 우편번호예요. 다섯 자리를 확인하거나, 그대로 두고 지역을 선택해 주세요.")
            })?;
            return Ok(RowCorrection::NewZip { zip_code: self.zip_code.clone(), sigungu });
        }
        if self.district.is_empty() {
            return Err(problem("place", "지역을 선택하거나 우편번호를 수정해 주세요."));
        }
        let region = districts.find_by_name(&self.district);
        let sigungu = region.ok_or_else(|| problem("place", "목록에 있는 지역 이름으로 입력해 주세요."))?.code;
        if !self.is_for_zip {
            return Ok(RowCorrection::Order { sigungu });
        }
        match postal_key(&self.zip_code).filter(|key| key.len() <= MAX_ZIP_CHARS) {
            Some(key) => Ok(RowCorrection::Zip { key, sigungu }),
            None => Err(problem("teach", "우편번호가 없어서 기억할 수 없어요. 이 주문만 정해 주세요.")),
        }
    }
}

/// A row of the page.
struct RowView {
    order: UnclassifiedOrder,
    form: RowForm,
    ticked: bool,
    problems: Vec<RowProblem>,
}

impl RowView {
    /// A row with the stored postal code, and a district guessed from the address.
    fn new(order: UnclassifiedOrder, districts: &Districts) -> Self {
        let guess = districts.find_by_address(&order.address);
        let form = RowForm {
            order_id: order.id,
            version: order.version,
            zip_code: order.zip_code.clone(),
            district: guess.map(|region| region.full_name.clone()).unwrap_or_default(),
            is_for_zip: false,
        };
        Self { order, form, ticked: false, problems: Vec::new() }
    }

    fn id(&self) -> String {
        self.order.id.to_string()
    }

    fn problem(&self, field: &str) -> Option<&'static str> {
        self.problems.iter().find(|problem| problem.field == field).map(|problem| problem.message)
    }

    fn has_zip(&self) -> bool {
        postal_key(&self.order.zip_code).is_some_and(|key| key.len() <= MAX_ZIP_CHARS)
    }
}

/// A manual correction with the name of its district.
struct CorrectionView {
    correction: Correction,
    district: String,
}

impl CorrectionView {
    fn order_id(&self) -> Option<String> {
        self.correction.order.as_ref().map(|(id, _)| id.to_string())
    }
}

#[derive(Template)]
#[template(path = "districts/unknown.html")]
struct UnclassifiedPage {
    layout: Layout,
    rows: Vec<RowView>,
    pages: PageBar,
    /// names of all 시/군/구, for the input's suggestions
    district_names: Vec<String>,
    corrections: Vec<CorrectionView>,
}

impl PersonalData for UnclassifiedPage {
    fn orders(&self) -> Vec<OrderId> {
        self.rows.iter().map(|row| row.order.id).collect()
    }
}

pub(super) async fn list(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    layout: Layout,
    Query(paging): Query<PageQuery>,
    uri: Uri,
) -> PageResult {
    list_page(&storage, &districts, layout, paging, &uri).await.map(personal_page)
}

async fn list_page(
    storage: &Storage,
    districts: &DistrictCache,
    layout: Layout,
    paging: PageQuery,
    uri: &Uri,
) -> PageResult<UnclassifiedPage> {
    let uri = uri.clone();
    let districts = districts.refresh(storage).await?;
    let (orders, pages, corrections) = storage
        .read(move |tx| {
            let pages = PageBar::new(&uri, paging, u64::try_from(count_unclassified(tx)?).unwrap_or_default());
            let offset = i64::try_from(pages.offset()).unwrap_or_default();
            let orders = unclassified_orders(tx, offset, pages.size.into())?;
            Ok::<_, StorageError>((orders, pages, store::corrections(tx, MAX_SHOWN_CORRECTIONS)?))
        })
        .await?;
    let regions = districts.current_edition().regions().iter().filter(|region| region.level == 1);
    Ok(UnclassifiedPage {
        layout,
        rows: orders.into_iter().map(|order| RowView::new(order, &districts)).collect(),
        pages,
        district_names: regions.map(|region| region.full_name.clone()).collect(),
        corrections: corrections
            .into_iter()
            .map(|correction| CorrectionView {
                district: districts.display_name(correction.sigungu_code).unwrap_or_default(),
                correction,
            })
            .collect(),
    })
}

/// The inputs of the ticked rows.
fn ticked_rows(pairs: &[(String, String)]) -> Vec<RowForm> {
    let ids = pairs.iter().filter(|(name, _)| name == "tick").map(|(_, id)| id.as_str());
    ids.filter_map(|id| {
        let field = |field: &str| {
            let name = format!("{field}-{id}");
            pairs.iter().find(|(other, _)| *other == name).map(|(_, value)| value.trim().to_owned())
        };
        Some(RowForm {
            order_id: Id::parse(id)?,
            version: field("version")?.parse().ok()?,
            zip_code: field("zip").unwrap_or_default(),
            district: field("place").unwrap_or_default(),
            is_for_zip: field("teach").is_some(),
        })
    })
    .collect()
}

/// Applies all corrections and saves the flash message, or answers all problems and changes nothing.
fn apply(tx: &mut dyn Tx, forms: &[RowForm], actor: MemberActor) -> StorageResult<Result<FlashId, Vec<RowProblem>>> {
    let districts = store::load(tx)?;
    let ids: Vec<OrderId> = forms.iter().map(|form| form.order_id).collect();
    let found = orders::find(tx, &ids)?;
    let (mut corrections, mut problems) = (Vec::new(), Vec::new());
    for form in forms {
        let Some(order) = found.iter().find(|order| order.id == form.order_id) else { continue };
        match form.validate(order, &districts) {
            Ok(correction) => corrections.push((order, correction)),
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Ok(Err(problems));
    }
    let cause = ChangeContext { actor: actor.into(), upload_id: None, action: Action::Classified };
    orders::with_changes(tx, cause, |changes| {
        for (before, correction) in &corrections {
            let mut after = (*before).clone();
            match correction {
                RowCorrection::NewZip { zip_code, sigungu } => {
                    zip_code.clone_into(&mut after.recipient.zip_code);
                    after.sigungu_code = Some(*sigungu);
                }
                RowCorrection::Zip { key, sigungu } => {
                    store::set_zip_correction(changes.tx, key, *sigungu, Some(actor.id))?;
                    after.sigungu_code = Some(*sigungu);
                }
                RowCorrection::Order { sigungu } => {
                    let zip_code = &before.recipient.zip_code;
                    store::set_order_correction(changes.tx, before.id, zip_code, *sigungu, Some(actor.id))?;
                    after.sigungu_code = Some(*sigungu);
                }
            }
            changes.save_current(before, &after)?;
        }
        Ok::<_, StorageError>(())
    })?;
    let ids: Vec<OrderId> = corrections.iter().map(|(order, _)| order.id).collect();
    let event = AuditEvent::OrdersClassified {
        orders: corrections.iter().map(|(order, _)| order.order_number.as_str()).collect(),
    };
    if !ids.is_empty() {
        audit::record(tx, actor, AuditObject::of(&ids), &event)?;
    }
    Flash::success(event.sentence()).save(tx, actor.id).map(Ok)
}

pub(super) async fn bulk(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    mut layout: Layout,
    actor: MemberActor,
    Query(paging): Query<PageQuery>,
    uri: Uri,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let forms = ticked_rows(&pairs);
    if forms.is_empty() {
        layout.flash = Some(Flash::new(Tone::Warning, "선택한 주문이 없어요. 수정할 주문을 먼저 선택해 주세요."));
        let answer = list_page(&storage, &districts, layout, paging, &uri).await?;
        return Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, answer));
    }
    let submitted = forms.clone();
    let outcome = storage.write(move |tx| apply(tx, &submitted, actor)).await?;
    let problems = match outcome {
        Ok(flash) => {
            classification::start(&storage, &districts).await;
            return Ok(redirect_with_flash(
                uri.path_and_query().map_or("/districts/unknown", |path| path.as_str()),
                flash,
            ));
        }
        Err(problems) => problems,
    };
    let message = "수정하지 못한 주문이 있어요. 표시된 곳을 확인해 주세요. 아직 아무것도 바뀌지 않았어요.";
    layout.flash = Some(Flash::new(Tone::Danger, message));
    let mut answer = list_page(&storage, &districts, layout, paging, &uri).await?;
    for row in &mut answer.rows {
        let Some(form) = forms.iter().find(|form| form.order_id == row.order.id) else { continue };
        row.ticked = true;
        row.form = RowForm { version: row.order.version, ..form.clone() };
        row.problems = problems.iter().filter(|problem| problem.order_id == form.order_id).cloned().collect();
    }
    Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, answer))
}

/// The correction to delete: that of a postal code, or that of one order.
#[derive(serde::Deserialize)]
pub(super) struct UndoForm {
    #[serde(default)]
    zip: String,
    #[serde(default)]
    order: String,
}

pub(super) async fn undo(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    actor: MemberActor,
    crate::web::Form(UndoForm { zip, order }): crate::web::Form<UndoForm>,
) -> PageResult {
    let order = match order.as_str() {
        "" => None,
        id => Some(parse_id(id)?),
    };
    let flash = storage
        .write(move |tx| {
            let existed = match order {
                Some(id) => store::delete_order_correction(tx, id)?,
                None => store::delete_zip_correction(tx, &zip)?,
            };
            let mut numbers = NumberList::default();
            if let Some(id) = order {
                let districts = store::load(tx)?;
                let found = orders::find(tx, &[id])?;
                let deliveries: Vec<DeliveryId> = found.iter().map(|order| order.delivery_id).collect();
                numbers = found.into_iter().map(|order| order.order_number).collect();
                let cause = ChangeContext { actor: actor.into(), upload_id: None, action: Action::Classified };
                classify(tx, cause, &districts, &deliveries)?;
            }
            if !existed {
                return Flash::warning("이미 되돌렸어요.").save(tx, actor.id);
            }
            let (object, event) = match order {
                Some(id) => (AuditObject::one(id), AuditEvent::OrderCorrectionUndone { orders: numbers }),
                None => (AuditObject::UNNUMBERED, AuditEvent::ZipCorrectionUndone { zip_code: zip.clone() }),
            };
            audit::record(tx, actor, object, &event)?;
            Flash::success("수정한 지역을 되돌렸어요.").save(tx, actor.id)
        })
        .await?;
    classification::start(&storage, &districts).await;
    Ok(redirect_with_flash("/districts/unknown", flash))
}

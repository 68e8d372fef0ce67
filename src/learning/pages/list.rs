//! `/learning`: the minutes of products and the factors of roads by finished days beside the present ones, to be accepted one
//! by one.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use serde::Deserialize;

use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::districts::{DistrictCache, Districts};
use crate::id::{Id, ProductId};
use crate::learning::model::{LearntMinutes, MIN_STOPS};
use crate::learning::roads::{LearntFactor, MIN_DRIVES};
use crate::learning::store::{LEARNT_DAYS, learnt_factors, learnt_minutes};
use crate::products::model::Product;
use crate::products::store as products;
use crate::storage::{Result as StorageResult, Storage, StorageError, Tx};
use crate::trucks::handling::PieceEffort;
use crate::trucks::roads::road_name;
use crate::trucks::store::{self as trucks, HandlingKey};
use crate::web::{Error, Flash, FlashId, Form, Layout, PageAction, PageKind, PageResult, page, redirect_with_flash};

/// A learnt value of a product.
struct LearntRow {
    id: String,
    name: String,
    learnt: LearntMinutes,
}

/// A learnt factor of a road.
struct RoadRow {
    names: String,
    learnt: LearntFactor,
}

impl RoadRow {
    /// What the button sends: both areas, the present and the learnt percent.
    fn value(&self) -> String {
        let LearntFactor { areas, present, learnt, .. } = self.learnt;
        format!("{}-{}-{present}-{learnt}", areas.0, areas.1)
    }
}

#[derive(Template)]
#[template(path = "learning/list.html")]
struct LearningPage {
    layout: Layout,
    rows: Vec<LearntRow>,
    roads: Vec<RoadRow>,
    tours: usize,
}

impl LearningPage {
    fn may_edit(&self) -> bool {
        self.layout.may(PageKind::Plans, PageAction::Edit)
    }
}

pub(super) async fn list(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    layout: Layout,
) -> PageResult {
    let districts = districts.refresh(&storage).await?;
    let for_read = districts.clone();
    let read = storage.read(move |tx| {
        Ok::<_, StorageError>((learnt_minutes(tx)?, products::all(tx)?, learnt_factors(tx, &for_read)?))
    });
    let ((learnt, tours), products, factors) = read.await?;
    let road = |learnt: LearntFactor| RoadRow { names: road_name(&districts, learnt.areas), learnt };
    let mut roads: Vec<RoadRow> = factors.into_iter().map(road).collect();
    roads.sort_by_key(|row| std::cmp::Reverse((row.learnt.learnt - row.learnt.present).abs()));
    let names: BTreeMap<ProductId, String> =
        products.into_iter().map(|product: Product| (product.id, product.name)).collect();
    let mut rows: Vec<LearntRow> = learnt
        .into_iter()
        .map(|learnt| LearntRow {
            id: learnt.product_id.to_string(),
            name: names.get(&learnt.product_id).cloned().unwrap_or_default(),
            learnt,
        })
        .collect();
    // What differs most comes first.
    rows.sort_by_key(|row| std::cmp::Reverse((row.learnt.learnt - row.learnt.present).abs()));
    Ok(page(LearningPage { layout, rows, roads, tours }))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AcceptForm {
    /// product, present and learnt minutes as the page showed them: `ABC-30-40`
    accept: String,
    /// areas, present and learnt percent of a road as the page showed them: `47150-47190-100-120`
    accept_road: String,
}

impl AcceptForm {
    /// Product, present and learnt minutes.
    fn parse(&self) -> Option<(ProductId, i64, i64)> {
        let mut parts = self.accept.split('-');
        let product = Id::parse(parts.next()?)?;
        let (present, learnt) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some((product, present, learnt))
    }

    /// Areas, present and learnt percent of a road.
    fn parse_road(&self) -> Option<((i64, i64), i64, i64)> {
        let numbers: Vec<i64> = self.accept_road.split('-').map_while(|part| part.parse().ok()).collect();
        let [from, to, present, learnt] = numbers[..] else { return None };
        Some(((from, to), present, learnt))
    }
}

pub(super) async fn update(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    actor: MemberActor,
    Form(form): Form<AcceptForm>,
) -> PageResult {
    if let Some(shown) = form.parse_road() {
        let districts = districts.refresh(&storage).await?;
        let write = move |tx: &mut dyn Tx| accept_road(tx, actor, &districts, shown);
        return Ok(redirect_with_flash("/learning", storage.write(write).await?));
    }
    let (product_id, present, minutes) = form.parse().ok_or(Error::NotFound)?;
    let write = move |tx: &mut dyn Tx| {
        let (learnt, _) = learnt_minutes(tx)?;
        let found = learnt.into_iter().find(|learnt| learnt.product_id == product_id);
        let shown = found.filter(|learnt| (learnt.present, learnt.learnt) == (present, minutes));
        let Some(learnt) = shown else {
            return Flash::warning("그 사이 값이 바뀌었어요. 확인하고 다시 눌러 주세요.").save(tx, actor.id);
        };
        let was = trucks::product_handling(tx)?.remove(&product_id);
        let default = trucks::settings(tx)?.default_handling;
        let is = PieceEffort { minutes: learnt.learnt, ..was.unwrap_or(default) };
        trucks::set_handling(tx, HandlingKey::Product(product_id), was, Some(is))?;
        let event = AuditEvent::MinutesLearnt { was: present, is: learnt.learnt, stops: learnt.stops };
        audit::record(tx, actor, AuditObject::one(product_id), &event)?;
        Flash::success(event.sentence()).save(tx, actor.id)
    };
    Ok(redirect_with_flash("/learning", storage.write(write).await?))
}

/// Accepts a learnt factor, if it is still the one that the page showed.
fn accept_road(
    tx: &mut dyn Tx,
    actor: MemberActor,
    districts: &Districts,
    (areas, present, percent): ((i64, i64), i64, i64),
) -> StorageResult<FlashId> {
    let found = learnt_factors(tx, districts)?.into_iter().find(|learnt| learnt.areas == areas);
    let Some(learnt) = found.filter(|learnt| (learnt.present, learnt.learnt) == (present, percent)) else {
        return Flash::warning("그 사이 값이 바뀌었어요. 확인하고 다시 눌러 주세요.").save(tx, actor.id);
    };
    let drives = i64::try_from(learnt.drives).unwrap_or(i64::MAX);
    trucks::set_road_factor(tx, areas, Some((percent, drives)), actor.id)?;
    let event = AuditEvent::RoadFactorSaved { districts: road_name(districts, areas), percent: Some(percent), drives };
    audit::record(tx, actor, AuditObject::UNNUMBERED, &event)?;
    Flash::success(event.sentence()).save(tx, actor.id)
}

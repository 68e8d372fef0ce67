//! `/learning`: the minutes of products by finished days beside the present ones, to be accepted one by one.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use serde::Deserialize;

use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::id::{crockford, parse_crockford};
use crate::learning::model::{LearntMinutes, MIN_STOPS};
use crate::learning::store::{LEARNT_DAYS, learnt_minutes};
use crate::products::model::Product;
use crate::products::store as products;
use crate::storage::{Storage, StorageError, Tx};
use crate::trucks::handling::PieceEffort;
use crate::trucks::store::{self as trucks, HandlingKey};
use crate::web::{Error, Flash, Form, Layout, PageAction, PageKind, PageResult, page, redirect_with_flash};

/// A learnt value of a product.
struct LearntRow {
    id: String,
    name: String,
    learnt: LearntMinutes,
}

#[derive(Template)]
#[template(path = "learning/list.html")]
struct LearningPage {
    layout: Layout,
    rows: Vec<LearntRow>,
    tours: usize,
}

impl LearningPage {
    fn may_edit(&self) -> bool {
        self.layout.may(PageKind::Plans, PageAction::Edit)
    }
}

pub(super) async fn list(State(storage): State<Storage>, layout: Layout) -> PageResult {
    let read = storage.read(|tx| Ok::<_, StorageError>((learnt_minutes(tx)?, products::all(tx)?)));
    let ((learnt, tours), products) = read.await?;
    let names: BTreeMap<i64, String> =
        products.into_iter().map(|product: Product| (product.id, product.name)).collect();
    let mut rows: Vec<LearntRow> = learnt
        .into_iter()
        .map(|learnt| LearntRow {
            id: crockford(learnt.product_id),
            name: names.get(&learnt.product_id).cloned().unwrap_or_default(),
            learnt,
        })
        .collect();
    // What differs most comes first.
    rows.sort_by_key(|row| std::cmp::Reverse((row.learnt.learnt - row.learnt.present).abs()));
    Ok(page(LearningPage { layout, rows, tours }))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AcceptForm {
    /// product, present and learnt minutes as the page showed them: `ABC-30-40`
    accept: String,
}

impl AcceptForm {
    /// Product, present and learnt minutes.
    fn parse(&self) -> Option<(i64, i64, i64)> {
        let mut parts = self.accept.split('-');
        let product = parse_crockford(parts.next()?)?;
        let (present, learnt) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some((product, present, learnt))
    }
}

pub(super) async fn update(
    State(storage): State<Storage>,
    actor: MemberActor,
    Form(form): Form<AcceptForm>,
) -> PageResult {
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

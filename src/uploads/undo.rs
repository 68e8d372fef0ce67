//! Taking an applied upload back as a whole.
//!
//! Orders that it created and nobody touched since are deleted, with their empty deliveries and the products and variants
//! that only they brought. Changed fields get their former values from the log. What later work depends on stays, and is
//! listed with the reason. The logs, the report and the original file remain.

pub mod rules;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use self::rules::{AppliedUpload, KeptChange, OrderHistory, OrderUndo, superfluous, undo_changed, undo_created};
use super::store::{self, BroughtProduct, BroughtVariant};
use super::{Stage, Upload};
use crate::audit::{self, Actor, AuditEvent, AuditObject, NumberList, RecordedEvent};
use crate::id::{ConflictId, DeliveryId, OrderId, ProductId, UploadId, VariantId};
use crate::orders::follow::{FieldChange, FollowedField, changes_between};
use crate::orders::model::Order;
use crate::orders::store::channel_conflicts::{self, ConflictResolution};
use crate::orders::store::statements::{self, StoredStatement};
use crate::orders::store::{self as orders, Action, ChangeContext, bulk_actions, deliveries, log};
use crate::storage::{Result, Tx};

/// An order whose changes are taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoredOrder {
    /// the order as it is
    pub before: Order,
    /// the order with its former values
    pub after: Order,
    /// changes that stay
    pub kept: Vec<KeptChange>,
    /// entries of the upload at the end of its log
    last_entries: usize,
}

impl RestoredOrder {
    /// The columns that get their former values.
    pub fn changes(&self) -> Vec<FieldChange> {
        changes_between(&self.before, &self.after)
    }
}

/// What taking an upload back does.
#[derive(Debug)]
pub struct UndoPlan {
    /// the upload
    pub upload: Upload,
    /// orders to delete
    pub deleted: Vec<Order>,
    /// orders to restore
    pub restored: Vec<RestoredOrder>,
    /// orders that stay as they are, and why
    pub kept: Vec<(Order, KeptChange)>,
    /// products to delete
    pub products: Vec<BroughtProduct>,
    /// variants to delete
    pub variants: Vec<BroughtVariant>,
    /// products of the upload that are used or were edited since
    pub kept_products: Vec<BroughtProduct>,
    unsaid: Vec<(OrderId, FollowedField, i64)>,
    applied: AppliedUpload,
}

impl UndoPlan {
    /// Number of orders that stay as a whole or in part.
    pub fn kept_count(&self) -> usize {
        self.kept.len() + self.restored.iter().filter(|order| !order.kept.is_empty()).count()
    }

    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.deleted.is_empty() && self.restored_count() == 0 && self.products.is_empty() && self.variants.is_empty()
    }

    /// Number of orders that get former values.
    pub fn restored_count(&self) -> usize {
        self.restored.iter().filter(|order| order.before != order.after).count()
    }

    fn event(&self) -> AuditEvent {
        fn numbers<'a>(orders: impl Iterator<Item = &'a str>) -> NumberList {
            let mut list = NumberList::default();
            orders.for_each(|number| list.push(number));
            list
        }
        let kept_parts = self.restored.iter().filter(|order| !order.kept.is_empty()).map(|order| &order.before);
        let changed = self.restored.iter().filter(|order| order.before != order.after);
        AuditEvent::UploadUndone {
            file_name: self.upload.file_name.clone(),
            deleted: numbers(self.deleted.iter().map(|order| order.order_number.as_str())),
            restored: numbers(changed.map(|order| order.before.order_number.as_str())),
            kept: numbers(
                self.kept.iter().map(|(order, _)| order).chain(kept_parts).map(|order| order.order_number.as_str()),
            ),
            products: numbers(self.products.iter().map(|product| product.number.as_str())),
            variants: self.variants.len(),
        }
    }
}

/// Plans taking an upload back; none if there is no such upload, or it is not applied. Changes nothing.
///
/// # Errors
/// The database failed.
pub fn plan_undo(tx: &mut dyn Tx, upload_id: UploadId) -> Result<Option<UndoPlan>> {
    let Some(upload) = store::find(tx, upload_id)? else { return Ok(None) };
    let (Stage::Applied, Some(applied_at)) = (upload.stage, upload.applied_at) else { return Ok(None) };
    let applied = AppliedUpload { id: upload_id, applied_at };
    let mut ids: BTreeSet<OrderId> = store::reported_orders(tx, upload_id)?.into_iter().collect();
    ids.extend(statements::orders_of_upload(tx, upload_id)?);
    let ids: Vec<OrderId> = ids.into_iter().collect();
    let mut found = orders::find(tx, &ids)?;
    found.sort_by_key(|order| order.id);
    let logs = log::changes_of(tx, &ids)?;
    let mut said: HashMap<OrderId, Vec<StoredStatement>> = HashMap::new();
    for statement in statements::stored(tx, &ids)? {
        said.entry(statement.order_id).or_default().push(statement);
    }
    let planned = planned_orders(tx, &found)?;
    let work =
        store::later_work(tx, applied, &found.iter().map(|order| (order.id, order.delivery_id)).collect::<Vec<_>>())?;
    let mut plan = UndoPlan {
        upload,
        deleted: Vec::new(),
        restored: Vec::new(),
        kept: Vec::new(),
        products: Vec::new(),
        variants: Vec::new(),
        kept_products: Vec::new(),
        unsaid: Vec::new(),
        applied,
    };
    for order in found {
        let said = said.get(&order.id).map_or(&[][..], Vec::as_slice);
        let history = OrderHistory {
            order: &order,
            log: logs.get(&order.id).map_or(&[], Vec::as_slice),
            said,
            work: work.get(&order.id).map(String::as_str),
            is_planned: planned.contains(&order.id),
        };
        let undo = if order.upload_id == Some(upload_id) {
            Some(undo_created(applied, &history))
        } else {
            undo_changed(applied, &history)
        };
        match undo {
            None => {}
            Some(OrderUndo::Delete) => plan.deleted.push(order),
            Some(OrderUndo::Keep(kept)) => plan.kept.push((order, kept)),
            Some(OrderUndo::Restore { former, kept, unsaid, last_entries }) => {
                let after = bulk_actions::restore(&order, &former)?;
                let gone = superfluous(&after, said, &unsaid).into_iter().chain(unsaid);
                plan.unsaid.extend(gone.map(|(field, position)| (order.id, field, position)));
                plan.restored.push(RestoredOrder { before: order, after, kept, last_entries });
            }
        }
    }
    keep_planned(tx, &mut plan)?;
    plan_goods(tx, &mut plan)?;
    Ok(Some(plan))
}

/// Those of these orders that a plan of the trucks has, or whose day was promised.
fn planned_orders(tx: &mut dyn Tx, orders: &[Order]) -> Result<BTreeSet<OrderId>> {
    let deliveries: BTreeSet<DeliveryId> = orders.iter().map(|order| order.delivery_id).collect();
    let planned = store::planned_deliveries(tx, &deliveries.into_iter().collect::<Vec<_>>())?;
    let mut found = store::orders_on_the_way(tx, &orders.iter().map(|order| order.id).collect::<Vec<_>>())?;
    found.extend(orders.iter().filter(|order| planned.contains(&order.delivery_id)).map(|order| order.id));
    Ok(found)
}

/// Keeps the orders of deliveries that would be empty but are in a plan of the trucks, and those that a job names or a truck
/// has loaded.
fn keep_planned(tx: &mut dyn Tx, plan: &mut UndoPlan) -> Result<()> {
    let deliveries: Vec<DeliveryId> =
        plan.deleted.iter().map(|order| order.delivery_id).collect::<BTreeSet<_>>().into_iter().collect();
    let planned = store::planned_deliveries(tx, &deliveries)?;
    let orders = store::orders_by_delivery(tx, &planned.iter().copied().collect::<Vec<_>>())?;
    let deleted: BTreeSet<OrderId> = plan.deleted.iter().map(|order| order.id).collect();
    let is_emptied =
        |delivery: &DeliveryId| orders.get(delivery).is_none_or(|ids| ids.iter().all(|id| deleted.contains(id)));
    let kept: BTreeSet<DeliveryId> = planned.into_iter().filter(is_emptied).collect();
    let ids: Vec<OrderId> = deleted.iter().copied().collect();
    let on_the_way = store::orders_on_the_way(tx, &ids)?;
    let (stays, goes) = std::mem::take(&mut plan.deleted)
        .into_iter()
        .partition(|order| kept.contains(&order.delivery_id) || on_the_way.contains(&order.id));
    plan.deleted = goes;
    let stays: Vec<Order> = stays;
    plan.kept.extend(
        stays
            .into_iter()
            .map(|order| (order, KeptChange { fields: Vec::new(), reason: "그 뒤에 배차에 들어갔어요".to_owned() })),
    );
    Ok(())
}

/// Products and variants that only the upload brought.
fn plan_goods(tx: &mut dyn Tx, plan: &mut UndoPlan) -> Result<()> {
    let products = store::brought_products(tx, plan.upload.id)?;
    let variants = store::brought_variants(tx, plan.upload.id)?;
    let deleted: BTreeSet<OrderId> = plan.deleted.iter().map(|order| order.id).collect();
    let restored: BTreeMap<OrderId, &Order> =
        plan.restored.iter().map(|order| (order.before.id, &order.after)).collect();
    let concerned: BTreeSet<ProductId> =
        products.iter().map(|product| product.id).chain(variants.iter().map(|variant| variant.product_id)).collect();
    let (mut used_products, mut used_options) = (BTreeSet::new(), BTreeSet::new());
    for product_id in concerned {
        store::for_each_options(tx, product_id, &mut |order_id, options| {
            if deleted.contains(&order_id) {
                return;
            }
            used_products.insert(product_id);
            let options = match restored.get(&order_id) {
                Some(order) => order.options.iter().map(|option| (option.key.clone(), option.value.clone())).collect(),
                None => options,
            };
            used_options.extend(options.into_iter().map(|(key, value)| (product_id, key, value)));
        })?;
    }
    let is_used = |variant: &BroughtVariant| {
        used_options.contains(&(variant.product_id, variant.key.clone(), variant.value.clone()))
    };
    plan.variants = variants.into_iter().filter(|variant| !variant.is_edited && !is_used(variant)).collect();
    let goes: BTreeSet<VariantId> = plan.variants.iter().map(|variant| variant.id).collect();
    for product in products {
        let is_free = !product.is_edited
            && !used_products.contains(&product.id)
            && !store::has_other_variants(tx, product.id, &goes)?;
        if is_free { plan.products.push(product) } else { plan.kept_products.push(product) }
    }
    Ok(())
}

/// Takes an applied upload back, and records it; none if there is no such upload, or it is not applied.
///
/// # Errors
/// The database failed, or an order changed within the transaction.
pub fn undo(tx: &mut dyn Tx, upload_id: UploadId, actor: Actor) -> Result<Option<(UndoPlan, RecordedEvent)>> {
    let Some(plan) = plan_undo(tx, upload_id)? else { return Ok(None) };
    let context = ChangeContext { actor, upload_id: Some(upload_id), action: Action::UploadUndone };
    let restored: Vec<(&Order, &Order)> = plan.restored.iter().map(|order| (&order.before, &order.after)).collect();
    orders::with_changes(tx, context, |changes| {
        changes.save_all_current(&restored)?;
        changes.delete_all(&plan.deleted)
    })?;
    let emptied: BTreeSet<DeliveryId> = plan.deleted.iter().map(|order| order.delivery_id).collect();
    deliveries::delete_empty(tx, &emptied.into_iter().collect::<Vec<_>>())?;
    let versions: Vec<(OrderId, i64, i64)> = plan
        .restored
        .iter()
        .filter(|order| order.last_entries > 0 && order.kept.is_empty() && order.before != order.after)
        .map(|order| {
            // Each entry was one version.
            let entries = i64::try_from(order.last_entries).unwrap_or(i64::MAX);
            (order.before.id, order.before.version.saturating_sub(entries), order.before.version + 1)
        })
        .collect();
    bulk_actions::carry_versions(tx, &versions)?;
    statements::delete(tx, &plan.unsaid)?;
    settle_conflicts(tx, &plan, actor)?;
    let (variants, products): (Vec<VariantId>, Vec<ProductId>) = (
        plan.variants.iter().map(|variant| variant.id).collect(),
        plan.products.iter().map(|product| product.id).collect(),
    );
    store::delete_goods(tx, &variants, &products)?;
    store::set_undone(tx, upload_id, actor.member_id())?;
    if let Some(kind) = plan.upload.kind {
        store::reopen_rows(tx, kind, plan.applied)?;
    }
    let event = plan.event();
    let entry = audit::record(tx, actor, AuditObject::one(upload_id), &event)?;
    Ok(Some((plan, RecordedEvent { event, audit_entry_id: Some(entry) })))
}

/// Closes the open conflicts of the upload, and opens those that it had replaced.
fn settle_conflicts(tx: &mut dyn Tx, plan: &UndoPlan, actor: Actor) -> Result<()> {
    let own = channel_conflicts::of_upload(tx, plan.upload.id, 0..=u32::MAX)?;
    let open: Vec<(ConflictId, UploadId)> =
        own.iter().filter(|own| own.resolved.is_none()).map(|own| (own.id, own.upload_id)).collect();
    channel_conflicts::close(tx, &open, ConflictResolution::Undone, actor.member_id())?;
    let restored: Vec<OrderId> = plan.restored.iter().map(|order| order.before.id).collect();
    let of_orders = channel_conflicts::of_orders(tx, &restored)?;
    let is_replaced_here = |known: &&channel_conflicts::ChannelConflict| {
        let is_later = |other: &channel_conflicts::ChannelConflict| {
            other.id > known.id
                && other.field == known.field
                && other.order_id == known.order_id
                && other.upload_id != plan.upload.id
        };
        known.upload_id != plan.upload.id
            && matches!(known.resolved, Some((ConflictResolution::Replaced, _, at)) if at == plan.applied.applied_at)
            && !of_orders.iter().any(is_later)
    };
    let replaced: Vec<(ConflictId, UploadId)> =
        of_orders.iter().filter(is_replaced_here).map(|known| (known.id, known.upload_id)).collect();
    channel_conflicts::reopen(tx, &replaced)
}

#[cfg(test)]
mod tests;

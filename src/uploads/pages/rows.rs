//! The rows of a report as its page shows them, and the values of the channel that wait for a decision.

use std::collections::{BTreeSet, HashMap};

use crate::id::{ChannelId, ConflictId, OrderId, UploadId};
use crate::orders::follow::{FieldChange, FollowedField, HoldReason, display_value};
use crate::orders::labels::field_label;
use crate::orders::model::{Order, OrderState, ShippingMethod};
use crate::orders::store as orders;
use crate::orders::store::channel_conflicts::{self, ChannelConflict};
use crate::storage::{Result as StorageResult, Tx};
use crate::uploads::check::Reason;
use crate::uploads::decisions::describe;
use crate::uploads::model::{ResolvedBy, TrackingChange};
use crate::uploads::{RowReport, StoredRow, change_value};

/// A row of the report, with the current state of its order.
pub(super) struct RowView {
    pub(super) report: RowReport,
    pub(super) resolved: Option<ResolvedBy>,
    pub(super) order_id: Option<String>,
    /// the orders with the row's number
    pub(super) order_ids: Vec<OrderId>,
    /// the order's current tracking number
    pub(super) tracking: TrackingChange,
    /// the open claim that keeps the order where it is, or empty
    pub(super) claim: String,
    /// the method of an order that no courier has
    pub(super) method: Option<ShippingMethod>,
    pub(super) is_ticked: bool,
    pub(super) problem: Option<String>,
}

/// A value of the channel to decide about.
pub(super) struct DecisionView {
    /// the conflict; none in a preview, or where another upload has it
    pub(super) id: Option<ConflictId>,
    pub(super) place: String,
    pub(super) order_number: String,
    pub(super) order_id: Option<String>,
    pub(super) label: String,
    pub(super) ours: String,
    pub(super) channel: String,
    pub(super) reason: HoldReason,
    /// who edited the value, and when
    pub(super) edited: String,
    /// how it was decided
    pub(super) resolved: Option<String>,
    pub(super) problem: Option<String>,
}

impl DecisionView {
    pub(super) const fn reason_text(&self) -> &'static str {
        match self.reason {
            HoldReason::Edited => "여기서 수정한 값이 있어요",
            HoldReason::Older => "전에 알렸던 값이에요. 더 오래된 파일 같아요",
            HoldReason::Late => "이미 나갔거나 수량이 늘었어요",
            HoldReason::Method => "택배로 보내는 주문이 아니에요. 판매채널 값으로 정하면 택배로 바꿔요",
        }
    }
}

/// The values to decide about in these rows.
pub(super) fn decision_views(
    tx: &mut dyn Tx,
    id: UploadId,
    is_applied: bool,
    rows: &[RowView],
) -> StorageResult<Vec<DecisionView>> {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(Vec::new()) };
    let stored = channel_conflicts::of_upload(tx, id, first.number()..=last.number())?;
    let mut views = Vec::new();
    for row in rows {
        for conflict in &row.report.conflicts {
            let field = FollowedField::from_code(&conflict.field);
            let of_row = |stored: &&ChannelConflict| stored.position == row.number() && Some(stored.field) == field;
            let stored = stored.iter().find(of_row);
            let settled = |stored: &ChannelConflict| {
                let (resolution, by, at) = stored.resolved.as_ref()?;
                Some(describe(*resolution, by.as_deref(), *at))
            };
            let ours = stored.filter(|stored| stored.resolved.is_none());
            let edited = [conflict.edited_by.as_deref(), conflict.edited_at.as_deref()];
            views.push(DecisionView {
                id: stored.filter(|stored| stored.resolved.is_none()).map(|stored| stored.id),
                place: row.report.place(),
                order_number: row.report.order_number.clone(),
                order_id: row.order_id.clone(),
                label: field.map_or(conflict.field.as_str(), |field| field.label()).to_owned(),
                ours: ours
                    .map_or_else(|| conflict.ours.clone(), |stored| display_value(stored.field, &stored.own_value)),
                channel: conflict.channel.clone(),
                reason: conflict.reason,
                edited: edited.into_iter().flatten().collect::<Vec<_>>().join(" · "),
                resolved: match stored {
                    Some(stored) => settled(stored),
                    None if is_applied => Some("앞선 업로드에서 정했거나 정할 값이에요".to_owned()),
                    None => None,
                },
                problem: None,
            });
        }
    }
    Ok(views)
}

/// The value of a reason in quotation marks.
fn quoted(reason: &Reason) -> String {
    if reason.value.is_empty() { String::new() } else { format!("‘{}’", reason.value) }
}

/// The rows of a page with their orders.
pub(super) fn row_views(
    tx: &mut dyn Tx,
    channel: Option<ChannelId>,
    stored: Vec<StoredRow>,
) -> StorageResult<Vec<RowView>> {
    let numbers: Vec<&str> = stored.iter().map(|row| row.report.order_number.as_str()).collect();
    let ids = orders::ids_by_number(tx, channel, &numbers)?;
    let ids_of = |row: &StoredRow| ids.get(&row.report.order_number).cloned().unwrap_or_default();
    let of_parcels = stored.iter().filter(|row| names_parcel(&row.report));
    let shown: BTreeSet<OrderId> = of_parcels.filter_map(|row| ids_of(row).pop()).collect();
    let found = orders::find(tx, &shown.into_iter().collect::<Vec<_>>())?;
    let found: HashMap<OrderId, Order> = found.into_iter().map(|order| (order.id, order)).collect();
    let view = |row: StoredRow| {
        let ids = ids_of(&row);
        let order = ids.last().filter(|_| names_parcel(&row.report)).and_then(|id| found.get(id)).cloned();
        RowView::new(row, ids, order)
    };
    Ok(stored.into_iter().map(view).collect())
}

/// Whether a row shows a tracking number of its order.
fn names_parcel(report: &RowReport) -> bool {
    report.conflict.is_some() || report.changes.iter().any(|change| change.field == "tracking_number")
}

impl RowView {
    pub(super) fn new(StoredRow { report, resolved }: StoredRow, ids: Vec<OrderId>, order: Option<Order>) -> Self {
        let held = order.as_ref().filter(|order| order.is_held_from(OrderState::Shipped));
        let claim = held.map_or_else(String::new, |order| order.claim.clone());
        let method = order.as_ref().map(|order| order.shipping_method);
        let method = method.filter(|method| method.is_without_courier());
        let tracking = order.map_or_else(TrackingChange::default, |order| TrackingChange {
            tracking_number: order.tracking_number,
            courier: order.courier,
        });
        let order_id = ids.first().copied().map(|id| id.to_string());
        Self { report, resolved, order_id, order_ids: ids, tracking, claim, method, is_ticked: false, problem: None }
    }

    /// The row's position in the report, which forms name.
    pub(super) fn number(&self) -> u32 {
        self.report.position
    }

    /// The courier of the changed tracking number.
    pub(super) fn courier(&self) -> &str {
        let changed = self.report.changes.iter().find(|change| change.field == "courier");
        changed.map_or(&self.tracking.courier, |change| &change.new)
    }

    /// Changed columns: label, former and new value.
    pub(super) fn changes(&self) -> Vec<(&str, String, String)> {
        let changes = self.report.changes.iter().map(|FieldChange { field, old, new }| {
            (field_label(field).unwrap_or(field), change_value(field, old), change_value(field, new))
        });
        changes.collect()
    }

    /// Column, value and message. A message that begins with the name of its column stands without it.
    pub(super) fn reasons(&self) -> Vec<(&str, String, &str)> {
        let parts = self.report.reasons.iter().map(|reason| {
            let column = if reason.message.starts_with(&reason.column) { "" } else { &reason.column };
            (column, quoted(reason), reason.message.as_str())
        });
        parts.collect()
    }
}

//! Effect of a file on known orders: each row is compared with its order and with what the channel said before.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{ImportPlan, order_reason};
use crate::id::{DeliveryId, OrderId};
use crate::orders::bundle::{active, same_destination};
use crate::orders::follow::{
    ChannelRow, FileAge, FollowedField, HeldValue, HoldReason, RowEffect, Statement, display_value, follow,
};
use crate::orders::model::Order;
use crate::orders::store::channel_conflicts::{self, ChannelConflict, ConflictResolution, LastEdit, NewConflict};
use crate::orders::store::statements::{self, FieldStatements, NewStatement};
use crate::orders::store::{self as orders, bundles, seal};
use crate::storage::{Result, Tx};
use crate::time::Moment;
use crate::uploads::check::Reason;
use crate::uploads::model::{FieldConflict, Report};

/// Compares rows with known orders, and collects what they say.
pub(super) struct Follower {
    said: HashMap<OrderId, FieldStatements>,
    /// orders whose personal data is sealed
    sealed: BTreeSet<OrderId>,
    /// what the file proves about its age
    pub(super) age: FileAge,
    now: Moment,
    new: Vec<NewStatement>,
    /// index in the report and order of each held value
    held: Vec<(usize, OrderId, HeldValue)>,
    /// fields about which the channel said something
    spoken: BTreeSet<(OrderId, FollowedField)>,
}

impl Follower {
    /// Loads what the channel said of these orders.
    pub(super) fn load(tx: &mut dyn Tx, ids: &[OrderId], age: FileAge) -> Result<Self> {
        let (said, sealed) = (statements::of_orders(tx, ids)?, seal::sealed(tx, ids)?);
        let (new, held, spoken) = (Vec::new(), Vec::new(), BTreeSet::new());
        Ok(Self { said, sealed, age, now: tx.now(), new, held, spoken })
    }

    /// The effect of a row on an order.
    pub(super) fn effect(&self, order: &Order, row: &ChannelRow<'_>) -> RowEffect {
        let fields = self.said.get(&order.id);
        let said = |field: FollowedField| fields.and_then(|fields| fields.get(&field)).map_or(&[][..], Vec::as_slice);
        let row = ChannelRow { is_sealed: self.sealed.contains(&order.id), ..row.clone() };
        follow(order, &said, &row, &self.age, self.now)
    }

    /// Notes what a row said; `index` is that of its report.
    pub(super) fn note(&mut self, order: &Order, effect: &RowEffect, index: usize) {
        for said in &effect.said {
            let fields = self.said.entry(order.id).or_default();
            let before = fields.entry(said.field).or_default();
            let new = NewStatement::after(before, said.field, order, &said.value, said.as_of);
            let statement = |value: &str, as_of| Statement { value: value.to_owned(), as_of, said_at: self.now };
            before.extend(new.first.as_ref().map(|(value, _)| statement(value, None)));
            before.push(statement(&said.value, said.as_of));
            self.spoken.insert((order.id, said.field));
            self.new.push(new);
        }
        for held in &effect.held {
            self.spoken.insert((order.id, held.field));
            self.held.push((index, order.id, held.clone()));
        }
    }

    /// Adds the statements and conflicts to the plan, and the conflicts to the report.
    pub(super) fn finish(self, tx: &mut dyn Tx, plan: &mut ImportPlan<'_>) -> Result<()> {
        let ids: BTreeSet<OrderId> = self.spoken.iter().map(|(id, _)| *id).collect();
        let known = channel_conflicts::of_orders(tx, &ids.into_iter().collect::<Vec<_>>())?;
        let fields: Vec<(OrderId, FollowedField)> = self.held.iter().map(|(_, id, held)| (*id, held.field)).collect();
        let edits = if fields.is_empty() { BTreeMap::new() } else { channel_conflicts::last_edits(tx, &fields)? };
        let mut known_of: BTreeMap<(OrderId, FollowedField), Vec<&ChannelConflict>> = BTreeMap::new();
        for conflict in &known {
            known_of.entry((conflict.order_id, conflict.field)).or_default().push(conflict);
        }
        let mut waiting = BTreeSet::new();
        let positions = plan.report.positions();
        for (index, order_id, held) in self.held {
            let edited = edits.get(&(order_id, held.field)).cloned().unwrap_or_default();
            let of_field = || known_of.get(&(order_id, held.field)).into_iter().flatten().copied();
            let is_same = |known: &&ChannelConflict| held.field.is_same(&known.channel_value, &held.channel);
            plan.report.rows[index].conflicts.push(field_conflict(&held, &edited));
            if let Some(open) = of_field().filter(is_same).find(|known| known.resolved.is_none()) {
                waiting.insert(open.id);
                continue;
            }
            // A member kept the shop's value although an older file said this one: it is not asked again.
            let is_kept = |known: &ChannelConflict| {
                matches!(known.resolved, Some((ConflictResolution::Own, ..))) && known.reason == HoldReason::Older
            };
            if held.reason == HoldReason::Older && of_field().filter(is_same).any(is_kept) {
                continue;
            }
            plan.conflicts.push(NewConflict {
                order_id,
                field: held.field,
                reason: held.reason,
                channel_value: held.channel,
                own_value: held.ours,
                position: positions[index],
                edited,
            });
        }
        keep_last_conflicts(&mut plan.conflicts);
        let of_statements = self.new.iter().map(|new| (new.order_id, new.field));
        let told: BTreeSet<(OrderId, FollowedField)> =
            of_statements.chain(plan.conflicts.iter().map(|new| (new.order_id, new.field))).collect();
        let is_replaced = |known: &&ChannelConflict| {
            known.resolved.is_none() && !waiting.contains(&known.id) && told.contains(&(known.order_id, known.field))
        };
        plan.replaced = known.iter().filter(is_replaced).map(|known| (known.id, known.upload_id)).collect();
        plan.statements = self.new;
        Ok(())
    }
}

/// Of several rows of a file about one field of an order, the last one counts.
fn keep_last_conflicts(conflicts: &mut Vec<NewConflict>) {
    let mut seen = BTreeSet::new();
    conflicts.reverse();
    conflicts.retain(|new| seen.insert((new.order_id, new.field)));
    conflicts.reverse();
}

fn field_conflict(held: &HeldValue, edited: &LastEdit) -> FieldConflict {
    let is_edit = held.reason == HoldReason::Edited;
    FieldConflict {
        field: held.field.code().to_owned(),
        reason: held.reason,
        channel: display_value(held.field, &held.channel),
        ours: display_value(held.field, &held.ours),
        edited_by: edited.username.clone().filter(|_| is_edit),
        edited_at: edited.at.filter(|_| is_edit).map(|at| at.to_string()),
    }
}

/// What the report says about the effect of a row.
pub(super) fn effect_reasons(order: &Order, effect: &RowEffect, row: &ChannelRow<'_>) -> Vec<Reason> {
    let reason = |field: FollowedField, value: String, message: &str| Reason {
        column: field.label().to_owned(),
        value: value.chars().take(super::super::check::MAX_VALUE_CHARS).collect(),
        message: message.to_owned(),
    };
    let mut reasons = Vec::new();
    for held in &effect.held {
        let message = match held.reason {
            HoldReason::Edited => {
                "판매채널에서 바뀌었지만 여기서 수정한 값이 있어 그대로 두었어요. 어느 값을 쓸지 정해 주세요"
            }
            HoldReason::Older => "판매채널이 전에 알린 값이라 더 오래된 파일 같아요. 어느 값을 쓸지 정해 주세요",
            HoldReason::Method => {
                "택배로 보내는 주문이 아니라 송장번호를 등록하지 않았어요. 택배로 바꾸고 등록할지 정해 주세요"
            }
            HoldReason::Late if held.field == FollowedField::Quantity && !order.goods_are_locked() => {
                "수량이 전보다 많아요. 판매채널에서 확인하고 어느 값을 쓸지 정해 주세요"
            }
            HoldReason::Late => "이미 나간 주문이라 그대로 두었어요. 확인하고 어느 값을 쓸지 정해 주세요",
        };
        reasons.push(reason(held.field, display_value(held.field, &held.channel), message));
    }
    if let Some(state) = effect.earlier_state {
        let message = "판매채널이 더 나아간 상태를 이미 알렸어요. 더 오래된 파일 같아서 되돌리지 않았어요";
        reasons.push(reason(FollowedField::State, state.label().to_owned(), message));
    }
    if let Some(state) = effect.taken_back {
        let message = "판매채널이 상태를 되돌렸어요. 여기서는 그대로 두었으니 판매채널에서 확인해 주세요";
        reasons.push(reason(FollowedField::State, state.label().to_owned(), message));
    }
    for field in &effect.closed {
        let message = format!("{} 주문이라 바뀐 값을 반영하지 않았어요", order.state.participle());
        reasons.push(reason(*field, String::new(), &message));
    }
    for field in FollowedField::ALL {
        let is_taken = field.of_order(order) != field.of_order(&effect.after);
        if is_taken && field.is_known_elsewhere(order) {
            let message = if matches!(field, FollowedField::Quantity | FollowedField::Options) {
                "이미 발주한 주문이에요. 공장에도 알려 주세요"
            } else {
                "이미 출고한 주문이에요. 배송하는 곳에도 알려 주세요"
            };
            reasons.push(reason(field, display_value(field, &field.of_order(&effect.after)), message));
        }
    }
    if let Some(new) = row.values.filter(|_| row.is_other_product) {
        let message = "다른 상품이 적힌 주문이에요. 상품, 옵션, 수량과 금액은 그대로 두었으니 확인해 주세요";
        reasons.push(Reason {
            column: "상품".to_owned(),
            value: new.product_name.clone(),
            message: message.to_owned(),
        });
    }
    reasons
}

/// Warns about changed orders that no longer have the destination of their bundle.
pub(super) fn warn_of_split_bundles(
    tx: &mut dyn Tx,
    changes: &[(Order, Order)],
    index_of: &HashMap<OrderId, usize>,
    report: &mut Report,
) -> Result<()> {
    let place = |order: &Order| (order.shipping_method, order.recipient.clone());
    let moved: Vec<&(Order, Order)> = changes
        .iter()
        .filter(|(before, after)| {
            let ((method, recipient), (new_method, new_recipient)) = (place(before), place(after));
            !same_destination((method, &recipient), (new_method, &new_recipient))
        })
        .collect();
    if moved.is_empty() {
        return Ok(());
    }
    let deliveries: BTreeSet<DeliveryId> = moved.iter().map(|(_, after)| after.delivery_id).collect();
    let ids = bundles::order_ids(tx, &deliveries.into_iter().collect::<Vec<_>>())?;
    let changed: HashMap<OrderId, &Order> = changes.iter().map(|(before, after)| (before.id, after)).collect();
    let mut bundled: HashMap<DeliveryId, Vec<Order>> = HashMap::new();
    for order in orders::find(tx, &ids)? {
        let order = changed.get(&order.id).map_or(order, |after| (*after).clone());
        bundled.entry(order.delivery_id).or_default().push(order);
    }
    for (_, after) in moved {
        let destination = (after.shipping_method, &after.recipient);
        let others = bundled.get(&after.delivery_id).map_or(&[][..], Vec::as_slice);
        let differs = active(others).any(|other| {
            other.id != after.id && !same_destination(destination, (other.shipping_method, &other.recipient))
        });
        if let Some(row) = index_of.get(&after.id).and_then(|index| report.rows.get_mut(*index)).filter(|_| differs) {
            let message = "같은 묶음의 다른 주문과 배송지나 배송방법이 달라요. 배송 전에 확인해 주세요";
            row.reasons.push(Reason {
                column: "묶음배송번호".to_owned(),
                value: String::new(),
                message: message.to_owned(),
            });
        }
    }
    Ok(())
}

/// The reason of a row that changes nothing.
pub(super) fn unchanged_reason(order_number: &str) -> Reason {
    order_reason(order_number, "이미 등록된 주문이에요")
}

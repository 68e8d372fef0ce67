//! What a bulk action does in its transaction.

use super::BulkForm;
use crate::audit::{AuditEvent, MemberActor, NumberList};
use crate::id::OrderId;
use crate::orders::bulk_action::{self, Advance, BulkQuestion};
use crate::orders::bulk_set::{self, BulkValue};
use crate::orders::edit::{Problem, apply_row_form};
use crate::orders::filter::OrderFilter;
use crate::orders::list;
use crate::orders::model::{Order, OrderState};
use crate::orders::store::{self, Action, bundles};
use crate::storage::{Result as StorageResult, Tx};
use crate::time::Moment;
use crate::web::{Answer, Flash, FlashId};

/// Orders that one bulk action changes in its transaction.
pub(super) const MAX_CHOSEN_ORDERS: usize = 50_000;

/// An order that was not saved.
pub(super) struct RejectedRow {
    pub(super) id: OrderId,
    /// the stored version that the problems refer to
    pub(super) version: i64,
    pub(super) problems: Vec<Problem>,
}

/// The outcome of a bulk action.
pub(super) enum BulkOutcome {
    /// it was done; the message for the next page, and the orders that an open claim keeps where they are
    Done { flash: FlashId, held: Vec<OrderId> },
    /// it was not done with these rows; 입력 저장 saved the others
    Refused { flash: Flash, rejected: Vec<RejectedRow> },
    /// nothing was done yet
    Asked(OpenQuestions),
}

/// What is asked before an action.
pub(super) struct OpenQuestions {
    /// number of chosen orders
    pub(super) chosen: usize,
    /// number of those that an open claim holds
    pub(super) held: usize,
    pub(super) questions: Vec<BulkQuestion>,
}

/// Orders as they are stored and as they were edited, and the rows that were not edited rightly.
struct Edits {
    pairs: Vec<(Order, Order)>,
    rejected: Vec<RejectedRow>,
}

/// Does the action, unless there is something to ask first.
pub(super) fn perform(
    tx: &mut dyn Tx,
    actor: MemberActor,
    form: &BulkForm,
    filter: &OrderFilter,
    value: Option<&BulkValue>,
    answer: Option<Answer>,
) -> StorageResult<BulkOutcome> {
    let chosen = chosen(tx, form, filter)?;
    // The member is asked again if another number of orders is found now.
    let answer = answer.filter(|_| !form.all || form.expected == Some(chosen.len()));
    let mut orders = store::find(tx, &chosen)?;
    orders.sort_by_key(|order| order.id);
    let edits = edits(orders, form, tx.now());
    match (form.advance_to, value) {
        (None, None) => save(tx, actor, form, edits, answer),
        _ if !edits.rejected.is_empty() => {
            let message = format!(
                "{}건의 입력에 확인할 곳이 있어서 저장하지도 바꾸지도 않았어요. 표시된 곳을 수정하고 다시 눌러 주세요.",
                edits.rejected.len()
            );
            Ok(BulkOutcome::Refused { flash: Flash::warning(message), rejected: edits.rejected })
        }
        (Some(to), _) => advance(tx, actor, edits.pairs, to, answer, form.all),
        (None, Some(value)) => set(tx, actor, edits.pairs, value, answer, form.all),
    }
}

/// The orders of a bulk action: the ticked ones, or everything found.
fn chosen(tx: &mut dyn Tx, form: &BulkForm, filter: &OrderFilter) -> StorageResult<Vec<OrderId>> {
    if !form.all || form.act == "edit" {
        return Ok(form.ticked.clone());
    }
    let mut ids = list::all_ids(tx, filter)?;
    ids.truncate(MAX_CHOSEN_ORDERS);
    Ok(ids)
}

/// The orders with what was typed into their rows.
fn edits(orders: Vec<Order>, form: &BulkForm, now: Moment) -> Edits {
    let mut edits = Edits { pairs: Vec::with_capacity(orders.len()), rejected: Vec::new() };
    for order in orders {
        match form.row(order.id).map(|inputs| apply_row_form(&order, inputs, now)) {
            None => edits.pairs.push((order.clone(), order)),
            Some(Ok(after)) => edits.pairs.push((order, after)),
            Some(Err(problems)) => {
                edits.rejected.push(RejectedRow { id: order.id, version: order.version, problems });
            }
        }
    }
    edits
}

/// Moves the orders forward to `to`.
fn advance(
    tx: &mut dyn Tx,
    actor: MemberActor,
    mut edits: Vec<(Order, Order)>,
    to: OrderState,
    answer: Option<Answer>,
    is_all_found: bool,
) -> StorageResult<BulkOutcome> {
    let edited: Vec<&Order> = edits.iter().map(|(_, edited)| edited).collect();
    let questions = bulk_action::questions(&edited, to);
    match answer {
        None if is_all_found || !questions.is_empty() => {
            let held = edited.iter().filter(|order| order.is_held_from(to)).count();
            return Ok(BulkOutcome::Asked(OpenQuestions { chosen: edits.len(), held, questions }));
        }
        Some(Answer::Rest) => {
            edits.retain(|(order, _)| !questions.iter().any(|question| question.ids.contains(&order.id)));
        }
        None | Some(Answer::All | Answer::Back) => {}
    }
    let Advance { recorded, held } = bulk_action::advance_edited(tx, actor, edits, to, &[])?;
    Ok(BulkOutcome::Done { flash: Flash::from(&recorded).save(tx, actor.id)?, held })
}

/// Sets one value for all orders, after the number of everything found was confirmed.
fn set(
    tx: &mut dyn Tx,
    actor: MemberActor,
    edits: Vec<(Order, Order)>,
    value: &BulkValue,
    answer: Option<Answer>,
    is_all_found: bool,
) -> StorageResult<BulkOutcome> {
    if is_all_found && answer.is_none() {
        return Ok(BulkOutcome::Asked(OpenQuestions { chosen: edits.len(), held: 0, questions: Vec::new() }));
    }
    let apart = match value {
        BulkValue::ShippingMethod(_) => {
            let edited: Vec<Order> = edits.iter().map(|(_, edited)| edited.clone()).collect();
            bundles::torn_apart(tx, &edited)?
        }
        _ => Vec::new(),
    };
    let recorded = bulk_set::set_edited(tx, actor, edits, value, &apart)?;
    Ok(BulkOutcome::Done { flash: Flash::from(&recorded).save(tx, actor.id)?, held: Vec::new() })
}

/// Saves the inputs of the ticked rows.
fn save(
    tx: &mut dyn Tx,
    actor: MemberActor,
    form: &BulkForm,
    Edits { mut pairs, rejected }: Edits,
    answer: Option<Answer>,
) -> StorageResult<BulkOutcome> {
    let questions = bulk_action::questions_of_edits(&pairs);
    match answer {
        None if !questions.is_empty() => {
            return Ok(BulkOutcome::Asked(OpenQuestions { chosen: form.ticked.len(), held: 0, questions }));
        }
        // The rows in question keep their state; what else was typed into them is saved.
        Some(Answer::Rest) => {
            let asked = |order: &Order| questions.iter().any(|question| question.ids.contains(&order.id));
            for (before, after) in pairs.iter_mut().filter(|(before, _)| asked(before)) {
                after.state = before.state;
                after.moments = before.moments;
            }
        }
        _ => {}
    }
    let (mut changed, mut unchanged) = (NumberList::default(), NumberList::default());
    pairs.retain(|(before, after)| {
        let numbers = if before == after { &mut unchanged } else { &mut changed };
        numbers.push(before.order_number.as_str());
        before != after
    });
    let event = AuditEvent::OrdersEdited { changed, unchanged, rejected: rejected.len() };
    let flash = Flash::from(&bulk_action::save(tx, actor, Action::Edited, pairs, event)?);
    if rejected.is_empty() {
        return Ok(BulkOutcome::Done { flash: flash.save(tx, actor.id)?, held: Vec::new() });
    }
    Ok(BulkOutcome::Refused { flash, rejected })
}

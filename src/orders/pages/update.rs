//! Saves the form of one order.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::FormContext;
use super::fields::SubmittedForm;
use super::show::{ShowPage, show_page};
use crate::audit::{self, AuditEvent, BundleChange, MemberActor};
use crate::districts::Districts;
use crate::id::OrderId;
use crate::masking;
use crate::members::model::Member;
use crate::members::model::rights::{Sight, Surface, sight};
use crate::orders::bulk_action::{self, BulkQuestion};
use crate::orders::bundle::{
    BundleMove, MergeConflict, Scope, active, bundle_move, merge_conflicts, messages, read_bundle_number,
    was_delivered, with_shared_fields,
};
use crate::orders::edit::{Conflict, Inputs, Problem, apply_order_form, conflicts, inputs_of, take_stored};
use crate::orders::masked::mask_problems;
use crate::orders::model::{Order, Recipient};
use crate::orders::store::bulk_actions::{self, UndoRecord};
use crate::orders::store::create::adopt_options;
use crate::orders::store::{self, Action, ChangeContext, bundles, deliveries, log, member_lists, seal};
use crate::storage::{Result as StorageResult, StorageError, Tx};
use crate::web::{
    Answer, Error, Flash, FlashId, FormPairs, Layout, PageResult, QuestionPage, Tone, page, parse_id, personal_page,
    personal_page_with_status, redirect_with_flash,
};

/// The error of a change of an order whose data is hidden from the member.
pub(super) const HIDDEN: &str = "가린 주문은 수정할 수 없어요. 주문 화면에서 이유를 입력하고 연 다음 수정해 주세요.";

/// The outcome of saving.
enum UpdateOutcome {
    /// the order does not exist
    NotFound,
    /// its data is hidden from the member
    Hidden,
    /// saved
    Saved(FlashId),
    /// nothing changed yet
    Asked(BulkQuestion),
    /// nothing changed
    Rejected(RejectedForm),
}

/// Why nothing changed, with the inputs to show.
struct RejectedForm {
    inputs: Inputs,
    problems: Vec<Problem>,
    conflicts: Vec<Conflict>,
}

pub(super) async fn update(
    State(context): State<FormContext>,
    layout: Layout,
    member: Member,
    actor: MemberActor,
    Path(id): Path<String>,
    FormPairs(pairs): FormPairs,
) -> PageResult<Response> {
    let id = parse_id(&id)?;
    let (answer, here) = (Answer::of(&pairs), format!("/orders/{id}"));
    let form = Arc::new(SubmittedForm::parse(pairs.clone()));
    if answer == Some(Answer::Back) {
        let as_sent = RejectedForm { inputs: form.inputs.clone(), problems: Vec::new(), conflicts: Vec::new() };
        let page = with_inputs(show_page(&context, layout, id).await?, &form, as_sent);
        return Ok(personal_page(page));
    }
    let (submitted, districts) = (Arc::clone(&form), context.districts.clone());
    let outcome = context.storage.write(move |tx| {
        let districts = districts.current(tx)?;
        save(tx, (actor, &member), id, (&submitted, answer), &districts)
    });
    match outcome.await? {
        UpdateOutcome::NotFound => Err(Error::NotFound),
        UpdateOutcome::Hidden => Err(Error::BadRequest(HIDDEN.to_owned())),
        UpdateOutcome::Saved(flash) => Ok(redirect_with_flash(&here, flash)),
        UpdateOutcome::Asked(asked) => Ok(page(question(layout, &asked, pairs, here))),
        UpdateOutcome::Rejected(rejected) => {
            let mut page = with_inputs(show_page(&context, layout, id).await?, &form, rejected);
            let zip_code = page.fields.value("recipient_zip_code");
            if zip_code != page.listed.order.recipient.zip_code {
                page.district = context.districts.cached().full_name(zip_code).map(str::to_owned);
            }
            Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page))
        }
    }
}

/// The page that asks before the order becomes 배송됨 in an unusual way, or 취소됨 late.
fn question(layout: Layout, asked: &BulkQuestion, mut fields: Vec<(String, String)>, action: String) -> QuestionPage {
    fields.retain(|(name, _)| name != "csrf");
    QuestionPage {
        layout,
        title: asked.reason.save_title().to_owned(),
        reasons: vec![asked.sentence()],
        action,
        fields,
        choices: vec![
            (Answer::Rest, "상태는 그대로 두고 저장".to_owned()),
            (Answer::All, asked.reason.save_anyway().to_owned()),
        ],
        stay: "계속 입력하기".to_owned(),
        stays_first: false,
        back: None,
    }
}

/// The page with the submitted inputs, and their problems and conflicts.
fn with_inputs(mut page: ShowPage, form: &SubmittedForm, rejected: RejectedForm) -> ShowPage {
    let message = if rejected.conflicts.is_empty() && rejected.problems.is_empty() {
        "아직 저장하지 않았어요."
    } else if rejected.conflicts.is_empty() {
        "저장하지 못했어요. 표시된 곳을 확인해 주세요."
    } else {
        "그 사이 다른 사람이 이 주문을 바꿔서 저장하지 않았어요. 표시된 곳마다 어느 값을 쓸지 선택하고 다시 저장해 주세요."
    };
    page.layout.flash = Some(Flash::new(Tone::Warning, message));
    page.fields.inputs = rejected.inputs;
    page.fields.problems = rejected.problems;
    page.fields.conflicts = rejected.conflicts;
    if page.fields.is_wrong("courier") && page.fields.value("courier").is_empty() {
        page.fields.inputs.set("courier", page.last_courier.as_str());
    }
    if let Some(options) = &form.options
        && !form.takes_stored("options")
    {
        page.select_options(options);
    }
    page.scope = match form.scope {
        Some(Scope::Alone) => "alone",
        Some(Scope::Bundle) => "bundle",
        None => "",
    };
    page
}

fn save(
    tx: &mut dyn Tx,
    (actor, member): (MemberActor, &Member),
    id: OrderId,
    (form, answer): (&SubmittedForm, Option<Answer>),
    districts: &Districts,
) -> StorageResult<UpdateOutcome> {
    let Some(order) = store::find(tx, &[id])?.pop() else { return Ok(UpdateOutcome::NotFound) };
    let is_sealed = !seal::sealed(tx, &[id])?.is_empty();
    if is_sealed || masking::store::load(tx, member, Surface::OrderPage)?.hides(order.delivery_id, false) {
        return Ok(UpdateOutcome::Hidden);
    }
    let mut form = form.clone();
    if sight(member.role, Surface::AdminMemo, false) != Sight::Full {
        form.inputs.set("admin_memo", order.admin_memo.as_str());
    }
    let form = &form;
    let (inputs, edited) = match edit(tx, &order, form, districts)? {
        Ok(edited) => edited,
        Err(rejected) => return Ok(UpdateOutcome::Rejected(rejected)),
    };
    let pair = [(order, edited)];
    let asked = bulk_action::questions_of_edits(&pair).pop();
    let [(order, mut edited)] = pair;
    match (asked, answer) {
        (Some(asked), None) => return Ok(UpdateOutcome::Asked(asked)),
        (Some(_), Some(Answer::Rest)) => (edited.state, edited.moments) = (order.state, order.moments),
        _ => {}
    }
    // Of the bundle some may be apart already: they are changed with it, or compared with it.
    let companions = bundles::order_ids(tx, &[order.delivery_id])?;
    seal::open_logged(tx, actor.into(), &companions)?;
    let others = bundles::others(tx, &order)?;
    let target = match target_bundle(tx, &order, &edited, &others, (&inputs, form.scope))? {
        Ok(target) => target,
        Err(problem) => {
            return Ok(UpdateOutcome::Rejected(RejectedForm {
                inputs,
                problems: vec![problem],
                conflicts: Vec::new(),
            }));
        }
    };
    edited.delivery_id = match target {
        BundleMove::Leaves => deliveries::insert_empty(tx)?,
        BundleMove::Founds(ref number) => deliveries::insert_numbered(tx, number)?,
        BundleMove::Moves(to) => to,
        BundleMove::Stays | BundleMove::MovesTogether => order.delivery_id,
    };
    adopt_options(tx, &mut edited, None)?;
    let mut changed = vec![(&order, edited.clone())];
    if target == BundleMove::MovesTogether {
        changed.extend(active(&others).map(|other| (other, with_shared_fields(other, &order, &edited))));
    }
    let sends_parcel = order.is_held() && edited.tracking_number != order.tracking_number;
    let is_despite = order.is_held_from(edited.state) || (sends_parcel && !edited.tracking_number.is_empty());
    let action = if is_despite { Action::DespiteClaim } else { Action::Edited };
    let cause = ChangeContext { actor: actor.into(), upload_id: None, action };
    let ((), undo) = store::with_undoable_changes(tx, cause, |changes| {
        for (before, after) in &changed {
            changes.save_current(before, after)?;
            changes.set_action(Action::Edited);
        }
        Ok::<_, StorageError>(())
    })?;
    member_lists::keep_courier(tx, actor.id, changed.iter().map(|(before, after)| (*before, after)))?;
    let mut flash = record(tx, actor, (&order, &edited), &target, changed.len() - 1, &undo)?;
    if edited.recipient != order.recipient {
        flash = with_mismatch(flash, districts, &edited.recipient);
    }
    flash.save(tx, actor.id).map(UpdateOutcome::Saved)
}

/// The order with the submitted inputs, in its present bundle, and the inputs after the conflicts are resolved.
fn edit(
    tx: &mut dyn Tx,
    order: &Order,
    form: &SubmittedForm,
    districts: &Districts,
) -> StorageResult<Result<(Inputs, Order), RejectedForm>> {
    let stored = inputs_of(order, &deliveries::bundle_number(tx, order.delivery_id)?);
    let mut inputs = form.inputs.clone();
    take_stored(&mut inputs, &stored, &form.take_stored);
    let options = form.options.as_deref().filter(|_| !form.takes_stored("options"));
    if options.is_none() {
        inputs.set("options", stored.get("options"));
    }
    let problems = mask_problems(order, &inputs);
    if !problems.is_empty() {
        return Ok(Err(RejectedForm { inputs, problems, conflicts: Vec::new() }));
    }
    if form.version != Some(order.version) {
        let conflicts = conflicts(&stored, &inputs, &log::changed_since(tx, order, form.version)?);
        if !conflicts.is_empty() {
            return Ok(Err(RejectedForm { inputs, problems: Vec::new(), conflicts }));
        }
    }
    Ok(match apply_order_form(order, &inputs, options, tx.now()) {
        Err(problems) => Err(RejectedForm { inputs, problems, conflicts: Vec::new() }),
        Ok(mut edited) => {
            if edited.recipient.is_elsewhere(&order.recipient, districts) {
                edited.sigungu_code = edited.recipient.district(districts);
            }
            Ok((inputs, edited))
        }
    })
}

/// The bundle of the saved order, or the problem of the field that selects it.
fn target_bundle(
    tx: &mut dyn Tx,
    order: &Order,
    edited: &Order,
    others: &[Order],
    (inputs, scope): (&Inputs, Option<Scope>),
) -> StorageResult<Result<BundleMove, Problem>> {
    let number = deliveries::bundle_number(tx, order.delivery_id)?;
    let new_number = inputs.get("bundle_number").trim();
    let problem = |message: &str| Ok(Err(Problem::at("bundle_number", message)));
    if new_number == number {
        return Ok(bundle_move(order, edited, others, scope));
    }
    if scope == Some(Scope::Bundle) {
        return problem("묶음 전체를 바꾸면서 묶음을 옮길 수는 없어요. 하나씩 저장해 주세요.");
    }
    if new_number.is_empty() {
        return match (others.is_empty(), was_delivered(edited)) {
            (true, _) => Ok(Ok(BundleMove::Stays)),
            (false, false) => Ok(Ok(BundleMove::Leaves)),
            (false, true) => problem(MergeConflict::Delivered.message()),
        };
    }
    let Some(delivery_id) = deliveries::find_by_bundle_number(tx, new_number)? else {
        if was_delivered(edited) {
            return problem(MergeConflict::Delivered.message());
        }
        return Ok(match read_bundle_number(new_number) {
            Ok(number) => Ok(BundleMove::Founds(number)),
            Err(message) => Err(Problem::at("bundle_number", message)),
        });
    };
    let found = merge_conflicts(edited, &bundles::orders_of(tx, delivery_id)?);
    if found.is_empty() { Ok(Ok(BundleMove::Moves(delivery_id))) } else { problem(&messages(&found)) }
}

/// Records the change of the order, if it has any, with its undo, and saves the flash message.
fn record(
    tx: &mut dyn Tx,
    actor: MemberActor,
    (order, edited): (&Order, &Order),
    target: &BundleMove,
    companions: usize,
    undo: &UndoRecord,
) -> StorageResult<Flash> {
    let bundle_number = deliveries::bundle_number(tx, edited.delivery_id)?;
    let bundle = match target {
        BundleMove::Stays if order == edited => return Ok(Flash::warning("바뀐 내용이 없어요.")),
        BundleMove::Stays => BundleChange::Stays {},
        BundleMove::Leaves | BundleMove::Founds(_) => BundleChange::Leaves { bundle_number },
        BundleMove::Moves(_) => BundleChange::Moves { bundle_number },
        BundleMove::MovesTogether => BundleChange::MovesTogether { companions },
    };
    let event = AuditEvent::OrderEdited { number: order.order_number.clone(), bundle };
    let recorded = audit::record_effect(tx, actor, &[order.id], event)?;
    if let Some(entry) = recorded.audit_entry_id {
        bulk_actions::record(tx, entry, actor.id, undo)?;
    }
    Ok(Flash::from(&recorded))
}

/// The message, with what does not fit together in the recipient's postal code and address.
pub(super) fn with_mismatch(flash: Flash, districts: &Districts, recipient: &Recipient) -> Flash {
    let Some((of_code, of_address)) = districts.mismatch(&recipient.zip_code, &recipient.address1) else {
        return flash;
    };
    let doubt = format!(
        "우편번호의 지역({of_code})과 주소의 지역({of_address})이 달라요. 지역과 배차는 우편번호를 따르니 우편번호를 확인해 주세요."
    );
    Flash { tone: Tone::Warning, message: format!("{} {doubt}", flash.message), ..flash }
}

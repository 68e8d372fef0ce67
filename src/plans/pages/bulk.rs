//! The actions of the board. Every action is a button of one form, so that the board works without JavaScript.

use std::sync::Arc;

use axum::extract::State;
use chrono::NaiveDate;

use super::undo::UndoToken;
use super::{column_text, parse_column};
use crate::audit::{AuditEvent, MemberActor};
use crate::districts::{DistrictCache, Districts};
use crate::drive::hand_out;
use crate::id::{Id, MemberId, WorkId};
use crate::plans::assign::{NewPlan, Scope};
use crate::plans::board;
use crate::plans::edit::{self, EditContext, FormerPosition, MoveOutcome, MoveResult, Refusal, SeenVersions};
use crate::plans::model::{ColumnKey, Hold, TourState};
use crate::plans::planner;
use crate::plans::store;
use crate::storage::{Result as StorageResult, Storage, Tx};
use crate::time::parse_date;
use crate::web::{Error, Flash, FlashId, FormPairs, PageResult, first_value, redirect_with_flash};

/// Deliveries that one request may change: each looks for its cheapest place while other members wait.
const MAX_TICKED: usize = 500;

/// Chosen deliveries that the board keeps after a preview.
const MAX_KEPT_TICKS: usize = 40;

/// Why a form is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FormProblem {
    /// no button of the board sends it
    Unknown,
    /// more than [`MAX_TICKED`] deliveries
    TooMany,
}

/// What a button of the board does.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Action {
    Assign(Scope),
    /// to a column, before the stop at a position
    Move(ColumnKey, Option<usize>, Vec<WorkId>),
    /// what such a move would cost
    Preview(ColumnKey, Vec<WorkId>),
    Shift(WorkId, bool),
    Unassign(Vec<WorkId>),
    Hold(Hold, Vec<WorkId>),
    Acknowledge(Vec<WorkId>),
    SetState(TourState, Option<ColumnKey>),
    /// puts deliveries back to where they were before a move
    Undo(Vec<FormerPosition>),
    /// 기사에게 넘기기: driver and helper
    HandOut(ColumnKey, Option<MemberId>, Option<MemberId>),
}

/// The form of the board.
struct BoardForm {
    day: NaiveDate,
    seen: SeenVersions,
    action: Action,
}

/// Parses the form. The button is `act`: a verb, and behind a colon the delivery or column that it is about.
///
/// # Errors
/// [`FormProblem`].
fn parse(pairs: &[(String, String)]) -> Result<BoardForm, FormProblem> {
    let form = parse_button(pairs).ok_or(FormProblem::Unknown)?;
    match &form.action {
        Action::Assign(Scope::Deliveries(ids))
        | Action::Move(_, _, ids)
        | Action::Preview(_, ids)
        | Action::Unassign(ids)
        | Action::Hold(_, ids)
            if ids.len() > MAX_TICKED =>
        {
            Err(FormProblem::TooMany)
        }
        _ => Ok(form),
    }
}

fn parse_button(pairs: &[(String, String)]) -> Option<BoardForm> {
    let day = parse_date(first_value(pairs, "day"))?;
    let versions = pairs
        .iter()
        .filter_map(|(name, version)| Some((parse_column(name.strip_prefix("version-")?)?, version.parse().ok()?)));
    let ticked: Vec<WorkId> =
        pairs.iter().filter(|(name, _)| name == "tick").filter_map(|(_, id)| Id::parse(id)).collect();
    let (verb, object) = first_value(pairs, "act").split_once(':').unwrap_or((first_value(pairs, "act"), ""));
    let delivery = || Id::parse(object);
    let one = || delivery().map(|id| vec![id]);
    let action = match (verb, object) {
        ("assign", "") => Action::Assign(Scope::Everything),
        ("assign", column) => Action::Assign(Scope::Column(parse_column(column)?)),
        ("assign-ticked", _) => Action::Assign(Scope::Deliveries(ticked)),
        ("move", _) => Action::Move(parse_column(first_value(pairs, "to"))?, None, ticked),
        ("preview", _) => Action::Preview(parse_column(first_value(pairs, "to"))?, ticked),
        ("drop", id) => {
            let at = first_value(pairs, "at").parse().ok();
            Action::Move(parse_column(first_value(pairs, "drop_to"))?, at, vec![Id::parse(id)?])
        }
        ("up", _) => Action::Shift(delivery()?, false),
        ("down", _) => Action::Shift(delivery()?, true),
        ("off", "") => Action::Unassign(ticked),
        ("off", _) => Action::Unassign(one()?),
        ("hold", _) => {
            let (hold, id) = object.split_once(':')?;
            Action::Hold(Hold::from_code(hold)?, vec![Id::parse(id)?])
        }
        ("hold-ticked", hold) => Action::Hold(Hold::from_code(hold)?, ticked),
        ("acknowledge", _) => Action::Acknowledge(one()?),
        ("fix", "") => Action::SetState(TourState::Fixed, None),
        ("fix", column) => Action::SetState(TourState::Fixed, Some(parse_column(column)?)),
        ("undo", token) => Action::Undo(UndoToken::parse(token)?.former),
        ("hand-out", column) => {
            let member = |field: &str| Id::parse(first_value(pairs, &format!("{field}-{column}")));
            Action::HandOut(parse_column(column)?, member("driver"), member("helper"))
        }
        ("reopen", column) => Action::SetState(TourState::Draft, Some(parse_column(column)?)),
        _ => return None,
    };
    Some(BoardForm { day, seen: versions.collect(), action })
}

pub(super) async fn apply(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    actor: MemberActor,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let BoardForm { day, seen, action } = parse(&pairs).map_err(|problem| {
        Error::BadRequest(match problem {
            FormProblem::Unknown => "어떤 작업인지 알 수 없어요. 새로고침한 뒤 다시 시도해 주세요.".to_owned(),
            FormProblem::TooMany => {
                format!("한 번에 {MAX_TICKED}건까지 바꿀 수 있어요. 아무것도 바꾸지 않았어요. 나누어 선택해 주세요.")
            }
        })
    })?;
    let districts = districts.refresh(&storage).await?;
    let context = EditContext { actor, day, seen };
    let here = format!("/plans?day={day}");
    if let Action::Preview(to, ids) = action {
        return preview(&storage, districts, (actor, day), (to, ids)).await;
    }
    let plan = if let Action::Assign(scope) = &action {
        let for_read = districts.clone();
        let board = storage.read(move |tx| board::load(tx, &for_read, day)).await?;
        match planner::run(board, scope.clone()).await? {
            Ok(plan) => Some(plan),
            Err(reason) => {
                let warn = move |tx: &mut dyn Tx| Flash::warning(reason.sentence()).save(tx, actor.id);
                return Ok(redirect_with_flash(&here, storage.write(warn).await?));
            }
        }
    } else {
        None
    };
    let write = move |tx: &mut dyn Tx| execute(tx, &districts, &context, &action, plan.as_ref());
    let (flash, undo) = storage.write(write).await?;
    let to = undo.map_or_else(|| here.clone(), |token| format!("{here}&undo={token}"));
    Ok(redirect_with_flash(&to, flash))
}

/// Tells what a move would cost, and keeps what was chosen for it.
async fn preview(
    storage: &Storage,
    districts: Arc<Districts>,
    (actor, day): (MemberActor, NaiveDate),
    (to, ids): (ColumnKey, Vec<WorkId>),
) -> PageResult {
    // More would make the address too long.
    let kept = ids.iter().filter(|_| ids.len() <= MAX_KEPT_TICKS);
    let ticks: Vec<String> = kept.map(|id| format!("&tick={id}")).collect();
    let here = format!("/plans?day={day}&to={}{}", column_text(to), ticks.concat());
    let board = storage.read(move |tx| board::load(tx, &districts, day)).await?;
    let name = board.columns.iter().find(|column| column.key() == to).map(edit::column_name).unwrap_or_default();
    let told = match edit::cost_of_move(board, (to, None), &ids) {
        Ok(cost) => Flash::warning(format!("아직 옮기지 않았어요. {name}에 넣으면: {}", cost.sentence())),
        Err(refusal) => Flash::warning(refusal.sentence()),
    };
    Ok(redirect_with_flash(&here, storage.write(move |tx| told.save(tx, actor.id)).await?))
}

/// Executes an action; the message, and what undoes a move.
fn execute(
    tx: &mut dyn Tx,
    districts: &Districts,
    context: &EditContext,
    action: &Action,
    plan: Option<&NewPlan>,
) -> StorageResult<(FlashId, Option<String>)> {
    let outcome: std::result::Result<AuditEvent, Refusal> = match action {
        Action::Move(to, at, ids) => {
            let moved = edit::move_to(tx, districts, context, (*to, *at), ids);
            return report_move(tx, context, moved);
        }
        Action::Shift(id, is_down) => {
            let moved = edit::move_by_one(tx, districts, context, *id, *is_down);
            return report_move(tx, context, moved);
        }
        Action::Unassign(ids) => {
            let moved = edit::unassign(tx, districts, context, ids);
            return report_move(tx, context, moved);
        }
        Action::HandOut(column, driver, helper) => return hand_out(tx, context, *column, (*driver, *helper)),
        Action::Preview(..) => Err(Refusal::Nothing),
        Action::Assign(_) => match plan {
            Some(plan) => edit::apply(tx, districts, context, plan)?,
            None => Err(Refusal::Nothing),
        },
        Action::Hold(hold, ids) => edit::set_hold(tx, districts, context, *hold, ids)?,
        Action::Acknowledge(ids) => edit::acknowledge(tx, districts, context, ids)?,
        Action::SetState(state, only) => edit::set_state(tx, districts, context, *state, *only)?,
        Action::Undo(former) => edit::put_back(tx, districts, context, former)?,
    };
    let flash = match outcome {
        Ok(event) => match event {
            AuditEvent::StopsAssigned { left_out, .. } if left_out > 0 => Flash::warning(event.sentence()),
            _ if matches!(action, Action::Undo(_)) => Flash::success(format!("되돌렸어요. {}", event.sentence())),
            _ => Flash::success(event.sentence()),
        },
        Err(refusal) => Flash::warning(refusal.sentence()),
    };
    Ok((flash.save(tx, context.actor.id)?, None))
}

/// The message about a move: a warning that names what the truck exceeds since then.
fn report_move(tx: &mut dyn Tx, context: &EditContext, moved: MoveResult) -> StorageResult<(FlashId, Option<String>)> {
    let MoveOutcome { event, exceeded, former } = match moved? {
        Ok(moved) => moved,
        Err(refusal) => return Ok((Flash::warning(refusal.sentence()).save(tx, context.actor.id)?, None)),
    };
    let flash = if exceeded.is_empty() {
        Flash::success(event.sentence())
    } else {
        Flash::warning(format!("{}. 이대로는 맞지 않아요: {}", event.sentence(), exceeded.join(", ")))
    };
    let versions = store::tours_of_day(tx, context.day)?.iter().map(|tour| tour.version).sum();
    let undo = UndoToken { versions, former };
    Ok((flash.save(tx, context.actor.id)?, undo.text()))
}

/// Hands the tour of a fixed column out.
fn hand_out(
    tx: &mut dyn Tx,
    context: &EditContext,
    column: ColumnKey,
    who: (Option<MemberId>, Option<MemberId>),
) -> StorageResult<(FlashId, Option<String>)> {
    let tour = store::tours_of_day(tx, context.day)?.into_iter().find(|tour| tour.column == column);
    let seen = context.seen.get(&column).copied().unwrap_or_default();
    let flash = match tour {
        None => Flash::warning(Refusal::Nothing.sentence()),
        Some(tour) => match hand_out::hand_out(tx, context.actor, (tour.id, seen), who)? {
            Ok(event) => Flash::success(hand_out::step_sentence(&event, tx.now().date())),
            Err(refusal) => Flash::warning(refusal.sentence()),
        },
    };
    Ok((flash.save(tx, context.actor.id)?, None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::TruckId;

    fn action(pairs: &[(&str, &str)]) -> Option<Action> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let pairs: Vec<_> = pairs.iter().map(owned).chain([owned(&("day", "2026-12-01"))]).collect();
        parse(&pairs).ok().map(|form| form.action)
    }

    #[test]
    fn more_ticks_than_one_request_may_change_are_refused_as_a_whole() {
        let ticked = |count: i64| {
            let tick = |id| ("tick".to_owned(), crate::id::number_code(id));
            let button =
                [("day", "2026-12-01"), ("act", "off")].map(|(name, value)| (name.to_owned(), value.to_owned()));
            parse(&(1..=count).map(tick).chain(button).collect::<Vec<_>>()).map(|form| form.action)
        };
        assert_eq!(ticked(500), Ok(Action::Unassign((1..=500).map(WorkId::from_raw).collect())));
        assert_eq!(ticked(501), Err(FormProblem::TooMany));
    }

    #[test]
    fn buttons_of_the_board_are_parsed() {
        let column = ColumnKey { truck_id: TruckId::from_raw(1), round: 2 };
        let text = super::super::column_text(column);
        let id = crate::id::number_code(7);
        let with = |verb: &str| action(&[("act", &format!("{verb}:{id}"))]);
        assert_eq!(action(&[("act", "assign")]), Some(Action::Assign(Scope::Everything)));
        assert_eq!(action(&[("act", &format!("assign:{text}"))]), Some(Action::Assign(Scope::Column(column))));
        assert_eq!(
            action(&[("act", "assign-ticked"), ("tick", &id)]),
            Some(Action::Assign(Scope::Deliveries(vec![WorkId::from_raw(7)])))
        );
        assert_eq!(
            action(&[("act", "move"), ("to", &text), ("tick", &id)]),
            Some(Action::Move(column, None, vec![WorkId::from_raw(7)]))
        );
        let previewed = [("act", "preview"), ("to", &*text), ("tick", &*id)];
        assert_eq!(action(&previewed), Some(Action::Preview(column, vec![WorkId::from_raw(7)])));
        let dropped = [("act", &*format!("drop:{id}")), ("drop_to", &text), ("at", "3")];
        assert_eq!(action(&dropped), Some(Action::Move(column, Some(3), vec![WorkId::from_raw(7)])));
        assert_eq!(
            [with("up"), with("down")],
            [Some(Action::Shift(WorkId::from_raw(7), false)), Some(Action::Shift(WorkId::from_raw(7), true))]
        );
        assert_eq!(with("off"), Some(Action::Unassign(vec![WorkId::from_raw(7)])));
        assert_eq!(with("hold:place"), Some(Action::Hold(Hold::Place, vec![WorkId::from_raw(7)])));
        let who = [("act", &*format!("hand-out:{text}")), (&*format!("driver-{text}"), &*id)];
        assert_eq!(action(&who), Some(Action::HandOut(column, Some(MemberId::from_raw(7)), None)));
        assert_eq!(action(&[("act", "fix")]), Some(Action::SetState(TourState::Fixed, None)));
        for wrong in ["", "dance", "up:", "hold:sometimes", "reopen", "move", "undo:x", "hand-out"] {
            assert_eq!(action(&[("act", wrong)]), None, "{wrong}");
        }
    }
}

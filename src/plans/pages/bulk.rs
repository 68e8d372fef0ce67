//! The actions of the board. Every action is a button of one form, so that the board works without JavaScript.

use axum::extract::State;
use chrono::NaiveDate;

use super::parse_column;
use crate::audit::{AuditEvent, MemberActor};
use crate::districts::DistrictCache;
use crate::id::parse_crockford;
use crate::plans::assign::Scope;
use crate::plans::board::board;
use crate::plans::edit::{self, EditContext, EditResult, Refusal, SeenVersions};
use crate::plans::model::{ColumnKey, Hold, TourState};
use crate::plans::planner;
use crate::storage::{Storage, Tx};
use crate::time::parse_date;
use crate::web::{Error, Flash, FormPairs, PageResult, first_value, redirect_with_flash};

/// Deliveries that one request may change: each looks for its cheapest place while other members wait.
const MAX_TICKED: usize = 500;

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
    Move(ColumnKey, Option<usize>, Vec<i64>),
    Shift(i64, bool),
    Unassign(Vec<i64>),
    Hold(Hold, Vec<i64>),
    Acknowledge(Vec<i64>),
    SetState(TourState, Option<ColumnKey>),
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
    let ticked: Vec<i64> =
        pairs.iter().filter(|(name, _)| name == "tick").filter_map(|(_, id)| parse_crockford(id)).collect();
    let (verb, object) = first_value(pairs, "act").split_once(':').unwrap_or((first_value(pairs, "act"), ""));
    let delivery = || parse_crockford(object);
    let one = || delivery().map(|id| vec![id]);
    let action = match (verb, object) {
        ("assign", "") => Action::Assign(Scope::Everything),
        ("assign", column) => Action::Assign(Scope::Column(parse_column(column)?)),
        ("assign-ticked", _) => Action::Assign(Scope::Deliveries(ticked)),
        ("move", _) => Action::Move(parse_column(first_value(pairs, "to"))?, None, ticked),
        ("drop", id) => {
            let at = first_value(pairs, "at").parse().ok();
            Action::Move(parse_column(first_value(pairs, "drop_to"))?, at, vec![parse_crockford(id)?])
        }
        ("up", _) => Action::Shift(delivery()?, false),
        ("down", _) => Action::Shift(delivery()?, true),
        ("off", "") => Action::Unassign(ticked),
        ("off", _) => Action::Unassign(one()?),
        ("hold", _) => {
            let (hold, id) = object.split_once(':')?;
            Action::Hold(Hold::from_code(hold)?, vec![parse_crockford(id)?])
        }
        ("hold-ticked", hold) => Action::Hold(Hold::from_code(hold)?, ticked),
        ("acknowledge", _) => Action::Acknowledge(one()?),
        ("fix", "") => Action::SetState(TourState::Fixed, None),
        ("fix", column) => Action::SetState(TourState::Fixed, Some(parse_column(column)?)),
        ("reopen", column) => Action::SetState(TourState::Draft, Some(parse_column(column)?)),
        _ => return None,
    };
    Some(BoardForm { day, seen: versions.collect(), action })
}

pub(super) async fn bulk(
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
    let plan = if let Action::Assign(scope) = &action {
        let for_read = districts.clone();
        let board = storage.read(move |tx| board(tx, &for_read, day)).await?;
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
    let write = move |tx: &mut dyn Tx| {
        let outcome: std::result::Result<AuditEvent, Refusal> = {
            let (context, districts) = (&context, &*districts);
            let result: EditResult = match &action {
                Action::Assign(_) => match &plan {
                    Some(plan) => edit::apply(tx, districts, context, plan),
                    None => Ok(Err(Refusal::Nothing)),
                },
                Action::Move(to, at, ids) => edit::move_to(tx, districts, context, (*to, *at), ids),
                Action::Shift(id, is_down) => edit::shift(tx, districts, context, *id, *is_down),
                Action::Unassign(ids) => edit::unassign(tx, districts, context, ids),
                Action::Hold(hold, ids) => edit::set_hold(tx, districts, context, *hold, ids),
                Action::Acknowledge(ids) => edit::acknowledge(tx, districts, context, ids),
                Action::SetState(state, only) => edit::set_state(tx, districts, context, *state, *only),
            };
            result?
        };
        let flash = match &outcome {
            Ok(AuditEvent::StopsAssigned { left_out, .. }) if *left_out > 0 => {
                Flash::warning(outcome.as_ref().map(AuditEvent::sentence).unwrap_or_default())
            }
            Ok(event) => Flash::success(event.sentence()),
            Err(refusal) => Flash::warning(refusal.sentence()),
        };
        flash.save(tx, actor.id)
    };
    Ok(redirect_with_flash(&here, storage.write(write).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(pairs: &[(&str, &str)]) -> Option<Action> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let pairs: Vec<_> = pairs.iter().map(owned).chain([owned(&("day", "2026-12-01"))]).collect();
        parse(&pairs).ok().map(|form| form.action)
    }

    #[test]
    fn more_ticks_than_one_request_may_change_are_refused_as_a_whole() {
        let ticked = |count: i64| {
            let tick = |id| ("tick".to_owned(), crate::id::crockford(id));
            let button =
                [("day", "2026-12-01"), ("act", "off")].map(|(name, value)| (name.to_owned(), value.to_owned()));
            parse(&(1..=count).map(tick).chain(button).collect::<Vec<_>>()).map(|form| form.action)
        };
        assert_eq!(ticked(500), Ok(Action::Unassign((1..=500).collect())));
        assert_eq!(ticked(501), Err(FormProblem::TooMany));
    }

    #[test]
    fn buttons_of_the_board_are_parsed() {
        let column = ColumnKey { truck_id: 1, round: 2 };
        let text = super::super::column_text(column);
        let id = crate::id::crockford(7);
        let with = |verb: &str| action(&[("act", &format!("{verb}:{id}"))]);
        assert_eq!(action(&[("act", "assign")]), Some(Action::Assign(Scope::Everything)));
        assert_eq!(action(&[("act", &format!("assign:{text}"))]), Some(Action::Assign(Scope::Column(column))));
        assert_eq!(
            action(&[("act", "assign-ticked"), ("tick", &id)]),
            Some(Action::Assign(Scope::Deliveries(vec![7])))
        );
        assert_eq!(action(&[("act", "move"), ("to", &text), ("tick", &id)]), Some(Action::Move(column, None, vec![7])));
        let dropped = [("act", &*format!("drop:{id}")), ("drop_to", &text), ("at", "3")];
        assert_eq!(action(&dropped), Some(Action::Move(column, Some(3), vec![7])));
        assert_eq!([with("up"), with("down")], [Some(Action::Shift(7, false)), Some(Action::Shift(7, true))]);
        assert_eq!(with("off"), Some(Action::Unassign(vec![7])));
        assert_eq!(with("hold:place"), Some(Action::Hold(Hold::Place, vec![7])));
        assert_eq!(action(&[("act", "fix")]), Some(Action::SetState(TourState::Fixed, None)));
        for wrong in ["", "dance", "up:", "hold:sometimes", "reopen", "move"] {
            assert_eq!(action(&[("act", wrong)]), None, "{wrong}");
        }
    }
}

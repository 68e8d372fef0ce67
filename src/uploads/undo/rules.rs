//! Rules of taking an upload back: what becomes of an order that it created or changed.
//!
//! A change is taken back unless later work depends on it. Later work is an entry of the order's log after that of the
//! upload, a file or slip that the order went into, or a later statement of the channel.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use crate::id::UploadId;
use crate::orders::follow::FollowedField;
use crate::orders::labels::field_label;
use crate::orders::model::{Order, OrderState};
use crate::orders::store::Action;
use crate::orders::store::bulk_actions::FormerValues;
use crate::orders::store::column_json;
use crate::orders::store::log::LoggedChange;
use crate::orders::store::statements::StoredStatement;
use crate::time::Moment;

/// The upload that is taken back.
#[derive(Clone, Copy, Debug)]
pub struct AppliedUpload {
    /// identifier
    pub id: UploadId,
    /// when it was applied: its entries of the logs have this moment
    pub applied_at: Moment,
}

impl AppliedUpload {
    /// Whether an entry of a log is of the upload: written when it was applied, or when a member decided about one of its
    /// tracking numbers, which came with the file.
    fn wrote(self, entry: &LoggedChange) -> bool {
        let is_number = matches!(entry.action, Action::TrackingSet | Action::DespiteClaim);
        entry.upload_id == Some(self.id) && (entry.at == self.applied_at || is_number)
    }
}

/// An order with what happened to it.
#[derive(Clone, Copy, Debug)]
pub struct OrderHistory<'a> {
    /// the order as it is
    pub order: &'a Order,
    /// its log, oldest entry first
    pub log: &'a [LoggedChange],
    /// what the channel said of it, by field, oldest first
    pub said: &'a [StoredStatement],
    /// what was done with the order outside of its log: a file, a slip, a plan
    pub work: Option<&'a str>,
    /// a plan of the trucks has it, its day was promised, or a truck has loaded it
    pub is_planned: bool,
}

/// A change that stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptChange {
    /// labels of the fields; empty for the order as a whole
    pub fields: Vec<&'static str>,
    /// why
    pub reason: String,
}

/// What becomes of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderUndo {
    /// it is deleted
    Delete,
    /// these columns get their former values, and those changes stay
    Restore {
        /// former values
        former: FormerValues,
        /// changes that stay
        kept: Vec<KeptChange>,
        /// statements that the upload brought, as field and position
        unsaid: Vec<(FollowedField, i64)>,
        /// entries of the upload at the end of the log; 0 if something else came later
        last_entries: usize,
    },
    /// it stays as it is
    Keep(KeptChange),
}

/// Columns that are one value: all of them get their former values, or none.
const COLUMN_GROUPS: &[&[&str]] = &[
    &["state", "purchased_at", "dispatched_at", "shipped_at", "confirmed_at", "cancelled_at", "refunded_at"],
    &["quantity", "cancelled_quantity"],
    &["options", "options_raw"],
    &["recipient_zip_code", "recipient_address1", "recipient_address2", "sigungu_code"],
    &["shipping_method", "shipping_method_raw"],
    &["tracking_number", "courier"],
];

/// Columns that a plan of the trucks is made of: what is loaded, and where it goes when. The truck of a planned order has
/// the values of today.
const PLANNED_COLUMNS: &[&str] = &[
    "quantity",
    "cancelled_quantity",
    "options",
    "options_raw",
    "recipient_zip_code",
    "recipient_address1",
    "recipient_address2",
    "sigungu_code",
    "shipping_method",
    "shipping_method_raw",
    "preferred_shipping_date",
];

fn is_together(one: &str, other: &str) -> bool {
    one == other || COLUMN_GROUPS.iter().any(|group| group.contains(&one) && group.contains(&other))
}

/// Decides about an order that the upload created.
pub fn undo_created(upload: AppliedUpload, history: &OrderHistory<'_>) -> OrderUndo {
    let keep = |reason: String| OrderUndo::Keep(KeptChange { fields: Vec::new(), reason });
    let is_own = |entry: &LoggedChange| upload.wrote(entry);
    let log = without_undone_uploads(upload, history.log);
    if let Some(later) = log.iter().rev().find(|entry| !is_own(entry)) {
        return keep(later_change(later));
    }
    if let Some(work) = history.work {
        return keep(work.to_owned());
    }
    // Each entry that is left out was one version.
    let undone = i64::try_from(history.log.len() - log.len()).unwrap_or(i64::MAX);
    if history.order.version > undone {
        return keep("그 뒤에 바뀌었어요".to_owned());
    }
    if history.said.iter().any(|said| said.upload_id != Some(upload.id)) {
        return keep("뒤에 올린 파일에 새로운 내용이 있어요".to_owned());
    }
    OrderUndo::Delete
}

/// Decides about an order that the upload changed, or of which it said something; none if nothing is left of that.
pub fn undo_changed(upload: AppliedUpload, history: &OrderHistory<'_>) -> Option<OrderUndo> {
    let is_own = |entry: &LoggedChange| upload.wrote(entry);
    let log = without_undone_uploads(upload, history.log);
    let last_own = log.iter().rposition(|entry| is_own(entry));
    let later = last_own.map_or(&[][..], |last| &log[last + 1..]);
    let mut changes: BTreeMap<&str, (&Json, &Json)> = BTreeMap::new();
    for (column, was, is) in log.iter().filter(|entry| is_own(entry)).flat_map(|entry| &entry.changes) {
        changes.entry(column).and_modify(|(_, last)| *last = is).or_insert((was, is));
    }
    // What has its former value again was taken back by hand.
    changes.retain(|column, (was, _)| column_json(history.order, column).as_ref() != Some(*was));
    let said_here = history.said.iter().any(|said| said.upload_id == Some(upload.id));
    if changes.is_empty() && !said_here {
        return None;
    }
    let labels = || {
        let columns = changes.keys().filter(|column| !column.ends_with("_at") && **column != "sigungu_code");
        columns.filter_map(|column| field_label(column)).collect::<Vec<_>>()
    };
    let advanced = later.iter().find(|entry| entry.changes.iter().any(|(column, ..)| column == "state"));
    let acted = later.iter().find(|entry| entry.changes.iter().any(|(column, ..)| column == "act"));
    let whole = advanced.or(acted).map(|entry| later_change(entry)).or_else(|| history.work.map(str::to_owned));
    if let Some(reason) = whole {
        let is_silent = changes.is_empty();
        return (!is_silent).then(|| OrderUndo::Keep(KeptChange { fields: labels(), reason }));
    }
    let (mut former, mut kept, mut kept_columns) = (FormerValues::new(), Vec::<KeptChange>::new(), BTreeSet::new());
    for (column, (was, is)) in &changes {
        let touched = later.iter().find(|entry| entry.changes.iter().any(|(other, ..)| is_together(column, other)));
        let reason = match touched {
            Some(entry) => Some(later_change(entry)),
            None if column_json(history.order, column).as_ref() != Some(*is) => Some("그 뒤에 바뀌었어요".to_owned()),
            None if history.is_planned && PLANNED_COLUMNS.contains(column) => {
                Some("배차에 들어간 주문이에요".to_owned())
            }
            None => None,
        };
        let Some(reason) = reason else {
            former.insert((*column).to_owned(), (*was).clone());
            continue;
        };
        kept_columns.insert(*column);
        let label = field_label(column).filter(|_| !column.ends_with("_at") && *column != "sigungu_code");
        match kept.iter_mut().find(|known| known.reason == reason) {
            Some(known) => known.fields.extend(label),
            None => kept.push(KeptChange { fields: label.into_iter().collect(), reason }),
        }
    }
    let is_kept = |field: FollowedField| {
        field.columns().iter().any(|column| kept_columns.iter().any(|kept| is_together(column, kept)))
    };
    let unsaid = unsaid(upload, history.said, &is_kept);
    let last_entries = history.log.iter().rev().take_while(|entry| is_own(entry)).count();
    Some(OrderUndo::Restore { former, kept, unsaid, last_entries })
}

/// The log without the other uploads that were taken back and left nothing of what they changed.
fn without_undone_uploads(upload: AppliedUpload, log: &[LoggedChange]) -> Vec<&LoggedChange> {
    let taken_back = log.iter().filter(|entry| entry.action == Action::UploadUndone);
    let undone: BTreeSet<UploadId> =
        taken_back.filter_map(|entry| entry.upload_id).filter(|id| *id != upload.id).collect();
    let left_nothing = |id: UploadId| {
        let mut net: BTreeMap<&str, (&Json, &Json)> = BTreeMap::new();
        for (column, was, is) in log.iter().filter(|entry| entry.upload_id == Some(id)).flat_map(|entry| &entry.changes)
        {
            net.entry(column).and_modify(|(_, last)| *last = is).or_insert((was, is));
        }
        net.values().all(|(was, is)| was == is)
    };
    let gone: BTreeSet<UploadId> = undone.into_iter().filter(|id| left_nothing(*id)).collect();
    log.iter().filter(|entry| entry.upload_id.is_none_or(|id| !gone.contains(&id))).collect()
}

/// The statements of the upload that nothing was said after, except of the fields that stay.
fn unsaid(
    upload: AppliedUpload,
    said: &[StoredStatement],
    is_kept: &dyn Fn(FollowedField) -> bool,
) -> Vec<(FollowedField, i64)> {
    let of_field = |field: FollowedField| said.iter().filter(move |said| said.field == field);
    let is_last = |statement: &StoredStatement| {
        of_field(statement.field)
            .filter(|other| other.position > statement.position)
            .all(|other| other.upload_id == Some(upload.id))
    };
    said.iter()
        .filter(|statement| statement.upload_id == Some(upload.id) && !is_kept(statement.field) && is_last(statement))
        .map(|statement| (statement.field, statement.position))
        .collect()
}

/// First statements that say no more than the order itself, once the later ones are gone.
pub fn superfluous(
    order: &Order,
    said: &[StoredStatement],
    unsaid: &[(FollowedField, i64)],
) -> Vec<(FollowedField, i64)> {
    let is_gone = |statement: &StoredStatement| unsaid.contains(&(statement.field, statement.position));
    let left = |field: FollowedField| said.iter().filter(move |said| said.field == field && !is_gone(said));
    let fields: BTreeSet<FollowedField> = unsaid.iter().map(|(field, _)| *field).collect();
    fields
        .into_iter()
        .filter_map(|field| {
            let mut left = left(field);
            let (only, None) = (left.next()?, left.next()) else { return None };
            (field.last_said(&[], order) == only.value).then_some((field, only.position))
        })
        .collect()
}

/// Why a change stays: what was done later, by whom and when.
fn later_change(entry: &LoggedChange) -> String {
    let state = entry.changes.iter().find(|(column, ..)| column == "state");
    let state = state.and_then(|(.., is)| is.as_i64()).and_then(OrderState::from_ordinal);
    let what = match state {
        Some(state) => format!("{} · {}", entry.action.label(), state.label()),
        None => entry.action.label().to_owned(),
    };
    let by = entry.username.as_deref().unwrap_or("프로그램");
    format!("그 뒤에 일이 있었어요: {what} ({by}, {})", entry.at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::model::Recipient;

    const UPLOAD: AppliedUpload = AppliedUpload { id: UploadId::from_raw(7), applied_at: Moment(1_000) };

    fn order() -> Order {
        Order {
            order_number: "2026112700000001".to_owned(),
            quantity: 2,
            cancelled_quantity: 1,
            recipient: Recipient { tel1: "010-0000-9999".to_owned(), ..Recipient::default() },
            upload_id: Some(UploadId::from_raw(7)),
            version: 0,
            ..crate::orders::model::tests::order(OrderState::Placed)
        }
    }

    fn entry(at: i64, upload_id: Option<UploadId>, action: Action, changes: Json) -> LoggedChange {
        let changes = serde_json::from_value(changes).expect("changes");
        LoggedChange { at: Moment(at), username: Some("admin".to_owned()), upload_id, action, changes }
    }

    fn followed() -> LoggedChange {
        let changes = serde_json::json!([
            ["quantity", 3, 2],
            ["cancelled_quantity", 0, 1],
            ["recipient_tel1", "010-0000-1111", "010-0000-9999"]
        ]);
        entry(1_000, Some(UploadId::from_raw(7)), Action::Followed, changes)
    }

    fn changed(log: &[LoggedChange], work: Option<&str>) -> Option<OrderUndo> {
        undo_changed(UPLOAD, &OrderHistory { order: &order(), log, said: &[], work, is_planned: false })
    }

    #[test]
    fn untouched_new_order_is_deleted() {
        let order = order();
        let history = OrderHistory { order: &order, log: &[], said: &[], work: None, is_planned: false };
        assert_eq!(undo_created(UPLOAD, &history), OrderUndo::Delete);
    }

    #[test]
    fn new_order_with_later_work_stays() {
        let order = order();
        let edited = [entry(2_000, None, Action::Edited, serde_json::json!([["admin_memo", "", "급함"]]))];
        let history = OrderHistory { order: &order, log: &edited, said: &[], work: None, is_planned: false };
        assert!(matches!(undo_created(UPLOAD, &history), OrderUndo::Keep(_)));
        let history =
            OrderHistory {
                order: &order, log: &[], said: &[], work: Some("발주서에 들어갔어요"), is_planned: false
            };
        assert!(matches!(undo_created(UPLOAD, &history), OrderUndo::Keep(_)));
    }

    #[test]
    fn changed_fields_get_their_former_values() {
        let Some(OrderUndo::Restore { former, kept, last_entries, .. }) = changed(&[followed()], None) else {
            panic!("is restored")
        };
        assert_eq!(former["quantity"], 3);
        assert_eq!(former["recipient_tel1"], "010-0000-1111");
        assert!(kept.is_empty() && last_entries == 1);
    }

    #[test]
    fn goods_of_a_planned_order_stay_as_the_truck_has_them() {
        let log = [followed()];
        let history = OrderHistory { order: &order(), log: &log, said: &[], work: None, is_planned: true };
        let Some(OrderUndo::Restore { former, kept, .. }) = undo_changed(UPLOAD, &history) else {
            panic!("is restored in part")
        };
        assert_eq!(former.keys().collect::<Vec<_>>(), ["recipient_tel1"], "the driver may call the former number");
        assert!(kept[0].fields.contains(&"수량") && kept[0].reason.contains("배차"), "{kept:?}");
    }

    #[test]
    fn field_that_a_member_edited_since_stays() {
        let edit = entry(2_000, None, Action::Edited, serde_json::json!([["quantity", 2, 5]]));
        let Some(OrderUndo::Restore { former, kept, last_entries, .. }) = changed(&[followed(), edit], None) else {
            panic!("is restored in part")
        };
        assert_eq!(former.keys().collect::<Vec<_>>(), ["recipient_tel1"]);
        assert_eq!(kept.len(), 1);
        assert!(kept[0].reason.contains("수정 (admin"), "{}", kept[0].reason);
        assert_eq!(last_entries, 0);
    }

    /// A later upload that changed the telephone number, and was taken back.
    fn undone_upload(restored: &str) -> [LoggedChange; 2] {
        let was = "010-0000-9999";
        [
            entry(
                2_000,
                Some(UploadId::from_raw(8)),
                Action::Followed,
                serde_json::json!([["recipient_tel1", was, "010-0000-2222"]]),
            ),
            entry(
                3_000,
                Some(UploadId::from_raw(8)),
                Action::UploadUndone,
                serde_json::json!([["recipient_tel1", "010-0000-2222", restored]]),
            ),
        ]
    }

    #[test]
    fn later_upload_that_was_taken_back_is_no_later_work() {
        let log: Vec<LoggedChange> = [followed()].into_iter().chain(undone_upload("010-0000-9999")).collect();
        let Some(OrderUndo::Restore { former, kept, last_entries, .. }) = changed(&log, None) else {
            panic!("is restored")
        };
        assert_eq!(former["recipient_tel1"], "010-0000-1111");
        assert!(kept.is_empty() && last_entries == 0);

        let order = Order { version: 2, ..order() };
        let log = undone_upload("010-0000-9999");
        let history = OrderHistory { order: &order, log: &log, said: &[], work: None, is_planned: false };
        assert_eq!(undo_created(UPLOAD, &history), OrderUndo::Delete);
        let again = Order { version: 3, ..order.clone() };
        let history = OrderHistory { order: &again, ..history };
        assert!(matches!(undo_created(UPLOAD, &history), OrderUndo::Keep(_)), "another change is not in the log");
    }

    #[test]
    fn later_upload_that_left_something_is_later_work() {
        let log = undone_upload("010-0000-5555");
        let order = Order { version: 2, ..order() };
        let history = OrderHistory { order: &order, log: &log, said: &[], work: None, is_planned: false };
        assert!(matches!(undo_created(UPLOAD, &history), OrderUndo::Keep(_)));
    }

    #[test]
    fn order_that_moved_on_stays_as_a_whole() {
        let advanced = entry(2_000, None, Action::Advanced, serde_json::json!([["state", 0, 1]]));
        let Some(OrderUndo::Keep(kept)) = changed(&[followed(), advanced], None) else { panic!("stays") };
        assert!(kept.reason.contains("발주"), "{}", kept.reason);
        assert!(matches!(changed(&[followed()], Some("전표를 인쇄했어요")), Some(OrderUndo::Keep(_))));
    }

    #[test]
    fn decision_about_the_upload_is_later_work() {
        let decision = entry(
            3_000,
            Some(UploadId::from_raw(7)),
            Action::Followed,
            serde_json::json!([["recipient_tel1", "x", "y"]]),
        );
        let Some(OrderUndo::Restore { former, kept, .. }) = changed(&[followed(), decision], None) else {
            panic!("is restored in part")
        };
        assert!(!former.contains_key("recipient_tel1") && kept.len() == 1);
    }

    #[test]
    fn decision_about_a_tracking_number_is_taken_back_with_its_file() {
        let order = Order { tracking_number: "45168301507".to_owned(), version: 2, ..order() };
        let number = |at, was: &str, is: &str| {
            entry(
                at,
                Some(UploadId::from_raw(7)),
                Action::TrackingSet,
                serde_json::json!([["tracking_number", was, is]]),
            )
        };
        let log = [number(1_000, "", "45168300137"), number(3_000, "45168300137", "45168301507")];
        let history = OrderHistory { order: &order, log: &log, said: &[], work: None, is_planned: false };
        let Some(OrderUndo::Restore { former, kept, last_entries, .. }) = undo_changed(UPLOAD, &history) else {
            panic!("is restored")
        };
        assert_eq!((former["tracking_number"].as_str(), kept.len(), last_entries), (Some(""), 0, 2));

        let by_hand = Order { tracking_number: String::new(), version: 3, ..order.clone() };
        let undone = entry(4_000, None, Action::Edited, serde_json::json!([["tracking_number", "45168301507", ""]]));
        let log = [&log[..], &[undone]].concat();
        let history = OrderHistory { order: &by_hand, log: &log, said: &[], work: None, is_planned: false };
        assert_eq!(undo_changed(UPLOAD, &history), None, "nothing is left of it");
    }
}

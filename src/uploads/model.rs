//! An upload, its report, and the resolution of its rejected rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::check::Reason;
use crate::channels::FileKind;
use crate::id::UploadId;
use crate::orders::findings::Findings;
use crate::orders::follow::{FieldChange, HoldReason};
use crate::orders::model::OrderState;
use crate::text::{coded, nfc};
use crate::time::Moment;

coded! {
    /// Stage of an upload.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Stage {
        /// stored, not parsed yet
        Received = "received" "읽는 중",
        /// encrypted; waits for the password
        Locked = "locked" "비밀번호 필요",
        /// previewed; no order is changed yet
        Previewed = "previewed" "적용 전",
        /// applied
        Applied = "applied" "적용됨",
        /// the file as a whole was rejected
        Refused = "refused" "읽지 못함",
        /// discarded by a member
        Discarded = "discarded" "취소됨",
        /// applied, and taken back later
        Undone = "undone" "되돌림",
    }
}

impl Stage {
    /// Whether the upload can still be applied or discarded.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Received | Self::Locked | Self::Previewed)
    }
}

coded! {
    /// Outcome of a row.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum RowOutcome {
        /// 등록: an order was created
        Created = "created" "등록",
        /// 반영: an order was changed
        Updated = "updated" "반영",
        /// 변경 없음: no change
        Skipped = "skipped" "변경 없음",
        /// 오류: invalid or conflicting
        Rejected = "rejected" "오류",
    }
}

/// Report of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowReport {
    /// position in the stored report; 0 before it is stored
    #[serde(skip)]
    pub position: u32,
    /// name of its sheet; empty if one sheet was read
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sheet: String,
    /// row number in Excel
    pub row: u32,
    /// order number, or empty if it could not be parsed
    pub order_number: String,
    /// 수취인명, or empty if it is not known
    #[serde(skip)]
    pub recipient: String,
    /// what the row is about, for a person to recognise it: product and quantity, or courier and tracking number
    #[serde(skip)]
    pub content: String,
    /// its outcome
    pub outcome: RowOutcome,
    /// skipped because the shop does not have the order
    #[serde(skip)]
    pub is_unknown_order: bool,
    /// reasons of a rejected or skipped row; warnings of an imported one
    pub reasons: Vec<Reason>,
    /// columns of the known order that the row changes
    pub changes: Vec<FieldChange>,
    /// values of the channel that wait for a decision
    pub conflicts: Vec<FieldConflict>,
    /// of a row that was rejected because the order has another tracking number: the number in the file
    #[serde(skip)]
    pub conflict: Option<TrackingChange>,
}

/// A value of the channel that is not applied by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldConflict {
    /// code of the field
    pub field: String,
    /// why
    pub reason: HoldReason,
    /// what the channel says
    pub channel: String,
    /// what the order has
    pub ours: String,
    /// who edited the field last; none is the command line, or another reason than an edit
    pub edited_by: Option<String>,
    /// when, `2026-11-22 12:00`
    pub edited_at: Option<String>,
}

/// Known orders that a file changes, by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeSummary {
    /// rows by kind: `state:CANCELLED`, `claim:취소요청`, or a column
    pub kinds: BTreeMap<String, i64>,
    /// values that were not applied
    pub conflicts: i64,
    /// the file is older than what the shop has
    pub is_older_file: bool,
}

impl ChangeSummary {
    /// Whether the file changes no known order.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty() && self.conflicts == 0 && !self.is_older_file
    }
}

/// A tracking number and its courier.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrackingChange {
    /// 송장번호
    pub tracking_number: String,
    /// 택배사, or empty
    pub courier: String,
}

coded! {
    /// How a rejected row was resolved.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Resolution {
        /// the order got the number of the file
        Replaced = "replaced" "새 번호로 바꿈",
        /// the order became a parcel and got the number of the file
        Parcelled = "parcelled" "택배로 바꾸고 등록함",
        /// the order kept its number
        Kept = "kept" "지금 번호 유지",
        /// a later file of the same kind imported the order
        Uploaded = "uploaded" "다시 올린 파일로 처리됨",
        /// a member marked the report as resolved
        Marked = "marked" "처리 완료",
    }
}

/// Resolution of rejected rows: how, by whom and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedBy {
    /// how
    pub resolution: Resolution,
    /// by whom; none for the command line
    pub username: Option<String>,
    /// when
    pub at: Moment,
}

/// A stored row of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRow {
    /// its report
    pub report: RowReport,
    /// resolution of a rejected row
    pub resolved: Option<ResolvedBy>,
}

/// Report of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// reports of the rows, in file order
    pub rows: Vec<RowReport>,
    /// new products and variants
    pub findings: Findings,
    /// when the channel made the file, if its name has it
    pub made_at: Option<Moment>,
    /// the file is older than what the shop has
    pub is_older_file: bool,
}

impl RowReport {
    /// The row as a person finds it: `3`, or `11월26일 3` if several sheets were read.
    pub fn place(&self) -> String {
        if self.sheet.is_empty() { self.row.to_string() } else { format!("{} {}", self.sheet, self.row) }
    }
}

impl Report {
    /// Number of values that wait for a decision.
    pub fn conflict_count(&self) -> usize {
        self.rows.iter().map(|row| row.conflicts.len()).sum()
    }

    /// Position of each row in the stored report: its row number, or a later one if a sheet before had that.
    pub fn positions(&self) -> Vec<u32> {
        let mut position = 0;
        let next = self.rows.iter().map(|row| {
            position = row.row.max(position + 1);
            position
        });
        next.collect()
    }

    /// Known orders that the file changes, by kind.
    pub fn change_summary(&self) -> ChangeSummary {
        let mut kinds = BTreeMap::new();
        for row in &self.rows {
            // The end of a claim and the state that it leads to are one change: 교환완료 is no 반품 beside it.
            let new = |field: &str| row.changes.iter().find(|change| change.field == field).map(|change| &change.new);
            let state = new("state").and_then(|code| OrderState::parse(code));
            let is_end = matches!(state, Some(OrderState::Cancelled | OrderState::Refunded));
            let left_out = match new("claim") {
                Some(claim) if is_end => Some(if claim.is_empty() { "claim" } else { "state" }),
                _ => None,
            };
            for change in row.changes.iter().filter(|change| left_out != Some(change.field.as_str())) {
                let kind = match change.field.as_str() {
                    "state" | "claim" => format!("{}:{}", change.field, change.new),
                    field => field.to_owned(),
                };
                *kinds.entry(kind).or_default() += 1;
            }
        }
        let conflicts = i64::try_from(self.conflict_count()).unwrap_or(i64::MAX);
        ChangeSummary { kinds, conflicts, is_older_file: self.is_older_file }
    }

    /// Number of rows with an outcome.
    pub fn count(&self, outcome: RowOutcome) -> usize {
        self.rows.iter().filter(|row| row.outcome == outcome).count()
    }

    /// Number of rows of orders that the shop does not have.
    pub fn unknown_orders(&self) -> usize {
        self.rows.iter().filter(|row| row.is_unknown_order).count()
    }

    /// Number of imported rows with a warning.
    pub fn warned(&self) -> usize {
        self.rows
            .iter()
            .filter(|row| matches!(row.outcome, RowOutcome::Created | RowOutcome::Updated) && !row.reasons.is_empty())
            .count()
    }
}

/// A stored upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// id
    pub id: UploadId,
    /// time of the upload
    pub created_at: Moment,
    /// uploading member; none for the command line
    pub username: Option<String>,
    /// kind of the file; none if it was not recognised
    pub kind: Option<FileKind>,
    /// code of its channel, or empty
    pub channel_code: String,
    /// courier stated for a tracking list, or empty
    pub courier: String,
    /// name given by the browser
    pub file_name: String,
    /// size in bytes
    pub file_size: i64,
    /// the original is still stored
    pub file_kept: bool,
    /// stage
    pub stage: Stage,
    /// why the file as a whole was rejected, or empty
    pub refusal: String,
    /// rows by outcome, in the order of [`RowOutcome::ALL`]
    pub counts: [i64; 4],
    /// imported rows with a warning
    pub warned: i64,
    /// skipped rows of orders that the shop does not have
    pub unknown_orders: i64,
    /// new products and variants
    pub findings: Findings,
    /// changes of known orders
    pub changes: ChangeSummary,
    /// values of the channel that wait for a decision
    pub open_conflicts: i64,
    /// time of the import
    pub applied_at: Option<Moment>,
    /// unresolved rejected rows
    pub open_rows: i64,
    /// who resolved the remaining rejected rows
    pub resolved: Option<ResolvedBy>,
    /// version, incremented with every change
    pub version: i64,
    /// when it was taken back
    pub undone_at: Option<Moment>,
    /// who took it back; none is the command line
    pub undone_by: Option<String>,
}

impl Upload {
    /// Number of rows with an outcome.
    pub fn count(&self, outcome: RowOutcome) -> i64 {
        self.counts[outcome as usize]
    }

    /// Number of rows that created or changed an order.
    pub fn imported(&self) -> i64 {
        self.count(RowOutcome::Created) + self.count(RowOutcome::Updated)
    }

    /// Number of rows of known orders that changed nothing.
    pub fn unchanged(&self) -> i64 {
        self.count(RowOutcome::Skipped) - self.unknown_orders
    }
}

/// The file name as displayed and stored: without folders, control characters and Unicode direction marks,
/// and truncated.
pub fn display_name(name: &str) -> String {
    const MAX_NAME_CHARS: usize = 200;
    let is_unsafe = |c: char| {
        c.is_control() || matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last.chars().filter(|c| !is_unsafe(*c)).take(MAX_NAME_CHARS).collect();
    if plain.trim().is_empty() { "이름 없는 파일".to_owned() } else { nfc(plain.trim()).into_owned() }
}

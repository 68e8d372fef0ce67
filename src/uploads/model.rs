//! What an upload is: a file as a batch, and the answer to each of its rows.

use serde::{Deserialize, Serialize};

use super::check::Reason;
use crate::channels::FileKind;
use crate::orders::store::create::Findings;
use crate::time::Moment;

/// How far an upload has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// the file is kept and not read yet
    Received,
    /// the file asks for a password
    Locked,
    /// read and shown; nothing is changed yet
    Previewed,
    /// done
    Applied,
    /// the whole file was refused
    Refused,
    /// put away by somebody who looked at the preview
    Discarded,
}

impl Stage {
    const ALL: [Self; 6] =
        [Self::Received, Self::Locked, Self::Previewed, Self::Applied, Self::Refused, Self::Discarded];

    /// The stored name.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Locked => "locked",
            Self::Previewed => "previewed",
            Self::Applied => "applied",
            Self::Refused => "refused",
            Self::Discarded => "discarded",
        }
    }

    /// The word on the screen.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Received => "읽는 중",
            Self::Locked => "비밀번호 필요",
            Self::Previewed => "적용 전",
            Self::Applied => "적용됨",
            Self::Refused => "거절됨",
            Self::Discarded => "취소함",
        }
    }

    /// Whether something may still be done with the upload.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Received | Self::Locked | Self::Previewed)
    }

    /// The stage of that name.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.code() == code)
    }
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// 등록
    Created,
    /// 반영: an order changed
    Updated,
    /// 그대로
    Skipped,
    /// 거절
    Rejected,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 4] = [Self::Created, Self::Updated, Self::Skipped, Self::Rejected];

    /// The stored name, and that in JSON.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Skipped => "skipped",
            Self::Rejected => "rejected",
        }
    }

    /// The word on the screen.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Created => "등록",
            Self::Updated => "반영",
            Self::Skipped => "그대로",
            Self::Rejected => "거절",
        }
    }

    /// The outcome of that name.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.code() == code)
    }
}

/// The answer to one row of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowReport {
    /// as the spreadsheet numbers it
    pub row: u32,
    /// as far as it could be read
    pub order_number: String,
    /// what became of it
    pub outcome: Outcome,
    /// why; for a row that was taken, its warnings
    pub reasons: Vec<Reason>,
    /// for a row rejected because the order has another number: what the file says
    #[serde(skip)]
    pub conflict: Option<Parcel>,
}

/// A parcel's number and who carries it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parcel {
    /// 송장번호
    pub tracking_number: String,
    /// 택배사, or empty
    pub courier: String,
}

/// How a rejected row was dealt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// the order took the number of the file
    Replaced,
    /// the order kept its number
    Kept,
    /// a later file of the same kind brought the order and was taken
    Uploaded,
    /// somebody said that the report is dealt with
    Marked,
}

impl Handling {
    const ALL: [Self; 4] = [Self::Replaced, Self::Kept, Self::Uploaded, Self::Marked];

    /// The stored name.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Replaced => "replaced",
            Self::Kept => "kept",
            Self::Uploaded => "uploaded",
            Self::Marked => "marked",
        }
    }

    /// The words on the screen.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Replaced => "새 번호로 바꿈",
            Self::Kept => "그대로 둠",
            Self::Uploaded => "다시 올린 파일로 처리됨",
            Self::Marked => "처리함",
        }
    }

    /// The handling of that name.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|handling| handling.code() == code)
    }
}

/// That a rejected row was dealt with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handled {
    /// how
    pub how: Handling,
    /// by whom; none is the command line
    pub username: Option<String>,
    /// when
    pub at: Moment,
}

/// A row of a report as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRow {
    /// the answer that was given
    pub report: RowReport,
    /// what became of a rejected row since
    pub handled: Option<Handled>,
}

/// The answer to a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// the answer to each row, in the sequence of the file
    pub rows: Vec<RowReport>,
    /// what it made
    pub findings: Findings,
}

impl Report {
    /// How many rows had that outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.rows.iter().filter(|row| row.outcome == outcome).count()
    }

    /// How many rows were taken with a warning.
    pub fn warned(&self) -> usize {
        self.rows
            .iter()
            .filter(|row| matches!(row.outcome, Outcome::Created | Outcome::Updated) && !row.reasons.is_empty())
            .count()
    }
}

/// An upload as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// identifier made here
    pub id: i64,
    /// when the file came
    pub created_at: Moment,
    /// who brought it; none is the command line
    pub username: Option<String>,
    /// what it brings; none before that is known
    pub kind: Option<FileKind>,
    /// code of its channel, or empty
    pub channel_code: String,
    /// courier of a 송장 목록, or empty
    pub courier: String,
    /// as the browser named it
    pub file_name: String,
    /// bytes
    pub file_size: i64,
    /// the file itself is still here
    pub file_kept: bool,
    /// how far it has come
    pub stage: Stage,
    /// why the whole file was refused, or empty
    pub refusal: String,
    /// rows by outcome, in the order of [`Outcome::ALL`]
    pub counts: [i64; 4],
    /// rows taken with a warning
    pub warned: i64,
    /// what it finds or found
    pub findings: Findings,
    /// when it was applied
    pub applied_at: Option<Moment>,
    /// rejected rows that nobody has dealt with yet
    pub open_rows: i64,
    /// somebody said that what was left of them is dealt with
    pub marked: Option<Handled>,
    /// rises with every change
    pub version: i64,
}

impl Upload {
    /// How many rows had that outcome.
    pub fn count(&self, outcome: Outcome) -> i64 {
        self.counts[outcome as usize]
    }
}

//! The answered demands outside of the database, so that a restore of an older moment does not undo what was done about them.
//!
//! The list is a file beside the database and an object at each target of the backup. It has numbers, kinds and days, and the numbers of
//! the orders that were stopped or deleted; nothing of a person. What the database lacks after a restore is recorded again
//! ([`store::answered`](crate::privacy::store::answered)): the program stops and deletes again, and opens a correction again, because its new values are nowhere.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::model::first_kept_audit_day;
use super::person::PersonRole;
use super::request::{RequestAnswer, RequestKind};
use super::store::answered as store;
use crate::id::{OrderId, PersonRequestId};
use crate::storage::{Result, Storage, StorageError, Tx};
use crate::time::Moment;

/// How often the list is compared with the database.
const INTERVAL: Duration = Duration::from_secs(30);

/// A demand that was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnsweredRequest {
    /// identifier
    pub id: PersonRequestId,
    /// what was demanded
    pub kind: RequestKind,
    /// how it was answered
    pub answer: RequestAnswer,
    /// an order of the person
    pub order_id: OrderId,
    /// the person's role in it
    pub role: PersonRole,
    /// start of the day on which it came
    pub received_on: Moment,
    /// when it was answered
    pub answered_at: Moment,
    /// orders that were stopped, or of which memos were deleted
    pub orders: Vec<OrderId>,
}

impl AnsweredRequest {
    /// Whether the program stops or deletes again what it has of the orders.
    pub fn is_repeated(&self) -> bool {
        let acts = matches!(self.kind, RequestKind::Restrict | RequestKind::Delete);
        acts && self.answer != RequestAnswer::Refused && !self.orders.is_empty()
    }

    /// Whether a member has to do it again.
    pub fn needs_member(&self) -> bool {
        self.kind == RequestKind::Correct && self.answer != RequestAnswer::Refused
    }
}

/// The list, by identifier.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnsweredRequests(BTreeMap<PersonRequestId, AnsweredRequest>);

impl FromIterator<AnsweredRequest> for AnsweredRequests {
    fn from_iter<I: IntoIterator<Item = AnsweredRequest>>(requests: I) -> Self {
        Self(requests.into_iter().map(|request| (request.id, request)).collect())
    }
}

impl AnsweredRequests {
    /// The list as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The list of that JSON.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`].
    pub fn from_json(bytes: &[u8]) -> io::Result<Self> {
        serde_json::from_slice(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// Reads the file; empty if there is none.
    ///
    /// # Errors
    /// The file cannot be read, or is no list.
    pub fn read(file: &Path) -> io::Result<Self> {
        match std::fs::read(file) {
            Ok(bytes) => Self::from_json(&bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Replaces the file.
    ///
    /// # Errors
    /// The folder cannot be written to; the file is as before.
    pub fn save(&self, file: &Path) -> io::Result<()> {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
        io::Write::write_all(&mut temporary, &self.to_json())?;
        temporary.as_file().sync_all()?;
        temporary.persist(file)?;
        Ok(())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every demand.
    pub fn iter(&self) -> impl Iterator<Item = &AnsweredRequest> {
        self.0.values()
    }

    /// With the demands of another list that this one lacks.
    #[must_use]
    pub fn merged(mut self, other: &Self) -> Self {
        for request in other.iter().filter(|request| !self.0.contains_key(&request.id)).cloned().collect::<Vec<_>>() {
            self.0.insert(request.id, request);
        }
        self
    }

    /// Without the demands whose retention has ended.
    #[must_use]
    pub fn kept(mut self, now: Moment) -> Self {
        let before = Moment::start_of(first_kept_audit_day(now.date()));
        self.0.retain(|_, request| request.answered_at >= before);
        self
    }

    /// What has to be done again in a database that has the answers of these demands only.
    pub fn to_repeat(&self, answered: &BTreeSet<PersonRequestId>) -> RepeatedRequests {
        let mut repeated = RepeatedRequests::default();
        for request in self.iter().filter(|request| !answered.contains(&request.id)) {
            let day = (request.kind, request.answered_at.date());
            if request.is_repeated() {
                repeated.by_program.push(day);
            }
            if request.needs_member() {
                repeated.by_members.push(day);
            }
        }
        repeated
    }
}

/// What has to be done again about demands after a restore: kinds and the days of the answers, nothing of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepeatedRequests {
    /// the program does it when it starts
    pub by_program: Vec<(RequestKind, NaiveDate)>,
    /// a member has to
    pub by_members: Vec<(RequestKind, NaiveDate)>,
    /// whether the list of the backup is damaged
    pub is_unreadable: bool,
}

impl RepeatedRequests {
    /// Sentences for the page and the command line; none if nothing has to be done.
    pub fn sentences(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        if !self.by_program.is_empty() {
            sentences.push(format!(
                "복원한 시각 뒤에 들어준 요구가 있어요: {}. 프로그램을 켜면 자동으로 다시 처리해요.",
                counted(&self.by_program)
            ));
        }
        if !self.by_members.is_empty() {
            sentences.push(format!(
                "다시 정정해야 하는 요구가 있어요: {}. 본인 요구 화면에서 처리하세요.",
                counted(&self.by_members)
            ));
        }
        if self.is_unreadable {
            let what = "백업에 있는 본인 요구의 목록을 읽지 못했어요.";
            sentences.push(format!("{what} 복원한 시각 뒤에 답한 삭제, 처리정지, 정정 요구를 다시 처리하세요."));
        }
        sentences
    }
}

/// `삭제 2건(2026-11-20, 2026-11-22), 처리정지 1건(2026-11-21)`
fn counted(requests: &[(RequestKind, NaiveDate)]) -> String {
    let of_kind = |kind: RequestKind| {
        let days: Vec<String> =
            requests.iter().filter(|(one, _)| *one == kind).map(|(_, day)| day.to_string()).collect();
        (!days.is_empty()).then(|| format!("{} {}건({})", kind.label(), days.len(), days.join(", ")))
    };
    RequestKind::ALL.into_iter().filter_map(of_kind).collect::<Vec<_>>().join(", ")
}

/// Background job that keeps the file and the database alike; never returns. The first run is at the start: a restored
/// database may lack answers.
pub async fn run(storage: Storage, file: PathBuf) {
    let mut interval = tokio::time::interval(INTERVAL);
    loop {
        interval.tick().await;
        if let Err(error) = synchronize(&storage, &file).await {
            tracing::error!(%error, "답한 본인 요구의 목록을 저장하지 못했어요");
        }
    }
}

/// Records the answers of the file again that the database lacks, stops and deletes again what they demand, and writes the
/// answers of the database to the file.
///
/// # Errors
/// The database failed, or the file cannot be read or written.
pub async fn synchronize(storage: &Storage, file: &Path) -> Result<()> {
    let failed = |error: io::Error| StorageError::Unavailable(format!("{}: {error}", file.display()));
    let listed = AnsweredRequests::read(file).map_err(failed)?;
    let merged = adopt(storage, &listed).await?;
    if merged != listed {
        merged.save(file).map_err(failed)?;
    }
    Ok(())
}

/// Records the answers of a list again that the database lacks, and stops and deletes again what they demand. Answers the
/// list with those of the database.
///
/// # Errors
/// The database failed.
pub async fn adopt(storage: &Storage, listed: &AnsweredRequests) -> Result<AnsweredRequests> {
    let found = listed.clone();
    let read = move |tx: &mut dyn Tx| Ok::<_, StorageError>((store::lacking(tx, &found)?, store::has_owed(tx)?));
    let (lacking, has_owed) = storage.read(read).await?;
    if !lacking.is_empty() || has_owed {
        let write = move |tx: &mut dyn Tx| {
            store::record_again(tx, &lacking)?;
            store::repeat_owed(tx)
        };
        let orders = storage.write(write).await?;
        if orders > 0 {
            tracing::warn!(orders, "복원하기 전에 들어준 삭제와 처리정지 요구를 다시 처리했어요");
        }
    }
    let own = storage.read(store::list).await?;
    Ok(own.merged(listed).kept(storage.clock().now()))
}

//! `POST /drive/events`: a phone hands in what happened. Each event is answered; the phone keeps those that are not.

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::pack::{Phone, answer, unavailable};
use crate::audit::MemberActor;
use crate::drive::hand_in::{self, MAX_EVENTS, NewEvent, Receipts, Rejection, Reporter};
use crate::drive::model::{EventDetails, EventKind, EventSource};
use crate::drive::store::keys;
use crate::id::{Id, JobId};
use crate::storage::{Storage, StorageError, Tx};
use crate::time::Moment;

/// Size limit of a request: signatures of a whole day.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// Records that were not accepted, of which a phone tells the stops.
const MAX_REJECTED: usize = 200;

/// What a phone sends.
#[derive(Deserialize)]
struct HandIn {
    /// records that stay on the phone after this request
    #[serde(default)]
    waiting: i64,
    /// jobs of the records that were not accepted before, which the phone keeps
    #[serde(default)]
    rejected: Vec<String>,
    /// the clock of the phone
    clock: Option<i64>,
    #[serde(default)]
    events: Vec<Value>,
}

/// An event as JSON.
#[derive(Deserialize)]
struct EventJson {
    id: String,
    job: String,
    number: i64,
    happened_at: i64,
    clock_offset: i64,
    /// last contact before it, by the server
    #[serde(default)]
    contact: i64,
    kind: EventKind,
    #[serde(default)]
    details: EventDetails,
    #[serde(default)]
    saw: String,
}

impl EventJson {
    fn event(self) -> Option<NewEvent> {
        Some(NewEvent {
            id: self.id,
            job_id: Id::parse(&self.job)?,
            number: self.number,
            happened_at: Moment(self.happened_at),
            clock_offset: self.clock_offset,
            contact: Moment(self.contact),
            kind: self.kind,
            details: self.details,
            saw_version: self.saw,
        })
    }
}

pub(super) async fn create(State(storage): State<Storage>, phone: Phone, body: Body) -> Response {
    let Ok(bytes) = to_bytes(body, MAX_BODY_BYTES).await else {
        return answer(StatusCode::PAYLOAD_TOO_LARGE, &json!({ "error": "기록이 너무 많아요. 나누어 보내 주세요." }));
    };
    let Ok(HandIn { waiting, mut rejected, clock, events }) = serde_json::from_slice::<HandIn>(&bytes) else {
        return answer(StatusCode::BAD_REQUEST, &json!({ "error": "기록을 읽지 못했어요." }));
    };
    if events.len() > MAX_EVENTS {
        return answer(StatusCode::PAYLOAD_TOO_LARGE, &json!({ "error": "기록이 너무 많아요. 나누어 보내 주세요." }));
    }
    rejected.retain(|job| JobId::parse(job).is_some() || job.is_empty());
    rejected.truncate(MAX_REJECTED);
    let mut malformed: Receipts = Vec::new();
    let mut readable = Vec::new();
    for value in events {
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (id, job) = (text("id"), text("job"));
        if let Some(event) = serde_json::from_value::<EventJson>(value).ok().and_then(EventJson::event) {
            readable.push(event);
        } else {
            malformed.push((id, Err(Rejection::Malformed)));
            rejected.push(Some(job).filter(|job| JobId::parse(job).is_some()).unwrap_or_default());
        }
    }
    let actor = MemberActor { id: phone.key.member_id, address: phone.client.address };
    let (key_id, tour_id) = (phone.key.id, phone.key.tour_id);
    let clock = clock.map(Moment).filter(|clock| hand_in::is_time(*clock));
    let received = storage
        .write(move |tx: &mut dyn Tx| {
            let reporter = Reporter { actor, key_id: Some(key_id), source: EventSource::Phone, clock, tour_id };
            let receipts = hand_in::receive(tx, reporter, &readable)?;
            // What is not accepted stays on the phone, and the tour does not close before it is settled by hand.
            let mut left = rejected.clone();
            let refused = readable.iter().zip(&receipts).filter(|(_, (_, verdict))| verdict.is_err());
            left.extend(refused.map(|(event, _)| event.job_id.to_string()));
            keys::touch(tx, key_id)?;
            keys::save_left(tx, key_id, waiting.clamp(0, 100_000), &left)?;
            Ok::<_, StorageError>(receipts)
        })
        .await;
    let receipts = match received {
        Ok(receipts) => receipts,
        Err(error) => return unavailable(error),
    };
    let line = |(id, verdict): (String, Result<(), Rejection>)| match verdict {
        Ok(()) => json!({ "id": id, "accepted": true }),
        Err(rejection) => json!({ "id": id, "accepted": false, "reason": rejection.sentence() }),
    };
    let lines: Vec<Value> = receipts.into_iter().chain(malformed).map(line).collect();
    answer(StatusCode::OK, &json!({ "now": storage.clock().now().0, "events": lines }))
}

//! `POST /drive/keys`: issues a day key for each tour of today to the browser of its driver.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use crate::drive::key;
use crate::drive::store;
use crate::plans::model::TourState;
use crate::storage::{Storage, StorageError};
use crate::web::{ClientInfo, Error, Form, Member, PageResult};

/// The form has nothing but its token.
#[derive(Default, Deserialize)]
pub(super) struct KeyForm {}

/// Answers `{"keys": [{"tour": …, "key": …}]}`. Each call makes new keys: a phone that lost its storage gets one again.
pub(super) async fn create(
    State(storage): State<Storage>,
    member: Member,
    client: ClientInfo,
    Form(_): Form<KeyForm>,
) -> PageResult<Response> {
    let today = storage.clock().now().date();
    // No tour has more than two rounds; a member drives a few at most.
    let secrets: Vec<String> = (0..8).map(|_| key::new_secret()).collect::<Result<_, _>>().map_err(Error::internal)?;
    let issued = storage
        .write(move |tx| {
            let tours = store::tours_of_member(tx, member.id, today)?;
            let mut issued = Vec::new();
            let open = tours.iter().filter(|tour| tour.state != TourState::Closed);
            for (tour, secret) in open.zip(&secrets) {
                key::issue(tx, (tour.id, tour.day, member.id), secret, &client.description)?;
                issued.push(json!({ "tour": tour.id.to_string(), "day": tour.day.to_string(), "key": secret }));
            }
            Ok::<_, StorageError>(issued)
        })
        .await?;
    let body = json!({ "keys": issued }).to_string();
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

//! Where everything goes: the overview, what nobody knows the way of, newer lists; and the district of
//! a postal code, for forms where one is typed.

mod import;
mod overview;
mod unknown;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use crate::web::{Access, AppState, Query, Routes};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/districts", Access::Signed, overview::show)
        .get("/districts/of", Access::Signed, of)
        .get("/districts/unknown", Access::Admin, unknown::list)
        .post("/districts/unknown", Access::Admin, unknown::correct)
        .post("/districts/unknown/undo", Access::Admin, unknown::undo)
        .get("/districts/import", Access::Admin, import::list)
        .upload("/districts/import", Access::Admin, import::receive)
        .get("/districts/import/{id}", Access::Admin, import::show)
        .post("/districts/import/{id}/apply", Access::Admin, import::apply)
        .post("/districts/import/{id}/discard", Access::Admin, import::discard)
        .post("/districts/import/{id}/withdraw", Access::Admin, import::withdraw)
}

#[derive(Default, Deserialize)]
struct Of {
    #[serde(default)]
    zip: String,
}

#[derive(Serialize)]
struct Found {
    name: Option<String>,
}

/// `{"name":"경상북도 포항시 남구"}`, or null where nobody knows.
async fn of(State(state): State<AppState>, Query(Of { zip }): Query<Of>) -> Json<Found> {
    Json(Found { name: state.uploads.districts.latest().full_name(&zip).map(str::to_owned) })
}

#[cfg(test)]
mod tests;

//! The district of a postal code, for forms where one is typed.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use crate::web::{Access, AppState, Query, Routes};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new().get("/districts/of", Access::Signed, of)
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
mod tests {
    use crate::web::testing::TestApp;

    #[tokio::test]
    async fn a_form_asks_for_the_district_of_what_is_typed() {
        let app = TestApp::start().await;
        app.sign_in_logistics().await;
        assert_eq!(app.get("/districts/of?zip=37683").await.ok(), r#"{"name":"경상북도 포항시 남구"}"#);
        assert_eq!(app.get("/districts/of?zip=4524").await.ok(), r#"{"name":"서울특별시 중구"}"#);
        for unknown in ["", "?zip=", "?zip=99999", "?zip=376"] {
            assert_eq!(app.get(&format!("/districts/of{unknown}")).await.ok(), r#"{"name":null}"#, "{unknown}");
        }
    }
}

//! `/districts/of?zip=…`: the district of a postal code as JSON, for forms with an address.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use crate::districts::DistrictCache;
use crate::storage::Storage;
use crate::web::{PageResult, Query};

#[derive(Default, Deserialize)]
pub(super) struct DistrictQuery {
    #[serde(default)]
    zip: String,
}

/// `{"name":"경상북도 포항시 남구"}`; null for an unknown postal code.
#[derive(Serialize)]
pub(super) struct DistrictName {
    name: Option<String>,
}

pub(super) async fn show(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    Query(query): Query<DistrictQuery>,
) -> PageResult<Json<DistrictName>> {
    Ok(Json(DistrictName { name: districts.refresh(&storage).await?.full_name(&query.zip).map(str::to_owned) }))
}

//! Administrative regions.

use serde::{Deserialize, Serialize};

/// A 시/도 (level 0), a 시/군/구 (level 1) or a 일반구 (level 2).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Region {
    /// the first five digits of its 법정동코드
    pub code: i64,
    /// 0, 1 or 2
    pub level: u8,
    /// code of the region that contains it; none for a 시/도
    pub parent_code: Option<i64>,
    /// `경상북도 포항시`
    pub full_name: String,
    /// `포항시`; for a 시/도 `경북`, for a 일반구 `포항시 남구`
    pub short_name: String,
}

/// The region of that code; `regions` is sorted by code.
pub(super) fn find(regions: &[Region], code: i64) -> Option<&Region> {
    regions.binary_search_by_key(&code, |region| region.code).ok().and_then(|at| regions.get(at))
}

//! The slip of one delivery.

use axum::extract::{Path, State};
use axum::http::HeaderMap;

use super::slips::{SlipContext, load_slips, slips_page};
use crate::web::{Error, Layout, PageResult, parse_id, personal_page};

pub(super) async fn show(
    State(context): State<SlipContext>,
    layout: Layout,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> PageResult {
    let id = parse_id(&id)?;
    let slips = slips_page(&context, layout, &headers, None, move |tx| Ok((load_slips(tx, &[id])?, false))).await?;
    if slips.is_empty() { Err(Error::NotFound) } else { Ok(personal_page(slips)) }
}

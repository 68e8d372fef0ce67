//! Signing oneself out elsewhere.

use axum::extract::State;
use serde::Deserialize;
use serde_json::json;

use crate::audit;
use crate::members::devices;
use crate::members::store::Present;
use crate::storage::{Result, Tx, parse_crockford};
use crate::web::{AppState, Form, PageResult, done};

/// One device, or without one all but this.
#[derive(Deserialize)]
pub(super) struct Elsewhere {
    device: Option<String>,
}

pub(super) async fn sign_out(
    State(state): State<AppState>,
    present: Present,
    Form(form): Form<Elsewhere>,
) -> PageResult {
    let (member_id, here) = (present.member.id, present.device_id);
    let activity = state
        .storage
        .write(move |tx| {
            let message = end(tx, member_id, here, form.device.as_deref())?;
            audit::record(tx, Some(member_id), "members.signed_out", &json!({ "message": message }))
        })
        .await?;
    Ok(done("/account", activity))
}

fn end(tx: &mut dyn Tx, member_id: i64, here: i64, device: Option<&str>) -> Result<String> {
    let Some(device) = device else {
        let ended = devices::end_others(tx, member_id, here)?;
        return Ok(format!("다른 기기 {ended}대에서 로그아웃했어요."));
    };
    let ended = match parse_crockford(device) {
        Some(id) if id != here => devices::end(tx, member_id, id)?,
        _ => false,
    };
    Ok(if ended { "그 기기에서 로그아웃했어요." } else { "이미 로그아웃된 기기예요." }.to_owned())
}

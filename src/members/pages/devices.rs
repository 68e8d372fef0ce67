//! Logout of the member's other devices.

use axum::extract::State;
use serde::Deserialize;
use serde_json::json;

use crate::audit;
use crate::id::parse_crockford;
use crate::members::store::CurrentMember;
use crate::members::store::devices;
use crate::storage::{Result, Storage, Tx};
use crate::web::{Form, PageResult, redirect_with_flash};

#[derive(Deserialize)]
pub(super) struct RevokeForm {
    /// the device to log out; all but the current one when absent
    device: Option<String>,
}

pub(super) async fn revoke(
    State(storage): State<Storage>,
    current: CurrentMember,
    Form(form): Form<RevokeForm>,
) -> PageResult {
    let (member_id, device_id) = (current.member.id, current.device_id);
    let activity = storage
        .write(move |tx| {
            let message = revoke_devices(tx, member_id, device_id, form.device.as_deref())?;
            audit::record(tx, Some(member_id), "members.signed_out", &json!({ "message": message }))
        })
        .await?;
    Ok(redirect_with_flash("/account", activity))
}

/// Returns the message for the member.
fn revoke_devices(tx: &mut dyn Tx, member_id: i64, current: i64, device: Option<&str>) -> Result<String> {
    let Some(device) = device else {
        let revoked = devices::revoke_others(tx, member_id, current)?;
        return Ok(format!("다른 기기 {revoked}대에서 로그아웃했어요."));
    };
    let is_revoked = match parse_crockford(device) {
        Some(id) if id != current => devices::revoke(tx, member_id, id)?,
        _ => false,
    };
    Ok(if is_revoked { "그 기기에서 로그아웃했어요." } else { "이미 로그아웃된 기기예요." }.to_owned())
}

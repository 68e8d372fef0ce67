//! Logout of the member's other devices.

use axum::extract::State;
use serde::Deserialize;

use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::id::{DeviceId, Id};
use crate::members::store::CurrentMember;
use crate::members::store::devices;
use crate::storage::{Result, Storage, Tx};
use crate::web::{Flash, Form, PageResult, redirect_with_flash};

#[derive(Deserialize)]
pub(super) struct RevokeForm {
    /// the device to log out; all but the current one when absent
    device: Option<String>,
}

pub(super) async fn revoke(
    State(storage): State<Storage>,
    current: CurrentMember,
    actor: MemberActor,
    Form(form): Form<RevokeForm>,
) -> PageResult {
    let flash = storage
        .write(move |tx| revoke_devices(tx, actor, current.device_id, form.device.as_deref())?.save(tx, actor.id))
        .await?;
    Ok(redirect_with_flash("/account", flash))
}

/// Logs the device out, or all but the current one.
fn revoke_devices(tx: &mut dyn Tx, actor: MemberActor, current: DeviceId, device: Option<&str>) -> Result<Flash> {
    let devices = match device {
        None => devices::revoke_others(tx, actor.id, current)?,
        Some(device) => match Id::parse(device) {
            Some(id) if id != current => devices::revoke(tx, actor.id, id)?.into(),
            _ => 0,
        },
    };
    let event = AuditEvent::DevicesLoggedOut { devices };
    if devices > 0 {
        audit::record(tx, actor, AuditObject::one(actor.id), &event)?;
    }
    Ok(match (device, devices) {
        (None, _) => Flash::success(event.sentence()),
        (Some(_), 0) => Flash::success("이미 로그아웃된 기기예요."),
        (Some(_), _) => Flash::success("그 기기에서 로그아웃했어요."),
    })
}

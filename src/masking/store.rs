//! SQL of masking: what a member may see now, and deliveries that were opened with a reason.

use std::collections::HashSet;

use chrono::Days;

use super::OPEN_FOR_MS;
use super::model::{MaskPolicy, RevealReason};
use crate::access::{self, AccessAction, AccessedOrders, NewAccess};
use crate::audit::{Actor, MemberActor};
use crate::id::{DeliveryId, MemberId, OrderId, PersonRequestId};
use crate::members::model::Member;
use crate::members::model::rights::{Sight, Surface, sight};
use crate::shop;
use crate::storage::{Result, Tx};

/// What the member sees on a surface. At most two statements, one of them on a table that is empty in most shops.
pub fn load(tx: &mut dyn Tx, member: &Member, surface: Surface) -> Result<MaskPolicy> {
    let (now, role) = (tx.now(), member.role);
    let depends_on_setting = sight(role, surface, true) != sight(role, surface, false);
    let masks_lists = depends_on_setting && shop::store::masks_lists(tx)?;
    let sight = sight(role, surface, masks_lists);
    let opened = "SELECT delivery_id FROM reveals WHERE member_id = ? AND expires_at > ?";
    let rows = match sight {
        Sight::Opened => tx.query(opened, &[member.id.into(), now.into()])?,
        Sight::Due => {
            let today = now.date();
            let sql = format!(
                "{opened} UNION SELECT j.delivery_id FROM tours t JOIN stops s ON s.tour_id = t.id \
                 JOIN jobs j ON j.id = s.job_id WHERE t.day IN (?, ?) AND s.attempt = 0"
            );
            tx.query(&sql, &[member.id.into(), now.into(), today.into(), (today + Days::new(1)).into()])?
        }
        Sight::None | Sight::Masked | Sight::Full => Vec::new(),
    };
    let open: Result<HashSet<DeliveryId>> = rows.into_iter().map(|row| row.id(0)).collect();
    let restricted = "SELECT delivery_id FROM restrictions r WHERE NOT EXISTS (SELECT 1 FROM reveals v \
                      WHERE v.member_id = ? AND v.delivery_id = r.delivery_id AND v.expires_at > ?)";
    let rows = match sight {
        Sight::None | Sight::Masked => Vec::new(),
        Sight::Opened | Sight::Due | Sight::Full => tx.query(restricted, &[member.id.into(), now.into()])?,
    };
    let restricted: Result<HashSet<DeliveryId>> = rows.into_iter().map(|row| row.id(0)).collect();
    Ok(MaskPolicy::new(sight, open?, now.date()).restricting(restricted?))
}

/// Deliveries whose use was stopped on demand (처리정지).
pub fn restricted(tx: &mut dyn Tx) -> Result<HashSet<DeliveryId>> {
    let rows = tx.query("SELECT delivery_id FROM restrictions", &[])?;
    rows.into_iter().map(|row| row.id(0)).collect()
}

/// Whether the use of a delivery was stopped on demand.
pub fn is_restricted(tx: &mut dyn Tx, delivery_id: DeliveryId) -> Result<bool> {
    Ok(tx.scalar("SELECT count(*) FROM restrictions WHERE delivery_id = ?", &[delivery_id.into()])? > 0)
}

/// Deliveries that a demand stopped.
pub fn restricted_by(tx: &mut dyn Tx, request_id: PersonRequestId) -> Result<Vec<DeliveryId>> {
    let rows = tx.query("SELECT delivery_id FROM restrictions WHERE request_id = ?", &[request_id.into()])?;
    rows.into_iter().map(|row| row.id(0)).collect()
}

/// Stops the use of deliveries on a demand.
pub fn restrict(tx: &mut dyn Tx, deliveries: &[DeliveryId], request_id: PersonRequestId) -> Result<()> {
    let now = tx.now();
    let mut rows = deliveries.iter().map(|id| vec![(*id).into(), request_id.into(), now.into()]);
    tx.upsert_many("restrictions", &["delivery_id"], &["request_id", "restricted_at"], &mut rows)
}

/// Allows the use of the deliveries again that a demand stopped; answers how many.
pub fn lift(tx: &mut dyn Tx, request_id: PersonRequestId) -> Result<u64> {
    tx.exec("DELETE FROM restrictions WHERE request_id = ?", &[request_id.into()])
}

/// Number of deliveries that a demand stopped.
pub fn count_restricted(tx: &mut dyn Tx, request_id: PersonRequestId) -> Result<i64> {
    tx.scalar("SELECT count(*) FROM restrictions WHERE request_id = ?", &[request_id.into()])
}

/// Forgets deliveries that are deleted.
pub fn delete_restrictions_of(tx: &mut dyn Tx, deliveries: &[DeliveryId]) -> Result<u64> {
    tx.delete_ids("restrictions", "delivery_id", deliveries)
}

/// Opens a delivery for a member, and records whose data on which page for which reason. False without such a delivery.
pub fn reveal(
    tx: &mut dyn Tx,
    actor: MemberActor,
    delivery_id: DeliveryId,
    (reason, note): (RevealReason, &str),
    page: &str,
) -> Result<bool> {
    let rows = tx.query("SELECT id FROM orders WHERE delivery_id = ?", &[delivery_id.into()])?;
    let orders: AccessedOrders =
        rows.into_iter().map(|row| row.id(0)).collect::<Result<Vec<OrderId>>>()?.into_iter().collect();
    if orders.count == 0 {
        return Ok(false);
    }
    keep_open(tx, actor.id, delivery_id)?;
    let note = if note.is_empty() { String::new() } else { format!("&note={note}") };
    let query = format!("reason={}{note}", reason.label());
    let access = NewAccess {
        accessor: Actor::from(actor).into(),
        action: AccessAction::Revealed,
        page: page.to_owned(),
        query,
        orders,
    };
    access::record(tx, access)?;
    Ok(true)
}

/// Opens a delivery for a member without a record of its own, such as one that the member has just entered.
pub fn keep_open(tx: &mut dyn Tx, member_id: MemberId, delivery_id: DeliveryId) -> Result<()> {
    let now = tx.now();
    tx.exec("DELETE FROM reveals WHERE member_id = ? AND expires_at <= ?", &[member_id.into(), now.into()])?;
    let key = [("member_id", member_id.into()), ("delivery_id", delivery_id.into())];
    tx.upsert("reveals", &key, &[("expires_at", now.plus_ms(OPEN_FOR_MS).into())])?;
    Ok(())
}

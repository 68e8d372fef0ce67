//! SQL of the demo shop.

use std::collections::HashSet;

use crate::audit::{self, Actor, AuditEvent, AuditObject};
use crate::id::DeliveryId;
use crate::members;
use crate::orders::bundle::DeliveryState;
use crate::orders::model::ShippingMethod;
use crate::storage::{Result, Tx, lease, schema};
use crate::time::Moment;

/// Settings that record the creation: time in milliseconds, and number of orders.
const CREATED_AT: &str = "demo.created_at";
const ORDERS: &str = "demo.orders";

/// Creation of a demo shop, from the settings.
pub(super) struct CreationRecord {
    /// Time of the creation.
    pub at: Moment,
    /// Number of generated orders.
    pub orders: Option<u64>,
}

/// The recorded creation; `None` if the database contains no demo shop.
pub(super) fn creation(tx: &mut dyn Tx) -> Result<Option<CreationRecord>> {
    let (mut created_at, mut orders) = (None, None);
    for mut row in tx.query("SELECT name, value FROM settings WHERE name LIKE 'demo.%'", &[])? {
        match row.text(0)?.as_str() {
            CREATED_AT => created_at = row.text(1)?.parse().ok(),
            ORDERS => orders = row.text(1)?.parse().ok(),
            _ => {}
        }
    }
    Ok(created_at.map(|at| CreationRecord { at: Moment(at), orders }))
}

/// Records the creation.
pub(super) fn record_creation(tx: &mut dyn Tx, orders: u64) -> Result<()> {
    let now = tx.now();
    for (name, value) in [(CREATED_AT, now.0.to_string()), (ORDERS, orders.to_string())] {
        tx.upsert("settings", &[("name", name.into())], &[("value", value.into())])?;
    }
    audit::record(tx, Actor::Program, AuditObject::UNNUMBERED, &AuditEvent::DemoShopCreated { orders }).map(drop)
}

/// Whether the shop has neither members nor orders.
pub(super) fn is_empty(tx: &mut dyn Tx) -> Result<bool> {
    Ok(!members::store::has_members(tx)? && tx.query_one("SELECT id FROM orders LIMIT 1", &[])?.is_none())
}

/// The lease of a reset: it allows to delete access records, which triggers refuse elsewhere.
const RESET_LEASE: &str = "demo";

/// Validity of the lease; it is released in the transaction that acquires it.
const RESET_LEASE_MS: i64 = 1_000;

/// Deletes the rows of all tables of the schema.
pub(super) fn delete_all(tx: &mut dyn Tx) -> Result<()> {
    let holder = tx.new_number();
    lease::try_acquire(tx, RESET_LEASE, holder, RESET_LEASE_MS)?;
    for table in schema::tables().rev() {
        tx.exec(&format!("DELETE FROM {table}"), &[])?;
    }
    lease::release(tx, RESET_LEASE, holder)
}

/// The newest deliveries of the own team that are finished, with the time of the handing over.
pub(super) fn completed(tx: &mut dyn Tx, limit: i64) -> Result<Vec<(DeliveryId, Moment)>> {
    let (by_shipped, by_id) = (tx.index_hint("orders_by_shipped"), tx.primary_key_hint("deliveries"));
    let sql = format!(
        "SELECT d.id, o.shipped_at FROM orders o {by_shipped} CROSS JOIN deliveries d {by_id} ON d.id = o.delivery_id \
         WHERE o.shipped_at IS NOT NULL AND d.state = ? AND d.shipping_method = ? ORDER BY o.shipped_at DESC LIMIT ?"
    );
    let params = [(DeliveryState::Completed as i64).into(), ShippingMethod::Direct.code().into(), limit.into()];
    let mut seen = HashSet::new();
    let mut completed = Vec::new();
    for row in tx.query(&sql, &params)? {
        let id = row.id(0)?;
        if seen.insert(id) {
            completed.push((id, row.moment(1)?));
        }
    }
    Ok(completed)
}

//! Proving: a backup is restored into a temporary place, examined, and compared with the shop.

use std::path::Path;

use serde_json::json;

use super::integrity::Figures;
use super::key::Key;
use super::object_keys::Name;
use super::restore::{self, RestoreError, Restored};
use super::target::Target;
use crate::storage::{Result, Storage, StorageError, Tx};

/// Why a backup is not proven.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It cannot be restored.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// It does not hold what the shop holds.
    #[error("되살린 주문이 가게와 달라요: 되살린 것 {restored}건, 그때의 가게 {shop}건")]
    Differs {
        /// orders in the restored file
        restored: i64,
        /// orders that the shop had by then
        shop: i64,
    },
    /// The shop cannot be read.
    #[error("가게의 데이터를 읽지 못했어요: {0}")]
    Shop(#[from] StorageError),
}

/// How many orders the shop has that are no newer than the newest of `figures`, if it has that one.
fn shop_until(tx: &mut dyn Tx, figures: &Figures) -> Result<i64> {
    let Some((id, number)) = &figures.newest else { return Ok(0) };
    let newest =
        tx.query_one("SELECT id FROM orders WHERE id = ? AND order_number = ?", &[(*id).into(), number.into()])?;
    if newest.is_none() {
        return Ok(-1);
    }
    tx.scalar("SELECT count(*) FROM orders WHERE id <= ?", &[(*id).into()])
}

/// Restores the newest moment that `target` holds into `folder`, examines it and compares it with
/// the shop; leaves word at the target that its snapshot is proven.
///
/// # Errors
/// What is wrong with it.
pub async fn verify(
    target: &Target,
    key: Option<&Key>,
    folder: &Path,
    shop: &Storage,
) -> Result<Restored, VerifyError> {
    let out = folder.join("proof.db");
    let restored = restore::restore(target, key, None, &out, true, &mut |_, _| ()).await;
    for ending in ["db", "db-wal", "db-shm"] {
        // Left behind it is in nobody's way, and the next proof writes over it.
        let _ = std::fs::remove_file(out.with_extension(ending));
    }
    let restored = restored?;
    let figures = restored.figures.clone();
    let until = shop.read(move |tx| shop_until(tx, &figures)).await?;
    if until != restored.figures.orders {
        return Err(VerifyError::Differs { restored: restored.figures.orders, shop: until });
    }
    if let Name::Snapshot { generation, first, next, .. } = restored.snapshot.clone() {
        let name = Name::Proof { generation, first, next, at: shop.clock().now().0 };
        let words = json!({ "restored_at": restored.at.0, "orders": restored.figures.orders });
        target.replace(&name.path(), words.to_string().into_bytes()).await.map_err(RestoreError::from)?;
    }
    Ok(restored)
}

//! Verification by a trial restore: the newest moment is restored to a temporary file, its integrity is checked,
//! and it is compared with the shop.

use std::path::Path;

use serde_json::json;

use super::key::Key;
use super::object_keys::ObjectKey;
use super::proof_copies::{ProofCopyError, count_missing};
use super::restore::{ProgressFn, RestoreError, RestoreOutcome, restore};
use super::store;
use crate::objects::Target;
use crate::storage::{Storage, StorageError};

/// Why a verification failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum VerifyError {
    /// The target cannot be restored.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// The number of orders differs from the shop's.
    #[error("복원한 주문이 가게와 달라요: 복원한 것 {restored}건, 그때의 가게 {shop}건")]
    Differs {
        /// orders in the restored database
        restored: i64,
        /// orders of the shop up to the newest restored one
        shop: i64,
    },
    /// The target lacks photographs of deliveries.
    #[error("백업에 배송 증빙 사진 {0}장이 없거나 깨졌어요")]
    Proofs(usize),
    /// The photographs of the target cannot be read.
    #[error(transparent)]
    ProofCopies(#[from] ProofCopyError),
    /// The shop's database cannot be read.
    #[error("가게의 데이터를 읽지 못했어요: {0}")]
    Shop(#[from] StorageError),
}

/// Restores the newest moment of `target` to a temporary file in `folder`, checks its integrity and compares it
/// with the shop. On success it marks the snapshot at the target as verified.
///
/// # Errors
/// [`VerifyError::Differs`] if the numbers of orders differ; errors of the restore and of the database.
pub(super) async fn restore_and_compare(
    target: &Target,
    key: Option<&Key>,
    folder: &Path,
    shop: &Storage,
    progress: ProgressFn<'_>,
) -> Result<RestoreOutcome, VerifyError> {
    let out = folder.join("verification.db");
    let outcome = restore(target, key, None, &out, true, progress).await;
    for extension in ["db", "db-wal", "db-shm"] {
        // The next verification overwrites a file that is left behind.
        let _ = std::fs::remove_file(out.with_extension(extension));
    }
    let restored = outcome?;
    let summary = restored.summary.clone();
    let orders = shop.read(move |tx| store::count_orders_until(tx, &summary)).await?;
    if orders != restored.summary.orders {
        return Err(VerifyError::Differs { restored: restored.summary.orders, shop: orders });
    }
    let missing = count_missing((target, key), shop, restored.at).await?;
    if missing > 0 {
        return Err(VerifyError::Proofs(missing));
    }
    if let ObjectKey::Snapshot { generation, first, next, .. } = restored.snapshot.clone() {
        let marker = ObjectKey::Verification { generation, first, next, at: shop.clock().now().0 };
        let content = json!({ "restored_at": restored.at.0, "orders": restored.summary.orders });
        target.replace(&marker.path(), content.to_string().into_bytes()).await.map_err(RestoreError::from)?;
    }
    Ok(restored)
}

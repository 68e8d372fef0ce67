//! SQL of points that were corrected by hand.

use std::collections::BTreeMap;

use crate::districts::model::CorrectedPoint;
use crate::id::MemberId;
use crate::storage::{Result, Tx};
use crate::time::Moment;

/// A corrected point, as the list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PointCorrection {
    /// [`postal_key`](crate::districts::postal_key)
    pub zip: String,
    /// the point
    pub point: CorrectedPoint,
    /// postal code whose point it took; empty: a point of a map
    pub like_zip: String,
    /// who; none if the account is gone
    pub username: Option<String>,
    /// when
    pub corrected_at: Moment,
}

/// All corrected points, by postal code.
pub fn all(tx: &mut dyn Tx) -> Result<BTreeMap<String, CorrectedPoint>> {
    let sql = "SELECT zip, lat, lng FROM point_corrections";
    tx.query(sql, &[])?
        .into_iter()
        .map(|mut row| Ok((row.text(0)?, CorrectedPoint { lat: row.int(1)?, lng: row.int(2)? })))
        .collect()
}

/// The corrected points, by postal code.
pub fn list(tx: &mut dyn Tx) -> Result<Vec<PointCorrection>> {
    let sql = "SELECT c.zip, c.lat, c.lng, c.like_zip, m.username, c.corrected_at FROM point_corrections c \
               LEFT JOIN members m ON m.id = c.member_id ORDER BY c.zip";
    tx.query(sql, &[])?
        .into_iter()
        .map(|mut row| {
            Ok(PointCorrection {
                zip: row.text(0)?,
                point: CorrectedPoint { lat: row.int(1)?, lng: row.int(2)? },
                like_zip: row.text(3)?,
                username: row.opt_text(4)?,
                corrected_at: row.moment(5)?,
            })
        })
        .collect()
}

/// Sets the point of a postal code, given as [`postal_key`](crate::districts::postal_key). Every node reloads it; no order
/// changes its district.
pub fn set(tx: &mut dyn Tx, key: &str, point: CorrectedPoint, like_zip: &str, member_id: MemberId) -> Result<()> {
    let now = tx.now();
    let values = [
        ("lat", point.lat.into()),
        ("lng", point.lng.into()),
        ("like_zip", like_zip.into()),
        ("member_id", member_id.into()),
        ("corrected_at", now.into()),
    ];
    tx.upsert("point_corrections", &[("zip", key.into())], &values)?;
    super::renew_version(tx)
}

/// Takes a correction back; false if there is none.
pub fn delete(tx: &mut dyn Tx, key: &str) -> Result<bool> {
    let found = tx.exec("DELETE FROM point_corrections WHERE zip = ?", &[key.into()])? > 0;
    if found {
        super::renew_version(tx)?;
    }
    Ok(found)
}

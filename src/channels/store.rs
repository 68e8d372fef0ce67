//! SQL of the table `sales_channels`. A channel is inserted with its first order or its file password. [`profiles`] has
//! that of the profiles that the shop taught.

pub mod profiles;

use crate::id::ChannelId;
use crate::storage::{Param, Result, Tx};

/// The id of a channel; none when it has no orders yet, or for a courier.
pub fn find_id(tx: &mut dyn Tx, code: &str) -> Result<Option<ChannelId>> {
    let row = tx.query_one("SELECT id FROM sales_channels WHERE code = ?", &[code.into()])?;
    row.map(|row| row.id(0)).transpose()
}

/// The id of a channel, which is inserted if it does not exist.
pub fn find_or_insert(tx: &mut dyn Tx, code: &str, name: &str) -> Result<ChannelId> {
    if let Some(id) = find_id(tx, code)? {
        return Ok(id);
    }
    let id = ChannelId::from_raw(tx.scalar("SELECT max(id) FROM sales_channels", &[])? + 1);
    tx.exec("INSERT INTO sales_channels (id, code, name) VALUES (?, ?, ?)", &[id.into(), code.into(), name.into()])?;
    Ok(id)
}

/// Code and name of each channel, oldest first.
pub fn all(tx: &mut dyn Tx) -> Result<Vec<(String, String)>> {
    let rows = tx.query("SELECT code, name FROM sales_channels ORDER BY id", &[])?;
    rows.into_iter().map(|mut row| Ok((row.text(0)?, row.text(1)?))).collect()
}

/// The sealed file passwords of all channels.
pub fn sealed_passwords(tx: &mut dyn Tx) -> Result<Vec<Vec<u8>>> {
    let sql = "SELECT sealed_password FROM sales_channels WHERE sealed_password IS NOT NULL ORDER BY id";
    let rows = tx.query(sql, &[])?;
    rows.into_iter().filter_map(|mut row| row.opt_blob(0).transpose()).collect()
}

/// Sets or clears the sealed file password of a channel.
pub fn set_sealed_password(tx: &mut dyn Tx, code: &str, sealed: Option<&[u8]>) -> Result<()> {
    let sealed = sealed.map_or(Param::Null, Param::from);
    tx.exec("UPDATE sales_channels SET sealed_password = ? WHERE code = ?", &[sealed, code.into()]).map(drop)
}

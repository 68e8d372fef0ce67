//! SQL of the second factor: the secret of the authenticator app, and recovery codes.

use sha2::{Digest, Sha256};

use crate::id::MemberId;
use crate::storage::{Result, Tx};
use crate::text::hex;

/// The second factor of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondFactor {
    /// the secret, sealed with the shop's key
    pub sealed_secret: Vec<u8>,
    /// step of the last code that was used; it is not accepted again
    pub last_step: i64,
    /// recovery codes that are left
    pub recovery_codes: i64,
}

/// The second factor of a member; None without one.
pub fn find(tx: &mut dyn Tx, member_id: MemberId) -> Result<Option<SecondFactor>> {
    let sql = "SELECT sealed_secret, last_step, \
               (SELECT count(*) FROM recovery_codes r WHERE r.member_id = t.member_id) FROM member_totp t \
               WHERE t.member_id = ?";
    let row = tx.query_one(sql, &[member_id.into()])?;
    row.map(|mut row| {
        Ok(SecondFactor {
            sealed_secret: row.opt_blob(0)?.unwrap_or_default(),
            last_step: row.int(1)?,
            recovery_codes: row.int(2)?,
        })
    })
    .transpose()
}

/// Sets the second factor and the recovery codes of a member; replaces former ones.
pub fn enable(tx: &mut dyn Tx, member_id: MemberId, sealed_secret: &[u8], step: i64, codes: &[String]) -> Result<()> {
    disable(tx, member_id)?;
    let now = tx.now();
    tx.exec(
        "INSERT INTO member_totp (member_id, sealed_secret, last_step, enabled_at) VALUES (?, ?, ?, ?)",
        &[member_id.into(), sealed_secret.into(), step.into(), now.into()],
    )?;
    let mut rows = codes.iter().map(|code| vec![member_id.into(), hash(code).into()]);
    tx.exec_many("INSERT INTO recovery_codes (member_id, code_hash) VALUES (?, ?)", &mut rows)
}

/// Removes the second factor and the recovery codes; returns whether there was one.
pub fn disable(tx: &mut dyn Tx, member_id: MemberId) -> Result<bool> {
    tx.exec("DELETE FROM recovery_codes WHERE member_id = ?", &[member_id.into()])?;
    Ok(tx.exec("DELETE FROM member_totp WHERE member_id = ?", &[member_id.into()])? > 0)
}

/// Records that the code of a step was used; false if it, or a later one, was used before.
pub fn use_step(tx: &mut dyn Tx, member_id: MemberId, step: i64) -> Result<bool> {
    let sql = "UPDATE member_totp SET last_step = ? WHERE member_id = ? AND last_step < ?";
    Ok(tx.exec(sql, &[step.into(), member_id.into(), step.into()])? > 0)
}

/// Uses a recovery code up; false if the member has no such code.
pub fn use_recovery_code(tx: &mut dyn Tx, member_id: MemberId, typed: &str) -> Result<bool> {
    let sql = "DELETE FROM recovery_codes WHERE member_id = ? AND code_hash = ?";
    Ok(tx.exec(sql, &[member_id.into(), hash(typed).into()])? > 0)
}

/// Sets whether the member must have a second factor; false if there is no such member.
pub fn set_required(tx: &mut dyn Tx, member_id: MemberId, required: bool) -> Result<bool> {
    Ok(tx.exec("UPDATE members SET requires_totp = ? WHERE id = ?", &[required.into(), member_id.into()])? > 0)
}

/// The stored form of a recovery code, which has 60 random bits. Case, dashes and spaces do not matter.
fn hash(code: &str) -> String {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    hex(&Sha256::digest(plain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::members::model::Role;
    use crate::members::store;
    use crate::orders::testing::Shop;

    #[test]
    fn each_code_is_used_once() {
        let shop = Shop::open();
        shop.write(|tx, _| {
            let id = store::add(tx, "kim", Role::Admin, "hash")?.expect("a free name");
            assert_eq!(find(tx, id)?, None);
            enable(tx, id, b"sealed", 7, &["4T0X-K7QF-2M9D".to_owned(), "AAAA-BBBB-CCCC".to_owned()])?;
            assert_eq!((use_step(tx, id, 7)?, use_step(tx, id, 8)?, use_step(tx, id, 8)?), (false, true, false));
            assert!(use_recovery_code(tx, id, "4t0x k7qf2m9d")? && !use_recovery_code(tx, id, "4T0X-K7QF-2M9D")?);
            let factor = find(tx, id)?.expect("a factor");
            assert_eq!((factor.last_step, factor.recovery_codes), (8, 1));
            assert!(disable(tx, id)? && !disable(tx, id)? && find(tx, id)?.is_none());
            Ok(())
        })
        .expect("writes");
    }
}

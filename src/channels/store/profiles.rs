//! SQL of the table `channel_profiles`: layouts of files that the shop taught.

use crate::channels::{FileKind, Profile, Profiles};
use crate::id::{MemberId, ProfileId};
use crate::storage::{Result, Row, StorageError, Tx};
use crate::text::fold_word;
use crate::time::Moment;

/// A profile of the shop as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredProfile {
    /// identifier
    pub id: ProfileId,
    /// kind of file
    pub kind: FileKind,
    /// code of the channel
    pub code: String,
    /// name of the channel
    pub name: String,
    /// its text, as of a file in `assets/channels`
    pub definition: String,
    /// when it was saved last
    pub saved_at: Moment,
    /// who saved it; none for the command line
    pub username: Option<String>,
    /// when it was taken back
    pub removed_at: Option<Moment>,
    /// for optimistic locking
    pub version: i64,
}

impl StoredProfile {
    /// The profile; none if this version of the program cannot read it.
    pub fn profile(&self) -> Option<Profile> {
        let profile = Profile::parse(&self.name, &self.definition).ok()?;
        Some(Profile { own_id: Some(self.id), ..profile })
    }
}

const SELECT: &str = "SELECT p.id, p.kind, p.code, p.name, p.definition, p.saved_at, m.username, p.removed_at, p.version \
                      FROM channel_profiles p LEFT JOIN members m ON m.id = p.saved_by";

fn stored(row: &mut Row) -> Result<StoredProfile> {
    let kind = FileKind::from_code(&row.text(1)?);
    Ok(StoredProfile {
        id: row.id(0)?,
        kind: kind.ok_or_else(|| StorageError::Inconsistent("channel_profiles.kind".to_owned()))?,
        code: row.text(2)?,
        name: row.text(3)?,
        definition: row.text(4)?,
        saved_at: row.moment(5)?,
        username: row.opt_text(6)?,
        removed_at: row.opt_moment(7)?,
        version: row.int(8)?,
    })
}

/// All profiles of the shop, also those that were taken back, by name.
pub fn all(tx: &mut dyn Tx) -> Result<Vec<StoredProfile>> {
    let rows = tx.query(&format!("{SELECT} ORDER BY p.name, p.id"), &[])?;
    rows.into_iter().map(|mut row| stored(&mut row)).collect()
}

/// A profile of the shop.
pub fn find(tx: &mut dyn Tx, id: ProfileId) -> Result<Option<StoredProfile>> {
    tx.query_one(&format!("{SELECT} WHERE p.id = ?"), &[id.into()])?.map(|mut row| stored(&mut row)).transpose()
}

/// The profiles in use: those of the shop, and those of the program.
pub fn with_shipped(tx: &mut dyn Tx, shipped: &Profiles) -> Result<Profiles> {
    let rows = tx.query(&format!("{SELECT} WHERE p.removed_at IS NULL ORDER BY p.id"), &[])?;
    let own = rows.into_iter().map(|mut row| stored(&mut row)).collect::<Result<Vec<_>>>()?;
    let unreadable = own.iter().filter(|stored| stored.profile().is_none());
    for stored in unreadable {
        tracing::warn!(profile = %stored.code, "가게의 양식을 읽지 못해 쓰지 않아요. 양식 화면에서 지우고 다시 만드세요");
    }
    Ok(shipped.with_own(own.iter().filter_map(StoredProfile::profile)))
}

/// Saves a profile of the shop in place of the one of the same kind and code, if any. Returns its identifier.
pub fn save(tx: &mut dyn Tx, profile: &Profile, member_id: Option<MemberId>) -> Result<ProfileId> {
    let (kind, code, name) = (profile.kind.code(), profile.code.as_str(), profile.name.as_str());
    let (now, definition) = (tx.now(), profile.to_toml());
    let sql = "SELECT id FROM channel_profiles WHERE kind = ? AND code = ?";
    if let Some(row) = tx.query_one(sql, &[kind.into(), code.into()])? {
        let id: ProfileId = row.id(0)?;
        let sql = "UPDATE channel_profiles SET name = ?, definition = ?, saved_at = ?, saved_by = ?, removed_at = NULL, \
                   version = version + 1 WHERE id = ?";
        tx.exec(sql, &[name.into(), definition.into(), now.into(), member_id.into(), id.into()])?;
        return Ok(id);
    }
    let id = tx.new_id::<ProfileId>();
    tx.exec(
        "INSERT INTO channel_profiles (id, kind, code, name, definition, saved_at, saved_by) VALUES (?, ?, ?, ?, ?, ?, ?)",
        &[id.into(), kind.into(), code.into(), name.into(), definition.into(), now.into(), member_id.into()],
    )?;
    Ok(id)
}

/// Takes a profile back, or back into use; false if it is so already.
pub fn set_removed(tx: &mut dyn Tx, id: ProfileId, is_removed: bool) -> Result<bool> {
    let removed_at = is_removed.then(|| tx.now());
    let condition = if is_removed { "removed_at IS NULL" } else { "removed_at IS NOT NULL" };
    let sql = format!("UPDATE channel_profiles SET removed_at = ?, version = version + 1 WHERE id = ? AND {condition}");
    Ok(tx.exec(&sql, &[removed_at.into(), id.into()])? > 0)
}

/// Why a profile cannot be added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TakenProfile {
    /// the shop has one of the same kind and code
    #[error("{0} 양식은 이미 있어요. 그 양식을 수정하거나, 삭제한 다음 다시 추가해 주세요.")]
    Exists(String),
    /// another channel has the name
    #[error("‘{0}’은 다른 판매채널의 이름이에요. 파일의 name을 바꿔 주세요.")]
    NameTaken(String),
}

/// Adds a profile of the shop. Returns its identifier, or why it cannot be added.
pub fn add(
    tx: &mut dyn Tx,
    shipped: &Profiles,
    profile: &Profile,
    member_id: Option<MemberId>,
) -> Result<std::result::Result<ProfileId, TakenProfile>> {
    let is_same = |stored: &StoredProfile| {
        stored.removed_at.is_none() && (stored.kind, &stored.code) == (profile.kind, &profile.code)
    };
    if all(tx)?.iter().any(is_same) {
        return Ok(Err(TakenProfile::Exists(profile.name.clone())));
    }
    if is_name_taken(tx, shipped, &profile.name, Some(&profile.code))? {
        return Ok(Err(TakenProfile::NameTaken(profile.name.clone())));
    }
    save(tx, profile, member_id).map(Ok)
}

/// Whether a channel other than `code` has this name or code.
pub fn is_name_taken(tx: &mut dyn Tx, shipped: &Profiles, name: &str, code: Option<&str>) -> Result<bool> {
    let name = fold_word(name);
    let is_other =
        |known: &str, other: &str| Some(known) != code && (fold_word(known) == name || fold_word(other) == name);
    let (own, channels) = (all(tx)?, super::all(tx)?);
    Ok(shipped.all().iter().any(|profile| is_other(&profile.code, &profile.name))
        || channels.iter().any(|(known, other)| is_other(known, other))
        || own.iter().any(|stored| is_other(&stored.code, &stored.name)))
}

//! Teaching columns: the shop's own profile of a channel, and reading the file again.

use std::sync::Arc;

use super::{ImportOptions, Stage, UploadError, Uploads, store};
use crate::audit::{self, Actor, AuditEvent, AuditObject, RecordedEvent};
use crate::channels::TeachError;
use crate::channels::store::profiles;
use crate::id::{MemberId, UploadId};
use crate::storage::Tx;
use crate::text::fold_word;

impl Uploads {
    /// Teaches that columns of an upload's file are columns of its channel under other names: pairs of a header of the
    /// profile and the header of the file. Saves the shop's own profile of the channel.
    ///
    /// # Errors
    /// The upload's columns are as its profile expects them, a pair is impossible, or the database failed.
    pub async fn teach_columns(
        &self,
        id: UploadId,
        actor: Actor,
        pairs: Vec<(String, String)>,
    ) -> Result<RecordedEvent, UploadError> {
        let shipped = Arc::clone(&self.shipped);
        self.storage
            .write(move |tx: &mut dyn Tx| {
                let upload = store::find(tx, id)?.ok_or(UploadError::NotOpen)?;
                let drift = upload.findings.columns.ok_or(UploadError::NotOpen)?;
                for (header, name) in &pairs {
                    let is_missing = drift.missing.iter().any(|column| column.header() == header);
                    if !is_missing {
                        return Err(TeachError::UnknownExpected(header.clone()).into());
                    }
                    if !drift.unread.iter().any(|unread| fold_word(unread) == fold_word(name)) {
                        return Err(TeachError::UnknownColumn(name.clone()).into());
                    }
                }
                let known = profiles::with_shipped(tx, &shipped)?;
                let profile = known.find(drift.kind, &drift.code).ok_or(UploadError::NotOpen)?;
                let taught = profile.with_renamed_columns(&pairs)?;
                let profile_id = profiles::save(tx, &taught, actor.member_id())?;
                let event = AuditEvent::ProfileTaught { channel: taught.name.clone(), columns: pairs.clone() };
                let entry = audit::record(tx, actor, AuditObject::one(profile_id), &event)?;
                Ok(RecordedEvent { event, audit_entry_id: Some(entry) })
            })
            .await
    }

    /// Reads the kept original of an upload again with the profiles of today, as a preview: in place if nothing was applied
    /// yet, otherwise as a new upload. Returns the identifier of the upload with the preview. A file that is refused again
    /// is no error: its page shows why.
    ///
    /// # Errors
    /// The upload does not exist, its original was deleted, or the database failed.
    pub async fn read_again(&self, id: UploadId, member_id: MemberId) -> Result<UploadId, UploadError> {
        let upload = self
            .storage
            .write(move |tx: &mut dyn Tx| {
                let upload = store::find(tx, id)?.ok_or(UploadError::NotOpen)?;
                if upload.stage == Stage::Refused && !store::reopen(tx, id)? {
                    return Err(UploadError::OriginalDeleted);
                }
                Ok(upload)
            })
            .await?;
        if !(upload.stage.is_open() || upload.stage == Stage::Refused) {
            return self.replay(id, member_id).await;
        }
        let courier = Some(upload.courier).filter(|courier| !courier.is_empty());
        let options = ImportOptions { courier: courier.clone(), ..ImportOptions::default() };
        let previewed = match self.load_and_parse(id, None, &options).await {
            Ok(opened) => self.save_preview(id, opened, courier).await,
            Err(error) => Err(error),
        };
        match previewed {
            Ok(_) | Err(UploadError::Refused(_)) => Ok(id),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests;

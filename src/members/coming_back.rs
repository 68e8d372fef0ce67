//! Coming back without the password: a browser that stays signed in brings its ticket.

use std::time::Duration;

use super::devices::{self, Place};
use super::sign_ins::{self, Outcome};
use super::store::{self, Present};
use crate::sessions::staying::{Series, SeriesStore, Ticket, Verdict};
use crate::storage::{Result, Storage, StorageError, Tx};

/// How often a ticket is looked at again because another request with it was faster.
const ATTEMPTS: usize = 5;

/// How it went.
#[derive(Debug)]
pub enum ComingBack {
    /// the member is in
    In {
        /// who
        present: Present,
        /// what the new session is made from
        series: Series,
        /// whether the browser has to be given the next ticket
        renewed: bool,
    },
    /// the ticket is worth nothing any more
    Over,
    /// the ticket is a copy: every session and series of the member has ended
    Stolen,
}

/// What becomes of the browser at `place` that brings `ticket`, if `next` is its next one.
///
/// # Errors
/// The database or the store of series failed.
pub async fn come_back(
    storage: &Storage,
    stays: &dyn SeriesStore,
    ticket: &Ticket,
    next: &Ticket,
    place: &Place,
    idle: Duration,
) -> Result<ComingBack> {
    for _ in 0..ATTEMPTS {
        let Some(series) = stays.find(&ticket.series).await? else {
            return Ok(ComingBack::Over);
        };
        let Series { member_id, epoch, device_id, .. } = series;
        let present = storage.read(move |tx| store::present(tx, member_id, epoch, device_id)).await?;
        let Some(present) = present else {
            stays.delete(&ticket.series).await?;
            return Ok(ComingBack::Over);
        };
        let verdict = series.offered(ticket, next, storage.clock().now());
        let place = place.clone();
        match verdict {
            Verdict::Renewed(after) => {
                if stays.replace(&ticket.series, &series, &after).await? {
                    storage.write(move |tx| note(tx, member_id, device_id, &place, idle)).await?;
                    return Ok(ComingBack::In { present, series: after, renewed: true });
                }
            }
            Verdict::AnotherTab => return Ok(ComingBack::In { present, series, renewed: false }),
            Verdict::Over => {
                stays.delete(&ticket.series).await?;
                return Ok(ComingBack::Over);
            }
            Verdict::Stolen => {
                storage.write(move |tx| end_all(tx, member_id, &place)).await?;
                stays.delete(&ticket.series).await?;
                tracing::warn!(member = present.member.username, "a copied cookie was used: signed out everywhere");
                return Ok(ComingBack::Stolen);
            }
        }
    }
    Err(StorageError::Unavailable("a ticket was brought by too many requests at once".to_owned()))
}

fn note(tx: &mut dyn Tx, member_id: i64, device_id: i64, place: &Place, idle: Duration) -> Result<()> {
    devices::see(tx, device_id, place, idle)?;
    sign_ins::note(tx, member_id, Outcome::Stayed, place)?;
    store::note_sign_in(tx, member_id)
}

fn end_all(tx: &mut dyn Tx, member_id: i64, place: &Place) -> Result<()> {
    store::note_theft(tx, member_id)?;
    sign_ins::note(tx, member_id, Outcome::Stolen, place).map(drop)
}

//! Runs a comparison and keeps its report.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::NaiveDate;

use super::model::{Reconciliation, ShopOrders, compare, merge_rows, period_of};
use super::store::{self, NewReport};
use crate::channels::FileKind;
use crate::channels::store as channels;
use crate::uploads::{ImportOptions, UploadError, Uploads};

/// What the caller states about a list; the rest follows from the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReconcileOptions {
    /// code of the channel
    pub channel: Option<String>,
    /// first day of the period, by 주문일
    pub from: Option<NaiveDate>,
    /// last day of the period
    pub to: Option<NaiveDate>,
}

/// A kept report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReconcileOutcome {
    /// identifier of the report
    pub id: i64,
    /// code of the channel
    pub channel_code: String,
    /// what was found
    pub comparison: Reconciliation,
}

/// Compares a list with the shop and keeps the report. If orders of an order list are missing here, the file is stored as
/// an upload too, previewed and not applied, so that they can be taken in.
///
/// # Errors
/// The file is rejected, or the database failed.
pub async fn reconcile(
    uploads: &Uploads,
    member_id: Option<i64>,
    file_name: &str,
    bytes: Vec<u8>,
    password: Option<&str>,
    options: &ReconcileOptions,
) -> Result<ReconcileOutcome, UploadError> {
    let bytes = Arc::new(bytes);
    let file = uploads.read_list(Arc::clone(&bytes), password, options.channel.as_deref()).await?;
    let profile = file.profile;
    let found = period_of(&file.rows);
    let (from, to) = (options.from.or(found.map(|days| days.0)), options.to.or(found.map(|days| days.1)));
    let unread = i64::try_from(file.unread.len()).unwrap_or(i64::MAX);
    let (orders, repeated) = merge_rows(file.rows, profile.kind == FileKind::Settlement);
    let orders = Arc::new(orders);
    let (of_list, listed) = (Arc::clone(&profile), Arc::clone(&orders));
    let comparison = uploads
        .storage
        .read(move |tx| {
            let Some(channel) = channels::find_id(tx, &of_list.code)? else {
                return Ok(compare(&of_list, &listed, &ShopOrders::new(), &BTreeSet::new()));
            };
            let mut known = ShopOrders::new();
            // Without both days every older order would count as missing there.
            if let (Some(from), Some(to)) = (from, to) {
                store::load_period(tx, channel, (from, to), &mut known)?;
            }
            let in_period: BTreeSet<String> = known.keys().cloned().collect();
            let others: Vec<&str> = listed.keys().map(String::as_str).filter(|key| !known.contains_key(*key)).collect();
            store::load_by_number(tx, channel, &others, &mut known)?;
            Ok::<_, UploadError>(compare(&of_list, &listed, &known, &in_period))
        })
        .await?;
    let comparison = Reconciliation { repeated, ..comparison };
    let is_missing = comparison.rows.iter().any(|row| row.finding == super::model::Discrepancy::MissingHere);
    let upload_id = if is_missing && profile.kind == FileKind::Orders {
        let options = ImportOptions { channel: options.channel.clone(), ..ImportOptions::default() };
        let bytes = Arc::unwrap_or_clone(bytes);
        Some(uploads.receive_and_preview(member_id, file_name, bytes, &options).await?.id)
    } else {
        None
    };
    let report = NewReport {
        member_id,
        channel_code: profile.code.clone(),
        channel_name: profile.name.clone(),
        kind: profile.kind,
        file_name: file_name.to_owned(),
        period: from.zip(to),
        unread,
        upload_id,
        comparison: Arc::new(comparison.clone()),
    };
    let id = uploads.storage.write(move |tx| store::insert(tx, &report)).await?;
    Ok(ReconcileOutcome { id, channel_code: profile.code.clone(), comparison })
}

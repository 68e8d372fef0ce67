//! SQL of the newest uploads that tell of cancellations.

use std::collections::HashMap;

use crate::channels::store as channels;
use crate::id::UploadId;
use crate::orders::filter::OrderFilter;
use crate::orders::list;
use crate::orders::manual_order;
use crate::shop::store as shop;
use crate::storage::{Result, Tx};
use crate::time::Moment;
use crate::uploads::claim_data::{ClaimData, ClaimDataSummary};

/// Records that an applied upload tells of cancellations until `until`; without that, until the shop received its bytes
/// for the first time.
pub fn mark_claim_data(tx: &mut dyn Tx, upload_id: UploadId, until: Option<Moment>) -> Result<()> {
    let first = "SELECT min(created_at) FROM uploads \
                 WHERE file_sha256 = (SELECT file_sha256 FROM uploads WHERE id = ?) OR id = ?";
    let until: Moment = match until {
        Some(until) => until,
        None => Moment(tx.scalar(first, &[upload_id.into(), upload_id.into()])?),
    };
    tx.exec("UPDATE uploads SET claims_until = ? WHERE id = ?", &[until.into(), upload_id.into()]).map(drop)
}

/// The newest claims of the channels with these codes, in the order of the channels. The shop's own orders have none.
fn claim_data(tx: &mut dyn Tx, is_wanted: impl Fn(&str) -> bool) -> Result<Vec<ClaimData>> {
    let sql = "SELECT channel_code, max(claims_until) FROM uploads WHERE stage = 'applied' AND claims_until IS NOT NULL \
               GROUP BY channel_code";
    let mut newest: HashMap<String, Moment> = HashMap::new();
    for mut row in tx.query(sql, &[])? {
        newest.insert(row.text(0)?, row.moment(1)?);
    }
    let wanted = channels::all(tx)?.into_iter().filter(|(code, _)| code != manual_order::CHANNEL.0 && is_wanted(code));
    Ok(wanted
        .map(|(code, name)| ClaimData { newest_at: newest.get(&code).copied(), channel_code: code, channel_name: name })
        .collect())
}

/// What a slip with orders of these channels says about their claims.
pub fn claim_data_of_channels(tx: &mut dyn Tx, codes: &[String]) -> Result<ClaimDataSummary> {
    let data = claim_data(tx, |code| codes.iter().any(|known| known == code))?;
    let hours = shop::find(tx)?.max_claim_data_hours;
    Ok(ClaimDataSummary::new(data, tx.now(), hours))
}

/// What a file with the orders of a search says about the claims of its channels.
pub fn claim_data_of_search(tx: &mut dyn Tx, filter: &OrderFilter) -> Result<ClaimDataSummary> {
    let mut codes = Vec::new();
    for (code, _) in channels::all(tx)? {
        if !filter.channels.is_empty() && !filter.channels.contains(&code) {
            continue;
        }
        let of_channel = OrderFilter { channels: vec![code.clone()], ..filter.clone() };
        if list::count(tx, &of_channel)?.number() > 0 {
            codes.push(code);
        }
    }
    claim_data_of_channels(tx, &codes)
}

//! Settings of all trucks: the depot, the default of the handling, and postal codes that only ships reach.

use super::handling::PieceEffort;
use super::service_area::ZipRange;

/// Postal codes that a new shop does not serve by truck: Jeju, Ulleung and other islands that channels charge as 도서, as
/// far as no bridge is known. A start that the shop corrects.
const INITIAL_FERRY_ZIPS: [(&str, &str); 24] = [
    ("22386", "22388"),
    ("23100", "23116"),
    ("23124", "23136"),
    ("31708", "31708"),
    ("32133", "32133"),
    ("40200", "40240"),
    ("52570", "52571"),
    ("53031", "53033"),
    ("53089", "53104"),
    ("56347", "56349"),
    ("57068", "57069"),
    ("58760", "58762"),
    ("58826", "58826"),
    ("58828", "58866"),
    ("58953", "58958"),
    ("59102", "59103"),
    ("59106", "59106"),
    ("59127", "59127"),
    ("59129", "59129"),
    ("59137", "59166"),
    ("59650", "59650"),
    ("59766", "59766"),
    ("59781", "59790"),
    ("63000", "63644"),
];

/// Settings of all trucks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TruckSettings {
    /// postal code of the depot; empty until it is set
    pub depot_zip: String,
    /// effort of a product without its own
    pub default_handling: PieceEffort,
    /// postal codes that only ships reach
    pub ferry_zips: Vec<ZipRange>,
    /// working days from the purchase at the factory until the goods are ready
    pub lead_days: i64,
}

/// Lead time until the shop sets its own, in working days.
const INITIAL_LEAD_DAYS: i64 = 5;

/// Longest lead time, in working days.
pub const MAX_LEAD_DAYS: i64 = 20;

impl Default for TruckSettings {
    fn default() -> Self {
        let range = |(first, last): (&str, &str)| ZipRange { first: first.to_owned(), last: last.to_owned() };
        Self {
            depot_zip: String::new(),
            default_handling: PieceEffort::INITIAL,
            ferry_zips: INITIAL_FERRY_ZIPS.map(range).into(),
            lead_days: INITIAL_LEAD_DAYS,
        }
    }
}

/// Ranges as text: one a line, `63000-63644` or `54000`.
pub fn ferry_text(ranges: &[ZipRange]) -> String {
    let line = |range: &ZipRange| {
        if range.first == range.last { range.first.clone() } else { format!("{}-{}", range.first, range.last) }
    };
    ranges.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Parses [`ferry_text`]. Lines and commas separate ranges.
///
/// # Errors
/// The first text that is no range, as it was typed.
pub fn parse_ferry_text(text: &str) -> Result<Vec<ZipRange>, String> {
    let is_zip = |zip: &str| zip.len() == 5 && zip.bytes().all(|byte| byte.is_ascii_digit());
    let items = text.split(['\n', ',']).map(str::trim).filter(|item| !item.is_empty());
    items
        .map(|item| {
            let (first, last) = item.split_once(['-', '~']).unwrap_or((item, item));
            let (first, last) = (first.trim().to_owned(), last.trim().to_owned());
            let is_valid = is_zip(&first) && is_zip(&last) && first <= last;
            is_valid.then_some(ZipRange { first, last }).ok_or_else(|| item.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_round_trip_as_text() {
        let initial = TruckSettings::default().ferry_zips;
        assert_eq!(parse_ferry_text(&ferry_text(&initial)), Ok(initial));
        assert_eq!(
            parse_ferry_text(" 63000 ~ 63644 , 54000\n\n").map(|ranges| ferry_text(&ranges)).as_deref(),
            Ok("63000-63644\n54000")
        );
        assert_eq!(parse_ferry_text("63000-\n"), Err("63000-".to_owned()));
        assert_eq!(parse_ferry_text("63644-63000"), Err("63644-63000".to_owned()));
    }
}

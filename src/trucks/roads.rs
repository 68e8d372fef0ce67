//! Forms of what planning knows of places and roads: points that are set by hand, and factors of the roads.

use crate::districts::Districts;
use crate::routing::travel::Point;
use crate::text::{nfkc, parse_zip_code};

/// Smallest and largest percent of the estimate that a factor can have.
pub const PERCENT: std::ops::RangeInclusive<i64> = 50..=300;

/// Where a postal code really is.
#[derive(Clone, Debug, PartialEq)]
pub enum Location {
    /// where another postal code is
    LikeZip(String),
    /// a point of a map
    Point(Point),
}

/// Parses a location: a postal code, or latitude and longitude as they are copied from a map, in either order: `36.1195,
/// 128.3446`, `(128.3446 36.1195)`.
pub fn parse_location(text: &str) -> Option<Location> {
    let text = nfkc(text);
    let numbers: Vec<&str> =
        text.split(|letter: char| !letter.is_ascii_digit() && letter != '.').filter(|part| !part.is_empty()).collect();
    match numbers[..] {
        [zip] => parse_zip_code(zip).ok().filter(|zip| !zip.is_empty()).map(Location::LikeZip),
        [one, other] => {
            let (one, other): (f64, f64) = (one.parse().ok()?, other.parse().ok()?);
            let (lat, lng) = if one < other { (one, other) } else { (other, one) };
            // Korea: no latitude is a longitude there.
            let is_here = (33.0..=39.0).contains(&lat) && (124.0..=132.0).contains(&lng);
            is_here.then_some(Location::Point(Point { lat, lng }))
        }
        _ => None,
    }
}

/// Name of a road between two 시/군/구, or within one: `구미시 ↔ 김천시`, `구미시 안`.
pub fn road_name(districts: &Districts, (from, to): (i64, i64)) -> String {
    let name = |code: i64| districts.region(code).map_or_else(|| code.to_string(), |region| region.short_name.clone());
    if from == to { format!("{} 안", name(from)) } else { format!("{} ↔ {}", name(from), name(to)) }
}

/// Parses a percent: `120`, `120%`.
pub fn parse_percent(text: &str) -> Option<i64> {
    nfkc(text).trim().trim_end_matches('%').trim().parse().ok().filter(|percent| PERCENT.contains(percent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn location_is_a_postal_code_or_a_point_of_any_map() {
        let at = Some(Location::Point(Point { lat: 36.1195, lng: 128.3446 }));
        for text in ["36.1195, 128.3446", "(36.1195,128.3446)", "128.3446 36.1195", " 위도 36.1195 경도 128.3446 "]
        {
            assert_eq!(parse_location(text), at, "{text}");
        }
        assert_eq!(parse_location("39867"), Some(Location::LikeZip("39867".to_owned())));
        assert_eq!(parse_location("４５２４"), Some(Location::LikeZip("04524".to_owned())));
        for wrong in ["", "구미시", "36.1", "35.6895, 139.6917", "1, 2, 3", "128.3, 128.4"] {
            assert_eq!(parse_location(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn road_is_named_by_its_districts() {
        let districts = Districts::embedded();
        let code = |zip| districts.lookup(zip).district().expect("a district");
        let (gumi, gimcheon) = (code("39100"), code("39500"));
        let name = road_name(&districts, (gimcheon, gumi));
        assert!(name.contains(" ↔ ") && name.contains("구미시"), "{name}");
        assert_eq!(road_name(&districts, (gumi, gumi)), "구미시 안");
        assert_eq!([parse_percent("120%"), parse_percent(" 50 "), parse_percent("301")], [Some(120), Some(50), None]);
    }
}

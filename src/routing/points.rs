//! Points of postal codes: the centre of each five-digit zone, embedded in the executable.
//!
//! Median error against 25,302 registered addresses 0.15 km, 95 % within 0.52 km; a farmhouse is up to 2 km off. That is
//! enough to order stops, and not enough to find a door: navigation goes by the address.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::travel::{Bounds, Place, Point};
use crate::districts::model::CorrectedPoint;
use crate::districts::{Classification, Districts, postal_key};

/// One line per three-digit prefix: `prefix,lat,lng,` and for each code its last two digits and the offset of the point
/// in thousandths of a degree: `0042:7` is code `…00` at +0.042, +0.007.
const PACKED: &str = include_str!("../../assets/districts/postal-points.txt");

/// Thousandths of a degree per degree.
const MILLI: f64 = 1000.0;

/// Millionths of a degree per degree.
const MICRO: f64 = 1_000_000.0;

/// How well the point of a postal code is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PointAccuracy {
    /// the centre of its zone
    Zone,
    /// not in the table: the mean of the codes before and after it in the same 시/군/구
    Neighbours,
    /// not in the table, without such neighbours: the mean of its 시/군/구. Shown as 위치 어림.
    District,
    /// set by hand
    Corrected,
}

/// Postal code with its point, as `(code, latitude, longitude)` in thousandths of a degree.
type Entry = (u32, i32, i32);

/// The table, sorted by code.
///
/// # Panics
/// When the embedded file is malformed. The tests detect such a build.
static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| match unpack(PACKED) {
    Some(entries) => entries,
    None => panic!("the embedded table of points is malformed"),
});

/// Points of postal codes, with the districts that help where a code is missing.
pub struct PostalPoints<'d> {
    districts: &'d Districts,
    /// mean of each 시/군/구, computed when first needed
    means: OnceCell<BTreeMap<i64, Point>>,
}

impl<'d> PostalPoints<'d> {
    /// The embedded points.
    pub const fn new(districts: &'d Districts) -> Self {
        Self { districts, means: OnceCell::new() }
    }

    /// The place of a postal code, as [`locate`](Self::locate) knows it.
    pub fn place(&self, zip_code: &str) -> Option<(Place, PointAccuracy)> {
        let (point, accuracy) = self.locate(zip_code)?;
        Some((Place { point, area: self.districts.lookup(zip_code).district() }, accuracy))
    }

    /// The point of a postal code in any spelling of [`postal_key`]: the one that was set by hand, else that of the table;
    /// none for a code outside every 시/군/구.
    pub fn locate(&self, zip_code: &str) -> Option<(Point, PointAccuracy)> {
        let key = postal_key(zip_code)?;
        if let Some(CorrectedPoint { lat, lng }) = self.districts.corrected_point(&key) {
            #[expect(clippy::cast_precision_loss, reason = "at most 180,000,000")]
            let degrees = |micro: i64| micro as f64 / MICRO;
            return Some((Point { lat: degrees(lat), lng: degrees(lng) }, PointAccuracy::Corrected));
        }
        let code: u32 = if key.len() == 5 { key.parse().ok()? } else { return None };
        let at = match ENTRIES.binary_search_by_key(&code, |entry| entry.0) {
            Ok(at) => return Some((mean(&ENTRIES[at..=at])?, PointAccuracy::Zone)),
            Err(at) => at,
        };
        let district = district(code, self.districts)?;
        if let Some(neighbours) = at.checked_sub(1).and_then(|before| ENTRIES.get(before..=at))
            && neighbours.iter().all(|entry| self::district(entry.0, self.districts) == Some(district))
        {
            return Some((mean(neighbours)?, PointAccuracy::Neighbours));
        }
        Some((*self.means().get(&district)?, PointAccuracy::District))
    }

    /// The 시/군/구 whose middle lies within the bounds, with the middle: the mean of their zones.
    pub fn districts_within(&self, bounds: Bounds) -> Vec<(i64, Point)> {
        self.means().iter().filter(|(_, mean)| bounds.contains(**mean)).map(|(code, mean)| (*code, *mean)).collect()
    }

    fn means(&self) -> &BTreeMap<i64, Point> {
        self.means.get_or_init(|| {
            let districts = self.districts.sigungus_of(ENTRIES.iter().map(|entry| entry.0));
            let mut sums: BTreeMap<i64, Sum> = BTreeMap::new();
            // Codes of one 시/군/구 follow each other: each run is added at once.
            let mut run = (None, Sum::default());
            for (district, entry) in districts.zip(ENTRIES.iter()).chain([(None, &(0, 0, 0))]) {
                if district != run.0 {
                    if let Some(ended) = run.0 {
                        sums.entry(ended).or_default().merge(run.1);
                    }
                    run = (district, Sum::default());
                }
                run.1.add(entry);
            }
            sums.into_iter().filter_map(|(district, sum)| Some((district, sum.mean()?))).collect()
        })
    }
}

/// The centres of the zones within the bounds, at most `limit`, thinned out evenly.
pub fn zone_centres(bounds: Bounds, limit: usize) -> Vec<Point> {
    let centres = ENTRIES.iter().filter_map(|entry| mean(&[*entry]));
    let found: Vec<Point> = centres.filter(|point| bounds.contains(*point)).collect();
    let step = found.len().div_ceil(limit.max(1)).max(1);
    found.into_iter().step_by(step).collect()
}

/// A point as it is stored: in millionths of a degree.
pub fn micro_degrees(point: Point) -> CorrectedPoint {
    #[expect(clippy::cast_possible_truncation, reason = "at most 180,000,000")]
    let micro = |degrees: f64| (degrees * MICRO).round() as i64;
    CorrectedPoint { lat: micro(point.lat), lng: micro(point.lng) }
}

fn district(code: u32, districts: &Districts) -> Option<i64> {
    match districts.lookup(&format!("{code:05}")) {
        Classification::District { code } => Some(code),
        Classification::SidoOnly { .. } | Classification::Unassigned => None,
    }
}

fn mean(entries: &[Entry]) -> Option<Point> {
    let mut sum = Sum::default();
    for entry in entries {
        sum.add(entry);
    }
    sum.mean()
}

/// Sum of points, in thousandths of a degree.
#[derive(Clone, Copy, Default)]
struct Sum {
    lat: i64,
    lng: i64,
    count: u32,
}

impl Sum {
    fn add(&mut self, (_, lat, lng): &Entry) {
        self.merge(Self { lat: (*lat).into(), lng: (*lng).into(), count: 1 });
    }

    const fn merge(&mut self, other: Self) {
        self.lat += other.lat;
        self.lng += other.lng;
        self.count += other.count;
    }

    fn mean(self) -> Option<Point> {
        let count = (self.count > 0).then_some(f64::from(self.count))?;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let degrees = |sum: i64| sum as f64 / count / MILLI;
        Some(Point { lat: degrees(self.lat), lng: degrees(self.lng) })
    }
}

fn unpack(packed: &str) -> Option<Vec<Entry>> {
    let mut entries = Vec::with_capacity(34_268);
    for line in packed.lines() {
        let mut fields = line.splitn(4, ',');
        let prefix: u32 = fields.next()?.parse().ok()?;
        let mut origin = || Some(milli(fields.next()?.parse().ok()?));
        let (lat, lng) = (origin()?, origin()?);
        for item in fields.next()?.split_ascii_whitespace() {
            let (suffix, offsets) = item.split_at_checked(2)?;
            let (lat_offset, lng_offset) = offsets.split_once(':')?;
            let code = prefix * 100 + suffix.parse::<u32>().ok()?;
            entries.push((code, lat + lat_offset.parse::<i32>().ok()?, lng + lng_offset.parse::<i32>().ok()?));
        }
    }
    entries.is_sorted_by(|one, other| one.0 < other.0).then_some(entries)
}

#[expect(clippy::cast_possible_truncation, reason = "at most 360,000")]
fn milli(degrees: f64) -> i32 {
    (degrees * MILLI).round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_zone_has_a_point_in_korea() {
        assert_eq!(ENTRIES.len(), 34_268);
        assert!(ENTRIES.iter().all(|(_, lat, lng)| (33_000..38_700).contains(lat) && (124_500..132_000).contains(lng)));
    }

    #[test]
    fn postal_codes_are_located_as_spreadsheets_write_them() {
        let districts = Districts::embedded();
        let points = PostalPoints::new(&districts);
        let (city_hall, accuracy) = points.locate("04524").expect("서울 시청");
        assert_eq!(accuracy, PointAccuracy::Zone);
        assert!((city_hall.lat - 37.566).abs() < 0.01 && (city_hall.lng - 126.978).abs() < 0.01, "{city_hall:?}");
        assert_eq!(points.locate("4524"), Some((city_hall, accuracy)));
    }

    #[test]
    fn missing_codes_fall_back_to_neighbours_and_district() {
        let districts = Districts::embedded();
        let points = PostalPoints::new(&districts);
        let missing = (1_000..64_000)
            .map(|code: u32| format!("{code:05}"))
            .filter(|code| matches!(districts.lookup(code), Classification::District { .. }));
        let mut counts = [0_u32; 3];
        for code in missing {
            let (_, accuracy) = points.locate(&code).expect("every code of a district has a point");
            counts[accuracy as usize] += 1;
        }
        assert_eq!(counts, [34_268, 397, 10_635], "most missing codes lie at the end of a district");
    }

    #[test]
    fn point_that_was_set_by_hand_precedes_the_table() {
        let at = Point { lat: 36.123_456, lng: 128.654_321 };
        let corrected = [("39867".to_owned(), micro_degrees(at)), ("00123".to_owned(), micro_degrees(at))];
        let districts = Districts::embedded().with_points(corrected.into());
        let points = PostalPoints::new(&districts);
        assert_eq!(points.locate("39867"), Some((at, PointAccuracy::Corrected)));
        assert_eq!(points.locate("123"), Some((at, PointAccuracy::Corrected)), "also of a code outside every district");
        assert_eq!(points.locate("39866").map(|(_, accuracy)| accuracy), Some(PointAccuracy::Zone));
        let (place, _) = points.place("39867").expect("a place");
        assert_eq!((place.point, place.area), (at, districts.lookup("39867").district()));
    }

    #[test]
    fn old_and_foreign_codes_have_no_point() {
        let districts = Districts::embedded();
        let points = PostalPoints::new(&districts);
        assert_eq!(points.locate("135-080"), None);
        assert_eq!(points.locate(""), None);
        assert_eq!(points.locate("00000"), None);
    }
}

//! Borders of the 시/군/구 as lines, embedded in the executable, to draw a route on.
//!
//! Of 2018, to some 200 m: enough to see in which district a stop lies, and no use for deciding it; that is the postal
//! code's business ([`Districts`](crate::districts::Districts)). Source and making: `assets/districts/README.md`.

use std::sync::LazyLock;

use super::travel::{Bounds, Point};

/// One line per stretch of border or coast: its first point as `latitude,longitude` in thousandths of a degree, and each
/// following point as the offset from the one before it.
const PACKED: &str = include_str!("../../assets/districts/borders.txt");

/// Thousandths of a degree per degree.
const MILLI: f64 = 1000.0;

/// The lines.
///
/// # Panics
/// When the embedded file is malformed. The tests detect such a build.
static LINES: LazyLock<Vec<Vec<Point>>> = LazyLock::new(|| match PACKED.lines().map(unpack).collect() {
    Some(lines) => lines,
    None => panic!("the embedded table of borders is malformed"),
});

/// The stretches of borders that may be seen within the bounds.
pub fn borders_within(bounds: Bounds) -> Vec<Vec<Point>> {
    let mut seen = Vec::new();
    for line in LINES.iter() {
        let mut stretch: Vec<Point> = Vec::new();
        for ends in line.windows(2) {
            if bounds.overlap(Bounds::around(ends)) {
                if stretch.is_empty() {
                    stretch.push(ends[0]);
                }
                stretch.push(ends[1]);
            } else if !stretch.is_empty() {
                seen.push(std::mem::take(&mut stretch));
            }
        }
        if !stretch.is_empty() {
            seen.push(stretch);
        }
    }
    seen
}

fn unpack(line: &str) -> Option<Vec<Point>> {
    let (mut lat, mut lng) = (0, 0);
    let point = |pair: &str| {
        let (north, east) = pair.split_once(',')?;
        lat += north.parse::<i32>().ok()?;
        lng += east.parse::<i32>().ok()?;
        Some(Point { lat: f64::from(lat) / MILLI, lng: f64::from(lng) / MILLI })
    };
    line.split_ascii_whitespace().map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_lies_in_korea() {
        assert_eq!(LINES.len(), 1_013);
        let korea = Bounds { from: Point { lat: 33.0, lng: 124.5 }, to: Point { lat: 38.7, lng: 132.0 } };
        assert!(LINES.iter().all(|line| line.len() > 1 && line.iter().all(|point| korea.contains(*point))));
    }

    #[test]
    fn borders_of_a_day_are_those_around_it() {
        let around_daegu = Bounds { from: Point { lat: 35.7, lng: 128.3 }, to: Point { lat: 36.1, lng: 128.9 } };
        let seen = borders_within(around_daegu);
        let points: usize = seen.iter().map(Vec::len).sum();
        assert!((100..1_500).contains(&points), "{points}");
        let leaves = |line: &Vec<Point>| line.windows(2).any(|ends| !around_daegu.overlap(Bounds::around(ends)));
        assert!(!seen.iter().any(leaves), "no stretch goes on outside");
        let sea = Bounds { from: Point { lat: 36.5, lng: 130.0 }, to: Point { lat: 36.9, lng: 130.4 } };
        assert_eq!(borders_within(sea), Vec::<Vec<Point>>::new());
    }
}

//! A sketch of a route: the depot and the stops in order, over the centres of the postal zones around them.
//!
//! The centres are what the program ships; they show towns and valleys well enough to see whether a route makes sense.
//! Nothing is loaded from a map server.

use crate::routing::travel::Point;

/// Width of the drawing in its own units.
const WIDTH: f64 = 1000.0;

/// Greatest height of the drawing.
const MAX_HEIGHT: f64 = 1000.0;

/// Least height of the drawing.
const MIN_HEIGHT: f64 = 300.0;

/// Share of the drawing that stays empty around the route.
const MARGIN: f64 = 0.08;

/// Least extent of the drawing in degrees, so that stops of one town are not drawn kilometres apart.
const MIN_EXTENT_DEGREES: f64 = 0.02;

/// Numbered stop of a sketch. Stops at one place share a mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SketchStop {
    /// from the left
    pub x: i64,
    /// from the top
    pub y: i64,
    /// `3` or `3, 4`
    pub label: String,
}

/// A drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sketch {
    /// width
    pub width: i64,
    /// height
    pub height: i64,
    /// centres of postal zones
    pub zones: Vec<(i64, i64)>,
    /// the route: `x,y x,y …`
    pub route: String,
    /// the depot
    pub depot: (i64, i64),
    /// the stops
    pub stops: Vec<SketchStop>,
}

/// South-west and north-east corner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// smallest latitude and longitude
    pub from: Point,
    /// largest latitude and longitude
    pub to: Point,
}

/// The bounds of the places with a margin; none without places.
fn bounds(places: &[Point]) -> Option<Bounds> {
    let first = *places.first()?;
    let (mut from, mut to) = (first, first);
    for place in places {
        from = Point { lat: from.lat.min(place.lat), lng: from.lng.min(place.lng) };
        to = Point { lat: to.lat.max(place.lat), lng: to.lng.max(place.lng) };
    }
    let widen = |low: f64, high: f64| {
        let extent = (high - low).max(MIN_EXTENT_DEGREES);
        let middle = f64::midpoint(low, high);
        let half = extent * (0.5 + MARGIN);
        (middle - half, middle + half)
    };
    let ((south, north), (west, east)) = (widen(from.lat, to.lat), widen(from.lng, to.lng));
    Some(Bounds { from: Point { lat: south, lng: west }, to: Point { lat: north, lng: east } })
}

/// The sketch of a tour; none without a depot or a stop with a point. `zones` answers the centres within the bounds.
pub fn sketch(
    depot: Option<Point>,
    stops: &[Option<Point>],
    zones: impl FnOnce(Bounds) -> Vec<Point>,
) -> Option<Sketch> {
    let depot = depot?;
    let known: Vec<(usize, Point)> =
        stops.iter().enumerate().filter_map(|(at, point)| Some((at + 1, (*point)?))).collect();
    if known.is_empty() {
        return None;
    }
    let places: Vec<Point> = [depot].into_iter().chain(known.iter().map(|(_, point)| *point)).collect();
    let bounds = bounds(&places)?;
    // A degree of longitude is shorter than one of latitude.
    let narrowing = libm::cos(f64::midpoint(bounds.from.lat, bounds.to.lat).to_radians());
    let (lat_extent, lng_extent) = (bounds.to.lat - bounds.from.lat, (bounds.to.lng - bounds.from.lng) * narrowing);
    let height = (WIDTH * lat_extent / lng_extent).clamp(MIN_HEIGHT, MAX_HEIGHT);
    let scale = (WIDTH / lng_extent).min(height / lat_extent);
    let (left, top) = ((WIDTH - lng_extent * scale) / 2.0, (height - lat_extent * scale) / 2.0);
    #[expect(clippy::cast_possible_truncation, reason = "within the drawing")]
    let project = |point: Point| {
        let x = left + (point.lng - bounds.from.lng) * narrowing * scale;
        let y = top + (bounds.to.lat - point.lat) * scale;
        (x.round() as i64, y.round() as i64)
    };
    let mut marks: Vec<SketchStop> = Vec::new();
    for (number, point) in &known {
        let (x, y) = project(*point);
        match marks.iter_mut().find(|mark| (mark.x, mark.y) == (x, y)) {
            Some(mark) => mark.label = format!("{}, {number}", mark.label),
            None => marks.push(SketchStop { x, y, label: number.to_string() }),
        }
    }
    let line = places.iter().chain([&depot]).map(|place| {
        let (x, y) = project(*place);
        format!("{x},{y}")
    });
    let mut dots: Vec<(i64, i64)> = zones(bounds).into_iter().map(project).collect();
    dots.sort_unstable();
    dots.dedup();
    #[expect(clippy::cast_possible_truncation, reason = "at most 1,000")]
    Some(Sketch {
        width: WIDTH as i64,
        height: height.round() as i64,
        zones: dots,
        route: line.collect::<Vec<_>>().join(" "),
        depot: project(depot),
        stops: marks,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEPOT: Point = Point { lat: 36.0, lng: 128.4 };

    #[test]
    fn stops_are_drawn_within_the_frame_in_their_directions() {
        let (north, east) = (Point { lat: 36.2, lng: 128.4 }, Point { lat: 36.0, lng: 128.6 });
        let drawn = sketch(Some(DEPOT), &[Some(north), None, Some(east)], |_| vec![DEPOT, DEPOT]).expect("a sketch");
        assert_eq!(drawn.stops.iter().map(|stop| stop.label.as_str()).collect::<Vec<_>>(), ["1", "3"]);
        assert!(drawn.stops[0].y < drawn.depot.1 && drawn.stops[1].x > drawn.depot.0, "north is up, east is right");
        let inside = |(x, y): (i64, i64)| (0..=drawn.width).contains(&x) && (0..=drawn.height).contains(&y);
        assert!(drawn.stops.iter().all(|stop| inside((stop.x, stop.y))) && inside(drawn.depot));
        assert_eq!(drawn.zones.len(), 1);
        assert_eq!(drawn.route.split(' ').count(), 4, "back to the depot");
    }

    #[test]
    fn stops_at_one_place_share_a_mark() {
        let place = Some(Point { lat: 36.1, lng: 128.5 });
        let drawn = sketch(Some(DEPOT), &[place, place], |_| Vec::new()).expect("a sketch");
        assert_eq!(drawn.stops.iter().map(|stop| stop.label.as_str()).collect::<Vec<_>>(), ["1, 2"]);
        assert_eq!(sketch(Some(DEPOT), &[None], |_| Vec::new()), None);
        assert_eq!(sketch(None, &[place], |_| Vec::new()), None);
    }
}

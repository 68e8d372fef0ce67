//! A sketch of a route: the depot and the stops in order, over the borders and names of the districts and the centres of
//! their postal zones.
//!
//! These are what the program ships; they show towns and valleys well enough to see whether a route makes sense. Nothing
//! is loaded from a map server.

use crate::districts::Districts;
use crate::routing::borders::borders_within;
use crate::routing::points::{PostalPoints, zone_centres};
use crate::routing::travel::{Bounds, Point};

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

/// Centres of postal zones, at most.
const MAX_ZONES: usize = 800;

/// Room that the name of a district takes, to each side of its middle.
const NAME_ROOM: (i64, i64) = (55, 16);

/// Something written on a sketch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SketchLabel {
    /// from the left
    pub x: i64,
    /// from the top
    pub y: i64,
    /// the text
    pub text: String,
}

/// A drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sketch {
    /// width
    pub width: i64,
    /// height
    pub height: i64,
    /// borders of districts, each `x,y x,y …`; some go on outside the drawing
    pub borders: Vec<String>,
    /// names of districts, none over another
    pub districts: Vec<SketchLabel>,
    /// centres of postal zones
    pub zones: Vec<(i64, i64)>,
    /// the route: `x,y x,y …`
    pub route: String,
    /// the depot
    pub depot: (i64, i64),
    /// the stops: `3`, or `3, 4` where they are at one place
    pub stops: Vec<SketchLabel>,
}

/// From degrees to the units of the drawing.
struct Projection {
    frame: Bounds,
    /// units per degree of latitude, and of longitude
    scale: (f64, f64),
}

impl Projection {
    /// Shows all the places, with a margin.
    fn of(places: &[Point]) -> Self {
        let Bounds { from, to } = Bounds::around(places);
        let extent = |low: f64, high: f64| (high - low).max(MIN_EXTENT_DEGREES) * (1.0 + 2.0 * MARGIN);
        let middle = Point { lat: f64::midpoint(from.lat, to.lat), lng: f64::midpoint(from.lng, to.lng) };
        // A degree of longitude is shorter than one of latitude.
        let narrowing = libm::cos(middle.lat.to_radians());
        let (lat, lng) = (extent(from.lat, to.lat), extent(from.lng, to.lng) * narrowing);
        let height = (WIDTH * lat / lng).clamp(MIN_HEIGHT, MAX_HEIGHT);
        let scale = (WIDTH / lng).min(height / lat);
        let scale = (scale, scale * narrowing);
        let half = (height / scale.0 / 2.0, WIDTH / scale.1 / 2.0);
        let frame = Bounds {
            from: Point { lat: middle.lat - half.0, lng: middle.lng - half.1 },
            to: Point { lat: middle.lat + half.0, lng: middle.lng + half.1 },
        };
        Self { frame, scale }
    }

    #[expect(clippy::cast_possible_truncation, reason = "within the drawing, or a stretch of a border outside it")]
    fn project(&self, point: Point) -> (i64, i64) {
        let x = (point.lng - self.frame.from.lng) * self.scale.1;
        let y = (self.frame.to.lat - point.lat) * self.scale.0;
        (x.round() as i64, y.round() as i64)
    }

    fn line<'p>(&self, points: impl IntoIterator<Item = &'p Point>) -> String {
        let mut pairs: Vec<_> = points.into_iter().map(|point| self.project(*point)).collect();
        pairs.dedup();
        pairs.iter().map(|(x, y)| format!("{x},{y}")).collect::<Vec<_>>().join(" ")
    }

    /// The districts in sight, each where no stop and no other name covers it.
    fn names(&self, districts: &Districts, marks: &[SketchLabel]) -> Vec<SketchLabel> {
        let mut names: Vec<SketchLabel> = Vec::new();
        let (width, height) = self.project(Point { lat: self.frame.from.lat, lng: self.frame.to.lng });
        for (code, middle) in PostalPoints::new(districts).districts_within(self.frame) {
            let (x, y) = self.project(middle);
            let covers = |mark: &SketchLabel| (mark.x - x).abs() < NAME_ROOM.0 && (mark.y - y).abs() < 2 * NAME_ROOM.1;
            let y = marks.iter().find(|mark| covers(mark)).map_or(y, |mark| mark.y + 3 * NAME_ROOM.1);
            let is_inside =
                (NAME_ROOM.0..=width - NAME_ROOM.0).contains(&x) && (NAME_ROOM.1..=height - NAME_ROOM.1).contains(&y);
            let is_free =
                |other: &SketchLabel| (other.x - x).abs() >= 2 * NAME_ROOM.0 || (other.y - y).abs() >= 2 * NAME_ROOM.1;
            if let Some(region) = districts.sigungu(code).filter(|_| is_inside && names.iter().all(is_free)) {
                names.push(SketchLabel { x, y, text: region.short_name.clone() });
            }
        }
        names
    }
}

/// The sketch of a tour; none without a depot or a stop with a point.
pub fn sketch(districts: &Districts, depot: Option<Point>, stops: &[Option<Point>]) -> Option<Sketch> {
    let depot = depot?;
    let known: Vec<(usize, Point)> =
        stops.iter().enumerate().filter_map(|(at, point)| Some((at + 1, (*point)?))).collect();
    if known.is_empty() {
        return None;
    }
    let places: Vec<Point> = [depot].into_iter().chain(known.iter().map(|(_, point)| *point)).collect();
    let projection = Projection::of(&places);
    let mut marks: Vec<SketchLabel> = Vec::new();
    for (number, point) in &known {
        let (x, y) = projection.project(*point);
        match marks.iter_mut().find(|mark| (mark.x, mark.y) == (x, y)) {
            Some(mark) => mark.text = format!("{}, {number}", mark.text),
            None => marks.push(SketchLabel { x, y, text: number.to_string() }),
        }
    }
    let frame = projection.frame;
    let mut zones: Vec<_> =
        zone_centres(frame, MAX_ZONES).into_iter().map(|centre| projection.project(centre)).collect();
    zones.sort_unstable();
    zones.dedup();
    let (width, height) = projection.project(Point { lat: frame.from.lat, lng: frame.to.lng });
    Some(Sketch {
        width,
        height,
        borders: borders_within(frame).iter().map(|stretch| projection.line(stretch)).collect(),
        districts: projection.names(districts, &marks),
        zones,
        route: projection.line(places.iter().chain([&depot])),
        depot: projection.project(depot),
        stops: marks,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEPOT: Point = Point { lat: 36.0, lng: 128.4 };

    fn draw(stops: &[Option<Point>]) -> Sketch {
        sketch(&Districts::embedded(), Some(DEPOT), stops).expect("a sketch")
    }

    fn texts(labels: &[SketchLabel]) -> Vec<&str> {
        labels.iter().map(|label| label.text.as_str()).collect()
    }

    #[test]
    fn stops_are_drawn_within_the_frame_in_their_directions() {
        let (north, east) = (Point { lat: 36.2, lng: 128.4 }, Point { lat: 36.0, lng: 128.6 });
        let drawn = draw(&[Some(north), None, Some(east)]);
        assert_eq!(texts(&drawn.stops), ["1", "3"]);
        assert!(drawn.stops[0].y < drawn.depot.1 && drawn.stops[1].x > drawn.depot.0, "north is up, east is right");
        let inside = |(x, y): (i64, i64)| (0..=drawn.width).contains(&x) && (0..=drawn.height).contains(&y);
        assert!(drawn.stops.iter().all(|stop| inside((stop.x, stop.y))) && inside(drawn.depot));
        assert!(drawn.zones.iter().copied().all(inside));
        assert_eq!(drawn.route.split(' ').count(), 4, "back to the depot");
    }

    #[test]
    fn districts_of_the_route_are_drawn_and_named_once() {
        let (gumi, daegu) = (Point { lat: 36.12, lng: 128.34 }, Point { lat: 35.87, lng: 128.6 });
        let drawn = draw(&[Some(gumi), Some(daegu)]);
        let names = texts(&drawn.districts);
        assert!(names.contains(&"칠곡군") && names.contains(&"구미시"), "{names:?}");
        assert!(drawn.borders.len() > 10 && drawn.borders.iter().all(|line| line.contains(' ')));
    }

    #[test]
    fn names_do_not_cover_one_another_in_a_city() {
        let seoul = [Point { lat: 37.45, lng: 126.7 }, Point { lat: 37.7, lng: 127.2 }].map(Some);
        let names = draw(&seoul).districts;
        for (at, one) in names.iter().enumerate() {
            for other in &names[at + 1..] {
                assert!((one.x - other.x).abs() > 100 || (one.y - other.y).abs() > 30, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn stops_at_one_place_share_a_mark() {
        let place = Some(Point { lat: 36.1, lng: 128.5 });
        assert_eq!(texts(&draw(&[place, place]).stops), ["1, 2"]);
        let districts = Districts::embedded();
        assert_eq!(sketch(&districts, Some(DEPOT), &[None]), None);
        assert_eq!(sketch(&districts, None, &[place]), None);
    }
}

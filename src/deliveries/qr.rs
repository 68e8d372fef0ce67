//! The square on a slip that opens the delivery on a phone.

use std::fmt::Write;

use fast_qr::{ECL, QRBuilder, QRCode};

/// A QR code as the path of a picture.
#[derive(Debug)]
pub(super) struct Square {
    /// width and height in modules, without the quiet zone around it
    pub(super) modules: usize,
    /// the dark modules, a row's neighbours together, as the `d` of an SVG path
    pub(super) path: String,
}

/// The code of a text; none when it is longer than a code can be.
pub(super) fn square(text: &str) -> Option<Square> {
    let code = code(text)?;
    let mut path = String::new();
    for y in 0..code.size {
        let mut x = 0;
        for run in code[y][..code.size].chunk_by(|one, other| one.value() == other.value()) {
            let length = run.len();
            if run[0].value() {
                // Writing into a text does not fail.
                let _ = write!(path, "M{x} {y}h{length}v1h-{length}z");
            }
            x += length;
        }
    }
    Some(Square { modules: code.size, path })
}

fn code(text: &str) -> Option<QRCode> {
    QRBuilder::new(text).ecl(ECL::M).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_becomes_a_square_with_its_three_corners() {
        let square = square("https://mukkeum.example/deliveries/0123456789ABC").expect("short enough");
        let corner = |x: usize, y: usize| square.path.contains(&format!("M{x} {y}h7v1h-7z"));
        let far = square.modules - 7;
        assert!(corner(0, 0) && corner(far, 0) && corner(0, far));
        assert!(!corner(1, 1) && (21..=41).contains(&square.modules));
        assert!(super::square(&"가".repeat(3_000)).is_none());
    }

    #[test]
    fn a_phone_reads_what_was_written() {
        for text in ["https://mukkeum.example/deliveries/0123456789ABC", "http://192.168.0.7:8080/", "묶음 배송"] {
            let code = code(text).expect("short enough");
            let grid = rqrr::SimpleGrid::from_func(code.size, |x, y| code[y][x].value());
            let (_, read) = rqrr::Grid::new(grid).decode().expect("readable");
            assert_eq!(read, text);
        }
    }
}

//! The square that opens an address on a phone: on a slip the delivery, on 다른 기기에서 접속 the shop.

use std::fmt::Write;

use fast_qr::{ECL, QRBuilder, QRCode};

/// Modules around a code that have to be light, by its standard (ISO/IEC 18004).
const QUIET: usize = 4;

/// A QR code as the path of a picture.
#[derive(Debug)]
pub struct Square {
    /// width and height in modules, without the quiet zone around it
    pub modules: usize,
    /// the dark modules, a row's neighbours together, as the `d` of an SVG path
    pub path: String,
}

/// The code of a text; none when it is longer than a code can be.
pub fn square(text: &str) -> Option<Square> {
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

/// The code of a text in half blocks, for a console of light letters on a dark ground.
pub fn on_console(text: &str) -> Option<String> {
    let code = code(text)?;
    let width = code.size + 2 * QUIET;
    let within = |at: usize| at.checked_sub(QUIET).filter(|at| *at < code.size);
    let is_light = |x, y| !matches!((within(x), within(y)), (Some(x), Some(y)) if code[y][x].value());
    let mut lines = String::new();
    for y in (0..width).step_by(2) {
        lines.extend((0..width).map(|x| match (is_light(x, y), y + 1 < width && is_light(x, y + 1)) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        }));
        lines.push('\n');
    }
    Some(lines)
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
    fn a_console_shows_the_same_squares() {
        let text = "http://192.168.0.5:8080";
        let shown = on_console(text).expect("short enough");
        let lines: Vec<Vec<char>> = shown.lines().map(|line| line.chars().collect()).collect();
        let is_dark = |x: usize, y: usize| match lines[y / 2][x] {
            '█' => false,
            ' ' => true,
            half => (half == '▄') == y.is_multiple_of(2),
        };
        let size = lines[0].len() - 2 * QUIET;
        let grid = rqrr::SimpleGrid::from_func(size, |x, y| is_dark(x + QUIET, y + QUIET));
        let (_, read) = rqrr::Grid::new(grid).decode().expect("readable");
        assert_eq!(read, text);
        assert!(lines[..2].iter().flatten().all(|half| *half == '█'), "{shown}");
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

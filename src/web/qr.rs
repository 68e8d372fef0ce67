//! QR codes with URLs: of the delivery on a slip, of the shop on 다른 기기에서 접속.

use std::fmt::Write;

use fast_qr::{ECL, QRBuilder, QRCode};

/// Width of the light border around a code in modules (ISO/IEC 18004).
const QUIET_ZONE: usize = 4;

/// A QR code as an SVG path.
#[derive(Debug)]
pub struct QrCode {
    /// width and height in modules, without the quiet zone
    pub modules: usize,
    /// the `d` attribute of the path: one rectangle for each run of dark modules in a row
    pub path: String,
}

/// Encodes a text as an SVG path; None when the text is too long for a QR code.
pub fn svg(text: &str) -> Option<QrCode> {
    let code = encode(text)?;
    let mut path = String::new();
    for y in 0..code.size {
        let mut x = 0;
        for run in code[y][..code.size].chunk_by(|one, other| one.value() == other.value()) {
            let length = run.len();
            if run[0].value() {
                // Writing to a `String` does not fail.
                let _ = write!(path, "M{x} {y}h{length}v1h-{length}z");
            }
            x += length;
        }
    }
    Some(QrCode { modules: code.size, path })
}

/// Encodes a text in half blocks, for a terminal with light text on a dark background.
pub fn terminal(text: &str) -> Option<String> {
    let code = encode(text)?;
    let width = code.size + 2 * QUIET_ZONE;
    let within = |at: usize| at.checked_sub(QUIET_ZONE).filter(|at| *at < code.size);
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

fn encode(text: &str) -> Option<QRCode> {
    QRBuilder::new(text).ecl(ECL::M).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn svg_path_contains_the_three_finder_patterns() {
        let code = svg("https://mukkeum.example/deliveries/0123456789ABC").expect("short enough");
        let has_finder_pattern = |x: usize, y: usize| code.path.contains(&format!("M{x} {y}h7v1h-7z"));
        let far = code.modules - 7;
        assert!(has_finder_pattern(0, 0) && has_finder_pattern(far, 0) && has_finder_pattern(0, far));
        assert!(!has_finder_pattern(1, 1) && (21..=41).contains(&code.modules));
        assert!(svg(&"가".repeat(3_000)).is_none());
    }

    #[test]
    fn terminal_rendering_is_readable_and_has_a_quiet_zone() {
        let text = "http://192.168.0.5:8080";
        let shown = terminal(text).expect("short enough");
        let lines: Vec<Vec<char>> = shown.lines().map(|line| line.chars().collect()).collect();
        let is_dark = |x: usize, y: usize| match lines[y / 2][x] {
            '█' => false,
            ' ' => true,
            half => (half == '▄') == y.is_multiple_of(2),
        };
        let size = lines[0].len() - 2 * QUIET_ZONE;
        let grid = rqrr::SimpleGrid::from_func(size, |x, y| is_dark(x + QUIET_ZONE, y + QUIET_ZONE));
        let (_, read) = rqrr::Grid::new(grid).decode().expect("readable");
        assert_eq!(read, text);
        assert!(lines[..2].iter().flatten().all(|half| *half == '█'), "{shown}");
    }

    #[test]
    fn codes_are_decoded_to_their_text() {
        for text in ["https://mukkeum.example/deliveries/0123456789ABC", "http://192.168.0.7:8080/", "묶음 배송"] {
            let code = encode(text).expect("short enough");
            let grid = rqrr::SimpleGrid::from_func(code.size, |x, y| code[y][x].value());
            let (_, read) = rqrr::Grid::new(grid).decode().expect("readable");
            assert_eq!(read, text);
        }
    }
}

//! The square on a slip that opens the delivery on a phone.

use std::fmt::Write;

use qrcode::types::{Color, QrError};
use qrcode::{EcLevel, QrCode};

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
    let code: Result<QrCode, QrError> = QrCode::with_error_correction_level(text, EcLevel::M);
    let code = code.ok()?;
    let modules = code.width();
    let mut path = String::new();
    for (y, row) in code.to_colors().chunks(modules).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|one, other| one == other) {
            let length = run.len();
            if run[0] == Color::Dark {
                // Writing into a text does not fail.
                let _ = write!(path, "M{x} {y}h{length}v1h-{length}z");
            }
            x += length;
        }
    }
    Some(Square { modules, path })
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
}

//! The square on a slip that opens the delivery on a phone.

use std::fmt::Write;

use qrcode::types::{Color, QrError};
use qrcode::{EcLevel, QrCode};

/// A QR code as the path of a picture.
#[derive(Debug)]
pub(super) struct Square {
    /// width and height in modules, without the quiet zone around it
    pub(super) modules: usize,
    /// the dark modules, as the `d` of an SVG path
    pub(super) path: String,
}

/// The code of a text; none when it is longer than a code can be.
pub(super) fn square(text: &str) -> Option<Square> {
    let code: Result<QrCode, QrError> = QrCode::with_error_correction_level(text, EcLevel::M);
    let code = code.ok()?;
    let modules = code.width();
    let mut path = String::new();
    for (place, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            // Writing into a text does not fail.
            let _ = write!(path, "M{} {}h1v1h-1z", place % modules, place / modules);
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
        let corner = |x: usize, y: usize| square.path.contains(&format!("M{x} {y}h1"));
        let far = square.modules - 1;
        assert!(corner(0, 0) && corner(far, 0) && corner(0, far));
        assert!(!corner(1, 1) && (21..=41).contains(&square.modules));
        assert!(super::square(&"가".repeat(3_000)).is_none());
    }
}

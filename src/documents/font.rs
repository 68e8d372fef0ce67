//! The font of all documents: all 11,172 syllables, Hanja of KS X 1001, letters, digits and symbols. `assets/README.md` says
//! where it is from.

use std::collections::BTreeMap;

use subsetter::GlyphRemapper;
use ttf_parser::{Face, GlyphId};

use super::DocumentError;

/// The font, compressed: 1.2 MB of the executable instead of 2.8. It is decompressed for each document, in some milliseconds, rather
/// than kept in memory for the few documents of a day.
const COMPRESSED: &[u8] = include_bytes!("../../assets/documents/font.ttf.zst");

/// Shown for a character that the font lacks. The text of the document still has the character.
const UNKNOWN: char = '□';

/// The bytes of the font.
pub(super) fn bytes() -> Result<Vec<u8>, DocumentError> {
    zstd::decode_all(COMPRESSED).map_err(|error| DocumentError::Font(error.to_string()))
}

/// A parsed font.
pub struct DocumentFont<'b> {
    face: Face<'b>,
    bytes: &'b [u8],
    /// units of the font in an em
    units: f32,
}

/// What a document has of the font.
pub(super) struct FontSubset {
    /// font file
    pub(super) bytes: Vec<u8>,
    /// glyph in that file of each code, from code 0
    pub(super) glyphs: Vec<u16>,
    /// width of each code, in thousandths of an em
    pub(super) widths: Vec<f32>,
}

impl<'b> DocumentFont<'b> {
    /// Reads the tables of the font.
    pub(super) fn parse(bytes: &'b [u8]) -> Result<Self, DocumentError> {
        let face = Face::parse(bytes, 0).map_err(|error| DocumentError::Font(error.to_string()))?;
        let units = f32::from(face.units_per_em());
        Ok(Self { face, bytes, units })
    }

    /// Whether the font has the character.
    pub fn has(&self, letter: char) -> bool {
        self.face.glyph_index(letter).is_some()
    }

    fn glyph(&self, letter: char) -> GlyphId {
        self.face.glyph_index(letter).or_else(|| self.face.glyph_index(UNKNOWN)).unwrap_or_default()
    }

    fn advance(&self, glyph: GlyphId) -> f32 {
        self.face.glyph_hor_advance(glyph).map_or(1.0, |advance| f32::from(advance) / self.units)
    }

    /// Width of a character, in ems.
    pub(super) fn width(&self, letter: char) -> f32 {
        self.advance(self.glyph(letter))
    }

    /// Height above and below the baseline, height of capitals, and the box of all glyphs: in thousandths of an em.
    pub(super) fn metrics(&self) -> (f32, f32, f32, [f32; 4]) {
        let scale = |value: i16| f32::from(value) * 1000.0 / self.units;
        let all = self.face.global_bounding_box();
        let capital = self.face.capital_height().unwrap_or_else(|| self.face.ascender());
        (
            scale(self.face.ascender()),
            scale(self.face.descender()),
            scale(capital),
            [scale(all.x_min), scale(all.y_min), scale(all.x_max), scale(all.y_max)],
        )
    }

    /// The part of the font for these characters. Each has a code of its own, also those that look the same or are missing, so that the
    /// text of the document can be read back from the codes.
    pub(super) fn subset(&self, codes: &BTreeMap<char, u16>) -> Result<FontSubset, DocumentError> {
        let mut remapper = GlyphRemapper::new();
        let count = codes.values().max().map_or(0, |last| usize::from(*last)) + 1;
        let (mut glyphs, mut widths) = (vec![0; count], vec![0.0; count]);
        for (letter, code) in codes {
            let glyph = self.glyph(*letter);
            glyphs[usize::from(*code)] = remapper.remap(glyph.0);
            widths[usize::from(*code)] = self.advance(glyph) * 1000.0;
        }
        let bytes =
            subsetter::subset(self.bytes, 0, &remapper).map_err(|error| DocumentError::Font(error.to_string()))?;
        Ok(FontSubset { bytes, glyphs, widths })
    }
}

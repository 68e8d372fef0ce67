//! Lines of a width. Korean breaks at spaces, like English; a word that is longer than a line breaks anywhere.

use super::font::DocumentFont;
use crate::text::{is_invisible, nfc};

/// Characters that are composed, without those that show nothing by themselves (joiners, directions, variants), and with a space for each
/// control character but line feeds. Names of files from a Mac have decomposed syllables.
pub(super) fn clean(text: &str) -> String {
    let is_shown = |letter: &char| !is_invisible(*letter) && !matches!(letter, '\u{fe00}'..='\u{fe0f}' | '\r');
    let visible = |letter: char| if letter.is_control() && letter != '\n' { ' ' } else { letter };
    nfc(text).chars().filter(is_shown).map(visible).collect()
}

/// Width of a text, in points.
pub(super) fn width(text: &str, size: f32, font: &DocumentFont<'_>) -> f32 {
    text.chars().map(|letter| font.width(letter)).sum::<f32>() * size
}

/// The lines of a cleaned text that are at most `limit` points wide. An empty text has one empty line.
pub(super) fn wrap(text: &str, size: f32, limit: f32, font: &DocumentFont<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.trim_end().split('\n') {
        let mut line = String::new();
        let mut used = 0.0;
        for word in paragraph.split_inclusive(' ') {
            let visible = width(word.trim_end(), size, font);
            if used + visible > limit && !line.is_empty() {
                lines.push(line.trim_end().to_owned());
                (line, used) = (String::new(), 0.0);
            }
            if visible <= limit {
                line.push_str(word);
                used += width(word, size, font);
                continue;
            }
            for letter in word.chars() {
                let advance = font.width(letter) * size;
                if used + advance > limit && !line.is_empty() {
                    lines.push(std::mem::take(&mut line));
                    used = 0.0;
                }
                line.push(letter);
                used += advance;
            }
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

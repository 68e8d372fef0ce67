//! Normalisation of white space, control characters and Unicode compatibility forms.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

/// `text` in NFKC; borrowed when it is normalised already.
pub fn nfkc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfkc_quick(text.chars()) == IsNormalized::Yes {
        text.into()
    } else {
        text.nfkc().collect::<String>().into()
    }
}

/// Whether a character has no width: zero-width spaces and joiners, direction marks, the byte order mark.
pub const fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}' | '\u{FEFF}')
}

/// `text` on one line: trimmed, each run of white space and control characters replaced by one space,
/// invisible characters removed.
pub fn one_line(text: &str) -> String {
    let text = text.trim();
    if is_one_line(text) {
        return text.to_owned();
    }
    let mut line = String::with_capacity(text.len());
    for word in text.split(|letter: char| letter.is_whitespace() || letter.is_control()).filter(|word| !word.is_empty())
    {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().filter(|letter| !is_invisible(*letter)));
    }
    line
}

/// Fast check that [`one_line`] would only trim: the only white space is single ASCII spaces. Works on
/// bytes; Hangul and ASCII text never contains the lead bytes of special spaces, marks and control
/// characters.
pub fn is_one_line(text: &str) -> bool {
    let mut after_space = false;
    text.bytes().all(|byte| {
        let double = byte == b' ' && after_space;
        after_space = byte == b' ';
        !double && !matches!(byte, 0..=0x1F | 0x7F | 0xC2 | 0xE1..=0xE3 | 0xEF)
    })
}

/// `text` on several lines: trimmed, line breaks kept as `\n`, other control characters and non-breaking
/// spaces replaced by spaces. `_x000D_` is Excel's escape of a carriage return.
pub fn multi_line(text: &str) -> String {
    if is_one_line(text) {
        return text.trim().to_owned();
    }
    let text = text.replace("\r\n", "\n").replace('\r', "\n").replace("_x000D_", "");
    let tame = |letter: char| if letter == '\u{A0}' || letter.is_control() && letter != '\n' { ' ' } else { letter };
    text.chars().map(tame).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_and_control_characters_are_normalised() {
        assert_eq!(one_line("  정\u{a0}더미 "), "정 더미");
        assert_eq!(one_line("a\r\nb\u{200b}"), "a b");
        assert_eq!(multi_line("a\r\nb\u{a0}c "), "a\nb c");
    }
}

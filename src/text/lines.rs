//! Normalisation of white space, control characters and Unicode compatibility forms.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick, is_nfkc_quick};

/// Whether every normalisation keeps the character: most of what a file has.
const fn is_invariant(letter: char) -> bool {
    letter.is_ascii() || matches!(letter, '가'..='힣')
}

/// `text` in NFKC; borrowed when it is normalised already.
pub fn nfkc(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_invariant) || is_nfkc_quick(text.chars()) == IsNormalized::Yes {
        text.into()
    } else {
        text.nfkc().collect::<String>().into()
    }
}

/// `text` in NFC: Korean letters as macOS writes them (`한` as `ㅎㅏㄴ`) become syllables.
pub fn nfc(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_invariant) || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        text.into()
    } else {
        text.nfc().collect::<String>().into()
    }
}

/// The form in which words of files are compared: NFKC, lowercase, without white space and invisible
/// characters, with one kind of hyphen and one kind of separating mark.
pub fn fold_word(text: &str) -> String {
    let mut word = String::with_capacity(text.len());
    for letter in nfkc(text).chars() {
        match letter {
            '!'..='~' => word.push(letter.to_ascii_lowercase()),
            '가'..='힣' => word.push(letter),
            letter if letter.is_whitespace() || is_invisible(letter) || letter.is_control() => {}
            letter if is_hyphen(letter) => word.push('-'),
            '·' | '•' | '∙' | '・' | 'ㆍ' | 'ᆞ' | '‧' | '、' => word.push(','),
            letter => word.extend(letter.to_lowercase()),
        }
    }
    word
}

/// Whether a character shows nothing: zero-width spaces and joiners, soft hyphens, direction marks and isolates, variants of
/// the character before, the Hangul fillers that blank names are made of, the byte order mark.
pub const fn is_invisible(letter: char) -> bool {
    matches!(
        letter,
        '\u{AD}'
            | '\u{115F}'..='\u{1160}'
            | '\u{180E}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
            | '\u{FFA0}'
    )
}

/// Whether a character is a hyphen, dash or minus sign of any kind.
pub const fn is_hyphen(letter: char) -> bool {
    matches!(letter, '-' | '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' | '－')
}

/// `text` in NFKC without invisible characters, which copying from a web page adds to a number.
pub fn nfkc_visible(text: &str) -> Cow<'_, str> {
    let text = nfkc(text);
    if text.chars().any(is_invisible) { text.chars().filter(|letter| !is_invisible(*letter)).collect() } else { text }
}

/// `text` on one line in NFC: trimmed, each run of white space and control characters replaced by one space,
/// invisible characters removed.
pub fn one_line(text: &str) -> String {
    let text = text.trim();
    if is_one_line(text) {
        return text.to_owned();
    }
    let mut line = String::with_capacity(text.len());
    for word in text.split(|letter: char| letter.is_whitespace() || letter.is_control()) {
        let mut letters = word.chars().filter(|letter| !is_invisible(*letter)).peekable();
        if letters.peek().is_some() && !line.is_empty() {
            line.push(' ');
        }
        line.extend(letters);
    }
    match nfc(&line) {
        Cow::Borrowed(_) => line,
        Cow::Owned(composed) => composed,
    }
}

/// Fast check that [`one_line`] would only trim: the only white space is single ASCII spaces. Works on
/// bytes; Hangul and ASCII text never contains the lead bytes of special spaces, marks, parts of syllables and
/// control characters.
pub fn is_one_line(text: &str) -> bool {
    let mut after_space = false;
    text.bytes().all(|byte| {
        let double = byte == b' ' && after_space;
        after_space = byte == b' ';
        !double && !matches!(byte, 0..=0x1F | 0x7F | 0xC2 | 0xCC | 0xCD | 0xE1..=0xE3 | 0xEF)
    })
}

/// `text` on several lines in NFC: trimmed, line breaks kept as `\n`, other control characters and non-breaking
/// spaces replaced by spaces. `_x000D_` is Excel's escape of a carriage return.
pub fn multi_line(text: &str) -> String {
    if is_one_line(text) {
        return text.trim().to_owned();
    }
    let text = text.replace("\r\n", "\n").replace('\r', "\n").replace("_x000D_", "");
    let tame = |letter: char| if letter == '\u{A0}' || letter.is_control() && letter != '\n' { ' ' } else { letter };
    let text = text.chars().map(tame).collect::<String>();
    nfc(text.trim()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_and_control_characters_are_normalised() {
        assert_eq!(one_line("  정\u{a0}더미 "), "정 더미");
        assert_eq!(one_line("a\r\nb\u{200b}"), "a b");
        assert_eq!(one_line("a \u{200b} b\u{ad}c \u{2066}"), "a bc");
        assert_eq!(one_line("\u{3164}\u{3164}"), "", "a name of Hangul fillers is none");
        assert_eq!(multi_line("a\r\nb\u{a0}c "), "a\nb c");
    }

    #[test]
    fn decomposed_syllables_are_composed() {
        assert_eq!(one_line("\u{1112}\u{1161}\u{11AB}"), "한");
        assert_eq!(multi_line("\u{1112}\u{1161}\u{11AB}\n1"), "한\n1");
    }

    #[test]
    fn words_are_equal_whatever_their_width_spaces_hyphens_and_case() {
        for text in ["택배,등기,소포", " 택배·등기·소포", "택배ㆍ등기, 소포", "택배，등기，소포"]
        {
            assert_eq!(fold_word(text), "택배,등기,소포", "{text}");
        }
        assert_eq!(fold_word("ＣＪ 대한\u{a0}통운"), fold_word("cj대한통운"));
        assert_eq!(fold_word("\u{110E}\u{1171}\u{1109}\u{1169}"), "취소");
        assert_eq!(fold_word("a–b"), "a-b");
        for hidden in ['\u{ad}', '\u{180e}', '\u{2066}', '\u{2069}', '\u{fe0f}', '\u{3164}', '\u{200b}'] {
            assert_eq!(fold_word(&format!("수취{hidden}인명")), "수취인명", "{}", hidden.escape_unicode());
        }
    }
}

//! Passwords that are guessed first: the commonest ones, and variations of names that everybody knows.

use std::collections::HashSet;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

/// The commonest passwords of at least eight characters, most frequent first. Source and licence: `assets/README.md`.
const COMMON: &str = include_str!("../../../assets/members/common-passwords.txt");

/// Common passwords of Koreans and words of this program, without digits and punctuation. The Latin ones are Korean words
/// on an English keyboard.
const STEMS: [&str; 26] = [
    "비밀번호",
    "qlalfqjsgh",
    "사랑해",
    "tkfkdgo",
    "tkfkdgody",
    "안녕",
    "dkssud",
    "안녕하세요",
    "dkssudgktpdy",
    "대한민국",
    "eogksalsrnr",
    "관리자",
    "rhksflwk",
    "사장님",
    "tkwkdsla",
    "묶음",
    "anrdma",
    "스마트스토어",
    "배송",
    "qothd",
    "가게",
    "rkrp",
    "qwer",
    "asdf",
    "admin",
    "mukkeum",
];

/// Letters that may be left of a password beside names and digits.
const MAX_REST_CHARS: usize = 3;

static COMMON_SET: LazyLock<HashSet<&str>> = LazyLock::new(|| COMMON.lines().collect());

/// Whether `password` is among the first guesses of an attacker who knows `names`, such as the username.
pub(super) fn is_guessable(password: &str, names: &[&str]) -> bool {
    let password = normalize(password);
    COMMON_SET.contains(password.as_str())
        || is_repetition(&password)
        || is_sequence(&password)
        || STEMS.contains(&letters(&password).as_str())
        || is_made_of_names(&password, names)
}

/// In lower case, and in NFKC, as browsers and keyboards may differ in the form of one syllable.
fn normalize(text: &str) -> String {
    text.nfkc().flat_map(char::to_lowercase).collect()
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphabetic()).collect()
}

/// Whether the text repeats a part of at most four characters: `11111111`, `abcabcabc`, `묶음묶음묶음`.
fn is_repetition(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    (1..=4).any(|length| chars.len() > length && chars.iter().skip(length).eq(chars.iter().take(chars.len() - length)))
}

/// Whether each character follows the one before it in the order of characters or digits: `12345678`, `hgfedcba`.
fn is_sequence(text: &str) -> bool {
    let codes: Vec<i64> = text.chars().map(|c| i64::from(u32::from(c))).collect();
    let steps: HashSet<i64> = codes.windows(2).map(|pair| pair[1] - pair[0]).collect();
    steps.len() == 1 && steps.iter().all(|step| step.abs() <= 1)
}

/// Whether little is left of the text without the names, the stems, digits and punctuation: `gisagisa`, `sajang2026!`.
fn is_made_of_names(text: &str, names: &[&str]) -> bool {
    let names = names.iter().map(|name| normalize(name.trim())).filter(|name| name.chars().count() >= 2);
    let mut rest = text.to_owned();
    let mut is_named = false;
    for name in names.chain(["mukkeum", "묶음"].map(str::to_owned)) {
        is_named |= rest.contains(&name);
        rest = rest.replace(&name, "");
    }
    is_named && letters(&rest).chars().count() <= MAX_REST_CHARS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_guesses_are_recognised() {
        for password in [
            "password",
            "PASSWORD",
            "12345678",
            "11111111",
            "qwer1234",
            "묶음묶음묶음묶음",
            "mukkeum2026!",
            "gisagisa",
            "기사기사1234",
            "gisa-2026",
            "hgfedcba",
            "qlalfqjsgh1!",
            "비밀번호1234",
            "tkfkdgo88",
            "１２３４５６７８",
        ] {
            assert!(is_guessable(password, &["gisa", "기사"]), "{password}");
        }
    }

    #[test]
    fn other_passwords_are_accepted() {
        for password in [
            "mattress-and-bed",
            "비밀번호 열두 글자",
            "새로운 비밀번호",
            "k3#vq0Lm",
            "침대는 과학이 아니다",
            "gisa-horse-battery",
        ] {
            assert!(!is_guessable(password, &["gisa", "a", ""]), "{password}");
        }
    }
}

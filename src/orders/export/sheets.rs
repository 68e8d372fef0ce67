//! Names of sheets.

use std::collections::HashSet;

/// Maximum length in Excel, in UTF-16 code units.
const MAX_SHEET_NAME_UTF16_UNITS: usize = 31;

/// Makes names of sheets valid for Excel and unique, as close to `wanted` as possible.
pub(super) fn sheet_names<'a>(wanted: impl Iterator<Item = &'a str>) -> Vec<String> {
    // Reserved by Excel.
    let mut taken = HashSet::from(["history".to_owned()]);
    wanted
        .map(|wanted| {
            let plain = plain(wanted);
            let numbered = |number: usize| if number == 1 { String::new() } else { format!(" ({number})") };
            let names = (1..).map(|number| {
                let end = numbered(number);
                format!("{}{end}", cut(&plain, MAX_SHEET_NAME_UTF16_UNITS - end.len()).trim_end_matches(['\'', ' ']))
            });
            let free = names.into_iter().find(|name| taken.insert(name.to_lowercase()));
            free.unwrap_or_default()
        })
        .collect()
}

/// Removes characters that Excel forbids, and apostrophes at either end.
fn plain(name: &str) -> String {
    let letters: String =
        name.chars().map(|c| if c.is_control() || "[]:*?/\\".contains(c) { ' ' } else { c }).collect();
    let words = letters.split_whitespace().collect::<Vec<_>>().join(" ");
    let words = words.trim_matches(['\'', ' ']);
    if words.is_empty() { "상품".to_owned() } else { words.to_owned() }
}

fn cut(text: &str, most: usize) -> &str {
    let mut length = 0;
    let end = text.char_indices().find(|(_, letter)| {
        length += letter.len_utf16();
        length > most
    });
    end.map_or(text, |(end, _)| &text[..end]).trim_end()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(wanted: &[&str]) -> Vec<String> {
        sheet_names(wanted.iter().copied())
    }

    #[test]
    fn valid_sheet_names_are_unchanged() {
        assert_eq!(
            names(&["린넨 소파", "침대[퀸]/월넛", "  ", "History"]),
            ["린넨 소파", "침대 퀸 월넛", "상품", "History (2)"]
        );
    }

    #[test]
    fn truncated_sheet_names_are_numbered() {
        let long = "아주 긴 이름의 상품 아주 긴 이름의 상품 아주 긴 이름의 상품";
        assert_eq!(
            names(&[long, long, "BED", "bed"]),
            [
                "아주 긴 이름의 상품 아주 긴 이름의 상품 아주 긴 이름",
                "아주 긴 이름의 상품 아주 긴 이름의 상품 아주 (2)",
                "BED",
                "bed (2)"
            ]
        );
    }

    proptest! {
        #[test]
        fn sheet_names_are_valid_and_unique(
            wanted in proptest::collection::vec("[가-힣A-Za-z'🛏 \\[\\]:*?/]{0,40}", 0..30)
        ) {
            let names = sheet_names(wanted.iter().map(String::as_str));
            let different: HashSet<String> = names.iter().map(|name| name.to_lowercase()).collect();
            prop_assert_eq!(different.len(), wanted.len());
            for name in names {
                prop_assert!((1..=MAX_SHEET_NAME_UTF16_UNITS).contains(&name.encode_utf16().count()));
                prop_assert!(!name.contains(['[', ']', ':', '*', '?', '/', '\\']));
                prop_assert!(!name.starts_with('\'') && !name.ends_with('\''));
            }
        }
    }
}

//! The names of sheets.

use std::collections::HashSet;

/// The longest name Excel takes, counted in UTF-16 as it counts.
const LONGEST: usize = 31;

/// Names for sheets: valid for Excel and different from each other, as near to `wanted` as that goes.
pub(super) fn sheet_names<'a>(wanted: impl Iterator<Item = &'a str>) -> Vec<String> {
    // Excel keeps this one for itself.
    let mut taken = HashSet::from(["history".to_owned()]);
    wanted
        .map(|wanted| {
            let plain = plain(wanted);
            let numbered = |number: usize| if number == 1 { String::new() } else { format!(" ({number})") };
            let names = (1..).map(|number| {
                let end = numbered(number);
                format!("{}{end}", cut(&plain, LONGEST - end.len()).trim_end_matches(['\'', ' ']))
            });
            let free = names.into_iter().find(|name| taken.insert(name.to_lowercase()));
            free.unwrap_or_default()
        })
        .collect()
}

/// Without the letters Excel forbids; an apostrophe may stand neither first nor last.
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
    fn names_stay_as_they_are_where_excel_allows() {
        assert_eq!(
            names(&["린넨 소파", "침대[퀸]/월넛", "  ", "History"]),
            ["린넨 소파", "침대 퀸 월넛", "상품", "History (2)"]
        );
    }

    #[test]
    fn names_that_begin_alike_are_told_apart_by_a_number() {
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
        fn excel_takes_every_name_and_no_two_are_the_same(
            wanted in proptest::collection::vec("[가-힣A-Za-z'🛏 \\[\\]:*?/]{0,40}", 0..30)
        ) {
            let names = sheet_names(wanted.iter().map(String::as_str));
            let different: HashSet<String> = names.iter().map(|name| name.to_lowercase()).collect();
            prop_assert_eq!(different.len(), wanted.len());
            for name in names {
                prop_assert!((1..=LONGEST).contains(&name.encode_utf16().count()));
                prop_assert!(!name.contains(['[', ']', ':', '*', '?', '/', '\\']));
                prop_assert!(!name.starts_with('\'') && !name.ends_with('\''));
            }
        }
    }
}

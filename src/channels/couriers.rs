//! Couriers: the names and codes that 스마트스토어 has for them, and the words that people and files use.
//!
//! `assets/courier-names.csv` is the list of the channel's dispatch page, with other common words.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::text::fold_word;

const LIST: &str = include_str!("../../assets/courier-names.csv");

/// A courier of the channel's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Courier {
    /// code of the channel's API: `KGB`
    pub code: &'static str,
    /// name in the channel's files: 로젠택배
    pub name: &'static str,
}

/// Couriers by their folded words.
static COURIERS: LazyLock<HashMap<String, Courier>> = LazyLock::new(|| {
    let mut couriers = HashMap::new();
    for line in LIST.lines().skip(1) {
        let mut fields = line.split(',');
        let (Some(code), Some(name)) = (fields.next(), fields.next()) else { continue };
        let aliases = fields.next().unwrap_or_default().split('|').filter(|alias| !alias.is_empty());
        for word in [name, code].into_iter().chain(aliases) {
            couriers.entry(fold_word(word)).or_insert(Courier { code, name });
        }
    }
    couriers
});

/// The courier that a word names: `로젠 택배`, `한진택배(주)`, `cj대한통운`.
pub fn find_courier(word: &str) -> Option<Courier> {
    let whole = fold_word(word);
    let plain = without_company_marks(&whole);
    let short = plain.strip_suffix("택배").unwrap_or(&plain);
    let forms = [whole.as_str(), &plain, short, &format!("{short}택배")];
    forms.into_iter().filter(|form| !form.is_empty()).find_map(|form| COURIERS.get(form).copied())
}

/// The channel's name for a courier; the word itself if the channel has none.
pub fn courier_name(word: &str) -> &str {
    find_courier(word).map_or(word, |courier| courier.name)
}

/// A folded word without what stands in brackets and without words for a company.
fn without_company_marks(word: &str) -> String {
    let mut plain = String::new();
    let mut depth = 0_usize;
    for letter in word.chars() {
        match letter {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            letter if depth == 0 => plain.push(letter),
            _ => {}
        }
    }
    plain.replace("주식회사", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_files_name_the_courier_of_the_channel() {
        for (word, name, code) in [
            ("로젠 택배", "로젠택배", "KGB"),
            ("KGB택배", "로젠택배", "KGB"),
            ("iLOGEN", "로젠택배", "KGB"),
            ("한진택배(주)", "한진택배", "HANJIN"),
            ("㈜한진", "한진택배", "HANJIN"),
            ("롯데택배(구.현대)", "롯데택배", "HYUNDAI"),
            ("우체국 택배", "우체국택배", "EPOST"),
            ("CJ대한통운(택배)", "CJ대한통운", "CJGLS"),
            ("cj대한통운", "CJ대한통운", "CJGLS"),
            ("ＣＪ 대한통운", "CJ대한통운", "CJGLS"),
            ("대한통운택배", "CJ대한통운", "CJGLS"),
            ("경동화물", "경동택배", "KDEXP"),
            ("로지스올홈케어(풀앳홈)", "로지스올홈케어(풀앳홈)", "POOLATHOME"),
            ("기타택배", "기타 택배", "CH1"),
            ("KURLY", "컬리넥스트마일", "KURLY"),
        ] {
            assert_eq!(find_courier(word), Some(Courier { code, name }), "{word}");
        }
        for word in ["택배", "직접배송", "", "(주)", "우리집"] {
            assert_eq!(find_courier(word), None, "{word}");
        }
        assert_eq!((courier_name("로젠"), courier_name("동네 용달")), ("로젠택배", "동네 용달"));
    }

    #[test]
    fn list_has_every_code_once() {
        let codes: std::collections::BTreeSet<&str> =
            LIST.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
        assert_eq!((codes.len(), LIST.lines().count() - 1), (203, 203));
    }
}

//! Couriers: the names and codes that 스마트스토어 has for them, and the words that people and files use.
//!
//! `assets/courier-names.csv` is the list of the channel's dispatch page, with other common words.
//! `assets/courier-tracking.csv` has the tracking pages of the couriers that shops use most.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::text::fold_word;

const LIST: &str = include_str!("../../assets/courier-names.csv");
const TRACKING_LIST: &str = include_str!("../../assets/courier-tracking.csv");

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

/// Couriers that a form offers; the list begins with those that shops use most.
const OFFERED_COURIERS: usize = 12;

/// Letters of the shortest tracking number.
const MIN_NUMBER_LENGTH: usize = 8;

/// Value of a select box of couriers that stands for a typed name. No courier is called so.
pub const TYPED_COURIER: &str = "*";

/// The names of the couriers that a form offers, with `more` before them if it is another one.
pub fn offered_couriers(more: &str) -> Vec<&str> {
    let common: Vec<&str> =
        LIST.lines().skip(1).take(OFFERED_COURIERS).filter_map(|line| line.split(',').nth(1)).collect();
    let other = Some(more).filter(|more| !more.is_empty() && !common.contains(more));
    other.into_iter().chain(common.iter().copied()).collect()
}

/// The courier that a word names: `로젠 택배`, `한진택배(주)`, `cj대한통운`.
pub fn find_courier(word: &str) -> Option<Courier> {
    let whole = fold_word(word);
    let plain = without_company_marks(&whole);
    let short = plain.strip_suffix("택배").unwrap_or(&plain);
    let forms = [whole.as_str(), &plain, short, &format!("{short}택배")];
    forms.into_iter().filter(|form| !form.is_empty()).find_map(|form| COURIERS.get(form).copied())
}

/// URL templates of the couriers' tracking pages, by code; `{number}` is the tracking number.
static TRACKING_PAGES: LazyLock<HashMap<&str, &str>> =
    LazyLock::new(|| TRACKING_LIST.lines().skip(1).filter_map(|line| line.split_once(',')).collect());

/// The page of the courier about a parcel; none for an unknown courier, and for what is no tracking number.
pub fn tracking_url(courier: &str, number: &str) -> Option<String> {
    let number: String = number.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    let is_number = number.len() >= MIN_NUMBER_LENGTH && number.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let template = TRACKING_PAGES.get(find_courier(courier)?.code).filter(|_| is_number)?;
    Some(template.replace("{number}", &number))
}

/// The words of a text that names a parcel, such as `로젠택배 451-6830-0137`, with the courier's page about each tracking
/// number.
pub fn tracking_links(text: &str) -> Vec<(&str, Option<String>)> {
    let is_number = |word: &str| word.bytes().filter(u8::is_ascii_digit).count() >= MIN_NUMBER_LENGTH;
    let courier: Vec<&str> = text.split_whitespace().filter(|word| !is_number(word)).collect();
    let courier = courier.join(" ");
    let link = |word: &str| tracking_url(&courier, word.trim_end_matches(',')).filter(|_| is_number(word));
    text.split_whitespace().map(|word| (word, link(word))).collect()
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
    fn tracking_number_leads_to_the_page_of_its_courier() {
        let page = "https://www.ilogen.com/web/personal/trace/45168300137";
        assert_eq!(tracking_url("로젠", "451-6830-0137").as_deref(), Some(page));
        for (courier, number) in [("동네 용달", "45168300137"), ("로젠택배", "직접"), ("", "45168300137"), ("CJ", "1")]
        {
            assert_eq!(tracking_url(courier, number), None, "{courier} {number}");
        }
        for (code, url) in TRACKING_PAGES.iter() {
            assert!(COURIERS.values().any(|courier| courier.code == *code), "{code}");
            assert!(url.starts_with("https://") && url.matches("{number}").count() == 1, "{url}");
        }
    }

    #[test]
    fn numbers_in_a_text_lead_to_the_page_of_the_courier_beside_them() {
        let page = |number: &str| tracking_url("로젠택배", number).expect("a page");
        let links = tracking_links("로젠 택배 451-6830-0137, 45168300138");
        let numbers: Vec<_> = links.into_iter().filter_map(|(word, url)| Some((word, url?))).collect();
        assert_eq!(numbers, [("451-6830-0137,", page("45168300137")), ("45168300138", page("45168300138"))]);
        assert_eq!(tracking_links("45168300137 로젠택배")[0].1, Some(page("45168300137")));
        for text in ["예시 침대 [월넛] × 2", "45168300137", "동네 용달 45168300137", ""] {
            assert!(tracking_links(text).iter().all(|(_, url)| url.is_none()), "{text}");
        }
    }

    #[test]
    fn forms_offer_common_couriers_and_the_one_in_use() {
        let common = offered_couriers("");
        assert_eq!(
            (common.len(), common[0], offered_couriers("로젠택배").len()),
            (OFFERED_COURIERS, "CJ대한통운", OFFERED_COURIERS)
        );
        assert_eq!(
            (offered_couriers("동네 용달")[0], offered_couriers("동네 용달").len()),
            ("동네 용달", OFFERED_COURIERS + 1)
        );
        assert!(common.contains(&"경동택배") && find_courier(TYPED_COURIER).is_none());
    }

    #[test]
    fn list_has_every_code_once() {
        let codes: std::collections::BTreeSet<&str> =
            LIST.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
        assert_eq!((codes.len(), LIST.lines().count() - 1), (203, 203));
    }
}

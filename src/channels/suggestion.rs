//! Which column of a file probably is the one that a profile misses.
//!
//! The name counts, and the values: a column of telephone numbers is no postal code, whatever its name. The names that
//! other channels have for the same field are known from their profiles, so that 수령인 is found to be 수취인명.

use std::collections::BTreeSet;

use super::profile::{Field, FileKind, Profiles};
use super::teaching::{ColumnRole, ExpectedColumn, expected_columns};
use crate::sheets::{Cell, values};
use crate::text::{fold_word, one_line, parse_quantity, parse_zip_code};

/// Least score of a suggestion. A name alone has up to 1.
const MIN_SCORE: f64 = 0.5;
/// Least similarity of the names, where values alone do not decide.
const MIN_SIMILARITY: f64 = 0.25;
/// What values add that have a form of their own: a telephone number, a postal code, a date.
const FORM_BONUS: f64 = 0.5;
/// Share of the values that must have the form of the field.
const MIN_FITTING_SHARE: f64 = 0.6;

/// A column of a file: its header and the first values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnSample {
    /// header
    pub header: String,
    /// values of the first rows below the header, as text; blank ones too
    pub values: Vec<String>,
}

impl ColumnSample {
    fn filled(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(|value| value.trim()).filter(|value| !value.is_empty())
    }
}

/// Form of the values of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ValueForm {
    Phone,
    ZipCode,
    Date,
    Number,
    OrderNumber,
    Text,
}

impl ColumnRole {
    const fn form(self) -> ValueForm {
        match self {
            Self::OrderNumber | Self::Field(Field::TrackingNumber) => ValueForm::OrderNumber,
            Self::Field(Field::RecipientTel1 | Field::RecipientTel2 | Field::CustomerTel) => ValueForm::Phone,
            Self::Field(Field::ZipCode) => ValueForm::ZipCode,
            Self::Moment | Self::Field(Field::PlacedAt | Field::DispatchDeadline | Field::PreferredShippingDate) => {
                ValueForm::Date
            }
            Self::Field(Field::Quantity | Field::Price) => ValueForm::Number,
            Self::Address | Self::AddressDetail | Self::Field(_) => ValueForm::Text,
        }
    }
}

impl ValueForm {
    fn fits(self, value: &str) -> bool {
        let cell = Cell::Text(value.into());
        let is_phone = || values::phones(&cell).is_ok_and(|phones| !phones.first.is_empty());
        let is_date = || values::moment(&cell, false).is_ok() && value.contains(['-', '.', '/', ':']);
        let is_zip = || value.len() <= 7 && parse_zip_code(value).is_ok_and(|code| !code.is_empty());
        match self {
            Self::Phone => is_phone(),
            Self::ZipCode => is_zip(),
            Self::Date => is_date(),
            Self::Number => parse_quantity(value).is_ok() || values::money(&cell).is_ok(),
            Self::OrderNumber => {
                let has_digits = value.bytes().filter(u8::is_ascii_digit).count() >= 4;
                has_digits && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
            }
            Self::Text => !is_date() && !is_phone(),
        }
    }

    /// What fitting values add to the score.
    const fn bonus(self) -> f64 {
        match self {
            Self::Phone | Self::ZipCode | Self::Date => FORM_BONUS,
            Self::Number | Self::OrderNumber => 0.1,
            Self::Text => 0.0,
        }
    }
}

/// How similar two headers are, from 0 to 1: shared pairs of neighbouring letters, after words of one meaning became one.
#[cfg(test)]
fn header_similarity(one: &str, other: &str) -> f64 {
    HeaderName::new(one).similarity(&HeaderName::new(other))
}

/// A header in the form in which headers are compared by similarity.
struct HeaderName {
    canonical: String,
    pairs: BTreeSet<(char, char)>,
}

impl HeaderName {
    fn new(header: &str) -> Self {
        let canonical = canonical(header);
        Self { pairs: pairs(&canonical), canonical }
    }

    fn similarity(&self, other: &Self) -> f64 {
        if self.canonical == other.canonical {
            return if self.canonical.is_empty() { 0.0 } else { 1.0 };
        }
        let shared = self.pairs.intersection(&other.pairs).count();
        let total = self.pairs.len() + other.pairs.len();
        if total == 0 { 0.0 } else { 2.0 * as_f64(shared) / as_f64(total) }
    }
}

fn as_f64(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Words of one meaning; the first of each is the usual one.
const SYNONYMS: &[&[&str]] = &[
    &[
        "수취인",
        "받는분",
        "받는사람",
        "받으시는분",
        "받으실분",
        "수령인",
        "수령자",
        "수하인",
        "인수자",
        "수취자",
        "배송받는분",
        "recipient",
    ],
    &["구매자", "주문자", "주문인", "주문하신분", "보내는분", "고객", "buyer"],
    &[
        "연락처",
        "휴대폰번호",
        "핸드폰번호",
        "휴대전화번호",
        "전화번호",
        "휴대폰",
        "핸드폰",
        "휴대전화",
        "전화",
        "모바일",
        "tel",
        "phone",
        "h.p",
        "hp",
    ],
    &["주소", "배송지", "배송주소", "address"],
    &["명", "이름", "성함", "성명", "name"],
    &["수량", "갯수", "개수", "주문수량", "구매수량", "구매수", "qty", "quantity"],
    &["상품명", "품목명", "품명", "제품명", "product"],
    &["옵션", "규격", "선택사항"],
    &["메세지", "메시지", "메모", "요청사항", "전달사항", "남기실말씀"],
    &["금액", "가격", "단가", "결제액", "price"],
    &["일시", "일자", "날짜", "시각", "date"],
    &["우편번호", "우편", "zip", "postcode"],
    &["송장번호", "운송장번호", "등기번호"],
];

/// Names that lists of partners have for the number of an order.
const ORDER_NUMBERS: [&str; 6] = ["상품주문번호", "주문번호", "접수번호", "발주번호", "관리번호", "order no"];

/// A folded header without punctuation, in the usual words.
fn canonical(header: &str) -> String {
    let mut header: String =
        fold_word(header).chars().filter(|letter| letter.is_alphanumeric() || *letter == '.').collect();
    for words in SYNONYMS {
        let Some((usual, others)) = words.split_first() else { continue };
        if header.contains(usual) {
            continue;
        }
        let longest = others.iter().filter(|word| header.contains(*word)).max_by_key(|word| word.len());
        if let Some(word) = longest {
            header = header.replacen(word, usual, 1);
        }
    }
    header
}

fn pairs(header: &str) -> BTreeSet<(char, char)> {
    let letters: Vec<char> = std::iter::once(' ').chain(header.chars()).chain(std::iter::once(' ')).collect();
    letters.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

/// Whether most values of a column have a form; none if it has no values.
fn fits(form: ValueForm, column: &ColumnSample) -> Option<bool> {
    let (mut filled, mut fitting) = (0, 0);
    for value in column.filled() {
        filled += 1;
        fitting += usize::from(form.fits(value));
    }
    (filled > 0).then(|| as_f64(fitting) >= MIN_FITTING_SHARE * as_f64(filled))
}

/// How probable it is that a column is the expected one, from 0 on; 0 if its values speak against it.
fn score(names: &[HeaderName], form: ValueForm, (name, column): (&HeaderName, &ColumnSample)) -> f64 {
    let similarity = names.iter().map(|known| known.similarity(name)).fold(0.0, f64::max);
    if similarity < MIN_SIMILARITY {
        return 0.0;
    }
    match fits(form, column) {
        Some(false) => 0.0,
        Some(true) => similarity + form.bonus(),
        None => similarity,
    }
}

/// For each expected column the header that it probably has. No column is suggested twice.
pub(super) fn suggest_columns(
    profiles: &Profiles,
    expected: &[ExpectedColumn],
    columns: &[&ColumnSample],
) -> Vec<Option<String>> {
    let named: Vec<HeaderName> = columns.iter().map(|column| HeaderName::new(&column.header)).collect();
    let mut scores: Vec<(f64, usize, usize)> = Vec::new();
    for (place, wanted) in expected.iter().enumerate() {
        let names: Vec<HeaderName> = known_names(profiles, wanted).iter().map(|name| HeaderName::new(name)).collect();
        let form = wanted.role.map_or(ValueForm::Text, ColumnRole::form);
        let scored = named.iter().zip(columns).map(|(name, column)| score(&names, form, (name, column)));
        let likely: Vec<(f64, usize, usize)> =
            scored.enumerate().filter(|(_, score)| *score >= MIN_SCORE).map(|(at, score)| (score, place, at)).collect();
        let is_decided_by_values = wanted.is_needed && form.bonus() >= FORM_BONUS && likely.is_empty();
        scores.extend(likely);
        if is_decided_by_values {
            let mut fitting = (0..columns.len()).filter(|at| fits(form, columns[*at]) == Some(true));
            // Several columns of dates or telephone numbers: a guess would be wrong too often.
            if let (Some(only), None) = (fitting.next(), fitting.next()) {
                scores.push((MIN_SCORE, place, only));
            }
        }
    }
    scores.sort_by(|(one, ..), (other, ..)| other.total_cmp(one));
    let mut suggested: Vec<Option<usize>> = vec![None; expected.len()];
    for (_, place, at) in scores {
        if suggested[place].is_none() && !suggested.contains(&Some(at)) {
            suggested[place] = Some(at);
        }
    }
    suggested.into_iter().map(|at| at.map(|at| one_line(&columns[at].header))).collect()
}

/// The names of a column in its profile and, for a field, in the files of all channels and couriers.
fn known_names(profiles: &Profiles, wanted: &ExpectedColumn) -> Vec<String> {
    let split = |headers: &[String]| headers.iter().flat_map(|header| header.split('|')).map(str::to_owned).collect();
    let mut names: Vec<String> = split(&wanted.headers);
    let Some(role) = wanted.role.filter(|role| !matches!(role, ColumnRole::OrderNumber)) else { return names };
    for profile in profiles.all().iter().filter(|profile| profile.kind != FileKind::Settlement) {
        if role == ColumnRole::Moment {
            names.extend(profile.changes.iter().flat_map(|rule| split(&rule.moments)));
        }
        let same = expected_columns(profile).into_iter().filter(|column| column.role == Some(role));
        names.extend(same.flat_map(|column| split(&column.headers)));
    }
    names
}

/// Suggests a meaning for each column of an unknown file. No meaning is suggested twice.
pub fn suggest_roles(
    profiles: &Profiles,
    roles: &[(ColumnRole, &str)],
    columns: &[ColumnSample],
) -> Vec<Option<ColumnRole>> {
    let headers = |role: ColumnRole, label: &str| match role {
        ColumnRole::OrderNumber => ORDER_NUMBERS.map(str::to_owned).to_vec(),
        _ => vec![label.to_owned()],
    };
    let expected: Vec<ExpectedColumn> = roles
        .iter()
        .map(|(role, label)| ExpectedColumn { role: Some(*role), headers: headers(*role, label), is_needed: false })
        .collect();
    let mut meanings = vec![None; columns.len()];
    let all: Vec<&ColumnSample> = columns.iter().collect();
    for ((role, _), header) in roles.iter().zip(suggest_columns(profiles, &expected, &all)) {
        let Some(header) = header else { continue };
        let is_free =
            |(at, column): &(usize, &ColumnSample)| one_line(&column.header) == header && meanings[*at].is_none();
        if let Some((at, _)) = columns.iter().enumerate().find(is_free) {
            meanings[at] = Some(*role);
        }
    }
    meanings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::tests::profiles;

    fn column(header: &str, values: &[&str]) -> ColumnSample {
        ColumnSample { header: header.to_owned(), values: values.iter().map(|value| (*value).to_owned()).collect() }
    }

    fn suggested(role: ColumnRole, header: &str, columns: &[ColumnSample]) -> Option<String> {
        let wanted = ExpectedColumn { role: Some(role), headers: vec![header.to_owned()], is_needed: true };
        let columns: Vec<&ColumnSample> = columns.iter().collect();
        suggest_columns(&profiles(), &[wanted], &columns).remove(0)
    }

    #[test]
    fn words_of_one_meaning_are_similar() {
        for (one, other) in [
            ("수취인명", "받는분 성함"),
            ("수취인연락처1", "수취인 휴대폰1"),
            ("상품주문번호", "상품 주문 번호"),
            ("배송메세지", "배송 메시지"),
        ] {
            assert!(header_similarity(one, other) > 0.8, "{one} {other} {}", header_similarity(one, other));
        }
        assert!(header_similarity("수취인명", "배송비 합계") < 0.2);
        assert!(header_similarity("", "") < 0.1);
    }

    #[test]
    fn name_of_another_channel_is_recognised() {
        let columns = [column("수령인", &["홍길동"]), column("수령 지점", &["대구"])];
        let role = ColumnRole::Field(Field::RecipientName);
        assert_eq!(suggested(role, "수취인명", &columns).as_deref(), Some("수령인"));
    }

    #[test]
    fn values_decide_between_similar_names_and_against_wrong_ones() {
        let tel = ColumnRole::Field(Field::RecipientTel1);
        let columns =
            [column("받는분 연락 방법", &["문자", "전화"]), column("받는분 H.P", &["010-1234-5678", "01098765432"])];
        assert_eq!(suggested(tel, "수취인연락처1", &columns).as_deref(), Some("받는분 H.P"));
        let zip = ColumnRole::Field(Field::ZipCode);
        assert_eq!(suggested(zip, "우편번호", &[column("우편번호 확인", &["예", "아니오"])]), None);
        assert_eq!(suggested(zip, "우편번호", &[column("새 코드", &["04524", "41900"])]).as_deref(), Some("새 코드"));
        let placed = ColumnRole::Field(Field::PlacedAt);
        let columns = [column("접수", &["2026-11-27 09:10", "2026-11-27 10:20"]), column("주문", &["소파", "침대"])];
        assert_eq!(suggested(placed, "주문일시", &columns).as_deref(), Some("접수"));
    }

    #[test]
    fn unlike_columns_are_not_suggested() {
        let role = ColumnRole::Field(Field::ProductName);
        assert_eq!(suggested(role, "상품명", &[column("고객 등급", &["VIP"]), column("비고", &["없음"])]), None);
    }

    #[test]
    fn unknown_partner_list_gets_a_meaning_for_each_of_its_columns() {
        let columns = [
            column("No", &["1", "2"]),
            column("접수번호", &["P-20261127-001", "P-20261127-002"]),
            column("받는분", &["홍길동", "김영희"]),
            column("받는분 핸드폰", &["010-1234-5678", "010-2345-6789"]),
            column("받는분 주소", &["대구 북구 칠성로 1", "서울 중구 세종대로 110"]),
            column("품목명", &["침대", "소파"]),
            column("갯수", &["1", "2"]),
            column("접수일자", &["2026-11-27", "2026-11-27"]),
        ];
        let roles = [
            (ColumnRole::OrderNumber, "상품주문번호"),
            (ColumnRole::Field(Field::RecipientName), "수취인명"),
            (ColumnRole::Field(Field::RecipientTel1), "수취인연락처1"),
            (ColumnRole::Address, "주소"),
            (ColumnRole::Field(Field::ProductName), "상품명"),
            (ColumnRole::Field(Field::Quantity), "수량"),
            (ColumnRole::Field(Field::PlacedAt), "주문일시"),
        ];
        let meanings = suggest_roles(&profiles(), &roles, &columns);
        let expected: Vec<Option<ColumnRole>> =
            std::iter::once(None).chain(roles.iter().map(|(role, _)| Some(*role))).collect();
        assert_eq!(meanings, expected);
    }
}

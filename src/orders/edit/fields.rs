//! Readers of single form fields.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::Problem;
use crate::orders::fields::max_chars;
use crate::orders::model::OrderOption;
use crate::storage::text_limits;
use crate::text::{find_sensitive, one_line, parse_money, parse_phone, parse_quantity, parse_zip_code};
use crate::time::parse_date;

/// Maximum length of a memo, in characters.
const MAX_MEMO_CHARS: usize = 2_000;

/// Value of the option 없음 in a select box. Stored values are trimmed, so it cannot collide.
pub const NO_CHOICE: &str = " ";

/// Raw form fields by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs(BTreeMap<String, String>);

impl Inputs {
    /// Value of the field; empty if it is missing.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Sets the field.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// All fields with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Form fields of an option: a select box of known values, and a text field for any other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OptionInput {
    /// 색상
    pub key: String,
    /// selected value; [`NO_CHOICE`] is 없음, empty is not chosen yet
    pub value: String,
    /// typed value, which overrides the selected one
    pub other: String,
}

impl OptionInput {
    /// The typed or selected value, if any.
    pub fn picked(&self) -> Option<&str> {
        [&self.other, &self.value].into_iter().map(|text| text.trim()).find(|text| !text.is_empty())
    }

    /// Whether the option still needs a choice.
    pub fn is_open(&self) -> bool {
        self.picked().is_none() && self.value != NO_CHOICE
    }
}

/// Options that have a value.
pub fn picked(options: &[OptionInput]) -> Vec<OrderOption> {
    let pick = |option: &OptionInput| {
        let value = one_line(option.picked()?);
        Some(OrderOption { key: one_line(&option.key), value })
    };
    options.iter().filter_map(pick).collect()
}

/// Formats options like 옵션정보: `색상: 월넛 / 사이즈: 퀸`.
pub fn format_options(options: &[OrderOption]) -> String {
    options.iter().map(|option| format!("{}: {}", option.key, option.value)).collect::<Vec<_>>().join(" / ")
}

/// Reads form fields and collects validation errors. A field that equals the stored value (`was`) is always
/// valid: channels send values that the rules here would reject.
pub struct FormReader<'i> {
    inputs: &'i Inputs,
    /// validation errors so far
    pub problems: Vec<Problem>,
}

impl<'i> FormReader<'i> {
    /// Creates a reader without errors.
    pub fn of(inputs: &'i Inputs) -> Self {
        Self { inputs, problems: Vec::new() }
    }

    /// Adds a validation error.
    pub fn problem(&mut self, field: impl Into<Cow<'static, str>>, message: impl Into<String>) {
        self.problems.push(Problem::at(field, message));
    }

    fn read<T: Default>(&mut self, field: &'static str, read: Result<T, impl Into<String>>) -> T {
        read.unwrap_or_else(|message| {
            self.problem(field, message);
            T::default()
        })
    }

    /// Reads one line, within the limit of the field.
    pub fn line(&mut self, field: &'static str, was: &str) -> String {
        let (line, most) = (one_line(self.inputs.get(field)), max_chars(field));
        if line != was && line.chars().count() > most {
            self.problem(field, format!("{most}자까지 입력할 수 있어요."));
        }
        line
    }

    /// Reads a required line. An empty line is an error with the message `empty`, unless the stored value is
    /// empty too; `was` is `None` for a new order.
    pub fn required_line(&mut self, field: &'static str, was: Option<&str>, empty: &str) -> String {
        let line = self.line(field, was.unwrap_or_default());
        if line.is_empty() && was != Some("") {
            self.problem(field, empty);
        }
        line
    }

    /// Reads a telephone number and normalises its hyphens.
    pub fn phone(&mut self, field: &'static str, was: &str) -> String {
        let typed = self.inputs.get(field).trim();
        if typed == was {
            return was.to_owned();
        }
        let read = parse_phone(typed);
        self.read(field, read.map_err(|_| "전화번호를 010-0000-0000처럼 입력해 주세요."))
    }

    /// Reads a required telephone number; `empty` is the message if it is missing.
    pub fn required_phone(&mut self, field: &'static str, empty: &str) -> String {
        if self.inputs.get(field).trim().is_empty() {
            self.problem(field, empty);
        }
        self.phone(field, "")
    }

    /// Reads a postal code of five digits, or nothing.
    pub fn zip_code(&mut self, field: &'static str, was: &str) -> String {
        let typed = self.inputs.get(field).trim();
        if typed == was {
            return was.to_owned();
        }
        let read = parse_zip_code(typed);
        self.read(field, read.map_err(|_| "우편번호를 숫자 다섯 자리로 입력해 주세요."))
    }

    /// Reads several lines.
    pub fn memo(&mut self, field: &'static str) -> String {
        let read = read_memo(self.inputs.get(field));
        self.read(field, read)
    }

    /// Reads an optional date. `locked` is the message if the date may not change any more.
    pub fn date(&mut self, field: &'static str, was: Option<NaiveDate>, locked: Option<String>) -> Option<NaiveDate> {
        let read = date(self.inputs.get(field), was, locked);
        self.read(field, read)
    }

    /// Takes the result of a field of the product at that position.
    pub fn item_field<T: Default>(&mut self, field: &str, place: usize, read: Result<T, &'static str>) -> T {
        read.unwrap_or_else(|message| {
            self.problem(format!("{field}-{place}"), message);
            T::default()
        })
    }

    /// Reads the choice of a select box.
    pub fn choice<T>(&mut self, field: &'static str, parse: impl Fn(&str) -> Option<T>, else_say: &str) -> Option<T> {
        let chosen = parse(self.inputs.get(field));
        if chosen.is_none() {
            self.problem(field, else_say);
        }
        chosen
    }
}

/// Parses 수량.
///
/// # Errors
/// A message in Korean; likewise for the functions below.
pub fn read_quantity(text: &str) -> Result<i64, &'static str> {
    parse_quantity(text).map_err(|_| "수량을 1 이상의 숫자로 입력해 주세요.")
}

/// Parses 금액, in won.
pub fn read_price(text: &str) -> Result<i64, &'static str> {
    const WRONG: &str = "금액을 0 이상의 숫자로 입력해 주세요.";
    let text = text.trim();
    if text.is_empty() { Err(WRONG) } else { parse_money(text).ok().filter(|won| *won >= 0).ok_or(WRONG) }
}

/// Validates the value of an option.
pub fn read_option(option: &OptionInput) -> Result<(), &'static str> {
    let value = option.picked().unwrap_or_default();
    if option.key.chars().count() > text_limits::OPTION_KEY || value.chars().count() > text_limits::OPTION_VALUE {
        return Err("옵션은 400자까지, 옵션 이름은 100자까지 입력할 수 있어요.");
    }
    Ok(())
}

pub(super) fn date(text: &str, was: Option<NaiveDate>, locked: Option<String>) -> Result<Option<NaiveDate>, String> {
    let typed = match text.trim() {
        "" => None,
        text => Some(parse_date(text).ok_or("날짜를 2024-03-15처럼 입력해 주세요.")?),
    };
    locked.filter(|_| typed != was).map_or(Ok(typed), Err)
}

/// Keeps line breaks and removes other control characters, which export formats cannot represent.
pub fn read_memo(text: &str) -> Result<String, &'static str> {
    if text.chars().count() > MAX_MEMO_CHARS {
        return Err("메모는 2,000자까지 입력할 수 있어요.");
    }
    if let Some(kind) = find_sensitive(text) {
        return Err(kind.rejection());
    }
    let text = text.replace("\r\n", "\n").replace('\t', " ");
    Ok(text.chars().filter(|c| *c == '\n' || !c.is_control()).collect::<String>().trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_values_of_the_channel_are_always_valid() {
        let mut inputs = Inputs::default();
        inputs.set("customer_tel", "010-****-1234");
        assert_eq!(FormReader::of(&inputs).phone("customer_tel", "010-****-1234"), "010-****-1234");
        let mut reader = FormReader::of(&inputs);
        reader.phone("customer_tel", "010-0000-1234");
        assert_eq!(reader.problems.len(), 1, "typed by hand it is a mistake");
    }

    #[test]
    fn numbers_are_parsed_as_people_write_them() {
        assert_eq!((read_quantity(" 3 "), read_price("1,234,000원"), read_price("0")), (Ok(3), Ok(1_234_000), Ok(0)));
        assert!(["0", "-1", "둘", ""].into_iter().all(|wrong| read_quantity(wrong).is_err()));
        assert!(["-1", "", "만원"].into_iter().all(|wrong| read_price(wrong).is_err()));
    }

    #[test]
    fn memo_with_a_number_that_must_not_be_stored_is_rejected() {
        assert!(read_memo("주민번호 900101-1234567").is_err_and(|problem| problem.starts_with("주민등록번호")));
        assert!(read_memo("4111 1111 1111 1111").is_err_and(|problem| problem.starts_with("카드 번호")));
        assert_eq!(read_memo("010-1234-5678로 전화"), Ok("010-1234-5678로 전화".to_owned()));
    }

    #[test]
    fn typed_option_overrides_the_selected_one() {
        let option = |value: &str, other: &str| OptionInput {
            key: "색상".to_owned(),
            value: value.to_owned(),
            other: other.to_owned(),
        };
        assert_eq!(option("월넛", " 체리 ").picked(), Some("체리"));
        assert_eq!(option("월넛", "").picked(), Some("월넛"));
        assert!(option("", "").is_open() && !option(NO_CHOICE, "").is_open());
        assert!(picked(&[option(NO_CHOICE, "")]).is_empty());
    }
}

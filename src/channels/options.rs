//! Parsing of the options text of an order (옵션정보).

use super::model::OrderOption;
use super::profile::OptionSyntax;
use crate::text::{fold_word, multi_line, one_line};

/// Parses the options text of an order; none for empty text and the words in `no_option`.
pub fn parse_options(text: &str, syntax: OptionSyntax, no_option: &[String]) -> Vec<OrderOption> {
    let text = multi_line(text);
    let text = text.as_str();
    if text.is_empty() || no_option.contains(&fold_word(text)) {
        return Vec::new();
    }
    match syntax {
        OptionSyntax::Pairs => parse_pairs(text.split(" / "), ": ", " / "),
        OptionSyntax::Slashes => {
            let is_count =
                |last: &str| last.strip_suffix('개').is_some_and(|count| count.trim().parse::<u32>().is_ok());
            let text = text.rsplit_once('/').filter(|(_, last)| is_count(last)).map_or(text, |(options, _)| options);
            parse_pairs(text.split('/'), ":", "/")
        }
        OptionSyntax::Equals => parse_pairs(text.split(", "), "=", ", "),
        OptionSyntax::Text => vec![option("옵션", text)],
    }
}

/// Parses `key: value` pieces. A piece without a key continues the value before it, since a value may contain
/// the separator.
fn parse_pairs<'t>(pieces: impl Iterator<Item = &'t str>, key_separator: &str, separator: &str) -> Vec<OrderOption> {
    let mut options: Vec<OrderOption> = Vec::new();
    for piece in pieces {
        match (piece.split_once(key_separator), options.last_mut()) {
            (Some((key, value)), _) => options.push(option(key, value)),
            (None, Some(last)) => {
                last.value.push_str(separator);
                last.value.push_str(piece.trim());
            }
            (None, None) => options.push(option("옵션", piece)),
        }
    }
    options
}

fn option(key: &str, value: &str) -> OrderOption {
    let key = one_line(key);
    OrderOption { key: if key.is_empty() { String::from("옵션") } else { key }, value: one_line(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, syntax: OptionSyntax) -> String {
        let options = parse_options(text, syntax, &["단일상품".to_owned()]);
        options.iter().map(|option| format!("{}={}", option.key, option.value)).collect::<Vec<_>>().join(";")
    }

    #[test]
    fn options_are_parsed_in_every_syntax() {
        assert_eq!(parse("색상: 그레이 / 각인 문구: To: 엄마", OptionSyntax::Pairs), "색상=그레이;각인 문구=To: 엄마");
        assert_eq!(
            parse("선택: 1. (제철) / 소포장: 100g X 10팩", OptionSyntax::Pairs),
            "선택=1. (제철);소포장=100g X 10팩"
        );
        assert_eq!(parse("슈퍼싱글", OptionSyntax::Pairs), "옵션=슈퍼싱글");
        assert_eq!(parse("단일상품", OptionSyntax::Text), "");
        assert_eq!(parse("색상:아이보리/1개", OptionSyntax::Slashes), "색상=아이보리");
        assert_eq!(parse("색상:아이보리/사이즈:퀸/2개", OptionSyntax::Slashes), "색상=아이보리;사이즈=퀸");
        assert_eq!(parse("색상=아이보리, 사이즈=퀸", OptionSyntax::Equals), "색상=아이보리;사이즈=퀸");
    }
}

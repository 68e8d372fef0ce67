//! Parsing of format codes.

use super::date::DatePart;
use super::{Condition, Kind, NumberFormat, Section, Token};

/// Longer codes are cut off: Excel's maximum.
const MAX_CODE_CHARS: usize = 255;
/// Words for General in the languages of programs that write files.
const GENERAL: [&str; 4] = ["general", "g/표준", "표준", "standard"];

/// Parses a format code.
pub(super) fn parse(code: &str) -> NumberFormat {
    let short: String = code.chars().take(MAX_CODE_CHARS).collect();
    let mut sections: Vec<Section> = split(&short).into_iter().map(section).collect();
    let is_text = |section: &Section| section.kind == Kind::Text;
    let text = match sections.len() {
        4.. => sections.get(3).cloned(),
        _ => sections.last().filter(|last| is_text(last)).cloned(),
    };
    sections.truncate(3);
    if sections.len() > 1 {
        sections.retain(|section| !is_text(section));
    }
    NumberFormat { code: code.to_owned(), sections, text, is_unknown: false }
}

/// The sections of a code, split at semicolons outside quotes, escapes and brackets.
fn split(code: &str) -> Vec<&str> {
    let mut sections = Vec::new();
    let (mut start, mut is_quoted, mut is_bracketed, mut is_escaped) = (0, false, false, false);
    for (at, letter) in code.char_indices() {
        if std::mem::take(&mut is_escaped) {
            continue;
        }
        match letter {
            '"' if !is_bracketed => is_quoted = !is_quoted,
            _ if is_quoted => {}
            '\\' => is_escaped = true,
            '[' => is_bracketed = true,
            ']' => is_bracketed = false,
            ';' if !is_bracketed => {
                sections.push(&code[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    sections.push(&code[start..]);
    sections
}

fn section(code: &str) -> Section {
    let mut section = Section::default();
    let mut rest = code;
    while let Some(letter) = rest.chars().next() {
        rest = section.token(letter, rest);
    }
    section.settle();
    section
}

impl Section {
    /// Adds the token at the start of `rest` and returns what is left.
    fn token<'c>(&mut self, letter: char, rest: &'c str) -> &'c str {
        let after = &rest[letter.len_utf8()..];
        let run = |letter: char| {
            let end = rest.find(|other: char| !other.eq_ignore_ascii_case(&letter)).unwrap_or(rest.len());
            (rest[..end].chars().count(), &rest[end..])
        };
        if let Some(word) = GENERAL.iter().find(|word| starts_with(rest, word)) {
            self.tokens.push(Token::General);
            return &rest[word.len()..];
        }
        for (word, part) in
            [("am/pm", DatePart::AmPm), ("오전/오후", DatePart::KoreanAmPm), ("a/p", DatePart::AmPmLetter)]
        {
            if starts_with(rest, word) {
                self.tokens.push(Token::Date(part));
                return &rest[word.len()..];
            }
        }
        // Letters behind a number are a unit that somebody forgot to quote: `0 Set`.
        let is_era = !self.has_number();
        if self.has_number() && letter.is_ascii_alphabetic() && !matches!(letter, 'E' | 'e') && !self.has_date() {
            let (_, left) = run(letter);
            self.push_literal(&rest[..rest.len() - left.len()]);
            return left;
        }
        let mut date = |part: fn(usize) -> DatePart| {
            let (width, left) = run(letter);
            self.tokens.push(Token::Date(part(width)));
            left
        };
        match letter {
            '"' => {
                let (text, left) = after.split_once('"').unwrap_or((after, ""));
                self.push_literal(text);
                left
            }
            '\\' => {
                let escaped = after.chars().next();
                self.push_literal(escaped.map_or("", |letter| &after[..letter.len_utf8()]));
                &after[escaped.map_or(0, char::len_utf8)..]
            }
            '_' => {
                self.push_literal(" ");
                &after[after.chars().next().map_or(0, char::len_utf8)..]
            }
            '*' => &after[after.chars().next().map_or(0, char::len_utf8)..],
            '[' => {
                let (inside, left) = after.split_once(']').unwrap_or((after, ""));
                self.bracket(inside);
                left
            }
            'y' | 'Y' => date(DatePart::Year),
            'e' if is_era => date(|_| DatePart::Year(4)),
            'm' | 'M' => date(DatePart::Month),
            'd' | 'D' => date(DatePart::Day),
            'h' | 'H' => date(DatePart::Hour),
            's' | 'S' => date(DatePart::Second),
            'a' | 'A' if run('a').0 >= 3 => date(DatePart::KoreanWeekday),
            'E' | 'e' if after.starts_with(['+', '-']) => {
                self.tokens.push(Token::Exponent(after.starts_with('+')));
                &after[1..]
            }
            '0' | '#' | '?' => self.digit(letter, after),
            '.' => self.push(Token::Point, after),
            ',' => self.push(Token::Comma, after),
            '%' => self.push(Token::Percent, after),
            '/' => self.push(Token::Bar, after),
            '@' => self.push(Token::Text, after),
            _ => {
                self.push_literal(&rest[..letter.len_utf8()]);
                after
            }
        }
    }

    fn push<'c>(&mut self, token: Token, after: &'c str) -> &'c str {
        self.tokens.push(token);
        after
    }

    /// A placeholder; behind the point of a second it is a fraction of it.
    fn digit<'c>(&mut self, letter: char, after: &'c str) -> &'c str {
        match &mut self.tokens[..] {
            [.., Token::Date(DatePart::Fraction(digits))] => {
                *digits += 1;
                return after;
            }
            [.., Token::Date(DatePart::Second(_) | DatePart::Elapsed(1, _)), Token::Point] => {
                self.tokens.push(Token::Date(DatePart::Fraction(1)));
                return after;
            }
            _ => {}
        }
        self.push(Token::Digit(letter), after)
    }

    fn has_number(&self) -> bool {
        self.tokens.iter().any(|token| matches!(token, Token::Digit(_) | Token::General))
    }

    fn has_date(&self) -> bool {
        self.tokens.iter().any(|token| matches!(token, Token::Date(_)))
    }

    fn push_literal(&mut self, text: &str) {
        match self.tokens.last_mut() {
            Some(Token::Literal(last)) => last.push_str(text),
            _ => self.tokens.push(Token::Literal(text.to_owned())),
        }
    }

    /// `[h]`, `[>=100]`, `[$₩-412]`, `[Red]`.
    fn bracket(&mut self, inside: &str) {
        let lower = inside.to_ascii_lowercase();
        if let Some(first) = lower.chars().next()
            && matches!(first, 'h' | 'm' | 's')
            && lower.chars().all(|letter| letter == first)
        {
            let unit = match first {
                'h' => 3_600,
                'm' => 60,
                _ => 1,
            };
            self.tokens.push(Token::Date(DatePart::Elapsed(unit, inside.len())));
        } else if let Some(currency) = inside.strip_prefix('$') {
            let (symbol, locale) = currency.rsplit_once('-').unwrap_or((currency, ""));
            self.is_korean |= locale.to_ascii_lowercase().ends_with("412") || locale.eq_ignore_ascii_case("ko-kr");
            if !symbol.is_empty() {
                self.push_literal(symbol);
            }
        } else if inside.starts_with(['<', '>', '=']) {
            let end = inside.find(|letter: char| !matches!(letter, '<' | '>' | '=')).unwrap_or(inside.len());
            let (operator, limit) = inside.split_at(end);
            if let Ok(limit) = limit.trim().parse() {
                let has = |sign: char| operator.contains(sign);
                self.condition = Some(Condition { is_less: has('<'), is_greater: has('>'), is_equal: has('='), limit });
            }
        }
    }

    /// Settles what only the whole section tells: its kind, and which `m` are minutes.
    fn settle(&mut self) {
        let has = |wanted: fn(&Token) -> bool| self.tokens.iter().any(wanted);
        let has_digit = has(|token| matches!(token, Token::Digit(_)));
        self.kind = if has(|token| matches!(token, Token::Date(_))) && !self.has_number() {
            Kind::Date
        } else if has_digit {
            Kind::Number
        } else if has(|token| *token == Token::General) {
            Kind::General
        } else if has(|token| *token == Token::Text) {
            Kind::Text
        } else {
            Kind::Literal
        };
        match self.kind {
            Kind::Date => self.settle_minutes(),
            Kind::Number => self.settle_number(),
            _ => self.settle_literals(),
        }
    }

    /// `m` is a minute behind an hour or before a second.
    fn settle_minutes(&mut self) {
        let parts: Vec<usize> =
            (0..self.tokens.len()).filter(|&at| matches!(self.tokens[at], Token::Date(_))).collect();
        for (index, &at) in parts.iter().enumerate() {
            let Token::Date(DatePart::Month(width @ (1 | 2))) = self.tokens[at] else { continue };
            let part = |index: Option<usize>| index.and_then(|index| parts.get(index)).map(|&at| &self.tokens[at]);
            let before = part(index.checked_sub(1));
            let after = part(Some(index + 1));
            if matches!(before, Some(Token::Date(DatePart::Hour(_) | DatePart::Elapsed(3_600, _))))
                || matches!(after, Some(Token::Date(DatePart::Second(_) | DatePart::Elapsed(1, _))))
            {
                self.tokens[at] = Token::Date(DatePart::Minute(width));
            }
        }
    }

    /// Letters of dates in a format of numbers are a unit that somebody forgot to quote: `d 0`. A bar that is not
    /// between placeholders is a literal.
    fn settle_number(&mut self) {
        let bar = self.tokens.iter().position(|token| *token == Token::Bar);
        let is_fraction = bar.is_some_and(|bar| {
            let is_place = |token: &Token| match token {
                Token::Digit(_) => true,
                Token::Literal(text) => text.trim_start().starts_with(|letter: char| letter.is_ascii_digit()),
                _ => false,
            };
            bar > 0 && matches!(self.tokens[bar - 1], Token::Digit(_)) && self.tokens.get(bar + 1).is_some_and(is_place)
        });
        for (at, token) in self.tokens.iter_mut().enumerate() {
            match token {
                Token::Date(part) => *token = Token::Literal(letters(*part)),
                Token::Bar if !is_fraction || Some(at) != bar => *token = Token::Literal("/".to_owned()),
                Token::General | Token::Text => *token = Token::Literal(String::new()),
                _ => {}
            }
        }
    }

    fn settle_literals(&mut self) {
        for token in &mut self.tokens {
            let literal = match token {
                Token::Bar => "/",
                Token::Point => ".",
                Token::Comma => ",",
                _ => continue,
            };
            *token = Token::Literal(literal.to_owned());
        }
    }
}

fn letters(part: DatePart) -> String {
    let (letter, width) = match part {
        DatePart::Year(width) => ("y", width),
        DatePart::Month(width) | DatePart::Minute(width) => ("m", width),
        DatePart::Day(width) => ("d", width),
        DatePart::KoreanWeekday(width) => ("a", width),
        DatePart::Hour(width) => ("h", width),
        DatePart::Second(width) => ("s", width),
        DatePart::Fraction(width) => ("0", width),
        DatePart::Elapsed(..) => ("", 0),
        DatePart::AmPm => ("AM/PM", 1),
        DatePart::AmPmLetter => ("A/P", 1),
        DatePart::KoreanAmPm => ("오전/오후", 1),
    };
    letter.repeat(width)
}

fn starts_with(text: &str, word: &str) -> bool {
    text.get(..word.len()).is_some_and(|start| start.to_lowercase() == word)
}

//! Number formats: the text of a number as the person saw it in the spreadsheet (ECMA-376 Part 1, 18.8.31).
//!
//! A phone number may be stored as 1012345678 and shown as `010-1234-5678`, an option `3-4` as the date
//! 46085 and shown as `3월 4일`. [`NumberFormat::show`] gives the shown text. Words are those of Korean Excel
//! where the format asks for Korean (`[$-412]`, `aaa`), English ones otherwise.

mod date;
mod parse;
mod round;

use std::fmt::Write;

use chrono::NaiveDateTime;

use super::cell::Cell;
use date::DatePart;
use round::Decimal;

/// A number format.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberFormat {
    /// the code in the file
    code: String,
    /// at most three for numbers, each with its condition
    sections: Vec<Section>,
    /// for text
    text: Option<Section>,
    /// the file names it and does not have it
    is_unknown: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Section {
    condition: Option<Condition>,
    tokens: Vec<Token>,
    kind: Kind,
    is_korean: bool,
}

/// `[>=1000]`
#[derive(Clone, Copy, Debug, PartialEq)]
struct Condition {
    is_less: bool,
    is_greater: bool,
    is_equal: bool,
    limit: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Kind {
    /// no placeholder: literals only, or nothing
    #[default]
    Literal,
    General,
    Number,
    Date,
    Text,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Literal(String),
    /// `0`, `#` or `?`
    Digit(char),
    Point,
    /// digits are grouped by thousands, or the number is divided by 1,000
    Comma,
    Percent,
    /// whether the sign of a positive exponent is shown
    Exponent(bool),
    /// the bar of a fraction
    Bar,
    General,
    /// `@`
    Text,
    Date(DatePart),
}

impl NumberFormat {
    /// Parses a format code. A code that no program writes is shown as far as it is understood.
    pub fn parse(code: &str) -> Self {
        parse::parse(code)
    }

    /// A format that a file names and does not have. Numbers are shown as in General, without the zeros that it may add.
    pub fn unknown() -> Self {
        Self { is_unknown: true, ..Self::parse("General") }
    }

    /// Whether the file does not have it; see [`Self::unknown`].
    pub const fn is_unknown(&self) -> bool {
        self.is_unknown
    }

    /// The format of a built-in number, as Korean Excel shows it; none for General.
    pub fn builtin(id: u32) -> Option<Self> {
        let code = match id {
            1 => "0",
            2 => "0.00",
            3 | 37 | 38 => "#,##0",
            4 | 39 | 40 => "#,##0.00",
            5 | 6 | 42 => "\"₩\"#,##0;-\"₩\"#,##0",
            7 | 8 | 44 => "\"₩\"#,##0.00;-\"₩\"#,##0.00",
            9 => "0%",
            10 => "0.00%",
            11 => "0.00E+00",
            12 => "# ?/?",
            13 => "# ??/??",
            14 | 28 | 52..=53 | 55..=56 => "yyyy-mm-dd",
            15 => "d-mmm-yy",
            16 => "d-mmm",
            17 => "mmm-yy",
            18 => "h:mm AM/PM",
            19 => "h:mm:ss AM/PM",
            20 => "h:mm",
            21 => "h:mm:ss",
            22 => "yyyy-mm-dd h:mm",
            27 | 36 | 50 | 57 => "yyyy\"年\" mm\"月\" dd\"日\"",
            29 | 51 | 54 | 58 => "mm-dd",
            30 => "mm-dd-yy",
            31 | 34 | 35 => "yyyy\"년\" mm\"월\" dd\"일\"",
            32 => "h\"시\" mm\"분\"",
            33 => "h\"시\" mm\"분\" ss\"초\"",
            41 => "#,##0;-#,##0",
            43 => "#,##0.00;-#,##0.00",
            45 => "mm:ss",
            46 => "[h]:mm:ss",
            47 => "mm:ss.0",
            48 => "##0.0E+0",
            49 => "@",
            _ => return None,
        };
        Some(Self::parse(code))
    }

    /// The code in the file.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Whether it shows numbers as General does.
    pub fn is_general(&self) -> bool {
        matches!(&self.sections[..], [only] if matches!(only.kind, Kind::Text)
            || matches!(&only.tokens[..], [Token::General]))
    }

    /// Whether it shows dates or times.
    pub fn is_date(&self) -> bool {
        self.sections.first().is_some_and(|section| section.kind == Kind::Date)
    }

    /// Whether it shows days, not only a time of day or a duration.
    pub fn has_day(&self) -> bool {
        self.sections.first().is_some_and(|section| {
            section.tokens.iter().any(|token| matches!(token, Token::Date(part) if part.is_calendar()))
        })
    }

    /// The number as a date; none if the format shows none, or outside the calendar.
    pub fn moment(&self, value: f64) -> Option<NaiveDateTime> {
        self.is_date().then(|| Cell::date_of_serial(value, false)).flatten()
    }

    /// The text that the spreadsheet shows for a number. Where the format hides the number, it is shown
    /// nevertheless: nothing in the file may be lost.
    pub fn show(&self, value: f64) -> String {
        let Some((section, is_signed)) = self.section(value) else { return general(value) };
        let shown = match section.kind {
            Kind::Date => date::show(section, value),
            Kind::General | Kind::Text | Kind::Literal => {
                Some(section.literal(&general(if is_signed { value.abs() } else { value })))
            }
            Kind::Number => Some(section.number(if is_signed { value.abs() } else { value })),
        };
        shown.filter(|shown| !shown.trim().is_empty()).unwrap_or_else(|| general(value))
    }

    /// The text that the spreadsheet shows for a text; none if it is the text itself.
    pub fn show_text(&self, text: &str) -> Option<String> {
        let section = self.text.as_ref()?;
        let shown = section.literal(text);
        (shown != text && !shown.trim().is_empty() && shown.contains(text)).then_some(shown)
    }

    /// Whether texts are shown with something added.
    pub fn changes_text(&self) -> bool {
        self.text.as_ref().is_some_and(|section| section.tokens != [Token::Text])
    }

    /// The section for a number, and whether it is one for negative numbers, which shows no sign.
    fn section(&self, value: f64) -> Option<(&Section, bool)> {
        let default = |index: usize| match (index, self.sections.len()) {
            (0, 2) => value >= 0.0,
            (0, 3..) => value > 0.0,
            (1, 3..) => value < 0.0,
            _ => true,
        };
        let holds =
            |index: usize, section: &Section| section.condition.map_or_else(|| default(index), |it| it.holds(value));
        let index = self.sections.iter().enumerate().position(|(index, section)| holds(index, section))?;
        let section = self.sections.get(index)?;
        Some((section, index == 1 && value < 0.0 && section.condition.is_none_or(|it| it.is_less)))
    }
}

impl Condition {
    fn holds(self, value: f64) -> bool {
        (self.is_less && value < self.limit)
            || (self.is_greater && value > self.limit)
            || (self.is_equal && (value - self.limit).abs() < f64::EPSILON)
    }
}

impl Section {
    /// The literals, with `text` in the place of the value.
    fn literal(&self, text: &str) -> String {
        let mut shown = String::new();
        for token in &self.tokens {
            match token {
                Token::Literal(literal) => shown.push_str(literal),
                Token::General | Token::Text => shown.push_str(text),
                Token::Percent => shown.push('%'),
                _ => {}
            }
        }
        shown
    }

    fn number(&self, value: f64) -> String {
        if self.tokens.contains(&Token::Bar) {
            return self.fraction(value);
        }
        let exponent = self.tokens.iter().position(|token| matches!(token, Token::Exponent(_)));
        let mantissa_end = exponent.unwrap_or(self.tokens.len());
        // A point behind the exponent is none of the number: `0E+0.0`.
        let point = self.tokens[..mantissa_end].iter().position(|token| *token == Token::Point).unwrap_or(mantissa_end);
        let last_digit = self.tokens.iter().rposition(|token| matches!(token, Token::Digit(_))).unwrap_or(0);
        let last_whole = self.tokens[..point].iter().rposition(|token| matches!(token, Token::Digit(_))).unwrap_or(0);
        let percents = self.tokens.iter().filter(|token| **token == Token::Percent).count();
        let commas = |range: std::ops::Range<usize>| {
            self.tokens.get(range).unwrap_or_default().iter().filter(|token| **token == Token::Comma).count()
        };
        let is_grouped = commas(0..last_whole) > 0;
        let thousands = commas(last_whole..point.max(last_whole))
            + commas(last_digit..self.tokens.len()).min(if point < last_digit { usize::MAX } else { 0 });
        let shift = i32::try_from(2 * percents).unwrap_or(0) - i32::try_from(3 * thousands).unwrap_or(0);
        let is_digit = |token: &&Token| matches!(token, Token::Digit(_));
        let decimals = self.tokens[point..mantissa_end].iter().filter(is_digit).count();
        let (decimal, power) = match exponent {
            Some(_) => {
                let whole = self.tokens[..point].iter().filter(is_digit).count();
                Decimal::scientific(value.abs(), whole.max(1), decimals)
            }
            None => (Decimal::new(value.abs(), shift, decimals), 0),
        };
        let mut shown = String::new();
        if value < 0.0 && !decimal.is_zero() {
            shown.push('-');
        }
        Self::push_whole(&self.tokens[..point], &decimal.whole, is_grouped, &mut shown);
        let mut fraction = decimal.fraction.chars();
        let mut power_text = String::new();
        let mut is_power = false;
        for (at, token) in self.tokens.iter().enumerate().skip(point) {
            match token {
                Token::Point => shown.push('.'),
                Token::Digit(kind) if !is_power => {
                    let digit = fraction.next().unwrap_or('0');
                    let is_rest_zero = digit == '0' && fraction.as_str().bytes().all(|byte| byte == b'0');
                    let is_optional = self.tokens[at..].iter().all(|token| !matches!(token, Token::Digit('0')));
                    match kind {
                        '#' if is_rest_zero && is_optional => {}
                        '?' if is_rest_zero && is_optional => shown.push(' '),
                        _ => shown.push(digit),
                    }
                }
                Token::Digit(_) if power_text.is_empty() => {
                    let width = self.tokens[at..].iter().filter(is_digit).count();
                    power_text = format!("{:0width$}", power.abs());
                    shown.push_str(&power_text);
                }
                Token::Exponent(is_signed) => {
                    is_power = true;
                    shown.push('E');
                    if power < 0 {
                        shown.push('-');
                    } else if *is_signed {
                        shown.push('+');
                    }
                }
                Token::Literal(literal) => shown.push_str(literal),
                Token::Percent => shown.push('%'),
                _ => {}
            }
        }
        shown
    }

    /// Appends the digits before the point. Literals may be between them (`000-0000-0000`); the first
    /// placeholder takes all digits that are left.
    fn push_whole(tokens: &[Token], digits: &str, is_grouped: bool, shown: &mut String) {
        let places = tokens.iter().filter(|token| matches!(token, Token::Digit(_))).count();
        let digits = digits.trim_start_matches('0');
        let mut place = places;
        let group = |left: usize, shown: &mut String| {
            if is_grouped && left > 1 && left % 3 == 1 {
                shown.push(',');
            }
        };
        for token in tokens {
            match token {
                Token::Digit(kind) => {
                    if place == places && digits.len() > places {
                        for (index, digit) in digits[..digits.len() - places].chars().enumerate() {
                            shown.push(digit);
                            group(digits.len() - index, shown);
                        }
                    }
                    let digit = digits.len().checked_sub(place).and_then(|at| digits[at..].chars().next());
                    match (digit, kind) {
                        (Some(digit), _) => shown.push(digit),
                        (None, '0') => shown.push('0'),
                        (None, '?') => shown.push(' '),
                        _ => {}
                    }
                    if digit.is_some() || *kind == '0' {
                        group(place, shown);
                    }
                    place -= 1;
                }
                Token::Literal(literal) => shown.push_str(literal),
                Token::Percent => shown.push('%'),
                _ => {}
            }
        }
    }

    /// A fraction: `# ?/?`, `?/8`.
    fn fraction(&self, value: f64) -> String {
        let bar = self.tokens.iter().position(|token| *token == Token::Bar).unwrap_or(0);
        let (before, after) = (&self.tokens[..bar], &self.tokens[bar + 1..]);
        let is_digit = |token: &&Token| matches!(token, Token::Digit(_));
        let has_whole = before.iter().any(|token| matches!(token, Token::Literal(text) if text.trim().is_empty()))
            && before.iter().filter(is_digit).count() > 1;
        let fixed: String = after
            .iter()
            .filter_map(|token| if let Token::Literal(text) = token { Some(text.trim()) } else { None })
            .collect();
        let width = after.iter().filter(is_digit).count().clamp(1, 4);
        let magnitude = value.abs();
        let (mut whole, part) = if has_whole { (magnitude.trunc(), magnitude.fract()) } else { (0.0, magnitude) };
        let (mut numerator, denominator) = match fixed.parse::<u32>() {
            Ok(denominator) if denominator > 0 => ((part * f64::from(denominator)).round(), denominator),
            _ => round::nearest_fraction(part, 10_u32.pow(u32::try_from(width).unwrap_or(1)) - 1),
        };
        if has_whole && numerator >= f64::from(denominator) {
            (whole, numerator) = (whole + 1.0, 0.0);
        }
        let sign = if value < 0.0 { "-" } else { "" };
        let mut shown = String::from(sign);
        if has_whole && (whole > 0.0 || numerator == 0.0) {
            let _ = write!(shown, "{whole:.0}");
        }
        if !has_whole || numerator > 0.0 {
            let space = if has_whole && whole > 0.0 { " " } else { "" };
            let _ = write!(shown, "{space}{numerator:.0}/{denominator}");
        }
        shown
    }
}

/// A number as General shows it, but with all digits of an integer.
pub(super) fn general(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e21 {
        // `-0` is 0.
        return format!("{:.0}", value + 0.0);
    }
    let power = value.abs().log10().floor();
    if (-5.0..11.0).contains(&power) {
        #[expect(clippy::cast_possible_truncation, reason = "between -5 and 10")]
        let decimals = usize::try_from(9 - (power as i32).max(0)).unwrap_or(0);
        let decimal = Decimal::new(value.abs(), 0, decimals);
        let fraction = decimal.fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        return format!("{}{}{point}{fraction}", if value < 0.0 { "-" } else { "" }, decimal.whole);
    }
    let shown = format!("{value:E}");
    match shown.split_once('E') {
        Some((mantissa, power)) if !power.starts_with('-') => format!("{mantissa}E+{power:0>2}"),
        _ => shown,
    }
}

#[cfg(test)]
mod tests;

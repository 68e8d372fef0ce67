//! What stands on the sheet that the customer signs, and how large.
//!
//! A delivery of up to [`ON_FIRST`] orders is one A4 sheet, however long its texts are: the letters
//! become smaller step by step, and where the smallest do not fit, texts end with `…`, as all of
//! them stands on the delivery's page. Further orders follow on sheets of their own. Orders that go
//! to somebody else stand together below the others, under a line that says to whom; it takes the
//! room of an order. The sizes are
//! those of `.slip` in the style sheet; a browser lays the sheet out, so widths are guessed here, to
//! the safe side.

use crate::orders::model::OrderState;

/// Orders on the first sheet of a delivery.
pub const ON_FIRST: usize = 12;

/// Orders on each further sheet.
const ON_FURTHER: usize = 26;

/// Millimetres of the first sheet for its table of orders and the two texts.
const ROOM: f64 = 152.0;

/// Millimetres of a line of the table for product and options.
const PRODUCT_WIDTH: f64 = 138.0;

/// Millimetres of a line of the table that says to whom goods go, less the words before it.
const TO_WIDTH: f64 = 130.0;

/// Millimetres of a line of a text.
const TEXT_WIDTH: f64 = 158.0;

/// How large the letters are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// a few orders
    Large,
    /// some
    Medium,
    /// many
    Small,
    /// many with long names
    Tiny,
}

impl Size {
    const ALL: [Self; 4] = [Self::Large, Self::Medium, Self::Small, Self::Tiny];

    /// The word of the style sheet.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Large => "large",
            Self::Medium => "medium",
            Self::Small => "small",
            Self::Tiny => "tiny",
        }
    }

    /// Millimetres: the height of the letters, that of a line, and the air around a row.
    const fn measures(self) -> (f64, f64, f64) {
        match self {
            Self::Large => (4.24, 6.2, 2.6),
            Self::Medium => (3.71, 5.4, 2.1),
            Self::Small => (3.18, 4.6, 1.7),
            Self::Tiny => (2.65, 3.75, 1.25),
        }
    }

    fn per_line(self, width: f64) -> f64 {
        width / self.measures().0
    }
}

/// An order on a slip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// where it stands
    pub state: OrderState,
    /// product and the labels of its options
    pub product: String,
    /// pieces
    pub quantity: i64,
    /// to whom and where it goes, when that is not where the delivery goes. On a sheet only the first
    /// of those that go there has it.
    pub to: Option<String>,
}

/// One sheet of paper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// how large
    pub size: Size,
    /// its orders
    pub lines: Vec<Line>,
    /// what the customer wrote
    pub message: String,
    /// what the office wrote
    pub memo: String,
    /// which of the delivery's sheets, from 1
    pub number: usize,
    /// how many sheets the delivery has
    pub of: usize,
}

/// The sheets of a delivery, at least one.
pub fn sheets(lines: &[Line], message: &str, memo: &str) -> Vec<Sheet> {
    let mut parts = parted(lines);
    let of = parts.len();
    let further = parts.split_off(1);
    let mut sheets: Vec<Sheet> = parts.iter().map(|first| Sheet { of, ..first_sheet(first, message, memo) }).collect();
    for (number, lines) in (2..).zip(&further) {
        let lines = lines.iter().map(|line| clipped_line(line, Size::Tiny, 2)).collect();
        let (message, memo) = (String::new(), String::new());
        sheets.push(Sheet { size: Size::Tiny, lines, message, memo, number, of });
    }
    sheets
}

/// The orders of each sheet; those that go to one place stand together.
fn parted(lines: &[Line]) -> Vec<Vec<Line>> {
    let mut places: Vec<Option<&String>> = vec![None];
    for line in lines {
        if !places.contains(&line.to.as_ref()) {
            places.push(line.to.as_ref());
        }
    }
    let mut parts = vec![Vec::new()];
    let (mut room, mut under) = (ON_FIRST, None);
    for line in places.iter().flat_map(|place| lines.iter().filter(move |line| line.to.as_ref() == *place)) {
        let begins = |under: Option<&String>| line.to.is_some() && line.to.as_ref() != under;
        if room < 1 + usize::from(begins(under)) {
            parts.push(Vec::new());
            (room, under) = (ON_FURTHER, None);
        }
        let begins = begins(under);
        room -= 1 + usize::from(begins);
        under = line.to.as_ref();
        if let Some(part) = parts.last_mut() {
            part.push(Line { to: line.to.clone().filter(|_| begins), ..line.clone() });
        }
    }
    parts
}

fn first_sheet(lines: &[Line], message: &str, memo: &str) -> Sheet {
    let sheet = |size, lines, message, memo| Sheet { size, lines, message, memo, number: 1, of: 1 };
    let fits = |size: &Size| height(*size, lines, message, memo) <= ROOM;
    if let Some(size) = Size::ALL.into_iter().find(fits) {
        return sheet(size, lines.to_vec(), message.to_owned(), memo.to_owned());
    }
    // Two lines an order at most, and what is left over for the texts: at least a third for either.
    let size = Size::Tiny;
    let lines: Vec<Line> = lines.iter().map(|line| clipped_line(line, size, 2)).collect();
    let (_, line_height, air) = size.measures();
    let left = ((ROOM - height(size, &lines, "", "") - 2.0 * air) / line_height).floor();
    let wanted = |text: &str| lines_of(text, size.per_line(TEXT_WIDTH));
    let for_memo = wanted(memo).min((left / 3.0).floor().max(left - wanted(message)));
    let for_message = wanted(message).min(left - for_memo);
    let clip = |text: &str, lines| clipped(text, size.per_line(TEXT_WIDTH), lines);
    sheet(size, lines, clip(message, for_message), clip(memo, for_memo))
}

fn clipped_line(line: &Line, size: Size, lines: u8) -> Line {
    let clip = |text: &str, width| clipped(text, size.per_line(width), f64::from(lines));
    Line {
        product: clip(&line.product, PRODUCT_WIDTH),
        to: line.to.as_deref().map(|to| clip(to, TO_WIDTH)),
        ..line.clone()
    }
}

/// Millimetres that orders and texts need.
fn height(size: Size, lines: &[Line], message: &str, memo: &str) -> f64 {
    let (_, line_height, air) = size.measures();
    let row = |text: &str, width| lines_of(text, size.per_line(width)) * line_height + air;
    let to = |line: &Line| line.to.as_deref().map_or(0.0, |to| row(to, TO_WIDTH));
    let table: f64 = lines.iter().map(|line| row(&line.product, PRODUCT_WIDTH) + to(line)).sum();
    let texts: f64 =
        [message, memo].into_iter().filter(|text| !text.is_empty()).map(|text| row(text, TEXT_WIDTH)).sum();
    line_height + air + table + texts
}

/// How wide a character is, measured in the height of the letters.
fn width(character: char) -> f64 {
    match character {
        'M' | 'W' | 'm' | 'w' | '@' | '%' => 0.95,
        ' ' => 0.35,
        '!'..='~' => 0.66,
        '가'..='힣' => 0.92,
        '\u{1F000}'.. => 1.4,
        _ => 1.0,
    }
}

/// How many lines a text takes.
fn lines_of(text: &str, per_line: f64) -> f64 {
    text.split('\n').map(|line| (line.chars().map(width).sum::<f64>() / per_line).ceil().max(1.0)).sum()
}

/// As much of the text as so many lines hold.
pub fn clipped(text: &str, per_line: f64, lines: f64) -> String {
    if lines_of(text, per_line) <= lines {
        return text.to_owned();
    }
    let mut clipped = String::new();
    let (mut line, mut used) = (1.0, 2.0);
    for character in text.chars() {
        if character == '\n' || used + width(character) > per_line {
            line += 1.0;
            used = 2.0;
        }
        if line > lines {
            break;
        }
        used += width(character);
        clipped.push(character);
    }
    format!("{}…", clipped.trim_end())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(count: usize, product: &str) -> Vec<Line> {
        let line = Line { state: OrderState::Dispatched, product: product.to_owned(), quantity: 1, to: None };
        vec![line; count]
    }

    #[test]
    fn letters_become_smaller_with_the_text() {
        let size = |count, product: &str, message: &str| sheets(&lines(count, product), message, "")[0].size;
        let long = "로얄 퀸 매트리스 라텍스 토퍼 포함 [색상: 아이보리, 사이즈: 퀸, 방향: 왼쪽]";
        assert_eq!(size(1, "원목 침대", "문 앞에 놓아 주세요."), Size::Large);
        assert_eq!(size(12, "원목 침대", ""), Size::Large);
        assert_eq!(size(12, long, "문 앞"), Size::Medium);
        assert_eq!(size(12, &long.repeat(2), "문 앞"), Size::Small);
        assert_eq!(size(12, &long.repeat(2), &long.repeat(5)), Size::Tiny);
    }

    #[test]
    fn twelve_orders_are_one_sheet_and_further_ones_follow() {
        let places =
            |count| sheets(&lines(count, "침대"), "", "").iter().map(|sheet| sheet.lines.len()).collect::<Vec<_>>();
        assert_eq!(places(0), [0]);
        assert_eq!(places(12), [12]);
        assert_eq!(places(13), [12, 1]);
        assert_eq!(places(60), [12, 26, 22]);
        let sheets = sheets(&lines(13, "침대"), "부재 시 전화", "");
        assert_eq!((sheets[0].number, sheets[1].number, sheets[1].of), (1, 2, 2));
        assert!(sheets[1].message.is_empty(), "the first sheet has it");
    }

    #[test]
    fn what_goes_elsewhere_stands_together_under_its_recipient() {
        let to = |names: &str| -> Vec<Line> {
            let line =
                |name: char| Line { to: (name != '-').then(|| name.to_string()), ..lines(1, "침대").remove(0) };
            names.chars().map(line).collect()
        };
        let told = |names: &str| -> Vec<String> {
            let head = |line: &Line| line.to.clone().unwrap_or("-".to_owned());
            sheets(&to(names), "", "").iter().map(|sheet| sheet.lines.iter().map(head).collect()).collect()
        };
        assert_eq!(told("가-나-가"), ["--가-나"], "the heading alone, before the first of a place");
        assert_eq!(told("-----------가"), ["-----------", "가"], "eleven orders and a heading are twelve");
        assert_eq!(told("가가가가가가가가가가가가"), ["가----------", "가"], "and again on the next sheet");
    }

    #[test]
    fn what_does_not_fit_ends_with_an_ellipsis() {
        let long = "가".repeat(5_000);
        let sheet = &sheets(&lines(12, &long), &long, "짧은 메모")[0];
        assert!(sheet.message.ends_with('…') && sheet.lines.iter().all(|line| line.product.ends_with('…')));
        assert_eq!(sheet.memo, "짧은 메모", "what fits is not cut");
    }

    proptest! {
        #[test]
        fn a_first_sheet_always_fits(
            products in proptest::collection::vec("[가-힣A-Za-z0-9 ]{0,400}", 0..13),
            message in "[가-힣a-z\n ]{0,2500}",
            memo in "[가-힣a-z\n ]{0,2500}",
            to in proptest::collection::vec(proptest::option::of("[가-다]|[가-힣]{600}"), 12),
        ) {
            let mut lines: Vec<Line> = products.iter().flat_map(|product| lines(1, product)).collect();
            for (line, to) in lines.iter_mut().zip(&to) {
                line.to.clone_from(to);
            }
            let places = lines.iter().filter_map(|line| line.to.as_ref()).collect::<std::collections::BTreeSet<_>>();
            let sheets = sheets(&lines, &message, &memo);
            let sheet = &sheets[0];
            prop_assert!(height(sheet.size, &sheet.lines, &sheet.message, &sheet.memo) <= ROOM);
            prop_assert_eq!(sheets.iter().map(|sheet| sheet.lines.len()).sum::<usize>(), lines.len());
            prop_assert!(sheets.len() == 1 || lines.len() + places.len() > ON_FIRST);
        }
    }
}

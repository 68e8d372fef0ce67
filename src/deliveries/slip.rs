//! The layout of a delivery slip (배송 전표).
//!
//! A delivery of up to [`MAX_FIRST_SHEET_ROWS`] orders is one A4 sheet. The font size decreases step by step
//! until its texts fit; at the smallest size, texts that are too long end with `…`, as the page of the delivery
//! has all of them. More orders continue on further sheets. Orders for another recipient are grouped below the
//! others, under a heading with that recipient, which takes the space of one order. The measures are those of
//! `.slip` in the style sheet. A browser lays out the sheet, so widths are conservative estimates.

use crate::orders::model::OrderState;

/// Orders and headings on the first sheet of a delivery.
pub const MAX_FIRST_SHEET_ROWS: usize = 12;

/// Orders and headings on each further sheet.
const MAX_NEXT_SHEET_ROWS: usize = 26;

/// Height of the first sheet's table of orders and its two texts.
const CONTENT_HEIGHT_MM: f64 = 152.0;

/// Width of the table's column for product and options.
const PRODUCT_WIDTH_MM: f64 = 138.0;

/// Width of a heading with another recipient, without its label.
const RECIPIENT_WIDTH_MM: f64 = 130.0;

/// Width of 고객메시지 and 배송메모.
const TEXT_WIDTH_MM: f64 = 158.0;

/// The font size of a sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FontSize {
    /// 12 pt
    Large,
    /// 10.5 pt
    Medium,
    /// 9 pt
    Small,
    /// 7.5 pt
    Tiny,
}

impl FontSize {
    const ALL: [Self; 4] = [Self::Large, Self::Medium, Self::Small, Self::Tiny];

    /// The class in the style sheet.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Large => "large",
            Self::Medium => "medium",
            Self::Small => "small",
            Self::Tiny => "tiny",
        }
    }

    /// Millimetres: font size, line height, and vertical padding of a row.
    const fn measures_mm(self) -> (f64, f64, f64) {
        match self {
            Self::Large => (4.24, 6.2, 2.6),
            Self::Medium => (3.71, 5.4, 2.1),
            Self::Small => (3.18, 4.6, 1.7),
            Self::Tiny => (2.65, 3.75, 1.25),
        }
    }

    /// Width of a line, in units of the font size.
    fn per_line(self, width_mm: f64) -> f64 {
        width_mm / self.measures_mm().0
    }
}

/// An order on a slip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlipLine {
    /// state of the order
    pub state: OrderState,
    /// product with option labels
    pub product: String,
    /// pieces
    pub quantity: i64,
    /// recipient and address, if they differ from those of the delivery; on a sheet, only the first line of each
    /// group has it
    pub other_recipient: Option<String>,
}

/// One sheet of a slip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlipSheet {
    /// font size
    pub size: FontSize,
    /// orders
    pub lines: Vec<SlipLine>,
    /// 고객메시지
    pub message: String,
    /// 배송메모
    pub memo: String,
    /// number of the sheet, from 1
    pub number: usize,
    /// sheets of the delivery
    pub of: usize,
}

/// The sheets of a delivery, at least one.
pub fn sheets(lines: &[SlipLine], message: &str, memo: &str) -> Vec<SlipSheet> {
    let mut pages = paginate(lines);
    let of = pages.len();
    let further = pages.split_off(1);
    let mut sheets: Vec<SlipSheet> =
        pages.iter().map(|first| SlipSheet { of, ..first_sheet(first, message, memo) }).collect();
    for (number, lines) in (2..).zip(&further) {
        let lines = lines.iter().map(|line| ellipsize_line(line, FontSize::Tiny, 2)).collect();
        let (message, memo) = (String::new(), String::new());
        sheets.push(SlipSheet { size: FontSize::Tiny, lines, message, memo, number, of });
    }
    sheets
}

/// Distributes the lines to sheets, grouped by recipient.
fn paginate(lines: &[SlipLine]) -> Vec<Vec<SlipLine>> {
    let mut recipients: Vec<Option<&String>> = vec![None];
    for line in lines {
        if !recipients.contains(&line.other_recipient.as_ref()) {
            recipients.push(line.other_recipient.as_ref());
        }
    }
    let mut sheets = vec![Vec::new()];
    let (mut rows_left, mut heading) = (MAX_FIRST_SHEET_ROWS, None);
    let grouped = recipients
        .iter()
        .flat_map(|recipient| lines.iter().filter(move |line| line.other_recipient.as_ref() == *recipient));
    for line in grouped {
        let recipient = line.other_recipient.as_ref();
        let needs_heading = |heading: Option<&String>| recipient.is_some() && recipient != heading;
        if rows_left < 1 + usize::from(needs_heading(heading)) {
            sheets.push(Vec::new());
            (rows_left, heading) = (MAX_NEXT_SHEET_ROWS, None);
        }
        let has_heading = needs_heading(heading);
        rows_left -= 1 + usize::from(has_heading);
        heading = recipient;
        if let Some(sheet) = sheets.last_mut() {
            sheet.push(SlipLine { other_recipient: recipient.cloned().filter(|_| has_heading), ..line.clone() });
        }
    }
    sheets
}

fn first_sheet(lines: &[SlipLine], message: &str, memo: &str) -> SlipSheet {
    let sheet = |size, lines, message, memo| SlipSheet { size, lines, message, memo, number: 1, of: 1 };
    let fits = |size: &FontSize| height_mm(*size, lines, message, memo) <= CONTENT_HEIGHT_MM;
    if let Some(size) = FontSize::ALL.into_iter().find(fits) {
        return sheet(size, lines.to_vec(), message.to_owned(), memo.to_owned());
    }
    // At most two lines per order; the rest of the height is for the texts, at least a third for each.
    let size = FontSize::Tiny;
    let lines: Vec<SlipLine> = lines.iter().map(|line| ellipsize_line(line, size, 2)).collect();
    let (_, line_height, padding) = size.measures_mm();
    let left = ((CONTENT_HEIGHT_MM - height_mm(size, &lines, "", "") - 2.0 * padding) / line_height).floor();
    let needed = |text: &str| lines_of(text, size.per_line(TEXT_WIDTH_MM));
    let for_memo = needed(memo).min((left / 3.0).floor().max(left - needed(message)));
    let for_message = needed(message).min(left - for_memo);
    let clip = |text: &str, lines| ellipsize(text, size.per_line(TEXT_WIDTH_MM), lines);
    sheet(size, lines, clip(message, for_message), clip(memo, for_memo))
}

fn ellipsize_line(line: &SlipLine, size: FontSize, lines: u8) -> SlipLine {
    let clip = |text: &str, width| ellipsize(text, size.per_line(width), f64::from(lines));
    SlipLine {
        product: clip(&line.product, PRODUCT_WIDTH_MM),
        other_recipient: line.other_recipient.as_deref().map(|recipient| clip(recipient, RECIPIENT_WIDTH_MM)),
        ..line.clone()
    }
}

/// Height of orders and texts.
fn height_mm(size: FontSize, lines: &[SlipLine], message: &str, memo: &str) -> f64 {
    let (_, line_height, padding) = size.measures_mm();
    let row = |text: &str, width| lines_of(text, size.per_line(width)) * line_height + padding;
    let heading =
        |line: &SlipLine| line.other_recipient.as_deref().map_or(0.0, |recipient| row(recipient, RECIPIENT_WIDTH_MM));
    let table: f64 = lines.iter().map(|line| row(&line.product, PRODUCT_WIDTH_MM) + heading(line)).sum();
    let texts: f64 =
        [message, memo].into_iter().filter(|text| !text.is_empty()).map(|text| row(text, TEXT_WIDTH_MM)).sum();
    line_height + padding + table + texts
}

/// Width of a character, in units of the font size.
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

/// Lines that a text fills.
fn lines_of(text: &str, per_line: f64) -> f64 {
    text.split('\n').map(|line| (line.chars().map(width).sum::<f64>() / per_line).ceil().max(1.0)).sum()
}

/// Truncates a text to so many lines; a truncated text ends with `…`.
pub fn ellipsize(text: &str, per_line: f64, lines: f64) -> String {
    if lines_of(text, per_line) <= lines {
        return text.to_owned();
    }
    let mut kept = String::new();
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
        kept.push(character);
    }
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(count: usize, product: &str) -> Vec<SlipLine> {
        let line =
            SlipLine { state: OrderState::Dispatched, product: product.to_owned(), quantity: 1, other_recipient: None };
        vec![line; count]
    }

    #[test]
    fn font_size_decreases_with_the_text() {
        let size = |count, product: &str, message: &str| sheets(&lines(count, product), message, "")[0].size;
        let long = "로얄 퀸 매트리스 라텍스 토퍼 포함 [색상: 아이보리, 사이즈: 퀸, 방향: 왼쪽]";
        assert_eq!(size(1, "원목 침대", "문 앞에 놓아 주세요."), FontSize::Large);
        assert_eq!(size(12, "원목 침대", ""), FontSize::Large);
        assert_eq!(size(12, long, "문 앞"), FontSize::Medium);
        assert_eq!(size(12, &long.repeat(2), "문 앞"), FontSize::Small);
        assert_eq!(size(12, &long.repeat(2), &long.repeat(5)), FontSize::Tiny);
    }

    #[test]
    fn orders_beyond_twelve_continue_on_further_sheets() {
        let rows =
            |count| sheets(&lines(count, "침대"), "", "").iter().map(|sheet| sheet.lines.len()).collect::<Vec<_>>();
        assert_eq!(rows(0), [0]);
        assert_eq!(rows(12), [12]);
        assert_eq!(rows(13), [12, 1]);
        assert_eq!(rows(60), [12, 26, 22]);
        let sheets = sheets(&lines(13, "침대"), "부재 시 전화", "");
        assert_eq!((sheets[0].number, sheets[1].number, sheets[1].of), (1, 2, 2));
        assert!(sheets[1].message.is_empty(), "only the first sheet has it");
    }

    #[test]
    fn orders_for_another_recipient_are_grouped_under_a_heading() {
        let orders_to = |names: &str| -> Vec<SlipLine> {
            let line = |name: char| SlipLine {
                other_recipient: (name != '-').then(|| name.to_string()),
                ..lines(1, "침대").remove(0)
            };
            names.chars().map(line).collect()
        };
        let headings = |names: &str| -> Vec<String> {
            let head = |line: &SlipLine| line.other_recipient.clone().unwrap_or("-".to_owned());
            sheets(&orders_to(names), "", "").iter().map(|sheet| sheet.lines.iter().map(head).collect()).collect()
        };
        assert_eq!(headings("가-나-가"), ["--가-나"], "one heading, before the first order of a recipient");
        assert_eq!(headings("-----------가"), ["-----------", "가"], "eleven orders and a heading fill twelve rows");
        assert_eq!(headings("가가가가가가가가가가가가"), ["가----------", "가"], "the next sheet repeats the heading");
    }

    #[test]
    fn too_long_texts_end_with_an_ellipsis() {
        let long = "가".repeat(5_000);
        let sheet = &sheets(&lines(12, &long), &long, "짧은 메모")[0];
        assert!(sheet.message.ends_with('…') && sheet.lines.iter().all(|line| line.product.ends_with('…')));
        assert_eq!(sheet.memo, "짧은 메모", "a text that fits is not truncated");
    }

    proptest! {
        #[test]
        fn first_sheet_always_fits(
            products in proptest::collection::vec("[가-힣A-Za-z0-9 ]{0,400}", 0..13),
            message in "[가-힣a-z\n ]{0,2500}",
            memo in "[가-힣a-z\n ]{0,2500}",
            recipients in proptest::collection::vec(proptest::option::of("[가-다]|[가-힣]{600}"), 12),
        ) {
            let mut lines: Vec<SlipLine> = products.iter().flat_map(|product| lines(1, product)).collect();
            for (line, recipient) in lines.iter_mut().zip(&recipients) {
                line.other_recipient.clone_from(recipient);
            }
            let groups = lines.iter().filter_map(|line| line.other_recipient.as_ref()).collect::<std::collections::BTreeSet<_>>();
            let sheets = sheets(&lines, &message, &memo);
            let sheet = &sheets[0];
            prop_assert!(height_mm(sheet.size, &sheet.lines, &sheet.message, &sheet.memo) <= CONTENT_HEIGHT_MM);
            prop_assert_eq!(sheets.iter().map(|sheet| sheet.lines.len()).sum::<usize>(), lines.len());
            prop_assert!(sheets.len() == 1 || lines.len() + groups.len() > MAX_FIRST_SHEET_ROWS);
        }
    }
}

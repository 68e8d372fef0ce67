//! The layout of a delivery slip (배송 전표).
//!
//! A delivery of up to [`PaperMeasures::max_first_rows`] orders is one sheet of its [`SlipPaper`]. The font size decreases
//! step by step until its texts fit; at the smallest size, texts that are too long end with `…`, as the page of the delivery
//! has all of them. More orders continue on further sheets. Orders for another recipient are grouped below the others, under
//! a heading with that recipient, which takes the space of one order. What is left of a sheet is room for the signatures.
//! The measures are those of `.slip` in the style sheet. A browser lays out the sheet, so widths are conservative estimates.

use crate::shop::model::SlipPaper;

/// Measures of a slip in millimetres, and how many rows it has.
struct PaperMeasures {
    /// orders and headings on the first sheet of a delivery
    max_first_rows: usize,
    /// orders and headings on each further sheet
    max_next_rows: usize,
    /// height of the first sheet's table of orders and its two texts
    content_height: f64,
    /// width of the table's column for product and options
    product_width: f64,
    /// width of a heading with another recipient, without its label
    recipient_width: f64,
    /// width of 고객메시지 and 배송메모
    text_width: f64,
    /// width of the address
    address_width: f64,
    /// font size and lines of the address, from the largest
    address_sizes: [(AddressSize, f64, f64); 3],
}

const A4: PaperMeasures = PaperMeasures {
    max_first_rows: 12,
    max_next_rows: 26,
    content_height: 146.0,
    product_width: 138.0,
    recipient_width: 130.0,
    text_width: 158.0,
    address_width: 156.0,
    address_sizes: [(AddressSize::Large, 8.47, 2.0), (AddressSize::Medium, 7.06, 3.0), (AddressSize::Small, 5.64, 4.0)],
};

const A5: PaperMeasures = PaperMeasures {
    max_first_rows: 8,
    max_next_rows: 16,
    content_height: 100.0,
    product_width: 95.0,
    recipient_width: 88.0,
    text_width: 105.0,
    address_width: 107.0,
    address_sizes: [(AddressSize::Large, 6.35, 2.0), (AddressSize::Medium, 5.29, 3.0), (AddressSize::Small, 4.23, 4.0)],
};

const fn measures(paper: SlipPaper) -> &'static PaperMeasures {
    match paper {
        SlipPaper::A4 => &A4,
        SlipPaper::A5 => &A5,
    }
}

/// The address as it fits its cell: in the largest font in which all of it fits, or truncated in the smallest.
pub fn fit_address(paper: SlipPaper, address: &str) -> (AddressSize, String) {
    let PaperMeasures { address_width, address_sizes, .. } = measures(paper);
    for (size, font_mm, lines) in address_sizes {
        if lines_of(address, address_width / font_mm) <= *lines {
            return (*size, address.to_owned());
        }
    }
    let (size, font_mm, lines) = address_sizes[address_sizes.len() - 1];
    (size, ellipsize(address, address_width / font_mm, lines))
}

/// The font size of an address, which is to be read from a metre away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressSize {
    /// 24 pt on A4, 18 pt on A5
    Large,
    /// 20 pt on A4, 15 pt on A5
    Medium,
    /// 16 pt on A4, 12 pt on A5
    Small,
}

impl AddressSize {
    /// The class in the style sheet.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Large => "large",
            Self::Medium => "medium",
            Self::Small => "small",
        }
    }
}

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
    /// state of the order, or what is done with it
    pub state: &'static str,
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
pub fn sheets(paper: SlipPaper, lines: &[SlipLine], message: &str, memo: &str) -> Vec<SlipSheet> {
    let measures = measures(paper);
    let mut pages = paginate(measures, lines);
    let of = pages.len();
    let further = pages.split_off(1);
    let mut sheets: Vec<SlipSheet> =
        pages.iter().map(|first| SlipSheet { of, ..first_sheet(measures, first, message, memo) }).collect();
    for (number, lines) in (2..).zip(&further) {
        let lines = lines.iter().map(|line| ellipsize_line(measures, line, FontSize::Tiny, 2)).collect();
        let (message, memo) = (String::new(), String::new());
        sheets.push(SlipSheet { size: FontSize::Tiny, lines, message, memo, number, of });
    }
    sheets
}

/// Distributes the lines to sheets, grouped by recipient.
fn paginate(measures: &PaperMeasures, lines: &[SlipLine]) -> Vec<Vec<SlipLine>> {
    let mut recipients: Vec<Option<&String>> = vec![None];
    for line in lines {
        if !recipients.contains(&line.other_recipient.as_ref()) {
            recipients.push(line.other_recipient.as_ref());
        }
    }
    let mut sheets = vec![Vec::new()];
    let (mut rows_left, mut heading) = (measures.max_first_rows, None);
    let grouped = recipients
        .iter()
        .flat_map(|recipient| lines.iter().filter(move |line| line.other_recipient.as_ref() == *recipient));
    for line in grouped {
        let recipient = line.other_recipient.as_ref();
        let needs_heading = |heading: Option<&String>| recipient.is_some() && recipient != heading;
        if rows_left < 1 + usize::from(needs_heading(heading)) {
            sheets.push(Vec::new());
            (rows_left, heading) = (measures.max_next_rows, None);
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

fn first_sheet(measures: &PaperMeasures, lines: &[SlipLine], message: &str, memo: &str) -> SlipSheet {
    let sheet = |size, lines, message, memo| SlipSheet { size, lines, message, memo, number: 1, of: 1 };
    let fits = |size: &FontSize| height_mm(measures, *size, lines, message, memo) <= measures.content_height;
    if let Some(size) = FontSize::ALL.into_iter().find(fits) {
        return sheet(size, lines.to_vec(), message.to_owned(), memo.to_owned());
    }
    // At most two lines per order; the rest of the height is for the texts, at least a third for each.
    let size = FontSize::Tiny;
    let lines: Vec<SlipLine> = lines.iter().map(|line| ellipsize_line(measures, line, size, 2)).collect();
    let (_, line_height, padding) = size.measures_mm();
    let left =
        ((measures.content_height - height_mm(measures, size, &lines, "", "") - 2.0 * padding) / line_height).floor();
    let needed = |text: &str| lines_of(text, size.per_line(measures.text_width));
    let for_memo = needed(memo).min((left / 3.0).floor().max(left - needed(message)));
    let for_message = needed(message).min(left - for_memo);
    let clip = |text: &str, lines| ellipsize(text, size.per_line(measures.text_width), lines);
    sheet(size, lines, clip(message, for_message), clip(memo, for_memo))
}

fn ellipsize_line(measures: &PaperMeasures, line: &SlipLine, size: FontSize, lines: u8) -> SlipLine {
    let clip = |text: &str, width| ellipsize(text, size.per_line(width), f64::from(lines));
    SlipLine {
        product: clip(&line.product, measures.product_width),
        other_recipient: line.other_recipient.as_deref().map(|recipient| clip(recipient, measures.recipient_width)),
        ..line.clone()
    }
}

/// Height of orders and texts.
fn height_mm(measures: &PaperMeasures, size: FontSize, lines: &[SlipLine], message: &str, memo: &str) -> f64 {
    let (_, line_height, padding) = size.measures_mm();
    let row = |text: &str, width| lines_of(text, size.per_line(width)) * line_height + padding;
    let heading = |line: &SlipLine| {
        line.other_recipient.as_deref().map_or(0.0, |recipient| row(recipient, measures.recipient_width))
    };
    let table: f64 = lines.iter().map(|line| row(&line.product, measures.product_width) + heading(line)).sum();
    let texts: f64 =
        [message, memo].into_iter().filter(|text| !text.is_empty()).map(|text| row(text, measures.text_width)).sum();
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

/// Lines that a text fills, broken between words as the style sheet does (`word-break: keep-all`); a word that is longer
/// than a line is broken anywhere.
fn lines_of(text: &str, per_line: f64) -> f64 {
    text.split('\n').map(|line| wrapped_lines(line, per_line)).sum()
}

fn wrapped_lines(line: &str, per_line: f64) -> f64 {
    let (mut lines, mut used) = (1.0, 0.0);
    for word in line.split_inclusive(' ') {
        let needed: f64 = word.trim_end().chars().map(width).sum();
        if used > 0.0 && used + needed > per_line {
            lines += 1.0;
            used = 0.0;
        }
        let full_lines = if needed > per_line { (needed / per_line).floor() } else { 0.0 };
        lines += full_lines;
        used += word.chars().map(width).sum::<f64>() - full_lines * per_line;
    }
    lines
}

/// Truncates a text to so many lines; a truncated text ends with `…`.
pub fn ellipsize(text: &str, per_line: f64, lines: f64) -> String {
    if lines_of(text, per_line) <= lines {
        return text.to_owned();
    }
    let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let clipped = |end: usize| format!("{}…", text[..end].trim_end());
    let fitting = ends.partition_point(|end| lines_of(&clipped(*end), per_line) <= lines);
    clipped(fitting.checked_sub(1).map_or(0, |last| ends[last]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const A4_PAPER: SlipPaper = SlipPaper::A4;

    fn lines(count: usize, product: &str) -> Vec<SlipLine> {
        let line = SlipLine { state: "출고", product: product.to_owned(), quantity: 1, other_recipient: None };
        vec![line; count]
    }

    #[test]
    fn font_size_decreases_with_the_text() {
        let size = |count, product: &str, message: &str| sheets(A4_PAPER, &lines(count, product), message, "")[0].size;
        let long = "로얄 퀸 매트리스 라텍스 토퍼 포함 [색상: 아이보리, 사이즈: 퀸, 방향: 왼쪽]";
        assert_eq!(size(1, "원목 침대", "문 앞에 놓아 주세요."), FontSize::Large);
        assert_eq!(size(12, "원목 침대", ""), FontSize::Large);
        assert_eq!(size(12, long, "문 앞"), FontSize::Medium);
        assert_eq!(size(12, &long.repeat(2), "문 앞"), FontSize::Small);
        assert_eq!(size(12, &long.repeat(2), &long.repeat(5)), FontSize::Tiny);
    }

    #[test]
    fn orders_beyond_twelve_continue_on_further_sheets() {
        let rows = |count| {
            sheets(A4_PAPER, &lines(count, "침대"), "", "").iter().map(|sheet| sheet.lines.len()).collect::<Vec<_>>()
        };
        assert_eq!(rows(0), [0]);
        assert_eq!(rows(12), [12]);
        assert_eq!(rows(13), [12, 1]);
        assert_eq!(rows(60), [12, 26, 22]);
        let sheets = sheets(A4_PAPER, &lines(13, "침대"), "부재 시 전화", "");
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
            sheets(A4_PAPER, &orders_to(names), "", "")
                .iter()
                .map(|sheet| sheet.lines.iter().map(head).collect())
                .collect()
        };
        assert_eq!(headings("가-나-가"), ["--가-나"], "one heading, before the first order of a recipient");
        assert_eq!(headings("-----------가"), ["-----------", "가"], "eleven orders and a heading fill twelve rows");
        assert_eq!(headings("가가가가가가가가가가가가"), ["가----------", "가"], "the next sheet repeats the heading");
    }

    #[test]
    fn half_a_sheet_has_eight_orders() {
        let rows = |count| {
            let sheets = sheets(SlipPaper::A5, &lines(count, "침대"), "", "");
            sheets.iter().map(|sheet| sheet.lines.len()).collect::<Vec<_>>()
        };
        assert_eq!((rows(8), rows(9), rows(25)), (vec![8], vec![8, 1], vec![8, 16, 1]));
    }

    #[test]
    fn short_address_is_printed_large_and_a_long_one_whole() {
        let size = |address: &str| fit_address(SlipPaper::A4, address).0;
        assert_eq!(size("경상북도 포항시 북구 예시로 12, 101동 1203호"), AddressSize::Large);
        let long =
            "강원특별자치도 춘천시 동내면 예시로 123번길 45-6, 예시마을 한빛아파트 제102동 제1503호 (거두리, 예시단지)";
        assert_eq!(fit_address(SlipPaper::A4, long), (AddressSize::Medium, long.to_owned()));
        for paper in SlipPaper::ALL {
            let (size, address) = fit_address(paper, &long.repeat(4));
            assert!(size == AddressSize::Small && address.ends_with('…'));
        }
    }

    #[test]
    fn too_long_texts_end_with_an_ellipsis() {
        let long = "가".repeat(5_000);
        let sheet = &sheets(A4_PAPER, &lines(12, &long), &long, "짧은 메모")[0];
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
            for paper in SlipPaper::ALL {
                let (measures, sheets) = (measures(paper), sheets(paper, &lines, &message, &memo));
                let sheet = &sheets[0];
                let height = height_mm(measures, sheet.size, &sheet.lines, &sheet.message, &sheet.memo);
                prop_assert!(height <= measures.content_height);
                prop_assert_eq!(sheets.iter().map(|sheet| sheet.lines.len()).sum::<usize>(), lines.len());
                prop_assert!(sheets.len() == 1 || lines.len() + groups.len() > measures.max_first_rows);
            }
        }
    }
}

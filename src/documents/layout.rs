//! Blocks → marks on pages of A4. All lengths are points (1/72 inch), from the left and from the top of the page.

use super::font::DocumentFont;
use super::model::{Block, Document, DocumentTable, Figure, Image};
use super::wrap::{clean, width, wrap};

/// Size of a page: A4.
pub(super) const PAGE: (f32, f32) = (595.28, 841.89);

/// Left and right margin.
const SIDE: f32 = 51.0;
const TOP: f32 = 51.0;
/// Where the text ends; the footer is below it.
const BOTTOM: f32 = PAGE.1 - 62.0;
/// Baseline of the footer.
const FOOTER: f32 = PAGE.1 - 34.0;
/// Width of the text.
const WIDTH: f32 = PAGE.0 - 2.0 * SIDE;

/// Height of a line, in relation to the size of the letters.
const LEADING: f32 = 1.5;
/// From the top of a line to its baseline, likewise.
const BASELINE: f32 = 1.1;

const TITLE: f32 = 18.0;
const HEADING: f32 = 12.0;
const BODY: f32 = 9.5;
const CELL: f32 = 9.0;
const SMALL: f32 = 7.5;

/// Space on each side of the text of a cell.
const PADDING: f32 = 4.0;
/// Space between two images.
const GUTTER: f32 = 14.0;
/// Greatest height of an image.
const MAX_IMAGE: f32 = 300.0;

/// Something drawn on a page.
#[derive(Clone, Debug)]
pub(super) enum Mark<'d> {
    /// a text, from its baseline
    Text { x: f32, y: f32, size: f32, is_bold: bool, text: String },
    /// a horizontal line
    Rule { x: f32, y: f32, width: f32 },
    /// a grey area
    Shade { x: f32, y: f32, width: f32, height: f32 },
    /// an image
    Image { x: f32, y: f32, width: f32, height: f32, image: &'d Image },
}

/// The marks of a page.
pub(super) type Marks<'d> = Vec<Mark<'d>>;

/// Lays a document out. There is at least one page.
pub(super) fn lay_out<'d>(document: &'d Document, font: &DocumentFont<'_>) -> Vec<Marks<'d>> {
    let mut flow = Flow { font, pages: vec![Vec::new()], y: TOP };
    flow.text(&document.title, TITLE, true);
    flow.y += 6.0;
    for block in &document.blocks {
        match block {
            Block::Heading(text) => flow.heading(text),
            Block::Paragraph(text) => {
                flow.text(text, BODY, false);
                flow.y += 4.0;
            }
            Block::Note(text) => {
                flow.text(text, SMALL, false);
                flow.y += 4.0;
            }
            Block::Table(table) => flow.table(table),
            Block::Figures(figures) => flow.figures(figures),
        }
    }
    let mut pages = flow.pages;
    let count = pages.len();
    for (number, page) in (1..).zip(&mut pages) {
        let number = format!("{number} / {count}");
        let at = SIDE + WIDTH - width(&number, SMALL, font);
        page.push(Mark::Rule { x: SIDE, y: FOOTER - 11.0, width: WIDTH });
        let footer = wrap(&clean(&document.footer), SMALL, WIDTH - 60.0, font).swap_remove(0);
        page.push(Mark::Text { x: SIDE, y: FOOTER, size: SMALL, is_bold: false, text: footer });
        page.push(Mark::Text { x: at, y: FOOTER, size: SMALL, is_bold: false, text: number });
    }
    pages
}

/// Where the next block is put.
struct Flow<'d, 'f, 'b> {
    font: &'f DocumentFont<'b>,
    pages: Vec<Marks<'d>>,
    /// from the top of the last page
    y: f32,
}

/// A row of a table whose texts are wrapped.
struct WrappedRow {
    cells: Vec<Vec<String>>,
    lines: usize,
}

impl<'d> Flow<'d, '_, '_> {
    fn put(&mut self, mark: Mark<'d>) {
        if let Some(page) = self.pages.last_mut() {
            page.push(mark);
        }
    }

    fn turn_page(&mut self) {
        self.pages.push(Vec::new());
        self.y = TOP;
    }

    /// Turns the page unless this height is left.
    fn need(&mut self, height: f32) {
        if self.y + height > BOTTOM && self.y > TOP {
            self.turn_page();
        }
    }

    fn text(&mut self, text: &str, size: f32, is_bold: bool) {
        for line in wrap(&clean(text), size, WIDTH, self.font) {
            self.need(size * LEADING);
            self.put(Mark::Text { x: SIDE, y: self.y + size * BASELINE, size, is_bold, text: line });
            self.y += size * LEADING;
        }
    }

    fn heading(&mut self, text: &str) {
        // Not alone at the end of a page.
        self.need(12.0 + HEADING * LEADING + 3.0 * CELL * LEADING);
        if self.y > TOP {
            self.y += 12.0;
        }
        self.text(text, HEADING, true);
        self.y += 2.0;
    }

    fn table(&mut self, table: &'d DocumentTable) {
        let shares: f32 = table.columns.iter().map(|column| column.share).sum();
        let widths: Vec<f32> = table.columns.iter().map(|column| WIDTH * column.share / shares.max(1.0)).collect();
        let wrap_row = |texts: &mut dyn Iterator<Item = &str>| {
            let cells: Vec<Vec<String>> = widths
                .iter()
                .map(|width| wrap(&clean(texts.next().unwrap_or_default()), CELL, width - 2.0 * PADDING, self.font))
                .collect();
            let lines = cells.iter().map(Vec::len).max().unwrap_or(1);
            WrappedRow { cells, lines }
        };
        let headings = wrap_row(&mut table.columns.iter().map(|column| column.heading.as_str()));
        let has_headings = table.columns.iter().any(|column| !column.heading.is_empty());
        let rows: Vec<WrappedRow> =
            table.rows.iter().map(|row| wrap_row(&mut row.iter().map(String::as_str))).collect();
        let first = rows.first().map_or(0.0, |row| row_height(row.lines));
        if has_headings {
            self.need(row_height(headings.lines) + first.min(BOTTOM / 2.0));
            self.headings(&headings, table, &widths);
        } else {
            self.need(first.min(BOTTOM / 2.0));
            self.put(Mark::Rule { x: SIDE, y: self.y, width: WIDTH });
        }
        // Lines of a row that an empty page has at least.
        let on_new_page = lines_in(BOTTOM - TOP).saturating_sub(if has_headings { headings.lines + 1 } else { 0 });
        for row in &rows {
            let (mut shown, mut is_new_page) = (0, self.y <= TOP);
            while shown < row.lines {
                let (left, rest) = (lines_in(BOTTOM - self.y), row.lines - shown);
                // A row is broken only if it is longer than a page.
                let fits = rest <= left || (rest > on_new_page && left > 2);
                if !fits && !is_new_page {
                    self.turn_page();
                    if has_headings {
                        self.headings(&headings, table, &widths);
                    }
                    is_new_page = true;
                    continue;
                }
                let now = rest.min(left.max(1));
                self.row(row, shown..shown + now, table, &widths, false);
                (shown, is_new_page) = (shown + now, false);
            }
        }
        self.y += 8.0;
    }

    fn headings(&mut self, headings: &WrappedRow, table: &DocumentTable, widths: &[f32]) {
        self.put(Mark::Shade { x: SIDE, y: self.y, width: WIDTH, height: row_height(headings.lines) });
        self.row(headings, 0..headings.lines, table, widths, true);
    }

    /// Some lines of a row, with a line below.
    fn row(
        &mut self,
        row: &WrappedRow,
        shown: std::ops::Range<usize>,
        table: &DocumentTable,
        widths: &[f32],
        is_bold: bool,
    ) {
        let mut left = SIDE;
        for ((cell, width_of), column) in row.cells.iter().zip(widths).zip(&table.columns) {
            for (position, line) in cell.iter().enumerate().skip(shown.start).take(shown.len()) {
                let position = f32::from(u16::try_from(position - shown.start).unwrap_or(u16::MAX));
                let indent = if column.is_number { width_of - PADDING - width(line, CELL, self.font) } else { PADDING };
                let y = self.y + PADDING + position * CELL * LEADING + CELL * BASELINE;
                let is_bold = is_bold || column.is_heading;
                if !line.is_empty() {
                    self.put(Mark::Text { x: left + indent, y, size: CELL, is_bold, text: line.clone() });
                }
            }
            left += width_of;
        }
        self.y += row_height(shown.len());
        self.put(Mark::Rule { x: SIDE, y: self.y, width: WIDTH });
    }

    fn figures(&mut self, figures: &'d [Figure]) {
        let column = (WIDTH - GUTTER) / 2.0;
        for pair in figures.chunks(2) {
            let sizes: Vec<(f32, f32)> = pair.iter().map(|figure| fit(&figure.image, column)).collect();
            let captions: Vec<Vec<String>> =
                pair.iter().map(|figure| wrap(&clean(&figure.caption), SMALL, column, self.font)).collect();
            let image_height = sizes.iter().map(|(_, height)| *height).fold(0.0, f32::max);
            let lines = captions.iter().map(Vec::len).max().unwrap_or(0);
            let caption_height = f32::from(u16::try_from(lines).unwrap_or(u16::MAX)) * SMALL * LEADING;
            self.need(image_height + caption_height + 8.0);
            for (position, (figure, caption)) in pair.iter().zip(captions).enumerate() {
                let x = if position == 0 { SIDE } else { SIDE + column + GUTTER };
                let (width, height) = sizes[position];
                self.put(Mark::Image { x, y: self.y, width, height, image: &figure.image });
                let mut y = self.y + height + SMALL * LEADING;
                for line in caption {
                    self.put(Mark::Text { x, y, size: SMALL, is_bold: false, text: line });
                    y += SMALL * LEADING;
                }
            }
            self.y += image_height + caption_height + 14.0;
        }
    }
}

fn row_height(lines: usize) -> f32 {
    f32::from(u16::try_from(lines).unwrap_or(u16::MAX)) * CELL * LEADING + 2.0 * PADDING
}

/// Number of lines of a row that fit into a height.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a page has fewer than a hundred lines")]
fn lines_in(height: f32) -> usize {
    // A hundredth of a point for what additions of lengths lose.
    ((height - 2.0 * PADDING + 0.01) / (CELL * LEADING)).max(0.0) as usize
}

/// Size of an image in a column.
fn fit(image: &Image, column: f32) -> (f32, f32) {
    let (width, height) = match image {
        Image::Jpeg { size, .. } => (f32::from(size.0), f32::from(size.1)),
        Image::Strokes { size, .. } => *size,
    };
    let scale = (column / width).min(MAX_IMAGE / height);
    (width * scale, height * scale)
}

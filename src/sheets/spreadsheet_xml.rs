//! SpreadsheetML 2003: workbooks of one XML file, which malls give out as .xls.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use super::cell::{Cell, MergedArea, Row};
use super::error::SheetError;
use super::limits::{LimitCounter, MAX_TEXT_CHARS, truncate};
use super::markup::{Attributes, Scanner, Token, decode_into};
use super::number_format::NumberFormat;
use super::xlsx_parts::{MAX_NUMBER_FORMATS, is_true};

/// Sheets beyond are ignored.
const MAX_SHEETS: usize = 100;
/// Row and column numbers beyond are an error of the file.
const MAX_INDEX: usize = 1_048_576;
/// Styles beyond are unknown.
const MAX_STYLES: usize = 65_536;
/// Column styles beyond are ignored.
const MAX_COLUMN_STYLES: usize = 1_000;

/// The sheets and number formats of a file.
#[derive(Debug)]
pub(super) struct SpreadsheetXml {
    /// names, and whether they are hidden
    pub(super) sheets: Vec<(String, bool)>,
    /// formats by the id of the style; none for General
    formats: HashMap<String, Option<NumberFormat>>,
    /// ids of the styles, also of those without a format
    styles: HashSet<String>,
    unknown: NumberFormat,
}

impl SpreadsheetXml {
    /// Finds the sheets and the formats.
    ///
    /// # Errors
    /// There is no sheet.
    pub(super) fn open(text: &str) -> Result<Self, SheetError> {
        let (sheets, formats, styles) = (Vec::new(), HashMap::new(), HashSet::new());
        let mut file = Self { sheets, formats, styles, unknown: NumberFormat::unknown() };
        let mut scanner = Scanner::new(text.as_bytes());
        let mut style = String::new();
        let mut parents: Vec<(String, String)> = Vec::new();
        let mut is_visibility = false;
        while let Some(token) = scanner.next().map_err(|_| SheetError::Damaged)? {
            match token {
                Token::Open { name: b"Worksheet", attributes, .. } if file.sheets.len() < MAX_SHEETS => {
                    file.sheets.push((attributes.get(b"Name").unwrap_or_default().into_owned(), false));
                }
                Token::Open { name: b"Style", attributes, .. } => {
                    style = attributes.get(b"ID").unwrap_or_default().into_owned();
                    if file.styles.len() < MAX_STYLES {
                        file.styles.insert(style.clone());
                    }
                    if let Some(parent) = attributes.get(b"Parent").filter(|_| parents.len() < MAX_NUMBER_FORMATS) {
                        parents.push((style.clone(), parent.into_owned()));
                    }
                }
                Token::Open { name: b"NumberFormat", attributes, .. } if file.formats.len() < MAX_NUMBER_FORMATS => {
                    let format = attributes.get(b"Format").and_then(|code| format(&code));
                    file.formats.insert(style.clone(), format);
                }
                Token::Open { name: b"NumberFormat", .. } => drop(file.styles.remove(&style)),
                Token::Open { name: b"Visible", .. } => is_visibility = true,
                Token::Close(b"Visible") => is_visibility = false,
                Token::Text(text) if is_visibility && text.starts_with(b"Sheet") => {
                    if let Some((_, is_hidden)) = file.sheets.last_mut() {
                        *is_hidden = text != b"SheetVisible";
                    }
                }
                _ => {}
            }
        }
        file.inherit(&parents);
        if file.sheets.is_empty() { Err(SheetError::Damaged) } else { Ok(file) }
    }

    /// Gives the styles without a format that of their parent.
    fn inherit(&mut self, parents: &[(String, String)]) {
        const MAX_DEPTH: usize = 8;
        for _ in 0..MAX_DEPTH {
            let heirs = parents.iter().filter(|(style, _)| !self.formats.contains_key(style));
            let inherited: Vec<_> =
                heirs.filter_map(|(style, parent)| Some((style.clone(), self.formats.get(parent)?.clone()))).collect();
            if inherited.is_empty() {
                return;
            }
            self.formats.extend(inherited);
        }
    }

    /// Calls `visit` with each row of a sheet. True if the sheet has no end: the file was cut off when it was made.
    ///
    /// # Errors
    /// The sheet exceeds the limits.
    pub(super) fn rows(
        &self,
        text: &str,
        sheet: usize,
        counter: &mut LimitCounter,
        visit: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
    ) -> Result<bool, SheetError> {
        SheetReader::new(self).read((text, sheet), counter, visit)
    }

    /// The merged areas of a sheet.
    pub(super) fn merged_areas(&self, text: &str, sheet: usize, counter: &mut LimitCounter) -> Vec<MergedArea> {
        let mut reader = SheetReader::new(self);
        // What exceeds the limits is refused when the rows are read.
        let _ = reader.read((text, sheet), counter, &mut |_| ControlFlow::Continue(()));
        reader.merged
    }
}

/// The format of a code or of a name that Excel gives to some codes; none for General.
fn format(code: &str) -> Option<NumberFormat> {
    let code = match code {
        "General" | "" => return None,
        "General Date" => "yyyy-mm-dd h:mm",
        "Short Date" | "Medium Date" => "yyyy-mm-dd",
        "Long Date" => "yyyy\"년\" m\"월\" d\"일\"",
        "Long Time" | "Medium Time" => "h:mm:ss",
        "Short Time" => "h:mm",
        "Currency" | "Euro Currency" => "\"₩\"#,##0",
        "Fixed" => "0.00",
        "Standard" => "#,##0.00",
        "Percent" => "0.00%",
        "Scientific" => "0.00E+00",
        code => code,
    };
    Some(NumberFormat::parse(code))
}

struct SheetReader<'f> {
    file: &'f SpreadsheetXml,
    number: usize,
    is_hidden: bool,
    column: usize,
    styles: OuterStyles,
    style: String,
    merge: (usize, usize),
    kind: String,
    text: String,
    is_in_data: bool,
    is_in_comment: bool,
    merged: Vec<MergedArea>,
}

/// Styles of the cells that name none: that of their row, of their column, or of the table.
#[derive(Default)]
struct OuterStyles {
    row: Option<String>,
    /// first and last column, and its style
    columns: Vec<(usize, usize, String)>,
    table: Option<String>,
}

impl OuterStyles {
    fn open_table(&mut self, attributes: Attributes<'_>) {
        self.table = attributes.get(b"StyleID").map(Cow::into_owned);
    }

    fn open_column(&mut self, attributes: Attributes<'_>) {
        let next = self.columns.last().map_or(0, |(_, last, _)| last + 1);
        let first = index(attributes, b"Index").map_or(next, |index| index - 1);
        let last = first + index(attributes, b"Span").unwrap_or(0);
        if self.columns.len() < MAX_COLUMN_STYLES {
            self.columns.push((first, last, attributes.get(b"StyleID").unwrap_or_default().into_owned()));
        }
    }

    fn of(&self, column: usize) -> &str {
        let columns =
            || self.columns.iter().find(|(first, last, style)| (*first..=*last).contains(&column) && !style.is_empty());
        let style = self.row.as_deref().or_else(|| columns().map(|(.., style)| style.as_str()));
        style.or(self.table.as_deref()).unwrap_or_default()
    }
}

impl<'f> SheetReader<'f> {
    fn new(file: &'f SpreadsheetXml) -> Self {
        Self {
            file,
            number: 0,
            is_hidden: false,
            column: 0,
            styles: OuterStyles::default(),
            style: String::new(),
            merge: (0, 0),
            kind: String::new(),
            text: String::new(),
            is_in_data: false,
            is_in_comment: false,
            merged: Vec::new(),
        }
    }

    fn read(
        &mut self,
        (text, sheet): (&str, usize),
        counter: &mut LimitCounter,
        visit: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
    ) -> Result<bool, SheetError> {
        let mut scanner = Scanner::new(text.as_bytes());
        let mut sheets = 0;
        let mut row = Row { number: 0, cells: Vec::new(), date1904: false, is_hidden: false, is_cut: false };
        while let Some(token) = scanner.next().map_err(|_| SheetError::Damaged)? {
            match token {
                Token::Open { name: b"Worksheet", .. } => sheets += 1,
                Token::Close(b"Worksheet") if sheets == sheet + 1 => return Ok(false),
                _ if sheets != sheet + 1 => {}
                Token::Open { name: b"Table", attributes, .. } => self.styles.open_table(attributes),
                Token::Open { name: b"Column", attributes, .. } => self.styles.open_column(attributes),
                Token::Open { name: b"Row", attributes, is_empty } => {
                    self.open_row(attributes);
                    row.cells.clear();
                    if is_empty {
                        self.is_in_data = false;
                    }
                }
                Token::Open { name: b"Cell", attributes, is_empty } => {
                    counter.cell()?;
                    self.open_cell(attributes);
                    if is_empty {
                        self.close_cell(&mut row, counter.max_columns());
                    }
                }
                Token::Open { name: b"Comment", is_empty, .. } => self.is_in_comment = !is_empty,
                Token::Close(b"Comment") => self.is_in_comment = false,
                Token::Open { name: b"Data", attributes, is_empty } if !self.is_in_comment => {
                    self.kind = attributes.get(b"Type").unwrap_or_default().into_owned();
                    self.is_in_data = !is_empty;
                }
                Token::Close(b"Data") => self.is_in_data = false,
                Token::Text(text) if self.is_in_data && self.text.len() < MAX_TEXT_CHARS * 4 => {
                    decode_into(text, &mut self.text);
                }
                Token::Literal(text) if self.is_in_data && self.text.len() < MAX_TEXT_CHARS * 4 => {
                    self.text.push_str(&String::from_utf8_lossy(text));
                }
                Token::Close(b"Cell") => self.close_cell(&mut row, counter.max_columns()),
                Token::Close(b"Row") if !row.cells.is_empty() => {
                    row.number = u32::try_from(self.number).unwrap_or(u32::MAX);
                    row.is_hidden = self.is_hidden;
                    counter.row(0)?;
                    if visit(&row).is_break() {
                        return Ok(false);
                    }
                    row.cells.clear();
                }
                _ => {}
            }
        }
        Ok(true)
    }

    fn open_row(&mut self, attributes: Attributes<'_>) {
        self.number = index(attributes, b"Index").unwrap_or(self.number + 1).min(MAX_INDEX);
        self.is_hidden = attributes.get(b"Hidden").is_some_and(|flag| is_true(&flag));
        self.styles.row = attributes.get(b"StyleID").map(Cow::into_owned);
        self.column = 0;
    }

    fn open_cell(&mut self, attributes: Attributes<'_>) {
        if let Some(index) = index(attributes, b"Index") {
            self.column = index - 1;
        }
        let own = attributes.get(b"StyleID").map(Cow::into_owned);
        self.style = own.unwrap_or_else(|| self.styles.of(self.column).to_owned());
        self.merge = (index(attributes, b"MergeAcross").unwrap_or(0), index(attributes, b"MergeDown").unwrap_or(0));
        self.text.clear();
        self.kind.clear();
        self.is_in_data = false;
    }

    fn close_cell(&mut self, row: &mut Row<'f>, max_columns: usize) {
        let (first, (across, down)) = (self.column, self.merge);
        self.column = (first + 1 + across).min(MAX_INDEX);
        self.is_in_data = false;
        if down > 0 {
            let number = |row: usize| u32::try_from(row.min(MAX_INDEX)).unwrap_or(u32::MAX);
            let rows = (number(self.number), number(self.number + down));
            self.merged.push(MergedArea { rows, columns: (first, first + across) });
        }
        if first < max_columns {
            row.set_cell(first, self.cell());
        }
        // A cell whose start tag is broken has no content of its own.
        self.text.clear();
    }

    fn cell(&self) -> Cell<'f> {
        let trimmed = self.text.trim();
        let file = self.file;
        let format = match file.formats.get(&self.style) {
            Some(format) => format.as_ref(),
            None if self.style.is_empty() || file.styles.contains(&self.style) => None,
            None => Some(&file.unknown),
        };
        let error = || Cell::Error(truncate(&self.text).to_owned().into());
        let number = |number: f64| format.map_or(Cell::Number(number), |format| Cell::Formatted(number, format));
        match self.kind.as_str() {
            "String" | "" if self.text.is_empty() => Cell::Empty,
            "String" | "" => Cell::of_text(truncate(&self.text).to_owned()),
            _ if trimmed.is_empty() => Cell::Empty,
            "Number" => trimmed.parse().ok().filter(|number: &f64| number.is_finite()).map_or_else(error, number),
            "DateTime" => match (Cell::date_of_iso(trimmed), format.filter(|format| format.is_date())) {
                (Some(moment), Some(format)) => Cell::Formatted(Cell::serial_of_date(moment), format),
                (Some(moment), None) => Cell::DateTime(moment),
                (None, _) => error(),
            },
            "Boolean" if matches!(trimmed, "0" | "1") => Cell::Bool(trimmed == "1"),
            _ => error(),
        }
    }
}

/// A number from 1.
fn index(attributes: Attributes<'_>, name: &[u8]) -> Option<usize> {
    attributes.get(name).and_then(|text| text.trim().parse().ok()).filter(|index| (1..=MAX_INDEX).contains(index))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheets::{Limits, values};

    const FILE: &str = "<?xml version='1.0'?><Workbook xmlns='urn:schemas-microsoft-com:office:spreadsheet' xmlns:ss='u'>\
        <Styles><Style ss:ID='d'><NumberFormat ss:Format='Short Date'/></Style></Styles>\
        <Worksheet ss:Name='숨김'><Table/><WorksheetOptions><Visible>SheetHidden</Visible></WorksheetOptions></Worksheet>\
        <Worksheet ss:Name='주문'><Table><Row ss:Index='3'><Cell ss:Index='2'><Data ss:Type='String'>가&amp;나</Data>\
        <Comment><ss:Data ss:Type='String'>메모</ss:Data></Comment></Cell>\
        <Cell ss:MergeDown='1'><Data ss:Type='Number'>1.5</Data></Cell><Cell ss:StyleID='d'><Data ss:Type='DateTime'>2026-11-27T00:00:00.000</Data></Cell>\
        <Cell><Data ss:Type='Error'>#N/A</Data></Cell></Row><Row ss:Hidden='1'><Cell><Data ss:Type='Boolean'>1</Data></Cell></Row></Table></Worksheet></Workbook>";

    #[test]
    fn cells_are_read_by_position_type_and_style() {
        let file = SpreadsheetXml::open(FILE).expect("a workbook");
        assert_eq!(file.sheets, [("숨김".to_owned(), true), ("주문".to_owned(), false)]);
        let mut counter = LimitCounter::new(Limits::default());
        let mut seen = Vec::new();
        let mut visit = |row: &Row<'_>| {
            let cells: Vec<_> = row.cells.iter().map(values::shown).collect();
            seen.push(format!("{}:{}{}", row.number, cells.join("|"), if row.is_hidden { " hidden" } else { "" }));
            ControlFlow::Continue(())
        };
        file.rows(FILE, 1, &mut counter, &mut visit).expect("read");
        assert_eq!(seen, ["3:|가&나|1.5|2026-11-27|#N/A", "4:TRUE hidden"]);
        assert_eq!(file.merged_areas(FILE, 1, &mut counter), [MergedArea { rows: (3, 4), columns: (2, 2) }]);
    }

    #[test]
    fn number_of_a_style_that_the_file_lacks_has_an_unknown_format() {
        let text = FILE.replace(
            "ss:StyleID='d'><Data ss:Type='DateTime'>2026-11-27T00:00:00.000",
            "ss:StyleID='x'><Data ss:Type='Number'>7",
        );
        let file = SpreadsheetXml::open(&text).expect("a workbook");
        let mut lacks = Vec::new();
        let mut visit = |row: &Row<'_>| {
            lacks.extend(row.cells.iter().map(Cell::lacks_format));
            ControlFlow::Continue(())
        };
        file.rows(&text, 1, &mut LimitCounter::new(Limits::default()), &mut visit).expect("read");
        assert_eq!(lacks, [false, false, false, true, false, false]);
    }

    #[test]
    fn cell_without_a_style_has_that_of_its_row_column_or_table() {
        let number = |style: &str| format!("<Cell{style}><Data ss:Type='Number'>12</Data></Cell>");
        let row = |row: &str, cells: &str| format!("<Row{row}>{cells}</Row>");
        let text = format!(
            "<Workbook xmlns='urn:schemas-microsoft-com:office:spreadsheet' xmlns:ss='u'><Styles>\
             <Style ss:ID='four'><NumberFormat ss:Format='0000'/></Style><Style ss:ID='child' ss:Parent='four'/>\
             <Style ss:ID='plain' ss:Parent='four'><NumberFormat/></Style>\
             <Style ss:ID='six'><NumberFormat ss:Format='000000'/></Style></Styles><Worksheet ss:Name='a'>\
             <Table ss:StyleID='six'><Column ss:StyleID='child' ss:Span='1'/><Column ss:Index='4'/>{}{}</Table></Worksheet></Workbook>",
            row("", &[number(""), number(" ss:StyleID='plain'"), number(""), number("")].concat()),
            row(" ss:StyleID='four'", &[number(""), number(" ss:StyleID='six'"), number("")].concat()),
        );
        let file = SpreadsheetXml::open(&text).expect("a workbook");
        let read = |text: &str| {
            let mut seen = Vec::new();
            let mut visit = |row: &Row<'_>| {
                seen.push(row.cells.iter().map(values::shown).collect::<Vec<_>>().join("|"));
                ControlFlow::Continue(())
            };
            let is_cut_off = file.rows(text, 0, &mut LimitCounter::new(Limits::default()), &mut visit).expect("read");
            (seen, is_cut_off)
        };
        assert_eq!(read(&text), (vec!["0012|12|000012|000012".to_owned(), "0012|000012|0012".to_owned()], false));
        let cut = text.find("</Row>").expect("a row") + 6;
        assert_eq!(read(&text[..cut]), (vec!["0012|12|000012|000012".to_owned()], true));
    }
}
